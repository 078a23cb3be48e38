//! Execution: memory, the machine, and what it records for the traces.

pub mod machine;
pub mod memory;
#[cfg(feature = "alloc")]
pub mod owned;
pub mod record;

pub use machine::{EpochEnd, ExecError, GuestIo, Machine};
pub use memory::Cell;
#[cfg(feature = "alloc")]
pub use owned::RecordStorage;
pub use record::{EpochRecord, RecordBuffers};
