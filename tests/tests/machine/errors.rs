//! What the machine refuses, by name and address.

use tranche_machine::decode::DecodeError;
use tranche_machine::{ElfError, ExecError, Machine, Pages, Program};

use crate::asm::{
    A0, A1, A2, A7, CODE, DATA, ECALL, RA, branch, elf, exit, immediate, jal, jalr, li, load, store,
};
use crate::oracle::{Io, run_epochs};

/// Runs `code` and returns its error, which the plain run gives too, decoded ahead or not.
fn error(code: &[u32]) -> ExecError {
    let elf = elf(code, &[]);
    let Err(error) = run_epochs(&elf, &[], 6, |_, _| ()) else {
        panic!("it ran")
    };
    let program = Program::parse(&elf).unwrap();
    for program in [program.clone(), program.decoded()] {
        let mut machine = Machine::over(&program, Pages::new(1 << 20), 1 << 24);
        assert_eq!(machine.run(&mut Io::new(&[])), Err(error));
    }
    error
}

#[test]
fn breakpoints_and_unknown_words() {
    let ebreak = 0x0010_0073;
    let got = error(&[ebreak]);
    let unsupported = |word, reason| ExecError::Unsupported {
        pc: CODE,
        word,
        reason,
    };
    assert_eq!(got, unsupported(ebreak, DecodeError::Breakpoint));
    let said = "pc 0x00010000: ebreak, and no debugger to break into";
    assert_eq!(got.to_string(), said);
    // Among others a breakpoint with a register, a csrrw and a fence.i.
    for word in [0, u32::MAX, 0x0010_00f3, 0x3000_1073, 0x0000_100f] {
        let got = error(&[word]);
        assert_eq!(got, unsupported(word, DecodeError::Unknown));
        let said = format!("pc 0x00010000: {word:#010x} is no RV32IM instruction");
        assert_eq!(got.to_string(), said);
    }
}

#[test]
fn unsupported_words_that_are_never_executed_do_no_harm() {
    let mut code = vec![jal(0, 8), 0x0010_0073];
    code.extend(exit());
    let run = run_epochs(&elf(&code, &[]), &[], 6, |_, traces| {
        traces.check().unwrap()
    })
    .unwrap();
    assert_eq!(run.exit_code, 0);
}

#[test]
fn bad_jumps() {
    assert_eq!(error(&[jal(0, 6)]), ExecError::MisalignedJump { pc: CODE });
    let jump = |target: u32| [&li(RA, target)[..], &[jalr(0, RA, 0)]].concat();
    assert_eq!(
        error(&jump(CODE + 2)),
        ExecError::MisalignedJump { pc: CODE + 8 }
    );
    let outside = ExecError::JumpOutOfRom {
        pc: CODE + 8,
        target: DATA,
    };
    assert_eq!(error(&jump(DATA)), outside);
    let fall = ExecError::JumpOutOfRom {
        pc: CODE,
        target: CODE + 4,
    };
    assert_eq!(error(&[immediate("addi", A0, 0, 0)]), fall);
}

/// A jump to itself is reported at once, and only one that never ends.
#[test]
fn loops_that_never_end() {
    let nop = immediate("addi", 0, 0, 0);
    let never = |pc| ExecError::EndlessLoop { pc };
    for loops in [
        jal(0, 0),
        jal(RA, 0),
        branch("beq", 0, 0, 0),
        branch("bge", A0, A0, 0),
    ] {
        assert_eq!(error(&[nop, loops]), never(CODE + 4));
    }
    let said = "pc 0x00010004: jumps to itself: a loop that never ends";
    assert_eq!(never(CODE + 4).to_string(), said);
    // From a register that it leaves as it was: another, or the one that it links to.
    let to = |target: u32, jump: u32| [&li(A1, target)[..], &[jump]].concat();
    assert_eq!(error(&to(CODE + 8, jalr(0, A1, 0))), never(CODE + 8));
    assert_eq!(error(&to(CODE + 4, jalr(RA, A1, 4))), never(CODE + 8));
    assert_eq!(error(&to(CODE + 12, jalr(A1, A1, -4))), never(CODE + 8));
    // One that links to its base jumps elsewhere the next time: behind itself, to the exit.
    let ends = [&to(CODE + 8, jalr(A1, A1, 0))[..], &exit()].concat();
    let run = run_epochs(&elf(&ends, &[]), &[], 6, |_, traces| {
        traces.check().unwrap()
    });
    assert_eq!(run.unwrap().cycles, 6);
    // A branch to itself that is not taken; a system call of several steps is none either.
    let not_taken = [&[branch("bne", 0, 0, 0)][..], &exit()].concat();
    assert!(run_epochs(&elf(&not_taken, &[]), &[], 6, |_, _| ()).is_ok());
}

