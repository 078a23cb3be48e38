//! What an AIR has to be for a backend to prove it: both are met by any `Air` over the builders here.

use p3_air::{Air, BaseAir};

use super::builder::DegreeBuilder;
use super::rows::RowBuilder;
use crate::F;
use crate::backend::Backend;
use crate::kernels::Packed;

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
    BaseAir<F> + for<'a> Air<RowBuilder<'a, P, false>> + for<'a> Air<RowBuilder<'a, P, true>> + Sync
{
}

impl<P: Packed, A> PackedAir<P> for A where
    A: BaseAir<F>
        + for<'a> Air<RowBuilder<'a, P, false>>
        + for<'a> Air<RowBuilder<'a, P, true>>
        + Sync
{
}
