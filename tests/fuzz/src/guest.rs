//! Random programs that end: run as QEMU runs them; a share of them proved, and what was proved
//! verified.
//!
//! A program is straight-line code with forward branches, bounded loops, calls, memory accesses in a
//! window of its data, reads and writes. At its end it folds all registers and the window into a digest,
//! which is its last output.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use arbitrary::{Result, Unstructured};
use tranche::execute::{Execution, execute};
use tranche_machine::{ExecError, Program, Settings};

use crate::asm::{
    A0, A1, A2, A7, BRANCH, DATA, ECALL, FENCE, IMMEDIATE, LOAD, REGISTER, SHIFT, STORE, auipc,
    branch, elf, exit, immediate, jal, jalr, li, load, lui, register, shift, store,
};
use crate::bundles::{SMALL, check as verify, prove_claim};
use crate::tally::Tally;

/// Registers 1 to 27 are operands; the others hold the program together.
const OPERANDS: u32 = 28;
const DIGEST: u32 = 28;
const SCRATCH: u32 = 29;
const COUNTER: u32 = 30;
const BASE: u32 = 31;
/// Bytes of data that loads and stores reach, around the base, and behind them those of the registers.
const WINDOW: i32 = 256;
const REGISTERS_AT: i32 = WINDOW / 2;
/// Cycles that no generated program takes.
const MAX_CYCLES: u64 = 1 << 16;

static OUTCOMES: Tally = Tally::new();

/// A program, and what it reads.
#[derive(Clone, Debug)]
pub struct Generated {
    /// An ELF file.
    pub elf: Vec<u8>,
    /// The input.
    pub input: String,
    /// What to prove the run with, if it is to be proved.
    pub settings: Option<Settings>,
}

fn target(u: &mut Unstructured<'_>) -> Result<u32> {
    u.int_in_range(0..=OPERANDS - 1)
}

fn value(u: &mut Unstructured<'_>) -> Result<u32> {
    const EDGES: [u32; 8] = [
        0,
        1,
        0x7f,
        0x8000,
        0xffff,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_ffff,
    ];
    if u.ratio(1, 2)? {
        return Ok(*u.choose(&EDGES)?);
    }
    u.arbitrary()
}

/// An instruction that goes on to the next.
fn plain(u: &mut Unstructured<'_>) -> Result<u32> {
    let (rd, rs1, rs2) = (target(u)?, u.int_in_range(0..=31)?, u.int_in_range(0..=31)?);
    let imm = u.int_in_range(-2048..=2047)?;
    let offset = |u: &mut Unstructured<'_>, bytes: u32| -> Result<i32> {
        let at = u.int_in_range(-WINDOW / 2..=WINDOW / 2 - 4)?;
        Ok(at & !(bytes as i32 - 1))
    };
    Ok(match u.int_in_range(0..=7)? {
        0 | 1 => register(u.choose(&REGISTER)?.0, rd, rs1, rs2),
        2 => immediate(u.choose(&IMMEDIATE)?.0, rd, rs1, imm),
        3 => shift(u.choose(&SHIFT)?.0, rd, rs1, rs2),
        4 => {
            let (name, _, bytes) = *u.choose(&LOAD)?;
            load(name, rd, BASE, offset(u, bytes)?)
        }
        5 => {
            let (name, _, bytes) = *u.choose(&STORE)?;
            store(name, rs2, BASE, offset(u, bytes)?)
        }
        6 => lui(rd, u.arbitrary()?),
        _ => match u.ratio(1, 4)? {
            true => FENCE,
            false => auipc(rd, u.arbitrary()?),
        },
    })
}

