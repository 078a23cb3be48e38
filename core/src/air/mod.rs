//! Evaluating AIRs without a heap.
//!
//! An AIR is an ordinary [`p3_air::Air`] over a [`p3_lookup::InteractionBuilder`]. The prover runs it
//! with two builders of its own: [`DegreeBuilder`] counts degrees once, when a plan is made, and
//! [`RowBuilder`] evaluates packed rows, messages included, without building an expression.

mod check;
mod degree;
mod layout;
mod rows;

use p3_air::{Air, BaseAir};
use p3_lookup::{Count, InteractionBuilder};

use crate::F;
use crate::backend::{Backend, Packed};

pub(crate) use check::Balance;
pub use check::{BusId, BusName, CheckBuilder};
pub use degree::{Column, Columns, Degree, DegreeBuilder, NextRows};
pub use layout::{
    BUS_NAME_BYTES, Buses, LayoutError, MAX_BUSES, MAX_COLUMNS, MAX_DEGREE, MAX_GLOBALS,
    MAX_MESSAGE_WIDTH, MAX_WIDTH, TableLayout,
};
pub use rows::{Fraction, Messages, RowBuilder, Rows};

/// The AIRs that a backend can prove: what the builders of this crate can evaluate.
pub trait ProverAir<B: Backend>:
    PackedAir<B::P> + PackedAir<F> + for<'a> Air<DegreeBuilder<'a>>
{
}

impl<B: Backend, A> ProverAir<B> for A where
    A: PackedAir<B::P> + PackedAir<F> + for<'a> Air<DegreeBuilder<'a>>
{
}

/// An AIR that evaluates over one packing, as messages alone and with its constraints.
pub trait PackedAir<P: Packed>:
    BaseAir<F> + for<'a> Air<RowBuilder<'a, P, false>> + for<'a> Air<RowBuilder<'a, P, true>>
{
}

impl<P: Packed, A> PackedAir<P> for A where
    A: BaseAir<F> + for<'a> Air<RowBuilder<'a, P, false>> + for<'a> Air<RowBuilder<'a, P, true>>
{
}

/// Local and exclusive interactions from arrays, for AIRs that run without a heap.
///
/// The counterparts of [`InteractionBuilder::push_local_interaction`] and
/// [`InteractionBuilder::push_exclusive_interaction`], whose tuples are `Vec`s.
pub trait ArrayInteractions: InteractionBuilder {
    /// One local interaction of `N` tuples of `W` elements.
    fn push_local_array<const N: usize, const W: usize>(
        &mut self,
        tuples: [([Self::Expr; W], Count<Self::Expr>); N],
    );

    /// One exclusive interaction of `N` branches `(flag, count, tuple of W elements)`.
    fn push_exclusive_array<const N: usize, const W: usize>(
        &mut self,
        bus_name: &str,
        branches: [(Self::Expr, Count<Self::Expr>, [Self::Expr; W]); N],
    );
}
