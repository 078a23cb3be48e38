//! Proofs from elsewhere, each against what it has to say. Whoever executes the run knows the rows of every table that
//! is merged, hence the roots: a proof of another execution is refused where it is made, and not in a merge above it.

use p3_field::PrimeCharacteristicRing;
use p3_matrix::dense::RowMajorMatrix;
use tranche_backend::Chosen;
use tranche_core::shape::Profile;
use tranche_core::verifier::{CarvedConfig, Root, VerifierAir, check_heights, decode, table_root};
use tranche_core::{F, Hashes, ScalarBackend, TraceMut};
use tranche_machine::merge::{Chain, Child, MergeTable, Outcome, RangeCounts, fill_parent};
use tranche_machine::setup::Setup;
use tranche_machine::{EpochTable, EpochTables, FilledTable, RecordStorage, Span};

use super::super::collect::Merge;
use super::super::worker::l2g_trace;
use super::plan::{Claim, Expected, Rows};
use crate::epoch::{EpochKey, PerShape, epoch_key, public_values};
use crate::execute::Execution;
use crate::merge::{MergeKey, merge_statement, outcome};
use crate::suite::{HostSuite, with_suite};
use crate::verify::{Check, max_proof_len};

/// Checks the proofs of a run.
pub trait Judge {
    /// Checks a proof against what it has to say.
    ///
    /// # Errors
    /// [`Check`], which says what is wrong with it.
    fn check(&mut self, expected: &Expected, proof: &[u8]) -> Result<(), Check>;
}

/// The judge of a run, of which `execution` is what it came to.
///
/// # Errors
/// When the run has no plan.
pub fn judge<'a>(
    setup: &Setup<'a>,
    execution: &'a Execution,
) -> Result<Box<dyn Judge + 'a>, Check> {
    let bytes = execution.output.len();
    let result = outcome(execution.exit_code, &execution.output).ok_or(Check::Output { bytes })?;
    with_suite!(setup.settings.hash, S => Ok(Box::new(Bench::<S>::new(*setup, result)?)))
}

/// The key of a merge below the root: the next one is often alike.
struct KnownMerge<'a, S: HostSuite> {
    leaves: bool,
    log_heights: Vec<usize>,
    key: MergeKey<'a, S>,
}

struct Bench<'a, S: HostSuite> {
    setup: Setup<'a>,
    result: Outcome<'a>,
    tables: PerShape<EpochTables<'a>>,
    max_epoch_len: usize,
    keys: PerShape<EpochKey<'a, S>>,
    known: Option<KnownMerge<'a, S>>,
    /// Where the L2G tables of epochs are filled from.
    storage: RecordStorage,
}

impl<S: HostSuite> Judge for Bench<'_, S>
where
    for<'e> EpochTable<'e>: VerifierAir<CarvedConfig<S>>,
    for<'m> MergeTable<'m>: VerifierAir<CarvedConfig<S>>,
    ScalarBackend: Hashes<S>,
    Chosen: Hashes<S>,
{
    fn check(&mut self, expected: &Expected, proof: &[u8]) -> Result<(), Check> {
        match &expected.0 {
            Claim::Epoch { number, span, rows } => self.epoch(*number, span, rows, proof),
            Claim::Merge { merge, leaves } => self.merge(merge, leaves, proof),
        }
    }
}

