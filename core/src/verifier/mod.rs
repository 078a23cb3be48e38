//! Plonky3's verifier behind this crate's plans. Allocates.
//!
//! A [`VerifyingKey`] is made once per plan and checks any number of proofs. It reads a proof's
//! bytes, compares its heights and the lengths of its commitments with the plan's, and calls the unmodified
//! `p3_batch_stark::verify_batch`; it is not a verifier of its own. A [`ForkedKey`] is one: it checks runs of many
//! batches in the forked order, which Plonky3 does not have, with Plonky3's pieces (`docs/retire.md`).
//!
//! **Panics.** Tables are trusted, proofs are not: no bytes make [`VerifyingKey::verify`] panic.
//! What Plonky3 would answer with an assertion, or with work that a proof chooses, is refused first:
//!
//! | a malformed proof or plan | where Plonky3 would stop | refused here as |
//! |---|---|---|
//! | lengths that claim gigabytes | memory while decoding | [`VerifyError::TooLong`] |
//! | more and emptier vectors than a proof has | memory while decoding | [`VerifyError::TooLarge`] |
//! | a cap that is no tree layer, a field element at or above p | (its decoder refuses both) | [`VerifyError::Encoding`] |
//! | a cap or a list of roots of another length | (nowhere: see `caps.rs`) | [`VerifyError::Cap`], [`VerifyError::RootCount`] |
//! | heights other than the plan's | `split_domains`, shifts, work per claimed row | [`VerifyError::Height`] |
//! | grinding of 31 bits or more, blowup or arity 0 | `sample_bits`, `fold_schedule` | [`KeyError::Parameter`] |
//! | an extension above the field's two-adicity | `two_adic_generator` | [`KeyError::TooTall`] |
//! | preprocessed columns of another height | `from_airs_and_degrees` | [`KeyError::PreprocessedHeight`] |
//! | public values bound by position | `verify_batch` | [`KeyError::BoundaryPublicValues`] |
//! | a group without root, Merkle proof or row | slices in [`SplitMmcs`] | [`SplitError`] |
//!
//! Every other length of a proof (tables, openings, chunks, terminals, queries, siblings, rounds,
//! final polynomial) is compared by Plonky3 itself before it is indexed. AIRs that contradict
//! themselves (one bus with messages of two widths) do panic, when the key is made.

mod caps;
mod config;
mod decode;
mod error;
mod retire;
mod split_mmcs;
mod suite;
mod table_root;
mod tables;

use alloc::string::ToString;
use alloc::vec::Vec;
use core::borrow::Borrow;

use p3_air::BaseAir;
pub use p3_batch_stark::BatchProof;
use p3_batch_stark::ProverData;

pub use config::{CarvedConfig, Carves, Configuration, Configured, PlainConfig};
pub use decode::decode;
pub use error::{CommitmentName, KeyError, VerifyError};
pub use retire::{Argued, ForkedError, ForkedKey, ForkedKeyError, Part, Site};
#[doc(hidden)]
pub use retire::{Join, Joined};
pub use split_mmcs::{Carving, Roots, SplitError, SplitMmcs};
pub use suite::{Challenger, Compress, Hash, Permutation, Plonky3Suite, Root, Tree, permutation};
pub use table_root::table_root;
pub use tables::VerifierAir;

use caps::{Caps, CommittedTable};
use tables::{check_params, check_tables, committed_tables};

use crate::{D, F, Params, Statement};

/// Bytes that a proof of any plan may have at most.
pub const MAX_PROOF_BYTES: usize = 1 << 26;

/// What a verifier keeps of a plan: its tables and the commitment to their preprocessed columns.
pub struct VerifyingKey<A, C: Configuration> {
    airs: Vec<A>,
    log_heights: Vec<usize>,
    params: Params,
    suite: C::Suite,
    carving: Carving,
    caps: Caps,
    common: C::Common,
}

impl<A: VerifierAir<C>, C: Configuration> VerifyingKey<A, C> {
    /// The key of the plan that has these tables, in this order.
    ///
    /// `log_heights` are base-2 logarithms of the tables' heights. `carved` has one flag per table
    /// and matters under [`CarvedConfig`] only. Preprocessed columns are committed here.
    ///
    /// # Errors
    /// When the plan lies outside what Plonky3 can verify; see [`KeyError`].
    ///
    /// # Panics
    /// When an AIR contradicts itself, as in a bus with messages of two widths.
    pub fn new(
        airs: Vec<A>,
        log_heights: &[usize],
        params: Params,
        suite: C::Suite,
        carved: &[bool],
    ) -> Result<Self, KeyError> {
        let widths = airs.iter().map(BaseAir::<F>::width).collect();
        let carving = Carving::new(widths, carved);
        Self::with_carving(airs, log_heights, params, suite, |_| carving)
    }

