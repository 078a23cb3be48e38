//! Forged and malformed proofs are refused for their reason, and nothing panics.

use p3_air::BaseAir;
use p3_field::PrimeCharacteristicRing;
use p3_matrix::Matrix;
use proptest::prelude::*;
use tranche_core::hash::blake3::Blake3;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::verifier::{
    CarvedConfig, Configuration, KeyError, MAX_PROOF_BYTES, PlainConfig, VerifierAir, VerifyError,
    VerifyingKey, decode,
};
use tranche_core::{F, Params};
use tranche_test_support::air::{Part, TestAir};
use tranche_test_support::params;
use tranche_test_support::reference::{Batch, ReferenceAir, ReferenceSuite};
use tranche_test_support::shapes::{QUICK, Shape};

const ONE_QUERY: Params = Params {
    num_queries: 1,
    ..QUICK
};

fn plain() -> Batch<TestAir> {
    Shape::everything(ONE_QUERY).batch()
}

fn carved() -> Batch<TestAir> {
    Shape {
        carved: 0b101,
        seeded: true,
        ..Shape::everything(ONE_QUERY)
    }
    .batch()
}

/// A key that is made once, for tests that verify often.
fn key<C: Configuration<Suite: ReferenceSuite>>(
    batch: &Batch<TestAir, C::Suite>,
) -> VerifyingKey<TestAir, C>
where
    TestAir: VerifierAir<C> + ReferenceAir<C::Suite>,
{
    batch.key().expect("a plan that can be verified")
}

fn every_flipped_byte_is_refused<C: Configuration<Suite: ReferenceSuite>>(
    batch: &Batch<TestAir, C::Suite>,
) where
    TestAir: VerifierAir<C> + ReferenceAir<C::Suite>,
{
    let key = key::<C>(batch);
    let mut proof = batch.prove();
    let verify = |proof: &[u8]| key.verify(proof, batch.statement.as_ref(), &batch.publics);
    verify(&proof).expect("honest");
    for at in 0..proof.len() {
        // The bit walks through the byte, so that lengths and elements change in every place.
        let flip = 1 << (at % 8);
        proof[at] ^= flip;
        assert!(verify(&proof).is_err(), "byte {at} of {}", proof.len());
        proof[at] ^= flip;
    }
}

#[test]
fn every_flipped_byte_of_a_plain_proof_is_refused() {
    every_flipped_byte_is_refused::<PlainConfig>(&plain());
    every_flipped_byte_is_refused::<PlainConfig<Blake3>>(&plain().with_suite(Blake3));
}

#[test]
fn every_flipped_byte_of_a_carved_proof_is_refused() {
    every_flipped_byte_is_refused::<CarvedConfig>(&carved());
    every_flipped_byte_is_refused::<CarvedConfig<Blake3>>(&carved().with_suite(Blake3));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..Default::default() })]

    #[test]
    fn rearranged_bytes_are_refused(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 200),
    ) {
        let batch = carved();
        let key = key::<CarvedConfig>(&batch);
        let honest = batch.prove();
        let verify = |proof: &[u8]| key.verify(proof, batch.statement.as_ref(), &batch.publics);
        prop_assert!(verify(&honest).is_ok());
        for (from, to, byte) in cuts {
            let (from, to) = (from.index(honest.len()), to.index(honest.len()));
            let (low, high) = (from.min(to), from.max(to));
            let removed = [&honest[..low], &honest[high + 1..]].concat();
            prop_assert!(verify(&removed).is_err());
            let inserted = [&honest[..low], &[byte], &honest[low..]].concat();
            prop_assert!(verify(&inserted).is_err());
            let repeated = [&honest[..=high], &honest[low..]].concat();
            prop_assert!(verify(&repeated).is_err());
            let mut overwritten = honest.clone();
            overwritten[low] = if honest[low] == byte { !byte } else { byte };
            prop_assert!(verify(&overwritten).is_err());
        }
    }
}

