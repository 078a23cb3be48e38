//! One step: an instruction, or one step of a system call.

use super::sink::Sink;
use super::{GUARD_BYTES, GuestIo, Machine};
use crate::cells::register;
use crate::decode::decode;
use crate::exec::error::ExecError;
use crate::exec::memory::{Cell, CellStore, NoRoom};
use crate::exec::syscall::{PUBLIC, READ};
use crate::tables::cpu::CpuRow;
use crate::tables::filled::AluRow;
use crate::tables::l2g::L2gRow;
use crate::tables::list::FilledTable;
use crate::tables::mem::MemRow;
use crate::tables::rom::{
    BRANCH, HALT, JAL, JALR, MEM, PURE, READS_RS2, RomRow, SUB, SYS, UNEXECUTABLE, op,
};
use crate::tables::served;

/// The register that the calling convention gives the stack.
const STACK_POINTER: u32 = 2;

impl<C: CellStore> Machine<'_, C> {
    /// One cycle; the table of `sink` that it does not fit into, and then nothing has happened.
    #[inline]
    pub(super) fn step<S: Sink>(
        &mut self,
        io: &mut impl GuestIo,
        sink: &mut S,
    ) -> Result<Option<FilledTable>, ExecError> {
        let now;
        let row = match self.program.decoded_row(self.pc) {
            Some(row) => row,
            None => {
                now = RomRow::decode(self.program, self.pc);
                &now
            }
        };
        if row.flags == UNEXECUTABLE {
            return Err(self.unexecutable());
        }
        if let Some(table) = sink.full(self.serving(row)) {
            return Ok(Some(table));
        }
        if self.cycles == self.max_cycles {
            return Err(ExecError::CycleLimit { pc: self.pc() });
        }

        let clk = sink.clk();
        let mut cpu = CpuRow {
            pc: self.pc,
            next_pc: self.pc + 1,
            ..CpuRow::default()
        };
        (cpu.a, cpu.previous[0]) = self.register_access(sink, row.rs1, clk, |a| a);
        cpu.b = row.imm;
        if row.has(READS_RS2) {
            (cpu.b, cpu.previous[1]) = self.register_access(sink, row.rs2, clk + 1, |b| b);
        }
        if row.has(SYS) {
            cpu.w = self.system_call(io, sink, &mut cpu, clk)?;
        } else {
            cpu.w = self.result(sink, row, &mut cpu, clk)?;
        }
        (cpu.old, cpu.previous[2]) = self.register_access(sink, row.rd, clk + 2, |_| cpu.w);

        let moves = cpu.next_pc == cpu.pc;
        // What follows an instruction may be out of the ROM as what it jumps to may.
        if !self.program.rom().contains(&cpu.next_pc) && cpu.next_pc != HALT {
            return Err(self.no_target(cpu.next_pc));
        }
        // A jump may overwrite its own base, and go elsewhere the next time.
        if moves && !row.has(SYS) && (row.rd != row.rs1 || cpu.w == cpu.a) {
            return Err(ExecError::EndlessLoop { pc: self.pc() });
        }
        self.cycles += 1;
        self.instructions += u64::from(!moves || !row.has(SYS));
        self.pc = cpu.next_pc;
        sink.cpu(cpu);
        Ok(None)
    }

    /// The table that serves a step of an instruction, unless the CPU table does it alone.
    #[inline]
    fn serving(&self, row: &RomRow) -> Option<FilledTable> {
        let public = || (self.register(17), self.register(10)) == (READ, PUBLIC);
        if row.has(SYS) && public() {
            return Some(FilledTable::Public);
        }
        row.serving()
    }

    /// Why the next instruction cannot be executed.
    #[cold]
    fn unexecutable(&self) -> ExecError {
        let pc = self.pc();
        if self.program.rom().contains(&self.pc) && !self.program.in_rom_table(self.pc) {
            return ExecError::LeftOut { pc };
        }
        match self.program.code(self.pc).map(|word| (word, decode(word))) {
            Some((word, Err(reason))) => ExecError::Unsupported { pc, word, reason },
            _ => ExecError::JumpOutOfRom { pc, target: pc },
        }
    }

    /// Why the instruction cannot go to `next_pc`.
    #[cold]
    const fn no_target(&self, next_pc: u32) -> ExecError {
        let pc = self.pc();
        if next_pc > HALT {
            return ExecError::MisalignedJump { pc };
        }
        let target = next_pc << 2;
        ExecError::JumpOutOfRom { pc, target }
    }

    /// The value of rd of anything but a system call; sets the next program counter.
    #[inline]
    fn result<S: Sink>(
        &mut self,
        sink: &mut S,
        row: &RomRow,
        cpu: &mut CpuRow,
        clk: u32,
    ) -> Result<u32, ExecError> {
        let CpuRow { a, b, .. } = *cpu;
        Ok(match row.flags & !READS_RS2 {
            SUB => a.wrapping_sub(b),
            JAL => {
                cpu.next_pc = row.aux as u32;
                b
            }
            JALR => {
                let address = a.wrapping_add_signed(row.aux) & !1;
                if address % 4 != 0 {
                    return Err(ExecError::MisalignedJump { pc: self.pc() });
                }
                cpu.next_pc = address >> 2;
                let base = [a & 0xffff, a >> 16];
                let (op, offset) = (row.op, row.aux);
                sink.mem(MemRow {
                    clk,
                    op,
                    base,
                    offset,
                    value: b,
                    ..MemRow::default()
                });
                b
            }
            MEM => {
                let base = [a & 0xffff, a >> 16];
                let served = self.load_or_store(sink, row.op, base, row.aux, b, clk);
                served.map_err(|error| in_stack(error, row))?
            }
            PURE | BRANCH => {
                sink.alu(AluRow { op: row.op, a, b });
                let w = served::value(row.op, a, b);
                if row.has(BRANCH) && w == 1 {
                    cpu.next_pc = row.aux as u32;
                }
                w
            }
            _ => a.wrapping_add(b),
        })
    }

    /// Serves a memory operation; returns the value loaded, 0 for a store.
    #[inline]
    pub(super) fn load_or_store<S: Sink>(
        &mut self,
        sink: &mut S,
        op: u32,
        base: [u32; 2],
        offset: i32,
        stored: u32,
        clk: u32,
    ) -> Result<u32, ExecError> {
        let pc = self.pc();
        let address = base[0]
            .wrapping_add(base[1] << 16)
            .wrapping_add_signed(offset);
        let code = op - op::MEM;
        let (signed, code) = (code >= op::SIGNED, code % op::SIGNED);
        let (store, size) = (code >= op::STORE, code % op::STORE);
        let align = match size {
            op::BYTE => 1,
            op::HALF => 2,
            _ => 4,
        };
        if !address.is_multiple_of(align) {
            return Err(ExecError::MisalignedAccess { pc, address });
        }
        let cell = address >> 2;
        self.check_page(address)?;
        if store && self.program.rom().contains(&cell) {
            return Err(ExecError::StoreToCode {
                pc,
                address,
                writable: self.program.is_writable_code(cell),
            });
        }

        let shift = address % 4 * 8;
        let mask = u32::MAX >> (32 - 8 * align) << shift;
        let update = |old: u32| {
            if store {
                old & !mask | stored << shift & mask
            } else {
                old
            }
        };
        let (old, previous) = self.access(sink, cell, clk + 2, update)?;
        let raw = (old & mask) >> shift;
        let loaded = match (signed, size) {
            (true, op::BYTE) => raw as u8 as i8 as u32,
            (true, op::HALF) => raw as u16 as i16 as u32,
            _ => raw,
        };
        let value = if store { stored } else { loaded };
        let new = update(old);
        sink.mem(MemRow {
            clk,
            op,
            base,
            offset,
            value,
            old,
            new,
            previous,
        });
        Ok(if store { 0 } else { loaded })
    }

    /// Refuses an access to the null page, unless the program loads it.
    #[inline]
    pub(super) fn check_page(&self, address: u32) -> Result<(), ExecError> {
        if address < GUARD_BYTES && !self.program.loads(address >> 2) {
            return Err(ExecError::NullPage {
                pc: self.pc(),
                address,
            });
        }
        Ok(())
    }

    /// Reads cell `id` and leaves `update` of its value, at `timestamp`; returns the value found
    /// and the timestamp of the access before.
    #[inline]
    pub(super) fn access<S: Sink>(
        &mut self,
        sink: &mut S,
        id: u32,
        timestamp: u32,
        update: impl FnOnce(u32) -> u32,
    ) -> Result<(u32, u32), ExecError> {
        let program = self.program;
        let (pc, epoch) = (self.pc(), self.epoch);
        let initial = |id| program.initial_word(id);
        let touch = |cell: &mut Cell| touch::<S>(cell, epoch, timestamp, update);
        let (found, first) =
            self.memory
                .with(id, initial, touch)
                .map_err(|reason| match reason {
                    NoRoom::Limit { bytes } => ExecError::MemoryFull { pc, bytes },
                    NoRoom::Allocation { bytes } => ExecError::OutOfMemory { pc, bytes },
                })?;
        list(sink, id, first);
        Ok(found)
    }

    /// [`access`](Self::access) of a register or hidden cell.
    #[inline]
    fn register_access<S: Sink>(
        &mut self,
        sink: &mut S,
        id: u32,
        timestamp: u32,
        update: impl FnOnce(u32) -> u32,
    ) -> (u32, u32) {
        let cell = self.memory.register(id);
        let (found, first) = touch::<S>(cell, self.epoch, timestamp, update);
        list(sink, id, first);
        found
    }
}

