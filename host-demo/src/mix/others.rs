//! Other heights for the epochs of a run that its first do not suit: the last, which is shorter, and those that have few
//! rows of some table.
//!
//! Each epoch alone would be cheapest in the least tables that hold its rows. There are only so many heights, so epochs
//! are put together, those first of which it costs the least.

use tranche_machine::shape::{EpochShape, MAX_OTHERS, Other, OtherHeights};
use tranche_machine::{EpochUse, FilledTable, Program, RomBlocks, RomPart};

use super::PerFilled;
use super::heights::{Logs, Widths, instances, lowest};

/// Groups at a time; where there would be more, two are made one.
const MAX_GROUPS: usize = 32;

/// A ROM of the blocks that most epochs execute.
#[derive(Clone, Copy, Debug)]
pub struct FrequentRom {
    blocks: RomBlocks,
    /// Cells that it has fewer than the run's.
    saved: f64,
}

impl FrequentRom {
    /// That of a program, if it has one that is lower than the run's.
    pub fn of(program: &Program<'_>, widths: &Widths) -> Option<Self> {
        let saved = widths.rom_cells(program.rom_log2())
            - widths.rom_cells(program.part_log2(RomPart::Frequent));
        (saved > 0.0).then(|| Self {
            blocks: program.part(RomPart::Frequent),
            saved,
        })
    }
}

/// The other heights for these epochs, all of which those of `first` hold: the cheapest come first.
pub fn other_heights(
    first: &EpochShape,
    epochs: &[EpochUse],
    widths: &Widths,
    frequent: Option<FrequentRom>,
) -> OtherHeights {
    let mut groups = Groups {
        all: Vec::new(),
        l2g: first.l2g,
        most: widths.cells(&Logs::of(first)),
        widths,
        frequent,
    };
    for epoch in epochs {
        groups.add(epoch);
    }
    groups.join_to(MAX_OTHERS);
    groups.all.sort_by(|a, b| a.cells.total_cmp(&b.cells));
    let mut others = groups.all.iter().map(|group| Other {
        heights: instances(&group.logs),
        rom_part: group.rom_part,
    });
    core::array::from_fn(|_| others.next())
}

/// Epochs in tables of the same heights.
struct Group {
    /// Most rows of each table.
    rows: PerFilled<f64>,
    logs: PerFilled<Logs>,
    rom_part: RomPart,
    /// Cells of each epoch.
    cells: f64,
    epochs: f64,
}

struct Groups<'w> {
    /// Those that are cheaper at other heights than the first.
    all: Vec<Group>,
    l2g: u32,
    /// Cells of an epoch at the first.
    most: f64,
    widths: &'w Widths,
    frequent: Option<FrequentRom>,
}

impl Groups<'_> {
    fn add(&mut self, epoch: &EpochUse) {
        let within = |rom: FrequentRom| epoch.blocks.is_subset(&rom.blocks);
        let rom_part = match self.frequent {
            Some(rom) if within(rom) => RomPart::Frequent,
            _ => RomPart::Run,
        };
        let group = self.group(epoch.rows.map(|rows| rows as f64), rom_part, 1.0);
        if group.cells >= self.most {
            return;
        }
        let alike =
            |other: &&mut Group| (&other.logs, other.rom_part) == (&group.logs, group.rom_part);
        if let Some(other) = self.all.iter_mut().find(alike) {
            other.rows = highest(&other.rows, &group.rows);
            other.epochs += 1.0;
            return;
        }
        self.all.push(group);
        self.join_to(MAX_GROUPS);
    }

    fn group(&self, rows: PerFilled<f64>, rom_part: RomPart, epochs: f64) -> Group {
        let logs = lowest(&rows, self.l2g, self.widths);
        let saved = match rom_part {
            RomPart::Run => 0.0,
            RomPart::Frequent => self.frequent.map_or(0.0, |rom| rom.saved),
        };
        Group {
            rows,
            cells: self.widths.cells(&logs) - saved,
            logs,
            rom_part,
            epochs,
        }
    }

    /// Two groups as one: with the run's ROM, unless both have the other.
    fn joined(&self, a: &Group, b: &Group) -> Group {
        let rom_part = match a.rom_part {
            RomPart::Frequent => b.rom_part,
            RomPart::Run => RomPart::Run,
        };
        self.group(highest(&a.rows, &b.rows), rom_part, a.epochs + b.epochs)
    }

    /// Makes two groups one, or has one at the first heights, until there are no more than so many.
    fn join_to(&mut self, groups: usize) {
        while self.all.len() > groups {
            let saved = |group: &Group| (self.most - group.cells) * group.epochs;
            let mut least = (f64::INFINITY, 0, None);
            for (i, a) in self.all.iter().enumerate() {
                let dropped = saved(a);
                if dropped < least.0 {
                    least = (dropped, i, None);
                }
                for (j, b) in self.all.iter().enumerate().skip(i + 1) {
                    let lost = dropped + saved(b) - saved(&self.joined(a, b));
                    if lost < least.0 {
                        least = (lost, i, Some(j));
                    }
                }
            }
            let (_, i, other) = least;
            // The second first: it is behind.
            let other = other.map(|j| self.all.swap_remove(j));
            let one = self.all.swap_remove(i);
            if let Some(other) = other {
                self.all.push(self.joined(&one, &other));
            }
        }
    }
}

