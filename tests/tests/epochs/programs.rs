//! Programs of unusual files, proved and verified: much memory that is hardly touched, many segments.

use tranche_machine::Program;
use tranche_machine::program::MAX_SEGMENTS;
use tranche_test_support::machine::asm::{
    A0, A1, CODE, DATA, Segment, exit, file, li, load, register, store, words,
};

use crate::bundles::*;

const RX: u32 = 5;
const RW: u32 = 6;

/// A program that stores to the first and the last word of `memory` bytes of zeros, and loads what
/// lies between.
fn sparse(memory: u32) -> Vec<u8> {
    let mut code = Vec::new();
    for (at, name) in [(0, "sb"), (memory - 4, "sw")] {
        code.extend(li(A1, DATA + at));
        code.extend(li(5, at + 1));
        code.extend([store(name, 5, A1, 0), load("lbu", 6, A1, 0)]);
        code.push(register("add", A0, A0, 6));
    }
    code.extend(li(A1, DATA + memory / 2));
    code.extend([load("lw", 6, A1, 0), register("add", A0, A0, 6)]);
    code.extend(exit());
    let code = words(&code);
    let bss = Segment {
        address: DATA,
        bytes: b"ab",
        memory,
        flags: RW,
    };
    let text = Segment {
        address: CODE,
        bytes: &code,
        memory: code.len() as u32,
        flags: RX,
    };
    file(CODE, &[text, bss])
}

/// 64 MiB of `.bss` cost what 4 KiB do: the same workspaces, and a bundle of about the same length.
#[test]
fn untouched_memory_costs_nothing() {
    let prove = |memory: u32| {
        let elf = sparse(memory);
        let program = Program::parse(&elf).unwrap();
        let execution = run(&program, "");
        let (proved, bundle) = prove_claim(&program, SMALL, "", &execution, 1).unwrap();
        let statement = check(&program, &bundle).unwrap();
        assert_eq!(statement.exit_code, 0xfe);
        (proved.workspace_bytes, bundle.len())
    };
    let (small, large) = (prove(4 << 10), prove(64 << 20));
    assert_eq!(small.0, large.0, "workspaces");
    assert!(
        large.1.abs_diff(small.1) < small.1 / 10,
        "{small:?} {large:?}"
    );
}

/// As many holes as there can be, each with a table of its own.
#[test]
fn sixteen_segments_are_proved() {
    let at = |i: usize| 0x0100_0000 * (i as u32 + 1);
    let mut code = Vec::new();
    for i in 1..MAX_SEGMENTS {
        code.extend(li(A1, at(i)));
        code.extend([load("lbu", 5, A1, 0), register("add", A0, A0, 5)]);
        // Far from any segment.
        code.push(store("sb", 5, A1, 2000));
    }
    code.extend(exit());
    let code = words(&code);
    let bytes: Vec<[u8; 1]> = (0..MAX_SEGMENTS as u8).map(|i| [i]).collect();
    let data = (1..MAX_SEGMENTS).map(|i| Segment {
        address: at(i),
        bytes: &bytes[i],
        memory: 1,
        flags: RW,
    });
    let text = Segment {
        address: CODE,
        bytes: &code,
        memory: code.len() as u32,
        flags: RX,
    };
    let segments: Vec<_> = std::iter::once(text).chain(data).collect();
    let elf = file(CODE, &segments);
    let program = Program::parse(&elf).unwrap();
    assert_eq!(program.intervals().len(), MAX_SEGMENTS);
    let statement = check(&program, &bundle(&program, SMALL, "")).unwrap();
    assert_eq!(statement.exit_code, 120);
}