    /// [`Self::new`] with what is carved decided by the tables.
    fn with_carving(
        airs: Vec<A>,
        log_heights: &[usize],
        params: Params,
        suite: C::Suite,
        carving: impl FnOnce(&[CommittedTable]) -> Carving,
    ) -> Result<Self, KeyError> {
        check_params(&params)?;
        check_tables(&airs, log_heights, &params)?;
        // The preprocessed round is one group in every carving.
        let whole = Carving::of_batches([]);
        let config = C::new(&params, &suite, &whole, None);
        let common = ProverData::from_airs_and_degrees(&config, &airs, log_heights)
            .map_err(|error| KeyError::Preprocessed {
                detail: error.to_string(),
            })?
            .common;
        let tables = committed_tables(&airs, log_heights, &common);
        let carving = carving(&tables);
        let caps = Caps::new(&tables, &params, &carving);
        let preprocessed = common.preprocessed.as_ref();
        caps.check_preprocessed(preprocessed.map_or(&[], |global| C::roots(&global.commitment)))
            .map_err(|error| KeyError::Preprocessed {
                detail: error.to_string(),
            })?;
        let log_heights = log_heights.to_vec();
        Ok(Self {
            airs,
            log_heights,
            params,
            suite,
            carving,
            caps,
            common: common.into(),
        })
    }

    /// Checks the bytes of a proof and returns the roots of its carved tables, in table order.
    ///
    /// The roots are what two proofs about the same table are compared by. There are none under
    /// [`PlainConfig`].
    ///
    /// # Errors
    /// When the proof is refused; see [`VerifyError`].
    pub fn verify(
        &self,
        bytes: &[u8],
        statement: Option<&Statement>,
        public_values: &[Vec<F>],
    ) -> Result<Vec<Root<C::Suite>>, VerifyError> {
        let proof = decode::<C>(bytes, MAX_PROOF_BYTES)?;
        self.verify_decoded(&proof, statement, public_values)?;
        Ok(self.carved_roots(&proof))
    }

    /// Checks a decoded proof; [`Self::verify`] is this after [`decode`].
    ///
    /// # Errors
    /// When the proof is refused; see [`VerifyError`].
    pub fn verify_decoded(
        &self,
        proof: &BatchProof<C>,
        statement: Option<&Statement>,
        public_values: &[Vec<F>],
    ) -> Result<(), VerifyError> {
        check_heights(proof, &self.log_heights)?;
        self.caps.check_proof(proof)?;
        let config = C::new(&self.params, &self.suite, &self.carving, statement);
        p3_batch_stark::verify_batch(
            &config,
            &self.airs,
            proof,
            public_values,
            self.common.borrow(),
        )?;
        Ok(())
    }

    /// The roots of a proof's carved tables, in table order. None when the commitment has another
    /// number of roots than the plan has groups, which no accepted proof has.
    pub fn carved_roots(&self, proof: &BatchProof<C>) -> Vec<Root<C::Suite>> {
        let roots = C::roots(&proof.commitments.main);
        self.carving
            .carved_groups()
            .filter_map(|group| roots.get(group).cloned())
            .collect()
    }
}

impl<A: VerifierAir<C>, C: Carves> VerifyingKey<A, C> {
    /// The configuration under which Plonky3 proves and verifies with this key.
    pub fn config(&self, statement: Option<&Statement>) -> C {
        C::new(&self.params, &self.suite, &self.carving, statement)
    }

    /// The key of a run in shared order: of all tables of its batches, which have `lengths` tables each, in
    /// order. A batch is a group of the main, the permutation and the quotient round.
    ///
    /// # Errors
    /// As [`Self::new`].
    ///
    /// # Panics
    /// As [`Self::new`], and when the lengths are not those of `airs`.
    pub fn of_run(
        airs: Vec<A>,
        log_heights: &[usize],
        params: Params,
        suite: C::Suite,
        lengths: &[usize],
    ) -> Result<Self, KeyError> {
        assert_eq!(lengths.iter().sum::<usize>(), airs.len());
        Self::with_carving(airs, log_heights, params, suite, |tables| {
            let cut = |widths: &dyn Fn(&CommittedTable) -> Vec<usize>| {
                let mut tables = tables.iter();
                let batch =
                    |&length: &usize| tables.by_ref().take(length).flat_map(widths).collect();
                lengths.iter().map(batch).collect::<Vec<Vec<usize>>>()
            };
            let width = |width: usize| Vec::from_iter((width > 0).then_some(width));
            Carving::of_batches([
                cut(&|table| width(table.main_width)),
                cut(&|table| width(table.permutation_width)),
                cut(&|table| alloc::vec![D; table.quotient_chunks]),
            ])
        })
    }
}

/// Compares a proof's heights with a plan's, which needs no key: what a key costs grows with heights.
///
/// # Errors
/// [`VerifyError::TableCount`] or [`VerifyError::Height`].
pub fn check_heights<C: Configuration>(
    proof: &BatchProof<C>,
    log_heights: &[usize],
) -> Result<(), VerifyError> {
    let (expected, got) = (log_heights.len(), proof.degree_bits.len());
    if expected != got {
        return Err(VerifyError::TableCount { expected, got });
    }
    for (table, (&expected, &got)) in log_heights.iter().zip(&proof.degree_bits).enumerate() {
        if expected != got {
            return Err(VerifyError::Height {
                table,
                expected,
                got,
            });
        }
    }
    Ok(())
}
