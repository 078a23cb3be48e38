//! How many digests each commitment of a proof has, so that it can be read in one way only.
//!
//! A transcript absorbs a cap as its digests and a carved commitment as the number of its roots, then
//! all their digests; neither says how long a cap is, and a Merkle path ends at one entry of a cap
//! without a look at the others. Were lengths free, `[[a], [x, y]]` and `[[a, x], [y]]` would be one
//! transcript about different tables. So every length is fixed by the plan, and compared before a
//! challenge counts:
//!
//! ```text
//! digests of a cap = 2^min(cap_height, log2 of the tallest committed height of its tree)
//! ```
//!
//! In the main, preprocessed, permutation and quotient rounds a table's committed height is the rows
//! of its extension, `2^(log_height + log_blowup)` (a quotient chunk's too); a layer of the low-degree
//! test has as many leaves as its codeword has elements after the fold. Plonky3's `MerkleTreeMmcs`
//! shortens a cap in the same way for a tree that is lower than the cap.
//!
//! Nothing here panics.

use alloc::vec::Vec;

use p3_batch_stark::BatchProof;
use p3_fri::fold_schedule;
use p3_symmetric::MerkleCap;

use super::config::Configuration;
use super::error::{CommitmentName, VerifyError};
use super::split_mmcs::Carving;
use crate::{D, F, Params};

/// A committed table, as far as caps depend on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct CommittedTable {
    /// log2 of its rows.
    pub log_height: usize,
    /// Main columns.
    pub main_width: usize,
    /// Preprocessed columns, zero for none.
    pub preprocessed_width: usize,
    /// Permutation columns over the base field, zero for none.
    pub permutation_width: usize,
    /// Quotient chunks.
    pub quotient_chunks: usize,
}

/// log2 of the digests of every cap, root by root; no roots where a plan has no such round.
#[derive(Clone, Debug)]
pub(super) struct Caps {
    main: Vec<usize>,
    preprocessed: Vec<usize>,
    permutation: Vec<usize>,
    quotient: Vec<usize>,
    fri: Vec<usize>,
}

impl Caps {
    /// The caps of a plan's proofs. Both the parameters and the heights are within their ranges.
    pub fn new(tables: &[CommittedTable], params: &Params, carving: &Carving) -> Self {
        let cap_height = usize::from(params.cap_height);
        let log_blowup = usize::from(params.log_blowup);
        // Matrices of a round: width and log2 of the committed rows.
        let round = |matrices: Vec<(usize, usize)>| -> Vec<usize> {
            if matrices.is_empty() {
                return Vec::new();
            }
            let groups = carving.groups(matrices.iter().map(|matrix| matrix.0));
            let tallest = |group: &[(usize, usize)]| group.iter().map(|matrix| matrix.1).max();
            groups
                .into_iter()
                .filter_map(|group| tallest(&matrices[group]))
                .map(|log_rows| log_rows.min(cap_height))
                .collect()
        };
        let of_width = |width: fn(&CommittedTable) -> usize| {
            let matrices = tables.iter().map(|t| (width(t), t.log_height + log_blowup));
            round(matrices.filter(|matrix| matrix.0 > 0).collect())
        };
        let chunks = tables.iter().flat_map(|table| {
            let chunk = (D, table.log_height + log_blowup);
            core::iter::repeat_n(chunk, table.quotient_chunks)
        });
        let main = tables
            .iter()
            .map(|t| (t.main_width, t.log_height + log_blowup));

        Self {
            main: round(main.collect()),
            preprocessed: of_width(|table| table.preprocessed_width),
            permutation: of_width(|table| table.permutation_width),
            quotient: round(chunks.collect()),
            fri: layers(tables, params)
                .into_iter()
                .map(|log_leaves| log_leaves.min(cap_height))
                .collect(),
        }
    }

    /// Compares the commitment to the preprocessed columns.
    pub fn check_preprocessed(
        &self,
        roots: &[MerkleCap<F, impl Clone>],
    ) -> Result<(), VerifyError> {
        check(CommitmentName::Preprocessed, &self.preprocessed, roots)
    }

    /// Compares every commitment of a proof.
    pub fn check_proof<C: Configuration>(&self, proof: &BatchProof<C>) -> Result<(), VerifyError> {
        let commitments = &proof.commitments;
        let permutation = commitments.permutation.as_ref();
        let random = commitments.random.as_ref();
        check(
            CommitmentName::Main,
            &self.main,
            C::roots(&commitments.main),
        )?;
        check(
            CommitmentName::Permutation,
            &self.permutation,
            permutation.map_or(&[], C::roots),
        )?;
        check(
            CommitmentName::Quotient,
            &self.quotient,
            C::roots(&commitments.quotient_chunks),
        )?;
        check(CommitmentName::Random, &[], random.map_or(&[], C::roots))?;
        check(
            CommitmentName::Fri,
            &self.fri,
            C::layers(&proof.opening_proof),
        )
    }
}

/// log2 of the leaves of each layer of the low-degree test.
fn layers(tables: &[CommittedTable], params: &Params) -> Vec<usize> {
    let log_blowup = usize::from(params.log_blowup);
    let mut inputs: Vec<usize> = tables.iter().map(|t| t.log_height + log_blowup).collect();
    inputs.sort_unstable_by(|a, b| b.cmp(a));
    inputs.dedup();
    let mut log_leaves = inputs.first().copied().unwrap_or(0);
    let log_final = log_blowup + usize::from(params.log_final_poly_len);
    fold_schedule(&inputs, log_final, params.max_log_arity.into())
        .into_iter()
        .map(|log_arity| {
            log_leaves -= log_arity;
            log_leaves
        })
        .collect()
}

/// Compares the number of a round's roots, then the number of digests in each.
fn check(
    round: CommitmentName,
    expected: &[usize],
    got: &[MerkleCap<F, impl Clone>],
) -> Result<(), VerifyError> {
    if got.len() != expected.len() {
        return Err(VerifyError::RootCount {
            round,
            expected: expected.len(),
            got: got.len(),
        });
    }
    for (group, (&log_digests, root)) in expected.iter().zip(got).enumerate() {
        let (expected, got) = (1 << log_digests, root.num_roots());
        if got != expected {
            return Err(VerifyError::Cap {
                round,
                group,
                expected,
                got,
            });
        }
    }
    Ok(())
}
