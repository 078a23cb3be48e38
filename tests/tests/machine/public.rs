//! Public input: every place, alignment and length, against what the calls should do, against QEMU, and in epochs
//! that end at every step.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use p3_field::{PrimeCharacteristicRing, PrimeField32};
use p3_matrix::Matrix;
use tranche_core::F;
use tranche_machine::cells::{IN, IN_LEN, IN_POSITION, IN_START};
use tranche_machine::merge::Image;
use tranche_machine::tables::l2g::columns as l2g;
use tranche_machine::{EpochShape, EpochTable, ExecError, FilledTable, Program, PublicInput};

use crate::asm::{A0, A1, A2, A7, CODE, DATA, ECALL, elf, exit, immediate, li, store};
use crate::audit::audit;
use crate::oracle::{run_program, run_tables};

/// A call about so many bytes at an address.
pub fn call(number: i32, descriptor: i32, address: u32, bytes: u32) -> Vec<u32> {
    let registers = [
        immediate("addi", A7, 0, number),
        immediate("addi", A0, 0, descriptor),
    ];
    [&registers[..], &li(A1, address), &li(A2, bytes), &[ECALL]].concat()
}

/// Where bytes that are read go.
const TARGET: u32 = DATA + 0x400;

/// A program that reads from either descriptor, each so many bytes to an address of this alignment; then puts out what
/// each returned, and all that was read. What it puts out for its inputs comes with it.
fn reading(reads: &[(i32, u32, u32)], private: &[u8], public: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut code = li(2, DATA).to_vec();
    let (mut memory, mut returned) = (vec![], vec![]);
    let mut rest = BTreeMap::from([(0, private), (3, public)]);
    for (i, &(descriptor, alignment, bytes)) in reads.iter().enumerate() {
        let at = memory.len() as u32 + alignment;
        code.extend(call(63, descriptor, TARGET + at, bytes));
        code.push(store("sw", A0, 2, 4 * i as i32));
        let input = rest.get_mut(&descriptor).expect("an input");
        let (got, left) = input.split_at(input.len().min(bytes as usize));
        *input = left;
        returned.extend((got.len() as u32).to_le_bytes());
        memory.resize(at as usize, 0);
        memory.extend(got);
        memory.resize((at + bytes).next_multiple_of(4) as usize, 0);
    }
    for (address, len) in [(DATA, returned.len()), (TARGET, memory.len())] {
        code.extend(call(64, 1, address, len as u32));
    }
    code.push(immediate("addi", A0, 0, 0));
    (
        elf(&[&code[..], &exit()].concat(), &[]),
        [returned, memory].concat(),
    )
}

/// Up to nine bytes from each place of the input to each alignment, with private reads between them.
fn every_place() -> Vec<(i32, u32, u32)> {
    let mut reads = vec![];
    let mut read = 0;
    for place in 0..4_u32 {
        for alignment in 0..4 {
            for bytes in [0, 1, 4, 9] {
                reads.push((3, 0, place.wrapping_sub(read) % 4));
                reads.push((3, alignment, bytes));
                reads.push((0, alignment, bytes % 4));
                read = place + bytes;
            }
        }
    }
    reads
}

/// Runs under QEMU with the public input as descriptor 3; returns what it puts out.
fn qemu(name: &str, elf: &[u8], private: &[u8], public: &[u8]) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let paths = ["elf", "in", "public"].map(|kind| folder.join(format!("public-{name}.{kind}")));
    for (path, bytes) in paths.iter().zip([elf, private, public]) {
        fs::write(path, bytes).unwrap();
    }
    // QEMU executes what may be executed.
    fs::set_permissions(&paths[0], Permissions::from_mode(0o755)).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"exec qemu-riscv32 "$0" <"$1" 3<"$2""#]);
    let output = shell.args(paths).output().expect("qemu-riscv32");
    assert_eq!(output.status.code(), Some(0), "{name}");
    output.stdout
}

#[test]
fn every_place_alignment_and_length() {
    let bytes: Vec<u8> = (1..=255).collect();
    let reads = every_place();
    let wanted: u32 = reads
        .iter()
        .filter(|read| read.0 == 3)
        .map(|read| read.2)
        .sum();
    for (name, len, tail) in [
        ("all", wanted, 0),
        // The input ends within a read, at each place in a word; what follows finds its end.
        ("one", wanted / 2, 1),
        ("two", wanted / 2 + 1, 2),
        ("three", wanted / 2 + 2, 3),
        ("four", wanted / 2 + 3, 4),
    ] {
        let public = &bytes.repeat(2)[..len as usize];
        let reads = [&reads[..], &vec![(3, 1, 5); tail]].concat();
        let (elf, expected) = reading(&reads, &bytes, public);
        assert_eq!(qemu(name, &elf, &bytes, public), expected, "{name}");
        let input = PublicInput::new(public).unwrap();
        let program = Program::parse(&elf).unwrap().with_public(input).decoded();
        for log2_cycles in [6, 10] {
            let mut left = BTreeMap::new();
            let run = run_program(&program, &bytes, log2_cycles, |epoch, traces| {
                assert_eq!(audit(&traces), BTreeSet::new(), "{name}, epoch {epoch}");
                let main = &traces.main[traces.index("l2g")];
                for row in (0..main.height()).map(|row| main.row_slice(row).unwrap()) {
                    if row[l2g::REAL] == F::ONE {
                        let word = |columns: [usize; 2]| columns.map(|c| row[c].as_canonical_u32());
                        let cell = row[l2g::CELL].as_canonical_u32();
                        let init = word([l2g::INIT_LO, l2g::INIT_HI]);
                        let found = left.insert(cell, word([l2g::FINI_LO, l2g::FINI_HI]));
                        let genesis = program.initial_word(cell);
                        let genesis = [genesis & 0xffff, genesis >> 16];
                        assert_eq!(found.unwrap_or(genesis), init, "{name}: cell {cell:#x}");
                    }
                }
            })
            .unwrap();
            assert_eq!(run.output, expected, "{name}, 2^{log2_cycles}");
            assert_eq!(run.exit_code, 0);
            let position = left[&IN_POSITION];
            assert_eq!(position, [len, 0], "all of it was read");
            assert_eq!(left[&IN_START], position);
        }
    }
}

