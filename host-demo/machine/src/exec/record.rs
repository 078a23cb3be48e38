//! What one epoch's traces are filled from, in the caller's buffers.
//!
//! The machine appends; the tables' fillers read, later and elsewhere. Multiplicities of lookup
//! tables are counted while the tables that query them are filled.

use tranche_core::F;
use zeroize::{DefaultIsZeroes, Zeroize};

use crate::bus::{CLOCK_START, Clock, STAMPS};
use crate::shape::EpochShape;

/// A row of the CPU table. Its clock follows from its index.
#[derive(Clone, Copy, Debug, Default)]
pub struct CpuRow {
    /// Word index of the instruction.
    pub pc: u32,
    /// Word index of the next, or the halt value.
    pub next_pc: u32,
    /// Value of rs1.
    pub a: u32,
    /// Second operand.
    pub b: u32,
    /// Value written to rd.
    pub w: u32,
    /// Value of rd before.
    pub old: u32,
    /// Previous timestamps of rs1, rs2 and rd.
    pub previous: [u32; 3],
}

/// A row of the MEM table.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemRow {
    /// Clock of the cycle.
    pub clk: u32,
    /// Operation on the exec bus.
    pub op: u32,
    /// Base, as two halves: a system call's may exceed 16 bits.
    pub base: [u32; 2],
    /// Offset in bytes.
    pub offset: i32,
    /// Value loaded or stored; the link of an indirect jump.
    pub value: u32,
    /// Memory word before the access.
    pub old: u32,
    /// Memory word after it.
    pub new: u32,
    /// Previous timestamp of the memory cell.
    pub previous: u32,
}

/// A row of the CMP, BIT or SHIFT table.
#[derive(Clone, Copy, Debug, Default)]
pub struct AluRow {
    /// Operation on the exec bus.
    pub op: u32,
    /// First operand.
    pub a: u32,
    /// Second operand.
    pub b: u32,
}

/// What a step of a system call does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)] // a row has no padding
pub enum SysStep {
    /// Ends the run.
    #[default]
    Exit,
    /// Ends the run, by the number for all threads.
    ExitGroup,
    /// Moves one byte from memory to the output.
    WriteByte,
    /// Returns from a write to the output.
    WriteEnd,
    /// A whole write of a message.
    Message,
    /// Moves one byte from the input to memory.
    ReadByte,
    /// Returns from a read.
    ReadEnd,
}

/// A row of the SYS table.
#[derive(Clone, Copy, Debug, Default)]
pub struct SysRow {
    /// Clock of the cycle.
    pub clk: u32,
    /// Word index of the `ecall`.
    pub pc: u32,
    /// What it does.
    pub step: SysStep,
    /// Register a2: bytes asked for.
    pub wanted: u32,
    /// Bytes done before this step.
    pub done: u32,
    /// Value of a1 (bytes) or a0 (ends), before this step.
    pub argument: u32,
    /// Its previous timestamp.
    pub argument_previous: u32,
    /// Output length before a written byte.
    pub out_len: u32,
    /// Its previous timestamp.
    pub out_len_previous: u32,
    /// The byte moved.
    pub byte: u32,
}

/// A row of the L2G table.
#[derive(Clone, Copy, Debug, Default)]
pub struct L2gRow {
    /// The cell.
    pub cell: u32,
    /// The epoch that touched it before; 0 for genesis.
    pub init_epoch: u32,
    /// Value at the start of the epoch.
    pub init: u32,
    /// Value at its end.
    pub fini: u32,
    /// Timestamp of the last access.
    pub timestamp: u32,
}

impl DefaultIsZeroes for CpuRow {}
impl DefaultIsZeroes for MemRow {}
impl DefaultIsZeroes for AluRow {}
impl DefaultIsZeroes for SysRow {}
impl DefaultIsZeroes for L2gRow {}

/// A list of bounded length over the caller's slice.
#[derive(Debug)]
pub(crate) struct Rows<'a, T> {
    rows: &'a mut [T],
    len: usize,
}

