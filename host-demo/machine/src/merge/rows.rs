//! Rows of tables whose height depends on the run.

use tranche_core::shape::MAX_LOG_HEIGHT;

/// log2 of the least rows of a table whose height depends on the run: above every Merkle cap.
pub const MIN_LOG_ROWS: u8 = 4;

/// log2 of the height of such a table, for so many rows.
pub const fn log_rows(rows: usize) -> u8 {
    let log = rows.next_power_of_two().ilog2() as u8;
    if log < MIN_LOG_ROWS {
        MIN_LOG_ROWS
    } else {
        log
    }
}

/// Rows of a table of 2^`log_height`; none when it has more than a table can have.
pub(super) const fn table_rows(log_height: u8) -> usize {
    if log_height as usize > MAX_LOG_HEIGHT {
        0
    } else {
        1 << log_height
    }
}
