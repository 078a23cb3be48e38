//! The caller's buffer as field elements: the one module of this crate that holds unsafe code.

#![allow(unsafe_code)]

use core::mem::{MaybeUninit, align_of, size_of};

use crate::F;

/// Alignment of every region, in bytes: a cache line, and the widest vector.
pub const ALIGN_BYTES: usize = 64;

/// The buffer is shorter than the plan needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct WorkspaceTooSmall {
    /// Bytes that the plan needs, whatever the buffer's alignment.
    pub needed: usize,
    /// Bytes that the buffer has.
    pub got: usize,
}

impl core::fmt::Display for WorkspaceTooSmall {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "the workspace has {} bytes, the plan needs {}",
            self.got, self.needed
        )
    }
}

impl core::error::Error for WorkspaceTooSmall {}

/// Bytes that `elements` field elements need in a buffer of any alignment.
pub const fn bytes_for(elements: usize) -> usize {
    elements * size_of::<F>() + ALIGN_BYTES - 1
}

/// Views the aligned part of `buffer` as `elements` field elements.
///
/// The elements are set to zero once, here; afterwards every proof overwrites what it reads.
///
/// # Errors
/// When the buffer has fewer than [`bytes_for`]`(elements)` bytes; nothing is written then.
pub fn carve(
    buffer: &mut [MaybeUninit<u8>],
    elements: usize,
) -> Result<&mut [F], WorkspaceTooSmall> {
    const {
        assert!(size_of::<F>() == size_of::<u32>() && align_of::<F>() <= ALIGN_BYTES);
    }
    let (needed, got) = (bytes_for(elements), buffer.len());
    if got < needed {
        return Err(WorkspaceTooSmall { needed, got });
    }
    let start = buffer.as_ptr().align_offset(ALIGN_BYTES);
    let body = &mut buffer[start..start + elements * size_of::<F>()];
    body.fill(MaybeUninit::new(0));
    // SAFETY: `body` is aligned for `F` (its start is a multiple of ALIGN_BYTES), it spans exactly
    // `elements` values, all its bytes were initialised just now, `F` is a transparent wrapper of
    // `u32` for which zero is a value, and the borrow of `buffer` lasts as long as the result.
    Ok(unsafe { core::slice::from_raw_parts_mut(body.as_mut_ptr().cast::<F>(), elements) })
}
