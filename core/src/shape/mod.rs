//! What is known of a batch before its values are: numbers, and no places.
//!
//! [`BatchShape`] is a view of them that costs a few words to hand on, whatever the number of tables;
//! [`crate::Plan`] owns what it views.

mod batch;
mod folds;
mod matrices;
pub mod params;
mod profile;
mod table;

pub use batch::BatchShape;
pub(crate) use batch::Common;
pub(crate) use folds::{Arities, fold_schedule};
pub(crate) use matrices::{CommittedMatrix, Round};
pub use params::{MAX_LOG_ARITY, MAX_LOG_HEIGHT, Params};
pub use profile::Profile;
pub use table::{TablePlan, TableSpec};