/// A few instructions that run once or more, and end at the next.
fn block(u: &mut Unstructured<'_>, code: &mut Vec<u32>) -> Result<()> {
    match u.int_in_range(0..=9)? {
        0 => {
            let name = u.choose(&BRANCH)?.0;
            let (rs1, rs2) = (u.int_in_range(0..=31)?, u.int_in_range(0..=31)?);
            let skipped = u.int_in_range(0..=3)?;
            code.push(branch(name, rs1, rs2, 4 * (skipped + 1)));
            for _ in 0..skipped {
                code.push(plain(u)?);
            }
        }
        1 => {
            let (turns, len) = (u.int_in_range(1..=6)?, u.int_in_range(1..=4)?);
            code.push(immediate("addi", COUNTER, 0, turns));
            for _ in 0..len {
                code.push(plain(u)?);
            }
            code.push(immediate("addi", COUNTER, COUNTER, -1));
            code.push(branch("bne", COUNTER, 0, -4 * (len + 1)));
        }
        2 => {
            let skipped = u.int_in_range(0..=2)?;
            code.push(jal(target(u)?, 4 * (skipped + 1)));
            for _ in 0..skipped {
                code.push(plain(u)?);
            }
        }
        3 => {
            // Past an instruction, by an even or odd sum.
            let (sum, part) = (12 + u.int_in_range(0..=1)?, u.int_in_range(-1000..=1000)?);
            code.push(auipc(SCRATCH, 0));
            code.push(immediate("addi", SCRATCH, SCRATCH, part));
            code.push(jalr(target(u)?, SCRATCH, sum - part));
            // The sum counts from the first of the three.
        }
        4 => {
            // A read or a write of a part of the window.
            let (write, len) = (u.ratio(1, 2)?, u.int_in_range(0..=6)?);
            let at = u.int_in_range(-WINDOW / 2..=WINDOW / 2 - 8)?;
            code.push(immediate("addi", A7, 0, if write { 64 } else { 63 }));
            code.push(immediate("addi", A0, 0, write.into()));
            code.push(immediate("addi", A1, BASE, at));
            code.push(immediate("addi", A2, 0, len));
            code.push(ECALL);
        }
        _ => code.push(plain(u)?),
    }
    Ok(())
}

/// Stores all operands behind the window, folds both into a word, writes it and exits.
fn epilogue(code: &mut Vec<u32>) {
    for i in 1..OPERANDS {
        code.push(store("sw", i, BASE, REGISTERS_AT + 4 * i as i32));
    }
    let (word, high, end) = (5, 6, 7);
    code.push(immediate("addi", DIGEST, 0, 1));
    code.push(immediate("addi", COUNTER, BASE, -WINDOW / 2));
    code.push(immediate(
        "addi",
        end,
        BASE,
        REGISTERS_AT + 4 * OPERANDS as i32,
    ));
    code.extend([
        load("lw", word, COUNTER, 0),
        shift("slli", high, DIGEST, 5),
        shift("srli", DIGEST, DIGEST, 27),
        register("or", DIGEST, DIGEST, high),
        register("xor", DIGEST, DIGEST, word),
        immediate("addi", COUNTER, COUNTER, 4),
        branch("bne", COUNTER, end, -24),
    ]);
    code.push(store("sw", DIGEST, BASE, -WINDOW / 2));
    code.push(immediate("addi", A7, 0, 64));
    code.push(immediate("addi", A0, 0, 1));
    code.push(immediate("addi", A1, BASE, -WINDOW / 2));
    code.push(immediate("addi", A2, 0, 4));
    code.push(ECALL);
    code.push(immediate("andi", A0, DIGEST, 0x7f));
    code.extend(exit());
}

/// The program that `u` chooses; choices that run out are zero.
///
/// # Errors
/// Never: `arbitrary` gives zeros at the end of its bytes.
pub fn generate(u: &mut Unstructured<'_>) -> Result<Generated> {
    let proved = u.ratio(1, 10)?;
    let settings = Settings {
        log2_cycles: *u.choose(&[6, 8, 9, 10])?,
        arity: u.int_in_range(2..=4)?,
        ..SMALL
    };
    let input = (0..u.int_in_range(0..=12)?)
        .map(|_| Ok(char::from(u.int_in_range(b' '..=b'~')?)))
        .collect::<Result<String>>()?;
    let data: Vec<u8> = u.bytes(u.len().min(32))?.to_vec();
    let mut code = Vec::new();
    for i in 1..OPERANDS {
        code.extend(li(i, value(u)?));
    }
    for i in [DIGEST, SCRATCH, COUNTER] {
        code.push(immediate("addi", i, 0, 0));
    }
    code.extend(li(BASE, DATA + 0x400));
    for _ in 0..u.int_in_range(0..=40)? {
        block(u, &mut code)?;
    }
    epilogue(&mut code);
    let mut memory = vec![0; 0x400 - WINDOW as usize / 2];
    memory.extend(data);
    Ok(Generated {
        elf: elf(&code, &memory),
        input,
        settings: proved.then_some(settings),
    })
}

