//! What looks at an execution while it goes on: markers of the guest, a trace of all instructions, a profile of its
//! functions.
//!
//! | module | role |
//! |---|---|
//! | [`functions`] | which function an address is in |
//! | [`assembly`] | instructions as text |
//! | [`trace`] | a line for each instruction |
//! | [`profile`] | cycles by function and by stack of functions |
//! | [`flame`] | such stacks as text and as a picture |
//! | [`markers`] | cycles between lines that the guest writes |

pub mod assembly;
pub mod flame;
pub mod functions;
pub mod markers;
pub mod profile;
pub mod trace;

use tranche_machine::decode::{Instruction, Size, decode};
use tranche_machine::{ExecError, GuestIo, Machine, Pages, Program, RomBlocks};

/// Whether register x_`i` takes the return address of a call, and a return goes by it (RISC-V ELF psABI, section 2.1).
const fn is_link(i: u32) -> bool {
    matches!(i, 1 | 5)
}

/// An access of an instruction to memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Address of its first byte.
    pub address: u32,
    /// What a store leaves there, in its lowest bytes; a load's is in the register.
    pub stored: Option<(Size, u32)>,
}

/// An instruction that was executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Executed {
    /// Cycles of the run before it.
    pub cycle: u64,
    /// Cycles that it took: more than one of a system call that moves bytes.
    pub cycles: u64,
    /// Its address.
    pub pc: u32,
    /// The address of the next one.
    pub next_pc: u32,
    /// Its encoding.
    pub word: u32,
    /// What it is.
    pub instruction: Instruction,
    /// The register that it wrote, and its value; not x0.
    pub written: Option<(u32, u32)>,
    /// Its access to memory; of a system call none.
    pub access: Option<Access>,
}

/// What is told of each instruction.
pub trait Observer {
    /// Takes the next instruction.
    fn see(&mut self, executed: &Executed);
}

/// Executes until the program exits, or for about so many cycles, and shows each instruction.
pub(crate) fn run_for(
    machine: &mut Machine<'_, Pages>,
    program: &Program<'_>,
    (io, blocks): (&mut impl GuestIo, &mut RomBlocks),
    cycles: u64,
    observers: &mut [&mut dyn Observer],
) -> Result<Option<u32>, ExecError> {
    let end = machine.cycles().saturating_add(cycles);
    while machine.exit_code().is_none() && machine.cycles() < end {
        let executed = step(machine, program, io, blocks)?;
        for observer in &mut *observers {
            observer.see(&executed);
        }
    }
    Ok(machine.exit_code())
}

/// Executes one instruction.
fn step(
    machine: &mut Machine<'_, Pages>,
    program: &Program<'_>,
    io: &mut impl GuestIo,
    blocks: &mut RomBlocks,
) -> Result<Executed, ExecError> {
    let (cycle, pc, done) = (machine.cycles(), machine.pc(), machine.instructions());
    let word = program.code(pc >> 2).unwrap_or_default();
    let decoded = decode(word);
    let access = decoded.ok().and_then(|it| access(it, machine));
    while machine.instructions() == done {
        machine.run_visiting(io, 1, blocks)?;
    }
    // What is no instruction was refused.
    let instruction = decoded.unwrap_or(Instruction::Fence);
    let rd = destination(instruction);
    Ok(Executed {
        cycle,
        cycles: machine.cycles() - cycle,
        pc,
        next_pc: machine.pc(),
        word,
        instruction,
        written: rd.map(|rd| (rd, machine.register(rd))),
        access,
    })
}

/// The access that an instruction is about to do.
fn access(instruction: Instruction, machine: &Machine<'_, Pages>) -> Option<Access> {
    let (rs1, offset, stored) = match instruction {
        Instruction::Load { rs1, offset, .. } => (rs1, offset, None),
        Instruction::Store {
            size,
            rs1,
            rs2,
            offset,
        } => (rs1, offset, Some((size, machine.register(rs2)))),
        _ => return None,
    };
    Some(Access {
        address: machine.register(rs1).wrapping_add_signed(offset),
        stored,
    })
}

/// The register that an instruction writes; a system call leaves its result in a0.
const fn destination(instruction: Instruction) -> Option<u32> {
    let rd = match instruction {
        Instruction::Register { rd, .. }
        | Instruction::Immediate { rd, .. }
        | Instruction::Lui { rd, .. }
        | Instruction::Auipc { rd, .. }
        | Instruction::Jal { rd, .. }
        | Instruction::Jalr { rd, .. }
        | Instruction::Load { rd, .. } => rd,
        Instruction::Ecall => 10,
        Instruction::Branch { .. } | Instruction::Store { .. } | Instruction::Fence => 0,
    };
    if rd == 0 { None } else { Some(rd) }
}