fn highest(a: &PerFilled<f64>, b: &PerFilled<f64>) -> PerFilled<f64> {
    FilledTable::ALL.map(|table| a[table.index()].max(b[table.index()]))
}

#[cfg(test)]
mod tests {
    use tranche_machine::shape::RowCounts;

    use super::*;

    /// Tables of a column each.
    fn widths() -> Widths {
        Widths::each(1.0)
    }

    /// An epoch that executes the first block alone.
    fn rows(cpu: u64, memory: u64) -> EpochUse {
        let mut rows = RowCounts::default();
        rows[FilledTable::Cpu.index()] = cpu;
        rows[FilledTable::Mem.index()] = memory;
        let mut blocks = RomBlocks::NONE;
        blocks.insert(0);
        EpochUse { rows, blocks }
    }

    fn first() -> EpochShape {
        EpochShape::new(12, 4).expect("a shape")
    }

    fn heights(epochs: &[EpochUse]) -> Vec<[u8; 2]> {
        let others = other_heights(&first(), epochs, &widths(), None);
        let others = others.into_iter().flatten();
        others.map(logs).collect()
    }

    /// Heights of CPU and MEM.
    fn logs(other: Other) -> [u8; 2] {
        let [first, _] = other.heights;
        [FilledTable::Cpu, FilledTable::Mem].map(|it| first[it.index()])
    }

    /// Whatever has the rows of the first heights has none of its own; the cheapest come first, and none holds less than
    /// its epochs have.
    #[test]
    fn as_many_as_there_may_be() {
        assert_eq!(heights(&[rows(100, 60)]), [[7, 6]]);
        let few = [rows(4096, 100), rows(100, 60), rows(4096, 2000)];
        assert_eq!(heights(&few)[0], [7, 6]);
        let many: Vec<_> = (7..13).map(|log| rows(1 << log, 1 << (log - 2))).collect();
        let found = heights(&many);
        assert_eq!(found.len(), MAX_OTHERS);
        assert!(found.is_sorted_by_key(|[cpu, _]| *cpu), "{found:?}");
        let alone: Vec<_> = (0..500).map(|at| rows(1000 + at, 3 * at)).collect();
        assert!(heights(&alone).len() <= MAX_OTHERS);
    }

    /// What is put together is held together.
    #[test]
    fn every_epoch_has_room() {
        let epochs: Vec<_> = (1..200).map(|at| rows(20 * at, 4000 - 20 * at)).collect();
        let others = other_heights(&first(), &epochs, &widths(), None);
        let shapes: Vec<_> = others
            .into_iter()
            .flatten()
            .map(|other| EpochShape {
                second: other.heights[1],
                ..EpochShape::of_heights(&other.heights[0], 4)
            })
            .collect();
        let fits = |shape: &EpochShape, epoch: &EpochUse| {
            FilledTable::ALL
                .into_iter()
                .all(|table| epoch.rows[table.index()] <= shape.capacity(table))
        };
        assert_eq!(shapes.len(), MAX_OTHERS);
        for shape in &shapes {
            assert!(epochs.iter().any(|rows| fits(shape, rows)), "{shape:?}");
        }
        let cells = |shape: &EpochShape| widths().cells(&Logs::of(shape));
        let all = epochs.iter().map(|rows| {
            let fitting = shapes.iter().find(|shape| fits(shape, rows));
            cells(fitting.unwrap_or(&first()))
        });
        assert!(all.sum::<f64>() < 0.8 * cells(&first()) * epochs.len() as f64);
    }

    /// Epochs of the first heights have others where a lower ROM has all that they execute; what is put together with an
    /// epoch of another block has the run's.
    #[test]
    fn a_lower_rom() {
        let mut blocks = RomBlocks::NONE;
        blocks.insert(0);
        let frequent = |saved| Some(FrequentRom { blocks, saved });
        let full = rows(4096, 2000);
        let elsewhere = EpochUse {
            blocks: RomBlocks::ALL,
            ..full
        };
        let others = |epochs: &[EpochUse], frequent| {
            let others = other_heights(&first(), epochs, &widths(), frequent);
            let others = others.into_iter().flatten();
            others
                .map(|other| (logs(other), other.rom_part))
                .collect::<Vec<_>>()
        };
        let short = EpochUse {
            blocks: RomBlocks::ALL,
            ..rows(100, 60)
        };
        let epochs = [full, elsewhere, short];
        let [lower, high] = [RomPart::Frequent, RomPart::Run].map(|part| ([12, 11], part));
        let last = ([7, 6], RomPart::Run);
        assert_eq!(others(&epochs, frequent(100.0)), [last, lower, high]);
        assert_eq!(others(&epochs, None), [last, high]);
    }
}
