//! The search for heights: a local minimum of committed cells, found from tables that are full in no epoch by changing
//! one after another. The last epoch counts in the least tables that hold its rows.

use tranche_core::shape::TablePlan;
use tranche_machine::FilledTable;
use tranche_machine::shape::{
    ABSENT, EpochShape, Heights, InstanceHeights, MAX_SECONDS, MIN_LOG2_CYCLES, TableHeights,
};

use super::{Mix, PerFilled};

/// Room of a table that is none: an epoch of it holds next to nothing.
const NO_ROOM: f64 = 1e-3;
/// What an epoch costs besides its cells, in cells: queries, paths and proofs of work.
const EPOCH_CELLS: f64 = (1 << 17) as f64;
/// What a second instance costs besides its cells, in rows of it: each of its columns is opened once more.
const SECOND_ROWS: f64 = (1 << 10) as f64;
/// log2 of how many times lower than the first a second instance is, at most, when it is first tried.
const LOWEST_SECOND: u32 = 4;

/// log2 of the rows of a table's instances, of those that there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Logs {
    first: Option<u32>,
    second: Option<u32>,
}

impl Logs {
    const fn one(first: Option<u32>) -> Self {
        Self {
            first,
            second: None,
        }
    }

    /// Those of a shape.
    pub(super) fn of(shape: &EpochShape) -> PerFilled<Self> {
        FilledTable::ALL.map(|table| Self {
            first: shape.log_rows(table),
            second: shape.second_log_rows(table),
        })
    }

    /// Rows of both.
    fn rows(self) -> f64 {
        [self.first, self.second].map(rows).iter().sum()
    }

    /// The fewest rows that hold so many, of a table of 2^`least` rows at least, which may be split or not.
    fn holding(rows: f64, least: u32, split: bool) -> Self {
        let log = |rows: f64| (rows.max(1.0).log2().ceil() as u32).max(least);
        let one = Self::one(Some(log(rows)));
        let Some(first) = log(rows).checked_sub(1).filter(|&first| first >= least) else {
            return one;
        };
        let two = Self {
            first: Some(first),
            second: Some(log(rows - f64::from(first).exp2())),
        };
        let fewer = two.second < two.first && two.committed() < one.committed();
        if split && fewer { two } else { one }
    }

    /// Rows of both, and what a second one costs besides.
    fn committed(self) -> f64 {
        self.rows() + self.second.map_or(0.0, |_| SECOND_ROWS)
    }

    /// Those of about as many rows, 2^`most` at most in the first instance, that are tried next: of a table of 2^`least`
    /// rows at least, which may be split or not.
    fn near(self, least: u32, most: u32, split: bool) -> impl Iterator<Item = Self> {
        let near = |first: u32| first.saturating_sub(1).max(least)..=(first + 1).min(most);
        let firsts = self.first.map(near).into_iter().flatten();
        firsts.flat_map(move |first| {
            let seconds = first.saturating_sub(LOWEST_SECOND).max(least)..first;
            let seconds = seconds.filter(move |_| split).map(Some).chain([None]);
            seconds.map(move |second| Self {
                first: Some(first),
                second,
            })
        })
    }
}

impl Mix {
    /// The heights of tables of one instance, of the last batch too, that prove the run in the fewest committed cells.
    pub fn heights(&self, widths: &Widths) -> TableHeights {
        bytes(self.search(widths, false).map(|logs| logs.first))
    }

    /// The same, with a second instance of a table where it saves padding, and where the last epoch has its own.
    pub fn split_heights(&self, widths: &Widths) -> Heights {
        let [first, second] = instances(&self.search(widths, true));
        Heights::Given(first, second)
    }

    fn search(&self, widths: &Widths, split: bool) -> PerFilled<Logs> {
        let needed = FilledTable::ALL.map(|table| self.needed(table));
        let mut logs = needed.map(Logs::one);
        let mut cells = self.cells(&logs, widths, split);
        loop {
            let seconds = logs.iter().filter(|logs| logs.second.is_some()).count();
            let near = FilledTable::ALL.into_iter().flat_map(|table| {
                let (at, least) = (table.index(), EpochShape::least_log(table));
                let room = seconds < MAX_SECONDS || logs[at].second.is_some();
                let may = split && room && EpochShape::may_split(table);
                let most = needed[at].unwrap_or_default();
                let near = (table != FilledTable::Cpu).then(|| logs[at].near(least, most, may));
                near.into_iter().flatten().map(move |near| {
                    let mut logs = logs;
                    logs[at] = near;
                    (self.cells(&logs, widths, split), logs)
                })
            });
            match near.min_by(|(a, _), (b, _)| a.total_cmp(b)) {
                Some((fewer, near)) if fewer < cells => (logs, cells) = (near, fewer),
                _ => return logs,
            }
        }
    }

