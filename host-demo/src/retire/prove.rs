//! Proving a run as one: survey, plan, walks.

use std::io::{BufWriter, Write};
use std::mem::MaybeUninit;

use embedded_io_adapters::std::FromStd;
use tranche_backend::Chosen;
use tranche_core::retire::{Order, Retire, RetireError, Run};
use tranche_core::shape::Profile;
use tranche_core::{F, Params, Statement, TraceMut};
use tranche_machine::Program;
use tranche_machine::batches::{RunShape, RunTables, Walk, WalkError, WalkStorage, survey_on_heap};
use tranche_machine::settings::{SECURITY_FLOOR_BITS, check_floor, raised_with};
use tranche_machine::setup::POSEIDON2;

use super::error::RetireProveError;
use super::header::Header;
use super::{kinds, plans, run_plan, sequence};
use crate::execute::{Execution, Io};

/// How a run is proved as one; the bundle depends on order and length alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Which challenges the batches have.
    pub order: Order,
    /// log2 of a batch's cycles.
    pub log2_cycles: u8,
    /// How much of a batch's work stays in the workspace.
    pub profile: Profile,
    /// Parameters to start from; queries and grinding are raised where bits fall short.
    pub params: Params,
    /// Proven bits that the proof has at least.
    pub floor: f64,
}

impl Options {
    /// A run in an order, in batches of 2^`log2_cycles` cycles.
    pub const fn new(order: Order, log2_cycles: u8) -> Self {
        Self {
            order,
            log2_cycles,
            profile: Profile::Fast,
            params: Params::DEFAULT,
            floor: SECURITY_FLOOR_BITS,
        }
    }
}

/// What was proved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retired {
    /// Cycles of the run.
    pub cycles: u64,
    /// Batches, the closing one included.
    pub batches: usize,
    /// Walks over the run.
    pub walks: usize,
    /// Bytes of the bundle.
    pub bundle_bytes: u64,
    /// Bytes of the workspace.
    pub workspace_bytes: usize,
    /// Bytes of what is kept between batches.
    pub store_bytes: usize,
    /// Proven bits of the proof.
    pub security_bits: f64,
}

/// Proves the execution of `program` on `input` as one proof, and writes the bundle to `out`.
///
/// `execution` is what [`execute`](crate::execute::execute) returned for the same program and input.
/// `progress` is told the walk and the batch that is made, both from 0. What would refuse the proof is found
/// before it is begun.
///
/// # Errors
/// [`RetireProveError`]; what was written then is no bundle.
pub fn prove<W: Write>(
    program: &Program<'_>,
    input: &[u8],
    execution: &Execution,
    options: &Options,
    out: W,
    progress: impl FnMut(usize, usize),
) -> Result<Retired, RetireProveError> {
    let log2_cycles = options.log2_cycles;
    let body = RunShape::body(log2_cycles.into(), program.rom_log2());
    let body = body.ok_or(RetireProveError::Length { log2_cycles })?;
    let (memory, cycles) = (execution.memory, execution.cycles);
    let surveyed = survey_on_heap(program, &body, &mut Io::new(input), memory, cycles)?;
    let batches = surveyed.spans.len() as u32;
    let shape = RunShape::of(program, body, batches, &surveyed.memory);
    let tables = |params| {
        let Execution {
            exit_code, output, ..
        } = execution;
        RunTables::new(program, &shape, params, *exit_code, output)
    };

    let params = {
        let tables = tables(options.params)?;
        let (plans, sequence) = (plans(&tables, options.profile)?, sequence(&tables));
        let kinds = kinds(&tables, &plans);
        let plan = run_plan(options.order, &kinds, &sequence)?;
        let bits = |params: &Params| plan.bits_with(params);
        raised_with(options.params, options.floor, bits)
            .map_err(RetireProveError::below(options.floor))?
    };
    let tables = tables(params)?;
    let (plans, sequence) = (plans(&tables, options.profile)?, sequence(&tables));
    let kinds = kinds(&tables, &plans);
    let plan = run_plan(options.order, &kinds, &sequence)?;
    let bits = plan.bits();
    check_floor(&bits, options.floor).map_err(RetireProveError::below(options.floor))?;

    let (workspace_bytes, store_bytes) = (plan.workspace_len(), plan.store_len());
    let mut buffers = [Vec::<u8>::new(), Vec::new()];
    let [workspace, store] = &mut buffers;
    let mut storage = WalkStorage::new(&body, surveyed.memory.len());
    let walk = Walk::new(
        &tables,
        &surveyed.spans,
        &surveyed.memory,
        input,
        storage.buffers(),
    )?;
    let mut run = Watched {
        walk,
        walks: 0,
        progress,
    };
    let mut retire = Retire::<Chosen, _, _>::new(
        &plan,
        &POSEIDON2,
        reserve(workspace, workspace_bytes)?,
        reserve(store, store_bytes)?,
    )?;

    let mut out = BufWriter::new(out);
    let header = Header {
        order: options.order,
        body: RunShape::body_heights(&body),
        params,
        program: program.digest(),
        exit_code: execution.exit_code,
        output: execution.output.clone(),
        rest: shape.rest.clone(),
        spans: surveyed.spans.clone(),
    };
    let header_bytes = header.write(&mut out)?;
    let proof_bytes = retire.prove(&mut run, FromStd::new(&mut out));
    let proof_bytes = proof_bytes.map_err(|error| match error {
        RetireError::Trace { error, .. } => error.into(),
        RetireError::Batch { batch, error } => RetireProveError::Batch { batch, error },
        RetireError::Changed { batch } => RetireProveError::Changed { batch },
        RetireError::Sink(error) => RetireProveError::Write(error),
        _ => RetireProveError::Refused,
    })?;
    out.flush()?;
    Ok(Retired {
        cycles: surveyed.cycles,
        batches: plan.batches(),
        walks: run.walks,
        bundle_bytes: header_bytes + proof_bytes,
        workspace_bytes,
        store_bytes,
        security_bits: bits.total(),
    })
}

/// Room for `len` bytes.
fn reserve(buffer: &mut Vec<u8>, len: usize) -> Result<&mut [MaybeUninit<u8>], RetireProveError> {
    buffer.try_reserve_exact(len)?;
    Ok(&mut buffer.spare_capacity_mut()[..len])
}

/// A walk that says how far it is.
struct Watched<'a, P> {
    walk: Walk<'a>,
    walks: usize,
    progress: P,
}

impl<P: FnMut(usize, usize)> Run for Watched<'_, P> {
    type Error = WalkError;

    fn statement(&self) -> Option<Statement> {
        Run::statement(&self.walk)
    }

    fn fill_preprocessed(&self, kind: usize, table: usize, trace: &mut TraceMut<'_>) {
        Run::fill_preprocessed(&self.walk, kind, table, trace);
    }

    fn fill(
        &mut self,
        batch: usize,
        table: usize,
        trace: &mut TraceMut<'_>,
    ) -> Result<(), WalkError> {
        if table == 0 {
            self.walks += usize::from(batch == 0);
            (self.progress)(self.walks - 1, batch);
        }
        Run::fill(&mut self.walk, batch, table, trace)
    }

    fn public_values(&self, batch: usize) -> impl AsRef<[&[F]]> {
        Run::public_values(&self.walk, batch)
    }
}
