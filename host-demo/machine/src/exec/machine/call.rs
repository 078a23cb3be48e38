//! System calls, a step at a time.

use super::ahead::WORD_BYTES;
use super::sink::Sink;
use super::{GuestIo, Machine};
use crate::cells::{EXIT_CODE, MAX_OUTPUT_BYTES, OUT, OUT_LEN, PROGRESS, register, shifted};
use crate::exec::error::ExecError;
use crate::exec::error::MAX_MESSAGE_BYTES;
use crate::exec::memory::CellStore;
use crate::exec::syscall::{EXIT, EXIT_GROUP, INPUT, MESSAGES, OUTPUT, PUBLIC, READ, WRITE};
use crate::tables::cpu::CpuRow;
use crate::tables::rom::{HALT, op};
use crate::tables::sys::{SysRow, SysStep};

impl<C: CellStore> Machine<'_, C> {
    /// One step of a system call; returns the progress that it leaves and sets the next program
    /// counter.
    pub(super) fn system_call<S: Sink>(
        &mut self,
        io: &mut impl GuestIo,
        sink: &mut S,
        cpu: &mut CpuRow,
        clk: u32,
    ) -> Result<u32, ExecError> {
        let pc = self.pc();
        let (number, wanted) = (cpu.a, cpu.b);
        let done = self.progress();
        if (number, self.register(10)) == (READ, PUBLIC) {
            return self.read_public(sink, cpu, done, clk);
        }
        let mut row = SysRow {
            clk,
            pc: self.pc,
            wanted,
            done,
            ..SysRow::default()
        };
        let descriptor = self.register(10);
        let at = clk + 2;
        row.step = match (number, descriptor) {
            (EXIT, _) => SysStep::Exit,
            (EXIT_GROUP, _) => SysStep::ExitGroup,
            (WRITE, OUTPUT) if done == wanted => SysStep::WriteEnd,
            (WRITE, OUTPUT) if self.word_is_next(wanted, done) => SysStep::WriteWord,
            (WRITE, OUTPUT) => SysStep::WriteByte,
            (WRITE, MESSAGES) => SysStep::Message,
            (READ, INPUT) => {
                let bytes = match wanted - done {
                    0 => 0,
                    _ if self.word_is_next(wanted, done) => WORD_BYTES,
                    _ => 1,
                };
                (row.step, row.moved) = self.ahead.take(|| io.read(), bytes);
                row.step
            }
            (READ | WRITE, _) => return Err(ExecError::BadDescriptor { pc, descriptor }),
            _ => return Err(ExecError::UnknownSyscall { pc, number }),
        };
        let progress = match row.step {
            SysStep::Exit | SysStep::ExitGroup => {
                (row.argument, row.argument_previous) =
                    self.access(sink, register(10), at, |code| code)?;
                row.moved = row.argument;
                (row.result, row.result_previous) =
                    self.access(sink, EXIT_CODE, at, |_| row.argument)?;
                self.exit_code = Some(row.argument);
                cpu.next_pc = HALT;
                0
            }
            SysStep::WriteEnd | SysStep::ReadEnd | SysStep::Message => {
                let returned = if row.step == SysStep::Message {
                    self.message(io, wanted)?;
                    wanted
                } else {
                    done
                };
                (row.argument, row.argument_previous) =
                    self.access(sink, register(10), at, |_| returned)?;
                0
            }
            SysStep::WriteByte | SysStep::WriteWord | SysStep::ReadByte | SysStep::ReadWord => {
                (row.argument, row.argument_previous) =
                    self.access(sink, register(11), at, |address| address)?;
                let bytes = self.transfer(io, sink, &mut row)?;
                cpu.next_pc = cpu.pc;
                done + bytes
            }
        };
        sink.sys(row);
        Ok(progress)
    }

    /// Whether a step moves a word: four bytes are left, and the next address is aligned.
    pub(super) fn word_is_next(&self, wanted: u32, done: u32) -> bool {
        let address = self.register(11).wrapping_add(done);
        wanted - done >= WORD_BYTES && address.is_multiple_of(WORD_BYTES)
    }

    /// Moves a byte or a word between memory and the outside world; returns how many bytes it has.
    fn transfer<S: Sink>(
        &mut self,
        io: &mut impl GuestIo,
        sink: &mut S,
        row: &mut SysRow,
    ) -> Result<u32, ExecError> {
        let (size, bytes) = match row.step {
            SysStep::WriteWord | SysStep::ReadWord => (op::MEM + op::WORD, WORD_BYTES),
            _ => (op::MEM + op::BYTE, 1),
        };
        let halves = |word: u32| [word & 0xffff, word >> 16];
        let ([low, high], [done_low, done_high]) = (halves(row.argument), halves(row.done));
        let base = [low + done_low, high + done_high];
        if matches!(row.step, SysStep::ReadByte | SysStep::ReadWord) {
            self.load_or_store(sink, size + op::STORE, base, 0, row.moved, row.clk)?;
            return Ok(bytes);
        }
        let (pc, at, moved) = (self.pc(), row.clk + 2, &mut row.moved);
        *moved = self.load_or_store(sink, size, base, 0, 0, row.clk)?;
        (row.out_len, row.out_len_previous) = self.access(sink, OUT_LEN, at, |len| len + bytes)?;
        if row.out_len + bytes >= MAX_OUTPUT_BYTES {
            return Err(ExecError::OutputFull { pc });
        }
        let (cell, place) = (OUT + row.out_len / WORD_BYTES, row.out_len % WORD_BYTES);
        let [added, across] = shifted(*moved, place);
        (row.result, row.result_previous) =
            self.access(sink, cell, at, |word| word.wrapping_add(added))?;
        if row.step == SysStep::WriteWord && place != 0 {
            self.access(sink, cell + 1, at, |_| across)?;
        }
        let written = row.moved.to_le_bytes();
        written
            .into_iter()
            .take(bytes as usize)
            .for_each(|byte| io.write(byte));
        Ok(bytes)
    }

    /// Shows the message of `bytes` bytes at a1. No cell is touched: no proof says what it reads.
    fn message(&self, io: &mut impl GuestIo, bytes: u32) -> Result<(), ExecError> {
        let pc = self.pc();
        if bytes > MAX_MESSAGE_BYTES {
            return Err(ExecError::MessageTooLong { pc, bytes });
        }
        let start = self.register(11);
        io.begin_message(self.cycles);
        for i in 0..bytes {
            let address = start.wrapping_add(i);
            self.check_page(address)?;
            let cell = address >> 2;
            let word = self
                .memory
                .get(cell)
                .map_or_else(|| self.program.initial_word(cell), |cell| cell.value);
            io.message((word >> (address % 4 * 8)) as u8);
        }
        Ok(())
    }

    /// Bytes done by the system call under way.
    fn progress(&self) -> u32 {
        self.register_cell(PROGRESS)
    }

    /// Value of a register or a hidden cell, by its id.
    pub(super) fn register_cell(&self, id: u32) -> u32 {
        self.memory.get(id).map_or(0, |cell| cell.value)
    }
}
