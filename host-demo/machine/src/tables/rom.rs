//! ROM: one row per executable word of the blocks chosen, and what depends on the program counter alone.
//!
//! The table provides `(pc, rd, rs1, rs2, imm, aux, op, flags)`; the CPU table fetches. A word that
//! is no instruction of the machine, and padding, carry the flags [`UNEXECUTABLE`], which no CPU
//! row can form from its booleans.

use p3_field::PrimeCharacteristicRing;
use p3_lookup::InteractionBuilder;
use tranche_core::{F, TraceMut};

use super::list::FilledTable;
use super::table::Table;
use super::{cmp, lookup, served};
use crate::blocks::RomPart;
use crate::bus::ROM;
use crate::cells::{DUMMY, PROGRESS, register};
use crate::columns::{Column, columns};
use crate::decode::{Alu, Condition, Instruction, Size};
use crate::program::Program;
use crate::shape::EpochShape;

pub use crate::row::RomRow;

columns! {
    /// How often the row is fetched.
    COUNT,
}

/// Number of preprocessed columns: the message.
const FIXED_WIDTH: usize = 9;

pub use crate::span::HALT;

/// Target of a taken branch or jump to a misaligned address: no word index either, and not
/// [`HALT`].
const NOWHERE: u32 = HALT + 1;

/// rd = a - b.
pub const SUB: u32 = 1;
/// rd = a + b, pc = aux: `a` is x0.
pub const JAL: u32 = 1 << 1;
/// rd = b, pc from the MEM table.
pub const JALR: u32 = 1 << 2;
/// A load or store: served by the MEM table.
pub const MEM: u32 = 1 << 3;
/// rd = op(a, b), served by CMP, BIT or SHIFT.
pub const PURE: u32 = 1 << 4;
/// pc = aux when op(a, b) holds, served by CMP.
pub const BRANCH: u32 = 1 << 5;
/// One step of a system call: served by the SYS table.
pub const SYS: u32 = 1 << 6;
/// b is register rs2, otherwise the immediate.
pub const READS_RS2: u32 = 1 << 7;
/// The flags of words that cannot be executed.
pub const UNEXECUTABLE: u32 = 1 << 8;

/// Operations on the exec bus that have a clock; the others are those of the tables that serve them.
pub mod op {
    /// One step of a system call.
    pub const SYS: u32 = 13;
    /// Memory operations: `MEM + BYTE | HALF | WORD | JALR`, plus `STORE` or `SIGNED`.
    pub const MEM: u32 = 16;
    /// One byte.
    pub const BYTE: u32 = 1;
    /// Two bytes.
    pub const HALF: u32 = 2;
    /// Four bytes.
    pub const WORD: u32 = 3;
    /// Indirect jump.
    pub const JALR: u32 = 4;
    /// Writes to memory.
    pub const STORE: u32 = 5;
    /// Extends the sign.
    pub const SIGNED: u32 = 10;
}

// An operation with a clock is no other table's.
const _: () = {
    assert!(served::serving(op::SYS).is_none());
    let mut op = op::MEM;
    while op <= op::MEM + op::SIGNED + op::WORD {
        assert!(served::serving(op).is_none());
        op += 1;
    }
};

impl RomRow {
    /// A row that cannot be executed.
    const fn unexecutable(pc: u32) -> Self {
        let x0 = register(0);
        Self {
            pc,
            rd: DUMMY,
            rs1: x0,
            rs2: x0,
            imm: 0,
            aux: 0,
            op: 0,
            flags: UNEXECUTABLE,
        }
    }

