//! Honest proofs of every shape are accepted.

use proptest::prelude::*;
use tranche_core::{F, Params};
use tranche_test_support::air::{Part, TestAir};
use tranche_test_support::reference::Batch;
use tranche_test_support::shapes::{ProviderShape, QUICK, Shape, TableShape, shapes, sweep};

use p3_field::PrimeCharacteristicRing;

/// Proves with Plonky3, verifies, and returns the number of carved roots.
fn accepted(shape: &Shape) -> usize {
    let batch = shape.batch();
    let roots = batch
        .verify(&batch.prove())
        .unwrap_or_else(|error| panic!("{error}: {shape:?}"));
    roots.len()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..Default::default() })]

    #[test]
    fn random_shapes_are_accepted(shape in shapes()) {
        accepted(&shape);
    }
}

#[test]
fn every_parameter_is_accepted() {
    for params in sweep() {
        let plain = Shape::everything(params);
        assert_eq!(accepted(&plain), 0);
        let carved = Shape {
            carved: 0b101,
            seeded: true,
            own_constants: true,
            ..plain
        };
        assert_eq!(accepted(&carved), 2);
    }
}

#[test]
fn packed_and_preprocessed_providers_are_accepted() {
    for fixed in [false, true] {
        let provider = ProviderShape {
            slots: 3,
            fixed,
            slack: 1,
            max_constraint_degree: Some(3),
        };
        let shape = Shape::everything(Params {
            log_blowup: 2,
            ..QUICK
        });
        accepted(&Shape {
            providers: [provider; 4],
            ..shape
        });
    }
}

#[test]
fn a_batch_of_single_rows_is_accepted() {
    let parts = vec![
        Part::Power { degree: 2 },
        Part::Fixed { next: true },
        Part::Recurrence {
            degree: 2,
            public: true,
        },
    ];
    let table = TableShape {
        log_height: 0,
        parts,
        max_constraint_degree: None,
    };
    accepted(&Shape::new(vec![table.clone()], QUICK));
    accepted(&Shape::new(vec![table.clone(), table], QUICK));
}

/// A table that needs no other: part of two batches.
fn shared_table() -> Batch<TestAir> {
    let parts = vec![
        Part::Recurrence {
            degree: 2,
            public: true,
        },
        Part::Power { degree: 3 },
    ];
    let table = TableShape {
        log_height: 4,
        parts,
        max_constraint_degree: None,
    };
    Shape {
        seed: 9,
        ..Shape::new(vec![table], QUICK)
    }
    .batch()
}

fn with_carved_table(shape: &Shape, table: &Batch<TestAir>) -> Batch<TestAir> {
    let mut batch = shape.batch();
    batch.airs.extend(table.airs.clone());
    batch.traces.extend(table.traces.clone());
    batch.publics.extend(table.publics.clone());
    batch.carved.push(true);
    batch
}

#[test]
fn a_table_carved_in_two_proofs_has_one_root() {
    let table = shared_table();
    let first = with_carved_table(&Shape::everything(QUICK), &table);
    let small = TableShape {
        log_height: 2,
        parts: vec![Part::Power { degree: 2 }],
        max_constraint_degree: None,
    };
    let second = with_carved_table(&Shape::new(vec![small], QUICK), &table);
    let roots = first.verify(&first.prove()).expect("honest");
    assert_eq!(roots, second.verify(&second.prove()).expect("honest"));
    assert_eq!(roots.len(), 1);

    let mut other = table;
    other.traces[0].values[1] = F::ZERO - other.traces[0].values[1];
    other.traces[0].values[2] = F::ZERO - other.traces[0].values[2];
    let third = with_carved_table(&Shape::everything(QUICK), &other);
    assert_ne!(
        roots,
        third
            .verify(&third.prove())
            .expect("an odd power keeps the sign")
    );
}

#[test]
fn a_statement_changes_the_proof() {
    let unseeded = Shape::everything(QUICK).batch();
    let seeded = Shape {
        seeded: true,
        ..Shape::everything(QUICK)
    }
    .batch();
    let mut swapped = seeded.statement.expect("seeded");
    swapped.tag.reverse();
    let swapped = Batch {
        statement: Some(swapped),
        ..seeded.clone()
    };
    let proofs = [unseeded.prove(), seeded.prove(), swapped.prove()];
    for (i, verifier) in [unseeded, seeded, swapped].iter().enumerate() {
        for (j, proof) in proofs.iter().enumerate() {
            assert_eq!(
                verifier.verify(proof).is_ok(),
                i == j,
                "verifier {i}, proof {j}"
            );
        }
    }
}