/// What an epoch that touches a cell for the first time finds: the epoch that touched it last, and the value.
type First = Option<(u32, u32)>;

/// Reads a cell and leaves `update` of its value; the value and the timestamp found. A sink without a clock leaves
/// epochs and timestamps alone.
#[inline]
fn touch<S: Sink>(
    cell: &mut Cell,
    epoch: u32,
    timestamp: u32,
    update: impl FnOnce(u32) -> u32,
) -> ((u32, u32), First) {
    if !S::CLOCKED {
        let found = cell.value;
        cell.value = update(found);
        return ((found, 0), None);
    }
    let first = (cell.epoch != epoch).then_some((cell.epoch, cell.value));
    if first.is_some() {
        (cell.epoch, cell.timestamp) = (epoch, 0);
    }
    let found = (cell.value, cell.timestamp);
    (cell.value, cell.timestamp) = (update(cell.value), timestamp);
    (found, first)
}

/// Records a cell that the epoch touches for the first time.
#[inline]
fn list<S: Sink>(sink: &mut S, cell: u32, first: First) {
    if let Some((init_epoch, init)) = first {
        sink.l2g(L2gRow {
            cell,
            init_epoch,
            init,
            ..L2gRow::default()
        });
    }
}

/// The error of a store into code, by the instruction of `row`: the stack's are named.
#[cold]
fn in_stack(error: ExecError, row: &RomRow) -> ExecError {
    match error {
        ExecError::StoreToCode {
            pc,
            address,
            writable: false,
        } if row.rs1 == register(STACK_POINTER) => ExecError::StackInCode { pc, address },
        error => error,
    }
}
