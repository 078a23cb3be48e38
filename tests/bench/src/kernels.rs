//! Kernels alone, each against Plonky3's own, block by block in turns; the least processor time counts.
//!
//! | kernel | core | Plonky3 |
//! |---|---|---|
//! | poseidon2 | `Poseidon2Hasher::permute` | `Poseidon2BabyBear<16>` over its packing |
//! | blake3 | `Blake3Hasher::hash_rows` | `hash_many` of `SerializingHasher<Blake3>`, as its trees call it |
//! | lde | bit reversal, `Backend::extend` | `coset_lde_batch` of `Radix2DitParallel` and `RecursiveDft`, as its commitment scheme calls it |
//! | batch inversion | `Backend::batch_invert` | `batch_multiplicative_inverse` |
//!
//! Plonky3's transforms and inversions allocate what they return, here as in its prover; twiddles are
//! computed before on both sides. Results are compared, and a difference is an error.

use std::hint::black_box;

use p3_baby_bear::{BabyBear, Poseidon2BabyBear, default_babybear_poseidon2_16};
use p3_blake3::Blake3;
use p3_dft::{Radix2DitParallel, TwoAdicSubgroupDft};
use p3_field::{
    BasedVectorSpace, Field, PackedValue, PrimeCharacteristicRing, batch_multiplicative_inverse,
};
use p3_matrix::Matrix;
use p3_matrix::bitrev::BitReversibleMatrix;
use p3_matrix::dense::RowMajorMatrix;
use p3_monty_31::dft::RecursiveDft;
use p3_symmetric::{CryptographicHasher, Permutation, SerializingHasher};
use tranche_backend::Chosen;
use tranche_core::hash::poseidon2::WIDTH;
use tranche_core::kernels::bit_reverse::bit_reverse;
use tranche_core::kernels::ntt::Twiddles;
use tranche_core::{Backend as _, D, DIGEST, EF, F};

use crate::airs::Random;
use crate::clock::{least, processor};
use crate::error::BenchError;
use crate::hashing::{
    BLOCK, CompressionClock, HASHES, HashClock, PermutationClock, ROWS, STATES, block,
};

type P = <Chosen as tranche_core::Backend>::P;
type TheirP = <F as Field>::Packing;

/// Rounds of blocks for one kernel.
const ROUNDS: usize = 41;
/// Elements that all rounds of one extension read: large matrices have fewer rounds.
const LDE_ELEMENTS: usize = 1 << 27;
/// Elements that are inverted together: as many as the core's phases invert.
const INVERSIONS: usize = 1024;
/// Inversions of a block.
const INVERSION_CALLS: usize = 64;
/// log2 of the blowup of extensions.
const LOG_BLOWUP: usize = 1;

/// Columns and log2 of the rows of the matrices that are extended.
const LDES: [(usize, usize); 4] = [(64, 16), (4, 16), (64, 18), (4, 18)];

/// One kernel, timed.
#[derive(Clone, Debug, PartialEq)]
pub struct Kernel {
    /// What is computed.
    pub name: String,
    /// What one of the times below is for.
    pub unit: &'static str,
    /// Nanoseconds of the core.
    pub core_ns: f64,
    /// Nanoseconds of each implementation that Plonky3 has, by name.
    pub plonky3_ns: Vec<(&'static str, f64)>,
}

impl Kernel {
    /// Plonky3's better time.
    pub fn best_ns(&self) -> f64 {
        let times = self.plonky3_ns.iter().map(|&(_, ns)| ns);
        times.fold(f64::INFINITY, f64::min)
    }