impl<'a, S: HostSuite> Bench<'a, S>
where
    EpochTable<'a>: VerifierAir<CarvedConfig<S>>,
    for<'m> MergeTable<'m>: VerifierAir<CarvedConfig<S>>,
    ScalarBackend: Hashes<S>,
    Chosen: Hashes<S>,
{
    fn new(setup: Setup<'a>, result: Outcome<'a>) -> Result<Self, Check> {
        let tables = PerShape::of(&setup);
        let lens = tables.try_map(|tables| {
            let plan = tables.plan_in::<Chosen, S>(Profile::Fast);
            Ok::<_, Check>(max_proof_len(&plan.map_err(Check::Plan)?))
        })?;
        let keys = tables.try_map(|tables| epoch_key::<S>(tables).map_err(Check::Key))?;
        Ok(Self {
            setup,
            result,
            max_epoch_len: lens.iter().copied().fold(0, usize::max),
            keys,
            tables,
            known: None,
            storage: RecordStorage::new(setup.shape),
        })
    }

    fn epoch(&mut self, number: u32, span: &Span, rows: &Rows, proof: &[u8]) -> Result<(), Check> {
        let proof = decode::<CarvedConfig<S>>(proof, self.max_epoch_len)?;
        let shape = self.tables.of_proof(|logs| check_heights(&proof, logs))?;
        let publics = public_values(self.tables.at(shape), number, span);
        let statement = self.setup.epoch_statement(number);
        let key = self.keys.at(shape);
        key.verify_decoded(&proof, Some(&statement), &publics)?;
        let child = Child::Epoch(number);
        let roots = key.carved_roots(&proof);
        let root = self.leaf_root(number, rows);
        if roots.into_iter().map(Some).ne([root]) {
            return Err(Check::ChildRoot { child });
        }
        Ok(())
    }

    fn merge(&mut self, merge: &Merge, leaves: &[Rows], proof: &[u8]) -> Result<(), Check> {
        let (node, params) = (&merge.node, self.setup.settings.params);
        let tables = merge.tables(&self.setup, self.result);
        let plan = tables.plan::<S>(&params).map_err(Check::Plan)?;
        let proof = decode::<CarvedConfig<S>>(proof, max_proof_len(&plan))?;
        check_heights(&proof, &tables.log_heights())?;
        let (on_leaves, log_heights) = (node.level == 1, tables.log_heights());
        let alike = |known: &KnownMerge<'_, S>| {
            known.leaves == on_leaves && known.log_heights == log_heights && !node.root
        };
        let known = match self.known.take().filter(alike) {
            Some(known) => known,
            None => KnownMerge {
                leaves: on_leaves,
                key: tables.key::<S>(&params).map_err(Check::Key)?,
                log_heights,
            },
        };
        let result = node.root.then_some(&self.result);
        let statement = merge_statement(&self.setup, node, result);
        let checked = known
            .key
            .verify_decoded(&proof, Some(&statement), &tables.publics);
        let got = known.key.carved_roots(&proof).into_iter().map(Some);
        let got: Vec<_> = got.collect();
        if !node.root {
            self.known = Some(known);
        }
        checked?;
        let mut roots = Vec::new();
        let mut children = merge
            .children
            .iter()
            .zip(leaves.iter().map(Some).chain([None].into_iter().cycle()));
        for &(child, log_rows) in &merge.sized {
            let root = match (child, children.next()) {
                (Child::Epoch(number), Some((_, Some(rows)))) => self.leaf_root(number, rows),
                (Child::Merge { .. }, Some((pending, _))) => {
                    self.parent_root(pending.first_epoch, &pending.rows, pending.log_rows)
                }
                _ => {
                    let table = match node.level {
                        1 => MergeTable::L2g,
                        _ => MergeTable::Child,
                    };
                    self.root(table.main_width(), log_rows, |_| ())
                }
            };
            if got.get(roots.len()) != Some(&root) {
                return Err(Check::ChildRoot { child });
            }
            roots.push(root);
        }
        if !node.root {
            let log_rows = merge.varying_logs(&self.setup)[0];
            roots.push(self.parent_root(node.first_epoch, &merge.rows, log_rows));
        }
        let (level, index) = (node.level, node.index);
        if got != roots {
            let child = Child::Merge { level, index };
            return Err(Check::ChildRoot { child });
        }
        Ok(())
    }

    /// The root of an epoch's L2G table.
    fn leaf_root(&mut self, number: u32, rows: &Rows) -> Option<Root<S>> {
        let mut record = self.storage.record();
        record.relist(number, rows);
        let tables = &self.tables.first;
        let width = tables.airs[FilledTable::L2g.index()].main_width();
        let columns = l2g_trace(tables, &mut record).unwrap_or_default();
        self.committed(width, columns)
    }

    /// The root of a parent table.
    fn parent_root(&self, first_epoch: u32, rows: &[Chain], log_rows: u8) -> Option<Root<S>> {
        self.root(MergeTable::Parent.main_width(), log_rows, |trace| {
            // Its rows chain: they were composed before they were asked for.
            let _ = fill_parent(trace, first_epoch, rows, &mut RangeCounts::new());
        })
    }

    /// The root of a table of zeros that `fill` writes to.
    fn root(
        &self,
        width: usize,
        log_rows: u8,
        fill: impl FnOnce(&mut TraceMut<'_>),
    ) -> Option<Root<S>> {
        let mut columns = vec![F::ZERO; width << log_rows];
        fill(&mut TraceMut::new(&mut columns, 1 << log_rows));
        self.committed(width, columns)
    }

    /// The root of a table, given column by column.
    fn committed(&self, width: usize, columns: Vec<F>) -> Option<Root<S>> {
        let height = columns.len() / width;
        let rows = RowMajorMatrix::new(columns, height).transpose();
        table_root(&self.setup.settings.params, S::instance(), rows)
    }
}
