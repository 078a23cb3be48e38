//! The permutation trace of a table, and its terminal.
//!
//! Column 0 is the accumulator, column `c + 1` the fraction of lookup column `c`:
//! `f_c = V_c / U_c`, `acc[0] = 0`, `acc[r + 1] = acc[r] + sum_c f_c[r]`, and the terminal is the sum
//! over all rows (Plonky3's single-terminal LogUp layout). Rows are walked in bit-reversed order,
//! which is the order that the extension starts from; only the accumulator is summed in row order.

pub(crate) mod compact;
pub(crate) mod fast;
pub(crate) mod fractions;

use p3_field::PrimeCharacteristicRing;

use crate::kernels::bit_reverse::reverse_bits;
use crate::kernels::ext::{challenge, coordinates};
use crate::{EF, F};

/// Fractions that one inversion serves, at least.
const MIN_BATCH: usize = 48;

/// Turns row totals into their exclusive prefix sums, in row order; returns the sum of all.
pub(crate) fn accumulate(columns: &mut [F], stride: usize, log_height: usize) -> EF {
    let mut sum = EF::ZERO;
    for row in 0..1 << log_height {
        let at = reverse_bits(row, log_height);
        let total = challenge(core::array::from_fn(|d| columns[d * stride + at]));
        for (d, coordinate) in coordinates(sum).into_iter().enumerate() {
            columns[d * stride + at] = coordinate;
        }
        sum += total;
    }
    sum
}