impl<'a, T> Rows<'a, T> {
    const fn new(rows: &'a mut [T]) -> Self {
        Self { rows, len: 0 }
    }

    /// Appends; false when full.
    pub fn push(&mut self, row: T) -> bool {
        let Some(slot) = self.rows.get_mut(self.len) else {
            return false;
        };
        *slot = row;
        self.len += 1;
        true
    }

    /// Rows that still fit.
    pub const fn room(&self) -> usize {
        self.rows.len() - self.len
    }

    pub fn as_slice(&self) -> &[T] {
        &self.rows[..self.len]
    }

    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.rows[..self.len]
    }
}

/// The buffers of a record: as many rows each as the table has, 2^ the shape's entry.
#[derive(Debug)]
pub struct RecordBuffers<'a> {
    /// Rows of CPU.
    pub cpu: &'a mut [CpuRow],
    /// Rows of MEM.
    pub mem: &'a mut [MemRow],
    /// Rows of CMP.
    pub cmp: &'a mut [AluRow],
    /// Rows of BIT.
    pub bit: &'a mut [AluRow],
    /// Rows of SHIFT.
    pub shift: &'a mut [AluRow],
    /// Rows of SYS.
    pub sys: &'a mut [SysRow],
    /// Rows of L2G.
    pub l2g: &'a mut [L2gRow],
    /// Fetches of each ROM row.
    pub rom: &'a mut [u32],
    /// Lookups of each row of RANGE.
    pub range: &'a mut [u32],
    /// Lookups of each row of AND4.
    pub and4: &'a mut [u32],
}

impl RecordBuffers<'_> {
    /// The buffers cut to the rows of `shape`.
    ///
    /// # Errors
    /// [`RecordTooShort`] names the first that has fewer.
    pub fn cut(self, shape: EpochShape) -> Result<Self, RecordTooShort> {
        let lens = RecordLens::of(shape);
        Ok(Self {
            cpu: cut("cpu", self.cpu, lens.cpu)?,
            mem: cut("mem", self.mem, lens.mem)?,
            cmp: cut("cmp", self.cmp, lens.cmp)?,
            bit: cut("bit", self.bit, lens.bit)?,
            shift: cut("shift", self.shift, lens.shift)?,
            sys: cut("sys", self.sys, lens.sys)?,
            l2g: cut("l2g", self.l2g, lens.l2g)?,
            rom: cut("rom", self.rom, lens.rom)?,
            range: cut("range", self.range, lens.range)?,
            and4: cut("and4", self.and4, lens.and4)?,
        })
    }
}

fn cut<'a, T>(
    table: &'static str,
    rows: &'a mut [T],
    needed: usize,
) -> Result<&'a mut [T], RecordTooShort> {
    let got = rows.len();
    rows.get_mut(..needed)
        .ok_or(RecordTooShort { table, needed, got })
}

/// A buffer of a record with fewer rows than the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RecordTooShort {
    /// The table.
    pub table: &'static str,
    /// Its rows.
    pub needed: usize,
    /// Rows of the buffer.
    pub got: usize,
}

impl core::fmt::Display for RecordTooShort {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { table, needed, got } = self;
        write!(f, "{got} rows for the {needed} of table {table}")
    }
}

impl core::error::Error for RecordTooShort {}

/// Elements of each of the [`RecordBuffers`], exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RecordLens {
    /// Rows of CPU.
    pub cpu: usize,
    /// Rows of MEM.
    pub mem: usize,
    /// Rows of CMP.
    pub cmp: usize,
    /// Rows of BIT.
    pub bit: usize,
    /// Rows of SHIFT.
    pub shift: usize,
    /// Rows of SYS.
    pub sys: usize,
    /// Rows of L2G.
    pub l2g: usize,
    /// Rows of ROM.
    pub rom: usize,
    /// Rows of RANGE.
    pub range: usize,
    /// Rows of AND4.
    pub and4: usize,
}

