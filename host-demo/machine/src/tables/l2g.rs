//! L2G: where each touched cell came from, and how it was left.
//!
//! In the epoch's proof a real row puts `(cell, 0, init)` on the memory bus and takes
//! `(cell, fini_timestamp, fini)`; the merge reads the same columns on the global bus, gated by the
//! same boolean. That `init_epoch` is below this epoch's number is checked here, in
//! [`EPOCH_BITS`] bits.

use p3_air::WindowAccess;
use p3_field::PrimeCharacteristicRing;
use p3_lookup::InteractionBuilder;
use tranche_core::{F, TraceMut};

use crate::bus::{MEMORY, inverse_power_of_two, range8, receive, send};
use crate::exec::record::EpochRecord;

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

use columns::{
    CELL, FINI_HI, FINI_LO, FINI_TIMESTAMP, GAP, INIT_EPOCH, INIT_HI, INIT_LO, REAL, WIDTH,
};

/// Epoch numbers are below `2^EPOCH_BITS`.
pub const EPOCH_BITS: u32 = 24;

/// Public values: the epoch's number.
pub(super) const PUBLIC_VALUES: usize = 1;

pub(super) fn eval<AB: InteractionBuilder<F = F>>(builder: &mut AB) {
    let main = builder.main();
    let at = |c: usize| -> AB::Expr { main.current_slice()[c].into() };
    let epoch: AB::Expr = builder.public_values()[0].into();
    let real = at(REAL);
    builder.assert_bool(real.clone());

    let init = [at(CELL), AB::Expr::ZERO, at(INIT_LO), at(INIT_HI)];
    builder.push_interaction(MEMORY, init, send(real.clone()));
    let fini = [at(CELL), at(FINI_TIMESTAMP), at(FINI_LO), at(FINI_HI)];
    builder.push_interaction(MEMORY, fini, receive(real.clone()));

    let mut rest = epoch - AB::Expr::ONE - at(INIT_EPOCH);
    for limb in GAP {
        range8(builder, at(limb), real.clone());
        rest = (rest - at(limb)) * inverse_power_of_two(8);
    }
    range8(builder, rest, real);
}

pub(super) fn fill(record: &mut EpochRecord<'_>, trace: &mut TraceMut<'_>) {
    trace.values_mut().fill(F::ZERO);
    let counts = &mut record.counts;
    for (r, touched) in record.l2g.as_slice().iter().enumerate() {
        let gap = record.epoch - 1 - touched.init_epoch;
        let bytes = [gap & 0xff, gap >> 8 & 0xff, gap >> 16];
        for byte in bytes {
            counts.range(byte, 8);
        }
        let mut row = [0; WIDTH];
        row[CELL] = touched.cell;
        row[INIT_EPOCH] = touched.init_epoch;
        row[INIT_LO] = touched.init & 0xffff;
        row[INIT_HI] = touched.init >> 16;
        row[FINI_LO] = touched.fini & 0xffff;
        row[FINI_HI] = touched.fini >> 16;
        row[FINI_TIMESTAMP] = touched.timestamp;
        row[REAL] = 1;
        row[GAP[0]] = bytes[0];
        row[GAP[1]] = bytes[1];
        trace.set_row(r, &row.map(F::from_u32));
    }
}
