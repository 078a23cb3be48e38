//! Forged bundles: proofs moved, left out, repeated, replaced, or spoken of falsely.

use tranche::bundle::{FormatError, Kind};
use tranche::hex::digest_hex;
use tranche::prove::ProveError;
use tranche::verify::{Check, Place, Refusal};
use tranche_core::verifier::VerifyError;
use tranche_machine::Program;
use tranche_machine::merge::{Child, MIN_LOG_ROWS, MergeError};
use tranche_machine::settings::Settings;
use tranche_machine::tables::rom::HALT;

use crate::bundles::*;

/// The field's order.
const P: u32 = 0x7800_0001;

pub fn refused(parts: &Parts) -> Refusal {
    check(&SPIN, &parts.sealed()).expect_err("a forged bundle is accepted")
}

/// An honest bundle of several epochs and merges in two levels or more.
pub fn honest(input: &str) -> Parts {
    let parts = Parts::of(&bundle(&SPIN, SMALL, input));
    assert!(check(&SPIN, &parts.sealed()).is_ok(), "the control");
    parts
}

pub fn is_merge(place: Place, root: bool) -> bool {
    matches!(place, Place::Merge(node) if node.root == root)
}

fn assert_proof_refused(refusal: &Refusal, place: Place) {
    assert_eq!(refusal.place, place, "{refusal}");
    assert!(matches!(refusal.check, Check::Proof(_)), "{refusal}");
}

#[test]
fn epochs_swapped() {
    let mut parts = honest("10");
    parts.frames.swap(1, 2);
    let refusal = refused(&parts);
    assert_eq!(refusal.place, Place::Epoch(2));
    assert!(matches!(refusal.check, Check::Entry { .. }), "{refusal}");

    // With entry and exit where they belong, the statements differ still.
    let (first, second) = (
        parts.frames[1].1[..12].to_vec(),
        parts.frames[2].1[..12].to_vec(),
    );
    parts.frames[1].1[..12].copy_from_slice(&second);
    parts.frames[2].1[..12].copy_from_slice(&first);
    assert_proof_refused(&refused(&parts), Place::Epoch(2));
}

#[test]
fn epochs_dropped_and_repeated() {
    let mut parts = honest("10");
    let dropped = parts.frames.remove(1);
    let refusal = refused(&parts);
    assert_eq!(refusal.place, Place::Epoch(2));
    assert!(matches!(refusal.check, Check::Entry { .. }), "{refusal}");

    parts.frames.insert(1, dropped.clone());
    parts.frames.insert(1, dropped);
    let refusal = refused(&parts);
    assert_eq!(refusal.place, Place::Epoch(3));
    assert!(matches!(refusal.check, Check::Entry { .. }), "{refusal}");

    // An epoch that loops back to its entry could be repeated, if its number were not in its
    // statement.
    let mut parts = honest("100");
    let spans: Vec<_> = (0..8)
        .map(|n| [0, 1].map(|i| parts.word(EPOCH, n, i)))
        .collect();
    assert!(
        spans.windows(2).all(|pair| pair[0][1] == pair[1][0]),
        "the control"
    );
    let first = parts.frames[0].clone();
    let [_, exit] = spans[0];
    parts.frames.insert(1, first);
    parts.set_word(EPOCH, 1, 0, exit);
    assert_proof_refused(&refused(&parts), Place::Epoch(2));
}

#[test]
fn merges_dropped_moved_and_replayed() {
    let parts = honest("10");
    let merge = parts.find(MERGE, 0);
    let mut dropped = parts.clone();
    dropped.frames.remove(merge);
    let refusal = refused(&dropped);
    assert!(is_merge(refusal.place, false));
    let (expected, got) = (Kind::Merge, Kind::Epoch);
    assert_eq!(
        refusal.check,
        Check::Format(FormatError::Kind { expected, got })
    );

    let mut swapped = parts.clone();
    swapped.frames.swap(merge, parts.find(MERGE, 1));
    let refusal = refused(&swapped);
    assert!(is_merge(refusal.place, false));
    assert!(matches!(refusal.check, Check::Proof(_)), "{refusal}");
}

