//! What a step is recorded in: the rows of an epoch, or nothing.

use crate::blocks::RomBlocks;
use crate::bus::{CLOCK_START, STAMPS};
use crate::exec::record::EpochRecord;
use crate::program::Program;
use crate::shape::{EpochShape, RowCounts};
use crate::tables::cpu::CpuRow;
use crate::tables::filled::AluRow;
use crate::tables::l2g::L2gRow;
use crate::tables::list::FilledTable;
use crate::tables::mem::MemRow;
use crate::tables::public::PublicRow;
use crate::tables::served;
use crate::tables::sys::SysRow;

/// What a step is recorded in.
pub(super) trait Sink {
    /// Whether the cells that a step touches keep epoch and timestamp.
    const CLOCKED: bool = true;
    /// The table that has no room for a step that this one serves besides the CPU table, if there is one.
    fn full(&self, serving: Option<FilledTable>) -> Option<FilledTable>;
    fn clk(&self) -> u32;
    fn cpu(&mut self, row: CpuRow);
    fn mem(&mut self, row: MemRow);
    fn alu(&mut self, row: AluRow);
    fn sys(&mut self, row: SysRow);
    fn public(&mut self, row: PublicRow);
    fn l2g(&mut self, row: L2gRow);
}

/// Records nothing.
pub(super) struct Discard;

impl Sink for Discard {
    const CLOCKED: bool = false;
    fn full(&self, _: Option<FilledTable>) -> Option<FilledTable> {
        None
    }
    fn clk(&self) -> u32 {
        CLOCK_START
    }
    fn cpu(&mut self, _: CpuRow) {}
    fn mem(&mut self, _: MemRow) {}
    fn alu(&mut self, _: AluRow) {}
    fn sys(&mut self, _: SysRow) {}
    fn public(&mut self, _: PublicRow) {}
    fn l2g(&mut self, _: L2gRow) {}
}

/// The table, L2G apart, that has no room for a step that this one serves.
fn full(serving: Option<FilledTable>, room: impl Fn(FilledTable) -> bool) -> Option<FilledTable> {
    if !room(FilledTable::Cpu) {
        return Some(FilledTable::Cpu);
    }
    let table = serving?;
    if !room(table) {
        return Some(table);
    }
    let moves = matches!(table, FilledTable::Sys | FilledTable::Public);
    (moves && !room(FilledTable::Mem)).then_some(FilledTable::Mem)
}

/// Most cells that one step touches: three registers and a memory word; what writes a word also a1, the output
/// length and two words of output, what reads public input a0, a1, the position and a word of input.
const MAX_TOUCHED: usize = 8;

impl Sink for EpochRecord<'_> {
    fn full(&self, serving: Option<FilledTable>) -> Option<FilledTable> {
        if self.cpu.room() > 0 && self.l2g.room() < MAX_TOUCHED {
            return Some(FilledTable::L2g);
        }
        full(serving, |table| self.room(table) > 0)
    }

    fn clk(&self) -> u32 {
        self.end()
    }

    // `full` has been asked: every push below fits.
    fn cpu(&mut self, row: CpuRow) {
        self.exit_pc = row.next_pc;
        self.cpu.push(row);
    }

    fn mem(&mut self, row: MemRow) {
        self.mem.push(row);
    }

    fn alu(&mut self, row: AluRow) {
        self.serve(row);
    }

    fn sys(&mut self, row: SysRow) {
        self.sys.push(row);
    }

    fn public(&mut self, row: PublicRow) {
        self.public.push(row);
    }

    fn l2g(&mut self, row: L2gRow) {
        self.l2g.push(row);
    }
}

/// A batch of a run: an epoch's record without the cells that it touches, which the run has at its end.
pub(super) struct BatchSink<'r, 'a>(pub &'r mut EpochRecord<'a>);

impl Sink for BatchSink<'_, '_> {
    fn full(&self, serving: Option<FilledTable>) -> Option<FilledTable> {
        full(serving, |table| self.0.room(table) > 0)
    }

    fn clk(&self) -> u32 {
        self.0.clk()
    }

    fn cpu(&mut self, row: CpuRow) {
        self.0.cpu(row);
    }

    fn mem(&mut self, row: MemRow) {
        self.0.mem(row);
    }

    fn alu(&mut self, row: AluRow) {
        self.0.alu(row);
    }

    fn sys(&mut self, row: SysRow) {
        self.0.sys(row);
    }

    fn public(&mut self, row: PublicRow) {
        self.0.public(row);
    }

    fn l2g(&mut self, _: L2gRow) {}
}

/// Records which blocks of the ROM are executed.
pub(super) struct Visits<'r, 'p> {
    pub program: &'r Program<'p>,
    pub blocks: &'r mut RomBlocks,
}

impl Sink for Visits<'_, '_> {
    const CLOCKED: bool = false;
    fn full(&self, _: Option<FilledTable>) -> Option<FilledTable> {
        None
    }
    fn clk(&self) -> u32 {
        CLOCK_START
    }
    #[inline]
    fn cpu(&mut self, row: CpuRow) {
        self.blocks.insert(self.program.block(row.pc));
    }
    fn mem(&mut self, _: MemRow) {}
    fn alu(&mut self, _: AluRow) {}
    fn sys(&mut self, _: SysRow) {}
    fn public(&mut self, _: PublicRow) {}
    fn l2g(&mut self, _: L2gRow) {}
}

/// Counts the rows of a batch, to end it where a [`BatchSink`] of its shape does, or of some cycles, and the cells
/// that they are the first to touch.
pub(super) struct Meter {
    limits: RowCounts,
    rows: RowCounts,
    clk: u32,
}

