//! The lanes of BLAKE3 against the `blake3` crate, row by row, node by node, witness by witness.

use blake3::Hasher as Message;
use p3_field::{PackedFieldPow2, PackedValue, PrimeCharacteristicRing, PrimeField32};
use proptest::collection::vec;
use proptest::prelude::*;
use tranche_core::hash::blake3::{Blake3, Kernels};
use tranche_core::hash::leaves::Leaves;
use tranche_core::hash::{Hasher, Hashes, States, Suite, Transcript};
use tranche_core::{DIGEST, Digest, F};

use crate::naive::element;

macro_rules! tests {
    ($backend:ty) => {
        #[test]
        fn blake3_of_rows_of_every_width() {
            crate::blake3::rows::<$backend>();
        }

        #[test]
        fn blake3_of_rows_that_come_some_columns_at_a_time() {
            crate::blake3::states::<$backend>();
        }

        #[test]
        fn blake3_of_nodes() {
            crate::blake3::nodes::<$backend>();
        }

        #[test]
        fn blake3_grinding() {
            crate::blake3::grinding::<$backend>();
        }
    };
}
pub(crate) use tests;

/// Widths at whose ends blocks, chunks and subtrees end, and beside them; and that of Keccak.
const WIDTHS: [usize; 30] = [
    1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 240, 241, 255, 256, 257, 271, 272, 273, 511, 512, 513, 767,
    768, 769, 1023, 1024, 1025, 1281, 2048, 2633,
];

/// Random words, field elements or not.
fn words(seed: u64, count: usize) -> Vec<u32> {
    let mut bytes = vec![0; 4 * count];
    let mut stream = Message::new();
    stream.update(&seed.to_le_bytes());
    stream.finalize_xof().fill(&mut bytes);
    let words = bytes.as_chunks().0.iter();
    words.map(|word| u32::from_le_bytes(*word)).collect()
}

/// Random elements, zeros, ones and minus ones among them.
fn elements(seed: u64, count: usize) -> Vec<F> {
    let ends = [F::default(), F::from_u32(1), F::from_u32(F::ORDER_U32 - 1)];
    let of = |word: u32| match word % 8 {
        i @ 0..3 => ends[i as usize],
        _ => F::from_u32(word),
    };
    words(seed, count).into_iter().map(of).collect()
}

/// A matrix that lies column by column.
#[derive(Clone, Copy)]
struct Columns<'a> {
    values: &'a [F],
    rows: usize,
}

impl Leaves for Columns<'_> {
    fn log_height(&self) -> usize {
        self.rows.ilog2() as usize
    }

    fn width(&self) -> usize {
        self.values.len() / self.rows
    }

    fn load<P: PackedFieldPow2<Scalar = F>>(&self, column: usize, row: usize) -> P {
        *P::from_slice(&self.values[column * self.rows + row..][..P::WIDTH])
    }
}

fn digest(message: &[u8]) -> Digest {
    let digest: [u8; 32] = blake3::hash(message).into();
    core::array::from_fn(|i| u32::from_le_bytes(digest.as_chunks().0[i]))
}

/// The digest of a row of columns.
fn row_digest(values: &[F], rows: usize, row: usize) -> Digest {
    let column = values.chunks_exact(rows);
    let bytes = column.flat_map(|column| column[row].to_unique_u32().to_le_bytes());
    digest(&bytes.collect::<Vec<_>>())
}

fn node(left: Digest, right: Digest) -> Digest {
    let bytes = left.into_iter().chain(right).flat_map(u32::to_le_bytes);
    digest(&bytes.collect::<Vec<_>>())
}

/// A digest of a layer, which lies word by word.
fn at(layer: &[u32], row: usize) -> Digest {
    let rows = layer.len() / DIGEST;
    core::array::from_fn(|i| layer[i * rows + row])
}

/// Cuts a width in two or three, at a place that ends a block or not.
fn cuts(width: usize) -> Vec<Vec<usize>> {
    let mut cuts = vec![vec![width]];
    for first in [1, 16, 100, 256, 700] {
        if first < width {
            cuts.push(vec![first, width - first]);
        }
        if first + 3 < width {
            cuts.push(vec![first, 3, width - first - 3]);
        }
    }
    cuts
}