#[test]
fn a_proof_replayed_as_another_kind() {
    let parts = honest("10");
    // The kind's byte alone.
    for at in 0..parts.frames.len() {
        for kind in (0..=5).filter(|&kind| kind != parts.frames[at].0) {
            let mut forged = parts.clone();
            forged.frames[at].0 = kind;
            let refusal = refused(&forged);
            assert!(
                matches!(
                    refusal.check,
                    Check::Format(FormatError::Kind { .. } | FormatError::UnknownKind { .. })
                ),
                "{refusal}"
            );
        }
    }
    // The proof in a frame of the other kind.
    let epoch = parts.frames[0].1[12..].to_vec();
    let mut forged = parts.clone();
    forged.payload(MERGE, 0).splice(1.., epoch);
    let refusal = refused(&forged);
    assert!(is_merge(refusal.place, false), "{refusal}");
    assert!(
        matches!(
            refusal.check,
            Check::Proof(VerifyError::TableCount { .. })
                | Check::Format(FormatError::TooLong { .. })
        ),
        "{refusal}"
    );

    let merge = parts.clone().payload(MERGE, 0)[1..].to_vec();
    let mut forged = parts.clone();
    forged.payload(EPOCH, 0).splice(12.., merge.clone());
    let refusal = refused(&forged);
    assert!(
        matches!(refusal.check, Check::Proof(VerifyError::TableCount { .. })),
        "{refusal}"
    );

    let mut forged = parts;
    let holes = usize::from(forged.payload(ROOT, 0)[0]);
    forged.payload(ROOT, 0).splice(1 + holes.., merge);
    assert!(matches!(refused(&forged).check, Check::Proof(_)));
}

#[test]
fn an_epoch_of_another_program() {
    let mut parts = honest("10");
    // A bundle names its program, and that is compared first of all.
    let refusal = check(&SORT, &parts.sealed()).unwrap_err();
    let (expected, got) = (SORT.digest(), SPIN.digest());
    let place = Place::Header;
    let check_program = Check::Program { expected, got };
    assert_eq!(
        refusal,
        Refusal {
            place,
            check: check_program
        }
    );
    let message = refusal.to_string();
    for digest in [expected, got] {
        assert!(message.contains(&digest_hex(&digest)), "{message}");
    }
    assert!(message.contains("made for another program"), "{message}");

    // A name is a claim: with the other program's, the proofs are refused.
    parts.name(&SORT);
    let refusal = check(&SORT, &parts.sealed()).unwrap_err();
    assert_eq!(refusal.place, Place::Epoch(1));
    assert!(
        matches!(refusal.check, Check::Proof(VerifyError::Height { .. })),
        "{refusal}"
    );

    // The same code and tables, but for one byte of a constant that is never read.
    let mut elf = SPIN_ELF.to_vec();
    let code = SPIN.rom();
    let last = SPIN.code(code.end - 1).unwrap().to_le_bytes();
    let at = elf.windows(4).rposition(|bytes| bytes == last).unwrap();
    elf[at + 3] ^= 1;
    let other = Program::parse(&elf).unwrap();
    assert_eq!((other.entry(), other.rom()), (SPIN.entry(), SPIN.rom()));
    assert_ne!(other.code(code.end - 1), SPIN.code(code.end - 1));
    let refusal = check(&other, &parts.sealed()).unwrap_err();
    assert!(matches!(refusal.check, Check::Program { .. }), "{refusal}");
    parts.name(&other);
    let refusal = check(&other, &parts.sealed()).unwrap_err();
    assert_proof_refused(&refusal, Place::Epoch(1));
}

#[test]
fn an_epoch_of_another_plan() {
    let mut parts = honest("10");
    let mut other = Parts::of(&bundle(
        &SPIN,
        Settings {
            log2_cycles: 9,
            ..SMALL
        },
        "10",
    ));
    *parts.payload(EPOCH, 0) = other.payload(EPOCH, 0).clone();
    let refusal = refused(&parts);
    assert_eq!(refusal.place, Place::Epoch(1));
    assert!(
        matches!(refusal.check, Check::Cycles { .. } | Check::Proof(_)),
        "{refusal}"
    );

    // Of the same heights, but with another arity.
    let mut parts = honest("10");
    let mut other = Parts::of(&bundle(&SPIN, Settings { arity: 5, ..SMALL }, "10"));
    *parts.payload(EPOCH, 0) = other.payload(EPOCH, 0).clone();
    assert_proof_refused(&refused(&parts), Place::Epoch(1));
}

