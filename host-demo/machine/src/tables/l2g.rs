//! L2G: where each touched cell came from, and how it was left.
//!
//! In the epoch's proof a real row puts `(cell, 0, init)` on the memory bus and takes
//! `(cell, fini_timestamp, fini)`; the merge reads the same columns on the global bus, gated by the
//! same boolean. That `init_epoch` is below this epoch's number is checked here, in
//! [`EPOCH_BITS`] bits.

use bytemuck::{Pod, Zeroable};
use p3_air::WindowAccess;
use p3_field::PrimeCharacteristicRing;
use p3_lookup::InteractionBuilder;
use tranche_core::{F, TraceMut};
use zeroize::DefaultIsZeroes;

use super::counts::Counts;
use super::filled::{Epoch, Filled, Height};
use super::table::Table;
use crate::air::first;
use crate::bus::{Clock, MEMORY, inverse_power_of_two, range8, receive, send};
use crate::columns::Column;
use crate::program::Program;
use crate::span::{PublicValues, Span};

/// What is recorded of a row.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct L2gRow {
    /// The cell.
    pub cell: u32,
    /// The epoch that touched it before; 0 for genesis.
    pub init_epoch: u32,
    /// Value at the start of the epoch.
    pub init: u32,
    /// Value at its end.
    pub fini: u32,
    /// Timestamp of the last access.
    pub timestamp: u32,
}

impl DefaultIsZeroes for L2gRow {}

/// Column indices; the merge's tables read the same columns.
pub mod columns {
    use crate::columns::{columns, width};

    columns! {
        /// The touched cell.
        CELL,
        /// The epoch that left the value found here; 0 is genesis.
        INIT_EPOCH,
        /// Value at the start of the epoch, low half.
        INIT_LO,
        /// Value at the start of the epoch, high half.
        INIT_HI,
        /// Value at the end of the epoch, low half.
        FINI_LO,
        /// Value at the end of the epoch, high half.
        FINI_HI,
        /// Timestamp of the last access inside the epoch.
        FINI_TIMESTAMP,
        /// 1 on rows that hold a cell; gates local and global messages alike.
        REAL,
        /// Low and middle byte of `fini_epoch - 1 - init_epoch`.
        GAP[2],
    }
    /// Number of columns.
    pub const WIDTH: usize = width(COLUMNS);
}

use columns::{CELL, FINI_HI, FINI_LO, FINI_TIMESTAMP, GAP, INIT_EPOCH, INIT_HI, INIT_LO, REAL};

/// Epoch numbers are below `2^EPOCH_BITS`.
pub const EPOCH_BITS: u32 = 24;

/// The table.
#[derive(Clone, Copy, Debug)]
pub struct L2g;

impl Table for L2g {
    const COLUMNS: &'static [Column] = columns::COLUMNS;
    /// The epoch's number.
    const PUBLIC_VALUES: usize = 1;
    const CARVED: bool = true;

    fn public_values(number: u32, _: &Span) -> PublicValues {
        [F::from_u32(number)].into_iter().collect()
    }

    fn eval<AB: InteractionBuilder<F = F>>(&self, builder: &mut AB) {
        eval(builder);
    }
}

impl Filled for L2g {
    type Row = L2gRow;
    /// The floor holds what a handful of cycles can touch, whatever they are.
    const HEIGHT: Height = Height { below: 3, least: 6 };

    fn new(_: Clock) -> Self {
        Self
    }

    fn fill(
        &self,
        _: &Program<'_>,
        rows: &[Self::Row],
        epoch: Epoch,
        counts: &mut Counts<'_>,
        trace: &mut TraceMut<'_>,
    ) {
        fill(rows, epoch.number, counts, trace);
    }
}

fn eval<AB: InteractionBuilder<F = F>>(builder: &mut AB) {
    let main = builder.main();
    let now: &[_; columns::WIDTH] = first(main.current_slice());
    let at = |c: usize| -> AB::Expr { now[c].into() };
    let [epoch]: [AB::Expr; 1] = first(builder.public_values()).map(Into::into);
    let real = at(REAL);
    builder.assert_bool(real.clone());

    let init = [at(CELL), AB::Expr::ZERO, at(INIT_LO), at(INIT_HI)];
    builder.push_interaction(MEMORY, init, send(real.clone()));
    let fini = [at(CELL), at(FINI_TIMESTAMP), at(FINI_LO), at(FINI_HI)];
    builder.push_interaction(MEMORY, fini, receive(real.clone()));

    let mut rest = epoch - AB::Expr::ONE - at(INIT_EPOCH);
    for limb in GAP.map(at) {
        range8(builder, limb.clone(), real.clone());
        rest = (rest - limb) * inverse_power_of_two(8);
    }
    range8(builder, rest, real);
}

fn fill(rows: &[L2gRow], number: u32, counts: &mut Counts<'_>, trace: &mut TraceMut<'_>) {
    trace.values_mut().fill(F::ZERO);
    for (r, touched) in rows.iter().enumerate() {
        let gap = number - 1 - touched.init_epoch;
        let bytes = [gap & 0xff, gap >> 8 & 0xff, gap >> 16];
        for byte in bytes {
            counts.range(byte, 8);
        }
        let mut row = [0; columns::WIDTH];
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