    /// log2 of the rows that hold those of any epoch that is full of cycles; none of an extension without a row.
    fn needed(&self, table: FilledTable) -> Option<u32> {
        let full = f64::from(self.log2_cycles).exp2();
        let in_epoch = |window: &PerFilled<f64>| {
            let cycles = window[FilledTable::Cpu.index()].max(1.0);
            window[table.index()] / cycles * full
        };
        let most = self.windows.iter().map(in_epoch).fold(0.0, f64::max);
        if table.is_extension() && most == 0.0 {
            return None;
        }
        let log = (most + free(table)).max(1.0).log2().ceil() as u32;
        Some(log.min(self.log2_cycles).max(EpochShape::least_log(table)))
    }

    /// Committed cells of all epochs of the run, of which the last may have its own heights.
    fn cells(&self, logs: &PerFilled<Logs>, widths: &Widths, own_last: bool) -> f64 {
        let (epochs, held) = self.epochs(logs, widths);
        let each = widths.cells(logs);
        let last = if own_last {
            let l2g = logs[FilledTable::L2g.index()].first;
            widths.cells(&lowest(&held, l2g.unwrap_or_default(), widths))
        } else {
            each
        };
        (epochs - 1.0) * each + last + epochs * widths.fixed
    }

    /// Epochs of the run in tables of these heights, and the rows of the last. Within a window, rows are spread evenly.
    fn epochs(&self, logs: &PerFilled<Logs>, widths: &Widths) -> (f64, PerFilled<f64>) {
        let mut capacities = logs.map(Logs::rows);
        for table in FilledTable::ALL {
            let capacity = &mut capacities[table.index()];
            *capacity = (*capacity - free(table)).max(NO_ROOM);
        }
        for (capacity, &width) in capacities.iter_mut().zip(&widths.filled) {
            // Batches have no L2G.
            if width == 0.0 {
                *capacity = f64::INFINITY;
            }
        }
        let (mut epochs, mut held) = (1.0, PerFilled::<f64>::default());
        for window in &self.windows {
            let mut left = 1.0;
            loop {
                let fits = share(window, |at| capacities[at] - held[at]);
                if fits >= left {
                    for (held, rows) in held.iter_mut().zip(window) {
                        *held += rows * left;
                    }
                    break;
                }
                // This epoch is full, and perhaps more that lie within the window.
                let whole = share(window, |at| capacities[at]);
                left -= fits;
                let more = (left / whole).floor();
                left -= more * whole;
                epochs += 1.0 + more;
                held = PerFilled::default();
            }
        }
        (epochs, held)
    }
}

/// Rows of a table that an epoch may leave free: a step may touch eight cells, and one of a system call asks for a row of
/// MEM whether or not it needs it.
const fn free(table: FilledTable) -> f64 {
    match table {
        FilledTable::L2g => 8.0,
        FilledTable::Mem => 1.0,
        _ => 0.0,
    }
}

/// The share of a window whose rows have room, by the room of each table.
fn share(window: &PerFilled<f64>, room: impl Fn(usize) -> f64) -> f64 {
    let rows = window.iter().enumerate().filter(|&(_, &rows)| rows > 0.0);
    let shares = rows.map(|(at, rows)| room(at).max(0.0) / rows);
    shares.fold(f64::INFINITY, f64::min)
}

/// Rows of an instance, of one that there is.
fn rows(log: Option<u32>) -> f64 {
    log.map_or(0.0, |log| f64::from(log).exp2())
}

/// The least tables that hold so many rows, with second instances where they save the most.
pub(super) fn lowest(rows: &PerFilled<f64>, l2g: u32, widths: &Widths) -> PerFilled<Logs> {
    let holding = |table: FilledTable, split| {
        let (rows, least) = (rows[table.index()], EpochShape::least_log(table));
        match table {
            FilledTable::L2g => Logs::one(Some(l2g)),
            FilledTable::Cpu => Logs::holding(rows, MIN_LOG2_CYCLES, false),
            _ if table.is_extension() && rows == 0.0 => Logs::default(),
            _ => Logs::holding(rows, least, split && EpochShape::may_split(table)),
        }
    };
    let mut logs = FilledTable::ALL.map(|table| holding(table, false));
    let mut split = FilledTable::ALL.map(|table| (table, holding(table, true)));
    let saved = |&(table, two): &(FilledTable, Logs)| {
        let at = table.index();
        widths.filled[at] * (logs[at].committed() - two.committed())
    };
    split.sort_by(|a, b| saved(b).total_cmp(&saved(a)));
    for (table, two) in split.into_iter().take(MAX_SECONDS) {
        logs[table.index()] = two;
    }
    logs
}

