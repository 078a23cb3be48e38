//! A run cut into batches, before it is proved: what its walks are over, its parameters, and the exact bytes
//! that they take.

use tranche_backend::Chosen;
use tranche_core::Params;
use tranche_core::retire::Order;
use tranche_machine::batches::{BODY, OwnedRun, RunShape, RunTables, SurveyError, survey_on_heap};
use tranche_machine::hash::Hash;
use tranche_machine::settings::raised_with;
use tranche_machine::{EpochShape, FilledTable, Program};

use super::error::RetireProveError;
use super::header::Header;
use super::options::Options;
use super::{kinds, plans, run_plan, sequence};
use crate::execute::{Execution, Io};
use crate::files::partial::Binding;
use crate::mix::{Mix, Sizing, Widths};
use crate::suite::{HostSuite, with_suite};

/// An execution cut into batches of one length. [`Surveyed::prove`] proves it.
#[derive(Clone, Debug)]
pub struct Surveyed<'a> {
    pub(super) program: &'a Program<'a>,
    pub(super) input: &'a [u8],
    pub(super) execution: &'a Execution,
    /// Where the batches lead, and the memory that they leave.
    pub(super) found: OwnedRun,
    /// Heights and number of the batches.
    pub(super) shape: RunShape,
}

/// Bytes that the walks of a run take, exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunBytes {
    /// Of all workspaces that batches are made in.
    pub workspace: usize,
    /// Of what is kept between batches.
    pub store: usize,
}

impl RunBytes {
    /// All of them.
    pub const fn total(&self) -> u64 {
        (self.workspace as u64).saturating_add(self.store as u64)
    }
}

impl<'a> Surveyed<'a> {
    /// Executes `program` on `input` once more, and cuts it into batches of 2^`log2_cycles` cycles at most;
    /// `execution` is what it came to before.
    ///
    /// # Errors
    /// When no batch has that length, or the execution cannot go on.
    pub fn new(
        program: &'a Program<'a>,
        input: &'a [u8],
        execution: &'a Execution,
        log2_cycles: u8,
    ) -> Result<Self, RetireProveError> {
        let body = RunShape::body(log2_cycles.into(), program);
        let body = body.ok_or(RetireProveError::Length { log2_cycles })?;
        Self::with_body(program, input, execution, body)
    }

    /// [`Self::new`] with the length and the heights that the options ask for.
    ///
    /// # Errors
    /// As [`Self::new`], and when the core refuses the plan of a batch of common heights.
    pub fn cut(
        program: &'a Program<'a>,
        input: &'a [u8],
        execution: &'a Execution,
        options: &Options,
    ) -> Result<Self, RetireProveError> {
        let common = Self::new(program, input, execution, options.log2_cycles)?;
        match options.sizing {
            Sizing::Common => Ok(common),
            Sizing::Metered => common.metered(options),
        }
    }

    /// The same run in batches of tables of the heights of its own [mix](Mix).
    fn metered(&self, options: &Options) -> Result<Self, RetireProveError> {
        let one = Self {
            shape: RunShape {
                batches: 1,
                ..self.shape.clone()
            },
            ..self.clone()
        };
        let (body, log2_cycles) = (self.shape.body, self.shape.body.cpu as u8);
        let filled = body.tables().map(|(table, _)| table);
        let filled = filled.filter(|&table| table != FilledTable::L2g);
        let tables = one.tables(options.params, options.hash)?;
        let widths = with_suite!(options.hash, S => {
            Widths::of(filled, tables.plan_in::<Chosen, S>(BODY, options.profile)?.tables())
        });
        let mix = Mix::of(self.program, self.input, self.execution, log2_cycles)
            .map_err(SurveyError::from)?;
        let metered = EpochShape {
            l2g: 0,
            ..EpochShape::of_heights(&mix.heights(&widths), body.rom)
        };
        Self::with_body(self.program, self.input, self.execution, metered)
    }

