//! A heap-free RV32 machine: executor, tables and traces.
//!
//! [`Program`] is what an ELF file loads, [`Machine`] executes it epoch by epoch into an
//! [`EpochRecord`], and [`EpochTable`] is every AIR of an epoch, with its fillers. A [`Setup`] fixes
//! what decides the bytes of every proof, and an [`EpochProver`] executes and proves epoch after
//! epoch in the caller's buffers, on a device as on a host. [`batches`] has a whole run as one proof, for the
//! core's prove-and-retire. `docs/machine.md` lists tables and columns and says what constrains each.
#![no_std]

mod air;
pub mod batches;
pub mod blocks;
pub mod bus;
pub mod cells;
pub mod checkpoint;
pub mod columns;
pub mod decode;
pub mod epoch;
pub mod exec;
pub mod fit;
pub mod hash;
mod identity;
pub mod merge;
pub mod program;
pub mod prove;
pub mod public;
mod row;
pub mod settings;
pub mod setup;
pub mod shape;
mod span;
pub mod tables;

#[cfg(feature = "alloc")]
extern crate alloc;

pub use blocks::{RomBlocks, RomPart};
pub use checkpoint::{Checkpoint, CheckpointError};
pub use epoch::{EpochPlan, EpochTables, Span};
pub use exec::{Cell, CellStore, EpochEnd, EpochRecord, EpochUse, ExecError, GuestIo, Machine};
#[cfg(feature = "alloc")]
pub use exec::{Pages, RecordStorage};
pub use program::{ElfError, Program};
pub use prove::{EpochBuffers, EpochProver, ProvedEpoch, RecordProver, RecordedEpoch};
pub use public::PublicInput;
pub use settings::Settings;
pub use setup::Setup;
pub use shape::EpochShape;
pub use tables::{EpochTable, FilledTable};
