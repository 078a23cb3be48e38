//! One machine epoch as any prover and any verifier takes it: its key, and its whole batch.

use p3_field::PrimeCharacteristicRing;
use p3_matrix::dense::RowMajorMatrix;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::verifier::{CarvedConfig, KeyError, VerifierAir, VerifyError, VerifyingKey};
use tranche_core::{F, Statement, TableSpec, TraceMut};
use tranche_machine::epoch::{EpochTables, Span};
use tranche_machine::settings::Settings;
use tranche_machine::setup::Setup;
use tranche_machine::{EpochRecord, EpochTable, ExecError, Machine, Pages, Program, RecordStorage};

use crate::execute::{Io, MAX_MEMORY};
use crate::suite::HostSuite;

/// Something for each of the heights that a run's epochs may have.
#[derive(Clone, Debug)]
pub struct PerShape<T> {
    /// Of the first.
    pub first: T,
    /// Of the others, in order.
    pub others: Vec<T>,
}

/// Which of a run's heights: 0 are the first.
pub type ShapeIndex = usize;

impl<'a> PerShape<EpochTables<'a>> {
    /// The tables of a setup's epochs.
    pub fn of(setup: &Setup<'a>) -> Self {
        let others = setup.other_shapes();
        Self {
            first: EpochTables::new(setup),
            others: others
                .map(|shape| EpochTables::of_shape(setup, shape))
                .collect(),
        }
    }

    /// The heights that a recorded epoch is proved at.
    pub fn holding(&self, record: &EpochRecord<'_>) -> ShapeIndex {
        let mut others = self.others.iter();
        let fits = others.position(|tables| record.fits(tables.shape(), tables.setup().program));
        fits.map_or(0, |other| other + 1)
    }

    /// The heights that a proof has, which `check` compares with those it is given.
    ///
    /// # Errors
    /// What `check` says of the first, when none are the proof's.
    pub fn of_proof(
        &self,
        check: impl Fn(&[usize]) -> Result<(), VerifyError>,
    ) -> Result<ShapeIndex, VerifyError> {
        let has = |tables: &EpochTables<'_>| check(&log_heights(tables));
        match self.others.iter().position(|tables| has(tables).is_ok()) {
            Some(other) => Ok(other + 1),
            None => has(&self.first).map(|()| 0),
        }
    }
}

impl<T> PerShape<T> {
    /// That of these heights, or of the first, where there are none such.
    pub fn at(&self, index: ShapeIndex) -> &T {
        let other = index.checked_sub(1).and_then(|at| self.others.get(at));
        other.unwrap_or(&self.first)
    }

    /// The same, to be changed.
    pub fn at_mut(&mut self, index: ShapeIndex) -> &mut T {
        let other = index.checked_sub(1).and_then(|at| self.others.get_mut(at));
        other.unwrap_or(&mut self.first)
    }

    /// All, in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        core::iter::once(&self.first).chain(&self.others)
    }

    /// What `each` makes of all.
    pub fn map<'t, U>(&'t self, mut each: impl FnMut(&'t T) -> U) -> PerShape<U> {
        PerShape {
            first: each(&self.first),
            others: self.others.iter().map(each).collect(),
        }
    }

    /// What `each` makes of all.
    ///
    /// # Errors
    /// The first that it returns.
    pub fn try_map<'t, U, E>(
        &'t self,
        mut each: impl FnMut(&'t T) -> Result<U, E>,
    ) -> Result<PerShape<U>, E> {
        Ok(PerShape {
            first: each(&self.first)?,
            others: self.others.iter().map(each).collect::<Result<_, E>>()?,
        })
    }
}

/// The verifying key of an epoch.
pub type EpochKey<'a, S = Poseidon2> = VerifyingKey<EpochTable<'a>, CarvedConfig<S>>;

/// The verifying key of epochs of these tables.
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
    let mut machine = Machine::over(program, Pages::new(MAX_MEMORY), u64::MAX);
    let mut storage = RecordStorage::new(setup.shape);
    let mut record = storage.record();
    let mut io = Io::new(input);
    for _ in 0..number {
        machine.run_epoch(&mut io, &mut record)?;
    }
    let all = PerShape::of(&setup);
    let tables = all.at(all.holding(&record));
    record.divide(tables.shape());
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
        publics: public_values(tables, number, &Span::of(&record)),
        airs: tables.airs.to_vec(),
        specs: tables.specs.to_vec(),
        statement: setup.epoch_statement(number),
        settings,
    })
}
