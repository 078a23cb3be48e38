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
    /// Adds tables of `width` columns and so many rows in all, of which `real` hold something.
    pub const fn add(&mut self, width: usize, real: u64, all: u64) {
        self.real += real * width as u64;
        self.all += all * width as u64;
    }

    /// The share of padding.
    pub fn padding(&self) -> f64 {
        1.0 - self.real as f64 / (self.all as f64).max(1.0)
    }
}
