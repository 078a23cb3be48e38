//! Instructions as an assembler has them.

use std::fmt::{Display, from_fn};

use tranche_machine::decode::{Instruction, Size};

/// Names of the registers by the calling convention (RISC-V ELF psABI, section 2.1).
const REGISTERS: [&str; 32] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4",
    "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4",
    "t5", "t6",
];

/// The name of register x_`i`, which is below 32.
pub fn register(i: u32) -> &'static str {
    REGISTERS[i as usize]
}

/// The letter of a size.
const fn size_letter(size: Size) -> char {
    match size {
        Size::Byte => 'b',
        Size::Half => 'h',
        Size::Word => 'w',
    }
}

/// The instruction at the address `pc`: mnemonic and operands, targets as addresses.
pub fn assembly(pc: u32, instruction: Instruction) -> impl Display {
    from_fn(move |f| {
        let x = register;
        let target = |offset| pc.wrapping_add_signed(offset);
        match instruction {
            Instruction::Register { op, rd, rs1, rs2 } => {
                let op = format!("{op:?}").to_lowercase();
                write!(f, "{op} {}, {}, {}", x(rd), x(rs1), x(rs2))
            }
            Instruction::Immediate { op, rd, rs1, imm } => {
                // The unsigned comparison has its letter last.
                let op = match format!("{op:?}").to_lowercase().as_str() {
                    "sltu" => "sltiu".to_owned(),
                    op => format!("{op}i"),
                };
                write!(f, "{op} {}, {}, {}", x(rd), x(rs1), imm as i32)
            }
            Instruction::Lui { rd, imm } => write!(f, "lui {}, {:#x}", x(rd), imm >> 12),
            Instruction::Auipc { rd, imm } => write!(f, "auipc {}, {:#x}", x(rd), imm >> 12),
            Instruction::Jal { rd, offset } => write!(f, "jal {}, {:#x}", x(rd), target(offset)),
            Instruction::Jalr { rd, rs1, offset } => {
                write!(f, "jalr {}, {offset}({})", x(rd), x(rs1))
            }
            Instruction::Branch {
                condition,
                rs1,
                rs2,
                offset,
            } => {
                let condition = format!("{condition:?}").to_lowercase();
                let target = target(offset);
                write!(f, "b{condition} {}, {}, {target:#x}", x(rs1), x(rs2))
            }
            Instruction::Load {
                size,
                signed,
                rd,
                rs1,
                offset,
            } => {
                let unsigned = !signed && size != Size::Word;
                let unsigned = if unsigned { "u" } else { "" };
                let size = size_letter(size);
                write!(f, "l{size}{unsigned} {}, {offset}({})", x(rd), x(rs1))
            }
            Instruction::Store {
                size,
                rs1,
                rs2,
                offset,
            } => write!(f, "s{} {}, {offset}({})", size_letter(size), x(rs2), x(rs1)),
            Instruction::Fence => f.write_str("fence"),
            Instruction::Ecall => f.write_str("ecall"),
        }
    })
}

#[cfg(test)]
mod tests {
    use tranche_machine::decode::decode;

    use super::*;

    #[test]
    fn instructions_are_written_as_assemblers_read_them() {
        // As GNU objdump has them, without its aliases.
        for (word, expected) in [
            (0x00b5_0533, "add a0, a0, a1"),
            (0x02c5_b533, "mulhu a0, a1, a2"),
            (0xfff5_3513, "sltiu a0, a0, -1"),
            (0x4015_d513, "srai a0, a1, 1"),
            (0x0001_2537, "lui a0, 0x12"),
            (0x0000_0517, "auipc a0, 0x0"),
            (0x0080_00ef, "jal ra, 0x1008"),
            (0x0000_8067, "jalr zero, 0(ra)"),
            (0xfe05_1ee3, "bne a0, zero, 0xffc"),
            (0x0001_4503, "lbu a0, 0(sp)"),
            (0xffc1_2503, "lw a0, -4(sp)"),
            (0x00a1_1223, "sh a0, 4(sp)"),
            (0x0ff0_000f, "fence"),
            (0x0000_0073, "ecall"),
        ] {
            let instruction = decode(word).unwrap();
            assert_eq!(assembly(0x1000, instruction).to_string(), expected);
        }
    }
}
