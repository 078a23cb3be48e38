//! Proof bytes into a proof, in memory that is bounded before a byte is read.
//!
//! A length costs one byte and an empty vector 24, so that the encoding alone bounds little: a frame
//! of empty vectors takes two dozen times its length. [`Bounded`] is a `serde` adapter over
//! postcard's decoder that adds up what the elements of vectors take, and stops at a budget. Nothing
//! here panics.

use core::cell::Cell;
use core::fmt;
use core::mem::size_of;

use p3_batch_stark::BatchProof;
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::{Configuration, VerifyError};

/// Bytes that the vectors of a decoded proof take for each byte of its encoding, at most.
///
/// Field elements are as long decoded as encoded; a vector's 24 bytes are one when encoded. The most
/// is a query that opens one column of main and preprocessed trace each, 52 bytes from six, and with
/// them the four of a quotient chunk, 64 from 18: less than six to one.
const DECODED_PER_BYTE: usize = 8;

/// Reads a proof of at most `limit` bytes, into elements of at most eight times what it is long; the
/// vectors that grow to hold them may have room for twice as many.
///
/// A proof has exactly one encoding, and no other is accepted: all bytes are consumed, and encoding
/// the result again gives them back.
///
/// # Errors
/// [`VerifyError::TooLong`] above `limit`, [`VerifyError::TooLarge`] for more elements than fit the
/// memory, else [`VerifyError::Encoding`].
pub fn decode<C: Configuration>(bytes: &[u8], limit: usize) -> Result<BatchProof<C>, VerifyError> {
    let got = bytes.len();
    if got > limit {
        return Err(VerifyError::TooLong { limit, got });
    }
    let limit = got.saturating_mul(DECODED_PER_BYTE);
    let budget = Budget::new(limit);
    let mut source = postcard::Deserializer::from_bytes(bytes);
    let decoder = Bounded {
        inner: &mut source,
        budget: &budget,
    };
    let proof = BatchProof::<C>::deserialize(decoder).map_err(|_| {
        if budget.exhausted() {
            VerifyError::TooLarge { limit }
        } else {
            VerifyError::Encoding
        }
    })?;
    if is_encoding(&proof, bytes) {
        Ok(proof)
    } else {
        Err(VerifyError::Encoding)
    }
}

/// Whether `bytes` are the encoding of `value`, no fewer and no more.
fn is_encoding(value: &impl Serialize, bytes: &[u8]) -> bool {
    postcard::serialize_with_flavor(value, Compare { rest: bytes }).unwrap_or(false)
}

/// Takes an encoding and compares it, in place of writing it down.
struct Compare<'a> {
    rest: &'a [u8],
}

impl postcard::ser_flavors::Flavor for Compare<'_> {
    type Output = bool;

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.try_extend(&[byte])
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.rest = self
            .rest
            .strip_prefix(bytes)
            .ok_or(postcard::Error::SerializeBufferFull)?;
        Ok(())
    }

    fn finalize(self) -> postcard::Result<bool> {
        Ok(self.rest.is_empty())
    }
}

/// Bytes that the elements of vectors may still take.
struct Budget(Cell<Option<usize>>);

impl Budget {
    const fn new(bytes: usize) -> Self {
        Self(Cell::new(Some(bytes)))
    }

    fn exhausted(&self) -> bool {
        self.0.get().is_none()
    }

    fn spend<E: Error>(&self, bytes: usize) -> Result<(), E> {
        self.0
            .set(self.0.get().and_then(|left| left.checked_sub(bytes)));
        if self.exhausted() {
            Err(E::custom("more elements than a proof may have"))
        } else {
            Ok(())
        }
    }
}

/// A decoder, or a part of one, under a budget.
struct Bounded<'b, T> {
    inner: T,
    budget: &'b Budget,
}

/// A visitor of something with parts: of a vector, which take memory of their own, or not.
struct Parts<'b, V> {
    visitor: V,
    budget: &'b Budget,
    of_vector: bool,
}

/// Numbers have no parts; everything else is visited under the budget.
macro_rules! forward {
    (numbers: $($number:ident)*; parts: $($method:ident($($arg:ident: $type:ty),*))*) => {
        $(
            fn $number<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
                self.inner.$number(visitor)
            }
        )*
        $(
            fn $method<V: Visitor<'de>>(
                self,
                $($arg: $type,)*
                visitor: V,
            ) -> Result<V::Value, D::Error> {
                let (budget, of_vector) = (self.budget, false);
                self.inner.$method($($arg,)* Parts { visitor, budget, of_vector })
            }
        )*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Bounded<'_, D> {
    type Error = D::Error;

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_seq(Parts {
            visitor,
            budget: self.budget,
            of_vector: true,
        })
    }

    forward! {
        numbers: deserialize_u8 deserialize_u32 deserialize_u64;
        parts:
            deserialize_option()
            deserialize_unit_struct(name: &'static str)
            deserialize_newtype_struct(name: &'static str)
            deserialize_tuple(len: usize)
            deserialize_struct(name: &'static str, fields: &'static [&'static str])
    }

    // No proof has parts of other kinds, and postcard refuses a part of any kind.
    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u16 u128 f32 f64 char str string bytes byte_buf unit tuple_struct
        map enum identifier ignored_any
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_any(visitor)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Parts<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_unit()
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let budget = self.budget;
        self.visitor.visit_some(Bounded { inner, budget })
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let budget = self.budget;
        self.visitor.visit_newtype_struct(Bounded { inner, budget })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_seq(Elements {
            inner,
            budget: self.budget,
            of_vector: self.of_vector,
        })
    }
}

/// The elements of a vector, a tuple or a structure, under a budget.
struct Elements<'b, A> {
    inner: A,
    budget: &'b Budget,
    of_vector: bool,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Elements<'_, A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, A::Error> {
        if self.of_vector {
            self.budget.spend(size_of::<T::Value>())?;
        }
        let budget = self.budget;
        self.inner.next_element_seed(Bounded {
            inner: seed,
            budget,
        })
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for Bounded<'_, T> {
    type Value = T::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<T::Value, D::Error> {
        let budget = self.budget;
        self.inner.deserialize(Bounded { inner, budget })
    }
}
