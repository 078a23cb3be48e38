//! Reads of public input, a step at a time.

use super::Machine;
use super::ahead::WORD_BYTES;
use super::sink::Sink;
use crate::cells::{IN, IN_LEN, IN_POSITION, IN_START, register};
use crate::exec::error::ExecError;
use crate::exec::memory::CellStore;
use crate::tables::cpu::CpuRow;
use crate::tables::public::{PublicRow, PublicStep};
use crate::tables::rom::op;

impl<C: CellStore> Machine<'_, C> {
    /// One step of a read of public input; returns the progress that it leaves and sets the next program counter.
    ///
    /// A word is moved where one begins in the input, four bytes are left and the next address is aligned.
    pub(super) fn read_public<S: Sink>(
        &mut self,
        sink: &mut S,
        cpu: &mut CpuRow,
        done: u32,
        clk: u32,
    ) -> Result<u32, ExecError> {
        let (wanted, at) = (cpu.b, clk + 2);
        let position = self.register_cell(IN_POSITION);
        let left = self.program.public().len() - position;
        let begins = position.is_multiple_of(WORD_BYTES) && left >= WORD_BYTES;
        let (step, bytes) = match (wanted - done, left) {
            (0, _) => (PublicStep::Full, 0),
            (_, 0) => (PublicStep::Short, 0),
            _ if begins && self.word_is_next(wanted, done) => (PublicStep::Word, WORD_BYTES),
            _ => (PublicStep::Byte, 1),
        };
        let mut row = PublicRow {
            clk,
            pc: self.pc,
            step,
            wanted,
            done,
            ..PublicRow::default()
        };
        let moves = bytes > 0;
        let (argument, word) = if moves {
            (register(11), IN + position / WORD_BYTES)
        } else {
            (IN_LEN, IN_START)
        };
        let returned = |descriptor| if moves { descriptor } else { done };
        (_, row.descriptor_previous) = self.access(sink, register(10), at, returned)?;
        (row.argument, row.argument_previous) = self.access(sink, argument, at, |value| value)?;
        (row.position, row.position_previous) =
            self.access(sink, IN_POSITION, at, |position| position + bytes)?;
        let left_there = |word| if moves { word } else { position };
        (row.word, row.word_previous) = self.access(sink, word, at, left_there)?;
        sink.public(row);
        if !moves {
            return Ok(0);
        }
        let (size, moved) = match step {
            PublicStep::Word => (op::WORD, row.word),
            _ => {
                let byte = row.word >> (8 * (position % WORD_BYTES)) & 0xff;
                (op::BYTE, byte)
            }
        };
        let halves = |word: u32| [word & 0xffff, word >> 16];
        let ([low, high], [done_low, done_high]) = (halves(row.argument), halves(done));
        let base = [low + done_low, high + done_high];
        self.load_or_store(sink, op::MEM + op::STORE + size, base, 0, moved, clk)?;
        cpu.next_pc = cpu.pc;
        Ok(done + bytes)
    }
}
