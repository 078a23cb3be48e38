//! The M extension's tables: which programs have them, and epochs that are proved with them.

use tranche_machine::decode::Extension;
use tranche_machine::{
    Cell, EpochEnd, EpochShape, EpochTable, ExecError, Machine, Program, RecordStorage, Settings,
    Setup,
};

use crate::asm::{CODE, elf, exit, register};
use crate::guests::guest;
use crate::oracle::{Io, run_epochs};
use crate::proofs::batch;

/// Base, exponent and modulus of `modexp`: the base and the modulus have 256 bits.
pub fn power(exponent: u8) -> Vec<u8> {
    let number = |by: u8| (0..32_u8).map(move |i| 0x91 ^ i.wrapping_mul(by));
    let exponent = [&[exponent][..], &[0; 31]].concat();
    number(29).chain(exponent).chain(number(37)).collect()
}

/// A program that does these operations, and others in their places.
fn program(operations: [&str; 2]) -> Vec<u8> {
    let code = operations.map(|name| register(name, 5, 5, 6));
    elf(&[&code[..], &exit()].concat(), &[])
}

#[test]
fn a_program_has_the_tables_of_what_it_uses() {
    let base = ["cpu", "mem", "cmp", "bit", "shift", "sys", "l2g"];
    let asked = ["rom", "range", "and4"];
    let mut digests = vec![];
    for (operations, extensions) in [
        (["add", "xor"], &[][..]),
        (["mulhsu", "or"], &["mul"]),
        (["add", "remu"], &["div"]),
        (["div", "mulh"], &["mul", "div"]),
    ] {
        let elf = program(operations);
        let program = Program::parse(&elf).unwrap();
        let shape = EpochShape::of(14, &program).unwrap();
        let names: Vec<_> = EpochTable::all(shape, &program)
            .iter()
            .map(EpochTable::name)
            .collect();
        assert_eq!(names, [&base, extensions, &asked].concat());
        for (extension, table) in [(Extension::Multiply, "mul"), (Extension::Divide, "div")] {
            assert_eq!(program.uses(extension), extensions.contains(&table));
        }
        let setup = Setup::new(&program, Settings::default()).unwrap();
        digests.push(setup.plan_digest);
    }
    for (i, digest) in digests.iter().enumerate() {
        assert!(
            !digests[..i].contains(digest),
            "plan {i} has the digest of another"
        );
    }
}

/// A record of a shape without the table is refused, where the table is asked for.
#[test]
fn a_record_without_the_table() {
    let elf = program(["add", "mul"]);
    let program = Program::parse(&elf).unwrap();
    let shape = EpochShape::new(6, program.rom_log2()).unwrap();
    let mut cells = vec![Cell::FREE; 1 << 8];
    let mut machine = Machine::new(&program, &mut cells, 1 << 20);
    let mut storage = RecordStorage::new(shape);
    let mut record = storage.record();
    let mut io = Io::default();
    let end = machine.run_epoch(&mut io, &mut record);
    assert!(matches!(end, Ok(EpochEnd::Full(table)) if table.name() == "mul"));
    let expected = ExecError::NoRoom {
        pc: CODE + 4,
        table: "mul",
    };
    let refused = machine.run_epoch(&mut io, &mut record).unwrap_err();
    assert_eq!(refused, expected);
    let said = "pc 0x00010004: the mul table has no room for one step of it";
    assert_eq!(refused.to_string(), said);
}

#[test]
fn epochs_of_a_compiled_guest_are_proved() {
    let mut proved = 0;
    let run = run_epochs(&guest("modexp"), &power(3), 11, |epoch, traces| {
        traces
            .check()
            .unwrap_or_else(|why| panic!("epoch {epoch}: {why}"));
        // The first reads, a later one multiplies and divides.
        if epoch == 1 || epoch == 4 {
            let honest = batch(traces, true);
            honest.verify(&honest.prove()).unwrap();
            proved += 1;
        }
    });
    assert_eq!((run.unwrap().exit_code, proved), (0, 2));
}
