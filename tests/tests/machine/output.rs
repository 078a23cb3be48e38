//! What is read and written, by bytes and by words: from every address, to every place and of every length,
//! against QEMU, and in epochs that end at every step.

use std::collections::{BTreeMap, BTreeSet};

use p3_field::{PrimeCharacteristicRing, PrimeField32};
use p3_matrix::Matrix;
use tranche_core::F;
use tranche_machine::cells::{EXIT_CODE, MAX_OUTPUT_BYTES, OUT, OUT_LEN, PROGRESS};
use tranche_machine::merge::Outcome;
use tranche_machine::tables::l2g::columns as l2g;
use tranche_machine::{ExecError, Machine, Pages, Program};

use crate::asm::{A0, A1, A2, A7, CODE, DATA, ECALL, elf, exit, immediate, li, register};
use crate::audit::audit;
use crate::oracle::{Io, Traces, run_epochs};
use crate::qemu::compare;

const READ: i32 = 63;
const WRITE: i32 = 64;

/// A call about so many bytes of memory, of descriptor 0 or 1.
fn call(number: i32, address: u32, bytes: u32) -> Vec<u32> {
    let registers = [
        immediate("addi", A7, 0, number),
        immediate("addi", A0, 0, i32::from(number == WRITE)),
    ];
    [&registers[..], &li(A1, address), &li(A2, bytes), &[ECALL]].concat()
}

fn data() -> Vec<u8> {
    (0..0x400_u32)
        .map(|i| (i.wrapping_mul(0x9e37_79b1) >> 24) as u8)
        .collect()
}

/// A program of code that exits with what the last call returned, in seven bits.
fn program(code: &[u32]) -> Vec<u8> {
    let low = immediate("andi", A0, A0, 0x7f);
    elf(&[code, &[low], &exit()].concat(), &data())
}

/// Up to nine bytes from each alignment to each place in a word of the output.
fn short_writes() -> Vec<u8> {
    let (mut code, mut written) = (li(2, DATA).to_vec(), 0_u32);
    for place in 0..4_u32 {
        for address in DATA..DATA + 4 {
            for bytes in 0..=9 {
                let before = place.wrapping_sub(written) % 4;
                code.extend(call(WRITE, DATA + 99, before));
                code.extend(call(WRITE, address, bytes));
                written += before + bytes;
                assert_eq!((written - bytes) % 4, place);
            }
        }
    }
    program(&code)
}

/// Up to nine bytes to each alignment, and then all of them out.
fn short_reads() -> Vec<u8> {
    let mut code = li(2, DATA).to_vec();
    let mut address = DATA + 0x100;
    for alignment in 0..4 {
        for bytes in 0..=9 {
            code.extend(call(READ, address + alignment, bytes));
            address += 16;
        }
    }
    code.extend(call(WRITE, DATA + 0x100, address - DATA - 0x100));
    program(&code)
}

fn long_calls() -> Vec<u8> {
    let mut code = li(2, DATA).to_vec();
    for (number, alignment, bytes) in [
        (READ, 1, 333),
        (WRITE, 1, 1003),
        (WRITE, 2, 777),
        (READ, 0, 500),
        (WRITE, 3, 801),
        (READ, 2, 500),
        (WRITE, 0, 1024),
    ] {
        code.extend(call(number, DATA + alignment, bytes));
        // What it returned, for QEMU to agree with.
        code.push(register("add", 5, 5, A0));
    }
    program(&code)
}

#[test]
fn every_place_alignment_and_length_agrees_with_qemu() {
    let input: Vec<u8> = (0..0x400_u32).map(|i| ((i * i) >> 3) as u8).collect();
    for (name, elf, input) in [
        ("short-writes", short_writes(), &[][..]),
        ("short-reads", short_reads(), &input),
        // The input ends in a read, of which two or three bytes are left for its last word.
        ("short-reads-2", short_reads(), &input[..174]),
        ("short-reads-3", short_reads(), &input[..171]),
        ("long", long_calls(), &input),
    ] {
        compare(name, &elf, input, 2);
        let mut memory = Memory::default();
        let run = run_epochs(&elf, input, 8, |epoch, traces| {
            memory.epoch(epoch, &traces);
        });
        let run = run.expect(name);
        memory.check(run.exit_code, &run.output);
    }
}

