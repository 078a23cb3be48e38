//! What a range of epochs did to each cell it touched: the rows of a parent table, and at the root
//! the whole memory.

use super::MergeError;
use crate::tables::l2g::L2gRow;

/// How a range of epochs found a cell and left it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Chain {
    /// The cell.
    pub cell: u32,
    /// Epoch that left the cell as the range found it, 0 for genesis.
    pub init_epoch: u32,
    /// Value on entry.
    pub init: u32,
    /// Last epoch of the range that touched the cell.
    pub fini_epoch: u32,
    /// Value on exit.
    pub fini: u32,
}

impl Chain {
    /// What epoch `number` did to a cell, by the row of its L2G table.
    pub const fn of_epoch(row: &L2gRow, number: u32) -> Self {
        let L2gRow {
            cell,
            init_epoch,
            init,
            fini,
            timestamp: _,
        } = *row;
        Self {
            cell,
            init_epoch,
            init,
            fini_epoch: number,
            fini,
        }
    }
}

/// Appends what the next epoch, or the next range of epochs, did to what the ones before it did.
///
/// `chains[..len]` and `next` ascend strictly by cell; so does the result, `chains[..returned]`.
/// Call it with the children of a merge in order, beginning with `len = 0`. Runs in place, in time
/// linear in both.
///
/// # Errors
/// [`MergeError::TooManyRows`] with the length that `chains` would need, [`MergeError::Unsorted`],
/// or [`MergeError::Broken`] when `next` finds a cell otherwise than it was left. Then `chains` is
/// as before.
pub fn extend<I>(chains: &mut [Chain], len: usize, next: I) -> Result<usize, MergeError>
where
    I: DoubleEndedIterator<Item = Chain> + Clone,
{
    let needed = len + count_fresh(&chains[..len], next.clone())?;
    if needed > chains.len() {
        return Err(MergeError::TooManyRows {
            needed,
            got: chains.len(),
        });
    }
    // From the back, so that nothing is overwritten before it has moved.
    let (mut from, mut to) = (len, needed);
    for row in next.rev() {
        while from > 0 && chains[from - 1].cell > row.cell {
            (from, to) = (from - 1, to - 1);
            chains[to] = chains[from];
        }
        to -= 1;
        chains[to] = if from > 0 && chains[from - 1].cell == row.cell {
            from -= 1;
            Chain {
                fini_epoch: row.fini_epoch,
                fini: row.fini,
                ..chains[from]
            }
        } else {
            row
        };
    }
    Ok(needed)
}

/// How many rows of `next` are for cells that `chains` lacks; checks order and links on the way.
fn count_fresh(chains: &[Chain], next: impl Iterator<Item = Chain>) -> Result<usize, MergeError> {
    let (mut at, mut fresh, mut previous) = (0, 0, None);
    for row in next {
        if previous.is_some_and(|cell| cell >= row.cell) {
            return Err(MergeError::Unsorted { cell: row.cell });
        }
        previous = Some(row.cell);
        while at < chains.len() && chains[at].cell < row.cell {
            at += 1;
        }
        match chains.get(at) {
            Some(last) if last.cell == row.cell => {
                if (last.fini_epoch, last.fini) != (row.init_epoch, row.init) {
                    return Err(MergeError::Broken {
                        cell: row.cell,
                        epoch: row.fini_epoch,
                    });
                }
            }
            _ => fresh += 1,
        }
    }
    Ok(fresh)
}

/// The chain of `cell` in rows that ascend by cell.
pub(super) fn find(chains: &[Chain], cell: u32) -> Option<&Chain> {
    chains
        .binary_search_by_key(&cell, |chain| chain.cell)
        .ok()
        .map(|i| &chains[i])
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn row(cell: u32, init: (u32, u32), fini: (u32, u32)) -> Chain {
        Chain {
            cell,
            init_epoch: init.0,
            init: init.1,
            fini_epoch: fini.0,
            fini: fini.1,
        }
    }

    #[test]
    fn children_compose_to_their_ends() {
        let first = [row(3, (0, 0), (1, 5)), row(7, (0, 9), (1, 9))];
        let second = [
            row(1, (0, 0), (2, 1)),
            row(7, (1, 9), (2, 4)),
            row(8, (0, 0), (2, 2)),
        ];
        let third = [row(3, (1, 5), (3, 6))];
        let mut buffer = [Chain::default(); 4];
        let mut len = extend(&mut buffer, 0, first.into_iter()).unwrap();
        len = extend(&mut buffer, len, second.into_iter()).unwrap();
        len = extend(&mut buffer, len, third.into_iter()).unwrap();
        let composed = [
            row(1, (0, 0), (2, 1)),
            row(3, (0, 0), (3, 6)),
            row(7, (0, 9), (2, 4)),
            row(8, (0, 0), (2, 2)),
        ];
        assert_eq!(buffer[..len], composed);
        assert_eq!(find(&buffer[..len], 7), Some(&composed[2]));
        assert_eq!(find(&buffer[..len], 2), None);
    }

    #[test]
    fn refusals_leave_the_buffer_alone() {
        let first = [row(3, (0, 0), (1, 5))];
        let mut buffer = [first[0]];
        let refuse = |buffer: &mut [Chain], next: &[Chain]| {
            let error = extend(buffer, 1, next.iter().copied()).unwrap_err();
            assert_eq!(buffer, first);
            error
        };
        assert_eq!(
            refuse(&mut buffer, &[row(4, (0, 0), (2, 1))]),
            MergeError::TooManyRows { needed: 2, got: 1 }
        );
        assert_eq!(
            refuse(&mut buffer, &[row(3, (1, 4), (2, 1))]),
            MergeError::Broken { cell: 3, epoch: 2 }
        );
        assert_eq!(
            refuse(&mut buffer, &[row(3, (0, 5), (2, 1))]),
            MergeError::Broken { cell: 3, epoch: 2 }
        );
        let twice = [row(4, (0, 0), (2, 1)), row(4, (0, 0), (2, 1))];
        assert_eq!(
            refuse(&mut buffer, &twice),
            MergeError::Unsorted { cell: 4 }
        );
    }
}
