//! Every element of every table matters: changed alone, some check fails.

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_machine::tables::l2g::columns as l2g;
use tranche_machine::tables::{bit, cmp, cpu, div, mem, mul, public, rom, shift, sys};
use tranche_machine::{EpochShape, Program, PublicInput};

use crate::asm::{
    A0, A1, A2, A7, DATA, ECALL, REGISTER, auipc, branch, elf, exit, immediate, jal, jalr, li,
    load, register, store,
};
use crate::audit::audit;
use crate::oracle::{Traces, run_program};

/// The columns that make a row real: one of them is 1.
fn gates(table: &str) -> Vec<usize> {
    match table {
        "cpu" => vec![cpu::REAL],
        "mem" => vec![mem::IS_BYTE, mem::IS_HALF, mem::IS_WORD, mem::IS_JALR],
        "cmp" => vec![cmp::IS_SIGNED, cmp::IS_UNSIGNED, cmp::IS_EQ],
        "bit" => bit::IS.to_vec(),
        "shift" => shift::SELECT.to_vec(),
        "mul" => mul::IS.to_vec(),
        "div" => div::IS.to_vec(),
        "public" => (public::IS_BYTE..=public::IS_SHORT).collect(),
        "sys" => (sys::IS_EXIT..=sys::IS_READ_END).collect(),
        _ => vec![l2g::REAL],
    }
}

/// Whether no message and no constraint reads this element, so that a prover may choose it.
///
/// `docs/machine.md` lists the same elements.
fn is_free(traces: &Traces<'_>, table: &str, row: usize, column: usize) -> bool {
    let is = |c: usize| traces.get(table, row, c) == F::ONE;
    if !gates(table).into_iter().any(is) {
        // A padding row is its gates; of the CPU table, what the epoch leaves as well.
        let carried = [cpu::PC, cpu::NEXT_PC, cpu::CLK].contains(&column);
        let kept = table == "cpu" && (carried || cpu::FLAGS.contains(&column));
        // An L2G row that opens a cell and closes it untouched is true, and says nothing.
        return table == "l2g" || !kept && !gates(table).contains(&column);
    }
    let free: Vec<usize> = match table {
        "cpu" if !is(cpu::flag(rom::READS_RS2)) => {
            vec![cpu::PREVIOUS[1], cpu::ELAPSED[1]]
        }
        // A word has no byte that is moved; a jump moves nothing and drops bit 0 of its address.
        "mem" if is(mem::IS_WORD) => [&mem::HALF[..], &[mem::BYTE]].concat(),
        "mem" if is(mem::IS_JALR) => {
            let access = [mem::PREVIOUS, mem::ELAPSED, mem::BIT[0], mem::BYTE];
            [&access[..], &mem::HALF].concat()
        }
        "cmp" if is(cmp::IS_UNSIGNED) => cmp::HIGH_LOW.to_vec(),
        "cmp" if is(cmp::IS_EQ) => [&cmp::HIGH_LOW[..], &cmp::DIFFERENCE, &[cmp::BORROW]].concat(),
        "div" => {
            let mut free = vec![];
            if is(div::IS[1]) || is(div::IS[3]) {
                free.push(div::A_LOW);
            }
            if is(div::IS_ZERO) {
                free.extend([&div::REST[..], &div::REST_CARRY, &[div::SIGN[2]]].concat());
            }
            free
        }
        "public" => {
            let mut free = vec![];
            let end = is(public::IS_FULL) || is(public::IS_SHORT);
            if end {
                // What an end leaves has no form.
                free.extend([&public::PLACE[..], &[public::POSITION_CARRY]].concat());
            }
            if !is(public::IS_BYTE) {
                free.extend([public::HALF, public::HALF_LOW, public::BYTE]);
            }
            free
        }
        "sys" => {
            let writes = [sys::IS_WRITE_BYTE, sys::IS_WRITE_WORD, sys::IS_WRITE_ACROSS];
            let write = writes.into_iter().any(is);
            let mut free = vec![];
            if !write {
                let elapsed = sys::ELAPSED[1];
                free.extend([sys::OUT_LEN_PREVIOUS, sys::OUT_LEN_CARRY, elapsed]);
                // What is moved is shifted wherever it is shifted from.
                if is(sys::IS_WRITE_END) || is(sys::IS_READ_END) {
                    free.extend([sys::PLACE, sys::MOVED_LOW].concat());
                }
                if !is(sys::IS_EXIT) {
                    free.extend(sys::RESULT);
                    free.push(sys::RESULT_PREVIOUS);
                }
                if is(sys::IS_EXIT) {
                    // At place 0 no byte is looked at; of the length by words, only its sum.
                    free.extend([sys::MOVED_LOW, sys::CHECKED_LOW].concat());
                } else if !is(sys::IS_READ_END) {
                    free.extend([sys::CHECKED, sys::CHECKED_LOW].concat());
                }
            }
            free
        }
        _ => vec![],
    };
    free.contains(&column)
}

