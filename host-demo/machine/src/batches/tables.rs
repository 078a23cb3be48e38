//! The tables of a run's batches, with all that a plan and a verifier want to know of them.

use heapless::Vec;
use p3_field::{PrimeCharacteristicRing, PrimeField32};
use thiserror::Error;
use tranche_core::air::{Buses, LayoutError, ProverAir, TableLayout};
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::shape::Profile;
use tranche_core::{Backend, F, Identity, Params, Plan, PlanError, Statement, Suite, TableSpec};

use super::ends::{ImageEnds, RestEnds, ResultEnds};
use super::shape::{BODY_TABLES, MAX_BODY_TABLES, MAX_RESTS, RunShape};
use super::spans::{SpanError, check_spans};
use super::table::RunTable;
use crate::blocks::RomBlocks;
use crate::hash::Hash;
use crate::merge::statement::Claim;
use crate::merge::{Image, MergeError, Outcome, holes, statement};
use crate::program::Program;
use crate::setup::MACHINE_VERSION;
use crate::shape::EpochShape;
use crate::span::BatchSpan;
use crate::tables::EpochTable;
use crate::tables::cpu::RunCpu;
use crate::tables::list::ASKED;

/// The kind of the batches that an execution fills.
pub const BODY: usize = 0;
/// The kind of the last batch.
pub const CLOSING: usize = 1;

/// Image and result stand before the holes' tables.
pub(super) const FIRST_REST: usize = 2;
/// Tables of the closing batch at most.
pub(super) const MAX_CLOSING_TABLES: usize = FIRST_REST + MAX_RESTS + ASKED;
/// Tables of a batch at most, of either kind.
pub const MAX_TABLES: usize = MAX_CLOSING_TABLES;
const _: () = assert!(MAX_BODY_TABLES <= MAX_TABLES);

/// Integers of a run's plan at most: the clock's bits, those of the tables of both kinds, the ROM's blocks.
const MAX_INTEGERS: usize = 1 + EpochShape::MAX_LEN + MAX_CLOSING_TABLES + RomBlocks::WORDS;

/// The plan of a kind of batch.
pub type KindPlan<S = Poseidon2> = Plan<MAX_TABLES, S>;

/// Why a run cannot be proved in one proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RunError {
    /// No body batch.
    #[error("a run has at least one batch")]
    NoBatches,
    /// Not one height for each hole of the image.
    #[error("{got} heights for the {expected} holes of the image")]
    Holes {
        /// Holes.
        expected: usize,
        /// Heights.
        got: usize,
    },
    /// The tables of image or result are too low.
    #[error(transparent)]
    Ends(#[from] MergeError),
    /// A table cannot be laid out.
    #[error("{table}: {error}")]
    Layout {
        /// The table's name.
        table: &'static str,
        /// The reason.
        error: LayoutError,
    },
    /// Messages times heights, padding included, reach the field's characteristic: a multiplicity could
    /// wrap. It bounds the length of a run that is one proof.
    #[error(
        "the run's multiplicities may sum to {sum}, {limit} at most: too long for one proof; prove it in \
         epochs"
    )]
    Multiplicities {
        /// Sum of weight times height over all tables of all batches.
        sum: u64,
        /// The most that it may be.
        limit: u64,
    },
}

/// The tables of a run's two kinds of batch.
#[derive(Clone, Debug)]
pub struct RunTables<'a> {
    program: &'a Program<'a>,
    shape: RunShape,
    params: Params,
    hash: Hash,
    claim: Claim,
    airs: [Vec<RunTable<'a>, MAX_TABLES>; 2],
    specs: [Vec<TableSpec, MAX_TABLES>; 2],
    /// First cell and end of each hole.
    holes: Vec<(u32, u32), MAX_RESTS>,
    /// The same as public values.
    bounds: Vec<[F; 2], MAX_RESTS>,
}

