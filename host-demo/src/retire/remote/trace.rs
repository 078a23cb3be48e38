//! The traces of all batches, filled and not committed: what the bodies owe follows from them, and what the record of a
//! commitment has to begin with.

use tranche_core::retire::{Run, fingerprint};
use tranche_core::{F, TraceMut};
use tranche_machine::Checkpoint;
use tranche_machine::batches::{DetachError, Detached, DetachedStorage, RunTables, WalkError};

use super::super::error::RetireProveError;
use super::super::options::Options;
use super::super::survey::Surveyed;
use super::task::{Source, chain};
use super::work::WorkError;

/// Tells the traces of a batch from those of others.
pub type Fingerprint = [u32; 2];

impl Surveyed<'_> {
    /// Hands each batch of the run to `each`, in order, the closing one last: what it is made from, and the fingerprint of
    /// its traces.
    ///
    /// # Errors
    /// When the execution cannot go on, or goes otherwise than in the survey.
    pub fn sources(
        &self,
        options: &Options,
        mut each: impl FnMut(usize, Source, Fingerprint),
    ) -> Result<(), WorkError> {
        let tables = self.tables(options.params, options.hash)?;
        let mut storage = DetachedStorage::new(&tables.shape().body);
        let mut run = Detached::new(&tables, &self.found.spans, &mut storage)?;
        let (mut values, mut owed, mut failed) = (Vec::new(), Vec::new(), None);
        self.checkpoints(options, |batch, source| {
            if failed.is_some() {
                return;
            }
            match body(&mut run, batch, &source, &mut values) {
                Ok((print, debts)) => {
                    owed.resize(debts.len(), 0);
                    for (sum, debt) in owed.iter_mut().zip(debts) {
                        *sum += debt;
                    }
                    each(batch, source, print);
                }
                Err(error) => failed = Some(error),
            }
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        let batch = tables.bodies();
        let source = self.closing(owed);
        if let Source::Closing { owed, memory } = &source {
            run.close(owed, memory.iter().copied().map(chain).collect())?;
        }
        let print = filled(&mut run, &tables, batch, &mut values)?;
        each(batch, source, print);
        Ok(())
    }
}

/// The fingerprint of a body, and what it owes.
fn body<'a>(
    run: &mut Detached<'a>,
    batch: usize,
    source: &Source,
    values: &mut Vec<F>,
) -> Result<(Fingerprint, Vec<u32>), WorkError> {
    if let Source::Body(bytes) = source {
        let checkpoint = Checkpoint::decode(bytes).map_err(DetachError::from)?;
        run.execute(batch, &checkpoint)?;
    }
    let tables = run.tables();
    let print = filled(run, tables, batch, values)?;
    Ok((print, run.owed()?))
}

/// Fills the main traces of the batch at hand; returns their fingerprint.
fn filled(
    run: &mut Detached<'_>,
    tables: &RunTables<'_>,
    batch: usize,
    values: &mut Vec<F>,
) -> Result<Fingerprint, WorkError> {
    let kind = tables.kind(batch);
    let shapes = tables.airs(kind).iter().zip(tables.specs(kind));
    values.clear();
    for (table, (air, spec)) in shapes.enumerate() {
        let (start, height) = (values.len(), 1 << spec.log_height);
        values.resize(start + air.main_width() * height, F::default());
        let mut trace = TraceMut::new(&mut values[start..], height);
        let filled = run.fill(batch, table, &mut trace);
        filled.map_err(|error: WalkError| RetireProveError::from(error))?;
    }
    let publics = run.public_values(batch);
    Ok(fingerprint(
        [&values[..]]
            .into_iter()
            .chain(publics.as_ref().iter().copied()),
    ))
}
