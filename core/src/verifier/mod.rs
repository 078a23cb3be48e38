//! Plonky3's verifier behind this crate's plans. Allocates.
//!
//! A [`VerifyingKey`] is made once per plan and checks any number of proofs. It reads a proof's
//! bytes, compares its heights and the lengths of its commitments with the plan's, and calls the unmodified
//! `p3_batch_stark::verify_batch`; it is not a verifier of its own.
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
mod split_mmcs;
mod types;

use alloc::string::ToString;
use alloc::vec::Vec;
use core::borrow::Borrow;

use p3_air::symbolic::AirLayout;
use p3_air::{Air, BaseAir};
use p3_batch_stark::folder::VerifierConstraintFolderWithLookups;
use p3_batch_stark::symbolic::get_log_num_quotient_chunks;
use p3_batch_stark::{BatchProof, CommonData, ProverData};
use p3_field::TwoAdicField;
use p3_lookup::{InteractionSymbolicBuilder, LogUpGadget};
use p3_matrix::Matrix;

pub use config::{CarvedConfig, Configuration, PlainConfig};
pub use decode::decode;
pub use error::{CommitmentName, KeyError, VerifyError};
pub use split_mmcs::{Carving, Roots, SplitError, SplitMmcs};
pub use types::{Challenger, Compress, Hash, Permutation, Root, Tree, permutation, uniform_cap};

use caps::{Caps, CommittedTable};

use crate::hash::poseidon2::Poseidon2;
use crate::{D, EF, F, Params, Statement};

/// Bytes that a proof of any plan may have at most.
pub const MAX_PROOF_BYTES: usize = 1 << 26;

/// AIRs that Plonky3 can verify under `C`: every `Air` over `InteractionBuilder` is one.
pub trait VerifierAir<C: Configuration>:
    Air<InteractionSymbolicBuilder<F, EF>> + for<'a> Air<VerifierConstraintFolderWithLookups<'a, C>>
{
}

impl<A, C: Configuration> VerifierAir<C> for A where
    A: Air<InteractionSymbolicBuilder<F, EF>>
        + for<'a> Air<VerifierConstraintFolderWithLookups<'a, C>>
{
}

/// What a verifier keeps of a plan: its tables and the commitment to their preprocessed columns.
pub struct VerifyingKey<A, C: Configuration> {
    airs: Vec<A>,
    log_heights: Vec<usize>,
    params: Params,
    poseidon2: Poseidon2,
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
        poseidon2: Poseidon2,
        carved: &[bool],
    ) -> Result<Self, KeyError> {
        check_params(&params)?;
        check_tables(&airs, log_heights, &params)?;
        let carving = Carving::new(airs.iter().map(BaseAir::<F>::width).collect(), carved);
        let config = C::new(&params, &poseidon2, &carving, None);
        let common = ProverData::from_airs_and_degrees(&config, &airs, log_heights)
            .map_err(|error| KeyError::Preprocessed {
                detail: error.to_string(),
            })?
            .common;
        let caps = Caps::new(
            &committed_tables(&airs, log_heights, &common),
            &params,
            &carving,
        );
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
            poseidon2,
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
    ) -> Result<Vec<Root>, VerifyError> {
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
        let config = C::new(&self.params, &self.poseidon2, &self.carving, statement);
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
    pub fn carved_roots(&self, proof: &BatchProof<C>) -> Vec<Root> {
        let roots = C::roots(&proof.commitments.main);
        self.carving
            .carved_groups()
            .filter_map(|group| roots.get(group).cloned())
            .collect()
    }
}

/// What the caps of a proof depend on, table by table.
fn committed_tables<A: Air<InteractionSymbolicBuilder<F, EF>>, C: Configuration>(
    airs: &[A],
    log_heights: &[usize],
    common: &CommonData<C>,
) -> Vec<CommittedTable> {
    let preprocessed_width = |table: usize| {
        let global = common.preprocessed.as_ref()?;
        Some(global.instances.get(table)?.as_ref()?.width)
    };
    let tables = airs.iter().zip(log_heights).zip(&common.lookups);
    tables
        .enumerate()
        .map(|(table, ((air, &log_height), lookups))| {
            let preprocessed_width = preprocessed_width(table).unwrap_or(0);
            let layout = AirLayout {
                preprocessed_width,
                main_width: air.width(),
                num_public_values: air.num_public_values(),
                num_periodic_columns: air.num_periodic_columns(),
                ..AirLayout::default()
            };
            let log_chunks = get_log_num_quotient_chunks::<F, EF, A, _>(
                air,
                layout,
                1 << log_height,
                lookups,
                0,
                &LogUpGadget::new(),
            );
            // One running sum, and one fraction for each column of messages.
            let permutation_columns = match lookups.len() {
                0 => 0,
                columns => columns + 1,
            };
            CommittedTable {
                log_height,
                main_width: air.width(),
                preprocessed_width,
                permutation_width: permutation_columns * D,
                quotient_chunks: 1 << log_chunks,
            }
        })
        .collect()
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

/// Refuses parameters outside the range that Plonky3's verifier is defined on.
fn check_params(params: &Params) -> Result<(), KeyError> {
    if let Some((param, _)) = params.out_of_range(|param| param.max_verified) {
        return Err(KeyError::Parameter { name: param.name });
    }
    // The final polynomial's domain is one of the field's.
    let log_domain = usize::from(params.log_blowup) + usize::from(params.log_final_poly_len);
    if log_domain > F::TWO_ADICITY {
        let name = "log_final_poly_len";
        return Err(KeyError::Parameter { name });
    }
    Ok(())
}

/// Refuses tables on which making the key, or verifying with it, would be an assertion's failure.
fn check_tables<A: Air<InteractionSymbolicBuilder<F, EF>>>(
    airs: &[A],
    log_heights: &[usize],
    params: &Params,
) -> Result<(), KeyError> {
    if airs.is_empty() || airs.len() != log_heights.len() {
        return Err(KeyError::TableCount {
            airs: airs.len(),
            heights: log_heights.len(),
        });
    }
    let max_log_height = F::TWO_ADICITY - usize::from(params.log_blowup);
    for (table, (air, &log_height)) in airs.iter().zip(log_heights).enumerate() {
        if log_height > max_log_height {
            return Err(KeyError::TooTall {
                table,
                max_log_height,
                log_height,
            });
        }
        if let Some(columns) = air.preprocessed_trace()
            && columns.height() != 1 << log_height
        {
            let (expected, got) = (1 << log_height, columns.height());
            return Err(KeyError::PreprocessedHeight {
                table,
                expected,
                got,
            });
        }
        if !air.public_boundary_io().is_empty() {
            return Err(KeyError::BoundaryPublicValues { table });
        }
    }
    Ok(())
}
