//! Execution: memory, the machine, and what it records for the traces.

pub mod machine;
pub mod memory;
pub mod record;

pub use machine::{EpochEnd, ExecError, GuestIo, Machine};
pub use memory::Cell;
pub use record::{EpochRecord, RecordBuffers};
