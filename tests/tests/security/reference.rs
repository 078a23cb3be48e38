//! The terms of `p3-security`, and what it is for ours to agree with them.

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
use tranche_core::security::{Bits, FIELD_BITS, Regime, SecurityShape, Term, grinding_bits};

/// Agreement asked of every term, in bits. The formulas are the same, the order of operations not.
const TOLERANCE: f64 = 1e-9;

/// The inputs of `p3-security` for one batch.
pub struct Reference {
    fri: FriRegime,
    air: StarkAirParams,
    pub shape: InstanceShape,
    pub grinding: GrindingSites,
    logup: Option<SecurityTerm>,
}

impl Reference {
    pub fn new(shape: &SecurityShape, params: &Params) -> Self {
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
            collision_resistance: shape.collision_bits as usize,
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

pub fn close(ours: f64, theirs: f64) -> Result<(), TestCaseError> {
    prop_assert!(
        (ours - theirs).abs() < TOLERANCE,
        "{ours} against p3-security's {theirs}"
    );
    Ok(())
}

/// The term with `p3-security`'s credit for grinding: its difficulty, whole.
pub fn whole_credit(term: Term) -> f64 {
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

pub fn agree(shape: &SecurityShape, params: &Params) -> Result<(), TestCaseError> {
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