#[test]
fn a_branch_to_a_misaligned_target_that_is_not_taken() {
    let misaligned = |name: &str| [&[branch(name, 0, 0, 6)][..], &exit()].concat();
    let run = run_epochs(&elf(&misaligned("bne"), &[]), &[], 6, |_, traces| {
        traces.check().unwrap();
    });
    assert_eq!(run.unwrap().exit_code, 0);
    assert_eq!(
        error(&misaligned("beq")),
        ExecError::MisalignedJump { pc: CODE }
    );
}

#[test]
fn bad_accesses() {
    let at = |address: u32, access: u32| [&li(A1, address)[..], &[access]].concat();
    let pc = CODE + 8;
    for (name, address) in [("lh", DATA + 1), ("lw", DATA + 2), ("lhu", DATA + 3)] {
        let got = error(&at(address, load(name, A0, A1, 0)));
        assert_eq!(got, ExecError::MisalignedAccess { pc, address });
    }
    let got = error(&at(DATA + 1, store("sw", A0, A1, 0)));
    assert_eq!(
        got,
        ExecError::MisalignedAccess {
            pc,
            address: DATA + 1
        }
    );
    let got = error(&at(0, load("lw", A0, A1, 0)));
    assert_eq!(got, ExecError::NullPage { pc, address: 0 });
    let got = error(&at(CODE, store("sb", A0, A1, 0)));
    let (address, writable) = (CODE, false);
    let stored = ExecError::StoreToCode {
        pc,
        address,
        writable,
    };
    assert_eq!(got, stored);
}

#[test]
fn bad_system_calls() {
    let say = "pc 0x00010004: ";
    for (number, what) in [
        (
            214,
            "no system call brk (214); reserve a heap in .bss: untouched memory costs nothing",
        ),
        (
            403,
            "no system call clock_gettime64 (403); a proof knows no time: pass it in the input",
        ),
        (
            66,
            "no system call writev (66); call read (63) or write (64) once for each buffer",
        ),
        (
            57,
            "no system call close (57); there are no files: read descriptor 0 or 3, write descriptor 1 or 2",
        ),
        (1000, "unknown system call 1000"),
    ] {
        let got = error(&[immediate("addi", A7, 0, number as i32), ECALL]);
        assert_eq!(
            got,
            ExecError::UnknownSyscall {
                pc: CODE + 4,
                number
            }
        );
        assert_eq!(got.to_string(), format!("{say}{what}"));
    }
    let message = |from: u32, bytes: u32| {
        let code = [li(A1, from), li(A2, bytes)].concat();
        let descriptor = [
            immediate("addi", A7, 0, 64),
            immediate("addi", A0, 0, 2),
            ECALL,
        ];
        error(&[&code[..], &descriptor].concat())
    };
    let pc = CODE + 24;
    assert_eq!(
        message(DATA, u32::MAX),
        ExecError::MessageTooLong {
            pc,
            bytes: u32::MAX
        }
    );
    assert_eq!(message(8, 1), ExecError::NullPage { pc, address: 8 });
    assert_eq!(message(u32::MAX, 2), ExecError::NullPage { pc, address: 0 });
    let got = error(&[immediate("addi", A7, 0, 64), ECALL]);
    assert_eq!(
        got,
        ExecError::BadDescriptor {
            pc: CODE + 4,
            descriptor: 0
        }
    );
}

#[test]
fn broken_files_are_refused() {
    let good = elf(&exit(), &[]);
    assert!(Program::parse(&good).is_ok());
    for len in 0..good.len() {
        assert!(Program::parse(&good[..len]).is_err(), "cut at {len}");
    }
    let with = |at: usize, byte: u8| {
        let mut file = good.clone();
        file[at] = byte;
        Program::parse(&file).err()
    };
    assert_eq!(with(0, 0), Some(ElfError::Malformed));
    assert_eq!(with(4, 2), Some(ElfError::NotElf32Le));
    assert_eq!(with(5, 2), Some(ElfError::NotElf32Le));
    assert_eq!(with(16, 3), Some(ElfError::NotExecutable { kind: 3 }));
    assert_eq!(with(18, 62), Some(ElfError::NotRiscv { machine: 62 }));
    assert_eq!(with(24, 1), Some(ElfError::Entry { address: CODE + 1 }));
    assert_eq!(with(26, 2), Some(ElfError::Entry { address: DATA }));
    // No byte, whatever it becomes, makes the parser panic.
    for at in 0..good.len() {
        for byte in [0, 1, 0x7f, 0x80, 0xff] {
            let _ = with(at, byte);
        }
    }
}
