//! What a plan refuses.

use p3_field::PrimeField32;
use thiserror::Error;

use crate::DIGEST;
use crate::air::{LayoutError, NextRows, TableLayout};
use crate::shape::{BatchShape, MAX_LOG_HEIGHT, Params, TablePlan, TableSpec};
use crate::{D, F};

/// Why a batch cannot be planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PlanError {
    /// No tables, or not one specification for each AIR.
    #[error("{airs} AIRs and {specs} table specifications")]
    TableCount {
        /// AIRs given.
        airs: usize,
        /// Specifications given.
        specs: usize,
    },
    /// More tables than the plan's type has room for.
    #[error("more than {capacity} tables")]
    TooManyTables {
        /// The room.
        capacity: usize,
    },
    /// A parameter is out of its range.
    #[error("{name} is {got}, it must be from {min} to {max}")]
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
    #[error("table {table}: {error}")]
    Layout {
        /// The table.
        table: usize,
        /// The reason.
        error: LayoutError,
    },
    /// A table's extension is higher than the field's two-adicity allows.
    #[error("table {table}: extended height 2^{log_height} is above 2^27")]
    TooHigh {
        /// The table.
        table: usize,
        /// log2 of its extended height.
        log_height: usize,
    },
    /// A table's constraints need more quotient chunks than the blowup has cosets.
    ///
    /// FRI would certify a degree that it has no rate for.
    #[error("table {table}: 2^{log_chunks} quotient chunks at a blowup of 2^{log_blowup}")]
    DegreeExceedsBlowup {
        /// The table.
        table: usize,
        /// log2 of the chunks it needs.
        log_chunks: usize,
        /// log2 of the blowup.
        log_blowup: usize,
    },
    /// A final polynomial longer than 1 needs every table to be higher than it is long.
    #[error("table {table} of 2^{log_height} rows is not above the final polynomial's length")]
    FinalPolynomialTooLong {
        /// The table.
        table: usize,
        /// log2 of its rows.
        log_height: usize,
    },
    /// A table's specification and its AIR contradict each other on whether a trace is opened at the
    /// next row too. No verifier would accept the proofs.
    #[error(
        "table {table}: its specification {} the {} trace's next row, its AIR {} it",
        if *.specified { "opens" } else { "does not open" },
        if *.preprocessed { "preprocessed" } else { "main" },
        if *.specified { "does not list" } else { "reads" },
    )]
    NextRow {
        /// The table.
        table: usize,
        /// Whether it is about the preprocessed trace; else about the main one.
        preprocessed: bool,
        /// What the specification says and the AIR does not, by what its constraints and messages read
        /// or by its list of columns.
        specified: bool,
    },
    /// Multiplicities times heights reach the field's characteristic: a sum could wrap.
    #[error("multiplicities may sum to {sum}, which reaches the characteristic")]
    MultiplicityBound {
        /// `sum_i weight_i * height_i`.
        sum: u64,
    },
    /// The workspace has more elements than an address reaches here.
    #[error("a workspace of up to {elements} elements is out of reach")]
    TooLarge {
        /// Elements of all tables, extended, at most.
        elements: u64,
    },
    /// Another round has the main round's list of widths, so carving would be ambiguous.
    #[error("another round has the same widths as the carved main round")]
    CarvingAmbiguous,
    /// No profile fits the budget.
    #[error("the workspace needs {needed} bytes, its budget is {budget}")]
    Budget {
        /// Bytes of the profile that needs the fewest.
        needed: usize,
        /// Bytes that it may have.
        budget: usize,
    },
}

