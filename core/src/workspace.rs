//! The caller's buffer as field elements, and these as words. Unsafe code is here, in `workspace/columns.rs`, for
//! matrices that several write, and in `portable/lanes.rs`, for Plonky3's traits.

#![allow(unsafe_code)]

mod columns;

pub(crate) use columns::ColumnsMut;

use core::mem::{MaybeUninit, align_of, size_of};

use thiserror::Error;
use zeroize::Zeroize;

use crate::F;

/// Alignment of every region, in bytes: a cache line, and the widest vector.
pub const ALIGN_BYTES: usize = 64;

/// The same in field elements.
pub(crate) const ALIGN_ELEMENTS: usize = ALIGN_BYTES / size_of::<F>();

/// The buffer is shorter than the plan needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the workspace has {got} bytes, the plan needs {needed}")]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct WorkspaceTooSmall {
    /// Bytes that the plan needs, whatever the buffer's alignment.
    pub needed: usize,
    /// Bytes that the buffer has.
    pub got: usize,
}

/// Bytes for a workspace to lie in, whatever they hold, initialised or not.
#[derive(Debug)]
pub struct Buffer<'a>(&'a mut [MaybeUninit<u8>]);

impl<'a> From<&'a mut [MaybeUninit<u8>]> for Buffer<'a> {
    fn from(bytes: &'a mut [MaybeUninit<u8>]) -> Self {
        Self(bytes)
    }
}

impl<'a, const LEN: usize> From<&'a mut [MaybeUninit<u8>; LEN]> for Buffer<'a> {
    fn from(bytes: &'a mut [MaybeUninit<u8>; LEN]) -> Self {
        Self(bytes)
    }
}

impl<'a> From<&'a mut [u8]> for Buffer<'a> {
    fn from(bytes: &'a mut [u8]) -> Self {
        let (start, len) = (bytes.as_mut_ptr().cast::<MaybeUninit<u8>>(), bytes.len());
        // SAFETY: `MaybeUninit<u8>` is laid out as `u8`, the pointer, the length and the borrow are those of
        // `bytes`, and no byte is ever uninitialised: what a buffer holds is reached by `carve` alone, which
        // writes zeros, and gives out field elements.
        Self(unsafe { core::slice::from_raw_parts_mut(start, len) })
    }
}

/// Bytes that `elements` field elements need in a buffer of any alignment.
///
/// [`usize::MAX`] when they are more than an address space has; no buffer is that long.
pub const fn bytes_for(elements: usize) -> usize {
    let bytes = bytes_for_64(elements as u64);
    if bytes > usize::MAX as u64 {
        usize::MAX
    } else {
        bytes as usize
    }
}

/// Field elements that a buffer of `bytes` bytes has room for, whatever its alignment.
pub(crate) const fn elements_in(bytes: usize) -> usize {
    bytes.saturating_sub(ALIGN_BYTES - 1) / size_of::<F>()
}

/// What [`bytes_for`] says, exactly, below 2^62 elements.
pub const fn bytes_for_64(elements: u64) -> u64 {
    elements
        .saturating_mul(size_of::<F>() as u64)
        .saturating_add(ALIGN_BYTES as u64 - 1)
}

/// Whether `buffer` has room for `elements` field elements.
///
/// # Errors
/// When it has fewer than [`bytes_for`]`(elements)` bytes.
pub const fn check(buffer: &[MaybeUninit<u8>], elements: usize) -> Result<(), WorkspaceTooSmall> {
    let (needed, got) = (bytes_for(elements), buffer.len());
    if got < needed {
        return Err(WorkspaceTooSmall { needed, got });
    }
    Ok(())
}

