//! System calls, a step at a time.

use super::sink::Sink;
use super::{GuestIo, Machine};
use crate::cells::{EXIT_CODE, MAX_OUTPUT_BYTES, OUT, OUT_LEN, register};
use crate::exec::error::ExecError;
use crate::exec::error::MAX_MESSAGE_BYTES;
use crate::exec::memory::CellStore;
use crate::exec::syscall::{EXIT, EXIT_GROUP, INPUT, MESSAGES, OUTPUT, READ, WRITE};
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
        let mut row = SysRow {
            clk,
            pc: self.pc,
            wanted,
            done,
            ..SysRow::default()
        };
        let descriptor = self.register(10);
        let at = clk + 2;
        let mut input = None;
        row.step = match (number, descriptor) {
            (EXIT, _) => SysStep::Exit,
            (EXIT_GROUP, _) => SysStep::ExitGroup,
            (WRITE, OUTPUT) if done == wanted => SysStep::WriteEnd,
            (WRITE, OUTPUT) => SysStep::WriteByte,
            (WRITE, MESSAGES) => SysStep::Message,
            (READ, INPUT) => {
                input = if done == wanted { None } else { io.read() };
                if input.is_some() {
                    SysStep::ReadByte
                } else {
                    SysStep::ReadEnd
                }
            }
            (READ | WRITE, _) => return Err(ExecError::BadDescriptor { pc, descriptor }),
            _ => return Err(ExecError::UnknownSyscall { pc, number }),
        };
        let progress = match row.step {
            SysStep::Exit | SysStep::ExitGroup => {
                (row.argument, row.argument_previous) =
                    self.access(sink, register(10), at, |code| code)?;
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
            SysStep::WriteByte | SysStep::ReadByte => {
                (row.argument, row.argument_previous) =
                    self.access(sink, register(11), at, |address| address)?;
                let base = [0, 16]
                    .map(|shift| (row.argument >> shift & 0xffff) + (done >> shift & 0xffff));
                if let Some(byte) = input {
                    row.byte = u32::from(byte);
                    let op = op::MEM + op::BYTE + op::STORE;
                    self.load_or_store(sink, op, base, 0, row.byte, clk)?;
                } else {
                    row.byte = self.load_or_store(sink, op::MEM + op::BYTE, base, 0, 0, clk)?;
                    (row.out_len, row.out_len_previous) =
                        self.access(sink, OUT_LEN, at, |len| len + 1)?;
                    if row.out_len + 1 == MAX_OUTPUT_BYTES {
                        return Err(ExecError::OutputFull { pc });
                    }
                    self.access(sink, OUT + row.out_len, at, |_| row.byte)?;
                    io.write(row.byte as u8);
                }
                cpu.next_pc = cpu.pc;
                done + 1
            }
        };
        sink.sys(row);
        Ok(progress)
    }

    /// Shows the message of `bytes` bytes at a1. No cell is touched: no proof says what it reads.
    fn message(&self, io: &mut impl GuestIo, bytes: u32) -> Result<(), ExecError> {
        let pc = self.pc();
        if bytes > MAX_MESSAGE_BYTES {
            return Err(ExecError::MessageTooLong { pc, bytes });
        }
        let start = self.register(11);
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
        self.memory
            .get(crate::cells::PROGRESS)
            .map_or(0, |cell| cell.value)
    }
}
