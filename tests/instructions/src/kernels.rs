//! Kernels, called again on what they made.

use std::hint::black_box;

use p3_baby_bear::default_babybear_poseidon2_16;
use p3_field::{Field, PackedFieldPow2, PrimeCharacteristicRing};
use p3_symmetric::Permutation;
use tranche_core::hash::blake3::Blake3;
use tranche_core::hash::leaves::Leaves;
use tranche_core::hash::poseidon2::{Poseidon2, Poseidon2Hasher, WIDTH};
use tranche_core::hash::{Hasher, Hashes, blake3 as lanes, poseidon2};
use tranche_core::kernels::ntt::Twiddles;
use tranche_core::{Backend, DIGEST, F};

/// log2 of the elements of a column that is transformed.
const LOG_COLUMN: usize = 13;
/// Rows, and nodes, that are hashed in one call.
const ROWS: usize = 256;
/// Elements of a row: one block of BLAKE3.
const BLOCK: usize = 16;
/// Bytes of a message that the `blake3` crate hashes: chunks enough for its lanes.
const MESSAGE_BYTES: usize = 1 << 16;

fn elements(count: usize) -> Vec<F> {
    F::GENERATOR.powers().take(count).collect()
}

/// Permutes `P::WIDTH` states.
pub fn permutation<B: poseidon2::Kernels>(calls: usize) {
    let hasher = Poseidon2Hasher::<B>::new(&Poseidon2::BABY_BEAR);
    let mut state = [B::P::from(F::TWO); WIDTH];
    for _ in 0..calls {
        hasher.permute(black_box(&mut state));
    }
}

/// The same by Plonky3's own permutation of its own packing.
pub fn plonky3_permutation(calls: usize) {
    let plonky3 = default_babybear_poseidon2_16();
    let mut state = [<F as Field>::Packing::from(F::TWO); WIDTH];
    for _ in 0..calls {
        plonky3.permute_mut(black_box(&mut state));
    }
}

fn with_twiddles<B: Backend>(call: impl FnOnce(&Twiddles<'_>, &mut [F])) {
    let lanes = B::lane_table_len(LOG_COLUMN);
    let mut tables = vec![F::ZERO; Twiddles::len(LOG_COLUMN + 1, lanes)];
    Twiddles::fill(&mut tables, LOG_COLUMN + 1, B::fill_lane_table);
    call(
        &Twiddles::view(&tables, LOG_COLUMN + 1),
        &mut elements(1 << LOG_COLUMN),
    );
}

/// Transforms a column of coefficients.
pub fn forward<B: Backend>(calls: usize) {
    with_twiddles::<B>(|twiddles, column| {
        for _ in 0..calls {
            B::coset_ntt(twiddles, black_box(column), F::GENERATOR);
        }
    });
}

/// Transforms a column of evaluations.
pub fn inverse<B: Backend>(calls: usize) {
    with_twiddles::<B>(|twiddles, column| {
        for _ in 0..calls {
            B::intt(twiddles, black_box(column));
        }
    });
}

/// Rows that lie column by column.
#[derive(Clone, Copy)]
struct Blocks<'a>(&'a [F]);

impl Leaves for Blocks<'_> {
    fn log_height(&self) -> usize {
        ROWS.ilog2() as usize
    }

    fn width(&self) -> usize {
        BLOCK
    }

    fn load<P: PackedFieldPow2<Scalar = F>>(&self, column: usize, row: usize) -> P {
        *P::from_slice(&self.0[column * ROWS + row..][..P::WIDTH])
    }
}

/// Hashes [`ROWS`] rows of one block.
pub fn leaves<B: lanes::Kernels>(calls: usize) {
    let hasher = <B as Hashes<Blake3>>::hasher(&Blake3);
    let columns = elements(BLOCK * ROWS);
    let mut layer = [0; DIGEST * ROWS];
    for _ in 0..calls {
        let rows = std::iter::once(Blocks(black_box(&columns)));
        hasher.hash_rows(rows, black_box(&mut layer));
    }
}

/// Hashes twice [`ROWS`] digests in pairs.
pub fn nodes<B: lanes::Kernels>(calls: usize) {
    let hasher = <B as Hashes<Blake3>>::hasher(&Blake3);
    let below = [1; 2 * DIGEST * ROWS];
    let mut layer = [0; DIGEST * ROWS];
    for _ in 0..calls {
        let none = std::iter::empty::<Blocks<'_>>();
        hasher.compress(black_box(&below), none, black_box(&mut layer));
    }
}

/// Hashes a message of [`MESSAGE_BYTES`] with the `blake3` crate.
pub fn blake3_chunks(calls: usize) {
    let message = vec![1; MESSAGE_BYTES];
    for _ in 0..calls {
        black_box(blake3::hash(black_box(&message)));
    }
}
