//! The executor: one step is one cycle, one row of the CPU table.
//!
//! Semantics follow The RISC-V Instruction Set Manual, volume I, chapter 2 (RV32I), user level,
//! with aligned accesses only. Executable words are read-only. System calls take their numbers from
//! Linux; a read, and a write to the output, run in steps of one byte at an unchanged program counter.

use super::error::ExecError;
use super::memory::{Cell, CellStore, Memory, NoRoom, Slots};
use super::record::{AluRow, EpochRecord};
use super::syscall::{EXIT, EXIT_GROUP, INPUT, MESSAGES, OUTPUT, READ, WRITE};
use crate::bus::{CLOCK_START, STAMPS};
use crate::cells::{EXIT_CODE, MAX_OUTPUT_BYTES, OUT, OUT_LEN, register};
use crate::program::Program;
use crate::tables::cpu::CpuRow;
use crate::tables::l2g::{EPOCH_BITS, L2gRow};
use crate::tables::mem::MemRow;
use crate::tables::rom::{
    BRANCH, CONST, HALT, JAL, JALR, MEM, PURE, READS_RS2, RomRow, SUB, SYS, op,
};
use crate::tables::sys::{SysRow, SysStep};
use crate::tables::{self, FilledTable};

/// Addresses below this are refused, unless the program loads them: null pointers.
pub const GUARD_BYTES: u32 = 4096;

/// The register that the calling convention gives the stack.
const STACK_POINTER: u32 = 2;

/// Most bytes of one message.
pub const MAX_MESSAGE_BYTES: u32 = 1 << 20;

/// The outside world of a guest.
pub trait GuestIo {
    /// The next byte of the private input; `None` at its end.
    fn read(&mut self) -> Option<u8>;
    /// Takes the next byte of the public output.
    fn write(&mut self, byte: u8);
    /// Takes the next byte of the guest's messages, what it writes to descriptor 2. No proof speaks
    /// of them. Unless it is implemented, they are dropped.
    fn message(&mut self, byte: u8) {
        let _ = byte;
    }
}

/// How an epoch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EpochEnd {
    /// A table is full: another epoch follows.
    Full(FilledTable),
    /// The program exited with this code.
    Exit(u32),
}