#[test]
fn only_the_canonical_encoding_is_read() {
    let batch = plain();
    let proof = batch.prove();
    batch.verify(&proof).expect("honest");
    for len in [0, proof.len() / 2, proof.len() - 1] {
        assert_eq!(batch.verify(&proof[..len]), Err(VerifyError::Encoding));
    }
    // A digest is more than one byte can stand for, before it is found to be missing.
    let one = batch.verify(&proof[..1]);
    assert!(matches!(one, Err(VerifyError::TooLarge { .. })), "{one:?}");
    assert_eq!(
        batch.verify(&[&proof[..], &[0]].concat()),
        Err(VerifyError::Encoding)
    );

    // A plain proof begins with the number of digests in the main cap: one, written in two bytes.
    assert_eq!(proof[0], 1);
    let overlong = [&[0x81, 0x00], &proof[1..]].concat();
    assert_eq!(batch.verify(&overlong), Err(VerifyError::Encoding));

    // The first digest's first element, as the integer p in place of 0 and anything above it.
    let mut unreduced = proof.clone();
    unreduced[1..5].copy_from_slice(&0x7800_0001_u32.to_le_bytes());
    assert_eq!(batch.verify(&unreduced), Err(VerifyError::Encoding));
    unreduced[1..5].copy_from_slice(&0x7800_0000_u32.to_le_bytes());
    assert!(matches!(
        batch.verify(&unreduced),
        Err(VerifyError::Opening { .. }) | Err(VerifyError::Constraints { .. })
    ));

    let got = MAX_PROOF_BYTES + 1;
    let error = VerifyError::TooLong {
        limit: MAX_PROOF_BYTES,
        got,
    };
    assert_eq!(batch.verify(&vec![0; got]), Err(error));
}

#[test]
fn other_heights_than_the_plan_are_refused() {
    let low = Shape::everything(ONE_QUERY);
    let mut high = low.clone();
    high.tables[2].log_height += 1;
    let (low, high) = (low.batch(), high.batch());
    low.verify(&low.prove()).expect("honest");
    // A recurrence with public ends: only the height sets the two apart.
    assert_eq!(low.airs.len(), high.airs.len());
    let error = VerifyError::Height {
        table: 2,
        expected: 4,
        got: 5,
    };
    assert_eq!(low.verify(&high.prove()), Err(error));
}

#[test]
fn another_number_of_tables_is_refused() {
    let two = Batch {
        airs: plain().airs[2..].to_vec(),
        traces: plain().traces[2..].to_vec(),
        publics: plain().publics[2..].to_vec(),
        ..plain()
    };
    let error = VerifyError::TableCount {
        expected: plain().airs.len(),
        got: two.airs.len(),
    };
    assert_eq!(plain().verify(&two.prove()), Err(error));
}

#[test]
fn other_public_values_are_refused() {
    let honest = plain();
    let proof = honest.prove();
    honest.verify(&proof).expect("honest");
    let mut other = honest.clone();
    other.publics[2][1] += F::ONE;
    assert!(other.verify(&proof).is_err());
    // Claimed from the start, it is the table's constraint that fails.
    assert_eq!(
        other.verify(&other.prove()),
        Err(VerifyError::Constraints { table: 2 })
    );
    let mut missing = honest;
    missing.publics[2].pop();
    assert!(matches!(
        missing.verify(&proof),
        Err(VerifyError::Shape { .. })
    ));
}

#[test]
fn a_broken_constraint_is_refused() {
    let mut batch = plain();
    batch.verify(&batch.prove()).expect("honest");
    batch.traces[0].values[1] += F::ONE;
    assert_eq!(
        batch.verify(&batch.prove()),
        Err(VerifyError::Constraints { table: 0 })
    );
}

