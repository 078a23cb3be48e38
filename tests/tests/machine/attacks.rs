//! Forged witnesses of an epoch: each refused by the named check, each with its honest control.
//! Where a range check is what refuses it, the AIR without that check is shown to accept.

use std::collections::BTreeSet;

use p3_field::{Field, PrimeCharacteristicRing};
use tranche_core::F;
use tranche_machine::bus::RANGE;
use tranche_machine::cells;
use tranche_machine::tables::rom::HALT;
use tranche_machine::tables::{cmp, cpu, l2g::columns as l2g, mem};
use tranche_tests::omit::{Checks, Omit};

use crate::asm::{A1, CODE, DATA, elf, exit, immediate, jalr, li, load, lui, register};
use crate::audit::{Flaw, audit, audit_without};
use crate::oracle::{Traces, run_epochs};

const X5: u32 = 5;
const X6: u32 = 6;

/// Runs `code` in one epoch, forges its witness, and hands it to `judge`; the honest one has no
/// flaws.
fn forge(
    code: &[u32],
    input: &[u8],
    forgery: impl Fn(&mut Traces<'_>),
    judge: impl Fn(&Traces<'_>),
) {
    let code = [code, &exit()].concat();
    let mut epochs = 0;
    run_epochs(&elf(&code, &[7, 8, 9]), input, 6, |_, mut traces| {
        assert_eq!(audit(&traces), BTreeSet::new(), "the honest control");
        forgery(&mut traces);
        judge(&traces);
        epochs += 1;
    })
    .unwrap();
    assert_eq!(epochs, 1, "one epoch is enough");
}

fn bus(name: &str) -> BTreeSet<Flaw> {
    BTreeSet::from([Flaw::Bus(name.into())])
}

/// The forgery is refused for a range check alone, and accepted without check `number` of `table`.
fn only_a_range_check(table: &'static str, number: usize) -> impl Fn(&Traces<'_>) {
    move |traces| {
        assert_eq!(audit(traces), bus("range"));
        let air = &traces.tables[traces.index(table)];
        let check = Checks::of(air).on(RANGE)[number];
        assert_eq!(audit_without(traces, table, &[check]), BTreeSet::new());
    }
}

fn f(value: i64) -> F {
    F::from_i64(value)
}

/// The row of L2G that holds a register.
fn touched(traces: &Traces<'_>, cell: u32) -> usize {
    let rows = 1 << 6;
    (0..rows)
        .find(|&row| traces.get("l2g", row, l2g::CELL) == F::from_u32(cell))
        .expect("a touched cell")
}

/// The only row of a table that has `column` set.
fn row_with(traces: &Traces<'_>, table: &str, column: usize) -> usize {
    let main = &traces.main[traces.index(table)];
    let rows = main.values.len() / main.width;
    (0..rows)
        .find(|&row| traces.get(table, row, column) == F::ONE)
        .expect("such a row")
}

/// Makes CPU row `row` write the halves `value` to a register that nothing touches afterwards.
fn write(traces: &mut Traces<'_>, row: usize, register: u32, value: [i64; 2]) {
    for i in 0..2 {
        traces.set("cpu", row, cpu::W[i], f(value[i]));
        traces.set("cpu", row, cpu::W_LOW[i], f(value[i] & 0xff));
    }
    let at = touched(traces, cells::register(register));
    traces.set("l2g", at, l2g::FINI_LO, f(value[0]));
    traces.set("l2g", at, l2g::FINI_HI, f(value[1]));
}

#[test]
fn forged_reads_and_final_values() {
    let code = [immediate("addi", X5, 0, 3), register("add", X6, X5, X5)];
    // A register read: x6 = 4 + 3, consistent from there on.
    forge(
        &code,
        &[],
        |traces| {
            traces.set("cpu", 1, cpu::A[0], f(4));
            write(traces, 1, X6, [7, 0]);
        },
        |traces| assert_eq!(audit(traces), bus("mem")),
    );
    // The value that the epoch leaves.
    forge(
        &code,
        &[],
        |traces| {
            let at = touched(traces, cells::register(X6));
            traces.set("l2g", at, l2g::FINI_LO, f(5));
        },
        |traces| assert_eq!(audit(traces), bus("mem")),
    );
    // A word of memory.
    let loads = [&li(A1, DATA)[..], &[load("lw", X5, A1, 0)]].concat();
    forge(
        &loads,
        &[],
        |traces| {
            let row = row_with(traces, "mem", mem::IS_WORD);
            for columns in [mem::OLD, mem::NEW, mem::VALUE] {
                traces.set("mem", row, columns[0], f(1));
            }
            // The word is 0x00090807: its high half is kept.
            write(traces, 2, X5, [1, 9]);
        },
        |traces| assert_eq!(audit(traces), bus("mem")),
    );
}

#[test]
fn an_l2g_row_that_is_silenced() {
    forge(
        &[immediate("addi", X5, 0, 3)],
        &[],
        |traces| {
            let at = touched(traces, cells::register(X5));
            traces.set("l2g", at, l2g::REAL, F::ZERO);
        },
        |traces| assert_eq!(audit(traces), bus("mem")),
    );
}

#[test]
fn an_l2g_row_from_this_epoch_or_a_later_one() {
    for init_epoch in [1, 2, 1 << 23] {
        forge(
            &[immediate("addi", X5, 0, 3)],
            &[],
            |traces| {
                let at = touched(traces, cells::register(X5));
                traces.set("l2g", at, l2g::INIT_EPOCH, f(init_epoch));
                traces.set("l2g", at, l2g::GAP[0], f(-init_epoch));
            },
            only_a_range_check("l2g", 0),
        );
    }
}

#[test]
fn halting_early() {
    let code = [immediate("addi", X5, 0, 3), immediate("addi", X6, 0, 4)];
    let halt = F::from_u32(HALT);
    // An exit other than the last row's.
    forge(
        &code,
        &[],
        |traces| traces.public[0][1] = f(5),
        |traces| {
            let flaws = audit(traces);
            assert!(matches!(flaws.first(), Some(Flaw::Constraint("cpu", _))) && flaws.len() == 1);
        },
    );
    // Halted after the first instruction: the rest becomes padding.
    forge(
        &code,
        &[],
        |traces| {
            traces.set("cpu", 0, cpu::NEXT_PC, halt);
            let (clk, width) = (traces.get("cpu", 1, cpu::CLK), traces.table("cpu").width);
            let rows = traces.table("cpu").values.len() / width;
            for row in 1..rows {
                for column in 0..width {
                    traces.set("cpu", row, column, F::ZERO);
                }
                traces.set("cpu", row, cpu::PC, halt);
                traces.set("cpu", row, cpu::NEXT_PC, halt);
                traces.set("cpu", row, cpu::CLK, clk);
            }
            traces.public[0][2] = clk;
        },
        |traces| {
            let flaws = audit(traces);
            let constraint = flaws
                .iter()
                .find(|flaw| matches!(flaw, Flaw::Constraint("cpu", _)));
            assert!(constraint.is_some(), "{flaws:?}");
        },
    );
}

#[test]
fn an_exit_invented_on_padding_rows() {
    let last = (1 << 6) - 1;
    forge(
        &[],
        &[],
        |traces| {
            let entry = F::from_u32(CODE / 4);
            traces.set("cpu", last, cpu::NEXT_PC, entry);
            traces.public[0][1] = entry;
        },
        |traces| {
            let flaws = audit(traces);
            let [Flaw::Constraint("cpu", number)] = flaws.iter().cloned().collect::<Vec<_>>()[..]
            else {
                panic!("{flaws:?}")
            };
            assert_eq!(
                audit_without(traces, "cpu", &[Omit::Assertion(number)]),
                BTreeSet::new()
            );
        },
    );
}

#[test]
fn a_cycle_after_padding() {
    forge(
        &[],
        &[],
        |traces| traces.set("cpu", 40, cpu::REAL, F::ONE),
        |traces| {
            let flaws = audit(traces);
            assert!(flaws.contains(&Flaw::Bus("rom".into())), "{flaws:?}");
            assert!(
                flaws
                    .iter()
                    .any(|flaw| matches!(flaw, Flaw::Constraint("cpu", _)))
            );
        },
    );
}

#[test]
fn another_instruction_than_the_rom_s() {
    // To write x0, to read another register, to add instead of subtract.
    let code = [immediate("addi", X5, 0, 3), register("sub", X6, X5, X5)];
    let flags = cpu::FLAGS;
    for (column, value) in [
        (cpu::RD, cells::register(0)),
        (cpu::RS1, cells::register(9)),
        (flags, 0),
    ] {
        forge(
            &code,
            &[],
            |traces| traces.set("cpu", 1, column, F::from_u32(value)),
            |traces| assert!(audit(traces).contains(&Flaw::Bus("rom".into()))),
        );
    }
}

/// A value read before it is written: its token comes from the future.
#[test]
fn a_read_from_the_future() {
    let code = [
        immediate("addi", X5, 0, 1),
        register("add", X6, X5, 0),
        immediate("addi", X5, 0, 2),
    ];
    let forgery = |traces: &mut Traces<'_>| {
        let written = |row: usize| traces.get("cpu", row, cpu::CLK) + f(2);
        let (first, second) = (written(0), written(2));
        let read = traces.get("cpu", 1, cpu::CLK);
        // x5: first write, second write, then the read in between.
        traces.set("cpu", 2, cpu::PREVIOUS[2], first);
        traces.set("cpu", 1, cpu::PREVIOUS[0], second);
        traces.set("cpu", 1, cpu::A[0], f(2));
        write(traces, 1, X6, [2, 0]);
        let at = touched(traces, cells::register(X5));
        traces.set("l2g", at, l2g::FINI_TIMESTAMP, read);
        let low = cpu::PREVIOUS[2] + 1;
        traces.set("cpu", 2, low + 2, second - first - F::ONE);
        traces.set("cpu", 1, low, read - second - F::ONE);
    };
    forge(&code, &[], forgery, only_a_range_check("cpu", 0));
}

/// 0 + 1 = 1 - 2^16 + 2^16 * 1: a half that is no half.
#[test]
fn a_written_half_out_of_range() {
    let forgery = |traces: &mut Traces<'_>| {
        write(traces, 0, X5, [1 - 65536, 1]);
        traces.set("cpu", 0, cpu::W_LOW[0], f(1 - 65536));
    };
    forge(
        &[immediate("addi", X5, 0, 1)],
        &[],
        forgery,
        only_a_range_check("cpu", 6),
    );
}

