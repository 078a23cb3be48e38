//! Genesis and final memory on the memory bus of a run: the merge's tables, with the timestamp of the last
//! access in place of the last epoch.

use p3_lookup::InteractionBuilder;
use tranche_core::{F, TraceMut};

use crate::bus::MEMORY;
use crate::columns::Column;
use crate::merge::{Image, Outcome, fixed, image, outcome, rest};
use crate::tables::table::Table;

/// The program image, the registers and the hidden cells: cells and initial values are preprocessed.
#[derive(Clone, Copy, Debug)]
pub struct ImageEnds<'a>(pub Image<'a>);

/// The claimed result: cells and final values are preprocessed.
#[derive(Clone, Copy, Debug)]
pub struct ResultEnds<'a>(pub Outcome<'a>);

/// The touched cells of one hole of the image. Public values: its first cell, and the first cell after it.
#[derive(Clone, Copy, Debug)]
pub struct RestEnds;

impl Table for ImageEnds<'_> {
    const COLUMNS: &'static [Column] = image::COLUMNS;
    const FIXED_WIDTH: usize = fixed::WIDTH;

    fn fixed_log_height(&self) -> Option<u8> {
        Some(self.0.log_height())
    }

    fn fill_preprocessed(&self, trace: &mut TraceMut<'_>) {
        fixed::fill(self.0.cells(), trace);
    }

    fn eval<AB: InteractionBuilder<F = F>>(&self, builder: &mut AB) {
        image::eval(MEMORY, builder);
    }
}

impl Table for ResultEnds<'_> {
    const COLUMNS: &'static [Column] = outcome::COLUMNS;
    const FIXED_WIDTH: usize = fixed::WIDTH;

    fn fixed_log_height(&self) -> Option<u8> {
        Some(self.0.log_height())
    }

    fn fill_preprocessed(&self, trace: &mut TraceMut<'_>) {
        fixed::fill(self.0.cells(), trace);
    }

    fn eval<AB: InteractionBuilder<F = F>>(&self, builder: &mut AB) {
        outcome::eval(MEMORY, builder);
    }
}

impl Table for RestEnds {
    const COLUMNS: &'static [Column] = rest::COLUMNS;
    const NEXT: &'static [usize] = &rest::NEXT;
    const PUBLIC_VALUES: usize = 2;

    fn eval<AB: InteractionBuilder<F = F>>(&self, builder: &mut AB) {
        rest::eval(MEMORY, builder);
    }
}
