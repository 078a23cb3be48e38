//! Buses and the gadgets that the tables speak on them with.
//!
//! | bus | message | who |
//! |---|---|---|
//! | [`ROM`] | pc, rd, rs1, rs2, imm (2), aux, op, flags | CPU asks, ROM provides |
//! | [`EXEC`] | op, clk, a (2), b (2), result (2), aux, next pc, old rd (2) | CPU, SYS ask others |
//! | [`MEMORY`] | cell, timestamp, low half, high half | an access takes one, puts the next |
//! | [`RANGE`] | value, bits | `value < 2^bits`, bits at most 8, or those of half a timestamp |
//! | [`AND4`] | x, y, x & y | nibbles |

use p3_baby_bear::BabyBear;
use p3_field::PrimeCharacteristicRing;
use p3_lookup::{Count, InteractionBuilder};
use tranche_core::F;

/// Instructions by program counter.
pub const ROM: &str = "rom";
/// Work that the CPU table leaves to others.
pub const EXEC: &str = "exec";
/// Memory of one epoch.
pub const MEMORY: &str = "mem";
/// Range checks.
pub const RANGE: &str = "range";
/// Bitwise and of nibbles.
pub const AND4: &str = "and4";

/// 2^-k in the field: `p - (p - 1) / 2^k`, for k at most 27.
pub const fn inverse_power_of_two(k: u32) -> F {
    const P: u32 = 0x7800_0001;
    BabyBear::new(P - ((P - 1) >> k))
}

/// How many bits the clock of an epoch or of a run has, and so a timestamp, and a difference of two.
///
/// A difference is checked in two parts. A width more than the least is as sound; it asks for more rows of the
/// range table, not for more columns or messages elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    bits: u32,
}

impl Clock {
    /// Two bytes: the least clock, up to 2^14 cycles.
    pub const SHORT: Self = Self { bits: 16 };
    /// 28 bits: the widest, up to [`MAX_RUN_CYCLES`] cycles.
    pub const LONGEST: Self = Self { bits: 28 };

    /// The least clock that ends below 2^`bits`; the widest where none does.
    const fn of_bits(bits: u32) -> Self {
        if bits <= Self::SHORT.bits {
            Self::SHORT
        } else if bits >= Self::LONGEST.bits {
            Self::LONGEST
        } else {
            Self { bits }
        }
    }

    /// The clock of an epoch of `2^log2_cycles` cycles.
    pub const fn for_cycles(log2_cycles: u32) -> Self {
        // 1 + 3 * 2^n is below 2^(n + 2).
        Self::of_bits(log2_cycles.saturating_add(2))
    }

    /// The least clock of a run of at most so many cycles; the widest for longer ones too, whose
    /// end is compared with its bits.
    pub const fn for_run(cycles: u64) -> Self {
        let end = (CLOCK_START as u64).saturating_add(cycles.saturating_mul(STAMPS as u64));
        Self::of_bits(u64::BITS - end.leading_zeros())
    }

    /// Bits of a timestamp, and of a difference of two.
    pub const fn bits(self) -> u32 {
        self.bits
    }

    /// Bits of the low part of a difference, which has a column; as many as those of the high one, which is
    /// derived, or one more.
    pub const fn low_bits(self) -> u32 {
        self.bits.div_ceil(2)
    }

    /// Bits of the high part of a difference.
    pub const fn high_bits(self) -> u32 {
        self.bits / 2
    }
}

/// Timestamps of a cycle: an access at `clk + 0`, `+ 1`, `+ 2`.
pub const STAMPS: u32 = 3;
/// The clock of an epoch's first cycle. Timestamp 0 belongs to L2G.
pub const CLOCK_START: u32 = 1;

const _: () = assert!(STAMPS < 4 && CLOCK_START == 1, "for `Clock::for_cycles`");

/// Most cycles of a run in batches: its clock ends below 2^28.
pub const MAX_RUN_CYCLES: u64 = (((1 << Clock::LONGEST.bits) - 1 - CLOCK_START) / STAMPS) as u64;

// A difference that is negative is none of so many bits, modulo the field's order.
const _: () = assert!(0x7800_0001 - (1 << Clock::LONGEST.bits) >= 1 << Clock::LONGEST.bits);

/// Multiplicity of a message that a boolean `gate` sends.
pub(crate) fn send<E>(gate: E) -> Count<E> {
    Count::bounded(gate, 1)
}

/// Multiplicity of a message that a boolean `gate` receives.
pub(crate) fn receive<E: core::ops::Neg<Output = E>>(gate: E) -> Count<E> {
    -Count::bounded(gate, 1)
}

