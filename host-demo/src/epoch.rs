//! One machine epoch as any prover and any verifier takes it: its key, and its whole batch.

use p3_field::PrimeCharacteristicRing;
use p3_matrix::dense::RowMajorMatrix;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::verifier::{CarvedConfig, KeyError, VerifierAir, VerifyingKey};
use tranche_core::{F, Statement, TableSpec, TraceMut};
use tranche_machine::epoch::{EpochTables, Span};
use tranche_machine::settings::Settings;
use tranche_machine::setup::Setup;
use tranche_machine::{EpochTable, ExecError, Machine, Pages, Program, RecordStorage};

use crate::execute::{Io, MAX_MEMORY};
use crate::suite::HostSuite;

/// The verifying key of an epoch.
pub type EpochKey<'a, S = Poseidon2> = VerifyingKey<EpochTable<'a>, CarvedConfig<S>>;

/// The verifying key of the epochs of a setup.
///
/// # Errors
/// When Plonky3 cannot verify such a plan.
pub fn epoch_key<'a, S: HostSuite>(tables: &EpochTables<'a>) -> Result<EpochKey<'a, S>, KeyError>
where
    EpochTable<'a>: VerifierAir<CarvedConfig<S>>,
{
    let carved: Vec<_> = tables.specs.iter().map(|spec| spec.carved).collect();
    VerifyingKey::new(
        tables.airs.to_vec(),
        &log_heights(tables),
        tables.setup().settings.params,
        S::instance().clone(),
        &carved,
    )
}

/// log2 of the rows of each table.
pub fn log_heights(tables: &EpochTables<'_>) -> Vec<usize> {
    let specs = tables.specs.iter();
    specs.map(|spec| spec.log_height.into()).collect()
}

/// The public values of each table, for an epoch of this number and span.
pub fn public_values(tables: &EpochTables<'_>, number: u32, span: &Span) -> Vec<Vec<F>> {
    let values = tables.public_values(number, span);
    values.iter().map(|values| values.to_vec()).collect()
}

/// One epoch with everything that decides the bytes of its proof.
#[derive(Clone, Debug)]
pub struct EpochBatch<'a> {
    /// AIRs, in batch order.
    pub airs: Vec<EpochTable<'a>>,
    /// What a plan wants to know of each.
    pub specs: Vec<TableSpec>,
    /// Main traces, rows in natural order.
    pub traces: Vec<RowMajorMatrix<F>>,
    /// Public values of each table.
    pub publics: Vec<Vec<F>>,
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
/// When the settings are out of range.
pub fn epoch_batch<'a>(
    program: &'a Program<'a>,
    input: &[u8],
    settings: Settings,
    number: u32,
) -> Result<EpochBatch<'a>, ExecError> {
    let setup = Setup::new(program, settings).expect("settings within their caps");
    let tables = EpochTables::new(&setup);
    let mut machine = Machine::over(program, Pages::new(MAX_MEMORY), u64::MAX);
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
    let traces = traces.collect();
    Ok(EpochBatch {
        traces,
        publics: public_values(&tables, number, &Span::of(&record)),
        airs: tables.airs.to_vec(),
        specs: tables.specs.to_vec(),
        statement: setup.epoch_statement(number),
        settings,
    })
}
