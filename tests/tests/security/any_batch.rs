//! Any batch, at any parameters, and any tables of a batch.

use p3_security::logup::{self, LogUpAir};
use proptest::prelude::*;
use proptest::sample::select;
use tranche_core::hash::blake3::Blake3;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::security::{Bits, SecurityShape, SecurityTable, Term};
use tranche_core::{Params, Suite};

use crate::reference::{Reference, agree, close, whole_credit};
use crate::without_grinding;

/// A table like the machine's CPU table.
const CPU: SecurityTable = SecurityTable {
    log_height: 16,
    main_width: 36,
    main_next: true,
    preprocessed_width: 0,
    preprocessed_next: false,
    permutation_width: 10,
    log_quotient_chunks: 1,
    constraints: 60,
    max_degree: 3,
    messages_per_row: 18,
    max_message_width: 7,
};

/// Any batch, those included that have no distance, no constraints, no messages.
fn shapes() -> impl Strategy<Value = SecurityShape> {
    let openings = (0..=24u8, 1..=2u8, 0..5000u32);
    let constraints = (0..5000u32, 1..=9u16, 0..=3u8);
    let logup = (0..1u64 << 40, 0..=40u16);
    let collision = select([Poseidon2::COLLISION_BITS, Blake3::COLLISION_BITS].as_slice());
    let all = (openings, constraints, logup, collision);
    all.prop_map(
        |(openings, constraints, logup, collision_bits)| SecurityShape {
            log_height: openings.0,
            max_points: openings.1,
            openings: openings.2,
            constraints: constraints.0,
            max_degree: constraints.1,
            log_quotient_chunks: constraints.2,
            messages: logup.0,
            max_message_width: logup.1,
            collision_bits,
        },
    )
}

/// Any parameters the core supports.
fn params() -> impl Strategy<Value = Params> {
    let fri = (1..=3u8, 0..=3u8, 1..=3u8, 0..=3u8, 1..=600u16);
    let grinding = (0..=30u8, 0..=30u8, 0..=30u8, 0..=30u8, 0..=30u8);
    (fri, grinding).prop_map(|(fri, grinding)| Params {
        log_blowup: fri.0,
        log_final_poly_len: fri.1,
        max_log_arity: fri.2,
        cap_height: fri.3,
        num_queries: fri.4,
        query_pow_bits: grinding.0,
        batch_pow_bits: grinding.1,
        lookup_pow_bits: grinding.2,
        commit_pow_bits: grinding.3,
        ood_pow_bits: grinding.4,
    })
}

