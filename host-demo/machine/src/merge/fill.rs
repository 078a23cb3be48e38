//! Traces of the merge tables.
//!
//! Rows ascend strictly by cell, as [`extend`](super::extend) leaves them. Every element of a trace
//! is written.

use p3_field::PrimeCharacteristicRing;
use tranche_core::{F, TraceMut};

use super::chain::find;
use super::rest::{CELL_BITS, GAP_BITS, GAP_LIMIT};
use super::{
    Chain, EPOCH_BITS, Image, MergeError, Outcome, RangeCounts, image, outcome, parent, range, rest,
};
use crate::tables::lookup;

/// Writes the parent table of a merge whose first epoch is `first_epoch`.
///
/// # Errors
/// [`MergeError::TooManyRows`]; [`MergeError::Broken`] for a row that does not enter before
/// `first_epoch` and leave from it on.
///
/// # Panics
/// When `trace` has not the table's width.
pub fn fill_parent(
    trace: &mut TraceMut<'_>,
    first_epoch: u32,
    rows: &[Chain],
    counts: &mut RangeCounts,
) -> Result<(), MergeError> {
    room(trace, parent::WIDTH, rows.len())?;
    for r in 0..trace.height() {
        let mut row = [F::ZERO; parent::WIDTH];
        let (mut before, mut after) = (0, 0);
        if let Some(chain) = rows.get(r) {
            if chain.init_epoch >= first_epoch || chain.fini_epoch < first_epoch {
                return Err(MergeError::Broken {
                    cell: chain.cell,
                    epoch: chain.fini_epoch,
                });
            }
            before = first_epoch - 1 - chain.init_epoch;
            after = chain.fini_epoch - first_epoch;
            row[parent::CELL] = F::from_u32(chain.cell);
            row[parent::INIT_EPOCH] = F::from_u32(chain.init_epoch);
            [row[parent::INIT_LO], row[parent::INIT_HI]] = halves(chain.init);
            row[parent::FINI_EPOCH] = F::from_u32(chain.fini_epoch);
            [row[parent::FINI_LO], row[parent::FINI_HI]] = halves(chain.fini);
            row[parent::REAL] = F::ONE;
        }
        let bits = [EPOCH_BITS / parent::LIMBS as u32; parent::LIMBS];
        set(&mut row, parent::BEFORE, counts.split(before, bits));
        set(&mut row, parent::AFTER, counts.split(after, bits));
        trace.set_row(r, &row);
    }
    Ok(())
}

/// Writes the image table from the memory of the whole run.
///
/// # Errors
/// [`MergeError::TooManyRows`] when `trace` has not the image's height.
///
/// # Panics
/// When `trace` has not the table's width.
pub fn fill_image(
    trace: &mut TraceMut<'_>,
    image: &Image<'_>,
    memory: &[Chain],
) -> Result<(), MergeError> {
    room(trace, image::WIDTH, 1 << image.log_height())?;
    trace.values_mut().fill(F::ZERO);
    for (r, (cell, init)) in image.cells().enumerate() {
        let (epoch, fini) = find(memory, cell).map_or((0, init), |c| (c.fini_epoch, c.fini));
        trace.set(r, image::FINI_EPOCH, F::from_u32(epoch));
        let [lo, hi] = halves(fini);
        trace.set(r, image::FINI_LO, lo);
        trace.set(r, image::FINI_HI, hi);
    }
    Ok(())
}

/// Writes the result table from the memory of the whole run.
///
/// # Errors
/// [`MergeError::TooManyRows`] when `trace` has not the result's height.
///
/// # Panics
/// When `trace` has not the table's width.
pub fn fill_result(
    trace: &mut TraceMut<'_>,
    outcome: &Outcome<'_>,
    memory: &[Chain],
) -> Result<(), MergeError> {
    room(trace, outcome::WIDTH, 1 << outcome.log_height())?;
    trace.values_mut().fill(F::ZERO);
    for (r, (cell, _)) in outcome.cells().enumerate() {
        let epoch = find(memory, cell).map_or(0, |chain| chain.fini_epoch);
        trace.set(r, outcome::FINI_EPOCH, F::from_u32(epoch));
    }
    Ok(())
}

/// Writes the table of one hole from the memory of the whole run, whose other cells it skips.
///
/// # Errors
/// [`MergeError::TooManyRows`] when the height is below [`rest_rows`].
///
/// # Panics
/// When `trace` has not the table's width.
pub fn fill_rest(
    trace: &mut TraceMut<'_>,
    hole: (u32, u32),
    memory: &[Chain],
    counts: &mut RangeCounts,
) -> Result<(), MergeError> {
    room(trace, rest::WIDTH, rest_rows(hole, memory))?;
    let mut filled = 0;
    let mut write = |trace: &mut TraceMut<'_>, gap: u32, chain: Option<Chain>| {
        let mut row = [F::ZERO; rest::WIDTH];
        let Chain {
            cell,
            fini_epoch,
            fini,
            ..
        } = chain.unwrap_or_default();
        set(&mut row, rest::CELL, counts.split(cell, CELL_BITS));
        set(&mut row, rest::GAP, counts.split(gap, GAP_BITS));
        row[rest::FINI_EPOCH] = F::from_u32(fini_epoch);
        [row[rest::FINI_LO], row[rest::FINI_HI]] = halves(fini);
        row[rest::REAL] = F::from_bool(chain.is_some());
        trace.set_row(filled, &row);
        filled += 1;
    };
    let end_gap = walk(hole, memory, |gap, chain| write(trace, gap, Some(chain)));
    write(trace, end_gap, None);
    for _ in rest_rows(hole, memory)..trace.height() {
        write(trace, 0, None);
    }
    Ok(())
}

