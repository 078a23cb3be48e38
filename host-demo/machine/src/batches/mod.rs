//! A run in batches, as *prove-and-retire* takes it: tables of planned heights that are filled, used and
//! dropped, all of one proof.
//!
//! A *body* batch has the tables that an execution fills, without L2G: program counter and clock pass from
//! one to the next as public values. The *closing* batch, once and last, has genesis and final memory and
//! the tables that are asked, and pays what the bodies owe them. A run that memory holds may be one batch of
//! all of them ([`WholeTables`]). Memory is one LogUp over the run: a cell's
//! accesses form one path, ascending in time from genesis to final memory. `docs/machine.md` has the
//! argument.
//!
//! ```text
//! program, input ──survey──► spans, memory, result ──RunShape, RunTables──► Walk: batch after batch, again and again
//! ```
//!
//! No function here panics on a caller's values, but for traces of another shape; nothing allocates without
//! the feature `alloc`.

mod debts;
#[cfg(feature = "alloc")]
mod detached;
mod ends;
#[cfg(feature = "alloc")]
mod owned;
mod shape;
mod spans;
mod survey;
mod table;
mod tables;
mod walk;
mod whole;

pub use crate::bus::MAX_RUN_CYCLES;
pub use crate::span::BatchSpan;
pub use debts::{Debts, DebtsTooShort, Unfilled};
#[cfg(feature = "alloc")]
pub use detached::{DetachError, Detached, DetachedStorage};
pub use ends::{ImageEnds, RestEnds, ResultEnds};
#[cfg(feature = "alloc")]
pub use owned::{OwnedRun, WalkStorage, survey_on_heap};
pub use shape::{
    BODY_TABLES, BodyHeights, MAX_BODY_TABLES, MAX_LOG2_ROWS, MAX_RESTS, RestHeights, RunShape,
};
pub use spans::{SpanError, check_spans};
pub use survey::{SurveyBuffers, SurveyError, Surveyed, survey};
pub use table::RunTable;
pub use tables::{BODY, CLOSING, KindPlan, MAX_TABLES, RunError, RunTables};
pub use walk::{Walk, WalkBuffers, WalkError, WalkStartError};
pub use whole::{MAX_WHOLE_TABLES, WholePlan, WholeRun, WholeTables};