pub fn rows<B: Kernels>() {
    let lanes = B::P::WIDTH;
    for (seed, width) in WIDTHS.into_iter().enumerate() {
        // One row group, groups that are hashed together, and one more than these.
        for groups in [1, 5] {
            let rows = groups * lanes;
            let values = elements(seed as u64, width * rows);
            for cut in cuts(width) {
                let mut rest = values.as_slice();
                let matrices: Vec<_> = cut
                    .iter()
                    .map(|width| Columns {
                        values: rest.split_off(..width * rows).expect("as many columns"),
                        rows,
                    })
                    .collect();
                let mut layer = vec![0; DIGEST * rows];
                let hasher = <B as Hashes<Blake3>>::hasher(&Blake3);
                hasher.hash_rows(matrices.into_iter(), &mut layer);
                for row in 0..rows {
                    let expected = row_digest(&values, rows, row);
                    assert_eq!(at(&layer, row), expected, "row {row} of {width} as {cut:?}");
                }
            }
        }
    }
}

pub fn states<B: Kernels>() {
    let hasher = <B as Hashes<Blake3>>::hasher(&Blake3);
    let rows = 2 * B::P::WIDTH;
    for (seed, width) in WIDTHS.into_iter().enumerate() {
        let values = elements(seed as u64, width * rows);
        // States have room for a wider row of another layer.
        for room in [width, width + 300] {
            for step in [1, 3, 8, 16, 100, 256, width] {
                let mut words = vec![u32::MAX; Blake3::state_words(room) * rows];
                hasher.start(&mut words);
                let mut states = States {
                    words: &mut words,
                    rows,
                    width,
                    absorbed: 0,
                };
                for columns in values.chunks(step * rows) {
                    // The second half of the rows first.
                    for to in [rows / 2..rows, 0..rows / 2] {
                        let from = to.start;
                        // The columns from the first of these rows on, each of as many rows.
                        let shifted = [&columns[from..], &vec![F::default(); from]].concat();
                        hasher.absorb(&mut states, &shifted, rows, to);
                    }
                    states.absorbed += columns.len() / rows;
                }
                let layer = crate::blake3::words(width as u64, DIGEST * rows);
                let mut injected = layer.clone();
                hasher.inject(&mut states, &mut injected);
                hasher.end(&mut states);
                for row in 0..rows {
                    let expected = row_digest(&values, rows, row);
                    let got = at(&words[..DIGEST * rows], row);
                    assert_eq!(got, expected, "row {row} of {width}, {step} at a time");
                    assert_eq!(at(&injected, row), node(at(&layer, row), expected));
                }
            }
        }
    }
}

pub fn nodes<B: Kernels>() {
    let hasher = <B as Hashes<Blake3>>::hasher(&Blake3);
    let rows = 3 * B::P::WIDTH;
    let values = elements(1, 300 * rows);
    for width in [0, 1, 20, 300] {
        let matrix = Columns {
            values: &values[..width * rows],
            rows,
        };
        let below = words(2, 2 * DIGEST * rows);
        let mut layer = vec![0; DIGEST * rows];
        hasher.compress(
            &below,
            (width > 0).then_some(matrix).into_iter(),
            &mut layer,
        );
        for row in 0..rows {
            let mut expected = node(at(&below, 2 * row), at(&below, 2 * row + 1));
            if width > 0 {
                expected = node(expected, row_digest(matrix.values, rows, row));
            }
            assert_eq!(at(&layer, row), expected, "node {row}, {width} injected");
        }
    }
}

pub fn grinding<B: Kernels>() {
    let hasher = <B as Hashes<Blake3>>::hasher(&Blake3);
    let config = ProptestConfig {
        cases: 16,
        ..Default::default()
    };
    proptest!(config, |(observed in vec(element(), 0..40), bits in 1..=11_usize, sampled: bool)| {
        let mut transcript = hasher.transcript();
        transcript.observe_slice(&observed);
        if sampled {
            let _ = transcript.sample();
        }
        let before = transcript.clone();
        let witness = hasher.grind(&mut transcript, bits);
        // A message by hand: the digest of what was observed, then the witness.
        let bytes = observed.iter().flat_map(|x| x.to_unique_u32().to_le_bytes());
        let prefix: [u8; 32] = blake3::hash(&bytes.collect::<Vec<_>>()).into();
        let passes = |candidate: F| {
            let word = candidate.to_unique_u32().to_le_bytes();
            let digest: [u8; 32] = blake3::hash(&[&prefix[..], &word].concat()).into();
            let sample = [digest[31], digest[30], digest[29], digest[28]];
            u32::from_le_bytes(sample) & ((1 << bits) - 1) == 0
        };
        let smallest = (0..F::ORDER_U32).map(F::from_u32).find(|&x| passes(x));
        prop_assert_eq!(Some(witness), smallest);
        let mut scalar = before;
        prop_assert_eq!(hasher.scalar().grind(&mut scalar, bits), witness);
        prop_assert_eq!(scalar.sample_ext(), transcript.sample_ext());
    });
}
