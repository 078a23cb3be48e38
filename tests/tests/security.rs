//! The security module against `p3-security` 0.8.0, term by term, and the numbers of the design.
//!
//! `p3-security` knows one trace height and takes its own input structs. They are filled here the way
//! Plonky3 fills them: FRI and its grinding from `FriParameters`, the opening count from
//! `p3_batch_stark::num_batched_openings`, LogUp passed as an extra term.

use p3_fri::FriParameters;
use p3_security::fri::{self, FriRegime};
use p3_security::logup::{self, LogUpAir};
use p3_security::proximity::{alpha_ldr_m, alpha_udr};
use p3_security::report::{ALI_LABEL, BATCH_LABEL, COLLISION_LABEL, DEEP_LABEL, LDT_LABEL};
use p3_security::stark::proven_security_report;
use p3_security::{
    GrindingSites, InstanceShape, Regime as P3Regime, RegimeReport, SecurityReport, SecurityTerm,
    StarkAirParams,
};
use proptest::prelude::*;
use tranche_core::Params;
use tranche_core::security::{
    Bits, COLLISION_BITS, FIELD_BITS, Regime, Shape, TableShape, Term, grinding_bits,
};

/// Agreement asked of every term, in bits. The formulas are the same, the order of operations not.
const TOLERANCE: f64 = 1e-9;

/// The 2^16-cycle epoch of the design: 25 messages a row of up to 7 elements, 400 openings.
const EPOCH: Shape = Shape {
    log_height: 16,
    max_points: 2,
    openings: 400,
    constraints: 300,
    max_degree: 3,
    log_quotient_chunks: 1,
    messages: 25 << 16,
    max_message_width: 7,
};

/// The same parameters without any grinding.
const fn without_grinding(params: Params) -> Params {
    Params {
        query_pow_bits: 0,
        batch_pow_bits: 0,
        lookup_pow_bits: 0,
        commit_pow_bits: 0,
        ood_pow_bits: 0,
        ..params
    }
}

/// The default parameters without any grinding.
const NO_GRINDING: Params = without_grinding(Params::DEFAULT);

/// The inputs of `p3-security` for one batch.
struct Reference {
    fri: FriRegime,
    air: StarkAirParams,
    shape: InstanceShape,
    grinding: GrindingSites,
    logup: Option<SecurityTerm>,
}

impl Reference {
    fn new(shape: &Shape, params: &Params) -> Self {
        let fri = FriParameters {
            log_blowup: params.log_blowup.into(),
            log_final_poly_len: params.log_final_poly_len.into(),
            max_log_arity: params.max_log_arity.into(),
            num_queries: params.num_queries.into(),
            batch_proof_of_work_bits: params.batch_pow_bits.into(),
            commit_proof_of_work_bits: params.commit_pow_bits.into(),
            query_proof_of_work_bits: params.query_pow_bits.into(),
            mmcs: (),
        };
        let grinding = GrindingSites {
            out_of_domain: params.ood_pow_bits.into(),
            lookup_challenge: params.lookup_pow_bits.into(),
            ..fri.grinding_sites()
        };
        let instance = InstanceShape {
            log_trace_length: shape.log_height.into(),
            modulus_bits: FIELD_BITS as usize,
            collision_resistance: COLLISION_BITS as usize,
            num_batched_functions: shape.openings as usize,
        };
        // Tables of different heights have no common number of messages per row: all messages of the
        // batch are handed over as those of a single row, which is the same product.
        let messages = LogUpAir {
            num_interactions: shape.messages as usize,
            max_message_width: shape.max_message_width.into(),
        };
        let one_row = InstanceShape {
            log_trace_length: 0,
            ..instance
        };
        Self {
            fri: fri.security_regime(),
            air: StarkAirParams {
                num_constraints: shape.constraints as usize,
                max_constraint_degree: shape.max_degree.into(),
                num_quotient_chunks: 1 << shape.log_quotient_chunks,
                max_combo: shape.max_points.into(),
            },
            shape: instance,
            grinding,
            logup: logup::security_term(&messages, &one_row, &grinding),
        }
    }

    fn report(&self) -> SecurityReport {
        let extras = self.logup.as_slice();
        proven_security_report(&self.fri, &self.air, &self.shape, extras, &self.grinding)
    }
}

fn close(ours: f64, theirs: f64) -> Result<(), TestCaseError> {
    prop_assert!(
        (ours - theirs).abs() < TOLERANCE,
        "{ours} against p3-security's {theirs}"
    );
    Ok(())
}

/// The term with `p3-security`'s credit for grinding: its difficulty, whole.
fn whole_credit(term: Term) -> f64 {
    term.bits + f64::from(term.grinding)
}

