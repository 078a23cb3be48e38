//! What each proof of a run is about: the bytes that its transcript is seeded with.
//!
//! A statement is a tag, one for each kind of proof, and the digest of what is proved
//! (`identity.rs` has the form of each). Seeding alone proves nothing: every value named here is
//! also constrained, by a public value, a preprocessed column, or the verifier's own enumeration.
//!
//! | kind | parts |
//! |---|---|
//! | epoch | program, plan, number |
//! | inner merge | program, plan, level, first epoch, last epoch |
//! | root merge | program, plan, level, 1, last epoch, public input, result |
//! | run in batches | program, plan, body batches, public input, result |
//! | whole run | program, plan, public input, result |

use tranche_core::statement::TAG_BYTES;
use tranche_core::{Identity, Params, Statement};

use super::Node;
use crate::hash::Hash;
use crate::identity::{Form, Kind};

const EPOCH: [u8; TAG_BYTES] = *b"tranche v2 epoch        ";
const INNER: [u8; TAG_BYTES] = *b"tranche v2 inner merge  ";
const ROOT: [u8; TAG_BYTES] = *b"tranche v2 root merge   ";
const RUN: [u8; TAG_BYTES] = *b"tranche v2 run          ";
const WHOLE: [u8; TAG_BYTES] = *b"tranche v2 whole run    ";

/// The statement of the proof of epoch `number`.
pub fn epoch(program: &Identity, plan: &Identity, number: u32) -> Statement {
    let mut form = Form::new(Kind::Epoch);
    form.digest(program).digest(plan).word(number);
    Statement {
        tag: EPOCH,
        digest: form.finish(),
    }
}

/// The digests of what a run was given and of what it came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// The [public input's](crate::PublicInput::digest).
    pub public: Identity,
    /// The [result's](result_digest).
    pub result: Identity,
}

impl Claim {
    /// Adds its parts.
    fn enter(&self, form: &mut Form) {
        form.digest(&self.public).digest(&self.result);
    }
}

/// The statement of a merge; only the root has a claim.
pub fn merge(program: &Identity, plan: &Identity, node: &Node, claim: &Claim) -> Statement {
    let (tag, kind) = if node.root {
        (ROOT, Kind::RootMerge)
    } else {
        (INNER, Kind::InnerMerge)
    };
    let mut form = Form::new(kind);
    form.digest(program).digest(plan);
    form.word(node.level)
        .word(node.first_epoch)
        .word(node.last_epoch);
    if node.root {
        claim.enter(&mut form);
    }
    Statement {
        tag,
        digest: form.finish(),
    }
}

/// The statement of the proof of a whole run in `batches` body batches.
pub fn run(program: &Identity, plan: &Identity, batches: u32, claim: &Claim) -> Statement {
    let mut form = Form::new(Kind::Run);
    form.digest(program).digest(plan).word(batches);
    claim.enter(&mut form);
    Statement {
        tag: RUN,
        digest: form.finish(),
    }
}

/// The statement of the proof of a whole run in one batch.
pub fn whole(program: &Identity, plan: &Identity, claim: &Claim) -> Statement {
    let mut form = Form::new(Kind::Whole);
    form.digest(program).digest(plan);
    claim.enter(&mut form);
    Statement {
        tag: WHOLE,
        digest: form.finish(),
    }
}

/// The digest of a plan: the version of the machine, the hash suite, its shape, and the parameters of the
/// low-degree test.
///
/// `shape` is whatever integers the verifier rebuilds the plans from: heights, the tree's arity.
pub fn plan_digest(machine_version: u32, hash: Hash, shape: &[u32], params: &Params) -> Identity {
    let mut form = Form::new(Kind::Plan);
    form.word(machine_version).word(hash.number().into());
    // Those of two bytes come first, which is the number of queries.
    for bytes in [2, 1] {
        for (_, value) in params.entries().filter(|(param, _)| param.bytes == bytes) {
            form.word(value.into());
        }
    }
    form.word(shape.len() as u32);
    for &integer in shape {
        form.word(integer);
    }
    form.finish()
}

/// The digest of a result: the exit code, the output's length and its bytes.
pub fn result_digest(exit_code: u32, output: &[u8]) -> Identity {
    let mut form = Form::new(Kind::Result);
    form.word(exit_code).bytes(output);
    form.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_statement_matters() {
        let (a, b) = ([1; 32], [2; 32]);
        let claim = |public, result| Claim { public, result };
        let [aa, ab, ba] = [claim(a, a), claim(a, b), claim(b, a)];
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
            merge(&a, &a, &node, &aa),
            merge(&b, &a, &node, &aa),
            merge(&a, &b, &node, &aa),
            merge(&a, &a, &Node { level: 2, ..node }, &aa),
            merge(
                &a,
                &a,
                &Node {
                    first_epoch: 2,
                    ..node
                },
                &aa,
            ),
            merge(
                &a,
                &a,
                &Node {
                    last_epoch: 3,
                    ..node
                },
                &aa,
            ),
            merge(&a, &a, &root, &aa),
            merge(&a, &a, &root, &ab),
            merge(&a, &a, &root, &ba),
            run(&a, &a, 1, &aa),
            run(&b, &a, 1, &aa),
            run(&a, &b, 1, &aa),
            run(&a, &a, 2, &aa),
            run(&a, &a, 1, &ab),
            run(&a, &a, 1, &ba),
            whole(&a, &a, &aa),
            whole(&b, &a, &aa),
            whole(&a, &b, &aa),
            whole(&a, &a, &ab),
            whole(&a, &a, &ba),
        ];
        for (i, x) in all.iter().enumerate() {
            let absorbed = x.elements();
            assert!(all[..i].iter().all(|y| absorbed != y.elements()), "{i}");
        }
        assert_eq!(
            merge(&a, &a, &node, &aa),
            merge(&a, &a, &node, &ab),
            "only the root has a claim"
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
            plan_digest(1, Hash::Poseidon2, &[4, 5], &params),
            plan_digest(2, Hash::Poseidon2, &[4, 5], &params),
            plan_digest(1, Hash::Blake3, &[4, 5], &params),
            plan_digest(1, Hash::Poseidon2, &[5, 4], &params),
            plan_digest(1, Hash::Poseidon2, &[4, 5, 0], &params),
        ];
        let others: [_; Params::BYTES] = core::array::from_fn(|at| {
            let mut bytes = params.to_bytes();
            bytes[at] ^= 1;
            plan_digest(1, Hash::Poseidon2, &[4, 5], &Params::from_bytes(&bytes))
        });
        let all = || plans.iter().chain(&others);
        for (i, x) in all().enumerate() {
            assert!(all().take(i).all(|y| x != y), "{i}");
        }
    }

    /// What every plan digest of this version is a digest of, word by word.
    #[test]
    fn a_plan_s_digest_is_of_these_words() {
        let params = Params {
            log_blowup: 1,
            log_final_poly_len: 2,
            max_log_arity: 3,
            cap_height: 4,
            num_queries: 500,
            query_pow_bits: 6,
            batch_pow_bits: 7,
            lookup_pow_bits: 8,
            commit_pow_bits: 9,
            ood_pow_bits: 10,
        };
        let mut form = Form::new(Kind::Plan);
        for word in [77, 1, 500, 1, 2, 3, 4, 6, 7, 8, 9, 10, 2, 14, 16] {
            form.word(word);
        }
        let digest = plan_digest(77, Hash::Blake3, &[14, 16], &params);
        assert_eq!(digest, form.finish());
    }
}
