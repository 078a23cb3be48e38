//! One machine epoch as a batch: tables, heights, public values, preprocessed columns, traces.

use p3_field::{PrimeCharacteristicRing, PrimeField32};
use p3_matrix::dense::RowMajorMatrix;
use tranche_core::plan::Profile;
use tranche_core::verifier::{CarvedConfig, KeyError, VerifyingKey};
use tranche_core::{F, Plan, PlanError, Statement, TableSpec, TraceMut};
use tranche_machine::bus::{CLOCK_START, STAMPS};
use tranche_machine::tables::NUM_TABLES;
use tranche_machine::tables::rom::HALT;
use tranche_machine::{Cell, EpochRecord, EpochTable, ExecError, Machine, Program, RecordStorage};

use crate::backend::Backend;
use crate::execute::Io;
use crate::settings::Settings;
use crate::setup::{POSEIDON2, Setup};

/// The plan of an epoch.
pub type EpochPlan = Plan<NUM_TABLES>;
/// The verifying key of an epoch.
pub type EpochKey<'a> = VerifyingKey<EpochTable<'a>, CarvedConfig>;

/// The tables of every epoch of a run.
#[derive(Clone, Debug)]
pub struct EpochTables<'a> {
    setup: Setup<'a>,
    /// AIRs, in batch order.
    pub airs: [EpochTable<'a>; NUM_TABLES],
    /// What a plan wants to know of each.
    pub specs: [TableSpec; NUM_TABLES],
}

/// What the proof of an epoch says of it, besides its number: program counters are word indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Program counter of the first cycle.
    pub entry: u32,
    /// Program counter after the last cycle; [`HALT`] after exit.
    pub exit: u32,
    /// Cycles.
    pub cycles: u32,
}

impl Span {
    /// The span of a recorded epoch.
    pub fn of(record: &EpochRecord<'_>) -> Self {
        let [entry, exit, _] = record.public_values().map(|value| value.as_canonical_u32());
        Self {
            entry,
            exit,
            cycles: record.cycles(),
        }
    }

    /// Whether the program has exited.
    pub const fn is_last(&self) -> bool {
        self.exit == HALT
    }
}

impl<'a> EpochTables<'a> {
    /// The tables of a setup's epochs.
    pub fn new(setup: &Setup<'a>) -> Self {
        let airs = EpochTable::all(setup.shape, setup.program);
        let specs = airs.map(|air| TableSpec {
            main_next: !air.main_next().is_empty(),
            preprocessed_next: !air.preprocessed_next().is_empty(),
            carved: matches!(air, EpochTable::L2g),
            ..TableSpec::new(air.log_height(setup.shape) as u8)
        });
        Self {
            setup: *setup,
            airs,
            specs,
        }
    }

    /// The plan of an epoch in the fast profile: what a verifier reads is the same in either.
    ///
    /// # Errors
    /// When the core refuses it.
    pub fn plan(&self) -> Result<EpochPlan, PlanError> {
        self.plan_in(Profile::Fast)
    }

    /// The plan of an epoch in a profile.
    ///
    /// # Errors
    /// When the core refuses it.
    pub fn plan_in(&self, profile: Profile) -> Result<EpochPlan, PlanError> {
        let params = self.setup.settings.params;
        Plan::with_profile::<Backend, _>(&self.airs, &self.specs, params, profile)
    }

    /// The verifying key of an epoch.
    ///
    /// # Errors
    /// When Plonky3 cannot verify such a plan.
    pub fn key(&self) -> Result<EpochKey<'a>, KeyError> {
        let log_heights = self.specs.map(|spec| spec.log_height.into());
        let carved = self.specs.map(|spec| spec.carved);
        let params = self.setup.settings.params;
        VerifyingKey::new(
            self.airs.to_vec(),
            &log_heights,
            params,
            POSEIDON2.clone(),
            &carved,
        )
    }

    /// The public values of each table, for an epoch of this number and span.
    pub fn public_values(&self, number: u32, span: &Span) -> [Vec<F>; NUM_TABLES] {
        self.airs.map(|air| match air {
            EpochTable::Cpu(_) => {
                let clock = CLOCK_START + STAMPS * span.cycles;
                [span.entry, span.exit, clock].map(F::from_u32).to_vec()
            }
            EpochTable::L2g => vec![F::from_u32(number)],
            _ => vec![],
        })
    }
}

/// One epoch with everything that decides the bytes of its proof.
#[derive(Clone, Debug)]
pub struct EpochBatch<'a> {
    /// AIRs, in batch order.
    pub airs: [EpochTable<'a>; NUM_TABLES],
    /// What a plan wants to know of each.
    pub specs: [TableSpec; NUM_TABLES],
    /// Main traces, rows in natural order.
    pub traces: Vec<RowMajorMatrix<F>>,
    /// Public values of each table.
    pub publics: [Vec<F>; NUM_TABLES],
    /// What seeds the transcript.
    pub statement: Statement,
    /// The settings of the run.
    pub settings: Settings,
}

/// Epoch `number` (from 1) of `program` on `input`, as a batch for any prover.
///
/// # Errors
/// [`ExecError`]; [`ExecError::Exited`] when the run has fewer epochs.
///
/// # Panics
/// When the settings are out of range, or the run touches more than 2^20 cells.
pub fn epoch_batch<'a>(
    program: &'a Program<'a>,
    input: &[u8],
    settings: Settings,
    number: u32,
) -> Result<EpochBatch<'a>, ExecError> {
    let setup = Setup::new(program, settings).expect("settings within their caps");
    let tables = EpochTables::new(&setup);
    let mut cells = vec![Cell::FREE; 1 << 21];
    let mut machine = Machine::new(program, &mut cells, u64::MAX);
    let mut storage = RecordStorage::new(setup.shape);
    let mut record = storage.record();
    let mut io = Io::new(input);
    for _ in 0..number {
        machine.run_epoch(&mut io, &mut record)?;
    }
    let traces = tables.airs.iter().zip(&tables.specs).map(|(air, spec)| {
        let height = 1 << spec.log_height;
        let mut values = vec![F::ZERO; air.main_width() * height];
        air.fill(
            program,
            &mut record,
            &mut TraceMut::new(&mut values, height),
        );
        RowMajorMatrix::new(values, height).transpose()
    });
    Ok(EpochBatch {
        airs: tables.airs,
        specs: tables.specs,
        traces: traces.collect(),
        publics: tables.public_values(number, &Span::of(&record)),
        statement: setup.epoch_statement(number),
        settings,
    })
}
