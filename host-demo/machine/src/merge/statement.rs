//! What each proof of a run is about: the words that its transcript is seeded with.
//!
//! A statement is a tag, one for each kind of proof, and the Poseidon2 digest of a list of field
//! elements whose length the tag fixes. Seeding alone proves nothing: every value named here is
//! also constrained, by a public value, a preprocessed column, or the verifier's own enumeration.
//!
//! | kind | elements |
//! |---|---|
//! | epoch | program, plan, number |
//! | inner merge | program, plan, level, first epoch, last epoch |
//! | root merge | program, plan, level, 1, last epoch, result |

use p3_field::PrimeCharacteristicRing;
use tranche_core::poseidon2::{Poseidon2, Sponge};
use tranche_core::statement::TAG_LEN;
use tranche_core::{Digest, F, Params, Statement};

use super::Node;

const EPOCH: [F; TAG_LEN] = tag(b"tranche v1 epoch        ");
const INNER: [F; TAG_LEN] = tag(b"tranche v1 inner merge  ");
const ROOT: [F; TAG_LEN] = tag(b"tranche v1 root merge   ");
const PLAN: [F; TAG_LEN] = tag(b"tranche v1 plan         ");
const RESULT: [F; TAG_LEN] = tag(b"tranche v1 result       ");

/// Bytes of ASCII in one element of a tag.
const TAG_BYTES: usize = 3;

/// The statement of the proof of epoch `number`.
pub fn epoch(program: &Digest, plan: &Digest, number: u32) -> Statement {
    let mut hash = Hash::new();
    hash.elements(program).elements(plan).word(number);
    Statement {
        tag: EPOCH,
        digest: hash.finish(),
    }
}

/// The statement of a merge; `result` is the claimed result's digest, which only the root has.
pub fn merge(program: &Digest, plan: &Digest, node: &Node, result: &Digest) -> Statement {
    let mut hash = Hash::new();
    hash.elements(program).elements(plan);
    hash.word(node.level)
        .word(node.first_epoch)
        .word(node.last_epoch);
    if node.root {
        hash.elements(result);
    }
    Statement {
        tag: if node.root { ROOT } else { INNER },
        digest: hash.finish(),
    }
}

/// The digest of a plan: the version of the machine, its shape, and the parameters of the
/// low-degree test.
///
/// `shape` is whatever integers the verifier rebuilds the plans from: heights, the tree's arity.
pub fn plan_digest(machine_version: u32, shape: &[u32], params: &Params) -> Digest {
    let Params {
        log_blowup,
        log_final_poly_len,
        max_log_arity,
        cap_height,
        num_queries,
        query_pow_bits,
        batch_pow_bits,
        lookup_pow_bits,
        commit_pow_bits,
        ood_pow_bits,
    } = *params;
    let mut hash = Hash::new();
    hash.elements(&PLAN)
        .word(machine_version)
        .word(num_queries.into());
    for bits in [
        log_blowup,
        log_final_poly_len,
        max_log_arity,
        cap_height,
        query_pow_bits,
        batch_pow_bits,
        lookup_pow_bits,
        commit_pow_bits,
        ood_pow_bits,
    ] {
        hash.word(bits.into());
    }
    hash.word(shape.len() as u32);
    for &integer in shape {
        hash.word(integer);
    }
    hash.finish()
}

/// The digest of a result: the exit code, the output's length and its bytes.
pub fn result_digest(exit_code: u32, output: &[u8]) -> Digest {
    let mut hash = Hash::new();
    hash.elements(&RESULT)
        .word(exit_code)
        .word(output.len() as u32);
    for pair in output.chunks(2) {
        let high = pair.get(1).map_or(0, |&byte| u32::from(byte) << 8);
        hash.elements(&[F::from_u32(u32::from(pair[0]) | high)]);
    }
    hash.finish()
}

/// Absorbs words as their halves, so that no two words alias mod p.
struct Hash {
    sponge: Sponge<F>,
}

impl Hash {
    const fn new() -> Self {
        Self {
            sponge: Sponge::new(),
        }
    }

    fn elements(&mut self, elements: &[F]) -> &mut Self {
        self.sponge.absorb_slice(&Poseidon2::BABY_BEAR, elements);
        self
    }

    fn word(&mut self, word: u32) -> &mut Self {
        self.elements(&[word & 0xffff, word >> 16].map(F::from_u32))
    }

    fn finish(self) -> Digest {
        self.sponge.finish(&Poseidon2::BABY_BEAR)
    }
}

/// A tag from its text, [`TAG_BYTES`] bytes an element.
const fn tag(text: &[u8; TAG_LEN * TAG_BYTES]) -> [F; TAG_LEN] {
    let mut words = [0; TAG_LEN];
    let mut i = 0;
    while i < text.len() {
        words[i / TAG_BYTES] = words[i / TAG_BYTES] << 8 | text[i] as u32;
        i += 1;
    }
    F::new_array(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_statement_matters() {
        let (a, b) = ([F::ONE; 8], [F::TWO; 8]);
        let node = Node {
            level: 1,
            index: 0,
            first_epoch: 1,
            last_epoch: 2,
            children: 2,
            root: false,
        };
        let root = Node { root: true, ..node };
        let all = [
            epoch(&a, &a, 1),
            epoch(&b, &a, 1),
            epoch(&a, &b, 1),
            epoch(&a, &a, 2),
            epoch(&a, &a, 1 << 16),
            merge(&a, &a, &node, &a),
            merge(&b, &a, &node, &a),
            merge(&a, &b, &node, &a),
            merge(&a, &a, &Node { level: 2, ..node }, &a),
            merge(
                &a,
                &a,
                &Node {
                    first_epoch: 2,
                    ..node
                },
                &a,
            ),
            merge(
                &a,
                &a,
                &Node {
                    last_epoch: 3,
                    ..node
                },
                &a,
            ),
            merge(&a, &a, &root, &a),
            merge(&a, &a, &root, &b),
        ];
        for (i, x) in all.iter().enumerate() {
            assert!(all[..i].iter().all(|y| x != y), "{i}");
        }
        assert_eq!(
            merge(&a, &a, &node, &a),
            merge(&a, &a, &node, &b),
            "only the root has a result"
        );
    }

    #[test]
    fn digests_separate_what_they_name() {
        let results = [
            result_digest(0, b""),
            result_digest(1, b""),
            result_digest(1 << 16, b""),
            result_digest(0, b"\0"),
            result_digest(0, b"\0\0"),
            result_digest(0, b"ab"),
            result_digest(0, b"ba"),
        ];
        for (i, x) in results.iter().enumerate() {
            assert!(results[..i].iter().all(|y| x != y), "{i}");
        }
        let params = Params::DEFAULT;
        let plans = [
            plan_digest(1, &[4, 5], &params),
            plan_digest(2, &[4, 5], &params),
            plan_digest(1, &[5, 4], &params),
            plan_digest(1, &[4, 5, 0], &params),
            plan_digest(
                1,
                &[4, 5],
                &Params {
                    num_queries: 202,
                    ..params
                },
            ),
            plan_digest(
                1,
                &[4, 5],
                &Params {
                    query_pow_bits: 15,
                    ..params
                },
            ),
            plan_digest(
                1,
                &[4, 5],
                &Params {
                    log_blowup: 2,
                    ..params
                },
            ),
        ];
        for (i, x) in plans.iter().enumerate() {
            assert!(plans[..i].iter().all(|y| x != y), "{i}");
        }
    }
}