#[test]
fn an_epoch_of_another_execution() {
    // Both read three digits and iterate on: the same path through the code, on other data.
    let (mut parts, mut other) = (honest("100"), honest("101"));
    let span = |parts: &mut Parts| [0, 1, 2].map(|i| parts.word(EPOCH, 0, i));
    assert_eq!(span(&mut parts), span(&mut other), "the control");
    assert_ne!(parts.payload(EPOCH, 0), other.payload(EPOCH, 0));
    *parts.payload(EPOCH, 0) = other.payload(EPOCH, 0).clone();
    let refusal = refused(&parts);
    assert!(is_merge(refusal.place, false));
    assert_eq!(
        refusal.check,
        Check::ChildRoot {
            child: Child::Epoch(1)
        }
    );
}

#[test]
fn an_l2g_root_swapped_in_the_merge() {
    let (parts, mut other) = (honest("100"), honest("101"));
    let mut forged = parts.clone();
    *forged.payload(MERGE, 0) = other.payload(MERGE, 0).clone();
    let refusal = refused(&forged);
    assert!(is_merge(refusal.place, false));
    assert_eq!(
        refusal.check,
        Check::ChildRoot {
            child: Child::Epoch(1)
        }
    );

    // The other run's root merge, with the result that it proves.
    assert_eq!(parts.frames.len(), other.frames.len(), "the control");
    let mut forged = parts;
    for kind in [RESULT, ROOT] {
        *forged.payload(kind, 0) = other.payload(kind, 0).clone();
    }
    let refusal = refused(&forged);
    assert!(is_merge(refusal.place, true));
    let child = Child::Merge {
        level: refused_level(&refusal) - 1,
        index: 0,
    };
    assert_eq!(refusal.check, Check::ChildRoot { child });
}

/// The level of the merge that was refused.
fn refused_level(refusal: &Refusal) -> u32 {
    let Place::Merge(node) = refusal.place else {
        panic!("{refusal}")
    };
    node.level
}

#[test]
fn a_wrong_program_counter() {
    let parts = honest("10");
    let forge = |n: usize, i: usize, word: u32| {
        let mut forged = parts.clone();
        forged.set_word(EPOCH, n, i, word);
        refused(&forged)
    };
    let exit = parts.clone().word(EPOCH, 0, 1);
    let (entry, expected) = (SPIN.entry() + 1, SPIN.entry());
    assert_eq!(
        forge(0, 0, entry).check,
        Check::Entry {
            expected,
            got: entry
        }
    );
    // Where an epoch really ended, in other words that stand for the same field element.
    assert_eq!(forge(0, 1, exit + P).check, Check::Exit { got: exit + P });
    assert_proof_refused(&forge(0, 1, exit + 1), Place::Epoch(1));
    // A run that is cut short, or never halts, presented as halted.
    assert_proof_refused(&forge(0, 1, HALT), Place::Epoch(1));
    let refusal = forge(0, 1, HALT + 1);
    assert_eq!(refusal.check, Check::Exit { got: HALT + 1 });
}

#[test]
fn a_run_presented_as_halted() {
    let mut parts = honest("10");
    let last = parts.find(MERGE, 0) - 1;
    let result = parts.frames.split_off(parts.find(RESULT, 0));
    parts.frames.truncate(last + 1);
    parts.frames.extend(result);
    parts.set_word(EPOCH, last, 1, HALT);
    assert_proof_refused(&refused(&parts), Place::Epoch(last as u32 + 1));
}

#[test]
fn wrong_cycles() {
    let mut parts = honest("10");
    let cycles = parts.word(EPOCH, 0, 2);
    parts.set_word(EPOCH, 0, 2, cycles - 1);
    assert_proof_refused(&refused(&parts), Place::Epoch(1));
    parts.set_word(EPOCH, 0, 2, 257);
    let check = Check::Cycles {
        limit: 256,
        got: 257,
    };
    assert_eq!(
        refused(&parts),
        Refusal {
            place: Place::Epoch(1),
            check
        }
    );
}

#[test]
fn frames_after_the_end() {
    let mut parts = honest("10");
    parts.frames.push(parts.frames[0].clone());
    let check = Check::Format(FormatError::Trailing);
    assert_eq!(
        refused(&parts),
        Refusal {
            place: Place::End,
            check
        }
    );

    let mut parts = honest("10");
    let result = parts.find(RESULT, 0);
    parts
        .frames
        .insert(result, parts.frames[result - 1].clone());
    let refusal = refused(&parts);
    assert!(
        matches!(refusal.check, Check::Format(FormatError::Kind { .. })),
        "{refusal}"
    );
}

