//! The bundle's reader and the verifier on forged bundles and proofs.
//!
//! An input is a list of choices: which honest bundle or proof, and what to change of it. Checksums are
//! made right again, so that a change reaches what it is meant for. What is accepted is an honest bundle,
//! byte for byte; and no bundle takes more than twice the heap of an honest one, and what it is long
//! itself.

use arbitrary::{Result, Unstructured};
use tranche::verify::verify_above;

use crate::bundles::Parts;
use crate::honest::{EpochProof, HONEST, Honest};
use crate::tally::Tally;
use crate::{heap_peak, mutate};

/// Bytes of the heap that a refusal may take besides twice the honest peak.
const HEAP_SLACK: usize = 1 << 20;

static OUTCOMES: Tally = Tally::new();

/// What is given to a verifier.
#[derive(Debug)]
pub enum Forgery {
    /// A bundle.
    Bundle(Vec<u8>),
    /// A proof in the place of this epoch's, from 0.
    Proof(usize, Vec<u8>),
}

/// The forgery that `data` chooses.
///
/// # Errors
/// When there is no choice left; an input then ends early, and what was changed before counts.
fn forge(u: &mut Unstructured<'_>, honest: &Honest, forgery: &mut Forgery) -> Result<()> {
    // A bundle takes thirty times as long as a proof.
    if u.ratio(31, 32)? {
        let (at, other) = (
            u.choose_index(honest.proofs.len())?,
            u.choose_index(honest.proofs.len())?,
        );
        let mut proof = honest.proofs[at].bytes.clone();
        let changed = mutate::proof(u, &mut proof, &honest.proofs[other].bytes);
        *forgery = Forgery::Proof(at, proof);
        return changed;
    }
    let mut parts: Parts = u.choose(&honest.parts)?.clone();
    let changed = (|| {
        for _ in 0..u.int_in_range(1..=3)? {
            let other = u.choose(&honest.parts)?;
            mutate::parts(u, &mut parts, other)?;
        }
        Ok(())
    })();
    let mut sealed = parts.sealed();
    let changed = changed.and_then(|()| {
        if u.ratio(1, 8)? {
            mutate::bytes(u, &mut sealed, &honest.bundles[0])?;
        }
        Ok(())
    });
    *forgery = Forgery::Bundle(sealed);
    changed
}

/// Why a forgery is refused, in a few words; `None` when it is accepted.
fn refusal(honest: &Honest, forgery: &Forgery) -> Option<String> {
    match forgery {
        Forgery::Bundle(bundle) => {
            let refusal = verify_above(honest.program, &bundle[..], 0.0).err()?;
            Some(format!("bundle: {}", short(&refusal.check)))
        }
        Forgery::Proof(at, bytes) => {
            let EpochProof {
                statement, publics, ..
            } = &honest.proofs[*at];
            let error = honest.key.verify(bytes, Some(statement), publics).err()?;
            Some(format!("proof: {}", short(&error)))
        }
    }
}

/// The names of an error's variants, without their fields.
fn short(error: &impl std::fmt::Debug) -> String {
    let text = format!("{error:?}");
    let end = text.find([' ', '{', '"']).unwrap_or(text.len());
    text[..end].trim_end_matches(['(', ')']).replace('(', ".")
}

/// Judges a verifier's answer.
///
/// # Panics
/// When it accepts what is not honest, or takes too much heap.
fn judge(
    honest: &Honest,
    forgery: &Forgery,
    verifier: impl FnOnce(&Honest, &Forgery) -> Option<String>,
) -> String {
    let (refusal, heap) = heap_peak(|| verifier(honest, forgery));
    let limit = 2 * honest.heap + HEAP_SLACK;
    let (same, len) = match forgery {
        Forgery::Bundle(bundle) => (honest.bundles.contains(bundle), bundle.len()),
        Forgery::Proof(at, bytes) => (honest.proofs[*at].bytes == *bytes, bytes.len()),
    };
    assert!(
        heap <= limit + len,
        "{heap} bytes of heap, {limit} are allowed: {refusal:?}"
    );
    match refusal {
        None => {
            assert!(same, "a forgery is accepted");
            "honest".into()
        }
        Some(refusal) => {
            assert!(!same, "an honest one is refused: {refusal}");
            refusal
        }
    }
}

/// Forges what `data` chooses and verifies it.
///
/// # Panics
/// When the verifier is wrong, or takes too much heap.
pub fn check(data: &[u8]) {
    let honest = &*HONEST;
    let mut forgery = Forgery::Proof(0, honest.proofs[0].bytes.clone());
    let _ = forge(&mut Unstructured::new(data), honest, &mut forgery);
    OUTCOMES.count(judge(honest, &forgery, refusal));
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    fn found(
        forgery: &Forgery,
        verifier: impl FnOnce(&Honest, &Forgery) -> Option<String>,
    ) -> bool {
        let judged = || judge(&HONEST, forgery, verifier);
        catch_unwind(AssertUnwindSafe(judged)).is_err()
    }

    /// One test, since the heap is counted over all threads.
    #[test]
    fn a_verifier_at_fault_is_found() {
        let _alone = crate::alone();
        let honest = &*HONEST;
        assert_eq!(honest.proofs.len(), 3);
        for bundle in &honest.bundles {
            let forgery = Forgery::Bundle(bundle.clone());
            assert_eq!(judge(honest, &forgery, refusal), "honest");
            // It refuses an honest one.
            assert!(found(&forgery, |_, _| Some("no".into())));
        }
        let mut bundle = honest.bundles[0].clone();
        bundle[40] ^= 1;
        let forgeries = [
            Forgery::Bundle(bundle),
            Forgery::Bundle(Vec::new()),
            Forgery::Proof(1, honest.proofs[0].bytes.clone()),
        ];
        for forgery in &forgeries {
            judge(honest, forgery, refusal);
            // It accepts everything.
            assert!(found(forgery, |_, _| None));
            // It takes ten times the heap.
            assert!(found(forgery, |honest, _| {
                let held = vec![1_u8; 10 * (honest.heap + HEAP_SLACK)];
                Some(held.len().to_string())
            }));
        }
        // Whatever the choices are, something is forged; most of it gets beyond the encoding.
        let mut state = 1_u64;
        for _ in 0..40 {
            let data: Vec<u8> = (0..64)
                .map(|_| {
                    state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                    (state >> 56) as u8
                })
                .collect();
            check(&data);
        }
        assert!(OUTCOMES.of("proof: Encoding") < 20);
    }
}
