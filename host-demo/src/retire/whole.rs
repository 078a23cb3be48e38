//! A run as a single batch, proved and checked: the plain way, which batches are compared with.
//!
//! The tables' heights are the least that hold this run, so that no table is half empty for want of a common
//! mix of instructions.

use std::io::{Read, Write};

use tranche_backend::Chosen;
use tranche_core::prover::FillError;
use tranche_core::security::Bits;
use tranche_core::shape::Profile;
use tranche_core::verifier::{PlainConfig, VerifierAir, VerifyingKey, decode};
use tranche_core::{Hashes, Params, Prover};
use tranche_machine::batches::{
    OwnedRun, RunShape, RunTable, RunTables, Walk, WalkStorage, WholeRun, WholeTables,
};
use tranche_machine::hash::Hash;
use tranche_machine::settings::{SECURITY_FLOOR_BITS, bits, check_floor, raised};
use tranche_machine::{FilledTable, Program};

use super::error::{RetireCheck, RetireProveError};
use super::header::{Header, read_proof};
use super::prove::{Retired, cells};
use super::survey::Surveyed;
use crate::execute::Execution;
use crate::suite::{HostSuite, with_suite};
use crate::workspace::Workspace;

/// How a run is proved as a single batch; the bundle depends on hash and parameters alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WholeOptions {
    /// How much of the work stays in the workspace.
    pub profile: Profile,
    /// What the proof hashes with.
    pub hash: Hash,
    /// Parameters to start from; queries and grinding are raised where bits fall short.
    pub params: Params,
    /// Proven bits that the proof has at least.
    pub floor: f64,
}

impl Default for WholeOptions {
    fn default() -> Self {
        Self {
            profile: Profile::Fast,
            hash: Hash::default(),
            params: Params::DEFAULT,
            floor: SECURITY_FLOOR_BITS,
        }
    }
}

/// Proves the execution of `program` on `input` as a single batch, and writes the bundle to `out`.
///
/// `execution` is what [`execute`](crate::execute::execute) returned for the same program and input.
///
/// # Errors
/// [`RetireProveError`]; what was written then is no bundle.
pub fn prove_whole(
    program: &Program<'_>,
    input: &[u8],
    execution: &Execution,
    options: &WholeOptions,
    mut out: impl Write,
) -> Result<Retired, RetireProveError> {
    with_suite!(options.hash, S => prove_with::<S>(program, input, execution, options, &mut out))
}

/// One prover of each suite is compiled, whatever it writes to.
fn prove_with<S: HostSuite>(
    program: &Program<'_>,
    input: &[u8],
    execution: &Execution,
    options: &WholeOptions,
    mut out: &mut dyn Write,
) -> Result<Retired, RetireProveError>
where
    Chosen: Hashes<S>,
{
    let rom = program.rom_log2();
    // Tables without an end hold the run in one batch, and tell how many rows it has.
    let endless = RunShape::endless(rom);
    let mut run = Surveyed::with_body(program, input, execution, endless)?;
    let rows = run.found.rows;
    let body = RunShape::holding(&rows, rom).ok_or_else(|| {
        let named = FilledTable::ALL.map(|table| (rows[table.index()], table.name()));
        let (rows, table) = named.into_iter().max().unwrap_or_default();
        RetireProveError::TooTall { table, rows }
    })?;
    let memory = &run.found.memory;
    run.shape = RunShape::of(program, body, 1, memory);

    let params = {
        let tables = run.tables(options.params, S::HASH)?;
        let plan = whole(&tables)?.plan_in::<Chosen, S>(options.profile)?;
        raised(options.params, &plan.security_shape(), options.floor)
            .map_err(RetireProveError::below(options.floor))?
    };
    let tables = run.tables(params, S::HASH)?;
    let whole = whole(&tables)?;
    let plan = whole.plan_in::<Chosen, S>(options.profile)?;

    let workspace_bytes = plan.workspace_len();
    let mut workspace = Workspace::default();
    let OwnedRun { spans, memory, .. } = &run.found;
    let mut storage = WalkStorage::new(&body, memory.len());
    let walk = Walk::new(&tables, spans, memory, input, storage.buffers())?;
    let buffer = workspace.reserve(workspace_bytes)?;
    let mut prover = Prover::<Chosen, _, S>::new(&plan, whole.airs(), S::instance(), buffer)?;
    let mut proof = Vec::new();
    let proved = prover.prove(&mut WholeRun::new(&whole, walk), &mut proof);
    proved.map_err(|error| match error {
        FillError::Trace(error) => RetireProveError::Walk(error),
        FillError::Batch(error) => RetireProveError::Batch { batch: 0, error },
    })?;

    let header = run.header(None, params, S::HASH);
    let header_bytes = header.write(&mut out)?;
    out.write_all(&proof)?;
    out.flush()?;
    Ok(Retired {
        cycles: run.found.cycles,
        batches: 1,
        resumed_batches: 0,
        walks: 1,
        workers: 1,
        bundle_bytes: header_bytes + proof.len() as u64,
        workspace_bytes,
        store_bytes: 0,
        security_bits: bits(&plan).total(),
        cells: cells(&tables, &rows),
        expected_hashes: plan.expected_hashes(),
    })
}

/// The tables of a run as one batch.
fn whole<'a>(tables: &'a RunTables<'a>) -> Result<WholeTables<'a>, RetireProveError> {
    let batches = tables.bodies();
    WholeTables::new(tables).ok_or(RetireProveError::NotWhole { batches })
}

/// Checks the proof of a run in one batch, at a floor of proven bits; returns its bits.
pub(super) fn verify_whole<'a, S: HostSuite>(
    tables: &'a RunTables<'a>,
    header: &Header,
    floor: f64,
    source: impl Read,
) -> Result<Bits, RetireCheck>
where
    RunTable<'a>: VerifierAir<PlainConfig<S>>,
{
    let batches = tables.bodies();
    let whole = WholeTables::new(tables).ok_or(RetireCheck::NotWhole { batches })?;
    let plan = whole
        .plan_in::<Chosen, S>(Profile::Fast)
        .map_err(RetireCheck::Plan)?;
    let bits = bits(&plan);
    check_floor(&bits, floor).map_err(RetireCheck::below(floor))?;
    let bytes = read_proof(source, plan.max_proof_len())?;
    let heights = whole
        .specs()
        .iter()
        .map(|s| s.log_height.into())
        .collect::<Vec<_>>();
    let publics = whole.public_values(&header.spans);
    let publics: Vec<_> = publics.iter().map(|values| values.to_vec()).collect();
    let (airs, carved) = (whole.airs().to_vec(), vec![false; heights.len()]);
    let key = VerifyingKey::<_, PlainConfig<S>>::new(
        airs,
        &heights,
        tables.params(),
        S::instance().clone(),
        &carved,
    )
    .map_err(RetireCheck::Key)?;
    let proof = decode::<PlainConfig<S>>(&bytes, bytes.len()).map_err(RetireCheck::Proof)?;
    drop(bytes);
    key.verify_decoded(&proof, Some(&whole.statement()), &publics)
        .map_err(RetireCheck::Proof)?;
    Ok(bits)
}
