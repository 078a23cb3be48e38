//! The decoder against a table of the manual's encodings (The RISC-V Instruction Set Manual, volume
//! I, chapter 37, "RV32I Base Instruction Set" and "RV32M Standard Extension"), and against its own fields put together again.

use tranche_machine::decode::{Alu, Condition, DecodeError, Instruction, Size, decode};

/// The one instruction of RV32IM that the machine does not have.
const EBREAK: u32 = 0x0010_0073;

/// Every other encoding of RV32IM, as the manual lists them: mask, match, name.
const ENCODINGS: [(u32, u32, &str); 47] = [
    (0x7f, 0x37, "lui"),
    (0x7f, 0x17, "auipc"),
    (0x7f, 0x6f, "jal"),
    (0x707f, 0x67, "jalr"),
    (0x707f, 0x0063, "beq"),
    (0x707f, 0x1063, "bne"),
    (0x707f, 0x4063, "blt"),
    (0x707f, 0x5063, "bge"),
    (0x707f, 0x6063, "bltu"),
    (0x707f, 0x7063, "bgeu"),
    (0x707f, 0x0003, "lb"),
    (0x707f, 0x1003, "lh"),
    (0x707f, 0x2003, "lw"),
    (0x707f, 0x4003, "lbu"),
    (0x707f, 0x5003, "lhu"),
    (0x707f, 0x0023, "sb"),
    (0x707f, 0x1023, "sh"),
    (0x707f, 0x2023, "sw"),
    (0x707f, 0x0013, "addi"),
    (0x707f, 0x2013, "slti"),
    (0x707f, 0x3013, "sltiu"),
    (0x707f, 0x4013, "xori"),
    (0x707f, 0x6013, "ori"),
    (0x707f, 0x7013, "andi"),
    (0xfe00_707f, 0x0000_1013, "slli"),
    (0xfe00_707f, 0x0000_5013, "srli"),
    (0xfe00_707f, 0x4000_5013, "srai"),
    (0xfe00_707f, 0x0000_0033, "add"),
    (0xfe00_707f, 0x4000_0033, "sub"),
    (0xfe00_707f, 0x0000_1033, "sll"),
    (0xfe00_707f, 0x0000_2033, "slt"),
    (0xfe00_707f, 0x0000_3033, "sltu"),
    (0xfe00_707f, 0x0000_4033, "xor"),
    (0xfe00_707f, 0x0000_5033, "srl"),
    (0xfe00_707f, 0x4000_5033, "sra"),
    (0xfe00_707f, 0x0000_6033, "or"),
    (0xfe00_707f, 0x0000_7033, "and"),
    (0xfe00_707f, 0x0200_0033, "mul"),
    (0xfe00_707f, 0x0200_1033, "mulh"),
    (0xfe00_707f, 0x0200_2033, "mulhsu"),
    (0xfe00_707f, 0x0200_3033, "mulhu"),
    (0xfe00_707f, 0x0200_4033, "div"),
    (0xfe00_707f, 0x0200_5033, "divu"),
    (0xfe00_707f, 0x0200_6033, "rem"),
    (0xfe00_707f, 0x0200_7033, "remu"),
    // Reserved fields of a fence are to be ignored (section 2.7).
    (0x707f, 0x000f, "fence"),
    (0xffff_ffff, 0x0000_0073, "ecall"),
];

/// The mnemonic of a decoded instruction.
const fn name(instruction: Instruction) -> &'static str {
    match instruction {
        Instruction::Register { op, .. } => match op {
            Alu::Add => "add",
            Alu::Sub => "sub",
            Alu::Slt => "slt",
            Alu::Sltu => "sltu",
            Alu::And => "and",
            Alu::Or => "or",
            Alu::Xor => "xor",
            Alu::Sll => "sll",
            Alu::Srl => "srl",
            Alu::Sra => "sra",
            Alu::Mul => "mul",
            Alu::Mulh => "mulh",
            Alu::Mulhsu => "mulhsu",
            Alu::Mulhu => "mulhu",
            Alu::Div => "div",
            Alu::Divu => "divu",
            Alu::Rem => "rem",
            Alu::Remu => "remu",
        },
        Instruction::Immediate { op, .. } => match op {
            Alu::Add => "addi",
            Alu::Slt => "slti",
            Alu::Sltu => "sltiu",
            Alu::And => "andi",
            Alu::Or => "ori",
            Alu::Xor => "xori",
            Alu::Sll => "slli",
            Alu::Srl => "srli",
            Alu::Sra => "srai",
            _ => "no instruction",
        },
        Instruction::Lui { .. } => "lui",
        Instruction::Auipc { .. } => "auipc",
        Instruction::Jal { .. } => "jal",
        Instruction::Jalr { .. } => "jalr",
        Instruction::Branch { condition, .. } => match condition {
            Condition::Eq => "beq",
            Condition::Ne => "bne",
            Condition::Lt => "blt",
            Condition::Ge => "bge",
            Condition::Ltu => "bltu",
            Condition::Geu => "bgeu",
        },
        Instruction::Load { size, signed, .. } => match (size, signed) {
            (Size::Byte, true) => "lb",
            (Size::Half, true) => "lh",
            (Size::Word, _) => "lw",
            (Size::Byte, false) => "lbu",
            (Size::Half, false) => "lhu",
        },
        Instruction::Store { size, .. } => match size {
            Size::Byte => "sb",
            Size::Half => "sh",
            Size::Word => "sw",
        },
        Instruction::Fence => "fence",
        Instruction::Ecall => "ecall",
    }
}