fn tables() -> impl Strategy<Value = SecurityTable> {
    let size = (0..=22u8, 1..200u32, any::<bool>(), 0..50u32, any::<bool>());
    let rest = (0..30u32, 0..=3u8, 1..400u32, 1..=9u16, 0..40u32, 0..12u16);
    (size, rest).prop_map(|(size, rest)| SecurityTable {
        log_height: size.0,
        main_width: size.1,
        main_next: size.2,
        preprocessed_width: size.3,
        preprocessed_next: size.4,
        // The running sum comes with at least one fraction.
        permutation_width: if rest.0 == 0 { 0 } else { rest.0 + 1 },
        log_quotient_chunks: rest.1,
        constraints: rest.2,
        max_degree: rest.3,
        messages_per_row: rest.4,
        max_message_width: rest.5,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn terms_agree_with_p3_security(shape in shapes(), params in params()) {
        agree(&shape, &params)?;
    }

    /// Grinding at a site adds to the term of that site, and to no other.
    #[test]
    fn grinding_adds_at_its_site(shape in shapes(), params in params()) {
        let unground = without_grinding(params);
        agree(&shape, &unground)?;
        let (plain, ground) = (Bits::unique(&shape, &unground), Bits::unique(&shape, &params));
        for ((name, plain), (_, ground)) in plain.terms().zip(ground.terms()) {
            let site = match name {
                "query" if plain.bits > 0.0 => params.query_pow_bits,
                "folding" => params.commit_pow_bits,
                "batching" => params.batch_pow_bits,
                "deep" => params.ood_pow_bits,
                "logup" => params.lookup_pow_bits,
                _ => 0,
            };
            prop_assert_eq!(plain.total(), plain.bits);
            prop_assert_eq!(ground, Term { grinding: site, ..plain }, "{}", name);
        }
    }

    /// One height only, as p3-security has it: messages per row times the trace length.
    #[test]
    fn logup_agrees_per_row(
        log_height in 1..=22u8,
        per_row in 1..200u32,
        width in 1..=20u16,
        params in params(),
    ) {
        let table = SecurityTable {
            log_height,
            messages_per_row: per_row,
            max_message_width: width,
            ..CPU
        };
        let shape = SecurityShape::of(Poseidon2::COLLISION_BITS).with_table(&table);
        let reference = Reference::new(&shape, &params);
        let messages =
            LogUpAir { num_interactions: per_row as usize, max_message_width: width.into() };
        let theirs = logup::security_term(&messages, &reference.shape, &reference.grinding);
        let theirs = theirs.expect("there are messages").bits.bits();
        close(whole_credit(Bits::unique(&shape, &params).logup.expect("there are messages")), theirs)?;
    }

    /// A batch of tables: openings as Plonky3 counts them, maxima and sums elsewhere.
    #[test]
    fn batches_add_up(tables in prop::collection::vec(tables(), 2..6), params in params()) {
        let shape = tables.iter().fold(SecurityShape::of(Poseidon2::COLLISION_BITS), |shape, table| shape.with_table(table));
        let openings: usize = tables
            .iter()
            .map(|t| {
                p3_batch_stark::num_batched_openings(
                    t.main_width as usize,
                    t.main_next,
                    t.preprocessed_width as usize,
                    t.preprocessed_next,
                    1 << t.log_quotient_chunks,
                    // Plonky3 counts the fractions and adds the running sum.
                    t.permutation_width.saturating_sub(1) as usize,
                    tranche_core::D,
                    p3_uni_stark::OpeningShape::new(),
                )
            })
            .sum();
        prop_assert_eq!(shape.openings as usize, openings);
        let messages: u64 =
            tables.iter().map(|t| u64::from(t.messages_per_row) << t.log_height).sum();
        prop_assert_eq!(shape.messages, messages);
        agree(&shape, &params)?;
        // Each table costs bits in every round but the queries.
        let fewer = tables[1..].iter().fold(SecurityShape::of(Poseidon2::COLLISION_BITS), |shape, table| shape.with_table(table));
        let (all, fewer) = (Bits::unique(&shape, &params), Bits::unique(&fewer, &params));
        prop_assert!(all.ali.bits < fewer.ali.bits);
        prop_assert!(all.batching.unwrap().bits < fewer.batching.unwrap().bits);
        prop_assert!(all.deep.bits <= fewer.deep.bits);
        prop_assert!(all.folding.bits <= fewer.folding.bits);
    }

    /// n proofs lose log2 n bits in every round; the hash is shared.
    #[test]
    fn proofs_lose_their_logarithm(shape in shapes(), params in params(), log_proofs in 0..=16u32) {
        let one = Bits::unique(&shape, &params);
        let many = one.with_proofs(1 << log_proofs);
        for ((name, one), (_, many)) in one.terms().zip(many.terms()) {
            let loss = if name == "collision" { 0.0 } else { f64::from(log_proofs) };
            close(many.bits, (one.bits - loss).max(0.0))?;
            prop_assert_eq!(many.grinding, one.grinding);
        }
    }

    /// A run of batches has the shape of all their tables, and its largest batch that of no more.
    #[test]
    fn runs_are_the_batches_of_their_tables(
        kinds in [prop::collection::vec(tables(), 1..4), prop::collection::vec(tables(), 1..4)],
        times in 1..6_u32,
    ) {
        let of = |shape: SecurityShape, kind: &[SecurityTable]| {
            kind.iter().fold(shape, |shape, table| shape.with_table(table))
        };
        let [body, closing] = kinds.each_ref().map(|kind| of(SecurityShape::of(Poseidon2::COLLISION_BITS), kind));
        let mut tables = closing;
        (0..times).for_each(|_| tables = of(tables, &kinds[0]));
        let run = SecurityShape::of(Poseidon2::COLLISION_BITS).with_batches(&body, times).with_batches(&closing, 1);
        prop_assert_eq!(run, tables);
        let largest = body.or(&closing);
        for kind in [body, closing] {
            prop_assert_eq!(largest.or(&kind), largest);
        }
    }

    /// What is drawn once in a forked run counts the run; what each batch draws counts the largest batch, at the
    /// run's height, and the logarithm of their number.
    #[test]
    fn forked_runs_lose_where_batches_draw(
        (batch, run) in (shapes(), shapes()),
        params in params(),
        log_batches in 0..=10u32,
    ) {
        let forked = Bits::forked(&batch, &run, 1 << log_batches, &params);
        let once = Bits::unique(&run, &params);
        let tall = SecurityShape { log_height: run.log_height, ..batch };
        let each = Bits::unique(&tall, &params).with_proofs(1 << log_batches);
        prop_assert_eq!(
            (forked.query, forked.folding, forked.logup, forked.collision),
            (once.query, once.folding, once.logup, once.collision)
        );
        prop_assert_eq!(
            (forked.batching, forked.deep, forked.ali),
            (each.batching, each.deep, each.ali)
        );
        let codeword = f64::from(run.log_height) + f64::from(params.log_blowup);
        let coefficients = forked.coefficients.expect("a term of forked runs");
        close(coefficients.bits, (123.0 - codeword).max(0.0))?;
        prop_assert_eq!(coefficients.grinding, 0);
        prop_assert!(forked.terms().any(|(name, _)| name == "coefficients"));
    }
}
