//! The verifier's own checks, one by one: a prover that cheats in exactly one thing, whose proofs are
//! sound but for it, is refused by the check of that thing.
//!
//! A forged proof is made as the honest one is, from the same traces. Made again unchanged it is the
//! honest proof, byte for byte, which is the control.

use p3_field::PrimeCharacteristicRing;
use tranche::merge::MergeTables;
use tranche::verify::{Check, Place, Refusal, verify_above};
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::{F, Identity, Statement};
use tranche_machine::Program;
use tranche_machine::merge::statement::Claim;
use tranche_machine::merge::{Child, Node, statement};
use tranche_machine::settings::{Settings, bits};
use tranche_machine::setup::Setup;
use tranche_test_support::machine::asm::{A0, ZERO, bare, branch, exit, immediate};

use crate::bundles::*;
use crate::forger::{Forger, MergeBatch, put_merge};

/// Epochs of 2^8 cycles, two tables in a merge: three levels and empty tables in a short run.
const BINARY: Settings = Settings { arity: 2, ..SMALL };

fn refused(program: &Program<'_>, parts: &Parts) -> Refusal {
    check(program, &parts.sealed()).expect_err("a forged bundle is accepted")
}

/// Asserts that the proof at `place` is refused, and not what stands around it.
fn assert_proof_refused(program: &Program<'_>, parts: &Parts, place: Place, what: &str) {
    let refusal = refused(program, parts);
    assert_eq!(refusal.place, place, "{what}: {refusal}");
    assert!(
        matches!(refusal.check, Check::Proof(_)),
        "{what}: {refusal}"
    );
}

/// A digest that differs in one bit.
fn other(digest: &Identity) -> Identity {
    let mut other = *digest;
    other[31] ^= 1;
    other
}

#[test]
fn the_statement_of_an_epoch_holds_program_plan_and_number() {
    let execution = run(&SPIN, "1");
    let forger = Forger::new(&SPIN, BINARY, "1", &execution);
    let Setup {
        program_digest: program,
        plan_digest: plan,
        ..
    } = forger.setup;
    let honest = Parts::of(&bundle(&SPIN, BINARY, "1"));
    let forge = |statement: Statement| {
        let mut batch = forger.epoch(2);
        batch.statement = Some(statement);
        let mut forged = honest.clone();
        let at = forged.find(EPOCH, 1);
        forged.frames[at].1.splice(12.., batch.prove());
        forged
    };
    assert_eq!(forge(statement::epoch(&program, &plan, 2)), honest);
    for (what, statement) in [
        ("program", statement::epoch(&other(&program), &plan, 2)),
        ("plan", statement::epoch(&program, &other(&plan), 2)),
        ("number", statement::epoch(&program, &plan, 3)),
    ] {
        assert_proof_refused(&SPIN, &forge(statement), Place::Epoch(2), what);
    }
}

#[test]
fn the_statement_of_a_merge_holds_program_plan_node_and_result() {
    let execution = run(&SPIN, "1");
    let mut forger = Forger::new(&SPIN, BINARY, "1", &execution);
    let Setup {
        program_digest: program,
        plan_digest: plan,
        ..
    } = forger.setup;
    let honest = Parts::of(&bundle(&SPIN, BINARY, "1"));
    let merges = forger.merges(|_, fewest| fewest);
    let result = forger.result();
    let claim = Claim {
        public: SPIN.public().digest(),
        result: statement::result_digest(result.exit_code(), result.output()),
    };

    let root = merges.len() - 1;
    for n in [1, root] {
        let MergeBatch { node, batch, .. } = &merges[n];
        let node = *node;
        let claim = if node.root { claim } else { Claim::default() };
        let forge = |statement: Statement| {
            let mut batch = batch.clone();
            batch.statement = Some(statement);
            let mut forged = honest.clone();
            let merge = MergeBatch {
                node,
                children: vec![],
                batch,
            };
            put_merge(&mut forged, &merge, if node.root { 0 } else { n });
            forged
        };
        let honestly = forge(statement::merge(&program, &plan, &node, &claim));
        assert!(honestly == honest, "the control");
        let at = |node: Node| statement::merge(&program, &plan, &node, &claim);
        let (level, first_epoch, last_epoch) =
            (node.level + 1, node.first_epoch + 1, node.last_epoch + 1);
        let mut forgeries = vec![
            (
                "program",
                statement::merge(&other(&program), &plan, &node, &claim),
            ),
            (
                "plan",
                statement::merge(&program, &other(&plan), &node, &claim),
            ),
            ("level", at(Node { level, ..node })),
            ("last epoch", at(Node { last_epoch, ..node })),
            (
                "kind",
                at(Node {
                    root: !node.root,
                    ..node
                }),
            ),
        ];
        if node.root {
            let (public, result) = (other(&claim.public), other(&claim.result));
            for (what, claim) in [
                ("public input", Claim { public, ..claim }),
                ("result", Claim { result, ..claim }),
            ] {
                forgeries.push((what, statement::merge(&program, &plan, &node, &claim)));
            }
        } else {
            forgeries.push((
                "first epoch",
                at(Node {
                    first_epoch,
                    ..node
                }),
            ));
        }
        for (what, statement) in forgeries {
            assert_proof_refused(&SPIN, &forge(statement), Place::Merge(node), what);
        }
    }
}

