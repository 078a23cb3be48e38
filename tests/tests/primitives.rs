//! The core's primitives against the Plonky3 crates that they equal.

use std::array;

use p3_baby_bear::{Poseidon2BabyBear, default_babybear_poseidon2_16};
use p3_batch_stark::BatchShape;
use p3_challenger::fs::{DomainSeparator, FieldUnit};
use p3_challenger::{
    CanObserve, CanSample, CanSampleBits, DuplexChallenger, FieldChallenger, GrindingChallenger,
};
use p3_field::{BasedVectorSpace, Field, PackedValue, PrimeCharacteristicRing, PrimeField32};
use p3_fri::{FriShape, PcsShape};
use p3_poseidon2::ExternalLayerConstants;
use p3_symmetric::{
    CryptographicHasher, MerkleCap, PaddingFreeSponge, Permutation, PseudoCompressionFunction,
    TruncatedPermutation,
};
use proptest::collection::vec;
use proptest::prelude::*;
use tranche_core::hash::blake3::Blake3;
use tranche_core::hash::poseidon2::{Challenger, Poseidon2, Sponge};
use tranche_core::hash::{Hasher, Transcript};
use tranche_core::prover::transcript::{MatrixShape, SeededTable, seed_batch, seed_fri, seed_pcs};
use tranche_core::sink::Sink;
use tranche_core::verifier::Plonky3Suite;
use tranche_core::{DIGEST, DefaultBackend, EF, F, Hashes, Params, ScalarBackend};

type Packing = <F as Field>::Packing;
type Permutation16 = Poseidon2BabyBear<16>;
type Reference = DuplexChallenger<F, Permutation16, 16, 8>;

fn element() -> impl Strategy<Value = F> {
    prop_oneof![
        1 => Just(F::ZERO),
        1 => Just(F::ONE),
        1 => Just(F::NEG_ONE),
        9 => any::<u32>().prop_map(F::from_u32),
    ]
}

fn extension() -> impl Strategy<Value = EF> {
    prop::array::uniform4(element()).prop_map(|x| EF::from_basis_coefficients_fn(|i| x[i]))
}

/// Any round constants.
fn constants() -> impl Strategy<Value = Poseidon2> {
    vec(element(), 2 * 4 * 16 + 13).prop_map(|x| Poseidon2 {
        initial: array::from_fn(|round| array::from_fn(|lane| x[round * 16 + lane])),
        internal: array::from_fn(|round| x[128 + round]),
        terminal: array::from_fn(|round| array::from_fn(|lane| x[64 + round * 16 + lane])),
    })
}

/// Plonky3's permutation with the same constants.
fn reference(ours: &Poseidon2) -> Permutation16 {
    Permutation16::new(
        ExternalLayerConstants::new(ours.initial.to_vec(), ours.terminal.to_vec()),
        ours.internal.to_vec(),
    )
}

#[test]
fn the_published_constants_are_plonky3s_default() {
    let mut state = array::from_fn(F::from_usize);
    let mut expected = state;
    Poseidon2::BABY_BEAR.permute(&mut state);
    default_babybear_poseidon2_16().permute_mut(&mut expected);
    assert_eq!(state, expected);
}