/// The heights of both instances.
pub(super) fn instances(logs: &PerFilled<Logs>) -> InstanceHeights {
    [logs.map(|logs| logs.first), logs.map(|logs| logs.second)].map(bytes)
}

fn bytes(logs: PerFilled<Option<u32>>) -> TableHeights {
    logs.map(|log| log.map_or(ABSENT, |log| log as u8))
}

/// Base columns that the tables of an epoch, or of a batch, commit.
#[derive(Clone, Debug, Default)]
pub struct Widths {
    /// Of those that an execution fills; 0 of one that is not in the batch.
    filled: PerFilled<f64>,
    /// Of those that are asked, times their rows, and what each epoch costs besides.
    fixed: f64,
    /// Of the ROM.
    rom: f64,
}

impl Widths {
    /// Those of a plan whose first tables are `filled`, of one instance each.
    pub fn of(filled: impl Iterator<Item = FilledTable>, plan: &[TablePlan]) -> Self {
        let (mut widths, mut tables) = (Self::default(), plan.iter());
        // In this order, so that none is taken that is left.
        for (table, plan) in filled.zip(tables.by_ref()) {
            widths.filled[table.index()] = plan.committed_columns() as f64;
        }
        let mut tables = tables.peekable();
        // The first of them.
        widths.rom = tables
            .peek()
            .map_or(0.0, |rom| rom.committed_columns() as f64);
        let asked = tables.map(|plan| (plan.committed_columns() * plan.height()) as f64);
        widths.fixed = asked.sum::<f64>() + EPOCH_CELLS;
        widths
    }

    /// Tables of so many columns each.
    #[cfg(test)]
    pub(super) const fn each(columns: f64) -> Self {
        Self {
            filled: [columns; FilledTable::ALL.len()],
            fixed: 512.0,
            rom: columns,
        }
    }

    /// Committed cells of a ROM of 2^`log2` rows.
    pub(super) fn rom_cells(&self, log2: u32) -> f64 {
        self.rom * f64::from(log2).exp2()
    }

