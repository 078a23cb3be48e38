//! The arithmetic that proving spends its time in, over a packing of the field alone.
//!
//! Nothing here knows a backend, a table or a proof: slices go in and out. A backend takes each of
//! these as it is, or puts its own in its place; all are exact, so bytes do not depend on which.

pub mod bit_reverse;
pub mod combine;
pub mod ext;
pub mod fold;
pub mod interleave;
pub mod ntt;
pub mod transpose;

use p3_field::{InjectiveMonomial, PackedFieldPow2};

use crate::F;

/// A packing of `WIDTH` (a power of two) base field elements into one value.
pub trait Packed: PackedFieldPow2<Scalar = F> + InjectiveMonomial<7> {}
impl<P: PackedFieldPow2<Scalar = F> + InjectiveMonomial<7>> Packed for P {}