proptest! {
    #[test]
    fn permutations_are_equal_for_any_constants(
        ours in constants(),
        values in vec(element(), 16 * Packing::WIDTH),
    ) {
        let theirs = reference(&ours);
        let mut packed: [Packing; 16] = array::from_fn(|i| {
            Packing::from_fn(|lane| values[lane * 16 + i])
        });
        ours.permute(&mut packed);
        for (lane, input) in values.as_chunks::<16>().0.iter().enumerate() {
            let expected = theirs.permute(*input);
            let mut scalar = *input;
            ours.permute(&mut scalar);
            prop_assert_eq!(scalar, expected);
            prop_assert_eq!(packed.map(|x| x.as_slice()[lane]), expected);
        }
    }

    #[test]
    fn compression_is_the_truncated_permutation(
        ours in constants(),
        left in prop::array::uniform8(element()),
        right in prop::array::uniform8(element()),
    ) {
        let theirs = TruncatedPermutation::<_, 2, 8, 16>::new(reference(&ours));
        prop_assert_eq!(ours.compress(left, right), theirs.compress([left, right]));
        let packed = ours.compress(left.map(Packing::from), right.map(Packing::from));
        prop_assert_eq!(packed, theirs.compress([left, right]).map(Packing::from));
    }

    #[test]
    fn the_sponge_is_padding_free(ours in constants(), values in vec(element(), 0..40), split: u8) {
        let theirs = PaddingFreeSponge::<_, 16, 8, 8>::new(reference(&ours));
        let (head, tail) = values.split_at(usize::from(split) % (values.len() + 1));
        let mut sponge = Sponge::new();
        sponge.absorb_slice(&ours, head);
        for &value in tail {
            sponge.absorb(&ours, value);
        }
        prop_assert_eq!(sponge.finish(&ours), theirs.hash_iter(values));
    }
}

/// One step on a transcript.
#[derive(Clone, Debug)]
enum Step {
    Observe(F),
    ObserveSlice(Vec<F>),
    ObserveExt(EF),
    Sample,
    SampleExt,
    SampleBits(usize),
    Grind(usize),
    Fork,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => element().prop_map(Step::Observe),
        2 => vec(element(), 0..20).prop_map(Step::ObserveSlice),
        2 => extension().prop_map(Step::ObserveExt),
        4 => Just(Step::Sample),
        2 => Just(Step::SampleExt),
        2 => (0..=30usize).prop_map(Step::SampleBits),
        1 => (0..8usize).prop_map(Step::Grind),
        1 => Just(Step::Fork),
    ]
}

proptest! {
    #[test]
    fn challengers_agree_after_every_step(steps in vec(step(), 1..120)) {
        challengers_agree(Poseidon2::BABY_BEAR, &steps)?;
        challengers_agree(Blake3, &steps)?;
    }
}

fn challengers_agree<S: Plonky3Suite>(suite: S, steps: &[Step]) -> Result<(), TestCaseError>
where
    ScalarBackend: Hashes<S>,
    DefaultBackend: Hashes<S>,
{
    let scalar = <ScalarBackend as Hashes<S>>::hasher(&suite);
    let packed = <DefaultBackend as Hashes<S>>::hasher(&suite);
    let mut ours = scalar.transcript();
    let mut theirs = suite.challenger();
    for step in steps.iter().cloned() {
        match step {
            Step::Observe(x) => {
                ours.observe(x);
                theirs.observe(x);
            }
            Step::ObserveSlice(x) => {
                ours.observe_slice(&x);
                theirs.observe_slice(&x);
            }
            Step::ObserveExt(x) => {
                ours.observe_ext(x);
                theirs.observe_algebra_element(x);
            }
            Step::Sample => {
                let expected: F = theirs.sample();
                prop_assert_eq!(ours.sample(), expected);
            }
            Step::SampleExt => {
                let expected: EF = theirs.sample_algebra_element();
                prop_assert_eq!(ours.sample_ext(), expected);
            }
            Step::SampleBits(bits) => {
                prop_assert_eq!(ours.sample_bits(bits), theirs.sample_bits(bits));
            }
            Step::Grind(bits) => {
                let (before, mut others) = (ours.clone(), theirs.clone());
                let expected = theirs.grind(bits);
                prop_assert_eq!(scalar.grind(&mut before.clone(), bits), expected);
                prop_assert_eq!(packed.grind(&mut ours, bits), expected);
                let mut checked = before.clone();
                prop_assert!(checked.check_witness(bits, expected));
                prop_assert_eq!(checked.sample(), ours.clone().sample());
                // A witness that may be none.
                let (other, mut checked) = (expected + F::ONE, before);
                let passes = others.check_witness(bits, other);
                prop_assert_eq!(checked.check_witness(bits, other), passes);
                let sample: F = others.sample();
                prop_assert_eq!(checked.sample(), sample);
            }
            Step::Fork => {
                let (mut ours, mut theirs) = (ours.clone(), theirs.clone());
                let expected: F = theirs.sample();
                prop_assert_eq!(ours.sample(), expected);
            }
        }
    }
    let expected: [F; 9] = theirs.sample_array();
    prop_assert_eq!(array::from_fn(|_| ours.sample()), expected);
    Ok(())
}