impl RecordLens {
    /// Those of epochs of `shape`; [`usize::MAX`] for an entry that no address has the bits for.
    pub const fn of(shape: EpochShape) -> Self {
        Self {
            cpu: rows(shape.cpu),
            mem: rows(shape.mem),
            cmp: rows(shape.cmp),
            bit: rows(shape.bit),
            shift: rows(shape.shift),
            sys: rows(shape.sys),
            l2g: rows(shape.l2g),
            rom: rows(shape.rom),
            range: RANGE_ROWS,
            and4: AND4_ROWS,
        }
    }

    /// Bytes of all buffers; in 64 bits, since those of the longest epochs are more than a small device
    /// can address. Lengths that are no shape's saturate.
    pub const fn bytes(&self) -> u64 {
        let mut total = 0_u64;
        let parts = [
            (self.cpu, size_of::<CpuRow>()),
            (self.mem, size_of::<MemRow>()),
            (self.cmp, size_of::<AluRow>()),
            (self.bit, size_of::<AluRow>()),
            (self.shift, size_of::<AluRow>()),
            (self.sys, size_of::<SysRow>()),
            (self.l2g, size_of::<L2gRow>()),
            (self.rom, size_of::<u32>()),
            (self.range, size_of::<u32>()),
            (self.and4, size_of::<u32>()),
        ];
        let mut i = 0;
        while i < parts.len() {
            let (len, size) = parts[i];
            total = total.saturating_add((len as u64).saturating_mul(size as u64));
            i += 1;
        }
        total
    }
}

/// `2^log`.
const fn rows(log: u32) -> usize {
    match 1_usize.checked_shl(log) {
        Some(rows) => rows,
        None => usize::MAX,
    }
}

/// Rows of the RANGE table.
pub(crate) const RANGE_ROWS: usize = 1 << 9;
/// Rows of the AND4 table.
pub(crate) const AND4_ROWS: usize = 1 << 8;

/// How often each row of RANGE and AND4 is asked for.
#[derive(Debug)]
pub(crate) struct Counts<'a> {
    pub range: &'a mut [u32],
    pub and4: &'a mut [u32],
    /// Tables that have been counted, so that filling one again counts nothing.
    done: u16,
    /// Whether the table being filled counts.
    active: bool,
}

impl Counts<'_> {
    /// Back to nothing counted.
    fn clear(&mut self) {
        let Self {
            range,
            and4,
            done,
            active,
        } = self;
        range.fill(0);
        and4.fill(0);
        (*done, *active) = (0, false);
    }

    /// Starts counting for the table of this index, unless it was counted before.
    pub fn start(&mut self, table: usize) -> bool {
        self.active = self.done & 1 << table == 0;
        self.done |= 1 << table;
        self.active
    }

    /// Whether all tables that look something up have been counted.
    pub const fn complete(&self) -> bool {
        self.done & 0x7f == 0x7f
    }

    /// Counts the check that `value` has `bits` bits.
    ///
    /// A value of more bits is no row of the table and counts nowhere: the bus will not balance.
    pub fn range(&mut self, value: u32, bits: u32) {
        if self.active && value >> bits == 0 {
            self.range[((1 << bits) - 1 + value) as usize] += 1;
        }
    }

    /// Counts the check of a 16-bit value by bytes, and returns its low byte.
    pub fn range16(&mut self, value: u32) -> F {
        self.range(value & 0xff, 8);
        self.range(value >> 8, 8);
        F::new(value & 0xff)
    }

    /// Counts the checks of `previous < timestamp`, and writes all but the highest byte of the
    /// difference.
    pub fn elapsed(&mut self, clock: Clock, timestamp: u32, previous: u32, limbs: &mut [F]) {
        let mut rest = timestamp - previous - 1;
        for limb in &mut limbs[..clock.limbs()] {
            self.range(rest & 0xff, 8);
            *limb = F::new(rest & 0xff);
            rest >>= 8;
        }
        self.range(rest, 8);
    }

    /// Counts the lookup of `x & y`.
    pub fn and4(&mut self, x: u32, y: u32) {
        if self.active {
            self.and4[(x << 4 | y) as usize] += 1;
        }
    }
}

