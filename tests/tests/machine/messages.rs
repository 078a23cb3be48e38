//! Writes to descriptor 2 and exits by number 94: what runs, and what a prover cannot make of it.

use std::collections::BTreeSet;

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_machine::tables::{cpu, sys};
use tranche_machine::{EpochShape, EpochTable, Program};
use tranche_tests::omit::Omit;

use crate::asm::{A0, A1, A2, A7, DATA, ECALL, elf, exit, immediate, li};
use crate::audit::{Flaw, audit, audit_without};
use crate::oracle::{Traces, run_epochs};

/// Row of the CPU table that sets the descriptor in [`writing`].
const DESCRIPTOR: usize = 4;

/// write(descriptor, DATA, bytes), exit(its result) by `number`.
pub fn writing(descriptor: i32, bytes: i32, number: i32) -> Vec<u8> {
    let mut code = vec![
        immediate("addi", A7, 0, 64),
        immediate("addi", A2, 0, bytes),
    ];
    code.extend(li(A1, DATA));
    code.extend([immediate("addi", A0, 0, descriptor), ECALL]);
    code.extend([immediate("addi", A7, 0, number), ECALL]);
    elf(&code, b"abcdef")
}

#[test]
fn messages_are_no_output() {
    for number in [93, 94] {
        let honest = |_, traces: Traces<'_>| traces.check().unwrap();
        let run = run_epochs(&writing(2, 5, number), &[], 6, honest).unwrap();
        assert_eq!(
            (run.exit_code, run.output, run.messages),
            (5, vec![], b"abcde".to_vec())
        );
        assert_eq!(run.cycles, 8, "a message is one cycle");
        let run = run_epochs(&writing(1, 5, number), &[], 6, honest).unwrap();
        assert_eq!(
            (run.exit_code, run.output, run.messages),
            (5, b"abcde".to_vec(), vec![])
        );
    }
    let run = run_epochs(&writing(2, 0, 93), &[], 6, |_, traces| {
        traces.check().unwrap()
    });
    assert_eq!(run.unwrap().exit_code, 0, "an empty message");
}

/// What a message says is what memory holds, whether the program stored it or only loads it.
#[test]
fn a_message_across_what_was_stored() {
    use crate::asm::store;
    let mut code = li(A1, DATA).to_vec();
    code.extend([immediate("addi", 5, 0, 0x58), store("sb", 5, A1, 5)]);
    code.extend([immediate("addi", A7, 0, 64), immediate("addi", A2, 0, 4)]);
    code.extend([
        immediate("addi", A1, A1, 3),
        immediate("addi", A0, 0, 2),
        ECALL,
    ]);
    code.extend(exit());
    let run = run_epochs(&elf(&code, b"abcdefgh"), &[], 6, |_, traces| {
        traces.check().unwrap()
    });
    assert_eq!(run.unwrap().messages, b"deXg");
}

