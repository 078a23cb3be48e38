//! The tables that are raced, and traces that satisfy them.
//!
//! The lookup and exclusive tables have the shape of Plonky3's own lookup benchmark
//! (p3-batch-stark 0.8.0, `benches/lookup.rs`): every message is sent and received by the same row of
//! the same table, so that any keys balance. Nothing here panics.

use p3_air::{Air, BaseAir, WindowAccess};
use p3_field::PrimeCharacteristicRing;
use p3_keccak_air::KeccakAir;
use p3_lookup::{Count, InteractionBuilder};
use p3_matrix::dense::RowMajorMatrix;
use tranche_core::F;
use tranche_core::air::ArrayInteractions;

/// The bus of every message.
const BUS: &str = "shared";

/// Branches of an exclusive interaction.
pub const BRANCHES: usize = 32;

/// `lookups` pairs of columns (key, selector): each key is looked up, and provided, `selector` times.
#[derive(Clone, Copy, Debug)]
pub struct Lookups {
    /// Number of pairs.
    pub lookups: usize,
}

impl Lookups {
    /// A trace of `2^log_height` rows with random keys, every selector set.
    pub fn trace(&self, log_height: usize) -> RowMajorMatrix<F> {
        let mut random = Random::default();
        let pairs = (0..self.lookups << log_height).flat_map(|_| [random.element(), F::ONE]);
        RowMajorMatrix::new(pairs.collect(), 2 * self.lookups)
    }
}

impl BaseAir<F> for Lookups {
    fn width(&self) -> usize {
        2 * self.lookups
    }
}

impl<AB: InteractionBuilder<F = F>> Air<AB> for Lookups {
    fn eval(&self, builder: &mut AB) {
        let main = builder.main();
        for pair in main.current_slice().chunks_exact(2) {
            let (key, selector): (AB::Expr, AB::Expr) = (pair[0].into(), pair[1].into());
            let sent = Count::bounded(selector.clone(), 1);
            builder.push_interaction(BUS, [key.clone()], sent);
            builder.push_interaction(BUS, [key], -Count::provided(selector));
        }
    }
}

/// [`BRANCHES`] flags, one set per row, then as many keys: the flagged key is looked up and provided.
///
/// `ARRAYS` selects how the branches are declared: to the core's builders as arrays, or to Plonky3's
/// as vectors.
#[derive(Clone, Copy, Debug)]
pub struct Exclusive<const ARRAYS: bool>;

impl<const ARRAYS: bool> Exclusive<ARRAYS> {
    /// A trace of `2^log_height` rows with random keys, the flags set in turn.
    pub fn trace(log_height: usize) -> RowMajorMatrix<F> {
        let mut random = Random::default();
        let mut values = F::zero_vec((2 * BRANCHES) << log_height);
        for (r, row) in values.chunks_exact_mut(2 * BRANCHES).enumerate() {
            row[r % BRANCHES] = F::ONE;
            row[BRANCHES..].fill_with(|| random.element());
        }
        RowMajorMatrix::new(values, 2 * BRANCHES)
    }

    /// Every flag is boolean, and so is their sum.
    fn constrain<AB: InteractionBuilder<F = F>>(builder: &mut AB) {
        let main = builder.main();
        let flags = &main.current_slice()[..BRANCHES];
        for &flag in flags {
            builder.assert_bool(flag);
        }
        builder.assert_bool(flags.iter().map(|&flag| flag.into()).sum::<AB::Expr>());
    }
}

impl<const ARRAYS: bool> BaseAir<F> for Exclusive<ARRAYS> {
    fn width(&self) -> usize {
        2 * BRANCHES
    }
}

impl<AB: InteractionBuilder<F = F>> Air<AB> for Exclusive<false> {
    fn eval(&self, builder: &mut AB) {
        Self::constrain(builder);
        let main = builder.main();
        let (flags, keys) = main.current_slice().split_at(BRANCHES);
        for count in [Count::from(1), Count::provided(-AB::Expr::ONE)] {
            let branches = flags.iter().zip(keys);
            let branches = branches.map(|(&f, &k)| (f.into(), count.clone(), vec![k.into()]));
            builder.push_exclusive_interaction(BUS, branches);
        }
    }
}

impl<AB: ArrayInteractions<F = F>> Air<AB> for Exclusive<true> {
    fn eval(&self, builder: &mut AB) {
        Self::constrain(builder);
        let main = builder.main();
        let (flags, keys) = main.current_slice().split_at(BRANCHES);
        for count in [Count::from(1), Count::provided(-AB::Expr::ONE)] {
            let branch = |i: usize| (flags[i].into(), count.clone(), [keys[i].into()]);
            let branches: [_; BRANCHES] = std::array::from_fn(branch);
            builder.push_exclusive_array(BUS, branches);
        }
    }
}

/// [`KeccakAir`] as a batch takes it: with `Clone`.
#[derive(Clone, Copy, Debug)]
pub struct Keccak;

impl Keccak {
    /// A trace of `2^log_height` rows: as many permutations of random states as fit, the rest
    /// padding.
    pub fn trace(log_height: usize) -> RowMajorMatrix<F> {
        let permutations = (1 << log_height) / p3_keccak_air::NUM_ROUNDS;
        KeccakAir {}.generate_random_trace_rows(permutations, 0)
    }
}

impl BaseAir<F> for Keccak {
    fn width(&self) -> usize {
        p3_keccak_air::NUM_KECCAK_COLS
    }
}

impl<AB: InteractionBuilder<F = F>> Air<AB> for Keccak {
    fn eval(&self, builder: &mut AB) {
        KeccakAir {}.eval(builder);
    }
}

/// SplitMix64: the same elements in every run.
#[derive(Default)]
pub struct Random(u64);

impl Random {
    /// The next element.
    pub fn element(&mut self) -> F {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        F::from_u64(z ^ (z >> 31))
    }
}