/// A byte's address with a fraction: half a word further is another cell.
#[test]
fn an_address_out_of_range() {
    let code = [&li(A1, DATA)[..], &[load("lbu", X5, A1, 0)]].concat();
    let forgery = |traces: &mut Traces<'_>| {
        let row = row_with(traces, "mem", mem::IS_BYTE);
        let half = F::TWO.inverse();
        let q = traces.get("mem", row, mem::Q[0]) - half;
        traces.set("mem", row, mem::Q[0], q);
        traces.set("mem", row, mem::BIT[1], F::ONE);
        // That cell was never written: it holds zero.
        for columns in [mem::OLD, mem::NEW, mem::VALUE, mem::HALF] {
            traces.set("mem", row, columns[0], F::ZERO);
            traces.set("mem", row, columns[1], F::ZERO);
        }
        traces.set("mem", row, mem::BYTE, F::ZERO);
        let at = touched(traces, DATA / 4);
        let cell = traces.get("l2g", at, l2g::CELL) - half;
        traces.set("l2g", at, l2g::CELL, cell);
        for column in [l2g::INIT_LO, l2g::INIT_HI, l2g::FINI_LO, l2g::FINI_HI] {
            traces.set("l2g", at, column, F::ZERO);
        }
        write(traces, 2, X5, [0, 0]);
    };
    forge(&code, &[], forgery, only_a_range_check("mem", 0));
}

