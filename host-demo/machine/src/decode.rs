//! Decoding of RV32IM (The RISC-V Instruction Set Manual, volume I: chapter 2, and the M extension).

/// A comparison that a branch is taken on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Less, signed.
    Lt,
    /// Greater or equal, signed.
    Ge,
    /// Less, unsigned.
    Ltu,
    /// Greater or equal, unsigned.
    Geu,
}

/// An arithmetic or logical operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alu {
    /// Sum.
    Add,
    /// Difference.
    Sub,
    /// 1 when less, signed.
    Slt,
    /// 1 when less, unsigned.
    Sltu,
    /// Bitwise and.
    And,
    /// Bitwise or.
    Or,
    /// Bitwise exclusive or.
    Xor,
    /// Shift left by the low five bits.
    Sll,
    /// Shift right by the low five bits, zeros in.
    Srl,
    /// Shift right by the low five bits, sign bits in.
    Sra,
    /// Low word of the product.
    Mul,
    /// High word of the product, both signed.
    Mulh,
    /// High word of the product, the first signed.
    Mulhsu,
    /// High word of the product, unsigned.
    Mulhu,
    /// Quotient, signed, rounded towards zero.
    Div,
    /// Quotient, unsigned.
    Divu,
    /// Remainder, of the sign of the first.
    Rem,
    /// Remainder, unsigned.
    Remu,
}

/// What a batch may have a table more for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    /// `mul`, `mulh`, `mulhsu`, `mulhu`.
    Multiply,
    /// `div`, `divu`, `rem`, `remu`.
    Divide,
    /// Reads of public input, which are no instructions of their own.
    PublicInput,
}

impl Extension {
    /// Number of them.
    pub(crate) const COUNT: usize = 3;

    /// The part of the M extension that an operation is of; `None` of RV32I's.
    pub const fn of(alu: Alu) -> Option<Self> {
        match alu {
            Alu::Mul | Alu::Mulh | Alu::Mulhsu | Alu::Mulhu => Some(Self::Multiply),
            Alu::Div | Alu::Divu | Alu::Rem | Alu::Remu => Some(Self::Divide),
            _ => None,
        }
    }
}

/// Bytes that a load or store moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// One byte.
    Byte,
    /// Two bytes.
    Half,
    /// Four bytes.
    Word,
}

/// A decoded instruction. Registers are numbers below 32, immediates are sign-extended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// rd = rs1 op rs2.
    Register {
        /// Operation.
        op: Alu,
        /// Destination.
        rd: u32,
        /// First source.
        rs1: u32,
        /// Second source.
        rs2: u32,
    },
    /// rd = rs1 op imm.
    Immediate {
        /// Operation.
        op: Alu,
        /// Destination.
        rd: u32,
        /// Source.
        rs1: u32,
        /// Second operand.
        imm: u32,
    },
    /// rd = imm.
    Lui {
        /// Destination.
        rd: u32,
        /// Value.
        imm: u32,
    },
    /// rd = pc + imm.
    Auipc {
        /// Destination.
        rd: u32,
        /// Added to the program counter.
        imm: u32,
    },
    /// rd = pc + 4; pc += offset.
    Jal {
        /// Destination.
        rd: u32,
        /// Bytes from this instruction.
        offset: i32,
    },
    /// rd = pc + 4; pc = (rs1 + offset) & !1.
    Jalr {
        /// Destination.
        rd: u32,
        /// Base.
        rs1: u32,
        /// Bytes, -2048 to 2047.
        offset: i32,
    },
    /// pc += offset when the condition holds.
    Branch {
        /// Condition on rs1 and rs2.
        condition: Condition,
        /// First source.
        rs1: u32,
        /// Second source.
        rs2: u32,
        /// Bytes from this instruction.
        offset: i32,
    },
    /// rd = memory at rs1 + offset.
    Load {
        /// Bytes read.
        size: Size,
        /// Whether the value is sign-extended.
        signed: bool,
        /// Destination.
        rd: u32,
        /// Base.
        rs1: u32,
        /// Bytes, -2048 to 2047.
        offset: i32,
    },
    /// memory at rs1 + offset = rs2.
    Store {
        /// Bytes written.
        size: Size,
        /// Base.
        rs1: u32,
        /// Source.
        rs2: u32,
        /// Bytes, -2048 to 2047.
        offset: i32,
    },
    /// Orders memory accesses: does nothing here.
    Fence,
    /// System call.
    Ecall,
}

/// Why a word is no instruction of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum DecodeError {
    /// A compressed instruction, of 16 bits.
    Compressed,
    /// `ebreak`, the one instruction of RV32IM that the machine does not have.
    Breakpoint,
    /// Anything else.
    Unknown,
}

