//! Regions of the workspace in parts.
//!
//! The plan gives a region its length, and a step goes through it in parts whose lengths follow from the same heights,
//! widths and queries. Where they do not agree, a region is too short: then every function here panics, and nothing
//! else does.

use core::ops::Range;

/// The first `len` elements of a region, and the rest.
#[inline]
pub(crate) fn split<T>(region: &[T], len: usize) -> (&[T], &[T]) {
    let parts = region.split_at_checked(len);
    parts.unwrap_or_else(|| region_too_short(len))
}

/// As [`split`], to be written.
#[inline]
pub(crate) fn split_mut<T>(region: &mut [T], len: usize) -> (&mut [T], &mut [T]) {
    let parts = region.split_at_mut_checked(len);
    parts.unwrap_or_else(|| region_too_short(len))
}

/// Takes the first `len` elements off what is left of a region.
#[inline]
pub(crate) fn take<'a, T>(rest: &mut &'a [T], len: usize) -> &'a [T] {
    let part = rest.split_off(..len);
    part.unwrap_or_else(|| region_too_short(len))
}

/// As [`take`], to be written.
#[inline]
pub(crate) fn take_mut<'a, T>(rest: &mut &'a mut [T], len: usize) -> &'a mut [T] {
    let part = rest.split_off_mut(..len);
    part.unwrap_or_else(|| region_too_short(len))
}

/// The elements of a region in a range that the plan gives.
#[inline]
pub(crate) fn part<T>(region: &[T], range: Range<usize>) -> &[T] {
    let end = range.end;
    region.get(range).unwrap_or_else(|| region_too_short(end))
}

/// As [`part`], to be written.
#[inline]
pub(crate) fn part_mut<T>(region: &mut [T], range: Range<usize>) -> &mut [T] {
    let (end, part) = (range.end, region.get_mut(range));
    part.unwrap_or_else(|| region_too_short(end))
}

#[cold]
#[inline(never)]
pub(crate) fn region_too_short(len: usize) -> ! {
    panic!("a region has fewer than {len} elements")
}