#[test]
fn every_table_of_a_merge_has_the_root_of_its_proof() {
    // Five epochs or so: merges of two levels and the root, one of them with an empty table.
    let execution = run(&SPIN, "1");
    let mut forger = Forger::new(&SPIN, BINARY, "1", &execution);
    let honest = Parts::of(&bundle(&SPIN, BINARY, "1"));
    let merges = forger.merges(|_, fewest| fewest);
    let (mut leaves, mut parents, mut empty) = (0, 0, 0);
    let mut texts = Vec::new();
    for (n, merge) in merges.iter().enumerate() {
        for (table, &child) in merge.children.iter().enumerate() {
            let count = match child {
                Child::Epoch(_) => &mut leaves,
                Child::Merge { .. } => &mut parents,
                Child::Empty => &mut empty,
            };
            *count += 1;
            // Some of each kind are enough.
            if *count > 2 {
                continue;
            }
            // A row that is not real says nothing, but has another hash: the merge proves.
            let mut batch = merge.batch.clone();
            let width = batch.traces[table].width;
            let last = batch.traces[table].values.len() - width;
            batch.traces[table].values[last] += F::ONE;
            assert!(batch.verify(&batch.prove()).is_ok(), "{child:?}");
            let mut forged = honest.clone();
            let (node, children) = (merge.node, vec![]);
            let merge = MergeBatch {
                node,
                children,
                batch,
            };
            put_merge(&mut forged, &merge, if node.root { 0 } else { n });
            let refusal = refused(&SPIN, &forged);
            texts.push(refusal.check.to_string());
            let (place, check) = (Place::Merge(node), Check::ChildRoot { child });
            assert_eq!(refusal, Refusal { place, check });
        }
    }
    assert!(
        leaves > 1 && parents > 1 && empty > 0,
        "all kinds are there"
    );
    for text in [
        "the L2G root of epoch 1 is not that of its proof",
        "the root of merge 0 of level 1 is not that of its proof",
        "an empty table has another root",
    ] {
        assert!(texts.iter().any(|given| given == text), "{texts:?}");
    }
}

#[test]
fn a_merge_below_the_floor_under_a_header_above_it() {
    // An epoch is taller than the merges of this run, and a taller trace is worth more per query.
    let settings = Settings {
        log2_cycles: 12,
        arity: 2,
        params: tranche_core::Params {
            num_queries: 60,
            ..WEAK
        },
        ..Settings::default()
    };
    for (input, inner) in [("none", false), ("1000", true)] {
        let execution = run(&SPIN, input);
        let mut forger = Forger::new(&SPIN, settings, input, &execution);
        let bundle = bundle(&SPIN, settings, input);
        let statement = check(&SPIN, &bundle).unwrap();
        let epoch = tranche_machine::EpochTables::new(&forger.setup);
        let plan = epoch.plan_in::<tranche_backend::Chosen, Poseidon2>(Default::default());
        let epoch = bits(&plan.unwrap()).total();
        let merges = forger.merges(|_, fewest| fewest);
        assert_eq!(merges.len() > 1, inner, "{} merges", merges.len());
        let of_merge = |merge: &MergeBatch<'_>| {
            let specs = merge.batch.airs.iter().zip(merge.batch.log_heights());
            let specs = specs.map(|(air, log)| air.spec(log as u8)).collect();
            let tables = MergeTables {
                airs: merge.batch.airs.clone(),
                specs,
                publics: vec![],
            };
            bits(&tables.plan::<Poseidon2>(&settings.params).unwrap()).total()
        };
        let bits: Vec<f64> = merges.iter().map(of_merge).collect();
        let weakest = bits.iter().copied().fold(epoch, f64::min);
        assert!(weakest < epoch, "{weakest}, {epoch}");
        // The weakest is a merge, and what is stated.
        assert_eq!(statement.security_bits, weakest);
        assert!(verify_above(&SPIN, &bundle[..], weakest).is_ok());

        let floor = (weakest + epoch) / 2.0;
        let first = bits.iter().position(|&bits| bits < floor).unwrap();
        let refusal = verify_above(&SPIN, &bundle[..], floor).unwrap_err();
        let (place, bits) = (Place::Merge(merges[first].node), bits[first]);
        assert_eq!(merges[first].node.root, !inner);
        let check = Check::Security { bits, floor };
        assert_eq!(refusal, Refusal { place, check });
    }
}

