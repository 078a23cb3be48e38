//! Honest merges: accepted, in one step and in two, ragged and without cells to close.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::verifier::Plonky3Suite;
use tranche_core::{DefaultBackend, Identity};
use tranche_machine::cells::REGISTERS;
use tranche_machine::merge::statement::Claim;
use tranche_machine::merge::{
    Chain, MergeError, MergeTable, Tree, check_cover, empty_root, statement,
};
use tranche_machine::tables::l2g::columns as l2g;
use tranche_test_support::core::PROFILES;
use tranche_test_support::params::PARAMS;

use crate::audit::audit;
use crate::batch::*;
use crate::mutant::Kind;

#[test]
fn one_step() {
    for run in [&RUN[..], &RUN[..2], &RUN[..1]] {
        let claims = [(EXIT, OUTPUT), (0, b"ok"), (0, b"")];
        let (exit, output) = claims[3 - run.len()];
        let batch = flat(run, outcome(exit, output));
        assert!(audit(&batch).is_empty());
        assert!(batch.check().is_ok(), "{} epochs", run.len());
    }
}

#[test]
fn a_run_that_touches_nothing() {
    let batch = flat(&[&[]], outcome(0, b""));
    assert!(audit(&batch).is_empty());
    assert!(batch.check().is_ok());
}

/// The toy run merged in two steps: both merges below the root, then the root.
fn two_steps() -> [Batch; 3] {
    merge_tree(&RUN, 2, outcome(EXIT, OUTPUT))
        .try_into()
        .unwrap()
}

#[test]
fn two_steps_and_a_ragged_tree() {
    let [roots_0, roots_1, roots_top] = two_steps().map(|batch| batch.check().unwrap());
    // A parent's root is the same where it is committed and where it is merged.
    assert_eq!(roots_top, [roots_0[2].clone(), roots_1[2].clone()]);
    // The verifier knows the root of the empty table without a proof.
    let log_rows = LOG_ROWS as u32 + u32::from(PARAMS.log_blowup);
    let empty = empty_root(&Poseidon2::BABY_BEAR, l2g::WIDTH, log_rows, 0);
    assert_eq!(roots_1[1], Poseidon2::uniform_cap(&empty, 0));
    assert_ne!(roots_1[0], Poseidon2::uniform_cap(&empty, 0));
}

#[test]
fn the_core_proves_the_same_bytes() {
    let [inner, _, top] = two_steps();
    for batch in [inner, top, flat(&RUN, outcome(EXIT, OUTPUT))] {
        let batch = batch.reference();
        let expected = batch.prove();
        for profile in PROFILES {
            assert_eq!(batch.core_prove::<DefaultBackend>(profile), expected);
        }
        // The tables say of themselves, without a heap, what the plan wants to know.
        let specs = batch
            .airs
            .iter()
            .zip(batch.log_heights())
            .map(|(air, log_height)| {
                let Kind::Merge(table) = air.air else {
                    unreachable!("only real tables")
                };
                table.spec(log_height as u8)
            });
        assert!(specs.eq(batch.specs()));
        assert!(batch.verify(&expected).is_ok());
    }
}

#[test]
fn an_empty_parent_fills_a_ragged_root() {
    let leaves = leaves(&RUN);
    let tree = Tree::new(3, 2).unwrap();
    let node = tree.node(1, 0).unwrap();
    let tables = vec![leaf(1, &leaves[0]), leaf(2, &leaves[1])];
    let rows = compose(&leaves[..2]);
    let inner = inner(&node, tables, &rows);
    let parent = child(&inner.tables[2]);
    let hollow = empty(&parent);
    let top = root(
        &tree.root().unwrap(),
        vec![parent, hollow],
        &rows,
        outcome(0, b"ok"),
    );
    let roots = top.check().unwrap();
    let log_rows = LOG_ROWS as u32 + u32::from(PARAMS.log_blowup);
    let width = MergeTable::Parent.main_width();
    let empty = empty_root(&Poseidon2::BABY_BEAR, width, log_rows, 0);
    assert_eq!(roots[1], Poseidon2::uniform_cap(&empty, 0));
}

#[test]
fn a_proof_is_not_replayed_under_another_statement() {
    let batch = flat(&RUN, outcome(EXIT, OUTPUT));
    let mut reference = batch.reference();
    let proof = reference.prove();
    assert!(reference.verify(&proof).is_ok());
    let node = Tree::new(3, 3).unwrap().root().unwrap();
    let claim = Claim {
        public: Identity::default(),
        result: statement::result_digest(EXIT, OUTPUT),
    };
    let public = [1; 32];
    let result = [1; 32];
    let honest = statement::merge(&PROGRAM, &PLAN, &node, &claim);
    assert_eq!(batch.statement, honest);
    let inner = tranche_machine::merge::Node {
        root: false,
        ..node
    };
    for other in [
        statement::merge(&PLAN, &PLAN, &node, &claim),
        statement::merge(&PROGRAM, &PROGRAM, &node, &claim),
        statement::merge(&PROGRAM, &PLAN, &inner, &claim),
        statement::merge(&PROGRAM, &PLAN, &node, &Claim { result, ..claim }),
        statement::merge(&PROGRAM, &PLAN, &node, &Claim { public, ..claim }),
        statement::epoch(&PROGRAM, &PLAN, 1),
    ] {
        reference.statement = Some(other);
        assert!(reference.verify(&proof).is_err());
    }
}

#[test]
fn every_touched_cell_is_in_a_table() {
    let memory = compose(&leaves(&RUN));
    assert_eq!(
        check_cover(&memory, &image(), &outcome(EXIT, OUTPUT)),
        Ok(())
    );
    let past = tranche_machine::cells::OUT + 1;
    let refused = check_cover(&memory, &image(), &outcome(EXIT, b"okay"));
    assert_eq!(refused, Err(MergeError::Uncovered { cell: past }));
    let odd = [Chain {
        cell: tranche_machine::cells::IN_LEN + 1,
        ..Chain::default()
    }];
    let refused = check_cover(&odd, &image(), &outcome(EXIT, OUTPUT));
    assert_eq!(refused, Err(MergeError::Uncovered { cell: odd[0].cell }));
}

proptest! {
    /// Whatever cells a run touches, and however it is merged, every merge of its tree holds.
    #[test]
    fn every_tree_of_every_run(
        seeds in prop::collection::vec(prop::collection::vec((0..CELLS.len(), any::<u32>()), 0..8), 1..10),
        arity in 2..5_u32,
    ) {
        let run: Vec<Vec<(u32, u32)>> = seeds
            .into_iter()
            .map(|writes| {
                let writes: BTreeMap<_, _> = writes.into_iter().collect();
                writes.into_iter().map(|(i, value)| (CELLS[i], value)).collect()
            })
            .collect();
        let run: Vec<&[(u32, u32)]> = run.iter().map(Vec::as_slice).collect();
        for batch in merge_tree(&run, arity, outcome(0, b"")) {
            prop_assert_eq!(audit(&batch), BTreeSet::new());
        }
    }
}

/// Cells of every table but the result's, ascending, with the ends of holes and gaps among them.
const CELLS: [u32; 12] = [
    0,
    99,
    100,
    103,
    104,
    199,
    201,
    202,
    (1 << 29) + 201,
    (1 << 29) + 202,
    (1 << 30) - 1,
    REGISTERS + 31,
];
