//! Row groups of bit-reversed columns, with the rows that follow them.
//!
//! Place `q` of a bit-reversed column of `n` elements holds row `rev(q)`. The `W` places of group `u`
//! hold the rows `rev(l) * n/W + rev(u)`, `l` the lane, so the rows after them are the group
//! `rev(rev(u) + 1)` with the same lanes. Only the group that holds the last of each run wraps: the
//! rows after it are group 0 with its lanes moved on by one in bit-reversed order.

use p3_field::PackedFieldPow2;

use crate::F;
use crate::bit_reverse::reverse_bits;

/// Row groups of columns of `2^log_height` elements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowGroups {
    log_height: usize,
    log_lanes: usize,
}

impl RowGroups {
    /// Groups of `P::WIDTH` rows; a column has at least that many.
    pub fn new<P: PackedFieldPow2<Scalar = F>>(log_height: usize) -> Self {
        let log_lanes = P::WIDTH.trailing_zeros() as usize;
        debug_assert!(log_lanes <= log_height);
        Self {
            log_height,
            log_lanes,
        }
    }

    /// Number of groups.
    pub const fn count(&self) -> usize {
        1 << (self.log_height - self.log_lanes)
    }

    /// The rows after group `group` of `column`.
    #[inline]
    pub fn next<P: PackedFieldPow2<Scalar = F>>(&self, column: &[F], group: usize) -> P {
        let bits = self.log_height - self.log_lanes;
        let following = reverse_bits(group, bits) + 1;
        if following < self.count() {
            let at = reverse_bits(following, bits) << self.log_lanes;
            *P::from_slice(&column[at..at + P::WIDTH])
        } else {
            P::from_fn(|lane| {
                let row = (reverse_bits(lane, self.log_lanes) + 1) % P::WIDTH;
                column[reverse_bits(row, self.log_lanes)]
            })
        }
    }

    /// Fills `current` and `next` with group `group` of every column of `matrix`.
    ///
    /// `matrix` has columns of `stride` elements; the rows start at place `start` of each. Rows
    /// that nobody reads (`reads_next` is false) are filled with the current ones.
    #[inline]
    pub fn load<P: PackedFieldPow2<Scalar = F>>(
        &self,
        matrix: &[F],
        stride: usize,
        start: usize,
        group: usize,
        reads_next: bool,
        current: &mut [P],
        next: &mut [P],
    ) {
        let height = 1 << self.log_height;
        let at = group << self.log_lanes;
        for (column, (current, next)) in matrix
            .chunks_exact(stride)
            .zip(current.iter_mut().zip(next.iter_mut()))
        {
            let column = &column[start..start + height];
            *current = *P::from_slice(&column[at..at + P::WIDTH]);
            *next = if reads_next {
                self.next(column, group)
            } else {
                *current
            };
        }
    }
}
