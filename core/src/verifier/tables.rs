//! Tables as a verifier is given them: what Plonky3 can verify, and what it commits of each.

use alloc::vec::Vec;

use p3_air::Air;
use p3_air::symbolic::AirLayout;
use p3_batch_stark::CommonData;
use p3_batch_stark::folder::VerifierConstraintFolderWithLookups;
use p3_batch_stark::symbolic::get_log_num_quotient_chunks;
use p3_field::TwoAdicField;
use p3_lookup::{InteractionSymbolicBuilder, LogUpGadget};
use p3_matrix::Matrix;

use super::caps::CommittedTable;
use super::config::Configuration;
use super::error::KeyError;
use crate::{D, EF, F, Params};

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

/// Refuses parameters outside the range that Plonky3's verifier is defined on.
pub(super) fn check_params(params: &Params) -> Result<(), KeyError> {
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
pub(super) fn check_tables<A: Air<InteractionSymbolicBuilder<F, EF>>>(
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

/// What the caps of a proof depend on, table by table.
pub(super) fn committed_tables<A: Air<InteractionSymbolicBuilder<F, EF>>, C: Configuration>(
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
