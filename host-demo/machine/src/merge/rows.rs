//! Rows of tables whose height depends on the run.

use tranche_core::shape::MAX_LOG_HEIGHT;

/// log2 of the least rows of a table whose height depends on the run: above every Merkle cap.
pub const MIN_LOG_ROWS: u8 = 4;

/// Rows of a table of 2^`log_height`; none when it has more than a table can have.
pub(super) const fn table_rows(log_height: u8) -> usize {
    if log_height as usize > MAX_LOG_HEIGHT {
        0
    } else {
        1 << log_height
    }
}