/// Views the aligned part of `buffer` as `elements` field elements.
///
/// The elements are set to zero once, here; afterwards every proof overwrites what it reads.
///
/// # Errors
/// When the buffer has fewer than [`bytes_for`]`(elements)` bytes; nothing is written then.
pub fn carve<'a>(
    buffer: impl Into<Buffer<'a>>,
    elements: usize,
) -> Result<&'a mut [F], WorkspaceTooSmall> {
    const {
        assert!(size_of::<F>() == size_of::<u32>() && align_of::<F>() <= ALIGN_BYTES);
    }
    let Buffer(buffer) = buffer.into();
    check(buffer, elements)?;
    let start = buffer.as_ptr().align_offset(ALIGN_BYTES);
    let body = &mut buffer[start..start + elements * size_of::<F>()];
    body.fill(MaybeUninit::new(0));
    // SAFETY: `body` is aligned for `F` (its start is a multiple of ALIGN_BYTES), it spans exactly
    // `elements` values, all its bytes were initialised just now, `F` is a transparent wrapper of
    // `u32` for which zero is a value, and the borrow of `buffer` lasts as long as the result.
    Ok(unsafe { core::slice::from_raw_parts_mut(body.as_mut_ptr().cast::<F>(), elements) })
}

/// Field elements as the words that they are stored in.
pub(crate) const fn words(elements: &[F]) -> &[u32] {
    // SAFETY: `F` is a transparent wrapper of `u32`, as `carve` asserts, so that the pointer, the length
    // and the borrow are those of as many words.
    unsafe { core::slice::from_raw_parts(elements.as_ptr().cast::<u32>(), elements.len()) }
}

/// Room for field elements as room for words; what is not an element's word must not be read as one.
pub(crate) const fn words_mut(elements: &mut [F]) -> &mut [u32] {
    // SAFETY: as in `words`; and every word is a value of `F`, reduced or not.
    unsafe { core::slice::from_raw_parts_mut(elements.as_mut_ptr().cast::<u32>(), elements.len()) }
}

/// The field elements that are stored in words below the modulus.
pub(crate) const fn elements(words: &[u32]) -> &[F] {
    // SAFETY: as in `words_mut`.
    unsafe { core::slice::from_raw_parts(words.as_ptr().cast::<F>(), words.len()) }
}

/// The bytes that words of field elements are stored in.
pub(crate) const fn bytes(elements: &[F]) -> &[u8] {
    // SAFETY: as in `words`; every byte of a word is a `u8`, and bytes need no alignment.
    unsafe { core::slice::from_raw_parts(elements.as_ptr().cast::<u8>(), size_of_val(elements)) }
}

/// Room for field elements as room for bytes; what is not an element's word must not be read as one.
pub(crate) const fn bytes_mut(elements: &mut [F]) -> &mut [u8] {
    let len = size_of_val(elements);
    // SAFETY: as in `bytes`; and every four bytes are the word of a value of `F`, reduced or not.
    unsafe { core::slice::from_raw_parts_mut(elements.as_mut_ptr().cast::<u8>(), len) }
}

/// Room for words as room for field elements.
pub(crate) const fn elements_mut(words: &mut [u32]) -> &mut [F] {
    // SAFETY: as in `words_mut`.
    unsafe { core::slice::from_raw_parts_mut(words.as_mut_ptr().cast::<F>(), words.len()) }
}

/// Sets field elements to zero in a way that no compiler drops, whoever reads them or not.
pub(crate) fn wipe(elements: &mut [F]) {
    words_mut(elements).zeroize();
}

#[cfg(test)]
mod tests {
    use p3_field::{PrimeCharacteristicRing, PrimeField32};

    use super::*;

    const GUARD: u8 = 0xa5;
    const ELEMENTS: usize = 40;
    const LEN: usize = bytes_for(ELEMENTS);

