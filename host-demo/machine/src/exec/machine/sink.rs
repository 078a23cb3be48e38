//! What a step is recorded in: the rows of an epoch, or nothing.

use crate::bus::CLOCK_START;
use crate::exec::record::EpochRecord;
use crate::tables::cpu::CpuRow;
use crate::tables::filled::AluRow;
use crate::tables::l2g::L2gRow;
use crate::tables::list::FilledTable;
use crate::tables::mem::MemRow;
use crate::tables::rom::{JALR, MEM, RomRow, SYS};
use crate::tables::served;
use crate::tables::sys::SysRow;

/// What a step is recorded in.
pub(super) trait Sink {
    /// The table that has no room for a step of an instruction with this ROM row, if there is one.
    fn full(&self, row: &RomRow) -> Option<FilledTable>;
    fn clk(&self) -> u32;
    fn cpu(&mut self, row: CpuRow);
    fn mem(&mut self, row: MemRow);
    fn alu(&mut self, row: AluRow);
    fn sys(&mut self, row: SysRow);
    fn l2g(&mut self, row: L2gRow);
}

/// Records nothing.
pub(super) struct Discard;

impl Sink for Discard {
    fn full(&self, _: &RomRow) -> Option<FilledTable> {
        None
    }
    fn clk(&self) -> u32 {
        CLOCK_START
    }
    fn cpu(&mut self, _: CpuRow) {}
    fn mem(&mut self, _: MemRow) {}
    fn alu(&mut self, _: AluRow) {}
    fn sys(&mut self, _: SysRow) {}
    fn l2g(&mut self, _: L2gRow) {}
}

/// Most cells that one step touches: three registers and a memory word; a system call's byte also
/// a1, the output length and the output byte.
const MAX_TOUCHED: usize = 7;

impl Sink for EpochRecord<'_> {
    fn full(&self, row: &RomRow) -> Option<FilledTable> {
        if self.cpu.room() == 0 {
            return Some(FilledTable::Cpu);
        }
        if self.l2g.room() < MAX_TOUCHED {
            return Some(FilledTable::L2g);
        }
        let table = if row.has(SYS) {
            if self.sys.room() == 0 {
                FilledTable::Sys
            } else {
                FilledTable::Mem
            }
        } else if row.has(MEM) || row.has(JALR) {
            FilledTable::Mem
        } else {
            served::serving(row.op)?
        };
        (self.room(table) == 0).then_some(table)
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

    fn l2g(&mut self, row: L2gRow) {
        self.l2g.push(row);
    }
}
