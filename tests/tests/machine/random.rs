//! Random programs of all of RV32IM against `qemu-riscv32`: memory and registers after each. What differs is shrunk
//! to the fewest steps that differ, and compared instruction by instruction. Every tenth program is proved too.
//!
//! `PROPTEST_CASES` sets how many there are: `PROPTEST_CASES=5000 cargo nextest run -p tranche-tests --test machine
//! --no-capture random_programs`.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use tranche_machine::{Machine, Pages, Program};

use crate::asm::{
    A0, A1, A2, A7, BRANCH, CODE, DATA, DATA_BYTES, ECALL, FENCE, IMMEDIATE, LOAD, REGISTER, SHIFT,
    STORE, Segment, auipc, branch, elf, exit, file, immediate, jal, jalr, li, load, lui, register,
    shift, store, words,
};
use crate::oracle::{Io, run_epochs};
use crate::proofs::batch;
use crate::qemu::{FACTORS, compare};

/// Registers that a step may write: not the counter of loops, and not the base of memory accesses.
const TARGETS: u32 = 30;
const COUNTER: u32 = 30;
const BASE: u32 = 31;

/// A part of a program that any other may follow.
#[derive(Clone, Debug)]
enum Step {
    Register(&'static str, u32, u32, u32),
    Immediate(&'static str, u32, u32, i32),
    Shift(&'static str, u32, u32, u32),
    Load(&'static str, u32, i32),
    Store(&'static str, u32, i32),
    Set(u32, u32),
    Lui(u32, u32),
    Auipc(u32, u32),
    Fence,
    /// What it skips when it is taken.
    Branch(&'static str, u32, u32, Vec<Self>),
    /// `jal` over something.
    Jump(u32, Vec<Self>),
    /// `jalr` over something, by a base that is `offset` less than the target, or one less than that.
    Indirect(u32, i32, bool, Vec<Self>),
    /// So often.
    Loop(i32, Vec<Self>),
}

impl Step {
    fn code(&self) -> Vec<u32> {
        let all = |steps: &[Self]| -> Vec<u32> { steps.iter().flat_map(Self::code).collect() };
        // Bytes to behind the words.
        let over = |skipped: &[u32]| 4 * skipped.len() as i32 + 4;
        match self {
            &Self::Register(name, rd, rs1, rs2) => vec![register(name, rd, rs1, rs2)],
            &Self::Immediate(name, rd, rs1, imm) => vec![immediate(name, rd, rs1, imm)],
            &Self::Shift(name, rd, rs1, amount) => vec![shift(name, rd, rs1, amount)],
            &Self::Load(name, rd, offset) => vec![load(name, rd, BASE, offset)],
            &Self::Store(name, rs2, offset) => vec![store(name, rs2, BASE, offset)],
            &Self::Set(rd, value) => li(rd, value).to_vec(),
            &Self::Lui(rd, imm) => vec![lui(rd, imm)],
            &Self::Auipc(rd, imm) => vec![auipc(rd, imm)],
            Self::Fence => vec![FENCE],
            Self::Branch(name, rs1, rs2, skipped) => {
                let skipped = all(skipped);
                [&[branch(name, *rs1, *rs2, over(&skipped))][..], &skipped].concat()
            }
            Self::Jump(rd, skipped) => {
                let skipped = all(skipped);
                [&[jal(*rd, over(&skipped))][..], &skipped].concat()
            }
            Self::Indirect(rd, offset, odd, skipped) => {
                let skipped = all(skipped);
                // The lowest bit of the sum is dropped.
                let sum = over(&skipped) + 8 + i32::from(*odd);
                let base = (sum - offset).clamp(-2048, 2047);
                let jump = [
                    auipc(COUNTER, 0),
                    immediate("addi", COUNTER, COUNTER, base),
                    jalr(*rd, COUNTER, sum - base),
                ];
                [&jump[..], &skipped].concat()
            }
            Self::Loop(times, body) => {
                let body = all(body);
                let end = [
                    immediate("addi", COUNTER, COUNTER, -1),
                    branch("bne", COUNTER, 0, -4 * (body.len() as i32 + 1)),
                ];
                [&[immediate("addi", COUNTER, 0, *times)][..], &body, &end].concat()
            }
        }
    }
}

fn value() -> impl Strategy<Value = u32> {
    prop_oneof![2 => select(&FACTORS[..]), 1 => any::<u32>()]
}

/// A 12-bit immediate.
fn imm() -> impl Strategy<Value = i32> {
    prop_oneof![select(&[0, 1, -1, 2047, -2048, 255][..]), -2048..2048]
}

/// An offset from the base that is a multiple of `bytes`.
fn offset(bytes: u32) -> impl Strategy<Value = i32> {
    imm().prop_map(move |imm| imm.min(2044) & !(bytes as i32 - 1))
}

/// A step that is no more than itself.
fn simple() -> impl Strategy<Value = Step> {
    let (rd, rs) = (|| 0..TARGETS, || 0..32_u32);
    prop_oneof![
        9 => (select(&REGISTER[..]), rd(), rs(), rs())
            .prop_map(|((name, ..), rd, rs1, rs2)| Step::Register(name, rd, rs1, rs2)),
        3 => (select(&IMMEDIATE[..]), rd(), rs(), imm())
            .prop_map(|((name, _), rd, rs1, imm)| Step::Immediate(name, rd, rs1, imm)),
        2 => (select(&SHIFT[..]), rd(), rs(), 0..32_u32)
            .prop_map(|((name, ..), rd, rs1, by)| Step::Shift(name, rd, rs1, by)),
        2 => select(&LOAD[..]).prop_flat_map(move |(name, _, bytes)| {
            (rd(), offset(bytes)).prop_map(move |(rd, offset)| Step::Load(name, rd, offset))
        }),
        2 => select(&STORE[..]).prop_flat_map(move |(name, _, bytes)| {
            (rs(), offset(bytes)).prop_map(move |(rs2, offset)| Step::Store(name, rs2, offset))
        }),
        3 => (1..TARGETS, value()).prop_map(|(rd, value)| Step::Set(rd, value)),
        1 => (rd(), any::<u32>()).prop_map(|(rd, imm)| Step::Lui(rd, imm)),
        1 => (rd(), any::<u32>()).prop_map(|(rd, imm)| Step::Auipc(rd, imm)),
        1 => Just(Step::Fence),
    ]
}

/// Any step: others are in a jump, and in a loop simple ones and branches over them.
fn step() -> impl Strategy<Value = Step> {
    let few = || prop::collection::vec(simple(), 0..4);
    let (rd, rs) = (|| 0..TARGETS, || 0..32_u32);
    let branch = move || {
        (select(&BRANCH[..]), rs(), rs(), few())
            .prop_map(|((name, _), rs1, rs2, skipped)| Step::Branch(name, rs1, rs2, skipped))
    };
    let body = prop::collection::vec(prop_oneof![3 => simple(), 1 => branch()], 0..5);
    prop_oneof![
        12 => simple(),
        3 => branch(),
        1 => (rd(), few()).prop_map(|(rd, skipped)| Step::Jump(rd, skipped)),
        1 => (rd(), imm(), any::<bool>(), few())
            .prop_map(|(rd, offset, odd, skipped)| Step::Indirect(rd, offset, odd, skipped)),
        1 => (1..5, body).prop_map(|(times, body)| Step::Loop(times, body)),
    ]
}

/// A program: registers 1 to 30 as it begins, and what it does.
#[derive(Clone, Debug)]
struct Case {
    registers: Vec<u32>,
    steps: Vec<Step>,
}

fn case() -> impl Strategy<Value = Case> {
    let registers = prop::collection::vec(value(), 30);
    let steps = prop::collection::vec(step(), 1..80);
    (registers, steps).prop_map(|(registers, steps)| Case { registers, steps })
}

impl Case {
    /// Sets all registers and does the steps; memory accesses go to `data` and the 4 KiB behind it.
    fn code(&self, data: u32) -> Vec<u32> {
        let set = (1..BASE).zip(&self.registers);
        let mut code: Vec<_> = set.flat_map(|(rd, &value)| li(rd, value)).collect();
        code.extend(li(BASE, data + 0x800));
        code.extend(self.steps.iter().flat_map(Step::code));
        code
    }

    /// A file of this program alone.
    fn elf(&self) -> Vec<u8> {
        let mut code = self.code(DATA);
        code.push(immediate("andi", A0, A0, 0x7f));
        code.extend(exit());
        elf(&code, &memory())
    }
}

/// Instructions that set all registers.
const SETUP: usize = 62;

/// Memory as programs begin.
fn memory() -> Vec<u8> {
    let byte = |i: u32| (i.wrapping_mul(0x9e37_79b1) >> 24) as u8;
    (0..DATA_BYTES).map(byte).collect()
}

/// Programs of one file: QEMU's start is what takes time.
const BATCH: usize = 50;
/// Where the memory of a batch is, behind a mebibyte of code.
const BATCH_DATA: u32 = 0x0020_0000;
/// Bytes that each program of a batch leaves: memory, and registers 1 to 30.
const LEFT: usize = DATA_BYTES as usize + 4 * 30;

/// A file of programs that are executed one after the other, each on the memory of the one before. Each writes out
/// memory and registers as it leaves them.
fn batch_elf(cases: &[Case]) -> Vec<u8> {
    let mut code = Vec::new();
    for case in cases {
        code.extend(case.code(BATCH_DATA));
        code.extend(li(BASE, BATCH_DATA + DATA_BYTES));
        code.extend((1..BASE).map(|rs| store("sw", rs, BASE, 4 * (rs as i32 - 1))));
        code.extend(li(A1, BATCH_DATA));
        code.extend(li(A2, LEFT as u32));
        code.extend([immediate("addi", A0, 0, 1), immediate("addi", A7, 0, 64)]);
        code.push(ECALL);
    }
    code.push(immediate("addi", A0, 0, 0));
    code.extend(exit());
    let (code, data) = (words(&code), memory());
    let segment = |address, bytes, memory, flags| Segment {
        address,
        bytes,
        memory,
        flags,
    };
    let segments = [
        segment(CODE, &code, code.len() as u32, 5),
        segment(BATCH_DATA, &data, DATA_BYTES + 0x1000, 6),
    ];
    file(CODE, &segments)
}

/// The first of the programs after which memory or registers are not what QEMU has, and how they differ.
fn difference(cases: &[Case]) -> Option<(usize, String)> {
    let elf = batch_elf(cases);
    let expected = crate::qemu::run("random-batch", &[], &elf, &[]);
    assert!(expected.status.success(), "QEMU: {expected:?}");
    assert_eq!(expected.stdout.len(), LEFT * cases.len());
    let program = Program::parse(&elf).expect("a program").decoded();
    let mut machine = Machine::over(&program, Pages::new(1 << 25), u64::MAX);
    let mut io = Io::new(&[]);
    let ended = machine.run(&mut io);
    let lefts = expected.stdout.chunks(LEFT).enumerate();
    for (case, expected) in lefts {
        let got = io.output.get(case * LEFT..).unwrap_or_default();
        let got = &got[..got.len().min(LEFT)];
        if got != expected {
            let words = |left: &[u8]| -> Vec<u32> {
                let words = left.as_chunks::<4>().0.iter();
                words.map(|&word| u32::from_le_bytes(word)).collect()
            };
            let at = words(got)
                .iter()
                .zip(words(expected))
                .position(|(got, expected)| *got != expected);
            let what = match at {
                None => format!("it ended: {ended:?}"),
                Some(at) if at < DATA_BYTES as usize / 4 => format!("word {at} of memory"),
                Some(at) => format!("register {}", at - DATA_BYTES as usize / 4 + 1),
            };
            return Some((case, what));
        }
    }
    (ended != Ok(0)).then(|| (cases.len() - 1, format!("it ended: {ended:?}")))
}

/// The fewest steps that still differ, if the program does alone.
fn least(mut tree: impl ValueTree<Value = Case>, differs: impl Fn(&Case) -> bool) -> Option<Case> {
    let mut least = Some(tree.current()).filter(&differs)?;
    let mut goes_on = tree.simplify();
    while goes_on {
        let case = tree.current();
        goes_on = if differs(&case) {
            least = case;
            tree.simplify()
        } else {
            tree.complicate()
        };
    }
    Some(least)
}

/// Whatever the program, what is left of it is what it takes.
#[test]
fn programs_are_shrunk() {
    let mut runner = TestRunner::deterministic();
    let stores = |case: &Case| {
        let stored = case
            .steps
            .iter()
            .filter(|step| matches!(step, Step::Store(..)));
        stored.count() > 1
    };
    let mut shrunk = 0;
    for _ in 0..20 {
        let tree = case().new_tree(&mut runner).expect("a program");
        if let Some(least) = least(tree, stores) {
            assert_eq!(least.steps.len(), 2, "{least:?}");
            shrunk += 1;
        }
    }
    assert!(shrunk > 5, "only {shrunk}");
}

/// Programs that are compared, unless `PROPTEST_CASES` says how many.
const CASES: u32 = 2000;

#[test]
fn random_programs_agree_with_qemu() {
    let mut runner = TestRunner::new(Config::default());
    let asked = std::env::var_os("PROPTEST_CASES").map(|_| runner.config().cases);
    let strategy = case();
    let (mut compared, mut proved) = (0, 0);
    while compared < asked.unwrap_or(CASES) as usize {
        let trees: Vec<_> = (0..BATCH)
            .map(|_| strategy.new_tree(&mut runner).expect("a program"))
            .collect();
        let cases: Vec<_> = trees.iter().map(ValueTree::current).collect();
        if let Some((at, what)) = difference(&cases) {
            let tree = trees.into_iter().nth(at);
            let alone = |case: &Case| difference(core::slice::from_ref(case)).is_some();
            let Some(least) = tree.and_then(|tree| least(tree, alone)) else {
                panic!("program {at} of a batch, and not alone: {what}\n{cases:#?}");
            };
            eprintln!("{least:#?}");
            // Which instruction it is.
            compare("random", &least.elf(), &[], SETUP);
            panic!("program {at} of a batch: {what}");
        }
        compared += BATCH;
        for case in cases.iter().step_by(10) {
            run_epochs(&case.elf(), &[], 9, |epoch, traces| {
                traces
                    .check()
                    .unwrap_or_else(|why| panic!("epoch {epoch}: {why}\n{case:#?}"));
                let honest = batch(traces, true);
                honest.verify(&honest.prove()).expect("an honest proof");
            })
            .expect("a program that can be proved");
            proved += 1;
        }
    }
    println!("{compared} programs compared, {proved} proved");
}
