//! Proofs from elsewhere, each against what it has to say. Whoever executes the run knows the rows of every table that
//! is merged, hence the roots: a proof of another execution is refused where it is made, and not in a merge above it.
//! The rows are bytes, so that proofs can be judged where nothing is executed.

use p3_field::PrimeCharacteristicRing;
use p3_matrix::dense::RowMajorMatrix;
use tranche_backend::Chosen;
use tranche_core::shape::Profile;
use tranche_core::verifier::{
    BatchProof, CarvedConfig, Root, VerifierAir, check_heights, decode, table_root,
};
use tranche_core::{F, Hashes, ScalarBackend, TraceMut};
use tranche_machine::merge::{Chain, Child, MergeTable, Outcome, RangeCounts, fill_parent};
use tranche_machine::setup::Setup;
use tranche_machine::{EpochTable, EpochTables, FilledTable, RecordStorage};

use super::super::collect::Merge;
use super::error::{TaskError, WorkError};
use super::place::Place;
use super::task::{EpochClaim, MergeTask};
use crate::epoch::{EpochKey, PerShape, epoch_key, public_values};
use crate::merge::{MergeKey, MergeTables, merge_statement};
use crate::suite::{HostSuite, with_suite};
use crate::verify::{Check, max_proof_len};

/// What a proof has to say, in the bytes of whoever planned its task and is trusted.
#[derive(Clone, Copy, Debug)]
pub enum Claim<'a> {
    /// Of an epoch: where it begins and ends, and the rows of its L2G table.
    Epoch(&'a [u8]),
    /// Of a merge, whose task says it.
    Merge(&'a [u8]),
}

/// Checks the proofs of a run.
pub trait Judge {
    /// Whether the proof in a place of the tree says what it has to say.
    ///
    /// # Errors
    /// [`WorkError`] when nothing can be said of any proof: the claim is none of the run, or of another place.
    fn check(
        &mut self,
        place: Place,
        claim: Claim<'_>,
        proof: &[u8],
    ) -> Result<Result<(), Check>, WorkError>;
}

/// The judge of a run.
///
/// # Errors
/// When the run has no plan.
pub fn judge<'a>(setup: &Setup<'a>) -> Result<Box<dyn Judge + 'a>, Check> {
    with_suite!(setup.settings.hash, S => Ok(Box::new(Bench::<S>::new(*setup)?)))
}

/// The key of a merge below the root: the next one is often alike.
struct KnownMerge<'a, S: HostSuite> {
    leaves: bool,
    log_heights: Vec<usize>,
    key: MergeKey<'a, S>,
}