/// Everything that one epoch's traces are filled from.
#[derive(Debug)]
pub struct EpochRecord<'a> {
    pub(crate) cpu: Rows<'a, CpuRow>,
    pub(crate) mem: Rows<'a, MemRow>,
    pub(crate) cmp: Rows<'a, AluRow>,
    pub(crate) bit: Rows<'a, AluRow>,
    pub(crate) shift: Rows<'a, AluRow>,
    pub(crate) sys: Rows<'a, SysRow>,
    pub(crate) l2g: Rows<'a, L2gRow>,
    pub(crate) rom: &'a mut [u32],
    pub(crate) counts: Counts<'a>,
    pub(crate) epoch: u32,
    pub(crate) entry_pc: u32,
    pub(crate) exit_pc: u32,
}

impl<'a> EpochRecord<'a> {
    /// An empty record for epochs of `shape`.
    ///
    /// # Panics
    /// When a buffer has not exactly 2^ the shape's entry rows.
    pub fn new(shape: EpochShape, buffers: RecordBuffers<'a>) -> Self {
        let RecordBuffers {
            cpu,
            mem,
            cmp,
            bit,
            shift,
            sys,
            l2g,
            rom,
            range,
            and4,
        } = buffers;
        let lens = RecordLens {
            cpu: cpu.len(),
            mem: mem.len(),
            cmp: cmp.len(),
            bit: bit.len(),
            shift: shift.len(),
            sys: sys.len(),
            l2g: l2g.len(),
            rom: rom.len(),
            range: range.len(),
            and4: and4.len(),
        };
        assert_eq!(lens, RecordLens::of(shape), "buffers of another shape");
        Self {
            cpu: Rows::new(cpu),
            mem: Rows::new(mem),
            cmp: Rows::new(cmp),
            bit: Rows::new(bit),
            shift: Rows::new(shift),
            sys: Rows::new(sys),
            l2g: Rows::new(l2g),
            rom,
            counts: Counts {
                range,
                and4,
                done: 0,
                active: false,
            },
            epoch: 0,
            entry_pc: 0,
            exit_pc: 0,
        }
    }

    /// Empties the record for the next epoch.
    pub(crate) fn reset(&mut self, epoch: u32, entry_pc: u32) {
        self.cpu.len = 0;
        self.mem.len = 0;
        self.cmp.len = 0;
        self.bit.len = 0;
        self.shift.len = 0;
        self.sys.len = 0;
        self.l2g.len = 0;
        self.rom.fill(0);
        self.counts.clear();
        self.epoch = epoch;
        self.entry_pc = entry_pc;
        self.exit_pc = entry_pc;
    }

    /// Overwrites the buffers with zeros, in a way that no compiler drops: rows of an execution on
    /// private input stay in them otherwise. The record is empty then.
    pub fn wipe(&mut self) {
        self.cpu.rows.zeroize();
        self.mem.rows.zeroize();
        for rows in [&mut self.cmp, &mut self.bit, &mut self.shift] {
            rows.rows.zeroize();
        }
        self.sys.rows.zeroize();
        self.l2g.rows.zeroize();
        for counts in [&mut *self.rom, self.counts.range, self.counts.and4] {
            counts.zeroize();
        }
        self.reset(0, 0);
    }

    /// Number of the epoch, from 1.
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Cycles of the epoch.
    pub const fn cycles(&self) -> u32 {
        self.cpu.len as u32
    }

    /// Public values of the CPU table: entry and exit program counter (word indices), clock at the
    /// end.
    pub fn public_values(&self) -> [F; 3] {
        [
            self.entry_pc,
            self.exit_pc,
            CLOCK_START + STAMPS * self.cycles(),
        ]
        .map(F::new)
    }

    /// The rows of the L2G table.
    pub fn l2g(&self) -> &[L2gRow] {
        self.l2g.as_slice()
    }
}
