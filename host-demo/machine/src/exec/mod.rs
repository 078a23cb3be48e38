//! Execution: memory, the machine, and what it records for the traces.

pub mod error;
pub mod machine;
pub mod memory;
#[cfg(feature = "alloc")]
pub mod owned;
#[cfg(feature = "alloc")]
pub mod pages;
pub mod record;
pub mod run;
pub mod syscall;

pub use error::ExecError;
pub use machine::state::{CellBefore, State};
pub use machine::{EpochEnd, EpochUse, GuestIo, Machine};
pub use memory::{Cell, CellStore, NoRoom, Slots};
#[cfg(feature = "alloc")]
pub use owned::RecordStorage;
#[cfg(feature = "alloc")]
pub use pages::Pages;
pub use record::{EpochRecord, RecordTooShort};
pub use run::{BatchEnd, RunMachine};
