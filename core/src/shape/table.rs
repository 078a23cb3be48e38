//! One table of a batch: what its caller says of it, and what its AIR says.

use p3_air::BaseAir;

use crate::air::TableLayout;
use crate::{D, F};

/// What the caller says of one table; its AIR says the rest.
///
/// A verifier opens next rows where the AIR's lists of columns say so (`main_next_row_columns`,
/// `preprocessed_next_row_columns`), which by default name every column. They are vectors, so that a
/// device cannot ask: there the flags below stand for them. [`TableSpec::of`] asks the AIR, and
/// [`Plan::check_next_rows`](crate::Plan::check_next_rows) compares; a plan refuses, without asking, an AIR whose constraints or messages
/// read what is not opened ([`PlanError::NextRow`](crate::PlanError::NextRow)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TableSpec {
    /// log2 of the number of rows.
    pub log_height: u8,
    /// Whether the main trace is opened at the next row too.
    pub main_next: bool,
    /// Whether the preprocessed trace, if there is one, is opened at the next row too.
    pub preprocessed_next: bool,
    /// Whether the main trace has a Merkle root of its own.
    pub carved: bool,
    /// Floor of the degree that same-bus packing may use; 0 for what is free.
    pub lookup_budget: u8,
}

impl TableSpec {
    /// A table of `2^log_height` rows that is not carved, of an AIR with the default lists of next-row
    /// columns: all of them.
    pub const fn new(log_height: u8) -> Self {
        Self {
            log_height,
            main_next: true,
            preprocessed_next: true,
            carved: false,
            lookup_budget: 0,
        }
    }

    /// A table of `2^log_height` rows that is not carved, with the next rows that its AIR lists.
    ///
    /// Lists are vectors, so this allocates: for hosts.
    pub fn of<A: BaseAir<F>>(air: &A, log_height: u8) -> Self {
        Self {
            main_next: !air.main_next_row_columns().is_empty(),
            preprocessed_next: !air.preprocessed_next_row_columns().is_empty(),
            ..Self::new(log_height)
        }
    }
}

/// One table of a plan.
#[derive(Clone, Copy, Debug)]
pub struct TablePlan {
    /// What the caller said.
    pub spec: TableSpec,
    /// What the AIR says.
    pub layout: TableLayout,
}

impl TablePlan {
    /// Rows of the trace, at most 2^27 in a plan. No number of rows that is above the largest integer.
    pub const fn height(&self) -> usize {
        match 1_usize.checked_shl(self.spec.log_height as u32) {
            Some(height) => height,
            None => usize::MAX,
        }
    }

    pub(crate) const fn log_height(&self) -> usize {
        self.spec.log_height as usize
    }

    /// Base columns of the permutation trace.
    pub const fn permutation_base_width(&self) -> usize {
        D * self.layout.permutation_width()
    }

    /// Base columns that are committed besides preprocessed ones: main trace, permutation trace, quotient chunks.
    pub const fn committed_columns(&self) -> usize {
        self.layout.main_width + self.permutation_base_width() + self.quotient_base_width()
    }

    /// Base columns of the quotient's chunks.
    pub const fn quotient_base_width(&self) -> usize {
        D * self.num_chunks()
    }

    pub(crate) const fn num_chunks(&self) -> usize {
        1 << self.layout.log_chunks
    }
}
