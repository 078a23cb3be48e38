//! Verifying a run that is one proof.
//!
//! Tables, heights and number of the batches come from the header's integers, program and claim; that the
//! batches are one execution, from their spans; the rest is the proof's.

use std::io::Read;

use embedded_io_adapters::std::FromStd;
use tranche_core::retire::{Keep, Order};
use tranche_core::security::Bits;
use tranche_core::shape::Profile;
use tranche_core::verifier::{
    CarvedConfig, ForkedKey, ForkedKeyError, PlainConfig, VerifierAir, VerifyingKey, decode,
};
use tranche_core::{F, Identity};
use tranche_machine::Program;
use tranche_machine::batches::{BODY, CLOSING, RunTable, RunTables};
use tranche_machine::bus::{CLOCK_START, STAMPS};
use tranche_machine::hash::Hash;
use tranche_machine::settings::check_floor;

use super::error::RetireCheck;
use super::header::{Header, read_proof};
use super::whole::verify_whole;
use super::{kinds, plans, run_plan, sequence};
use crate::suite::{HostSuite, with_suite};

/// What a bundle that is one proof proves.
#[derive(Clone, Debug, PartialEq)]
pub struct ProvenExecution {
    /// Digest of the program.
    pub program_digest: Identity,
    /// Which challenges the batches have; `None` for a run in a single batch.
    pub order: Option<Order>,
    /// What the proof hashes with.
    pub hash: Hash,
    /// log2 of a batch's cycles.
    pub log2_cycles: u8,
    /// Batches, the closing one included; one for a run in a single batch.
    pub batches: usize,
    /// Cycles of the run.
    pub cycles: u64,
    /// The guest's exit code.
    pub exit_code: u32,
    /// The guest's output.
    pub output: Vec<u8>,
    /// Proven bits of the proof.
    pub security_bits: f64,
}

/// Verifies a run of `program` and its [public input](Program::with_public) from what follows a bundle's [`MAGIC`](super::header::MAGIC), at a floor of
/// proven bits.
///
/// # Errors
/// [`RetireCheck`].
pub fn verify(
    program: &Program<'_>,
    mut source: impl Read,
    floor: f64,
) -> Result<ProvenExecution, RetireCheck> {
    verify_from(program, &mut source, floor)
}

/// One verifier of each suite is compiled, whatever it reads from.
fn verify_from(
    program: &Program<'_>,
    mut source: &mut dyn Read,
    floor: f64,
) -> Result<ProvenExecution, RetireCheck> {
    let header = Header::read(&mut source)?;
    let (expected, got) = (program.digest(), header.program);
    if got != expected {
        return Err(RetireCheck::Program { expected, got });
    }
    let (public, got) = (program.public().digest(), header.public);
    if got != public {
        let expected = public;
        return Err(RetireCheck::Public { expected, got });
    }
    let program = &program.with_blocks(header.blocks);
    let cycles = header.spans.last().map_or(0, |span| {
        u64::from(span.end().saturating_sub(CLOCK_START) / STAMPS)
    });
    let (limit, bytes) = (cycles.saturating_mul(4), header.output.len() as u64);
    if bytes > limit {
        return Err(RetireCheck::Output { limit, bytes });
    }
    let shape = header.shape(program);
    let body = shape.body;
    let tables = RunTables::new(
        program,
        &shape,
        header.params,
        header.hash,
        header.exit_code,
        &header.output,
    )
    .map_err(RetireCheck::Run)?;
    tables
        .check_spans(&header.spans)
        .map_err(RetireCheck::Spans)?;

    let bits = with_suite!(header.hash, S => match header.order {
        None => verify_whole::<S>(&tables, &header, floor, source)?,
        Some(order) => in_batches::<S>(&tables, &header, order, floor, source)?,
    });
    Ok(ProvenExecution {
        program_digest: expected,
        order: header.order,
        hash: header.hash,
        log2_cycles: body.cpu as u8,
        batches: header.order.map_or(1, |_| tables.batches()),
        cycles,
        exit_code: header.exit_code,
        security_bits: bits.total(),
        output: header.output.clone(),
    })
}