/// The cells that epochs leave, each with the epoch.
#[derive(Default)]
struct Memory(BTreeMap<u32, (u32, u32)>);

impl Memory {
    /// Checks an epoch, and that it finds in each cell what the one before left.
    fn epoch(&mut self, epoch: u32, traces: &Traces<'_>) {
        assert_eq!(audit(traces), BTreeSet::new(), "epoch {epoch}");
        let height = traces.main[traces.index("l2g")].height();
        for row in 0..height {
            let get = |column| traces.get("l2g", row, column).as_canonical_u32();
            if get(l2g::REAL) == 0 {
                continue;
            }
            let init = (
                get(l2g::INIT_EPOCH),
                get(l2g::INIT_HI) << 16 | get(l2g::INIT_LO),
            );
            let fini = get(l2g::FINI_HI) << 16 | get(l2g::FINI_LO);
            let found = self.0.insert(get(l2g::CELL), (epoch, fini));
            assert!(found.is_none_or(|found| found == init), "epoch {epoch}");
        }
    }

    /// Checks that the result's cells are those of a claim, and no others.
    fn check(&self, exit_code: u32, output: &[u8]) {
        let claim = Outcome::new(exit_code, output, Outcome::log_height_for(output.len()));
        let mut claimed: BTreeMap<_, _> = claim.expect("a claim").cells().collect();
        for (&cell, &(_, value)) in self.0.range(OUT_LEN..) {
            assert_eq!(claimed.remove(&cell), Some(value), "cell {cell:#x}");
        }
        // What was never touched is 0.
        assert!(claimed.into_values().all(|value| value == 0));
    }

    fn value(&self, cell: u32) -> u32 {
        self.0.get(&cell).map_or(0, |(_, value)| *value)
    }
}

/// A call that begins after so many idle cycles, behind two bytes of output.
fn late_call(idle: usize, number: i32) -> Vec<u8> {
    let mut code = call(WRITE, DATA, 2);
    code.extend((0..idle).map(|_| immediate("addi", 5, 5, 1)));
    code.extend(call(number, DATA + 0x101, 23));
    program(&code)
}

/// In one of the runs an epoch ends behind each step of a call: bytes up to a word of memory, words, and
/// bytes again.
#[test]
fn epochs_end_behind_every_step() {
    let input: Vec<u8> = (1..=22).collect();
    for (number, steps) in [
        (WRITE, &[1, 2, 3, 7, 11, 15, 19, 23][..]),
        // Three bytes are read for a word and moved one by one.
        (READ, &[1, 2, 3, 7, 11, 15, 19, 20, 21, 22]),
    ] {
        let mut ends = BTreeSet::new();
        for idle in 32..64 {
            let mut memory = Memory::default();
            let run = run_epochs(&late_call(idle, number), &input, 6, |epoch, traces| {
                memory.epoch(epoch, &traces);
                ends.insert(memory.value(PROGRESS));
            });
            let run = run.expect("a run");
            let (moved, data) = (*steps.last().expect("steps"), data());
            assert_eq!(run.exit_code, moved);
            memory.check(moved, &run.output);
            let from = DATA as usize / 4 + 0x40;
            if number == WRITE {
                assert_eq!(run.output, [&data[..2], &data[0x101..][..23]].concat());
            } else {
                let word = u32::from_le_bytes([data[0x100], 1, 2, 3]);
                assert_eq!(memory.value(from as u32), word);
                assert_eq!(
                    memory.value(from as u32 + 4),
                    u32::from_le_bytes([16, 17, 18, 19])
                );
            }
        }
        assert!(ends.remove(&0));
        assert_eq!(ends, steps.iter().copied().collect(), "call {number}");
    }
}

