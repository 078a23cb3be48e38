//! Columns of the local-to-global table.

/// Column indices; the merge's tables read the same columns.
pub mod columns {
    /// The touched cell.
    pub const CELL: usize = 0;
    /// The epoch that left the value found here; 0 is genesis.
    pub const INIT_EPOCH: usize = 1;
    /// Value at the start of the epoch, low half.
    pub const INIT_LO: usize = 2;
    /// Value at the start of the epoch, high half.
    pub const INIT_HI: usize = 3;
    /// Value at the end of the epoch, low half.
    pub const FINI_LO: usize = 4;
    /// Value at the end of the epoch, high half.
    pub const FINI_HI: usize = 5;
    /// Timestamp of the last access inside the epoch.
    pub const FINI_TIMESTAMP: usize = 6;
    /// 1 on rows that hold a cell; gates local and global messages alike.
    pub const REAL: usize = 7;
    /// Low and middle byte of `fini_epoch - 1 - init_epoch`.
    pub const GAP: [usize; 2] = [8, 9];
    /// Number of columns.
    pub const WIDTH: usize = 10;
}

/// Epoch numbers are below `2^EPOCH_BITS`.
pub const EPOCH_BITS: u32 = 24;
