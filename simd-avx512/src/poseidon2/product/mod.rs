//! Products of integers modulo `q`, in two ways: which is faster depends on the processor.

use core::fmt::Debug;
use core::ops::Range;

use crate::intrinsics::Pairs;

#[cfg(any(test, not(target_feature = "sse4a")))]
mod montgomery;
#[cfg(any(test, target_feature = "sse4a"))]
mod plantard;

#[cfg(any(test, not(target_feature = "sse4a")))]
pub use montgomery::Montgomery;
#[cfg(any(test, target_feature = "sse4a"))]
pub use plantard::Plantard;

/// A way to multiply: the product of `a` and `b` is an integer that is `UNIT a b + EXCESS` modulo `q`.
pub trait Product: Copy + Debug + Send + Sync {
    /// What it multiplies by, once.
    type Constant: Copy + Debug + Send + Sync;
    /// And eight times.
    type Factor: Copy + Debug;

    /// What the product of integers is multiplied by.
    const UNIT: u64;
    /// What is added to it.
    const EXCESS: u64;
    /// What it multiplies, modulo `2^52`.
    const OPERANDS: Range<u64>;
    /// What sums carry that become operands.
    const CARRIED: u64;
    /// The multiple of `q` that puts products among [`Self::OPERANDS`].
    const LEAST: u64;
    /// What `M_E` makes of S-boxes that add this much and a residue.
    const MIXED: Range<u64>;
    /// What the last product multiplies by.
    const LEAVE: u64;

    /// A constant to multiply by.
    ///
    /// # Panics
    /// When products with these operands are not exact: it depends on no instance.
    fn constant(residue: u64, operands: Range<u64>) -> Self::Constant;

    /// The integer that a constant multiplies by.
    #[cfg(test)]
    fn integer(constant: Self::Constant) -> u64;

    /// The same constant eight times.
    fn splat(constant: Self::Constant) -> Self::Factor;

    /// What multiplies by an operand.
    fn factor(x: Pairs) -> Self::Factor;

    /// An operand of a sum that carries [`Self::CARRIED`] or [`OFFSET`].
    fn operand(sum: Pairs) -> Pairs;

    /// The product, plus `addend`.
    fn multiply(a: Pairs, by: Self::Factor, addend: Pairs) -> Pairs;

    /// The product of [`Self::MIXED`] and [`Self::LEAVE`], in `[0, q)`.
    fn multiply_last(a: Pairs, by: Self::Factor) -> Pairs;
}
