//! One step: an instruction, or one step of a system call.

use super::sink::Sink;
use super::{GUARD_BYTES, GuestIo, Machine};
use crate::cells::register;
use crate::exec::error::ExecError;
use crate::exec::memory::{CellStore, NoRoom};
use crate::tables::cpu::CpuRow;
use crate::tables::filled::AluRow;
use crate::tables::l2g::L2gRow;
use crate::tables::list::FilledTable;
use crate::tables::mem::MemRow;
use crate::tables::rom::{
    BRANCH, CONST, HALT, JAL, JALR, MEM, PURE, READS_RS2, RomRow, SUB, SYS, op,
};
use crate::tables::served;

/// The register that the calling convention gives the stack.
const STACK_POINTER: u32 = 2;

impl<C: CellStore> Machine<'_, C> {
    /// One cycle; the table of `sink` that it does not fit into, and then nothing has happened.
    pub(super) fn step<S: Sink>(
        &mut self,
        io: &mut impl GuestIo,
        sink: &mut S,
    ) -> Result<Option<FilledTable>, ExecError> {
        let pc = self.pc();
        let Some(word) = self.program.code(self.pc) else {
            return Err(ExecError::JumpOutOfRom { pc, target: pc });
        };
        let instruction = crate::decode::decode(word).map_err(|reason| ExecError::Unsupported {
            pc,
            word,
            reason,
        })?;
        let row = RomRow::new(self.pc, instruction);
        if let Some(table) = sink.full(&row) {
            return Ok(Some(table));
        }
        if self.cycles == self.max_cycles {
            return Err(ExecError::CycleLimit { pc });
        }

        let clk = sink.clk();
        let mut cpu = CpuRow {
            pc: self.pc,
            next_pc: self.pc + 1,
            ..CpuRow::default()
        };
        (cpu.a, cpu.previous[0]) = self.access(sink, row.rs1, clk, |a| a)?;
        cpu.b = row.imm;
        if row.has(READS_RS2) {
            (cpu.b, cpu.previous[1]) = self.access(sink, row.rs2, clk + 1, |b| b)?;
        }
        if row.has(SYS) {
            let w = self.system_call(io, sink, &mut cpu, clk)?;
            (cpu.old, cpu.previous[2]) = self.access(sink, row.rd, clk + 2, |_| w)?;
            cpu.w = w;
        } else {
            cpu.w = self.result(sink, &row, &mut cpu, clk)?;
            (cpu.old, cpu.previous[2]) = self.access(sink, row.rd, clk + 2, |_| cpu.w)?;
        }

        if cpu.next_pc != HALT && self.program.code(cpu.next_pc).is_none() {
            if cpu.next_pc > HALT {
                return Err(ExecError::MisalignedJump { pc });
            }
            return Err(ExecError::JumpOutOfRom {
                pc,
                target: cpu.next_pc << 2,
            });
        }
        // A jump may overwrite its own base, and go elsewhere the next time.
        let stays = row.rd != row.rs1 || cpu.w == cpu.a;
        if cpu.next_pc == cpu.pc && !row.has(SYS) && stays {
            return Err(ExecError::EndlessLoop { pc });
        }
        self.cycles += 1;
        self.instructions += u64::from(cpu.next_pc != cpu.pc || !row.has(SYS));
        self.pc = cpu.next_pc;
        sink.cpu(cpu);
        Ok(None)
    }

    /// The value of rd of anything but a system call; sets the next program counter.
    fn result<S: Sink>(
        &mut self,
        sink: &mut S,
        row: &RomRow,
        cpu: &mut CpuRow,
        clk: u32,
    ) -> Result<u32, ExecError> {
        let CpuRow { a, b, .. } = *cpu;
        if row.has(CONST) {
            return Ok(b);
        }
        if row.has(SUB) {
            return Ok(a.wrapping_sub(b));
        }
        if row.has(JAL) {
            cpu.next_pc = row.aux as u32;
            return Ok(b);
        }
        if row.has(JALR) {
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
            return Ok(b);
        }
        if row.has(MEM) {
            let base = [a & 0xffff, a >> 16];
            let served = self.load_or_store(sink, row.op, base, row.aux, b, clk);
            return served.map_err(|error| match error {
                ExecError::StoreToCode {
                    pc,
                    address,
                    writable: false,
                } if row.rs1 == register(STACK_POINTER) => ExecError::StackInCode { pc, address },
                error => error,
            });
        }
        if row.op == 0 {
            return Ok(a.wrapping_add(b));
        }
        sink.alu(AluRow { op: row.op, a, b });
        let w = served::value(row.op, a, b);
        if row.has(BRANCH) && w == 1 {
            cpu.next_pc = row.aux as u32;
        }
        debug_assert!(row.has(PURE) || row.has(BRANCH));
        Ok(w)
    }

    /// Serves a memory operation; returns the value loaded, 0 for a store.
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
        let (found, first) = self
            .memory
            .with(id, initial, |cell| {
                let first = (cell.epoch != epoch).then_some((cell.epoch, cell.value));
                if first.is_some() {
                    (cell.epoch, cell.timestamp) = (epoch, 0);
                }
                let found = (cell.value, cell.timestamp);
                (cell.value, cell.timestamp) = (update(cell.value), timestamp);
                (found, first)
            })
            .map_err(|reason| match reason {
                NoRoom::Limit { bytes } => ExecError::MemoryFull { pc, bytes },
                NoRoom::Allocation { bytes } => ExecError::OutOfMemory { pc, bytes },
            })?;
        if let Some((init_epoch, init)) = first {
            sink.l2g(L2gRow {
                cell: id,
                init_epoch,
                init,
                ..L2gRow::default()
            });
        }
        Ok(found)
    }
}
