//! A heap-free RV32 machine: executor, tables and traces.
//!
//! [`Program`] is what an ELF file loads, [`Machine`] executes it epoch by epoch into an
//! [`EpochRecord`], and [`EpochTable`] is every AIR of an epoch, with its fillers.
//! `docs/machine.md` lists tables and columns and says what constrains each.
#![no_std]

mod air;
pub mod bus;
pub mod cells;
pub mod decode;
pub mod exec;
pub mod merge;
pub mod program;
pub mod shape;
pub mod tables;

#[cfg(feature = "alloc")]
extern crate alloc;

#[cfg(feature = "alloc")]
pub use exec::RecordStorage;
pub use exec::{Cell, EpochEnd, EpochRecord, ExecError, GuestIo, Machine, RecordBuffers};
pub use program::{ElfError, Program};
pub use shape::EpochShape;
pub use tables::EpochTable;