#[test]
fn an_unbalanced_bus_is_refused() {
    let mut batch = plain();
    batch.verify(&batch.prove()).expect("honest");
    let provider = batch
        .airs
        .iter()
        .position(|air| matches!(air.parts[0], Part::Provide { .. }))
        .expect("a used bus");
    let count = batch.airs[provider].width() - 1;
    batch.traces[provider].values[count] += F::ONE;
    assert_eq!(batch.verify(&batch.prove()), Err(VerifyError::Buses));
}

#[test]
fn multiplicities_that_reach_the_order_are_refused() {
    let shape = |times| {
        let mut shape = Shape::everything(ONE_QUERY);
        let Part::Send { times: of_part, .. } = &mut shape.tables[0].parts[1] else {
            unreachable!("the second part sends")
        };
        *of_part = times;
        shape.batch()
    };
    shape(100).verify(&shape(100).prove()).expect("honest");
    // 2^24 rows of messages that count 100 times each may add up to p; no trace is needed to say so.
    let batch = shape(100);
    let mut tall = batch.airs.clone();
    tall[0].log_height = 24;
    tall[0]
        .parts
        .retain(|part| !matches!(part, Part::Fixed { .. }));
    let mut log_heights = batch.log_heights();
    log_heights[0] = 24;
    let key = VerifyingKey::<_, PlainConfig>::new(
        tall,
        &log_heights,
        ONE_QUERY,
        Poseidon2::BABY_BEAR,
        &[],
    )
    .expect("a key");
    let mut proof = decode::<PlainConfig>(&batch.prove(), MAX_PROOF_BYTES).expect("honest");
    proof.degree_bits[0] = 24;
    // As many layers as such a table has.
    let layers = &mut proof.opening_proof.commit_phase_commits;
    let layer = layers[0].clone();
    layers.resize(24, layer);
    let refused = key.verify_decoded(&proof, None, &batch.publics);
    assert!(
        matches!(refused, Err(VerifyError::Multiplicities { .. })),
        "{refused:?}"
    );
}

#[test]
fn a_swapped_root_is_refused() {
    let batch = carved();
    let key = key::<CarvedConfig>(&batch);
    let proof = || decode::<CarvedConfig>(&batch.prove(), MAX_PROOF_BYTES).expect("honest");
    let verify = |proof: &_| key.verify_decoded(proof, batch.statement.as_ref(), &batch.publics);
    verify(&proof()).expect("honest");
    assert_eq!(key.carved_roots(&proof()).len(), 2);

    let mut swapped = proof();
    swapped.commitments.main.0.swap(0, 2);
    assert!(verify(&swapped).is_err());
    let mut missing = proof();
    missing.commitments.main.0.pop();
    assert!(matches!(
        verify(&missing),
        Err(VerifyError::RootCount { got: 3, .. })
    ));
    let mut repeated = proof();
    let root = repeated.commitments.main.0[0].clone();
    repeated.commitments.main.0.push(root);
    assert!(matches!(
        verify(&repeated),
        Err(VerifyError::RootCount { got: 5, .. })
    ));
    let mut unproved = proof();
    unproved.opening_proof.input_openings[0].opening_proof.pop();
    assert!(matches!(
        verify(&unproved),
        Err(VerifyError::Opening { .. })
    ));
    let mut rowless = proof();
    rowless.opening_proof.input_openings[0].opened_values[0].pop();
    assert!(matches!(verify(&rowless), Err(VerifyError::Opening { .. })));
}