    /// The row of `instruction` at word index `pc`.
    pub fn new(pc: u32, instruction: Instruction) -> Self {
        let address = pc << 2;
        let link = address.wrapping_add(4);
        let row = Self {
            flags: 0,
            ..Self::unexecutable(pc)
        };
        match instruction {
            Instruction::Register { op, rd, rs1, rs2 } => {
                let (op, flags) = alu(op);
                let (rs1, rs2) = (register(rs1), register(rs2));
                Self {
                    rd: destination(rd),
                    rs1,
                    rs2,
                    op,
                    flags: flags | READS_RS2,
                    ..row
                }
            }
            Instruction::Immediate { op, rd, rs1, imm } => {
                let (op, flags) = alu(op);
                Self {
                    rd: destination(rd),
                    rs1: register(rs1),
                    imm,
                    op,
                    flags,
                    ..row
                }
            }
            // Constants are sums with x0.
            Instruction::Lui { rd, imm } => Self {
                rd: destination(rd),
                imm,
                ..row
            },
            Instruction::Auipc { rd, imm } => {
                let imm = address.wrapping_add(imm);
                Self {
                    rd: destination(rd),
                    imm,
                    ..row
                }
            }
            Instruction::Jal { rd, offset } => {
                let aux = target(address, offset);
                Self {
                    rd: destination(rd),
                    imm: link,
                    aux,
                    flags: JAL,
                    ..row
                }
            }
            Instruction::Jalr { rd, rs1, offset } => {
                let (rd, rs1, op) = (destination(rd), register(rs1), op::MEM + op::JALR);
                Self {
                    rd,
                    rs1,
                    imm: link,
                    aux: offset,
                    op,
                    flags: JALR,
                    ..row
                }
            }
            Instruction::Branch {
                condition,
                rs1,
                rs2,
                offset,
            } => {
                let op = match condition {
                    Condition::Eq => cmp::op::EQ,
                    Condition::Ne => cmp::op::NE,
                    Condition::Lt => cmp::op::LT,
                    Condition::Ge => cmp::op::GE,
                    Condition::Ltu => cmp::op::LTU,
                    Condition::Geu => cmp::op::GEU,
                };
                let (rs1, rs2, aux) = (register(rs1), register(rs2), target(address, offset));
                Self {
                    rs1,
                    rs2,
                    aux,
                    op,
                    flags: BRANCH | READS_RS2,
                    ..row
                }
            }
            Instruction::Load {
                size,
                signed,
                rd,
                rs1,
                offset,
            } => {
                let op = op::MEM + size_code(size) + if signed { op::SIGNED } else { 0 };
                Self {
                    rd: destination(rd),
                    rs1: register(rs1),
                    aux: offset,
                    op,
                    flags: MEM,
                    ..row
                }
            }
            Instruction::Store {
                size,
                rs1,
                rs2,
                offset,
            } => {
                let op = op::MEM + size_code(size) + op::STORE;
                let (rs1, rs2) = (register(rs1), register(rs2));
                Self {
                    rs1,
                    rs2,
                    aux: offset,
                    op,
                    flags: MEM | READS_RS2,
                    ..row
                }
            }
            Instruction::Fence => row,
            Instruction::Ecall => {
                let (rd, rs1, rs2) = (PROGRESS, register(17), register(12));
                Self {
                    rd,
                    rs1,
                    rs2,
                    op: op::SYS,
                    flags: SYS | READS_RS2,
                    ..row
                }
            }
        }
    }

    /// The row of ROM cell `pc`; one that cannot be executed outside of the ROM's table.
    pub fn of(program: &Program<'_>, pc: u32) -> Self {
        match program.decoded_row(pc) {
            Some(row) => *row,
            None => Self::decode(program, pc),
        }
    }

    /// The same from the program's words.
    pub(crate) fn decode(program: &Program<'_>, pc: u32) -> Self {
        match program.instruction(pc) {
            Some(Ok(instruction)) if program.in_rom_table(pc) => Self::new(pc, instruction),
            _ => Self::unexecutable(pc),
        }
    }

    /// Whether all of `flags` are set.
    pub const fn has(&self, flags: u32) -> bool {
        self.flags & flags == flags
    }