    /// The same with batches of tables of any heights.
    ///
    /// # Errors
    /// When the execution cannot go on.
    pub fn with_body(
        program: &'a Program<'a>,
        input: &'a [u8],
        execution: &'a Execution,
        body: EpochShape,
    ) -> Result<Self, RetireProveError> {
        let (memory, cycles) = (execution.memory, execution.cycles);
        let found = survey_on_heap(program, &body, &mut Io::new(input), memory, cycles)?;
        let batches = found.spans.len() as u32;
        let shape = RunShape::of(program, body, batches, &found.memory);
        Ok(Self {
            program,
            input,
            execution,
            found,
            shape,
        })
    }

    /// The tables of its batches.
    pub(super) fn tables(
        &self,
        params: Params,
        hash: Hash,
    ) -> Result<RunTables<'_>, RetireProveError> {
        let Execution {
            exit_code, output, ..
        } = self.execution;
        let tables = RunTables::new(self.program, &self.shape, params, hash, *exit_code, output);
        Ok(tables?)
    }

    /// The options with as many more queries, and as much more grinding, as it takes for the run to reach
    /// their floor.
    ///
    /// # Errors
    /// When neither helps, or the run cannot be planned.
    pub fn secure(&self, options: &Options) -> Result<Options, RetireProveError> {
        with_suite!(options.hash, S => self.secure_with::<S>(options))
    }

    fn secure_with<S: HostSuite>(&self, options: &Options) -> Result<Options, RetireProveError> {
        let tables = self.tables(options.params, S::HASH)?;
        let plans = plans::<S>(&tables, options.profile)?;
        let sequence = sequence(&tables);
        let kinds = kinds(&tables, &plans);
        let plan = run_plan(options.order, options.keep, &kinds, &sequence)?;
        let bits = |params: &Params| plan.bits_with(params);
        let params = raised_with(options.params, options.floor, bits)
            .map_err(RetireProveError::below(options.floor))?;
        Ok(Options { params, ..*options })
    }

    /// The bytes that its walks take with these options.
    ///
    /// # Errors
    /// When the run cannot be planned.
    pub fn bytes(&self, options: &Options) -> Result<RunBytes, RetireProveError> {
        with_suite!(options.hash, S => self.bytes_with::<S>(options))
    }

    fn bytes_with<S: HostSuite>(&self, options: &Options) -> Result<RunBytes, RetireProveError> {
        let tables = self.tables(options.params, S::HASH)?;
        let plans = plans::<S>(&tables, options.profile)?;
        let sequence = sequence(&tables);
        let kinds = kinds(&tables, &plans);
        let plan = run_plan(options.order, options.keep, &kinds, &sequence)?;
        Ok(RunBytes {
            workspace: options.workers_for(&plan) * plan.workspace_len(),
            store: plan.store_len(),
        })
    }

    /// What stands before its proof in a bundle, in an order or as a single batch.
    pub fn header(&self, order: Option<Order>, params: Params, hash: Hash) -> Header {
        Header {
            order,
            hash,
            body: RunShape::body_heights(&self.shape.body),
            params,
            blocks: self.program.blocks(),
            program: self.program.digest(),
            public: self.program.public().digest(),
            exit_code: self.execution.exit_code,
            output: self.execution.output.clone(),
            rest: self.shape.rest.clone(),
            spans: self.found.spans.clone(),
        }
    }

    /// What the partial file of this run is bound to: all that decides the bundle's bytes, and what else decides
    /// the store's.
    pub fn binding(&self, options: &Options) -> Binding {
        let Options { profile, keep, .. } = options;
        let store = format!("{profile:?} {keep:?} {}", tranche_backend::NAME);
        let header = self.header(Some(options.order), options.params, options.hash);
        let options = [b"retire", &header.to_bytes()[..], store.as_bytes()].concat();
        Binding::new(self.program.digest(), self.input, &options)
    }
}
