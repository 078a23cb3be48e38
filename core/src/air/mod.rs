//! Evaluating AIRs without a heap.
//!
//! An AIR is an ordinary [`p3_air::Air`] over a [`p3_lookup::InteractionBuilder`]. The prover runs it
//! with two builders of its own: [`DegreeBuilder`] counts degrees once, when a plan is made, and
//! [`RowBuilder`] evaluates packed rows, messages included, without building an expression.

mod bounds;
mod builder;
mod check;
mod collector;
mod degree;
mod interactions;
mod layout;
mod rows;

pub use bounds::{PackedAir, ProverAir};
pub use builder::DegreeBuilder;
pub(crate) use check::Balance;
pub use check::{BusId, BusName, CheckBuilder};
pub use collector::{
    BUS_NAME_BYTES, Buses, LayoutError, MAX_BUSES, MAX_COLUMNS, MAX_DEGREE, MAX_GLOBALS,
    MAX_MESSAGE_WIDTH,
};
pub use degree::{Column, Columns, Degree, MAX_WIDTH, NextRows};
pub use interactions::ArrayInteractions;
pub use layout::TableLayout;
pub use rows::{Fraction, Messages, RowBuilder, Rows};
