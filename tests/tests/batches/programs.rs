//! Programs of every kind as one proof, in both orders, from the execution to the verdict: the repository's, and
//! those that once failed: much memory that is hardly touched, much output, messages, exit by 94, many segments,
//! a file without sections.

use tranche::execute::execute;
use tranche::retire::header::MAGIC;
use tranche::retire::{Header, Options, prove, verify};
use tranche_core::retire::Order;
use tranche_machine::Program;
use tranche_test_support::machine::asm::{
    A0, A1, A2, A7, CODE, DATA, ECALL, Segment, branch, elf, exit, file, immediate, li, load,
    register, store, words,
};
use tranche_test_support::params::PARAMS;

use crate::{guest, program};

const RX: u32 = 5;
const RW: u32 = 6;

/// Proves and verifies a run in both orders, in batches of 2^`log2_cycles` cycles; of more than 1,024 cycles it
/// has 16 batches at least.
fn both_orders(name: &str, program: &Program<'_>, input: &[u8], log2_cycles: u8) {
    let execution = execute(program, input, 1 << 20).expect(name);
    for order in [Order::Forked, Order::Shared] {
        let options = Options {
            params: PARAMS,
            floor: 0.0,
            ..Options::new(order, log2_cycles)
        };
        let mut bundle = Vec::new();
        let proved = prove(program, input, &execution, &options, &mut bundle, |_, _| {});
        let proved = proved.expect(name);
        println!(
            "{name}: {} cycles, {} batches, {order:?}",
            proved.cycles, proved.batches
        );
        // Besides the closing one.
        assert!(proved.cycles <= 1024 || proved.batches > 16, "{name}");
        let verdict = |bundle: &[u8]| verify(program, &bundle[MAGIC.len()..], 0.0);
        let proven = verdict(&bundle).expect(name);
        assert_eq!(
            (proven.exit_code, proven.cycles, &proven.output),
            (execution.exit_code, execution.cycles, &execution.output),
            "{name}"
        );
        // Another length of the same words, and another last byte.
        let mut rest = &bundle[MAGIC.len()..];
        let honest = Header::read(&mut rest).expect("a header");
        let claim = |output: Vec<u8>| {
            let header = Header {
                output,
                ..honest.clone()
            };
            verdict(&[&header.to_bytes(), rest].concat())
        };
        let mut other = execution.output.clone();
        if let Some(byte) = other.last_mut() {
            *byte ^= 1;
            assert!(claim(other.clone()).is_err(), "{name}");
        }
        let longer = [&execution.output[..], &[0]].concat();
        assert!(claim(longer).is_err(), "{name}");
        assert!(claim(execution.output.clone()).is_ok(), "the control");
    }
}

#[test]
fn the_repository_s_programs_as_one_proof() {
    let words: Vec<u8> = (0..256_u32).map(|i| (i * i * 37 % 251) as u8).collect();
    for (name, input, log2_cycles) in [
        ("sha256", &b"abc"[..], 8),
        ("json", b"[1, 2, 30]", 6),
        ("sort", &words, 8),
        ("spin", b"200", 7),
    ] {
        both_orders(name, guest(name), input, log2_cycles);
    }
}

/// A call about so many bytes.
fn call(number: i32, descriptor: i32, address: u32, bytes: u32) -> Vec<u32> {
    let registers = [
        immediate("addi", A7, 0, number),
        immediate("addi", A0, 0, descriptor),
    ];
    [&registers[..], &li(A1, address), &li(A2, bytes), &[ECALL]].concat()
}

/// 16 MiB of zeros, of which two bytes are set and three read.
#[test]
fn zeros_that_are_hardly_touched() {
    const MEMORY: u32 = 1 << 24;
    let mut code = Vec::new();
    for at in [0, MEMORY - 1] {
        code.extend(li(A1, DATA + at));
        code.extend([immediate("addi", 5, 5, 1), store("sb", 5, A1, 0)]);
    }
    for at in [0, 12345, MEMORY - 1] {
        code.extend(li(A1, DATA + at));
        code.extend([load("lbu", 6, A1, 0), register("add", 7, 7, 6)]);
    }
    code.extend(li(A1, DATA + 100));
    code.push(store("sb", 7, A1, 0));
    code.extend(call(64, 1, DATA + 100, 1));
    code.extend(exit());
    let code = words(&code);
    let segment = |address, bytes, memory, flags| Segment {
        address,
        bytes,
        memory,
        flags,
    };
    let segments = [
        segment(CODE, &code[..], code.len() as u32, RX),
        segment(DATA, &[], MEMORY, RW),
    ];
    let program = program(file(CODE, &segments));
    both_orders("zeros", program, b"", 6);
}

/// A byte a turn, and all but the first of them out at once: 2,000 bytes from an address that is no word's.
#[test]
fn much_output() {
    const BYTES: u32 = 2001;
    let mut code = [li(6, DATA), li(7, DATA + BYTES)].concat();
    code.extend([
        store("sb", 5, 6, 0),
        immediate("addi", 5, 5, 7),
        immediate("addi", 6, 6, 1),
        branch("bne", 6, 7, -12),
    ]);
    code.extend(call(64, 1, DATA + 1, BYTES - 1));
    code.extend([immediate("addi", A0, 0, 0)]);
    code.extend(exit());
    both_orders("output", program(elf(&code, &[])), b"", 8);
}

/// A message and an output, and exit code 3 by the number for all threads.
#[test]
fn messages_and_another_exit() {
    let mut code = call(64, 2, DATA, 4);
    code.extend(call(64, 1, DATA + 4, 4));
    code.extend([
        immediate("addi", A0, 0, 3),
        immediate("addi", A7, 0, 94),
        ECALL,
    ]);
    both_orders("messages", program(elf(&code, b"dbg\nout\n")), b"", 6);
}

/// Five segments apart, one of them of zeros, and a section table beyond the end of the file.
#[test]
fn segments_apart_without_sections() {
    let at = |i: u32| CODE * (i + 1);
    let mut code = Vec::new();
    for i in 1..5 {
        code.extend(li(A1, at(i)));
        code.extend([load("lbu", 5, A1, 3), register("add", A0, A0, 5)]);
        if i > 2 {
            code.push(store("sw", A0, A1, 4));
        }
    }
    code.extend(exit());
    let code = words(&code);
    let bytes: Vec<[u8; 8]> = (0..5).map(|i| [i; 8]).collect();
    let segments: Vec<_> = (0..5_u32)
        .map(|i| {
            let (bytes, memory, flags) = match i {
                0 => (&code[..], code.len() as u32, RX),
                3 => (&[][..], 0x1014, RW),
                _ => (&bytes[i as usize][..], 8, RW),
            };
            Segment {
                address: at(i),
                bytes,
                memory,
                flags,
            }
        })
        .collect();
    let mut elf = file(CODE, &segments);
    // Offset, size and number of the section headers.
    let beyond = elf.len() as u32;
    elf[32..36].copy_from_slice(&beyond.to_le_bytes());
    elf[46..50].copy_from_slice(&[40, 0, 10, 0]);
    both_orders("segments", program(elf), b"", 6);
}