/// The least of the terms with that credit.
fn whole_total(bits: &Bits) -> f64 {
    let terms = bits.terms().map(|(_, term)| whole_credit(term));
    terms.fold(f64::INFINITY, f64::min)
}

/// Asserts that `term`, grinding included, is the one of `report` labelled `label`.
fn same(term: Option<Term>, report: &RegimeReport, label: &str) -> Result<(), TestCaseError> {
    let theirs = report.terms().iter().find(|t| t.label == label);
    prop_assert_eq!(term.is_some(), theirs.is_some(), "presence of {}", label);
    match (term, theirs) {
        (Some(ours), Some(theirs)) => close(whole_credit(ours), theirs.bits.bits()),
        _ => Ok(()),
    }
}

/// Asserts everything that both regimes share, given p3-security's own query and commit errors.
fn same_regime(
    ours: &Bits,
    report: &RegimeReport,
    query: f64,
    commit: Option<f64>,
) -> Result<(), TestCaseError> {
    same(Some(ours.ali), report, ALI_LABEL)?;
    same(Some(ours.deep), report, DEEP_LABEL)?;
    same(ours.batching, report, BATCH_LABEL)?;
    same(ours.logup, report, logup::LOGUP_LABEL)?;
    same(Some(ours.collision), report, COLLISION_LABEL)?;

    let mut terms = report.terms().iter();
    let ldt = terms
        .find(|t| t.label == LDT_LABEL)
        .expect("in every report");
    let ldt = ldt.bits.bits();
    if ldt == 0.0 {
        // No distance is left: p3-security gives the whole low-degree test nothing.
        let nothing = Term {
            bits: 0.0,
            grinding: 0,
        };
        prop_assert_eq!(ours.query, nothing);
        prop_assert_eq!(ours.total(), 0.0);
        return Ok(());
    }
    close(whole_credit(ours.query), query)?;
    if let Some(commit) = commit {
        close(whole_credit(ours.folding), commit)?;
    }
    close(
        whole_credit(ours.query).min(commit.unwrap_or(f64::INFINITY)),
        ldt,
    )?;
    // Only where p3-security counts no folding round may the totals differ, ours being lower.
    let uncounted = if commit.is_none() {
        whole_credit(ours.folding)
    } else {
        f64::INFINITY
    };
    close(whole_total(ours), report.security_bits().min(uncounted))
}

fn agree(shape: &Shape, params: &Params) -> Result<(), TestCaseError> {
    let reference = Reference::new(shape, params);
    let Reference {
        fri,
        air,
        shape: instance,
        ..
    } = &reference;
    let report = reference.report();

    let unique = Bits::unique(shape, params);
    let alpha = alpha_udr(instance.log_trace_length, fri.log_blowup, air.max_combo);
    let query = fri::query_phase_error(alpha, fri.num_queries, fri.query_pow_bits).bits();
    let commit = fri::commit_phase_error_udr(fri, instance).map(|e| e.bits());
    let lde = instance.log_trace_length + fri.log_blowup;
    let to_fold = lde.saturating_sub(fri.log_final_poly_len);
    prop_assert_eq!(commit.is_none(), to_fold < fri.max_log_arity);
    prop_assert_eq!(unique.regime, Regime::UniqueDecoding);
    same_regime(&unique, &report.udr, query, commit)?;

    let johnson = Bits::johnson(shape, params);
    prop_assert_eq!(johnson.is_some(), report.ldr.is_some());
    let (Some(best), Some(ldr)) = (johnson, &report.ldr) else {
        return Ok(());
    };
    // The best parameter by our credit may lose a little by theirs, and the other way round.
    let deficit = 30.0 - grinding_bits(30) + TOLERANCE;
    prop_assert!((best.total() - ldr.security_bits()).abs() <= deficit);
    // Where several parameters tie, rounding decides: the terms are compared at p3-security's.
    let P3Regime::ListDecoding { m } = ldr.regime else {
        return Err(TestCaseError::fail("not a list-decoding report"));
    };
    let ours = Bits::johnson_at(m as u16, shape, params);
    let ours = ours.ok_or_else(|| TestCaseError::fail(format!("m = {m} refused")))?;
    prop_assert_eq!(ours.regime, Regime::Johnson { m: m as u16 });
    let alpha = alpha_ldr_m(fri.log_blowup, m);
    let query = fri::query_phase_error(alpha, fri.num_queries, fri.query_pow_bits).bits();
    let commit = fri::commit_phase_error_ldr_m(fri, instance, m).map(|e| e.bits());
    same_regime(&ours, ldr, query, commit)
}

