//! A merge as a batch: which tables it takes, and at which heights.
//!
//! Heights that depend on the run (how many cells a range of epochs touches, how many of a hole)
//! stand in the bundle; all others follow from the setup, the result, and the place in the tree.

use p3_field::PrimeCharacteristicRing;
use tranche_backend::Chosen;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::shape::Profile;
use tranche_core::verifier::{CarvedConfig, KeyError, VerifierAir, VerifyingKey};
use tranche_core::{F, Params, Plan, PlanError, Statement, Suite, TableSpec};
use tranche_machine::merge::statement::Claim;
use tranche_machine::merge::{
    Child, Image, MIN_LOG_ROWS, MergeTable, Node, Outcome, image_rows, inner_tables, root_tables,
    statement,
};
use tranche_machine::settings::MAX_ARITY;
use tranche_machine::setup::Setup;

use crate::suite::HostSuite;

/// Tables of a merge at most: children, image, result, a table for each hole, range checks.
const MAX_TABLES: usize = MAX_ARITY as usize + 3 + MAX_HOLES;
/// Holes of an image at most: before, between and after its intervals.
pub const MAX_HOLES: usize = tranche_machine::program::MAX_SEGMENTS + 1;
/// log2 of the most rows of a table whose height depends on the run.
pub const MAX_LOG_ROWS: u8 = 24;

/// The plan of a merge.
pub type MergePlan<S = Poseidon2> = Plan<MAX_TABLES, S>;
/// The verifying key of a merge.
pub type MergeKey<'a, S = Poseidon2> = VerifyingKey<MergeTable<'a>, CarvedConfig<S>>;

/// The tables of a merge.
#[derive(Clone, Debug)]
pub struct MergeTables<'a> {
    /// AIRs, in batch order.
    pub airs: Vec<MergeTable<'a>>,
    /// What a plan wants to know of each.
    pub specs: Vec<TableSpec>,
    /// Public values of each.
    pub publics: Vec<Vec<F>>,
}

/// A child of a merge with log2 of the rows of its table.
pub type SizedChild = (Child, u8);

pub use tranche_machine::merge::log_rows;

/// log2 of the rows of an empty table in place of a child.
pub const fn empty_log_rows(setup: &Setup<'_>, level: u32) -> u8 {
    if level == 1 {
        setup.shape.l2g as u8
    } else {
        MIN_LOG_ROWS
    }
}

/// log2 of the most rows that the parent of a merge, or a table of untouched memory, can need.
///
/// A parent has a row for each cell that a child has touched; so has the table of a hole, and two
/// that bridge wide gaps, and one after the last.
pub fn max_log_rows(node: &Node, children: &[SizedChild]) -> u8 {
    let touched = children.iter().take(node.children as usize);
    let touched: usize = touched.map(|(_, log_rows)| 1 << log_rows).sum();
    let others = if node.root { 3 } else { 0 };
    log_rows(touched + others).min(MAX_LOG_ROWS)
}

/// The image table of a program.
pub fn image<'a>(setup: &Setup<'a>) -> Image<'a> {
    let log_height = log_rows(image_rows(setup.program));
    Image::new(setup.program, log_height).expect("a table of as many rows as the image")
}

/// The result table of a claim; `None` for more output than any run can have.
pub fn outcome(exit_code: u32, output: &[u8]) -> Option<Outcome<'_>> {
    Outcome::new(exit_code, output, Outcome::log_height_for(output.len())).ok()
}

impl<'a> MergeTables<'a> {
    /// A merge below the root, which commits a parent table of 2^`parent_log` rows.
    pub fn inner(node: &Node, children: &[SizedChild], parent_log: u8) -> Self {
        let airs = inner_tables(node.level == 1, children.len()).collect();
        Self::build(airs, node, children, &[parent_log], &[])
    }

    /// The root merge, with log2 of the rows of the table of each hole.
    pub fn root(
        node: &Node,
        children: &[SizedChild],
        image: Image<'a>,
        outcome: Outcome<'a>,
        hole_logs: &[u8],
    ) -> Self {
        let airs = root_tables(node.level == 1, children.len(), image, outcome).collect();
        let holes: Vec<_> = image.holes().collect();
        Self::build(airs, node, children, hole_logs, &holes)
    }

    /// `varying` are the heights of the parent or of the rest tables, in order.
    fn build(
        airs: Vec<MergeTable<'a>>,
        node: &Node,
        children: &[SizedChild],
        varying: &[u8],
        holes: &[(u32, u32)],
    ) -> Self {
        let (mut varying, mut holes) = (varying.iter(), holes.iter());
        let mut children = children.iter();
        let (specs, publics) = airs
            .iter()
            .map(|air| {
                let mut log = || *varying.next().expect("a height for each table");
                let (log_height, publics) = match air {
                    MergeTable::L2g | MergeTable::Child => {
                        let (child, log) = children.next().expect("a child for each table");
                        let leaf = matches!(air, MergeTable::L2g);
                        (*log, if leaf { vec![child.epoch()] } else { vec![] })
                    }
                    MergeTable::Parent => (log(), vec![node.first_epoch]),
                    MergeTable::Rest => {
                        let &(first, end) = holes.next().expect("a hole for each table");
                        (log(), vec![first, end])
                    }
                    _ => (
                        air.fixed_log_height().expect("preprocessed columns"),
                        vec![],
                    ),
                };
                let publics = publics.into_iter().map(F::from_u32).collect();
                (air.spec(log_height), publics)
            })
            .unzip();
        Self {
            airs,
            specs,
            publics,
        }
    }

    /// log2 of the rows of each.
    pub fn log_heights(&self) -> Vec<usize> {
        self.specs.iter().map(|s| s.log_height.into()).collect()
    }

    /// The plan of the merge in the fast profile: what a verifier reads is the same in either.
    ///
    /// # Errors
    /// When the core refuses it.
    pub fn plan<S: Suite>(&self, params: &Params) -> Result<MergePlan<S>, PlanError> {
        self.plan_in(params, Profile::Fast)
    }

    /// The plan of the merge in a profile.
    ///
    /// # Errors
    /// When the core refuses it.
    pub fn plan_in<S: Suite>(
        &self,
        params: &Params,
        profile: Profile,
    ) -> Result<MergePlan<S>, PlanError> {
        Plan::of_suite::<Chosen, _>(&self.airs, &self.specs, *params, profile)
    }

    /// The verifying key of the merge.
    ///
    /// # Errors
    /// When Plonky3 cannot verify such a plan.
    pub fn key<S: HostSuite>(&self, params: &Params) -> Result<MergeKey<'a, S>, KeyError>
    where
        MergeTable<'a>: VerifierAir<CarvedConfig<S>>,
    {
        let carved: Vec<bool> = self.specs.iter().map(|s| s.carved).collect();
        VerifyingKey::new(
            self.airs.clone(),
            &self.log_heights(),
            *params,
            S::instance().clone(),
            &carved,
        )
    }
}

/// The statement of a merge; `result` is the claimed result of a root.
pub fn merge_statement(setup: &Setup<'_>, node: &Node, result: Option<&Outcome<'_>>) -> Statement {
    let claim = result
        .map(|result| Claim {
            public: setup.program.public().digest(),
            result: statement::result_digest(result.exit_code(), result.output()),
        })
        .unwrap_or_default();
    statement::merge(&setup.program_digest, &setup.plan_digest, node, &claim)
}