impl<'a> RunTables<'a> {
    /// The tables of a run of `program` that exits with `exit_code` after `output`.
    ///
    /// # Errors
    /// [`RunError`]; of a run that is too long for one proof [`RunError::Multiplicities`].
    pub fn new(
        program: &'a Program<'a>,
        shape: &RunShape,
        params: Params,
        hash: Hash,
        exit_code: u32,
        output: &'a [u8],
    ) -> Result<Self, RunError> {
        let holes: Vec<_, MAX_RESTS> = holes(program.intervals()).take(MAX_RESTS).collect();
        if shape.batches == 0 {
            return Err(RunError::NoBatches);
        }
        if holes.len() != shape.rest.len() {
            return Err(RunError::Holes {
                expected: holes.len(),
                got: shape.rest.len(),
            });
        }
        let image = Image::new(program, RunShape::image_log_height(program))?;
        let result_height = Outcome::log_height_for(output.len());
        let result = Outcome::new(exit_code, output, result_height)?;

        let all = EpochTable::all(shape.body, program);
        let (filled, asked) = all.split_at(all.len() - ASKED);
        let of_body = |table: &EpochTable<'a>| match table {
            EpochTable::L2g(..) => None,
            EpochTable::Cpu(..) => Some(RunTable::Cpu(RunCpu(shape.body.clock))),
            table => Some(RunTable::Epoch(*table)),
        };
        let height = |table: &EpochTable<'_>| table.log_height(shape.body) as u8;
        let heights = filled
            .iter()
            .filter(|table| of_body(table).is_some())
            .map(height);
        let body = filled.iter().filter_map(of_body).zip(heights);

        let closing = [
            (RunTable::Image(ImageEnds(image)), image.log_height()),
            (RunTable::Result(ResultEnds(result)), result.log_height()),
        ];
        let rests = shape
            .rest
            .iter()
            .map(|&log| (RunTable::Rest(RestEnds), log));
        let asked = asked
            .iter()
            .map(|table| (RunTable::Epoch(*table), height(table)));
        let closing = closing.into_iter().chain(rests).chain(asked);