/// Any batch, those included that have no distance, no constraints, no messages.
fn shapes() -> impl Strategy<Value = Shape> {
    let openings = (0..=24u8, 1..=2u8, 0..5000u32);
    let constraints = (0..5000u32, 1..=9u16, 0..=3u8);
    let logup = (0..1u64 << 40, 0..=40u16);
    (openings, constraints, logup).prop_map(|(openings, constraints, logup)| Shape {
        log_height: openings.0,
        max_points: openings.1,
        openings: openings.2,
        constraints: constraints.0,
        max_degree: constraints.1,
        log_quotient_chunks: constraints.2,
        messages: logup.0,
        max_message_width: logup.1,
    })
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

fn tables() -> impl Strategy<Value = TableShape> {
    let size = (0..=22u8, 1..200u32, any::<bool>(), 0..50u32, any::<bool>());
    let rest = (0..30u32, 0..=3u8, 1..400u32, 1..=9u16, 0..40u32, 0..12u16);
    (size, rest).prop_map(|(size, rest)| TableShape {
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
        let table = TableShape {
            log_height,
            messages_per_row: per_row,
            max_message_width: width,
            ..CPU
        };
        let shape = Shape::EMPTY.with_table(&table);
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
        let shape = tables.iter().fold(Shape::EMPTY, |shape, table| shape.with_table(table));
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
        let fewer = tables[1..].iter().fold(Shape::EMPTY, |shape, table| shape.with_table(table));
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
}

/// A table like the machine's CPU table.
const CPU: TableShape = TableShape {
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

fn rounded(bits: f64) -> String {
    format!("{bits:.1}")
}

#[test]
fn the_design_s_epoch_without_grinding() {
    let bits = Bits::unique(&EPOCH, &NO_GRINDING);
    agree(&EPOCH, &NO_GRINDING).unwrap();
    assert_eq!(format!("{:.3}", bits.query.bits / 203.0), "0.415");
    assert_eq!(rounded(bits.ali.bits), "114.8");
    assert_eq!(rounded(bits.deep.bits), "105.0");
    assert_eq!(rounded(bits.folding.bits), "106.0");
    assert_eq!(rounded(bits.batching.unwrap().bits), "97.4");
    assert_eq!(rounded(bits.logup.unwrap().bits), "99.2");
    assert_eq!(bits.binding().0, "query");
}

/// Queries alone never reach 100 bits: batching, then LogUp stand in the way.
#[test]
fn queries_alone_do_not_reach_the_floor() {
    let many = Params {
        num_queries: 1000,
        query_pow_bits: 16,
        ..NO_GRINDING
    };
    let bits = Bits::unique(&EPOCH, &many);
    assert_eq!(bits.binding().0, "batching");
    assert!(bits.total() < 100.0);
    let bits = Bits::unique(
        &EPOCH,
        &Params {
            batch_pow_bits: 10,
            ..many
        },
    );
    assert_eq!(bits.binding().0, "logup");
    assert!(bits.total() < 100.0);
    let bits = Bits::unique(
        &EPOCH,
        &Params {
            batch_pow_bits: 10,
            lookup_pow_bits: 8,
            ..many
        },
    );
    assert!(bits.total() >= 100.0);
}

#[test]
fn the_default_reaches_100_bits() {
    let bits = Bits::unique(&EPOCH, &Params::DEFAULT);
    agree(&EPOCH, &Params::DEFAULT).unwrap();
    assert!(bits.total() >= 100.0, "{bits:?}");
    assert_eq!(bits.binding().0, "query");
    // No query, and no bit of grinding at the sites that need it, is to spare.
    for weaker in [
        Params {
            num_queries: 202,
            ..Params::DEFAULT
        },
        Params {
            query_pow_bits: 15,
            ..Params::DEFAULT
        },
        Params {
            batch_pow_bits: 2,
            ..Params::DEFAULT
        },
        Params {
            lookup_pow_bits: 0,
            ..Params::DEFAULT
        },
    ] {
        assert!(Bits::unique(&EPOCH, &weaker).total() < 100.0, "{weaker:?}");
    }
}

#[test]
fn plonky3_s_customary_parameters_prove_57_5() {
    agree(&EPOCH, &Params::BENCHMARK).unwrap();
    let bits = Bits::unique(&EPOCH, &Params::BENCHMARK);
    assert_eq!(rounded(bits.total()), "57.5");
    assert_eq!(bits.binding().0, "query");
    // The Johnson regime proves more, but leaves a commitment several meanings.
    assert!(Bits::johnson(&EPOCH, &Params::BENCHMARK).unwrap().total() > bits.total());
}

/// The tables of docs/security.md are the module's own numbers.
#[test]
fn documented_numbers() {
    let page = include_str!("../../docs/security.md");
    let has = |row: String| assert!(page.contains(&row), "docs/security.md lacks {row}");

    let bits = Bits::unique(&EPOCH, &Params::DEFAULT);
    for (name, term) in bits.terms() {
        has(format!(
            "| {name} | {:.2} | {} | {:.2} |",
            term.bits,
            term.grinding,
            term.total()
        ));
    }
    for log_height in 6..=10 {
        let shape = Shape {
            log_height,
            messages: 25 << log_height,
            ..EPOCH
        };
        let total = |num_queries| {
            Bits::unique(
                &shape,
                &Params {
                    num_queries,
                    ..Params::DEFAULT
                },
            )
            .total()
        };
        let queries = (1..).find(|&queries| total(queries) >= 100.0).unwrap();
        has(format!(
            "| 2^{log_height} | {:.2} | {queries} |",
            total(203)
        ));
    }
    for log_proofs in [0, 6, 10, 16] {
        let many = bits.with_proofs(1 << log_proofs);
        has(format!("| {} | {:.2} |", 1 << log_proofs, many.total()));
    }
    let johnson = Bits::johnson(&EPOCH, &Params::BENCHMARK).unwrap();
    has(format!("{:.1} bits in the Johnson regime", johnson.total()));
}

/// A trace whose code has no distance left proves nothing, and grinding does not hide it.
#[test]
fn no_distance_no_bits() {
    for log_height in [0, 1] {
        let shape = Shape {
            log_height,
            ..EPOCH
        };
        agree(&shape, &Params::DEFAULT).unwrap();
        assert_eq!(Bits::unique(&shape, &Params::DEFAULT).total(), 0.0);
        assert!(Bits::johnson(&shape, &Params::DEFAULT).is_none());
    }
    let shape = Shape {
        log_height: 2,
        ..EPOCH
    };
    assert!(Bits::unique(&shape, &Params::DEFAULT).total() > 0.0);
}

/// A proof of work is worth `-log2` of the chance that a try passes it, at every site.
#[test]
fn grinding_is_worth_its_chance() {
    const P: u64 = 2_013_265_921;
    for difficulty in 0..=40u8 {
        // Elements whose low bits are zero: 0, 2^b, 2 * 2^b, ...
        let passing = (P - 1) / (1 << difficulty) + 1;
        let worth = grinding_bits(difficulty);
        assert!((worth - (P as f64 / passing as f64).log2()).abs() < 1e-12);
        // Never more than the difficulty, and less by what one more element makes of the chance.
        let less = f64::from(difficulty) - worth;
        let bound = 2f64.powi(i32::from(difficulty) - 30);
        assert!((0.0..=bound).contains(&less), "{difficulty} bits: {less}");
    }
    assert_eq!(grinding_bits(0), 0.0);
    assert_eq!(format!("{:.2}", grinding_bits(27)), "26.91");
    assert_eq!(grinding_bits(31), (P as f64).log2());
    assert_eq!(grinding_bits(u8::MAX), (P as f64).log2());

    let params = Params {
        query_pow_bits: 27,
        batch_pow_bits: 28,
        lookup_pow_bits: 29,
        commit_pow_bits: 30,
        ood_pow_bits: 30,
        ..NO_GRINDING
    };
    let (plain, ground) = (
        Bits::unique(&EPOCH, &NO_GRINDING),
        Bits::unique(&EPOCH, &params),
    );
    for ((name, plain), (_, ground)) in plain.terms().zip(ground.terms()) {
        let worth = grinding_bits(ground.grinding);
        assert_eq!(ground.total(), plain.bits + worth, "{name}");
        let credited = f64::from(ground.grinding);
        assert_eq!(worth < credited, ground.grinding > 0, "{name}");
    }
}

/// Bits that are no number are no bits, so that only the grinding counts.
#[test]
fn no_number_is_no_bits() {
    let mut bits = Bits::unique(&EPOCH, &Params::DEFAULT);
    bits.deep.bits = f64::NAN;
    let ground = grinding_bits(Params::DEFAULT.ood_pow_bits);
    assert_eq!(bits.binding().0, "deep");
    assert_eq!(bits.total(), ground);
    assert_eq!(bits.with_proofs(2).total(), ground);
}

/// The challenge field has 123 whole bits, and so has half of a digest.
#[test]
fn field_and_digest_sizes() {
    let p = 2_013_265_921f64;
    assert_eq!(FIELD_BITS, (4.0 * p.log2()).floor() as u32);
    assert_eq!(COLLISION_BITS, (8.0 * p.log2() / 2.0).floor() as u32);
}