/// Checks `value < 2^bits` where `gate` is one.
pub(crate) fn range<AB: InteractionBuilder<F = F>>(
    builder: &mut AB,
    value: AB::Expr,
    bits: AB::Expr,
    gate: AB::Expr,
) {
    builder.push_interaction(RANGE, [value, bits], send(gate));
}

/// Checks `value < 2^8` where `gate` is one.
pub(crate) fn range8<AB: InteractionBuilder<F = F>>(
    builder: &mut AB,
    value: AB::Expr,
    gate: AB::Expr,
) {
    range(builder, value, AB::Expr::from_u8(8), gate);
}

/// Checks `value < 2^16` where `gate` is one; `low` is its low byte, the high byte is derived.
pub(crate) fn range16<AB: InteractionBuilder<F = F>>(
    builder: &mut AB,
    value: AB::Expr,
    low: AB::Expr,
    gate: AB::Expr,
) {
    range8(builder, low.clone(), gate.clone());
    range8(builder, (value - low) * inverse_power_of_two(8), gate);
}

/// Serves `op` over the halves of `a` and `b`: work that needs no clock and leaves the program
/// counter alone.
pub(crate) fn serve<AB: InteractionBuilder<F = F>>(
    builder: &mut AB,
    op: AB::Expr,
    a: [AB::Expr; 2],
    b: [AB::Expr; 2],
    result: [AB::Expr; 2],
    gate: AB::Expr,
) {
    let zero = AB::Expr::ZERO;
    let ([a_lo, a_hi], [b_lo, b_hi], [lo, hi]) = (a, b, result);
    let request = [
        op,
        zero.clone(),
        a_lo,
        a_hi,
        b_lo,
        b_hi,
        lo,
        hi,
        zero.clone(),
        zero.clone(),
        zero.clone(),
        zero,
    ];
    builder.push_interaction(EXEC, request, receive(gate));
}

/// One access to a cell: what it takes from the memory bus and puts back.
pub(crate) struct Access<E> {
    /// The cell.
    pub cell: E,
    /// Timestamp of this access.
    pub timestamp: E,
    /// Timestamp of the access before.
    pub previous: E,
    /// Halves found.
    pub old: [E; 2],
    /// Halves left.
    pub new: [E; 2],
    /// Low part of `timestamp - previous - 1`.
    pub elapsed: E,
    /// Whether the access happens.
    pub gate: E,
}

/// Takes (cell, previous, old), puts (cell, timestamp, new), and checks `previous < timestamp`.
pub(crate) fn access<AB: InteractionBuilder<F = F>>(
    builder: &mut AB,
    clock: Clock,
    access: Access<AB::Expr>,
) {
    let Access {
        cell,
        timestamp,
        previous,
        old,
        new,
        elapsed,
        gate,
    } = access;
    let [old_lo, old_hi] = old;
    let [new_lo, new_hi] = new;
    let taken = [cell.clone(), previous.clone(), old_lo, old_hi];
    builder.push_interaction(MEMORY, taken, receive(gate.clone()));
    let put = [cell, timestamp.clone(), new_lo, new_hi];
    builder.push_interaction(MEMORY, put, send(gate.clone()));

    let (low, high) = (clock.low_bits(), clock.high_bits());
    let difference = timestamp - previous - AB::Expr::ONE;
    let rest = (difference - elapsed.clone()) * inverse_power_of_two(low);
    range(builder, elapsed, AB::Expr::from_u32(low), gate.clone());
    range(builder, rest, AB::Expr::from_u32(high), gate);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_no_wider_than_they_need_be() {
        let epochs = [0, 14, 15, 16, 25, 26, 27, 31].map(|n| Clock::for_cycles(n).bits());
        assert_eq!(epochs, [16, 16, 17, 18, 27, 28, 28, 28]);
        // The end of a run of n cycles is 1 + 3 n.
        let runs = [
            0,
            21_844,
            21_845,
            43_690,
            43_691,
            MAX_RUN_CYCLES,
            MAX_RUN_CYCLES + 1,
            u64::MAX,
        ];
        let runs = runs.map(|cycles| Clock::for_run(cycles).bits());
        assert_eq!(runs, [16, 16, 17, 17, 18, 28, 28, 28]);
        let parts = [16, 17, 28]
            .map(|bits| Clock { bits })
            .map(|clock| (clock.low_bits(), clock.high_bits()));
        assert_eq!(parts, [(8, 8), (9, 8), (14, 14)]);
    }
}