#[test]
fn a_false_result_over_honest_proofs() {
    let parts = honest("10");
    let forge = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut forged = parts.clone();
        change(forged.payload(RESULT, 0));
        let refusal = refused(&forged);
        assert!(is_merge(refusal.place, true), "{refusal}");
        assert!(matches!(refusal.check, Check::Proof(_)), "{refusal}");
    };
    forge(&|result| result[4] = 1); // exit code
    forge(&|result| result[8] ^= 1); // a byte of the output
    forge(&|result| result.swap(8, 9)); // its order
    forge(&|result| result.truncate(11)); // its length
    forge(&|result| result.push(0));
    forge(&|result| result.truncate(8));

    let mut forged = parts.clone();
    let epochs = forged.word(RESULT, 0, 0);
    forged.set_word(RESULT, 0, 0, epochs - 1);
    let check = Check::EpochCount {
        expected: epochs,
        got: epochs - 1,
    };
    assert_eq!(
        refused(&forged),
        Refusal {
            place: Place::Result,
            check
        }
    );
}

#[test]
fn a_false_result_that_seeds_the_proofs() {
    let honest = run(&SPIN, "10");
    let mut claims = vec![honest.clone(); 5];
    claims[0].exit_code = 1;
    claims[1].output[0] ^= 1;
    claims[2].output.swap(0, 1);
    claims[3].output.push(0);
    claims[4].output.pop();
    assert_ne!(claims[2], honest);
    for claim in claims {
        let (_, bundle) = prove_claim(&SPIN, SMALL, "10", &claim, 1).unwrap();
        let refusal = check(&SPIN, &bundle).unwrap_err();
        assert!(is_merge(refusal.place, true), "{refusal}");
        assert_eq!(refusal.check, Check::Proof(VerifyError::Buses), "{claim:?}");
    }
    // A word that was written and is not claimed has no table: even a forger's prover says so.
    let mut short = honest.clone();
    short.output.clear();
    let error = prove_claim(&SPIN, SMALL, "10", &short, 1).unwrap_err();
    let uncovered = matches!(error, ProveError::Merge(MergeError::Uncovered { .. }));
    assert!(uncovered, "{error}");
    assert!(
        prove_claim(&SPIN, SMALL, "10", &honest, 1).is_ok(),
        "the control"
    );
}

#[test]
fn heights_other_than_the_plans() {
    let parts = honest("10");
    let mut forged = parts.clone();
    forged.header[10] = 9; // log2 of an epoch's cycles
    let refusal = refused(&forged);
    assert_eq!(refusal.place, Place::Epoch(1));
    assert!(
        matches!(refusal.check, Check::Proof(VerifyError::Height { .. })),
        "{refusal}"
    );

    for kind in [MERGE, ROOT] {
        let at = usize::from(kind == ROOT); // the first height
        for got in [3, 8, 12, 25, 255] {
            let mut forged = parts.clone();
            forged.payload(kind, 0)[at] = got;
            let check = refused(&forged).check;
            match check {
                Check::Height {
                    limit,
                    got: refused,
                } => {
                    assert!(got < MIN_LOG_ROWS || got > limit);
                    assert_eq!(refused, got);
                }
                _ => {
                    assert_eq!(got, 8);
                    let height =
                        matches!(check, Check::Proof(VerifyError::Height { expected: 8, .. }));
                    assert!(height, "{check}");
                }
            }
        }
    }
    let mut forged = parts;
    forged.payload(ROOT, 0)[0] -= 1;
    assert!(matches!(refused(&forged).check, Check::Holes { .. }));
}

#[test]
fn weaker_parameters_in_the_header() {
    let parts = honest("10");
    // Fewer queries, no grinding, another blowup: each is another plan.
    for (at, value) in [
        (17, 4),
        (19, 0),
        (20, 0),
        (21, 0),
        (23, 0),
        (13, 2),
        (11, 3),
    ] {
        let mut forged = parts.clone();
        assert_ne!(forged.header[at], value);
        forged.header[at] = value;
        let refusal = refused(&forged);
        assert_eq!(refusal.place, Place::Epoch(1), "{refusal}");
        // Fewer queries make shorter proofs.
        assert!(
            matches!(
                refusal.check,
                Check::Proof(_) | Check::Format(FormatError::TooLong { .. })
            ),
            "{refusal}"
        );
    }
    // And a verifier with a floor counts the bits before it looks at any proof.
    let refusal = tranche::verify(&SPIN, &parts.sealed()[..]).unwrap_err();
    assert_eq!(refusal.place, Place::Header);
    assert!(
        matches!(refusal.check, Check::Security { floor: 100.0, .. }),
        "{refusal}"
    );
}