/// Judges the witness of `executed`, changed by `forgery`, as one of the program `claimed`.
fn claim(
    claimed: &[u8],
    executed: &[u8],
    forgery: impl Fn(&mut Traces<'_>),
    judge: impl Fn(&Traces<'_>),
) {
    let claimed = Program::parse(claimed).unwrap();
    run_epochs(executed, &[], 6, |epoch, mut traces| {
        assert_eq!(epoch, 1, "one epoch is enough");
        assert_eq!(audit(&traces), BTreeSet::new(), "the honest control");
        let shape = EpochShape::new(6, claimed.rom_log2()).unwrap();
        let mut forged = Traces {
            tables: EpochTable::all(shape, &claimed).to_vec(),
            main: std::mem::take(&mut traces.main),
            public: std::mem::take(&mut traces.public),
        };
        forgery(&mut forged);
        judge(&forged);
    })
    .unwrap();
}

/// The forgery is refused by one constraint of SYS, and accepted without it.
fn only_a_constraint(traces: &Traces<'_>) {
    let flaws = audit(traces);
    let [Flaw::Constraint("sys", number)] = flaws.iter().cloned().collect::<Vec<_>>()[..] else {
        panic!("{flaws:?}")
    };
    let without = [Omit::Assertion(number)];
    assert_eq!(audit_without(traces, "sys", &without), BTreeSet::new());
}

/// The instruction at CPU row `row` loads the small immediate `value`.
fn loads(traces: &mut Traces<'_>, row: usize, value: u32) {
    for column in [cpu::B[0], cpu::W[0], cpu::W_LOW[0]] {
        traces.set("cpu", row, column, F::from_u32(value));
    }
}

/// Output is withheld as a message: as one with descriptor 1, and as an output of no bytes.
#[test]
fn output_becomes_a_message() {
    for carry in [F::ONE, F::ZERO] {
        let forgery = |traces: &mut Traces<'_>| {
            loads(traces, DESCRIPTOR, 1);
            traces.set("sys", 0, sys::ARGUMENT[0], F::ONE);
            traces.set("sys", 0, sys::CARRY, carry);
        };
        claim(
            &writing(1, 3, 93),
            &writing(2, 3, 93),
            forgery,
            only_a_constraint,
        );
    }
}

/// A message is put out: as one whose bytes were written, and as a write with descriptor 2.
#[test]
fn a_message_becomes_output() {
    for carry in [F::ONE, F::ZERO] {
        let forgery = |traces: &mut Traces<'_>| {
            loads(traces, DESCRIPTOR, 2);
            traces.set("sys", 3, sys::ARGUMENT[0], F::TWO);
            traces.set("sys", 3, sys::CARRY, carry);
        };
        claim(
            &writing(2, 3, 93),
            &writing(1, 3, 93),
            forgery,
            only_a_constraint,
        );
    }
}

/// A message that returns fewer bytes than were written.
#[test]
fn a_message_of_another_length() {
    let forgery = |traces: &mut Traces<'_>| {
        traces.set("sys", 0, sys::RETURNED[0], F::TWO);
        // The exit code is what the message returns.
        for column in [sys::ARGUMENT[0], sys::RETURNED[0], sys::MOVED[0]] {
            traces.set("sys", 1, column, F::TWO);
        }
        use tranche_machine::cells::{EXIT_CODE, register};
        use tranche_machine::tables::l2g::columns::{CELL, FINI_LO};
        for cell in [register(A0), EXIT_CODE].map(F::from_u32) {
            let row = (0..1 << 6).find(|&row| traces.get("l2g", row, CELL) == cell);
            traces.set("l2g", row.unwrap(), FINI_LO, F::TWO);
        }
    };
    let program = writing(2, 3, 93);
    claim(&program, &program, forgery, only_a_constraint);
}

/// No other number exits: 95 with a carry of two, 94 without one.
#[test]
fn exits_by_other_numbers() {
    let exit_number = |traces: &mut Traces<'_>, number: u32, carry: u32| {
        loads(traces, 6, number);
        traces.set("cpu", 7, cpu::A[0], F::from_u32(number));
        traces.set("sys", 1, sys::CARRY, F::from_u32(carry));
        use tranche_machine::cells::register;
        use tranche_machine::tables::l2g::columns::{CELL, FINI_LO};
        let a7 = F::from_u32(register(A7));
        let row = (0..1 << 6).find(|&row| traces.get("l2g", row, CELL) == a7);
        traces.set("l2g", row.unwrap(), FINI_LO, F::from_u32(number));
    };
    let executed = writing(2, 3, 93);
    let by_95 = |traces: &mut Traces<'_>| exit_number(traces, 95, 2);
    claim(&writing(2, 3, 95), &executed, by_95, only_a_constraint);
    let by_94 = |traces: &mut Traces<'_>| exit_number(traces, 94, 0);
    claim(&writing(2, 3, 94), &executed, by_94, |traces| {
        let exec = BTreeSet::from([Flaw::Bus("exec".into())]);
        assert_eq!(audit(traces), exec);
    });
}