/// The bits of a word that its operands are, put together from the decoded fields (section 2.3).
fn operands(instruction: Instruction) -> u32 {
    let i = |imm: i32| (imm as u32) << 20;
    let s = |imm: i32| (imm as u32 >> 5 & 0x7f) << 25 | (imm as u32 & 31) << 7;
    match instruction {
        Instruction::Register { rd, rs1, rs2, .. } => rd << 7 | rs1 << 15 | rs2 << 20,
        Instruction::Immediate { rd, rs1, imm, .. } => rd << 7 | rs1 << 15 | imm << 20,
        Instruction::Lui { rd, imm } | Instruction::Auipc { rd, imm } => rd << 7 | imm,
        Instruction::Jal { rd, offset } => {
            let o = offset as u32;
            rd << 7 | o & 0xf_f000 | (o >> 11 & 1) << 20 | (o >> 1 & 0x3ff) << 21 | o >> 20 << 31
        }
        Instruction::Jalr { rd, rs1, offset } => rd << 7 | rs1 << 15 | i(offset),
        Instruction::Branch {
            rs1, rs2, offset, ..
        } => {
            let o = offset as u32;
            let low = (o >> 1 & 15) << 8 | (o >> 11 & 1) << 7;
            low | rs1 << 15 | rs2 << 20 | (o >> 5 & 0x3f) << 25 | o >> 12 << 31
        }
        Instruction::Load {
            rd, rs1, offset, ..
        } => rd << 7 | rs1 << 15 | i(offset),
        Instruction::Store {
            rs1, rs2, offset, ..
        } => rs1 << 15 | rs2 << 20 | s(offset),
        Instruction::Fence | Instruction::Ecall => 0,
    }
}

/// Checks `decoder` on one word.
///
/// # Panics
/// When it is wrong.
pub fn check_word(word: u32, decoder: impl Fn(u32) -> Result<Instruction, DecodeError>) {
    let expected = ENCODINGS
        .iter()
        .find(|(mask, bits, _)| word & mask == *bits);
    match (decoder(word), expected) {
        (Ok(instruction), Some(&(mask, bits, expected))) => {
            assert_eq!(name(instruction), expected, "{word:#010x}");
            let fence = matches!(instruction, Instruction::Fence);
            let again = bits | operands(instruction);
            let compared = if fence { mask } else { u32::MAX };
            assert_eq!(again & compared, word & compared, "{instruction:?}");
        }
        (Err(DecodeError::Breakpoint), None) => assert_eq!(word, EBREAK),
        (Err(_), None) => {
            assert_ne!(word, EBREAK);
        }
        (got, expected) => panic!("{word:#010x} is {got:?}, the manual has {expected:?}"),
    }
}

/// Checks the decoder on the words that `data` holds, and on each with its opcode made a known one.
///
/// # Panics
/// When it is wrong.
pub fn check(data: &[u8]) {
    for bytes in data.chunks_exact(4) {
        let word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        check_word(word, decode);
        for (_, bits, _) in ENCODINGS {
            check_word(word & !0x7f | bits & 0x7f, decode);
            check_word(word & !0x707f | bits & 0x707f, decode);
            check_word(word & !0xfe00_707f | bits & 0xfe00_707f, decode);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    /// Words of every opcode, function and corner of the operands.
    fn words() -> impl Iterator<Item = u32> {
        (0..1 << 10).flat_map(|code: u32| {
            let bits = code & 0x7f | (code >> 7 & 7) << 12;
            [0, 1 << 25, 1 << 30, 0x7f << 25]
                .into_iter()
                .flat_map(move |high| {
                    [0, 0x01f0_8f80, 0x00a5_0680].map(|operands| bits | high | operands)
                })
        })
    }

    #[test]
    fn every_function_of_every_opcode() {
        let _alone = crate::alone();
        words()
            .chain([EBREAK])
            .for_each(|word| check(&word.to_le_bytes()));
    }

    /// Each way of being wrong is found on some word.
    #[test]
    fn a_wrong_decoder_is_found() {
        let _alone = crate::alone();
        let wrong: [fn(u32) -> Result<Instruction, DecodeError>; 6] = [
            // An immediate without its sign.
            |word| match decode(word)? {
                Instruction::Load {
                    size,
                    signed,
                    rd,
                    rs1,
                    offset,
                } => {
                    let offset = offset & 0x7ff;
                    Ok(Instruction::Load {
                        size,
                        signed,
                        rd,
                        rs1,
                        offset,
                    })
                }
                other => Ok(other),
            },
            // A reserved function taken for its neighbour.
            |word| {
                decode(if word & 0x707f == 0x2063 {
                    word & !0x2000
                } else {
                    word
                })
            },
            // `srai` as `srli`.
            |word| {
                decode(if word & 0xfe00_707f == 0x4000_5013 {
                    word & !(1 << 30)
                } else {
                    word
                })
            },
            // `ebreak` as nothing in particular, and everything of its opcode as `ebreak`.
            |word| match word {
                EBREAK => Err(DecodeError::Unknown),
                _ => decode(word),
            },
            |word| match word & 0x707f {
                0x73 if word != 0x73 => Err(DecodeError::Breakpoint),
                _ => decode(word),
            },
            // An instruction refused.
            |word| {
                if word & 0x7f == 0x17 {
                    Err(DecodeError::Unknown)
                } else {
                    decode(word)
                }
            },
        ];
        for (i, decoder) in wrong.into_iter().enumerate() {
            let mut words = words().chain([EBREAK]);
            let found = words.any(|word| catch_unwind(|| check_word(word, decoder)).is_err());
            assert!(found, "decoder {i}");
        }
    }
}
