//! How much of what is committed is padding.

/// Cells of main traces, of the tables that an execution fills.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cells {
    /// Of rows that hold something.
    pub real: u64,
    /// Of all rows.
    pub all: u64,
}

impl Cells {
    /// Adds tables of 2^`log_rows` rows and `width` columns, of whose rows `real` hold something.
    pub const fn add(&mut self, width: usize, real: u64, tables: u64, log_rows: u32) {
        self.real += real * width as u64;
        self.all += (tables << log_rows) * width as u64;
    }

    /// The share of padding.
    pub fn padding(&self) -> f64 {
        1.0 - self.real as f64 / (self.all as f64).max(1.0)
    }
}