/// Rows that the table of a hole needs: its touched cells, bridges over wide gaps, one of padding.
pub fn rest_rows(hole: (u32, u32), memory: &[Chain]) -> usize {
    let mut rows = 1;
    walk(hole, memory, |_, _| rows += 1);
    rows
}

/// Writes the columns of one name.
fn set<const N: usize>(row: &mut [F], columns: [usize; N], values: [F; N]) {
    for (column, value) in columns.into_iter().zip(values) {
        row[column] = value;
    }
}

/// Writes the multiplicities of the range table, once every other table of the batch is filled.
///
/// # Panics
/// When `trace` has not the table's width and [`RANGE_ROWS`](super::RANGE_ROWS) rows.
pub fn fill_range(trace: &mut TraceMut<'_>, counts: &RangeCounts) {
    assert_eq!(
        (trace.width(), trace.height()),
        (range::WIDTH, super::RANGE_ROWS)
    );
    lookup::fill(counts.rows(), trace);
}

/// Finds a touched cell that no table of the root has, if there is one.
///
/// # Errors
/// [`MergeError::Uncovered`] with the first such cell.
pub fn check_cover(
    memory: &[Chain],
    image: &Image<'_>,
    outcome: &Outcome<'_>,
) -> Result<(), MergeError> {
    match memory.iter().find(|chain| {
        let in_hole = image
            .holes()
            .any(|(first, end)| (first..end).contains(&chain.cell));
        !in_hole && !image.covers(chain.cell) && !outcome.covers(chain.cell)
    }) {
        Some(chain) => Err(MergeError::Uncovered { cell: chain.cell }),
        None => Ok(()),
    }
}

/// Visits the real rows of a hole's table, each with its gap; returns the gap to the end of the
/// hole.
///
/// A hole without a touched cell has no rows and no gap.
fn walk(hole: (u32, u32), memory: &[Chain], mut visit: impl FnMut(u32, Chain)) -> u32 {
    let (mut from, end) = hole;
    let first = memory.partition_point(|chain| chain.cell < from);
    let len = memory[first..].partition_point(|chain| chain.cell < end);
    if len == 0 {
        return 0;
    }
    for chain in &memory[first..][..len] {
        let gap = bridge(&mut from, chain.cell, &mut visit);
        visit(gap, *chain);
        from = chain.cell + 1;
    }
    bridge(&mut from, end, &mut visit)
}

/// Visits untouched rows from `from` on, until `to` is within one gap; returns that gap.
fn bridge(from: &mut u32, to: u32, visit: &mut impl FnMut(u32, Chain)) -> u32 {
    while to - *from >= GAP_LIMIT {
        let cell = *from + GAP_LIMIT - 1;
        visit(
            GAP_LIMIT - 1,
            Chain {
                cell,
                ..Chain::default()
            },
        );
        *from = cell + 1;
    }
    to - *from
}

fn room(trace: &TraceMut<'_>, width: usize, needed: usize) -> Result<(), MergeError> {
    assert_eq!(trace.width(), width, "a trace of another table");
    let got = trace.height();
    if needed > got {
        Err(MergeError::TooManyRows { needed, got })
    } else {
        Ok(())
    }
}

/// Low and high half of a word.
fn halves(word: u32) -> [F; 2] {
    [F::from_u32(word & 0xffff), F::from_u32(word >> 16)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touched(cell: u32) -> Chain {
        Chain {
            cell,
            fini_epoch: 1,
            fini: 3,
            ..Chain::default()
        }
    }

    /// Cells and gaps of a hole's rows, with the end gap last.
    fn rows(hole: (u32, u32), memory: &[Chain]) -> heapless::Vec<(u32, u32), 16> {
        let mut rows = heapless::Vec::new();
        let end = walk(hole, memory, |gap, chain| {
            rows.push((chain.cell, gap)).unwrap()
        });
        rows.push((hole.1, end)).unwrap();
        rows
    }

    #[test]
    fn holes_keep_to_their_cells_and_bridge_wide_gaps() {
        const LIMIT: u32 = GAP_LIMIT;
        let memory = [4, 5, 9, 20].map(touched);
        assert_eq!(rows((5, 20), &memory)[..], [(5, 0), (9, 3), (20, 10)]);
        assert_eq!(rows((6, 9), &memory)[..], [(9, 0)]);
        assert_eq!(
            rows((0, 2 * LIMIT), &[touched(LIMIT - 1)])[..],
            [
                (LIMIT - 1, LIMIT - 1),
                (2 * LIMIT - 1, LIMIT - 1),
                (2 * LIMIT, 0)
            ]
        );
        assert_eq!(
            rows((0, 2 * LIMIT), &[touched(LIMIT)])[..],
            [(LIMIT - 1, LIMIT - 1), (LIMIT, 0), (2 * LIMIT, LIMIT - 1)]
        );
        assert_eq!(
            rows((0, 2 * LIMIT), &[touched(2 * LIMIT - 1)])[..],
            [
                (LIMIT - 1, LIMIT - 1),
                (2 * LIMIT - 1, LIMIT - 1),
                (2 * LIMIT, 0)
            ]
        );
    }
}