/// A folder of this process's own.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("tranche-fuzz-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for QEMU's files");
    folder
});

/// Exit code and output of a program under QEMU.
///
/// # Panics
/// When there is no `qemu-riscv32`, or it is killed.
pub fn qemu(elf: &[u8], input: &str) -> (u32, Vec<u8>) {
    let [program, input_path] = ["program", "input"].map(|name| FOLDER.join(name));
    fs::write(&program, elf).expect("the program's file");
    fs::set_permissions(&program, Permissions::from_mode(0o755)).expect("the program's mode");
    fs::write(&input_path, input).expect("the input's file");
    let output = Command::new("qemu-riscv32")
        .arg(&program)
        .stdin(File::open(&input_path).expect("the input's file"))
        .stderr(Stdio::inherit())
        .output()
        .expect("qemu-riscv32 of Debian's qemu-user");
    let code = output.status.code().expect("an exit code, not a signal");
    (code as u32, output.stdout)
}

/// Compares a run with QEMU's.
///
/// # Panics
/// When they differ.
fn compare(ours: &std::result::Result<Execution, ExecError>, qemu: &(u32, Vec<u8>)) {
    let ours = ours.as_ref().expect("a program that runs under QEMU");
    assert_eq!((ours.exit_code, &ours.output), (qemu.0, &qemu.1));
}

/// Generates a program, runs it here and under QEMU, and proves and verifies one in ten.
///
/// # Panics
/// When the runs differ, or an honest proof is not accepted.
pub fn check(data: &[u8]) {
    let Ok(generated) = generate(&mut Unstructured::new(data)) else {
        return;
    };
    let program = Program::parse(&generated.elf).expect("a program of ours");
    let execution = execute(&program, generated.input.as_bytes(), MAX_CYCLES);
    compare(&execution, &qemu(&generated.elf, &generated.input));
    let (Ok(execution), Some(settings)) = (execution, generated.settings) else {
        OUTCOMES.count("run".into());
        return;
    };
    let proved = prove_claim(&program, settings, &generated.input, &execution, 1);
    let (_, bundle) = proved.expect("an honest run can be proved");
    let statement = verify(&program, &bundle).expect("an honest bundle is accepted");
    let proven = (statement.exit_code, statement.output, statement.cycles);
    assert_eq!(
        proven,
        (execution.exit_code, execution.output, execution.cycles)
    );
    OUTCOMES.count("proved".into());
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    /// Some choices: a linear congruence's high bytes (Knuth, volume 2, section 3.3.4).
    fn choices(seed: u64) -> Vec<u8> {
        let mut state = seed;
        (0..600)
            .map(|_| {
                state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                (state >> 56) as u8
            })
            .collect()
    }

    #[test]
    fn programs_end_and_agree_with_qemu() {
        let _alone = crate::alone();
        let mut outputs = std::collections::BTreeSet::new();
        for seed in 0..12 {
            let data = choices(seed);
            check(&data);
            let generated = generate(&mut Unstructured::new(&data)).unwrap();
            let program = Program::parse(&generated.elf).unwrap();
            let run = execute(&program, generated.input.as_bytes(), MAX_CYCLES).unwrap();
            assert!(run.cycles > 700);
            outputs.insert(run.output);
        }
        assert!(outputs.len() > 10, "programs that differ");
    }

    #[test]
    fn a_wrong_run_is_found() {
        let _alone = crate::alone();
        let generated = generate(&mut Unstructured::new(&choices(7))).unwrap();
        let expected = qemu(&generated.elf, &generated.input);
        let program = Program::parse(&generated.elf).unwrap();
        let run = execute(&program, generated.input.as_bytes(), MAX_CYCLES);
        compare(&run, &expected);
        let found = |run| catch_unwind(AssertUnwindSafe(|| compare(&run, &expected))).is_err();
        let mut wrong = run.clone().unwrap();
        *wrong.output.last_mut().unwrap() ^= 1;
        assert!(found(Ok(wrong)));
        let mut wrong = run.unwrap();
        wrong.exit_code ^= 1;
        assert!(found(Ok(wrong)));
        assert!(found(Err(ExecError::CycleLimit { pc: 0 })));
    }
}
