//! The quotient of one table.
//!
//! `q(x) = (sum_i alpha^(total - 1 - i) C_i(x)) / (x^n - 1)` on the cosets that hold its chunks.
//! Evaluations are bit-reversed, so chunk `c` is block `rev(c)` of the extension: one coset of the
//! trace domain, on which `x^n - 1` is a constant, and a matrix of its own.

pub(crate) mod compact;
pub(crate) mod fast;

use p3_field::{Field, PackedFieldPow2, PrimeCharacteristicRing, TwoAdicField};

use super::rows::{Selectors, lanes_for, row_buffers};
use crate::kernels::ext::{coordinates, invert_base};
use crate::kernels::ntt::{Twiddles, points};
use crate::parts::part;
use crate::shape::TablePlan;
use crate::{D, EF, F};

/// Row groups whose selectors are computed at once.
const SELECTOR_GROUPS: usize = 32;
/// Packed values of selectors: two inverses and their prefix products for each group.
const SELECTOR_VALUES: usize = 5 * SELECTOR_GROUPS;

/// Field elements of scratch that a quotient needs.
pub(crate) const fn scratch_len(table: &TablePlan, lanes: usize) -> usize {
    let packed = row_buffers(table, lanes) + table.layout.num_columns * 2 * D + SELECTOR_VALUES;
    packed * lanes_for(table, lanes) + D * table.layout.total_constraints()
}

/// The groups whose selectors are computed at once.
struct Groups([usize; SELECTOR_GROUPS]);

impl Groups {
    const fn new() -> Self {
        Self([0; SELECTOR_GROUPS])
    }

    /// The next ones of `order`.
    fn take(&mut self, order: &mut impl Iterator<Item = usize>) -> Option<&[usize]> {
        let mut count = 0;
        for (slot, group) in self.0.iter_mut().zip(order) {
            *slot = group;
            count += 1;
        }
        (count > 0).then(|| part(&self.0, 0..count))
    }
}

/// The point that generates chunk `chunk`'s coset: `g * w^chunk`, `w` of the quotient domain's order.
pub(crate) fn chunk_shift(table: &TablePlan, chunk: usize) -> F {
    let log_domain = table.log_height() + table.layout.log_chunks;
    F::GENERATOR * F::two_adic_generator(log_domain).exp_u64(chunk as u64)
}

/// `powers[d][i]` is coordinate `d` of `alpha^(total - 1 - i)`.
fn fill_powers(powers: &mut [F], alpha: EF) {
    let total = powers.len() / D;
    let mut power = EF::ONE;
    for i in (0..total).rev() {
        for (d, coordinate) in coordinates(power).into_iter().enumerate() {
            powers[d * total + i] = coordinate;
        }
        power *= alpha;
    }
}

/// A coset `shift * H` of the trace domain `H`, and the selectors on it.
struct Coset {
    shift: F,
    /// `x^n - 1` on the coset.
    vanishing: F,
    inverse_vanishing: F,
    /// The last point of the trace domain.
    last: F,
}

impl Coset {
    fn new(log_height: usize, shift: F) -> Self {
        let vanishing = shift.exp_power_of_2(log_height) - F::ONE;
        Self {
            shift,
            vanishing,
            inverse_vanishing: vanishing.inverse(),
            last: F::two_adic_generator(log_height).inverse(),
        }
    }

    /// Fills the selectors of the groups `groups`, [`SELECTOR_GROUPS`] at most.
    ///
    /// `values` holds first-row, last-row and transition selectors of [`SELECTOR_GROUPS`] groups
    /// each, then scratch.
    fn fill_selectors<P: PackedFieldPow2<Scalar = F>>(
        &self,
        twiddles: &Twiddles<'_>,
        values: &mut [P],
        groups: &[usize],
    ) {
        let count = groups.len();
        let (selectors, prefix) = values.split_at_mut(3 * SELECTOR_GROUPS);
        for (i, group) in groups.iter().enumerate() {
            let x: P = points(twiddles, self.shift, group * P::WIDTH);
            selectors[i] = x - P::ONE;
            selectors[SELECTOR_GROUPS + i] = x - P::from(self.last);
            selectors[2 * SELECTOR_GROUPS + i] = x - P::from(self.last);
        }
        // Montgomery's trick over both kinds of denominators.
        let place = |i: usize| {
            if i < count {
                i
            } else {
                SELECTOR_GROUPS + i - count
            }
        };
        let mut product = P::ONE;
        for i in 0..2 * count {
            prefix[i] = product;
            product *= selectors[place(i)];
        }
        let mut inverse = invert_base(product);
        for i in (0..2 * count).rev() {
            let denominator = selectors[place(i)];
            selectors[place(i)] = inverse * prefix[i] * self.vanishing;
            inverse *= denominator;
        }
    }

    /// The selectors of the group at place `slot` of those that [`Coset::fill_selectors`] filled.
    fn selectors<P: Copy>(values: &[P], slot: usize) -> Selectors<P> {
        core::array::from_fn(|kind| values[kind * SELECTOR_GROUPS + slot])
    }
}