    /// Committed cells of the tables that an execution fills.
    pub(super) fn cells(&self, logs: &PerFilled<Logs>) -> f64 {
        let tables = logs.iter().zip(&self.filled);
        tables.map(|(logs, width)| width * logs.committed()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run with so many rows a cycle of MEM, of 16 windows of an epoch of 2^`log2_cycles` cycles, `epochs` times.
    fn mix_of(log2_cycles: u32, epochs: usize, memory: f64) -> Mix {
        let cycles = f64::from(log2_cycles - 4).exp2();
        let mut window = PerFilled::default();
        window[FilledTable::Cpu.index()] = cycles;
        window[FilledTable::Mem.index()] = cycles * memory;
        Mix {
            log2_cycles,
            windows: vec![window; 16 * epochs],
        }
    }

    fn epochs(mix: &Mix, logs: &PerFilled<Logs>) -> f64 {
        mix.epochs(logs, &widths()).0
    }

    fn mix(epochs: usize, memory: f64) -> Mix {
        mix_of(10, epochs, memory)
    }

    fn logs(memory: u32) -> PerFilled<Logs> {
        let least = |table| Logs::one(Some(EpochShape::least_log(table).max(6)));
        let mut logs = FilledTable::ALL.map(least);
        logs[FilledTable::Cpu.index()] = Logs::one(Some(10));
        logs[FilledTable::Mem.index()] = Logs::one(Some(memory));
        logs
    }

    /// Tables of a column each.
    fn widths() -> Widths {
        Widths::each(1.0)
    }

    #[test]
    fn heights_of_the_fewest_cells() {
        // 307 rows of memory in an epoch: half a table of 512 would be padding but for the epochs that it saves.
        let heights = mix(8, 0.3).heights(&widths());
        assert_eq!(heights[FilledTable::Mem.index()], 9);
        // 520 rows are two epochs of 1,024 cycles for one, unless the table has 1,024 rows.
        let heights = mix(8, 0.508).heights(&widths());
        assert_eq!(heights[FilledTable::Mem.index()], 9, "1.6 % more epochs");
        let heights = mix(8, 0.6).heights(&widths());
        assert_eq!(heights[FilledTable::Mem.index()], 10);
        assert_eq!(heights[FilledTable::Cpu.index()], 10);
        assert_eq!(heights[FilledTable::Mul.index()], ABSENT);
    }

    /// 0.6 of 2^16 rows are 2^15 and 0.4 of 2^14 and more; at 2^10 cycles a second instance is not worth its openings,
    /// and one for a bit less than all of a table is none.
    #[test]
    fn a_second_instance_in_place_of_padding() {
        let heights = |mix: Mix| match mix.split_heights(&widths()) {
            Heights::Given(first, second) => {
                let memory = FilledTable::Mem.index();
                let others = FilledTable::ALL
                    .into_iter()
                    .filter(|&it| it.index() != memory);
                assert!(others.into_iter().all(|it| second[it.index()] == ABSENT));
                (first[memory], second[memory])
            }
            Heights::Common => panic!("common heights"),
        };
        assert_eq!(heights(mix_of(16, 8, 0.6)), (15, 13));
        assert_eq!(heights(mix_of(16, 8, 0.7)), (15, 14));
        assert_eq!(heights(mix_of(16, 8, 0.52)), (15, 11));
        assert_eq!(heights(mix_of(16, 8, 0.99)), (16, ABSENT));
        assert_eq!(heights(mix(8, 0.6)), (10, ABSENT));
    }

    /// All that may be split are as full as MEM above, where a second instance is worth it.
    #[test]
    fn no_more_second_instances_than_there_may_be() {
        let mut mix = mix_of(16, 8, 0.6);
        for window in &mut mix.windows {
            let split = FilledTable::ALL
                .into_iter()
                .filter(|&it| EpochShape::may_split(it));
            for table in split {
                window[table.index()] = window[FilledTable::Mem.index()];
            }
        }
        let Heights::Given(_, second) = mix.split_heights(&widths()) else {
            panic!("common heights")
        };
        let seconds = second.iter().filter(|&&log| log != ABSENT).count();
        assert_eq!(seconds, MAX_SECONDS);
    }

    #[test]
    fn near_logs() {
        let all = |logs: Logs, least, most, split| -> Vec<_> {
            let near = logs.near(least, most, split);
            near.map(|logs| (logs.first.unwrap(), logs.second))
                .collect()
        };
        let one = Logs::one(Some(6));
        let two = Logs {
            first: Some(6),
            second: Some(4),
        };
        assert_eq!(all(one, 0, 9, false), [(5, None), (6, None), (7, None)]);
        assert_eq!(all(one, 0, 6, false), [(5, None), (6, None)], "the most");
        assert_eq!(all(one, 6, 6, true), [(6, None)], "the least");
        let split = [
            (5, Some(4)),
            (5, None),
            (6, Some(4)),
            (6, Some(5)),
            (6, None),
        ];
        assert_eq!(all(two, 4, 6, true), split);
        assert_eq!(all(Logs::default(), 0, 0, true), [], "absent");
    }

    #[test]
    fn epochs_end_when_a_table_is_full() {
        let mix = mix(8, 0.3);
        assert_eq!(epochs(&mix, &logs(10)), 8.0);
        assert_eq!(epochs(&mix, &logs(9)), 8.0, "307 rows of 512");
        // 2,458 rows in tables of 256 and of 64, of which one stays free.
        assert_eq!(epochs(&mix, &logs(8)), 10.0);
        assert_eq!(epochs(&mix, &logs(6)), 40.0);
        let mut split = logs(8);
        split[FilledTable::Mem.index()].second = Some(6);
        assert_eq!(epochs(&mix, &split), 8.0, "320 rows");
        assert!(epochs(&mix, &logs(0)) > 2458.0, "no row is left");
    }

    #[test]
    fn a_table_is_as_high_as_its_densest_window() {
        let mut mix = mix(2, 0.1);
        assert_eq!(mix.needed(FilledTable::Mem), Some(7));
        mix.windows[3][FilledTable::Mem.index()] = 33.0;
        assert_eq!(mix.needed(FilledTable::Mem), Some(10));
        assert_eq!(mix.needed(FilledTable::Mul), None);
        assert_eq!(mix.needed(FilledTable::Sys), Some(4), "the least");
    }
}