/// Checks the proof of a run in batches; returns its bits.
fn in_batches<'a, S: HostSuite>(
    tables: &'a RunTables<'a>,
    header: &Header,
    order: Order,
    floor: f64,
    source: impl Read,
) -> Result<Bits, RetireCheck>
where
    RunTable<'a>: VerifierAir<CarvedConfig<S>> + VerifierAir<PlainConfig<S>>,
{
    let plans = plans::<S>(tables, Profile::Fast).map_err(RetireCheck::Plan)?;
    let (sequence, kinds) = (sequence(tables), kinds(tables, &plans));
    let plan = run_plan(order, Keep::default(), &kinds, &sequence).map_err(RetireCheck::RunPlan)?;
    let bits = plan.bits();
    check_floor(&bits, floor).map_err(RetireCheck::below(floor))?;
    match order {
        Order::Forked => forked::<S>(tables, header, source)?,
        Order::Shared => {
            let lens = sequence.iter().map(|&kind| {
                let plan = &plans[usize::from(kind)];
                plan.max_proof_len()
            });
            let limit = lens.fold(0, u64::saturating_add);
            shared::<S>(tables, header, limit, source)?;
        }
    }
    Ok(bits)
}

/// The public values of a batch, table by table.
fn public_values(tables: &RunTables<'_>, header: &Header, batch: usize) -> Vec<Vec<F>> {
    let values = tables.public_values(&header.spans, batch);
    values.iter().map(|values| values.to_vec()).collect()
}

/// Checks a proof in forked order, as a stream.
fn forked<'a, S: HostSuite>(
    tables: &'a RunTables<'a>,
    header: &Header,
    source: impl Read,
) -> Result<(), RetireCheck>
where
    RunTable<'a>: VerifierAir<PlainConfig<S>>,
{
    let key = forked_key::<S>(tables).map_err(RetireCheck::ForkedKey)?;
    let (sequence, publics) = forked_batches(tables, header);
    let statement = tables.statement();
    key.verify(FromStd::new(source), Some(&statement), &sequence, &publics)
        .map_err(RetireCheck::Forked)
}

/// The key of a run in forked order.
pub(super) fn forked_key<'a, S: HostSuite>(
    tables: &RunTables<'a>,
) -> Result<ForkedKey<RunTable<'a>, S>, ForkedKeyError>
where
    RunTable<'a>: VerifierAir<PlainConfig<S>>,
{
    let kinds = [BODY, CLOSING].map(|kind| {
        let heights = tables.specs(kind).iter();
        let heights = heights.map(|spec| spec.log_height.into()).collect();
        (tables.airs(kind).to_vec(), heights)
    });
    ForkedKey::new(kinds.into(), tables.params(), S::instance().clone())
}

/// The kind of each batch of a run, and the public values of each.
pub(super) fn forked_batches(
    tables: &RunTables<'_>,
    header: &Header,
) -> (Vec<usize>, Vec<Vec<Vec<F>>>) {
    let batches = 0..tables.batches();
    let sequence = batches.clone().map(|batch| tables.kind(batch)).collect();
    let publics = batches.map(|batch| public_values(tables, header, batch));
    (sequence, publics.collect())
}

/// Checks a proof in shared order, of at most `limit` bytes.
fn shared<'a, S: HostSuite>(
    tables: &'a RunTables<'a>,
    header: &Header,
    limit: u64,
    source: impl Read,
) -> Result<(), RetireCheck>
where
    RunTable<'a>: VerifierAir<CarvedConfig<S>>,
{
    let bytes = read_proof(source, limit)?;
    let proof = decode::<CarvedConfig<S>>(&bytes, bytes.len()).map_err(RetireCheck::Proof)?;
    drop(bytes);
    let (mut airs, mut heights, mut lengths, mut publics) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for batch in 0..tables.batches() {
        let kind = tables.kind(batch);
        airs.extend_from_slice(tables.airs(kind));
        heights.extend(tables.specs(kind).iter().map(|s| usize::from(s.log_height)));
        lengths.push(tables.airs(kind).len());
        publics.extend(public_values(tables, header, batch));
    }
    let key = VerifyingKey::<_, CarvedConfig<S>>::of_run(
        airs,
        &heights,
        tables.params(),
        S::instance().clone(),
        &lengths,
    )
    .map_err(RetireCheck::Key)?;
    let statement = tables.statement();
    key.verify_decoded(&proof, Some(&statement), &publics)
        .map_err(RetireCheck::Proof)
}