/// 0x10000 + 0x78000000 + 9 is the target plus p: no representation of it as halves is the
/// target's.
#[test]
fn a_jump_to_a_target_plus_p() {
    let program = |base: u32| {
        let code = [&[lui(1, base), jalr(0, 1, 9)][..], &exit()].concat();
        elf(&code, &[])
    };
    // The program of the claim sets x1 to 0x7801_0000. Its witness is that of a jump to the target.
    let claimed = program(CODE + 0x7800_0000);
    let claimed = tranche_machine::Program::parse(&claimed).unwrap();
    run_epochs(&program(CODE), &[], 6, |_, mut traces| {
        assert_eq!(audit(&traces), BTreeSet::new(), "the honest control");
        let high = i64::from((CODE + 0x7800_0000) >> 16);
        let shape = tranche_machine::EpochShape::new(6, claimed.rom_log2()).unwrap();
        let mut forged = Traces {
            tables: tranche_machine::EpochTable::all(shape, &claimed).to_vec(),
            main: std::mem::take(&mut traces.main),
            public: std::mem::take(&mut traces.public),
        };
        write(&mut forged, 0, 1, [0, high]);
        forged.set("cpu", 0, cpu::B[1], f(high));
        forged.set("cpu", 1, cpu::A[1], f(high));
        let row = row_with(&forged, "mem", mem::IS_JALR);
        forged.set("mem", row, mem::BASE[1], f(high));
        // The carry of the high halves is not -1, 0 or 1.
        let flaws = audit(&forged);
        let [Flaw::Constraint("mem", carry)] = flaws.iter().cloned().collect::<Vec<_>>()[..] else {
            panic!("{flaws:?}")
        };
        assert_eq!(
            audit_without(&forged, "mem", &[Omit::Assertion(carry)]),
            BTreeSet::new()
        );
    })
    .unwrap();
}

/// 1 < 0, with a difference of 17 bits.
#[test]
fn a_comparison_out_of_range() {
    let code = [immediate("addi", X5, 0, 1), register("sltu", X6, X5, 0)];
    let forgery = |traces: &mut Traces<'_>| {
        let row = row_with(traces, "cmp", cmp::IS_UNSIGNED);
        traces.set("cmp", row, cmp::RESULT, F::ONE);
        traces.set("cmp", row, cmp::HOLDS, F::ONE);
        traces.set("cmp", row, cmp::DIFFERENCE[1], f(65536));
        write(traces, 1, X6, [1, 0]);
    };
    forge(&code, &[], forgery, only_a_range_check("cmp", 2));
}