/// Reads of more than 2^16 bytes: what is done and the position carry, and not a byte too soon; what a short read
/// leaves borrows. Lookups are counted as they are asked.
#[test]
fn reads_of_more_than_16_bits() {
    let public: Vec<u8> = (0..0x1_0009_u32).map(|i| (i % 251) as u8).collect();
    // The position by bytes, what is done by words: each is 0xffff on the way.
    let position = [call(63, 3, DATA, 0xfff8), call(63, 3, DATA + 1, 12)];
    let done = [call(63, 3, DATA, 1), call(63, 3, DATA + 1, 2 << 16)];
    for reads in [position, done] {
        let code = [&reads.concat()[..], &[immediate("addi", A0, 0, 0)], &exit()];
        let elf = elf(&code.concat(), &[]);
        let input = PublicInput::new(&public).unwrap();
        let program = Program::parse(&elf).unwrap().with_public(input).decoded();
        // 2^10 steps are an epoch.
        let run = run_program(&program, b"", 14, |epoch, traces| {
            if epoch == 17 {
                traces.check().unwrap();
            }
        });
        assert_eq!(run.unwrap().epochs, 17);
    }
}

/// A word is moved where one begins in both, and the end is a step of its own.
#[test]
fn words_are_moved_at_once() {
    let cycles = |alignment, first| {
        let reads = [(3, 0, first), (3, alignment, 40)];
        let (elf, _) = reading(&reads, b"", &[7; 64]);
        let input = PublicInput::new(&[7; 64]).unwrap();
        let program = Program::parse(&elf).unwrap().with_public(input);
        let (mut rows, shape) = (0, EpochShape::of(10, &program).unwrap());
        assert_eq!(shape.log_rows(FilledTable::Public), Some(6));
        run_program(&program, b"", 10, |_, traces| {
            let main = &traces.main[traces.index("public")];
            rows = (0..main.height())
                .filter(|&row| main.row_slice(row).unwrap()[0] != F::ZERO)
                .count();
        })
        .unwrap();
        rows
    };
    assert_eq!(cycles(0, 0), 1 + 10 + 1);
    assert_eq!(cycles(0, 4), 2 + 10 + 1);
    assert_eq!(cycles(1, 0), 1 + 40 + 1, "the address is of no word");
    assert_eq!(cycles(0, 1), 2 + 40 + 1, "the place is of no word");
}

/// Without an input there is no table for it; with one there is, whatever the program does.
#[test]
fn a_batch_has_the_table_where_there_is_an_input() {
    let (elf, expected) = reading(&[(3, 0, 5)], b"", b"");
    let program = Program::parse(&elf).unwrap();
    let error = run_program(&program, b"", 6, |_, _| {}).unwrap_err();
    let ExecError::NoRoom { table, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(table, "public");
    // Heights may give it one: what is read is no byte then.
    let mut heights = EpochShape::of(6, &program).unwrap().heights();
    heights[FilledTable::Public.index()] = 4;
    let shape = EpochShape::of_heights(&heights, program.rom_log2());
    let tables = EpochTable::all(shape, &program);
    let run = run_tables(&tables, &program, b"", shape, |epoch, traces| {
        assert_eq!(audit(&traces), BTreeSet::new(), "epoch {epoch}");
    });
    assert_eq!(run.unwrap().output, expected);
}

#[test]
fn only_a_read_is_of_descriptor_3() {
    let code = [&call(64, 3, DATA, 1)[..], &exit()].concat();
    let elf = elf(&code, &[]);
    let input = PublicInput::new(b"a").unwrap();
    let program = Program::parse(&elf).unwrap().with_public(input);
    let error = run_program(&program, b"", 6, |_, _| {}).unwrap_err();
    let pc = CODE + 4 * 6;
    assert_eq!(error, ExecError::BadDescriptor { pc, descriptor: 3 });
}

/// Each cell of the input is in the image once, and in no other table of the root.
#[test]
fn the_image_has_the_input() {
    let elf = elf(&exit(), &[]);
    let plain = Program::parse(&elf).unwrap();
    let program = plain
        .clone()
        .with_public(PublicInput::new(b"abcdefghi").unwrap());
    assert_eq!(plain.digest(), program.digest(), "the program is the same");
    let cells = |program: &Program<'_>| -> BTreeMap<u32, u32> {
        let image = Image::new(program, 12).unwrap();
        let cells: Vec<_> = image.cells().collect();
        assert!(cells.is_sorted_by_key(|cell| cell.0));
        let map: BTreeMap<_, _> = cells.iter().copied().collect();
        assert_eq!(map.len(), cells.len(), "a cell twice");
        assert!(map.keys().all(|&cell| image.covers(cell)));
        assert!(!image.covers(IN + 3) && image.covers(IN_LEN));
        map
    };
    let (without, with) = (cells(&plain), cells(&program));
    assert_eq!((without[&IN_LEN], without.get(&IN)), (0, None));
    assert_eq!(with[&IN_LEN], 9);
    let words: Vec<_> = with.range(IN..).map(|(_, &word)| word).collect();
    assert_eq!(
        words,
        [b"abcd", b"efgh", b"i\0\0\0"].map(|word| u32::from_le_bytes(*word))
    );
}