/// What a step is recorded in.
trait Sink {
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
struct Discard;

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
            FilledTable::serving(row.op)?
        };
        (self.room(table) == 0).then_some(table)
    }

    fn clk(&self) -> u32 {
        CLOCK_START + STAMPS * self.cycles()
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

/// A program in execution, with its cells in `C`.
#[derive(Debug)]
pub struct Machine<'a, C = Slots<'a>> {
    program: &'a Program<'a>,
    memory: Memory<C>,
    /// Word index of the next instruction.
    pc: u32,
    epoch: u32,
    cycles: u64,
    instructions: u64,
    max_cycles: u64,
    exit_code: Option<u32>,
}

impl<'a> Machine<'a> {
    /// A machine at the entry of `program`, all registers zero.
    ///
    /// `cells` holds every touched cell of memory and every byte of output, at seven eighths of its
    /// length at most; what it holds on entry does not matter. `max_cycles` bounds the run.
    pub fn new(program: &'a Program<'a>, cells: &'a mut [Cell], max_cycles: u64) -> Self {
        Self::over(program, Slots::new(cells), max_cycles)
    }

    /// Ends the machine and returns how memory was left.
    ///
    /// First the touched cells of RAM and output, ascending by id; then registers and hidden cells
    /// from [`crate::cells::REGISTERS`] on, those that no epoch touched with epoch 0.
    pub fn into_cells(self) -> (&'a mut [Cell], [Cell; 64]) {
        self.memory.into_cells()
    }

    /// Overwrites registers and cells with zeros, in a way that no compiler drops. The machine cannot
    /// go on.
    pub(crate) fn wipe(&mut self) {
        self.memory.wipe();
    }
}

impl<'a, C: CellStore> Machine<'a, C> {
    /// A machine as [`Machine::new`] makes it, with its cells in `store`, which holds none yet.
    pub fn over(program: &'a Program<'a>, store: C, max_cycles: u64) -> Self {
        Self {
            program,
            memory: Memory::new(store),
            pc: program.entry(),
            epoch: 0,
            cycles: 0,
            instructions: 0,
            max_cycles,
            exit_code: None,
        }
    }

    /// Cycles so far.
    pub const fn cycles(&self) -> u64 {
        self.cycles
    }

    /// Instructions so far: a system call is one, however many cycles it takes.
    pub const fn instructions(&self) -> u64 {
        self.instructions
    }

    /// Address of the next instruction, in bytes; 0 after exit.
    pub const fn pc(&self) -> u32 {
        self.pc << 2
    }

    /// Epochs so far.
    pub const fn epochs(&self) -> u32 {
        self.epoch
    }

    /// The exit code, once there is one.
    pub const fn exit_code(&self) -> Option<u32> {
        self.exit_code
    }

    /// Value of register x_`i`.
    ///
    /// # Panics
    /// When `i` is not below 32.
    pub fn register(&self, i: u32) -> u32 {
        assert!(i < 32, "32 registers");
        self.memory.get(register(i)).map_or(0, |cell| cell.value)
    }

    /// Where the cells of memory and output are.
    pub const fn store(&self) -> &C {
        self.memory.store()
    }

    /// Executes until the program exits; returns its exit code.
    ///
    /// # Errors
    /// [`ExecError`], which names the instruction.
    pub fn run(&mut self, io: &mut impl GuestIo) -> Result<u32, ExecError> {
        loop {
            if let Some(code) = self.run_for(io, u64::MAX)? {
                return Ok(code);
            }
        }
    }

    /// Executes until the program exits, for at most so many cycles; returns the exit code, once
    /// there is one.
    ///
    /// # Errors
    /// [`ExecError`], which names the instruction.
    pub fn run_for(
        &mut self,
        io: &mut impl GuestIo,
        cycles: u64,
    ) -> Result<Option<u32>, ExecError> {
        for _ in 0..cycles {
            if self.exit_code.is_some() {
                break;
            }
            self.step(io, &mut Discard)?;
        }
        Ok(self.exit_code)
    }

    /// Executes one step; returns whether the program has exited.
    ///
    /// # Errors
    /// [`ExecError`], which names the instruction.
    pub fn step_once(&mut self, io: &mut impl GuestIo) -> Result<bool, ExecError> {
        self.step(io, &mut Discard)?;
        Ok(self.exit_code.is_some())
    }

    /// Executes one epoch into `record`: until the next step would overflow a table, or the program
    /// exits.
    ///
    /// # Errors
    /// [`ExecError`], which names the instruction. The machine cannot go on after one.
    pub fn run_epoch(
        &mut self,
        io: &mut impl GuestIo,
        record: &mut EpochRecord<'_>,
    ) -> Result<EpochEnd, ExecError> {
        if self.exit_code.is_some() {
            return Err(ExecError::Exited);
        }
        if self.epoch + 1 == 1 << EPOCH_BITS {
            return Err(ExecError::EpochLimit { pc: self.pc() });
        }
        self.epoch += 1;
        self.memory.start_epoch(self.epoch);
        record.reset(self.epoch, self.pc);
        let end = loop {
            if let Some(table) = self.step(io, record)? {
                break EpochEnd::Full(table);
            }
            if let Some(code) = self.exit_code {
                break EpochEnd::Exit(code);
            }
        };
        for row in record.l2g.as_mut_slice() {
            if let Some(cell) = self.memory.get(row.cell) {
                (row.fini, row.timestamp) = (cell.value, cell.timestamp);
            }
        }
        Ok(end)
    }

    /// One cycle; the table of `sink` that it does not fit into, and then nothing has happened.
    fn step<S: Sink>(
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
        let w = tables::value(row.op, a, b);
        if row.has(BRANCH) && w == 1 {
            cpu.next_pc = row.aux as u32;
        }
        debug_assert!(row.has(PURE) || row.has(BRANCH));
        Ok(w)
    }

    /// Serves a memory operation; returns the value loaded, 0 for a store.
    fn load_or_store<S: Sink>(
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

    /// One step of a system call; returns the progress that it leaves and sets the next program
    /// counter.
    fn system_call<S: Sink>(
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

    /// Refuses an access to the null page, unless the program loads it.
    fn check_page(&self, address: u32) -> Result<(), ExecError> {
        if address < GUARD_BYTES && !self.program.loads(address >> 2) {
            return Err(ExecError::NullPage {
                pc: self.pc(),
                address,
            });
        }
        Ok(())
    }

    /// Bytes done by the system call under way.
    fn progress(&self) -> u32 {
        self.memory
            .get(crate::cells::PROGRESS)
            .map_or(0, |cell| cell.value)
    }

    /// Reads cell `id` and leaves `update` of its value, at `timestamp`; returns the value found
    /// and the timestamp of the access before.
    fn access<S: Sink>(
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