        let tables = [body.collect(), closing.collect()];
        let airs = tables.each_ref().map(airs);
        let specs = tables.each_ref().map(specs);
        let bounds = holes
            .iter()
            .map(|&(first, end)| [first, end].map(F::from_u32))
            .collect();
        let tables = Self {
            program,
            shape: shape.clone(),
            params,
            hash,
            claim: Claim {
                public: program.public().digest(),
                result: statement::result_digest(exit_code, output),
            },
            airs,
            specs,
            holes,
            bounds,
        };
        let (sum, limit) = (tables.multiplicities()?, u64::from(F::ORDER_U32) - 1);
        if sum > limit {
            return Err(RunError::Multiplicities { sum, limit });
        }
        Ok(tables)
    }

    /// The program.
    pub const fn program(&self) -> &'a Program<'a> {
        self.program
    }

    /// Heights and number of the batches.
    pub const fn shape(&self) -> &RunShape {
        &self.shape
    }

    /// Parameters of the proof.
    pub const fn params(&self) -> Params {
        self.params
    }

    /// Number of body batches.
    pub const fn bodies(&self) -> usize {
        self.shape.batches as usize
    }

    /// Number of batches: the bodies, then the closing one.
    pub const fn batches(&self) -> usize {
        self.bodies() + 1
    }

    /// The kind of a batch: [`BODY`] or [`CLOSING`].
    pub const fn kind(&self, batch: usize) -> usize {
        if batch < self.bodies() { BODY } else { CLOSING }
    }

    /// The AIRs of a kind of batch; none of another kind.
    pub fn airs(&self, kind: usize) -> &[RunTable<'a>] {
        self.airs.get(kind).map_or(&[], Vec::as_slice)
    }

    /// What a plan wants to know of each table of a kind of batch.
    pub fn specs(&self, kind: usize) -> &[TableSpec] {
        self.specs.get(kind).map_or(&[], Vec::as_slice)
    }

    /// The plan of a kind of batch in a profile, for a backend.
    ///
    /// # Errors
    /// When the core refuses it.
    pub fn plan_in<B: Backend, S: Suite>(
        &self,
        kind: usize,
        profile: Profile,
    ) -> Result<KindPlan<S>, PlanError>
    where
        RunTable<'a>: ProverAir<B>,
    {
        let (airs, specs) = (self.airs(kind), self.specs(kind));
        Plan::of_suite::<B, _>(airs, specs, self.params, profile)
    }

    /// First cell and end of each hole of the image, in the order of their tables.
    pub fn holes(&self) -> &[(u32, u32)] {
        &self.holes
    }

    /// The public values of each table of a batch, of a run whose bodies have these spans; a span that is
    /// missing has none.
    pub fn public_values<'s>(
        &'s self,
        spans: &'s [BatchSpan],
        batch: usize,
    ) -> Vec<&'s [F], MAX_TABLES> {
        let mut bounds = self.bounds.iter();
        let of = |table: &RunTable<'_>| match table {
            RunTable::Cpu(_) => spans.get(batch).map(|span| &span.public_values()[..]),
            RunTable::Rest(_) => bounds.next().map(|bounds| &bounds[..]),
            _ => None,
        };
        let airs = self.airs(self.kind(batch)).iter();
        airs.map(of).map(Option::unwrap_or_default).collect()
    }

    /// What a verifier of the proof cannot know: [`check_spans`] for this run.
    ///
    /// # Errors
    /// As [`check_spans`].
    pub fn check_spans(&self, spans: &[BatchSpan]) -> Result<(), SpanError> {
        check_spans(
            self.program,
            self.shape.body.clock,
            self.shape.batches,
            spans,
        )
    }

    /// Sum of weight times height over all tables of all batches: what Plonky3 keeps below the field's
    /// order, so that no multiplicity wraps.
    ///
    /// # Errors
    /// When a table cannot be laid out.
    pub fn multiplicities(&self) -> Result<u64, RunError> {
        let mut sum = 0_u64;
        for (kind, times) in [(BODY, u64::from(self.shape.batches)), (CLOSING, 1)] {
            for (air, spec) in self.airs(kind).iter().zip(self.specs(kind)) {
                let layout = TableLayout::new(air, &mut Buses::default(), 0);
                let layout = layout.map_err(|error| {
                    let table = air.name();
                    RunError::Layout { table, error }
                })?;
                let rows = 1_u64
                    .checked_shl(spec.log_height.into())
                    .unwrap_or(u64::MAX);
                let weight = layout.weight_per_row.saturating_mul(rows);
                sum = sum.saturating_add(weight.saturating_mul(times));
            }
        }
        Ok(sum)
    }

    /// What the proof is about: program, plan, number of batches, public input, result.
    pub fn statement(&self) -> Statement {
        let program = self.program.digest();
        statement::run(
            &program,
            &self.plan_digest(),
            self.shape.batches,
            &self.claim,
        )
    }

    /// What the proof of a [whole run](super::WholeTables) is about: program, plan, public input, result.
    pub(super) fn whole_statement(&self) -> Statement {
        let program = self.program.digest();
        statement::whole(&program, &self.plan_digest(), &self.claim)
    }

    /// The digest of everything that decides the batches: machine, hash suite, clock, heights, parameters.
    pub fn plan_digest(&self) -> Identity {
        let mut integers = Vec::<u32, MAX_INTEGERS>::new();
        let body = self.specs(BODY).iter().take(BODY_TABLES);
        let specs = body.chain(self.specs(CLOSING));
        let heights = specs.map(|spec| spec.log_height.into());
        let all = core::iter::once(self.shape.body.clock.bits()).chain(heights);
        let all = all.chain(self.shape.body.extensions());
        let all = all.chain(self.program.blocks().words());
        integers.extend(all.take(MAX_INTEGERS));
        statement::plan_digest(MACHINE_VERSION, self.hash, &integers, &self.params)
    }
}

/// Tables with their heights.
type Sized<'a> = Vec<(RunTable<'a>, u8), MAX_TABLES>;

fn airs<'a>(tables: &Sized<'a>) -> Vec<RunTable<'a>, MAX_TABLES> {
    tables.iter().map(|(air, _)| *air).collect()
}

fn specs(tables: &Sized<'_>) -> Vec<TableSpec, MAX_TABLES> {
    tables
        .iter()
        .map(|(air, log_height)| air.spec(*log_height))
        .collect()
}
