//! The blocks of a ROM that a run executes, and those that it executes most of the time.
//!
//! Most of a program's words are executed in few of its epochs. Those that are not need not be in the ROM table of the
//! others: a table of the blocks that most windows of a run have is lower, and epochs that have another take the run's.

use tranche_machine::{Program, RomBlocks};

/// Cycles of a window.
pub(crate) const WINDOW_CYCLES: u64 = 1 << 14;
/// Windows that are kept; where there would be more, every second is dropped.
const MAX_WINDOWS: usize = 1 << 12;

/// The blocks that the windows of a run execute.
#[derive(Clone, Debug)]
pub struct Windows {
    kept: Vec<RomBlocks>,
    /// One in so many is kept.
    every: u64,
    seen: u64,
    all: RomBlocks,
}

impl Default for Windows {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            every: 1,
            seen: 0,
            all: RomBlocks::NONE,
        }
    }
}

impl Windows {
    /// Adds the next window.
    pub fn push(&mut self, blocks: RomBlocks) {
        self.all = self.all.union(&blocks);
        if self.seen.is_multiple_of(self.every) {
            if self.kept.len() == MAX_WINDOWS {
                let mut places = 0..;
                self.kept
                    .retain(|_| places.next().is_some_and(|at| at % 2 == 0));
                self.every *= 2;
            }
            self.kept.push(blocks);
        }
        self.seen += 1;
    }

    /// The blocks of all windows.
    pub const fn all(&self) -> RomBlocks {
        self.all
    }

    /// The blocks that most windows execute, as many as a table holds: of the height of which all tables together have
    /// the fewest rows, if windows that execute another block have one of all. All of them, where that saves less than a
    /// quarter.
    pub fn frequent(&self, program: &Program<'_>) -> RomBlocks {
        let whole = program.blocks_log2(&self.all);
        let windows = |block| self.kept.iter().filter(|it| it.has(block)).count();
        let blocks = 0..RomBlocks::COUNT as u32;
        let mut order: Vec<_> = blocks.map(|block| (windows(block), block)).collect();
        order.retain(|&(windows, _)| windows > 0);
        order.sort_by_key(|&(windows, block)| (usize::MAX - windows, block));
        let count = self.kept.len() as u64;
        let rows = |set: &RomBlocks| {
            let within = self.kept.iter().filter(|it| it.is_subset(set)).count() as u64;
            (within << program.blocks_log2(set)) + ((count - within) << whole)
        };
        let most = (count << whole) / 4 * 3;
        let (mut set, mut best) = (RomBlocks::NONE, (most, self.all));
        for (_, block) in order {
            let shorter = set;
            set.insert(block);
            let log2 = program.blocks_log2(&set);
            // The last of its height has the most blocks.
            if log2 > program.blocks_log2(&shorter) {
                best = fewer(best, (rows(&shorter), shorter));
            }
            if log2 >= whole {
                break;
            }
        }
        best.1
    }
}

/// The one of fewer rows.
fn fewer(a: (u64, RomBlocks), b: (u64, RomBlocks)) -> (u64, RomBlocks) {
    if b.0 < a.0 { b } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &[u8] = include_bytes!("../guests/prebuilt/words.elf");

    fn blocks(of: core::ops::Range<u32>) -> RomBlocks {
        let mut blocks = RomBlocks::NONE;
        of.for_each(|block| blocks.insert(block));
        blocks
    }

    /// What of these windows is frequent; the first are in all.
    fn frequent(windows: &[(usize, RomBlocks)]) -> RomBlocks {
        let program = Program::parse(WORDS).expect("a prebuilt guest");
        let mut all = Windows::default();
        for &(times, window) in windows {
            (0..times).for_each(|_| all.push(window));
        }
        all.frequent(&program)
    }

    /// A table as high as it takes for most windows, with as many blocks as it holds.
    #[test]
    fn the_blocks_of_most_windows() {
        let (few, many) = (blocks(0..16), blocks(0..180));
        assert_eq!(frequent(&[(99, few), (1, many)]), few);
        let rare = blocks(100..104);
        assert_eq!(frequent(&[(95, few), (4, rare), (1, many)]), few);
        let both = frequent(&[(50, few), (50, rare), (1, many)]);
        assert!(few.union(&rare).is_subset(&both) && both.count() == 32);
    }

    /// A quarter of the rows at least is saved, or there is none.
    #[test]
    fn few_windows_of_few_blocks() {
        let (few, many) = (blocks(0..16), blocks(0..180));
        assert_eq!(frequent(&[(1, few), (2, many)]), few);
        assert_eq!(frequent(&[(1, few), (3, many)]), many);
        assert_eq!(frequent(&[(1, many)]), many);
    }

    /// However many windows there are, no more are kept than there may be, and none is forgotten.
    #[test]
    fn long_runs() {
        let (few, many) = (blocks(0..16), blocks(0..180));
        let mut windows = Windows::default();
        windows.push(many);
        for _ in 0..5 * MAX_WINDOWS {
            windows.push(few);
        }
        assert!(windows.kept.len() <= MAX_WINDOWS && windows.every == 8);
        assert_eq!(windows.all(), many);
        let program = Program::parse(WORDS).expect("a prebuilt guest");
        assert_eq!(windows.frequent(&program), few);
    }
}
