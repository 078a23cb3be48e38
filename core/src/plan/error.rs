//! What a plan refuses.

use p3_field::PrimeField32;

use super::{MAX_LOG_HEIGHT, MAX_QUERIES, Plan, TablePlan, TableSpec};
use crate::air::{LayoutError, TableLayout};
use crate::fri::MAX_LOG_ARITY;
use crate::{D, F, Params};

/// Why a batch cannot be planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PlanError {
    /// No tables, or not one specification for each AIR.
    TableCount {
        /// AIRs given.
        airs: usize,
        /// Specifications given.
        specs: usize,
    },
    /// More tables than the plan's type has room for.
    TooManyTables {
        /// The room.
        capacity: usize,
    },
    /// A parameter is out of its range.
    Parameter {
        /// The parameter's name in [`Params`].
        name: &'static str,
        /// Its value.
        got: usize,
        /// The smallest value.
        min: usize,
        /// The largest value.
        max: usize,
    },
    /// A table's AIR cannot be laid out.
    Layout {
        /// The table.
        table: usize,
        /// The reason.
        error: LayoutError,
    },
    /// A table's extension is higher than the field's two-adicity allows.
    TooHigh {
        /// The table.
        table: usize,
        /// log2 of its extended height.
        log_height: usize,
    },
    /// A table's constraints need more quotient chunks than the blowup has cosets.
    ///
    /// FRI would certify a degree that it has no rate for.
    DegreeExceedsBlowup {
        /// The table.
        table: usize,
        /// log2 of the chunks it needs.
        log_chunks: usize,
        /// log2 of the blowup.
        log_blowup: usize,
    },
    /// A final polynomial longer than 1 needs every table to be higher than it is long.
    FinalPolynomialTooLong {
        /// The table.
        table: usize,
        /// log2 of its rows.
        log_height: usize,
    },
    /// Multiplicities times heights reach the field's characteristic: a sum could wrap.
    MultiplicityBound {
        /// `sum_i weight_i * height_i`.
        sum: u64,
    },
    /// Another round has the main round's list of widths, so carving would be ambiguous.
    CarvingAmbiguous,
    /// No profile fits the budget.
    Budget {
        /// Bytes of the profile that needs the fewest.
        needed: usize,
        /// Bytes that it may have.
        budget: usize,
    },
}

impl core::fmt::Display for PlanError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::TableCount { airs, specs } => {
                write!(f, "{airs} AIRs and {specs} table specifications")
            }
            Self::TooManyTables { capacity } => write!(f, "more than {capacity} tables"),
            Self::Parameter {
                name,
                got,
                min,
                max,
            } => {
                write!(f, "{name} is {got}, it must be from {min} to {max}")
            }
            Self::Layout { table, error } => write!(f, "table {table}: {error}"),
            Self::TooHigh { table, log_height } => {
                write!(
                    f,
                    "table {table}: extended height 2^{log_height} is above 2^27"
                )
            }
            Self::DegreeExceedsBlowup {
                table,
                log_chunks,
                log_blowup,
            } => write!(
                f,
                "table {table}: 2^{log_chunks} quotient chunks at a blowup of 2^{log_blowup}"
            ),
            Self::FinalPolynomialTooLong { table, log_height } => write!(
                f,
                "table {table} of 2^{log_height} rows is not above the final polynomial's length"
            ),
            Self::MultiplicityBound { sum } => {
                write!(
                    f,
                    "multiplicities may sum to {sum}, which reaches the characteristic"
                )
            }
            Self::Budget { needed, budget } => {
                write!(
                    f,
                    "the workspace needs {needed} bytes, its budget is {budget}"
                )
            }
            Self::CarvingAmbiguous => {
                f.write_str("another round has the same widths as the carved main round")
            }
        }
    }
}

impl core::error::Error for PlanError {}

