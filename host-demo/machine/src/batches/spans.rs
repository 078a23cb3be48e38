//! What `verify_batch` cannot know of a run: that its batches are one execution of the program.
//!
//! A proof says that each batch leads from an entry to an exit, and from a clock to another; this says
//! that the first starts at the program's entry at clock 1, each where the one before ended, that the last
//! and no other halts, and that no timestamp has more bits than the tables check differences to.

use thiserror::Error;

use crate::bus::{CLOCK_START, Clock};
use crate::program::Program;
use crate::span::{BatchSpan, HALT};

/// Why the spans of a run's batches are no execution. Batches count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SpanError {
    /// There is no batch, or not the header's number of them.
    #[error("{got} batches, {expected} by the header")]
    Count {
        /// Batches by the header.
        expected: u32,
        /// Spans given.
        got: usize,
    },
    /// A batch does not start at the program's entry, or where the one before ended.
    #[error("batch {batch} starts at word {got:#x}, not at {expected:#x}")]
    Entry {
        /// The batch.
        batch: usize,
        /// Program counter that it would start at.
        expected: u32,
        /// Its own.
        got: u32,
    },
    /// A batch's clock does not start at 1, or where the one before ended.
    #[error("the clock of batch {batch} starts at {got}, not at {expected}")]
    Clock {
        /// The batch.
        batch: usize,
        /// Clock that it would start at.
        expected: u32,
        /// Its own.
        got: u32,
    },
    /// A batch before the last halts, or the last does not.
    #[error("{}", if *.last { "the last batch does not halt" } else { "a batch halts that is not the last" })]
    Halt {
        /// Whether it is about the last batch.
        last: bool,
    },
    /// The clock of a run ends past the bits of its timestamps.
    #[error("the clock ends at {end}, it must be below 2^{bits}")]
    TooLong {
        /// Where it ends.
        end: u32,
        /// Bits of a timestamp.
        bits: u32,
    },
}

/// Checks that the spans of a run's `batches` body batches are an execution of `program`, with timestamps
/// of `clock`.
///
/// # Errors
/// [`SpanError`] names what is not.
pub fn check_spans(
    program: &Program<'_>,
    clock: Clock,
    batches: u32,
    spans: &[BatchSpan],
) -> Result<(), SpanError> {
    let count = SpanError::Count {
        expected: batches,
        got: spans.len(),
    };
    if u32::try_from(spans.len()) != Ok(batches) {
        return Err(count);
    }
    let last = spans.len().checked_sub(1).ok_or(count)?;
    let (mut pc, mut time) = (program.entry(), CLOCK_START);
    for (batch, span) in spans.iter().enumerate() {
        let (entry, start) = (span.entry(), span.start());
        if entry != pc {
            return Err(SpanError::Entry {
                batch,
                expected: pc,
                got: entry,
            });
        }
        if start != time {
            return Err(SpanError::Clock {
                batch,
                expected: time,
                got: start,
            });
        }
        (pc, time) = (span.exit(), span.end());
        if (pc == HALT) != (batch == last) {
            let last = batch == last;
            return Err(SpanError::Halt { last });
        }
        // Each clock starts below the bound and rises by less than the field's order is above it.
        if time >> clock.bits() != 0 {
            return Err(SpanError::TooLong {
                end: time,
                bits: clock.bits(),
            });
        }
    }
    Ok(())
}