struct Bench<'a, S: HostSuite> {
    setup: Setup<'a>,
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
    fn check(
        &mut self,
        place: Place,
        claim: Claim<'_>,
        proof: &[u8],
    ) -> Result<Result<(), Check>, WorkError> {
        match claim {
            Claim::Epoch(bytes) => {
                let claim = EpochClaim::decode(&self.setup, bytes)?;
                if claim.number.checked_sub(1) != Some(place.index) || place.level > 0 {
                    return Err(TaskError::OtherPlace.into());
                }
                let trace = claim.trace(&self.tables.first, &mut self.storage)?;
                Ok(self.epoch(&claim, trace, proof))
            }
            Claim::Merge(bytes) => {
                let task = MergeTask::decode(&self.setup, bytes)?;
                if task.place() != place {
                    return Err(TaskError::OtherPlace.into());
                }
                let merge = task.merge(&self.tables.first, &mut self.storage)?;
                Ok(self.merge(&merge, task.result()?, proof))
            }
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
    fn new(setup: Setup<'a>) -> Result<Self, Check> {
        let tables = PerShape::of(&setup);
        let lens = tables.try_map(|tables| {
            let plan = tables.plan_in::<Chosen, S>(Profile::Fast);
            Ok::<_, Check>(max_proof_len(&plan.map_err(Check::Plan)?))
        })?;
        let keys = tables.try_map(|tables| epoch_key::<S>(tables).map_err(Check::Key))?;
        Ok(Self {
            setup,
            max_epoch_len: lens.iter().copied().fold(0, usize::max),
            keys,
            tables,
            known: None,
            storage: RecordStorage::new(setup.shape),
        })
    }

    fn epoch(&mut self, claim: &EpochClaim, trace: Vec<F>, proof: &[u8]) -> Result<(), Check> {
        let proof = decode::<CarvedConfig<S>>(proof, self.max_epoch_len)?;
        let shape = self.tables.of_proof(|logs| check_heights(&proof, logs))?;
        let number = claim.number;
        let publics = public_values(self.tables.at(shape), number, &claim.span());
        let statement = self.setup.epoch_statement(number);
        let key = self.keys.at(shape);
        key.verify_decoded(&proof, Some(&statement), &publics)?;
        let child = Child::Epoch(number);
        let roots = key.carved_roots(&proof);
        let root = self.leaf_root(trace);
        if roots.into_iter().map(Some).ne([root]) {
            return Err(Check::ChildRoot { child });
        }
        Ok(())
    }

    fn merge(&mut self, merge: &Merge, result: Outcome<'_>, proof: &[u8]) -> Result<(), Check> {
        let got = if merge.node.root {
            let tables = merge.tables(&self.setup, result);
            let proof = self.decoded(&tables, proof)?;
            let key = self.key(&tables)?;
            self.verified(&key, &tables, merge, Some(&result), &proof)?
        } else {
            let tables = MergeTables::inner(
                &merge.node,
                &merge.sized,
                merge.varying_logs(&self.setup)[0],
            );
            let proof = self.decoded(&tables, proof)?;
            let (on_leaves, log_heights) = (merge.node.level == 1, tables.log_heights());
            let alike = |known: &KnownMerge<'_, S>| {
                known.leaves == on_leaves && known.log_heights == log_heights
            };
            let known = match self.known.take().filter(alike) {
                Some(known) => known,
                None => KnownMerge {
                    leaves: on_leaves,
                    key: self.key(&tables)?,
                    log_heights,
                },
            };
            let verified = self.verified(&known.key, &tables, merge, None, &proof);
            self.known = Some(known);
            verified?
        };
        self.check_roots(merge, &got)
    }

    fn decoded(
        &self,
        tables: &MergeTables<'_>,
        proof: &[u8],
    ) -> Result<BatchProof<CarvedConfig<S>>, Check> {
        let plan = tables.plan::<S>(&self.setup.settings.params);
        let limit = max_proof_len(&plan.map_err(Check::Plan)?);
        let proof = decode::<CarvedConfig<S>>(proof, limit)?;
        check_heights(&proof, &tables.log_heights())?;
        Ok(proof)
    }

    fn key<'m>(&self, tables: &MergeTables<'m>) -> Result<MergeKey<'m, S>, Check> {
        let key = tables.key::<S>(&self.setup.settings.params);
        key.map_err(Check::Key)
    }

    /// The roots of the tables that a proof of a merge has in common with others, if it is one.
    fn verified(
        &self,
        key: &MergeKey<'_, S>,
        tables: &MergeTables<'_>,
        merge: &Merge,
        result: Option<&Outcome<'_>>,
        proof: &BatchProof<CarvedConfig<S>>,
    ) -> Result<Vec<Option<Root<S>>>, Check> {
        let statement = merge_statement(&self.setup, &merge.node, result);
        key.verify_decoded(proof, Some(&statement), &tables.publics)?;
        Ok(key.carved_roots(proof).into_iter().map(Some).collect())
    }

    /// Refuses a merge whose proof has tables in common with others than those it should.
    fn check_roots(&self, merge: &Merge, got: &[Option<Root<S>>]) -> Result<(), Check> {
        let node = &merge.node;
        let mut roots = Vec::new();
        let mut children = merge.children.iter();
        for &(child, log_rows) in &merge.sized {
            let root = match (child, children.next()) {
                (Child::Epoch(_), Some(pending)) => self.leaf_root(pending.trace.clone()),
                (Child::Merge { .. }, Some(pending)) => {
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

    /// The root of an epoch's L2G table, given column by column.
    fn leaf_root(&self, trace: Vec<F>) -> Option<Root<S>> {
        let table = &self.tables.first.airs[FilledTable::L2g.index()];
        self.committed(table.main_width(), trace)
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