pub(super) fn check_params(params: &Params) -> Result<(), PlanError> {
    let in_range = |name, got: usize, min, max| {
        if (min..=max).contains(&got) {
            Ok(())
        } else {
            Err(PlanError::Parameter {
                name,
                got,
                min,
                max,
            })
        }
    };
    // A witness is one field element, so a difficulty stays below its 31 bits.
    const MAX_POW_BITS: usize = 30;
    in_range("log_blowup", params.log_blowup as usize, 1, 8)?;
    in_range(
        "max_log_arity",
        params.max_log_arity as usize,
        1,
        MAX_LOG_ARITY,
    )?;
    in_range(
        "log_final_poly_len",
        params.log_final_poly_len as usize,
        0,
        MAX_LOG_HEIGHT,
    )?;
    in_range("num_queries", params.num_queries as usize, 1, MAX_QUERIES)?;
    in_range("cap_height", params.cap_height as usize, 0, MAX_LOG_HEIGHT)?;
    in_range(
        "query_pow_bits",
        params.query_pow_bits as usize,
        0,
        MAX_POW_BITS,
    )?;
    in_range(
        "batch_pow_bits",
        params.batch_pow_bits as usize,
        0,
        MAX_POW_BITS,
    )?;
    in_range(
        "lookup_pow_bits",
        params.lookup_pow_bits as usize,
        0,
        MAX_POW_BITS,
    )?;
    in_range(
        "commit_pow_bits",
        params.commit_pow_bits as usize,
        0,
        MAX_POW_BITS,
    )?;
    in_range(
        "ood_pow_bits",
        params.ood_pow_bits as usize,
        0,
        MAX_POW_BITS,
    )
}

pub(super) fn check_table(
    table: usize,
    spec: &TableSpec,
    layout: &TableLayout,
    params: &Params,
) -> Result<(), PlanError> {
    let log_height = spec.log_height as usize;
    let log_blowup = params.log_blowup as usize;
    let log_final = params.log_final_poly_len as usize;
    if log_height + log_blowup > MAX_LOG_HEIGHT {
        return Err(PlanError::TooHigh {
            table,
            log_height: log_height + log_blowup,
        });
    }
    if layout.log_chunks > log_blowup {
        let log_chunks = layout.log_chunks;
        return Err(PlanError::DegreeExceedsBlowup {
            table,
            log_chunks,
            log_blowup,
        });
    }
    if log_final > 0 && log_height <= log_final {
        return Err(PlanError::FinalPolynomialTooLong { table, log_height });
    }
    Ok(())
}

/// `sum_i weight_i * height_i < p`: counted honestly, no multiplicity wraps.
pub(super) fn check_multiplicities(tables: &[TablePlan]) -> Result<(), PlanError> {
    let sum = tables.iter().fold(0_u64, |sum, table| {
        let term = table
            .layout
            .weight_per_row
            .saturating_mul(table.height() as u64);
        sum.saturating_add(term)
    });
    if sum < u64::from(F::ORDER_U32) {
        Ok(())
    } else {
        Err(PlanError::MultiplicityBound { sum })
    }
}

/// Carving is decided by a round's list of widths, so no other round may have the main round's.
pub(super) fn check_carving<const N: usize>(plan: &Plan<N>) -> Result<(), PlanError> {
    let tables = plan.tables();
    let main = || tables.iter().map(|t| t.layout.main_width);
    let quotient = tables
        .iter()
        .flat_map(|t| core::iter::repeat_n(D, t.num_chunks()));
    let preprocessed = tables
        .iter()
        .map(|t| t.layout.preprocessed_width)
        .filter(|&w| w > 0);
    let permutation = tables
        .iter()
        .map(TablePlan::permutation_base_width)
        .filter(|&w| w > 0);
    let ambiguous = main().eq(quotient) || main().eq(preprocessed) || main().eq(permutation);
    if plan.is_carved() && ambiguous {
        Err(PlanError::CarvingAmbiguous)
    } else {
        Ok(())
    }
}