#[test]
fn a_proof_under_other_parameters_is_refused() {
    let honest = plain();
    let proof = honest.prove();
    honest.verify(&proof).expect("honest");
    let others = [
        Params {
            log_blowup: 2,
            ..ONE_QUERY
        },
        Params {
            log_final_poly_len: 1,
            ..ONE_QUERY
        },
        Params {
            max_log_arity: 2,
            ..ONE_QUERY
        },
        Params {
            cap_height: 1,
            ..ONE_QUERY
        },
        Params {
            num_queries: 2,
            ..ONE_QUERY
        },
        Params {
            query_pow_bits: 10,
            ..ONE_QUERY
        },
        Params {
            batch_pow_bits: 10,
            ..ONE_QUERY
        },
        Params {
            lookup_pow_bits: 10,
            ..ONE_QUERY
        },
        Params {
            commit_pow_bits: 10,
            ..ONE_QUERY
        },
        Params {
            ood_pow_bits: 10,
            ..ONE_QUERY
        },
    ];
    for params in others {
        let other = Batch {
            params,
            ..honest.clone()
        };
        assert!(other.verify(&proof).is_err(), "{params:?}");
        other
            .verify(&other.prove())
            .expect("honest under its own parameters");
    }
    let constants = Poseidon2 {
        internal: [F::ONE; 13],
        ..Poseidon2::BABY_BEAR
    };
    assert!(
        Batch {
            suite: constants,
            ..honest
        }
        .verify(&proof)
        .is_err()
    );
}

#[test]
fn plans_that_plonky3_is_not_defined_on_have_no_key() {
    let batch = plain();
    let key = |params, airs: Vec<TestAir>, log_heights: &[usize]| {
        VerifyingKey::<_, PlainConfig>::new(airs, log_heights, params, Poseidon2::BABY_BEAR, &[])
            .err()
    };
    let (airs, log_heights) = (|| batch.airs.clone(), batch.log_heights());
    assert_eq!(key(ONE_QUERY, airs(), &log_heights), None);

    let refused: [(_, &[u16]); Params::TABLE.len()] = [
        ("log_blowup", &[0, 28]),
        ("log_final_poly_len", &[27, 28]),
        ("max_log_arity", &[0, 28]),
        ("cap_height", &[]),
        ("num_queries", &[0]),
        ("query_pow_bits", &[31]),
        ("batch_pow_bits", &[31]),
        ("lookup_pow_bits", &[31]),
        ("commit_pow_bits", &[31]),
        ("ood_pow_bits", &[31]),
    ];
    let names = Params::TABLE.map(|param| param.name);
    assert_eq!(refused.map(|(name, _)| name), names);
    for (name, values) in refused {
        for &value in values {
            let params = params::with(&ONE_QUERY, name, value);
            let error = KeyError::Parameter { name };
            assert_eq!(key(params, airs(), &log_heights), Some(error), "{value}");
        }
    }
    // The final polynomial's domain is one of the field's at any blowup.
    let params = |log_final_poly_len| Params {
        log_blowup: 2,
        log_final_poly_len,
        ..ONE_QUERY
    };
    assert_eq!(key(params(25), airs(), &log_heights), None);
    let name = "log_final_poly_len";
    let error = KeyError::Parameter { name };
    assert_eq!(key(params(26), airs(), &log_heights), Some(error));

    assert_eq!(
        key(ONE_QUERY, vec![], &[]),
        Some(KeyError::TableCount {
            airs: 0,
            heights: 0
        })
    );
    let count = KeyError::TableCount {
        airs: airs().len(),
        heights: airs().len() - 1,
    };
    assert_eq!(key(ONE_QUERY, airs(), &log_heights[1..]), Some(count));

    let mut tall = log_heights.clone();
    tall[2] = 26;
    assert_eq!(key(ONE_QUERY, airs(), &tall), None);
    tall[2] = 27;
    let error = KeyError::TooTall {
        table: 2,
        max_log_height: 26,
        log_height: 27,
    };
    assert_eq!(key(ONE_QUERY, airs(), &tall), Some(error));

    let mut other = log_heights.clone();
    other[0] += 1;
    let rows = batch.traces[0].height();
    let error = KeyError::PreprocessedHeight {
        table: 0,
        expected: 2 * rows,
        got: rows,
    };
    assert_eq!(key(ONE_QUERY, airs(), &other), Some(error));
}