    /// The core's time over Plonky3's better one.
    pub fn ratio(&self) -> f64 {
        self.core_ns / self.best_ns()
    }
}

/// Times every kernel.
///
/// # Errors
/// When the two sides compute different things.
pub fn run() -> Result<Vec<Kernel>, BenchError> {
    let mut kernels = vec![poseidon2(ROUNDS)?, blake3(ROUNDS)?];
    for (columns, log_height) in LDES {
        let rounds = (LDE_ELEMENTS / (columns << log_height)).clamp(9, ROUNDS);
        kernels.push(extension(columns, log_height, rounds)?);
    }
    kernels.push(inversion(ROUNDS)?);
    Ok(kernels)
}

/// Lane by lane, since the two packings may differ.
fn poseidon2(rounds: usize) -> Result<Kernel, BenchError> {
    let plonky3: Poseidon2BabyBear<16> = default_babybear_poseidon2_16();
    let mut core = PermutationClock::default();
    let mut random = Random::default();
    let mut theirs: [[TheirP; WIDTH]; STATES] =
        std::array::from_fn(|_| std::array::from_fn(|_| TheirP::from_fn(|_| random.element())));
    let mut expected: [[F; WIDTH]; STATES] = core.states.map(|state| state.map(|x| x.extract(0)));
    let [core_s, plonky3_s] = least(
        rounds,
        [&mut || core.seconds(), &mut || {
            block(|| {
                let states = black_box(&mut theirs).iter_mut();
                states.for_each(|state| plonky3.permute_mut(state));
            })
        }],
    );
    for _ in 0..rounds * HASHES / STATES {
        expected
            .iter_mut()
            .for_each(|state| plonky3.permute_mut(state));
    }
    agree(
        "poseidon2",
        core.states.map(|state| state.map(|x| x.extract(0))) == expected,
    )?;
    Ok(Kernel {
        name: "poseidon2, width 16".into(),
        unit: "a state",
        core_ns: 1e9 * core_s / P::WIDTH as f64,
        plonky3_ns: vec![("Poseidon2BabyBear", 1e9 * plonky3_s / TheirP::WIDTH as f64)],
    })
}

/// Rows of one block: the core's lie column by column, Plonky3's row by row.
fn blake3(rounds: usize) -> Result<Kernel, BenchError> {
    let plonky3 = SerializingHasher::new(Blake3);
    let mut core = CompressionClock::default();
    let rows = RowMajorMatrix::new(core.columns.clone(), ROWS)
        .transpose()
        .values;
    let mut theirs = vec![[0; DIGEST * size_of::<u32>()]; ROWS];
    let [core_s, plonky3_s] = least(
        rounds,
        [&mut || core.seconds(), &mut || {
            block(|| plonky3.hash_many(black_box(&rows), &mut theirs))
        }],
    );
    let layer = &core.layer;
    let digest = |row: usize| {
        let words = (0..DIGEST).map(move |word| layer[word * ROWS + row]);
        words.flat_map(u32::to_le_bytes)
    };
    let equal = theirs
        .iter()
        .enumerate()
        .all(|(row, theirs)| digest(row).eq(*theirs));
    agree("blake3", equal)?;
    Ok(Kernel {
        name: format!("blake3, rows of {BLOCK} elements"),
        unit: "a row",
        core_ns: 1e9 * core_s / P::WIDTH as f64,
        plonky3_ns: vec![("SerializingHasher", 1e9 * plonky3_s / P::WIDTH as f64)],
    })
}

fn extension(columns: usize, log_height: usize, rounds: usize) -> Result<Kernel, BenchError> {
    let (height, lde) = (1 << log_height, 1 << (log_height + LOG_BLOWUP));
    let mut random = Random::default();
    let values = (0..columns << log_height).map(|_| random.element());
    let matrix = RowMajorMatrix::new(values.collect(), columns);
    let transposed = matrix.transpose().values;

    let log_lde = log_height + LOG_BLOWUP;
    let mut tables = vec![F::ZERO; Twiddles::len(log_lde, Chosen::lane_table_len(log_height))];
    Twiddles::fill(&mut tables, log_lde, Chosen::fill_lane_table);
    let twiddles = Twiddles::view(&tables, log_lde);
    let mut out = vec![F::ZERO; columns * lde];
    let mut core = || {
        let extend = || {
            let slots = out.chunks_exact_mut(lde);
            for (slot, column) in slots.zip(transposed.chunks_exact(height)) {
                slot[..height].copy_from_slice(column);
                bit_reverse::<P>(&mut slot[..height]);
                Chosen::extend(&twiddles, slot, LOG_BLOWUP, F::GENERATOR);
            }
        };
        processor(extend).0
    };

    let radix_2 = Radix2DitParallel::<F>::default();
    let recursive = RecursiveDft::<F>::new(lde);
    let (mut by_radix_2, mut by_recursive) = (None, None);
    let mut first = || plonky3_lde(&radix_2, &matrix, &mut by_radix_2);
    let mut second = || plonky3_lde(&recursive, &matrix, &mut by_recursive);
    let [core_s, radix_2_s, recursive_s] = least(rounds, [&mut core, &mut first, &mut second]);
    let name = format!("lde of {columns} columns, 2^{log_height} rows");
    for theirs in [by_radix_2, by_recursive].into_iter().flatten() {
        agree(&name, theirs.transpose().values == out)?;
    }
    // A transform to coefficients, and one for each coset.
    let transforms = (1 + (1 << LOG_BLOWUP)) * columns;
    let ns = 1e9 / (transforms * height / 2 * log_height) as f64;
    Ok(Kernel {
        name,
        unit: "a butterfly",
        core_ns: ns * core_s,
        plonky3_ns: vec![
            ("Radix2DitParallel", ns * radix_2_s),
            ("RecursiveDft", ns * recursive_s),
        ],
    })
}

/// Seconds of one extension as Plonky3's commitment scheme makes it; the copy of its input is its
/// caller's.
fn plonky3_lde<D: TwoAdicSubgroupDft<BabyBear>>(
    dft: &D,
    matrix: &RowMajorMatrix<F>,
    out: &mut Option<RowMajorMatrix<F>>,
) -> f64 {
    // Dropped first, so that the allocator has its memory at hand.
    *out = None;
    let input = matrix.clone();
    let (seconds, extended) = processor(|| {
        let extended = dft.coset_lde_batch(input, LOG_BLOWUP, F::GENERATOR);
        extended.bit_reverse_rows().to_row_major_matrix()
    });
    *out = Some(extended);
    seconds
}

/// Elements of the extension field, none of them zero.
fn inversion(rounds: usize) -> Result<Kernel, BenchError> {
    let mut random = Random::default();
    let mut element = || EF::from_basis_coefficients_fn(|_| random.element());
    let values: Vec<EF> = (0..INVERSIONS).map(|_| element()).collect();
    let at = |i: usize, lane: usize| values[i * P::WIDTH + lane];
    let coordinate =
        |i: usize, d: usize| P::from_fn(|lane| at(i, lane).as_basis_coefficients_slice()[d]);
    let packed: Vec<[P; D]> = (0..INVERSIONS / P::WIDTH)
        .map(|i| std::array::from_fn(|d| coordinate(i, d)))
        .collect();
    let mut prefix = vec![[P::ZERO; D]; packed.len()];
    let (mut ours, mut theirs) = (packed, Vec::new());
    // An even number of inversions is none, an odd number is one.
    let mut core = || {
        let calls =
            || (0..INVERSION_CALLS).for_each(|_| Chosen::batch_invert(&mut ours, &mut prefix));
        processor(calls).0
    };
    let mut plonky3 = || {
        let calls = || {
            for _ in 0..INVERSION_CALLS {
                theirs = batch_multiplicative_inverse(black_box(&values));
            }
        };
        processor(calls).0
    };
    let [core_s, plonky3_s] = least(rounds, [&mut core, &mut plonky3]);
    Chosen::batch_invert(&mut ours, &mut prefix);
    let inverse = |i: usize| {
        EF::from_basis_coefficients_fn(|d: usize| ours[i / P::WIDTH][d].extract(i % P::WIDTH))
    };
    agree(
        "inversion",
        (0..INVERSIONS).all(|i| inverse(i) == theirs[i]),
    )?;
    let ns = 1e9 / (INVERSIONS * INVERSION_CALLS) as f64;
    Ok(Kernel {
        name: format!("batch inversion of {INVERSIONS} challenges"),
        unit: "a challenge",
        core_ns: ns * core_s,
        plonky3_ns: vec![("batch_multiplicative_inverse", ns * plonky3_s)],
    })
}

/// Refuses a kernel whose sides disagree.
fn agree(kernel: &str, equal: bool) -> Result<(), BenchError> {
    if equal {
        Ok(())
    } else {
        Err(BenchError::Kernel(kernel.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_agrees_with_plonky3() {
        for kernel in [
            poseidon2(2),
            blake3(2),
            extension(3, 6, 2),
            extension(20, 9, 1),
            inversion(1),
        ] {
            let kernel = kernel.unwrap();
            assert!(kernel.core_ns > 0.0 && kernel.best_ns() > 0.0);
        }
    }

    #[test]
    fn a_disagreement_is_an_error() {
        let error = agree("it", false).unwrap_err();
        assert!(matches!(error, BenchError::Kernel(name) if name == "it"));
    }

    #[test]
    fn the_ratio_is_to_the_better_one() {
        let kernel = Kernel {
            name: String::new(),
            unit: "",
            core_ns: 3.0,
            plonky3_ns: vec![("a", 6.0), ("b", 4.0)],
        };
        assert_eq!(kernel.ratio(), 0.75);
    }
}