/// Decodes one 32-bit instruction.
///
/// # Errors
/// [`DecodeError`] for every word that is not an RV32IM instruction, and for `ebreak`.
pub const fn decode(word: u32) -> Result<Instruction, DecodeError> {
    let rd = word >> 7 & 31;
    let rs1 = word >> 15 & 31;
    let rs2 = word >> 20 & 31;
    let funct3 = word >> 12 & 7;
    let funct7 = word >> 25;
    let imm_i = word as i32 >> 20;
    Ok(match word & 0x7f {
        0x37 => Instruction::Lui {
            rd,
            imm: word & 0xffff_f000,
        },
        0x17 => Instruction::Auipc {
            rd,
            imm: word & 0xffff_f000,
        },
        0x6f => Instruction::Jal {
            rd,
            offset: offset_j(word),
        },
        0x67 if funct3 == 0 => Instruction::Jalr {
            rd,
            rs1,
            offset: imm_i,
        },
        0x63 => {
            let condition = match funct3 {
                0 => Condition::Eq,
                1 => Condition::Ne,
                4 => Condition::Lt,
                5 => Condition::Ge,
                6 => Condition::Ltu,
                7 => Condition::Geu,
                _ => return Err(DecodeError::Unknown),
            };
            Instruction::Branch {
                condition,
                rs1,
                rs2,
                offset: offset_b(word),
            }
        }
        0x03 => {
            let (size, signed) = match funct3 {
                0 => (Size::Byte, true),
                1 => (Size::Half, true),
                2 => (Size::Word, false),
                4 => (Size::Byte, false),
                5 => (Size::Half, false),
                _ => return Err(DecodeError::Unknown),
            };
            Instruction::Load {
                size,
                signed,
                rd,
                rs1,
                offset: imm_i,
            }
        }
        0x23 => {
            let size = match funct3 {
                0 => Size::Byte,
                1 => Size::Half,
                2 => Size::Word,
                _ => return Err(DecodeError::Unknown),
            };
            let offset = (word as i32 >> 25) << 5 | rd as i32;
            Instruction::Store {
                size,
                rs1,
                rs2,
                offset,
            }
        }
        0x13 => {
            let op = match (funct3, funct7) {
                (0, _) => Alu::Add,
                (2, _) => Alu::Slt,
                (3, _) => Alu::Sltu,
                (4, _) => Alu::Xor,
                (6, _) => Alu::Or,
                (7, _) => Alu::And,
                (1, 0) => Alu::Sll,
                (5, 0) => Alu::Srl,
                (5, 0x20) => Alu::Sra,
                _ => return Err(DecodeError::Unknown),
            };
            let shift = matches!(op, Alu::Sll | Alu::Srl | Alu::Sra);
            Instruction::Immediate {
                op,
                rd,
                rs1,
                imm: if shift { rs2 } else { imm_i as u32 },
            }
        }
        0x33 => {
            let op = match (funct3, funct7) {
                (0, 0) => Alu::Add,
                (0, 0x20) => Alu::Sub,
                (1, 0) => Alu::Sll,
                (2, 0) => Alu::Slt,
                (3, 0) => Alu::Sltu,
                (4, 0) => Alu::Xor,
                (5, 0) => Alu::Srl,
                (5, 0x20) => Alu::Sra,
                (6, 0) => Alu::Or,
                (7, 0) => Alu::And,
                (0, 1) => Alu::Mul,
                (1, 1) => Alu::Mulh,
                (2, 1) => Alu::Mulhsu,
                (3, 1) => Alu::Mulhu,
                (4, 1) => Alu::Div,
                (5, 1) => Alu::Divu,
                (6, 1) => Alu::Rem,
                (7, 1) => Alu::Remu,
                _ => return Err(DecodeError::Unknown),
            };
            Instruction::Register { op, rd, rs1, rs2 }
        }
        // Reserved fields of a fence are to be ignored.
        0x0f if funct3 == 0 => Instruction::Fence,
        _ if word == 0x73 => Instruction::Ecall,
        _ if word == 0x0010_0073 => return Err(DecodeError::Breakpoint),
        // Other than 11 in the lowest bits begins a compressed encoding; 16 zeros are none.
        _ if word & 3 != 3 && word & 0xffff != 0 => return Err(DecodeError::Compressed),
        _ => return Err(DecodeError::Unknown),
    })
}

/// Offset of a jump: imm[20|10:1|11|19:12].
const fn offset_j(word: u32) -> i32 {
    let low = word >> 20 & 0x7fe | word >> 9 & 0x800 | word & 0xf_f000;
    (word as i32 >> 31) << 20 | low as i32
}

/// Offset of a branch: imm[12|10:5] and imm[4:1|11].
const fn offset_b(word: u32) -> i32 {
    let low = word >> 7 & 0x1e | word >> 20 & 0x7e0 | word << 4 & 0x800;
    (word as i32 >> 31) << 12 | low as i32
}