#[test]
fn of_instructions_and_calls() {
    let mut code = vec![immediate("addi", 5, 0, -3), immediate("addi", 6, 0, 3)];
    for (name, _, _) in REGISTER {
        code.push(register(name, 7, 5, 6));
    }
    code.extend(["div", "remu"].map(|name| register(name, 7, 5, 0)));
    code.extend([branch("beq", 5, 6, 8), branch("bge", 5, 6, 8)]);
    code.extend([jal(1, 4), auipc(1, 0), jalr(1, 1, 9)]);
    code.extend(li(A1, DATA));
    for (name, offset) in [("lb", 3), ("lbu", 1), ("lh", 2), ("lhu", 0), ("lw", 4)] {
        code.push(load(name, 9, A1, offset));
    }
    for (name, offset) in [("sb", 3), ("sh", 2), ("sw", 4)] {
        code.push(store(name, 5, A1, offset));
    }
    code.extend([
        immediate("addi", A7, 0, 63),
        immediate("addi", A2, 0, 1),
        ECALL,
    ]);
    code.extend([
        immediate("addi", A7, 0, 64),
        immediate("addi", A0, 0, 1),
        ECALL,
    ]);
    // Seven bytes: a word across two of the output's, three bytes at other places, a word.
    let again = [immediate("addi", A0, 0, 1), ECALL];
    code.push(immediate("addi", A2, 0, 7));
    code.extend(again);
    code.push(immediate("addi", A2, 0, 4));
    code.extend(again);
    // Four bytes of input, a word.
    code.extend([
        immediate("addi", A7, 0, 63),
        immediate("addi", A0, 0, 0),
        ECALL,
        immediate("addi", A7, 0, 64),
    ]);
    // A message, and the exit of all threads.
    code.extend([
        immediate("addi", A0, 0, 2),
        ECALL,
        immediate("addi", A7, 0, 94),
        ECALL,
    ]);
    let data = [0x81, 0x82, 0x83, 0x84, 5, 6, 7, 8];

    every_element_matters(&elf(&code, &data), b"", 7);
}

/// One byte, then three more and a word of what is asked for, then none.
#[test]
fn of_reads_of_public_input() {
    let mut code = vec![immediate("addi", A7, 0, 63)];
    code.extend(li(A1, DATA));
    for bytes in [1, 12, 0] {
        let descriptor = immediate("addi", A0, 0, 3);
        code.extend([descriptor, immediate("addi", A2, 0, bytes), ECALL]);
    }
    code.extend(exit());
    every_element_matters(&elf(&code, &[]), b"abcdefghi", 6);
}

/// Changes every element of a run of one epoch.
fn every_element_matters(elf: &[u8], public: &'static [u8], log2_cycles: u32) {
    let public = PublicInput::new(public).unwrap();
    let program = Program::parse(elf).unwrap().with_public(public);
    run_program(&program, b"x1234", log2_cycles, |epoch, mut traces| {
        assert_eq!(epoch, 1);
        assert!(audit(&traces).is_empty(), "the honest control");
        // The others hold multiplicities, which the audit takes as the prover's best.
        let shape = EpochShape::of(log2_cycles, &program).unwrap();
        for (at, (filled, _)) in shape.tables().enumerate() {
            let (name, table) = (filled.name(), traces.tables[at]);
            let width = traces.table(name).width;
            let rows = traces.table(name).values.len() / width;
            for row in 0..rows {
                for column in 0..width {
                    if is_free(&traces, name, row, column) {
                        continue;
                    }
                    let honest = traces.get(name, row, column);
                    traces.set(name, row, column, honest + F::ONE);
                    let flaws = audit(&traces);
                    let called = table.column(column).expect("a column of the table");
                    assert!(!flaws.is_empty(), "{name}: row {row}, {called}");
                    traces.set(name, row, column, honest);
                }
            }
        }
    })
    .unwrap();
}
