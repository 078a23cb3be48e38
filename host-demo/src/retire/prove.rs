//! Proving a run as one: survey, plan, walks.

use std::io::{BufWriter, Write};
use std::mem::MaybeUninit;

use embedded_io_adapters::std::FromStd;
use tranche_backend::Chosen;
use tranche_core::retire::{Kept, Order, Retire, RetireError, Run};
use tranche_core::shape::Profile;
use tranche_core::{F, Params, Statement, TraceMut};
use tranche_machine::Program;
use tranche_machine::batches::{RunShape, Walk, WalkError, WalkStorage};
use tranche_machine::settings::{SECURITY_FLOOR_BITS, check_floor};
use tranche_machine::setup::POSEIDON2;

use super::error::RetireProveError;
use super::header::Header;
use super::survey::Surveyed;
use super::{kinds, plans, run_plan, sequence};
use crate::execute::Execution;

/// How a run is proved as one; the bundle depends on order and length alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Which challenges the batches have.
    pub order: Order,
    /// log2 of a batch's cycles.
    pub log2_cycles: u8,
    /// How much of a batch's work stays in the workspace.
    pub profile: Profile,
    /// What trees keep between walks.
    pub kept: Kept,
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
            kept: Kept::Upper,
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
    let surveyed = Surveyed::new(program, input, execution, options.log2_cycles)?;
    let options = surveyed.secure(options)?;
    surveyed.prove(&options, out, progress)
}

impl Surveyed<'_> {
    /// As [`prove()`], without another execution to learn its batches; the options' parameters are taken as
    /// they are, their length is the survey's.
    ///
    /// # Errors
    /// [`RetireProveError`]; what was written then is no bundle.
    pub fn prove<W: Write>(
        &self,
        options: &Options,
        out: W,
        progress: impl FnMut(usize, usize),
    ) -> Result<Retired, RetireProveError> {
        let Self {
            program,
            input,
            execution,
            found,
            shape,
        } = self;
        let tables = self.tables(options.params)?;
        let (plans, sequence) = (plans(&tables, options.profile)?, sequence(&tables));
        let kinds = kinds(&tables, &plans);
        let plan = run_plan(options.order, options.kept, &kinds, &sequence)?;
        let bits = plan.bits();
        check_floor(&bits, options.floor).map_err(RetireProveError::below(options.floor))?;

        let (workspace_bytes, store_bytes) = (plan.workspace_len(), plan.store_len());
        let mut buffers = [Vec::<u8>::new(), Vec::new()];
        let [workspace, store] = &mut buffers;
        let mut storage = WalkStorage::new(&shape.body, found.memory.len());
        let walk = Walk::new(
            &tables,
            &found.spans,
            &found.memory,
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
            body: RunShape::body_heights(&shape.body),
            params: options.params,
            program: program.digest(),
            exit_code: execution.exit_code,
            output: execution.output.clone(),
            rest: shape.rest.clone(),
            spans: found.spans.clone(),
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
            cycles: found.cycles,
            batches: plan.batches(),
            walks: run.walks,
            bundle_bytes: header_bytes + proof_bytes,
            workspace_bytes,
            store_bytes,
            security_bits: bits.total(),
        })
    }
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
