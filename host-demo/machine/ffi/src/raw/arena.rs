//! The caller's buffer, cut up from the front: values first, then rows, then bytes.
//!
//! Nothing is ever dropped: what is put here holds no resources, and the buffer is the caller's.

use core::mem::{MaybeUninit, align_of, size_of};

use zeroize::Zeroize;

use crate::error::TrancheError;

/// Alignment of values, in bytes.
pub const VALUE_ALIGN: usize = 16;
/// Alignment of rows, in bytes: they consist of 32-bit words.
pub const ROW_ALIGN: usize = 4;

/// Bytes that a value takes.
pub const fn value_bytes<T>() -> usize {
    size_of::<T>().next_multiple_of(VALUE_ALIGN)
}

/// A whole buffer that is lent to what lives in it.
#[derive(Clone, Copy, Debug)]
pub struct Lent {
    start: *mut MaybeUninit<u8>,
    len: usize,
}

impl Lent {
    /// Overwrites the buffer with zeros, in a way that no compiler drops.
    ///
    /// # Safety
    /// The buffer is still lent, and nothing that was put into it is used any more.
    pub unsafe fn wipe(self) {
        // SAFETY: this function's contract; start and length are those of the buffer.
        let buffer = unsafe { core::slice::from_raw_parts_mut(self.start, self.len) };
        buffer.zeroize();
    }
}

/// What is left of a buffer.
#[derive(Debug)]
pub struct Arena<'a> {
    left: &'a mut [MaybeUninit<u8>],
}

impl<'a> Arena<'a> {
    /// The buffer from its first aligned byte on, and all of it for when it is given back.
    pub fn new(buffer: &'a mut [MaybeUninit<u8>]) -> (Self, Lent) {
        let (start, len) = (buffer.as_mut_ptr(), buffer.len());
        // SAFETY: the buffer itself, ours alone for 'a. What is cut from it descends from the pointer that
        // it is wiped through, which therefore stays valid.
        let buffer = unsafe { core::slice::from_raw_parts_mut(start, len) };
        let aligned = buffer.as_ptr().align_offset(VALUE_ALIGN);
        let left = buffer.get_mut(aligned..).unwrap_or_default();
        (Self { left }, Lent { start, len })
    }

    /// The next `len` bytes.
    ///
    /// # Errors
    /// When fewer are left. Sessions measure their buffer first, so this is a contradiction.
    pub fn bytes(&mut self, len: usize) -> Result<&'a mut [MaybeUninit<u8>], TrancheError> {
        let left = core::mem::take(&mut self.left);
        let (taken, left) = left
            .split_at_mut_checked(len)
            .ok_or(TrancheError::Internal)?;
        self.left = left;
        Ok(taken)
    }

    /// Room for a value. All values come before all rows.
    ///
    /// # Errors
    /// As [`Arena::bytes`].
    pub fn reserve<T>(&mut self) -> Result<&'a mut MaybeUninit<T>, TrancheError> {
        const { assert!(align_of::<T>() <= VALUE_ALIGN) }
        let bytes = self.bytes(value_bytes::<T>())?;
        if !bytes.as_ptr().cast::<T>().is_aligned() {
            return Err(TrancheError::Internal);
        }
        // SAFETY: the bytes are ours alone for 'a, at least as many as `T` takes and, as was just
        // checked, aligned for it; a `MaybeUninit` may hold anything.
        Ok(unsafe { &mut *bytes.as_mut_ptr().cast::<MaybeUninit<T>>() })
    }

    /// A place for `value`, which is moved there.
    ///
    /// # Errors
    /// As [`Arena::bytes`].
    pub fn put<T>(&mut self, value: T) -> Result<&'a mut T, TrancheError> {
        Ok(self.reserve()?.write(value))
    }

    /// `len` copies of `row`.
    ///
    /// # Errors
    /// As [`Arena::bytes`].
    pub fn rows<T: Copy>(&mut self, len: usize, row: T) -> Result<&'a mut [T], TrancheError> {
        const { assert!(align_of::<T>() <= ROW_ALIGN && size_of::<T>().is_multiple_of(ROW_ALIGN)) }
        let size = len
            .checked_mul(size_of::<T>())
            .ok_or(TrancheError::Internal)?;
        let bytes = self.bytes(size)?;
        if !bytes.as_ptr().cast::<T>().is_aligned() {
            return Err(TrancheError::Internal);
        }
        let start = bytes.as_mut_ptr().cast::<MaybeUninit<T>>();
        // SAFETY: the bytes are ours alone for 'a, exactly as many as `len` rows take and, as was just
        // checked, aligned for them; a `MaybeUninit` may hold anything.
        let rows = unsafe { core::slice::from_raw_parts_mut(start, len) };
        for place in &mut *rows {
            place.write(row);
        }
        // SAFETY: every row has just been written.
        Ok(unsafe { rows.assume_init_mut() })
    }
}