/// As many cycles as the rule says: a step for each word where four bytes are left and the address is
/// aligned, and for each byte else, wherever the output is.
#[test]
fn cycles_of_a_call() {
    for (alignment, bytes, steps) in [
        (0, 0, 0),
        (0, 3, 3),
        (0, 4, 1),
        (0, 7, 4),
        (1, 3, 3),
        (1, 6, 6),
        (1, 7, 4),
        (2, 100, 2 + 24 + 2),
        (3, 101, 1 + 25),
    ] {
        for place in 0..4 {
            let before = call(WRITE, DATA, place);
            let code = [&before[..], &call(WRITE, DATA + alignment, bytes)].concat();
            let run = run_epochs(&program(&code), &[], 10, |_, traces| {
                assert_eq!(audit(&traces), BTreeSet::new());
            });
            let run = run.expect("a run");
            let moved = u64::from(steps + place);
            assert_eq!(
                run.cycles,
                run.instructions + moved,
                "{bytes} bytes from {alignment}"
            );
        }
    }
}

/// Writes 2^12 bytes again and again: as much as there may be, and one byte more.
#[test]
fn an_output_has_a_longest() {
    let run = |last: u32| {
        let times = MAX_OUTPUT_BYTES / 0x1000 - 1;
        let mut code = [li(6, times), li(2, 0)].concat();
        let start = code.len();
        code.extend(call(WRITE, DATA, 0x1000));
        code.push(immediate("addi", 6, 6, -1));
        let back = 4 * (start as i32 - code.len() as i32);
        code.push(crate::asm::branch("bne", 6, 0, back));
        code.extend(call(WRITE, DATA, 0xffc));
        code.extend(call(WRITE, DATA, last));
        let pc = CODE + 4 * (code.len() as u32 - 1);
        let elf = program(&code);
        let program = Program::parse(&elf).expect("a program");
        let mut io = Io::default();
        let mut machine = Machine::over(&program, Pages::new(1 << 26), u64::MAX);
        let end = machine.run(&mut io);
        (end, io.output.len() as u32, pc)
    };
    let (end, len, _) = run(3);
    assert_eq!((end, len), (Ok(3), MAX_OUTPUT_BYTES - 1));
    let (end, _, pc) = run(4);
    assert_eq!(end, Err(ExecError::OutputFull { pc }));
}

/// The cells of a claim: words of the output, of which the last ends in zeros.
#[test]
fn a_claim_by_words() {
    let cells = |output: &'static [u8]| -> Vec<(u32, u32)> {
        Outcome::new(7, output, 4)
            .expect("a claim")
            .cells()
            .collect()
    };
    assert_eq!(cells(b""), [(EXIT_CODE, 7), (OUT_LEN, 0)]);
    let two = [
        (EXIT_CODE, 7),
        (OUT_LEN, 5),
        (OUT, 0x6463_6261),
        (OUT + 1, 0x65),
    ];
    assert_eq!(cells(b"abcde"), two);
    for (bytes, rows) in [(0, 4), (4 * 14, 4), (4 * 14 + 1, 5), (4 * 30, 5)] {
        assert_eq!(Outcome::log_height_for(bytes), rows);
        let output = vec![1; bytes];
        assert!(Outcome::new(0, &output, rows).is_ok());
        assert!(rows == 4 || Outcome::new(0, &output, rows - 1).is_err());
    }
    let most = vec![0; MAX_OUTPUT_BYTES as usize];
    assert!(Outcome::new(0, &most, 24).is_err());
    assert!(Outcome::new(0, &most[1..], 23).is_ok());
    assert_eq!(F::from_u32(OUT).as_canonical_u32(), OUT);
}

/// Calls of more than 2^16 bytes: what is done and the output's length carry, and not a byte too soon; what a short
/// read leaves borrows.
#[test]
fn calls_of_more_than_16_bits() {
    const BYTES: u32 = 0x1_0008;
    let code = [
        &call(READ, DATA + 1, 2 << 16)[..],
        &call(WRITE, DATA + 1, BYTES),
        &[immediate("addi", A0, 0, 0)],
        &exit(),
    ];
    let input: Vec<u8> = (0..BYTES).map(|i| (i % 251) as u8).collect();
    // Three bytes, then words: 0xffff bytes are done on the way. 2^10 steps are an epoch.
    let run = run_epochs(&elf(&code.concat(), &[]), &input, 14, |epoch, traces| {
        if [17, 33].contains(&epoch) {
            traces
                .check()
                .unwrap_or_else(|why| panic!("epoch {epoch}: {why}"));
        }
    })
    .unwrap();
    assert!(run.output == input);
    assert_eq!(run.epochs, 33);
}
