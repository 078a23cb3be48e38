//! Execution: memory, the machine, and what it records for the traces.

pub mod error;
pub mod machine;
pub mod memory;
#[cfg(feature = "alloc")]
pub mod owned;
pub mod record;

pub use error::ExecError;
pub use machine::{EpochEnd, GuestIo, Machine};
pub use memory::Cell;
#[cfg(feature = "alloc")]
pub use owned::RecordStorage;
pub use record::{EpochRecord, RecordBuffers, RecordLens, RecordTooShort};