    /// What is left of the guard bytes that `memory` was full of.
    fn guards(memory: &[MaybeUninit<u8>]) -> impl Iterator<Item = bool> + '_ {
        // SAFETY: the tests initialise all bytes, and field elements have no padding.
        memory
            .iter()
            .map(|byte| unsafe { byte.assume_init() } == GUARD)
    }

    #[test]
    fn nothing_outside_is_written() {
        for offset in 0..=ALIGN_BYTES {
            let mut memory = [MaybeUninit::new(GUARD); LEN + 2 * ALIGN_BYTES];
            let buffer = &mut memory[offset..offset + LEN];
            let start = offset + buffer.as_ptr().align_offset(ALIGN_BYTES);
            let body = carve(buffer, ELEMENTS).expect("the length that it asks for");
            assert_eq!(body, [F::ZERO; ELEMENTS]);
            body.fill(F::NEG_ONE);
            let end = start + ELEMENTS * size_of::<F>();
            assert!(offset <= start && end <= offset + LEN);
            assert!(guards(&memory[..start]).all(|intact| intact));
            assert!(
                guards(&memory[start..end]).all(|intact| !intact),
                "the control"
            );
            assert!(guards(&memory[end..]).all(|intact| intact));
        }
    }

    #[test]
    fn initialised_bytes_are_carved_as_others_are() {
        for offset in 0..=ALIGN_BYTES {
            let mut memory = [GUARD; LEN + 2 * ALIGN_BYTES];
            let buffer = &mut memory[offset..offset + LEN];
            let start = offset + buffer.as_ptr().align_offset(ALIGN_BYTES);
            let got = LEN - 1;
            let error = carve(&mut buffer[..got], ELEMENTS).unwrap_err();
            assert_eq!(error, WorkspaceTooSmall { needed: LEN, got });
            let body = carve(buffer, ELEMENTS).expect("the length that it asks for");
            assert_eq!(body, [F::ZERO; ELEMENTS]);
            body.fill(F::NEG_ONE);
            let end = start + ELEMENTS * size_of::<F>();
            let word = words(&[F::NEG_ONE])[0].to_ne_bytes();
            assert_eq!(memory[start..end].as_chunks().0, [word; ELEMENTS]);
            let outside = memory[..start].iter().chain(&memory[end..]);
            assert!(outside.copied().all(|byte| byte == GUARD));
        }
    }

    #[test]
    fn elements_are_stored_in_words() {
        let mut stored = [F::ZERO, F::ONE, F::NEG_ONE, F::TWO];
        let expected = stored.map(|x| x.to_unique_u32());
        assert_eq!(words(&stored), expected);
        assert_eq!(elements(&expected), stored);
        words_mut(&mut stored).copy_from_slice(&[expected[2]; 4]);
        assert_eq!(stored, [F::NEG_ONE; 4]);
        elements_mut(words_mut(&mut stored))[1] = F::ONE;
        assert_eq!(stored, [F::NEG_ONE, F::ONE, F::NEG_ONE, F::NEG_ONE]);
        // A word that is no element's is kept as it is.
        words_mut(&mut stored)[0] = u32::MAX;
        assert_eq!(words(&stored)[0], u32::MAX);
        assert_eq!(words(&[]), [0; 0]);
    }

    #[test]
    fn wiped_elements_are_zero_and_no_others() {
        let mut words = [F::NEG_ONE; ELEMENTS];
        wipe(&mut words[1..ELEMENTS - 1]);
        assert_eq!(words[1..ELEMENTS - 1], [F::ZERO; ELEMENTS - 2]);
        assert_eq!([words[0], words[ELEMENTS - 1]], [F::NEG_ONE; 2]);
    }

    #[test]
    fn nothing_at_all_is_written_when_it_is_too_short() {
        for offset in 0..ALIGN_BYTES {
            for got in [0, 1, ALIGN_BYTES, LEN - 1] {
                let mut memory = [MaybeUninit::new(GUARD); LEN + ALIGN_BYTES];
                let error = carve(&mut memory[offset..offset + got], ELEMENTS).unwrap_err();
                assert_eq!(error, WorkspaceTooSmall { needed: LEN, got });
                assert!(guards(&memory).all(|intact| intact));
            }
        }
    }
}