/// A bundle whose merges are proved anew, with parents of other heights, and the heights of each.
fn with_parents(
    program: &Program<'_>,
    settings: Settings,
    parent_log: impl Fn(&Node, u8) -> u8,
) -> (Parts, Vec<Vec<usize>>) {
    let execution = run(program, "");
    let mut forger = Forger::new(program, settings, "", &execution);
    let mut parts = Parts::of(&bundle(program, settings, ""));
    let merges = forger.merges(parent_log);
    for (n, merge) in merges.iter().enumerate() {
        put_merge(&mut parts, merge, if merge.node.root { 0 } else { n });
    }
    let logs = merges.iter().map(|merge| merge.batch.log_heights());
    (parts, logs.collect())
}

#[test]
fn a_key_serves_merges_of_its_own_kind_and_heights_only() {
    let elf = aligned_loop();
    let program = Program::parse(&elf).unwrap();
    let settings = Settings {
        log2_cycles: 6,
        ..BINARY
    };
    // Parents as tall as an epoch's table: merges of both levels have one list of heights.
    let leaf = Setup::new(&program, settings).unwrap().shape.l2g as u8;
    let (parts, logs) = with_parents(&program, settings, |_, fewest| fewest.max(leaf));
    assert!(logs[0] == logs[1] && logs[1] == logs[2], "{logs:?}");
    assert!(check(&program, &parts.sealed()).is_ok());

    // Heights that alternate: no key serves two merges that follow each other.
    let (parts, logs) = with_parents(&program, settings, |node, fewest| {
        fewest.max(leaf) + u8::from(node.level == 1 && node.index.is_multiple_of(2))
    });
    assert_ne!(logs[0], logs[1]);
    assert!(check(&program, &parts.sealed()).is_ok());
}

/// A program whose loop of sixteen instructions fits an epoch of 2^6 cycles four times.
fn aligned_loop() -> Vec<u8> {
    let (t0, nop) = (5, immediate("addi", ZERO, ZERO, 0));
    // Sixteen instructions before the loop.
    let mut code = vec![nop; 15];
    code.push(immediate("addi", t0, ZERO, 20));
    code.push(immediate("addi", t0, t0, -1));
    code.extend([nop; 14]);
    code.push(branch("bne", t0, ZERO, -60));
    code.push(immediate("addi", A0, ZERO, 0));
    code.extend(exit());
    bare(&code)
}

#[test]
fn epochs_that_end_where_they_begin_keep_their_places() {
    let elf = aligned_loop();
    let program = Program::parse(&elf).unwrap();
    let settings = Settings {
        log2_cycles: 6,
        ..BINARY
    };
    let mut honest = Parts::of(&bundle(&program, settings, ""));
    assert!(check(&program, &honest.sealed()).is_ok(), "the control");
    let span = |parts: &mut Parts, n| [0, 1, 2].map(|i| parts.word(EPOCH, n, i));
    let second = span(&mut honest, 1);
    assert_eq!(second[0], second[1], "an epoch that ends where it begins");
    assert_eq!(second, span(&mut honest, 2));

    // Swapped, repeated, left out: entries and exits all fit.
    let at = [1, 2, 3].map(|n| honest.find(EPOCH, n));
    let mut forged = honest.clone();
    forged.frames.swap(at[0], at[1]);
    assert_proof_refused(&program, &forged, Place::Epoch(2), "swapped");
    let mut forged = honest.clone();
    forged.frames[at[1]] = honest.frames[at[0]].clone();
    assert_proof_refused(&program, &forged, Place::Epoch(3), "repeated");
    let mut forged = honest.clone();
    forged.frames.remove(at[0]);
    let refusal = refused(&program, &forged);
    // A merge follows the second epoch in the stream.
    assert!(matches!(refusal.place, Place::Epoch(_) | Place::Merge(_)));
    let mut forged = honest.clone();
    forged.frames[at[0]] = honest.frames[at[1]].clone();
    forged.frames[at[1]] = honest.frames[at[2]].clone();
    assert_proof_refused(&program, &forged, Place::Epoch(2), "moved up");
}
