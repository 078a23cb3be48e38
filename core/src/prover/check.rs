//! A debug aid: does a batch that is about to be proved satisfy its AIRs?
//!
//! The prover itself does not look: from a trace that breaks a constraint it makes a proof that no
//! verifier accepts. This walk evaluates every constraint of every table on every row of the trace
//! domain, as the AIR's author thinks of it, and sums the messages of every bus:
//! `sum_i m_i / (alpha - sum_j tuple_ij beta^(k-1-j))` (LogUp, Haboeck 2022/1530). The challenges are
//! fixed, so it convinces nobody but the author of the trace.

use p3_air::{Air, RowWindow};
use p3_field::PrimeCharacteristicRing;
use thiserror::Error;

use super::BatchError;
use super::phases::{Traces, check_public_values};
use crate::F;
use crate::air::{Balance, BusId, CheckBuilder, MAX_BUSES, ProverAir, Rows};
use crate::hash::{Hasher, Hashes, Suite, Transcript};
use crate::kernels::bit_reverse::reverse_bits;
use crate::parts::take;
use crate::plan::Plan;
use crate::shape::{Round, TablePlan};
use crate::steps::rows::row_buffers;

/// What [`Traces::check_constraints`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum CheckError {
    /// The prover would refuse the public values.
    #[error(transparent)]
    Inputs(BatchError),
    /// The scratch is shorter than [`Plan::check_scratch_len`].
    #[error("the scratch has {got} elements, the check needs {needed}")]
    ScratchTooSmall {
        /// Field elements that the check needs.
        needed: usize,
        /// Field elements given.
        got: usize,
    },
    /// A constraint is not zero.
    #[error("table {table}, row {row}: constraint {constraint} is not zero")]
    Constraint {
        /// The table.
        table: usize,
        /// The row.
        row: usize,
        /// The constraint's place among the assertions of the AIR.
        constraint: usize,
    },
    /// The flags of an exclusive interaction are not boolean, or more than one is set.
    ///
    /// The AIR has to constrain them: LogUp's fraction matches no message otherwise.
    #[error(
        "table {table}, row {row}: the flags of exclusive interaction {interaction} are \
            not exclusive"
    )]
    Flags {
        /// The table.
        table: usize,
        /// The row.
        row: usize,
        /// The interaction's place among the exclusive ones of the AIR.
        interaction: usize,
    },
    /// The messages of a bus do not cancel.
    #[error("the messages of {0} do not cancel")]
    Unbalanced(BusId),
}

impl<const N: usize> Plan<N> {
    /// Field elements of scratch that [`Traces::check_constraints`] needs: two rows of a table.
    pub fn check_scratch_len(&self) -> usize {
        scratch_len(self.tables())
    }
}

fn scratch_len(tables: &[TablePlan]) -> usize {
    let rows = tables.iter().map(|table| row_buffers(table, 1));
    rows.max().unwrap_or(0)
}

impl<B: Hashes<S>, A: ProverAir<B>, S: Suite> Traces<'_, '_, B, A, S> {
    /// Looks for the first constraint that a written trace breaks, then for the first bus whose
    /// messages do not cancel. For debugging: proving does not need it.
    ///
    /// `public_values` has one slice per table. `scratch` has [`Plan::check_scratch_len`] elements,
    /// on entry of any value. Next rows wrap around.
    ///
    /// # Errors
    /// What was found, as [`CheckError`] names it: table by table, row by row, constraints before
    /// flags before buses.
    pub fn check_constraints(
        &self,
        public_values: &[&[F]],
        scratch: &mut [F],
    ) -> Result<(), CheckError>
    where
        A: for<'c> Air<CheckBuilder<'c>>,
    {
        let engine = &*self.0.engine;
        let shape = engine.shape;
        check_public_values(shape, public_values).map_err(CheckError::Inputs)?;
        let (needed, got) = (scratch_len(shape.tables()), scratch.len());
        if got < needed {
            return Err(CheckError::ScratchTooSmall { needed, got });
        }
        let mut challenger = engine.hasher.transcript();
        let challenges = [challenger.sample_ext(), challenger.sample_ext()];
        let mut balances = [Balance::EMPTY; MAX_BUSES];
        let mut main = engine.traces(Round::Main);
        let mut preprocessed = engine.traces(Round::Preprocessed);
        for (table, (planned, air)) in shape.tables().iter().zip(engine.airs).enumerate() {
            let (layout, height) = (&planned.layout, planned.height());
            let trace = Trace {
                table: planned,
                main: take(&mut main, layout.main_width * height),
                preprocessed: take(&mut preprocessed, layout.preprocessed_width * height),
                public_values: public_values[table],
            };
            for row in 0..height {
                let rows = trace.rows(row, scratch);
                let mut builder = CheckBuilder::new(table, rows, layout, challenges, &mut balances);
                air.eval(&mut builder);
                let broken = builder.finish();
                if let Some(constraint) = broken.constraint {
                    return Err(CheckError::Constraint {
                        table,
                        row,
                        constraint,
                    });
                }
                if let Some(interaction) = broken.flags {
                    return Err(CheckError::Flags {
                        table,
                        row,
                        interaction,
                    });
                }
            }
        }
        let unbalanced = balances.iter().find_map(Balance::unbalanced);
        unbalanced.map_or(Ok(()), |bus| Err(CheckError::Unbalanced(bus)))
    }
}

/// The values of one table.
struct Trace<'a> {
    table: &'a TablePlan,
    /// Column by column, rows in natural order.
    main: &'a [F],
    /// Column by column, rows bit-reversed: it is prepared.
    preprocessed: &'a [F],
    public_values: &'a [F],
}

impl Trace<'_> {
    /// Gathers row `row` and the one after it into `scratch`.
    fn rows<'s>(&'s self, row: usize, scratch: &'s mut [F]) -> Rows<'s, F> {
        let layout = &self.table.layout;
        let height = self.table.height();
        let following = (row + 1) % height;
        let (main, scratch) = scratch.split_at_mut(2 * layout.main_width);
        let (main_now, main_next) = main.split_at_mut(layout.main_width);
        let scratch = &mut scratch[..2 * layout.preprocessed_width];
        let (pre_now, pre_next) = scratch.split_at_mut(layout.preprocessed_width);
        let reversed = |row| reverse_bits(row, self.table.log_height());
        gather(self.main, height, row, main_now);
        gather(self.main, height, following, main_next);
        gather(self.preprocessed, height, reversed(row), pre_now);
        gather(self.preprocessed, height, reversed(following), pre_next);
        Rows {
            main: RowWindow::from_two_rows(main_now, main_next),
            preprocessed: RowWindow::from_two_rows(pre_now, pre_next),
            public_values: self.public_values,
            is_first_row: F::from_bool(row == 0),
            is_last_row: F::from_bool(row + 1 == height),
            is_transition: F::from_bool(row + 1 < height),
        }
    }
}

/// Copies element `place` of each column of `height` elements.
fn gather(columns: &[F], height: usize, place: usize, row: &mut [F]) {
    for (element, column) in row.iter_mut().zip(columns.chunks_exact(height)) {
        *element = column[place];
    }
}
