//! Random programs of all of RV32IM against `qemu-riscv32`, instruction by instruction: what differs is shrunk
//! to the fewest steps that differ. Every tenth program is proved too.
//!
//! `PROPTEST_CASES` sets how many there are.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::sample::select;

use crate::asm::{
    A0, BRANCH, DATA, FENCE, IMMEDIATE, LOAD, REGISTER, SHIFT, STORE, auipc, branch, elf, exit,
    immediate, jal, jalr, li, load, lui, register, shift, store,
};
use crate::oracle::run_epochs;
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

/// A program that sets all registers, does its steps and exits.
fn program(registers: &[u32], steps: &[Step], data: &[u8]) -> Vec<u8> {
    let set = (1..BASE).zip(registers);
    let mut code: Vec<_> = set.flat_map(|(rd, &value)| li(rd, value)).collect();
    code.extend(li(BASE, DATA + 0x800));
    code.extend(steps.iter().flat_map(Step::code));
    code.push(immediate("andi", A0, A0, 0x7f));
    code.extend(exit());
    elf(&code, data)
}

/// Instructions that set all registers.
const SETUP: usize = 62;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn random_programs_agree_with_qemu(
        registers in prop::collection::vec(value(), 30),
        steps in prop::collection::vec(step(), 1..80),
        data in prop::collection::vec(any::<u8>(), 0x40),
    ) {
        thread_local!(static CASES: Cell<u32> = const { Cell::new(0) });
        let elf = program(&registers, &steps, &data.repeat(0x40));
        compare("random", &elf, &[], SETUP);
        let case = CASES.replace(CASES.get() + 1);
        if case.is_multiple_of(10) {
            run_epochs(&elf, &[], 9, |epoch, traces| {
                traces.check().unwrap_or_else(|why| panic!("epoch {epoch}: {why}"));
                let honest = batch(traces, true);
                honest.verify(&honest.prove()).expect("an honest proof");
            })
            .expect("a program that can be proved");
        }
    }
}