#[test]
#[should_panic(expected = "uniform bits")]
fn more_bits_than_the_field_has_are_refused() {
    Challenger::new(&Poseidon2::BABY_BEAR).sample_bits(31);
}

/// Asserts that a transcript seeded by the core and one seeded by Plonky3 go on alike, wherever in
/// a block the seed begins.
fn assert_seeds_agree(
    before: &[F],
    ours: impl FnOnce(&mut Challenger),
    theirs: &DomainSeparator<FieldUnit<F>>,
) {
    let permutation = Poseidon2::BABY_BEAR;
    let mut challenger = Challenger::new(&permutation);
    challenger.observe_slice(before);
    ours(&mut challenger);

    let mut expected = Reference::new(default_babybear_poseidon2_16());
    expected.observe_slice(before);
    theirs.seed(&mut expected);
    let expected: [F; 9] = expected.sample_array();
    assert_eq!(array::from_fn(|_| challenger.sample()), expected);
}

/// Grinding bits; none half of the time, for Plonky3 leaves some steps out then.
fn grinding() -> impl Strategy<Value = u8> {
    prop_oneof![Just(0), 1..25u8]
}

fn params() -> impl Strategy<Value = Params> {
    let sizes = (1..4u8, 0..4u8, 1..4u8, 0..3u8, 1..300u16);
    (sizes, prop::array::uniform5(grinding())).prop_map(|(sizes, bits)| Params {
        log_blowup: sizes.0,
        log_final_poly_len: sizes.1,
        max_log_arity: sizes.2,
        cap_height: sizes.3,
        num_queries: sizes.4,
        query_pow_bits: bits[0],
        batch_pow_bits: bits[1],
        lookup_pow_bits: bits[2],
        commit_pow_bits: bits[3],
        ood_pow_bits: bits[4],
    })
}

fn table() -> impl Strategy<Value = SeededTable> {
    (
        1..3000usize,
        prop_oneof![2 => Just(0), 1 => 1..40usize],
        0..12usize,
        any::<bool>(),
    )
        .prop_map(
            |(main_width, preprocessed_width, num_public_values, has_lookups)| SeededTable {
                main_width,
                preprocessed_width,
                num_public_values,
                has_lookups,
            },
        )
}

