//! Writes to descriptor 2 and exits by number 94: what runs, and what a prover cannot make of it.

use std::collections::BTreeSet;

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_machine::cells::register;
use tranche_machine::tables::l2g::columns as l2g;
use tranche_machine::tables::{cpu, sys};
use tranche_machine::{EpochShape, EpochTable, Program};

use crate::asm::{A0, A1, A2, A7, DATA, ECALL, elf, exit, immediate, li};
use crate::audit::{Flaw, audit};
use crate::oracle::{Traces, run_epochs};

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

/// An exit by 94 has a carry of one. What a forger makes of other carries and descriptors is among
/// the forgeries.
#[test]
fn an_exit_by_94_that_says_93() {
    let claimed = writing(2, 3, 94);
    let claimed = Program::parse(&claimed).unwrap();
    run_epochs(&writing(2, 3, 93), &[], 6, |epoch, mut traces| {
        assert_eq!(epoch, 1, "one epoch is enough");
        assert_eq!(audit(&traces), BTreeSet::new(), "the honest control");
        let shape = EpochShape::of(6, &claimed).unwrap();
        let mut forged = Traces {
            tables: EpochTable::all(shape, &claimed).to_vec(),
            main: std::mem::take(&mut traces.main),
            public: std::mem::take(&mut traces.public),
        };
        let number = F::from_u32(94);
        for column in [cpu::B[0], cpu::W[0], cpu::W_LOW[0]] {
            forged.set("cpu", 6, column, number);
        }
        forged.set("cpu", 7, cpu::A[0], number);
        let a7 = F::from_u32(register(A7));
        let row = (0..1 << 6).find(|&row| forged.get("l2g", row, l2g::CELL) == a7);
        forged.set("l2g", row.unwrap(), l2g::FINI_LO, number);
        assert_eq!(audit(&forged), BTreeSet::from([Flaw::Bus("exec".into())]));
        // The control: with it, nothing is wrong.
        forged.set("sys", 1, sys::CARRY, F::ONE);
        assert_eq!(audit(&forged), BTreeSet::new());
    })
    .unwrap();
}