pub(super) fn check_params(params: &Params) -> Result<(), PlanError> {
    match params.out_of_range(|param| param.max) {
        None => Ok(()),
        Some((param, got)) => Err(PlanError::Parameter {
            name: param.name,
            got: got.into(),
            min: param.min.into(),
            max: param.max.into(),
        }),
    }
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

/// A trace is opened at the next row where its AIR reads it.
pub(super) fn check_next_rows(table: usize, planned: &TablePlan) -> Result<(), PlanError> {
    let next = planned.layout.next;
    compare_next_rows(table, planned, |specified, read| specified || !read, next)
}

/// Compares each trace's flag with what is so.
pub(super) fn compare_next_rows(
    table: usize,
    planned: &TablePlan,
    agree: impl Fn(bool, bool) -> bool,
    next: NextRows,
) -> Result<(), PlanError> {
    let TablePlan { spec, layout } = planned;
    let main = (false, layout.main_width, spec.main_next, next.main);
    let width = layout.preprocessed_width;
    let fixed = (true, width, spec.preprocessed_next, next.preprocessed);
    for (preprocessed, width, specified, is) in [main, fixed] {
        if width > 0 && !agree(specified, is) {
            return Err(PlanError::NextRow {
                table,
                preprocessed,
                specified,
            });
        }
    }
    Ok(())
}

/// `sum_i weight_i * height_i < p`: counted honestly, no multiplicity wraps.
pub(super) fn check_multiplicities(tables: &[TablePlan]) -> Result<(), PlanError> {
    let sum = multiplicities(tables);
    if sum < u64::from(F::ORDER_U32) {
        Ok(())
    } else {
        Err(PlanError::MultiplicityBound { sum })
    }
}

/// The sum over all rows of the bounds of their multiplicities.
pub(crate) fn multiplicities(tables: &[TablePlan]) -> u64 {
    tables.iter().fold(0, |sum, table| {
        let weight = table.layout.weight_per_row;
        let term = weight.saturating_mul(table.height() as u64);
        sum.saturating_add(term)
    })
}

/// Every length of a region, and every offset, is an address's.
///
/// Each row of an extension has a table's columns of all rounds, and less than [`PER_ROW`] elements of
/// digests, codewords and twiddles over all of them; traces, and what `Compact` keeps, are at most half as
/// long as extensions; scratch is not longer than both, or of a few rows. So three times that, and what a
/// few rows take, is more than all regions together.
pub(super) fn check_size(tables: &[TablePlan], params: &Params) -> Result<(), PlanError> {
    check_size_for(tables, params, usize::MAX as u64)
}

/// Elements of a row, over all trees and codewords of a batch, that belong to no column.
const PER_ROW: usize = 15 * DIGEST;
/// Elements of the rows that the phases work on at once, at most.
const FEW_ROWS: u64 = 1 << 24;

fn check_size_for(tables: &[TablePlan], params: &Params, most: u64) -> Result<(), PlanError> {
    let of_table = |table: &TablePlan| {
        let layout = &table.layout;
        let columns =
            layout.main_width + layout.preprocessed_width + table.permutation_base_width();
        let row = (columns + D * table.num_chunks() + PER_ROW) as u64;
        row << (table.log_height() + params.log_blowup as usize)
    };
    let elements = tables.iter().map(of_table).fold(0, u64::saturating_add);
    if elements.saturating_mul(3).saturating_add(FEW_ROWS) > most {
        return Err(PlanError::TooLarge { elements });
    }
    Ok(())
}

/// Carving is decided by a round's list of widths, so no other round may have the main round's.
pub(super) fn check_carving(shape: BatchShape<'_>) -> Result<(), PlanError> {
    let tables = shape.tables();
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
    if shape.is_carved() && ambiguous {
        Err(PlanError::CarvingAmbiguous)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use p3_air::{Air, AirBuilder, BaseAir, WindowAccess};

    use super::*;
    use crate::shape::Profile;
    use crate::{DefaultBackend, Plan};

    struct Wide(usize);

    impl BaseAir<F> for Wide {
        fn width(&self) -> usize {
            self.0
        }
    }

    impl<AB: AirBuilder<F = F>> Air<AB> for Wide {
        fn eval(&self, builder: &mut AB) {
            let x = builder.main().current_slice()[0];
            builder.assert_zero(x.into() * x.into());
        }
    }

    fn planned(width: usize, log_height: u8, log_blowup: u8, profile: Profile) -> Plan<2> {
        let params = Params {
            log_blowup,
            ..Params::DEFAULT
        };
        let airs = [Wide(width), Wide(1)];
        let specs = [TableSpec::new(log_height), TableSpec::new(0)];
        Plan::with_profile::<DefaultBackend, _>(&airs, &specs, params, profile).unwrap()
    }

    /// What is refused as too large, for addresses of 32 bits, are all lengths that they do not reach, and
    /// none that a buffer can have there.
    #[test]
    fn lengths_that_an_address_does_not_reach() {
        let most = u64::from(u32::MAX);
        let (mut taken, mut refused) = (0, 0);
        for width in [1, 40, 700, 4096] {
            for log_height in (0..=26).step_by(2) {
                for (log_blowup, profile) in [
                    (1, Profile::Fast),
                    (1, Profile::Compact),
                    (1 + log_height % 4, Profile::Fast),
                ] {
                    if log_height + log_blowup > 27 {
                        continue;
                    }
                    let plan = planned(width, log_height, log_blowup, profile);
                    let len = plan.regions().len() as u64;
                    match check_size_for(plan.tables(), plan.params(), most) {
                        Ok(()) => {
                            assert!(len <= most, "{width} {log_height} {log_blowup}: {len}");
                            taken += 1;
                        }
                        Err(error) => {
                            let fast = planned(width, log_height, log_blowup, Profile::Fast);
                            let bytes = fast.workspace_bytes();
                            assert!(
                                bytes > 1 << 31,
                                "{width} {log_height}: {bytes} bytes, {error}"
                            );
                            refused += 1;
                        }
                    }
                }
            }
        }
        assert!(taken > 20 && refused > 20, "{taken} and {refused}");
    }
}