proptest! {
    #[test]
    fn batch_seeds_are_plonky3s(
        before in vec(element(), 0..9),
        tables in vec(table(), 1..120),
        params in params(),
    ) {
        let theirs = BatchShape {
            trace_widths: tables.iter().map(|x| x.main_width).collect(),
            public_value_counts: tables.iter().map(|x| x.num_public_values).collect(),
            preprocessed_widths: tables.iter().map(|x| x.preprocessed_width).collect(),
            has_preprocessed_commitment: tables.iter().any(|x| x.preprocessed_width > 0),
            num_lookup_instances: tables.iter().filter(|x| x.has_lookups).count(),
            lookup_pow_bits: params.lookup_pow_bits.into(),
            has_randomization_commitment: false,
            ood_pow_bits: params.ood_pow_bits.into(),
        };
        assert_seeds_agree(
            &before,
            |challenger| seed_batch(challenger, tables.iter().copied(), &params),
            &theirs.domain_separator::<F, EF>(),
        );
    }

    #[test]
    fn opening_seeds_are_plonky3s(
        before in vec(element(), 0..9),
        rounds in vec(vec((1..3usize, 1..3000usize), 0..20), 1..6),
        params in params(),
    ) {
        let theirs = PcsShape {
            claimed_evaluation_counts: rounds
                .iter()
                .map(|round| round.iter().map(|&(points, width)| vec![width; points]).collect())
                .collect(),
            batch_pow_bits: params.batch_pow_bits.into(),
        };
        let ours = rounds.iter().map(|round| {
            round.iter().map(|&(num_points, width)| MatrixShape { num_points, width })
        });
        assert_seeds_agree(
            &before,
            |challenger| seed_pcs(challenger, ours, &params),
            &theirs.domain_separator::<F, EF>(),
        );
    }

    #[test]
    fn low_degree_seeds_are_plonky3s(
        before in vec(element(), 0..9),
        log_arities in vec(1..4u8, 0..25),
        params in params(),
        index_bits in 0..28usize,
    ) {
        let theirs = FriShape {
            log_arities: log_arities.iter().copied().map(usize::from).collect(),
            final_poly_len: 1 << params.log_final_poly_len,
            commit_pow_bits: params.commit_pow_bits.into(),
            query_pow_bits: params.query_pow_bits.into(),
            num_queries: params.num_queries.into(),
            index_bits,
            log_blowup: params.log_blowup.into(),
            max_log_arity: params.max_log_arity.into(),
        };
        assert_seeds_agree(
            &before,
            |challenger| seed_fri(challenger, &log_arities, &params, index_bits),
            &theirs.domain_separator::<F, EF>(),
        );
    }
}

/// What a sink writes, and that it counts it.
fn written(write: impl FnOnce(&mut Sink<&mut Vec<u8>>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut sink = Sink::new(&mut bytes);
    write(&mut sink);
    let count = sink.written();
    assert_eq!(count, bytes.len() as u64);
    bytes
}

proptest! {
    #[test]
    fn the_sink_writes_postcard(
        integer in prop_oneof![0..1000u64, any::<u64>(), (0..64u32).prop_map(|x| 1 << x)],
        small: u8,
        elements in vec(element(), 0..300),
        extensions in vec(extension(), 0..300),
        digests in (0..4u32).prop_flat_map(|h| vec(prop::array::uniform8(element()), 1 << h)),
        option in prop::option::of(extension()),
    ) {
        let cap = MerkleCap::<F, [F; DIGEST]>::new(digests.clone());
        let expected = postcard::to_allocvec(&(
            integer, integer as usize, small, &elements, &extensions, &cap, option, &digests[0],
        ));
        let bytes = written(|sink| {
            sink.varint(integer).unwrap();
            sink.varint(integer).unwrap();
            sink.byte(small).unwrap();
            sink.length(elements.len()).unwrap();
            sink.fields(elements.iter().copied()).unwrap();
            sink.length(extensions.len()).unwrap();
            for &x in &extensions {
                sink.ext(x).unwrap();
            }
            sink.length(digests.len()).unwrap();
            for digest in &digests {
                sink.digest(&digest.map(|x| x.to_unique_u32())).unwrap();
            }
            match option {
                None => sink.none().unwrap(),
                Some(x) => {
                    sink.some().unwrap();
                    sink.ext(x).unwrap();
                }
            }
            sink.digest(&digests[0].map(|x| x.to_unique_u32())).unwrap();
        });
        prop_assert_eq!(bytes, expected.unwrap());
    }
}

#[test]
fn a_full_writer_is_an_error() {
    let mut buffer = [0u8; 7];
    let mut sink = Sink::new(buffer.as_mut_slice());
    sink.field(F::ONE).unwrap();
    assert_eq!(sink.field(F::ONE), Err(embedded_io::SliceWriteError::Full));
    assert_eq!(sink.written(), 4);
}