    /// The table that serves the instruction, unless the CPU table does it alone. A step of a system call that
    /// moves bytes, and so stays where it is, has a row of MEM besides.
    #[inline]
    pub const fn serving(&self) -> Option<FilledTable> {
        if self.has(SYS) {
            Some(FilledTable::Sys)
        } else if self.has(MEM) || self.has(JALR) {
            Some(FilledTable::Mem)
        } else {
            served::serving(self.op)
        }
    }

    /// The message of the row.
    fn message(&self) -> [F; FIXED_WIDTH] {
        let Self {
            pc,
            rd,
            rs1,
            rs2,
            imm,
            aux,
            op,
            flags,
        } = *self;
        let [pc, rd, rs1, rs2, lo, hi, op, flags] =
            [pc, rd, rs1, rs2, imm & 0xffff, imm >> 16, op, flags].map(F::from_u32);
        [pc, rd, rs1, rs2, lo, hi, F::from_i32(aux), op, flags]
    }
}

#[cfg(feature = "alloc")]
impl Program<'_> {
    /// Decodes the ROM once for all executions and traces to come, on the heap: 32 bytes a word. They are much faster
    /// then; where there is no memory for it, they are as they were.
    pub fn decoded(self) -> Self {
        let mut rows = alloc::vec::Vec::new();
        if rows.try_reserve_exact(self.rom().len()).is_ok() {
            rows.extend(self.rom().map(|pc| RomRow::decode(&self, pc)));
        }
        self.with_rows(rows)
    }
}

/// x0 is never written.
const fn destination(rd: u32) -> u32 {
    if rd == 0 { DUMMY } else { register(rd) }
}

const fn size_code(size: Size) -> u32 {
    match size {
        Size::Byte => op::BYTE,
        Size::Half => op::HALF,
        Size::Word => op::WORD,
    }
}

/// Operation on the exec bus and flags of an arithmetic instruction: what no table serves, the CPU table does.
fn alu(alu: Alu) -> (u32, u32) {
    match (served::op(alu), alu) {
        (Some(op), _) => (op, PURE),
        (None, Alu::Sub) => (0, SUB),
        (None, _) => (0, 0),
    }
}

const fn target(address: u32, offset: i32) -> i32 {
    let target = address.wrapping_add_signed(offset);
    if target & 3 == 0 {
        (target >> 2) as i32
    } else {
        NOWHERE as i32
    }
}

/// log2 of the number of rows in an epoch of a shape.
pub(crate) const fn log_rows(shape: &EpochShape) -> u32 {
    shape.rom
}

/// The table of a program's instructions, of 2^`log_height` rows.
#[derive(Clone, Copy, Debug)]
pub struct Rom<'a> {
    /// The program.
    pub program: &'a Program<'a>,
    /// Which of its blocks.
    pub part: RomPart,
    /// At least [`Program::part_log2`].
    pub log_height: u32,
}

impl<'a> Rom<'a> {
    pub(super) const fn new(shape: &EpochShape, program: &'a Program<'a>) -> Self {
        Self {
            program,
            part: shape.rom_part,
            log_height: log_rows(shape),
        }
    }
}

impl Table for Rom<'_> {
    const COLUMNS: &'static [Column] = COLUMNS;
    const FIXED_WIDTH: usize = FIXED_WIDTH;

    fn fixed_log_height(&self) -> Option<u8> {
        Some(self.log_height as u8)
    }

    fn fill_preprocessed(&self, trace: &mut TraceMut<'_>) {
        fill_preprocessed(self.program, self.part, trace);
    }

    fn eval<AB: InteractionBuilder<F = F>>(&self, builder: &mut AB) {
        lookup::eval::<FIXED_WIDTH, AB>(ROM, builder);
    }
}

fn fill_preprocessed(program: &Program<'_>, part: RomPart, trace: &mut TraceMut<'_>) {
    let cells = program.rom().filter(|&pc| program.in_part(part, pc));
    let rows = cells.map(|pc| RomRow::of(program, pc));
    let padding = core::iter::repeat(RomRow::unexecutable(HALT));
    for (row, content) in rows.chain(padding).take(trace.height()).enumerate() {
        trace.set_row(row, &content.message());
    }
}
