//! Interactions that an AIR declares without a heap.

use p3_lookup::{Count, InteractionBuilder};

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