impl Meter {
    pub(super) fn new(shape: &EpochShape, clk: u32) -> Self {
        Self::within(FilledTable::ALL.map(|table| shape.capacity(table)), clk)
    }

    /// Counts the rows of so many cycles, whatever the rows.
    pub(super) fn of_cycles(cycles: u64, clk: u32) -> Self {
        let limits = FilledTable::ALL.map(|table| match table {
            FilledTable::Cpu => cycles,
            _ => u64::MAX,
        });
        Self::within(limits, clk)
    }

    fn within(limits: RowCounts, clk: u32) -> Self {
        Self {
            limits,
            rows: RowCounts::default(),
            clk,
        }
    }

    /// Rows of each table so far.
    pub(super) const fn rows(&self) -> &RowCounts {
        &self.rows
    }

    /// The table of an epoch that has no room for a step, with so many rows left for the cells that it touches.
    fn full_or_touched(&self, room: u64, serving: Option<FilledTable>) -> Option<FilledTable> {
        let cpu = FilledTable::Cpu.index();
        if room < MAX_TOUCHED as u64 && self.limits[cpu] > self.rows[cpu] {
            return Some(FilledTable::L2g);
        }
        self.full(serving)
    }

    const fn row(&mut self, table: FilledTable) {
        self.rows[table.index()] += 1;
    }
}

impl Sink for Meter {
    fn full(&self, serving: Option<FilledTable>) -> Option<FilledTable> {
        full(serving, |table| {
            self.limits[table.index()] > self.rows[table.index()]
        })
    }

    fn clk(&self) -> u32 {
        self.clk
    }

    // `full` has been asked: no row is one too many.
    fn cpu(&mut self, _: CpuRow) {
        self.row(FilledTable::Cpu);
        self.clk += STAMPS;
    }

    fn mem(&mut self, _: MemRow) {
        self.row(FilledTable::Mem);
    }

    fn alu(&mut self, row: AluRow) {
        if let Some(table) = served::serving(row.op) {
            self.row(table);
        }
    }

    fn sys(&mut self, _: SysRow) {
        self.row(FilledTable::Sys);
    }

    fn public(&mut self, _: PublicRow) {
        self.row(FilledTable::Public);
    }

    fn l2g(&mut self, _: L2gRow) {
        self.row(FilledTable::L2g);
    }
}

/// The clock and the rows of all tables but L2G, of a sink that counts them in its meter, and may show each cycle to another.
macro_rules! counts_in_meter {
    ($($visits:ident)?) => {
        fn clk(&self) -> u32 {
            self.meter.clk()
        }

        fn cpu(&mut self, row: CpuRow) {
            $(self.$visits.cpu(row);)?
            self.meter.cpu(row);
        }

        fn mem(&mut self, row: MemRow) {
            self.meter.mem(row);
        }

        fn alu(&mut self, row: AluRow) {
            self.meter.alu(row);
        }

        fn sys(&mut self, row: SysRow) {
            self.meter.sys(row);
        }

        fn public(&mut self, row: PublicRow) {
            self.meter.public(row);
        }
    };
}

/// Counts the rows of an epoch, to end it where a record of its shape would, and records which blocks of the ROM are
/// executed.
pub(super) struct EpochMeter<'r, 'p> {
    pub meter: Meter,
    pub visits: Visits<'r, 'p>,
}

impl Sink for EpochMeter<'_, '_> {
    fn full(&self, serving: Option<FilledTable>) -> Option<FilledTable> {
        let l2g = FilledTable::L2g.index();
        let room = self.meter.limits[l2g] - self.meter.rows[l2g];
        self.meter.full_or_touched(room, serving)
    }

    counts_in_meter!(visits);

    fn l2g(&mut self, row: L2gRow) {
        self.meter.l2g(row);
    }
}

/// The cells that an epoch touches, of which the rows of the other tables are counted to end it where a record of
/// its shape would.
pub(super) struct Listing<'r> {
    meter: Meter,
    rows: &'r mut [L2gRow],
    listed: usize,
}

impl<'r> Listing<'r> {
    /// Nothing yet, and as many rows of an L2G table as `shape` and `rows` have.
    pub(super) fn new(shape: &EpochShape, rows: &'r mut [L2gRow]) -> Self {
        let most = rows.len().min(1 << shape.l2g);
        Self {
            meter: Meter::new(shape, CLOCK_START),
            rows: &mut rows[..most],
            listed: 0,
        }
    }

    /// Rows so far.
    pub(super) const fn listed(&self) -> usize {
        self.listed
    }
}

impl Sink for Listing<'_> {
    fn full(&self, serving: Option<FilledTable>) -> Option<FilledTable> {
        let room = self.rows.len() - self.listed;
        self.meter.full_or_touched(room as u64, serving)
    }

    counts_in_meter!();

    // `full` has been asked: every row fits.
    fn l2g(&mut self, row: L2gRow) {
        if let Some(slot) = self.rows.get_mut(self.listed) {
            *slot = row;
            self.listed += 1;
        }
    }
}

/// The cells that a batch of a run touches, which it ends where a [`BatchSink`] of its shape does.
#[cfg(feature = "alloc")]
pub(super) struct BatchListing<'r> {
    pub meter: Meter,
    pub rows: &'r mut alloc::vec::Vec<L2gRow>,
}

#[cfg(feature = "alloc")]
impl Sink for BatchListing<'_> {
    fn full(&self, serving: Option<FilledTable>) -> Option<FilledTable> {
        self.meter.full(serving)
    }

    counts_in_meter!();

    fn l2g(&mut self, row: L2gRow) {
        self.rows.push(row);
    }
}
