//! ELF files: what is loaded of one, and what is refused, by name.

use proptest::prelude::*;
use tranche_machine::merge::{Image, image_rows};
use tranche_machine::program::{MAX_IMAGE_LOG2, MAX_IMAGE_WORDS, MAX_SEGMENTS};
use tranche_machine::{ElfError, ExecError, Program};

use crate::asm::{
    A0, A1, A2, A7, CODE, DATA, ECALL, Segment, elf, exit, file, immediate, li, load, register,
    store, words,
};
use crate::oracle::run_epochs;

const R: u32 = 4;
const RW: u32 = 6;
const RX: u32 = 5;
const RWX: u32 = 7;

const fn segment(address: u32, bytes: &[u8], flags: u32) -> Segment<'_> {
    Segment {
        address,
        bytes,
        memory: bytes.len() as u32,
        flags,
    }
}

/// A program that exits, with other segments.
fn with(others: &[Segment<'_>]) -> Vec<u8> {
    let code = words(&exit());
    file(CODE, &[&[segment(CODE, &code, RX)], others].concat())
}

/// Registers and hidden cells.
const HIDDEN: usize = 37;

/// Memory beyond the bytes of the file costs nothing and is no part of the image; the word in which
/// they end is.
#[test]
fn bss_is_not_in_the_image() {
    let code = exit().len();
    for memory in [6, 8, 64 << 20, 256 << 20] {
        let elf = with(&[Segment {
            address: DATA,
            bytes: &[1, 2, 3, 4, 5, 6],
            memory,
            flags: RW,
        }]);
        let program = Program::parse(&elf).unwrap();
        let (first, rows) = (DATA / 4, image_rows(&program));
        assert_eq!(rows, code + 2 + HIDDEN, "{memory} bytes");
        assert_eq!(program.intervals()[1], first..first + 2);
        assert_eq!(program.initial_word(first + 1), 0x0605, "the rest is zero");
        assert_eq!(program.initial_word(first + 2), 0);
        let image = Image::new(&program, 6).unwrap();
        assert!(image.covers(first + 1) && !image.covers(first + 2));
        let last = image.holes().last().unwrap();
        assert_eq!(last, (first + 2, 1 << 30), "rest");
        assert_eq!(program.loads(first + 2), memory > 8);
        assert!(!program.loads((DATA + memory).div_ceil(4)));
    }
}

/// Zeros of an executable segment are no code, and may be stored to.
#[test]
fn a_stack_in_the_bss_of_one_segment() {
    let mut code = li(2, CODE + 0x100).to_vec();
    code.extend([store("sw", A7, 2, -4), load("lw", A0, 2, -4)]);
    code.extend(exit());
    let code = words(&code);
    let elf = file(
        CODE,
        &[Segment {
            address: CODE,
            bytes: &code,
            memory: 0x1000,
            flags: RWX,
        }],
    );
    assert_eq!(Program::parse(&elf).unwrap().rom().len() * 4, code.len());
    let run = run_epochs(&elf, &[], 6, |_, traces| traces.check().unwrap());
    assert_eq!(run.unwrap().exit_code, 0);
}

#[test]
fn an_image_has_a_longest() {
    let image = |words: u32| {
        // Without the code's two words.
        let bytes = vec![1; 4 * (words as usize - 2)];
        let elf = with(&[segment(1 << 24, &bytes, R)]);
        Program::parse(&elf).map(|program| image_rows(&program))
    };
    assert_eq!(image(MAX_IMAGE_WORDS), Ok(1 << MAX_IMAGE_LOG2));
    let words = MAX_IMAGE_WORDS + 1;
    let refused = image(words).unwrap_err();
    assert_eq!(refused, ElfError::ImageTooLong { words });
    assert!(refused.to_string().contains("MAX_IMAGE_WORDS"));
}

/// As many segments as there may be, far apart: the program adds up a byte of each.
#[test]
fn sixteen_segments_apart() {
    let at = |i: u32| 0x0100_0000 * (i + 1);
    let mut code = Vec::new();
    for i in 1..MAX_SEGMENTS as u32 {
        code.extend(li(A1, at(i)));
        code.extend([load("lbu", 5, A1, 0), register("add", A0, A0, 5)]);
    }
    code.extend(exit());
    let code = words(&code);
    let bytes: Vec<[u8; 1]> = (0..=MAX_SEGMENTS as u8).map(|i| [i]).collect();
    let data = |i: usize| segment(at(i as u32), &bytes[i], R);
    let apart = |count: usize| {
        let others: Vec<_> = (1..count).map(data).collect();
        file(CODE, &[&[segment(CODE, &code, RX)], &others[..]].concat())
    };
    let elf = apart(MAX_SEGMENTS);
    assert_eq!(
        Program::parse(&elf).unwrap().intervals().len(),
        MAX_SEGMENTS
    );
    let run = run_epochs(&elf, &[], 7, |_, traces| traces.check().unwrap());
    assert_eq!(run.unwrap().exit_code, 120);
    let more = apart(MAX_SEGMENTS + 1);
    assert_eq!(Program::parse(&more).err(), Some(ElfError::TooManySegments));
}

/// A section table is not read: it may be anywhere.
#[test]
fn sections_are_not_needed() {
    let mut elf = elf(&exit(), &[]);
    for (at, value) in [(32, 0x7fff_ffff), (32, u32::MAX), (32, 1)] {
        elf[at..at + 4].copy_from_slice(&u32::to_le_bytes(value));
        // Number and size of its entries, and which one has the names.
        for sizes in [[40, 9, 8], [0, 0xffff, 0xffff], [1, 1, 0]] {
            let sizes: Vec<u8> = sizes.into_iter().flat_map(u16::to_le_bytes).collect();
            elf[46..52].copy_from_slice(&sizes);
            assert!(Program::parse(&elf).is_ok());
        }
    }
    // A number of segments that only a section would tell.
    elf[44..46].copy_from_slice(&[0xff; 2]);
    assert_eq!(Program::parse(&elf).err(), Some(ElfError::TooManySegments));
}

#[test]
fn compressed_code_is_refused() {
    let said = "compressed encodings are not supported";
    let mut flagged = elf(&exit(), &[]);
    flagged[36] |= 1;
    let mut between = elf(&exit(), &[]);
    between[24] += 2;
    for (elf, entry) in [(flagged, CODE), (between, CODE + 2)] {
        let refused = Program::parse(&elf).unwrap_err();
        assert_eq!(refused, ElfError::Compressed { entry });
        assert!(refused.to_string().contains(said));
    }
    // Unannounced, among instructions: c.addi a0, 1; c.nop.
    let code = [immediate("addi", A0, 0, 1), 0x0001_0505];
    let refused = run_epochs(&elf(&code, &[]), &[], 6, |_, _| ())
        .err()
        .unwrap();
    let reason = tranche_machine::decode::DecodeError::Compressed;
    let word = code[1];
    let pc = CODE + 4;
    assert_eq!(refused, ExecError::Unsupported { pc, word, reason });
    assert!(refused.to_string().contains(said));
}

#[test]
fn segments_that_overlap_wrap_or_are_cut() {
    let parse = |others: &[Segment<'_>]| Program::parse(&with(others)).err();
    let bss = |address, memory| Segment {
        address,
        bytes: &[],
        memory,
        flags: RW,
    };
    let overlap = |address| Some(ElfError::Overlap { address });
    let range = |address| Some(ElfError::SegmentRange { address });
    assert_eq!(parse(&[bss(DATA, 8), bss(DATA + 8, 8)]), None);
    assert_eq!(parse(&[bss(DATA, 9), bss(DATA + 8, 8)]), overlap(DATA + 8));
    assert_eq!(parse(&[bss(CODE + 4, 1)]), overlap(CODE + 4));
    assert_eq!(parse(&[bss(0xffff_fff0, 12)]), None);
    assert_eq!(parse(&[bss(0xffff_fff0, 13)]), range(0xffff_fff0));
    assert_eq!(parse(&[bss(0xffff_fff0, u32::MAX)]), range(0xffff_fff0));
    assert_eq!(
        parse(&[Segment {
            memory: 3,
            ..segment(DATA, b"abcd", RW)
        }]),
        range(DATA)
    );
    let cut = |by: usize| {
        let mut elf = with(&[segment(DATA, b"abcd", RW)]);
        elf.truncate(elf.len() - by);
        Program::parse(&elf).err()
    };
    assert_eq!((cut(0), cut(1)), (None, range(DATA)));
    let code = words(&exit());
    let odd = file(CODE + 1, &[segment(CODE + 1, &code, RX)]);
    assert_eq!(
        Program::parse(&odd).err(),
        Some(ElfError::MisalignedCode { address: CODE + 1 })
    );
}

/// Stores into what can be executed: with data in one segment with code, from a stack above it, and
/// by a system call.
#[test]
fn stores_into_code() {
    let error = |flags: u32, code: &[u32]| {
        let code = words(code);
        let elf = file(CODE, &[segment(CODE, &code, flags)]);
        run_epochs(&elf, b"x", 6, |_, _| ()).err().unwrap()
    };
    let by = |base: u32| [&li(base, CODE + 4)[..], &[store("sw", A0, base, 0)]].concat();
    let (pc, address) = (CODE + 8, CODE + 4);
    let stored = |writable| ExecError::StoreToCode {
        pc,
        address,
        writable,
    };
    assert_eq!(error(RWX, &by(A1)), stored(true));
    assert_eq!(error(RWX, &by(2)), stored(true));
    assert_eq!(error(RX, &by(A1)), stored(false));
    assert_eq!(error(RX, &by(2)), ExecError::StackInCode { pc, address });
    for (flags, what) in [
        (RX, ""),
        (
            RWX,
            "; link data and code into segments of their own, without ld -N",
        ),
    ] {
        let said = format!(
            "pc 0x00010008: store to 0x00010004: stores into executable memory are not part of the \
             machine{what}"
        );
        assert_eq!(error(flags, &by(A1)).to_string(), said);
    }
    let mut read = li(A1, CODE).to_vec();
    read.extend([
        immediate("addi", A7, 0, 63),
        immediate("addi", A2, 0, 1),
        ECALL,
    ]);
    let refused = ExecError::StoreToCode {
        pc: CODE + 16,
        address: CODE,
        writable: false,
    };
    assert_eq!(error(RX, &read), refused);
}

/// What every program has, whatever its file was.
fn is_sound(elf: &[u8]) {
    let Ok(program) = Program::parse(elf) else {
        return;
    };
    assert!(program.instruction(program.entry()).is_some());
    assert!(program.intervals().is_sorted_by(|a, b| a.end <= b.start));
    let words: u32 = program.intervals().iter().map(|i| i.end - i.start).sum();
    assert!(words <= MAX_IMAGE_WORDS);
    for interval in program.intervals() {
        assert!(!interval.is_empty() && interval.end < 1 << 30);
    }
    let rom = program.rom();
    for cell in [rom.start, rom.end - 1, rom.end, 0, u32::MAX] {
        let _ = (program.code(cell), program.initial_word(cell));
        let _ = (program.loads(cell), program.is_writable_code(cell));
    }
    assert_eq!(program.image().count() as u32, words);
    assert_eq!(image_rows(&program), words as usize + HIDDEN);
    let mut cells = vec![tranche_machine::Cell::FREE; 64];
    let mut machine = tranche_machine::Machine::new(&program, &mut cells, 100);
    let _ = machine.run(&mut crate::oracle::Io::new(b"input"));
}

const EDGES: [u32; 12] = [
    0,
    1,
    2,
    52,
    0x1000,
    CODE,
    DATA,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_f000,
    0xffff_fffc,
    u32::MAX,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// Words of header and program headers replaced, bytes replaced, and the end cut off.
    #[test]
    fn a_mutated_file_never_panics(
        header in prop::collection::vec((0_usize..37, prop_oneof![prop::sample::select(&EDGES[..]), any::<u32>()]), 0..4),
        bytes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        len in prop_oneof![3 => Just(None), 1 => any::<prop::sample::Index>().prop_map(Some)],
        guest in any::<bool>(),
    ) {
        let mut elf = if guest {
            crate::guests::guest("sha256")
        } else {
            let bss = Segment { address: 3 * DATA, bytes: &[], memory: DATA, flags: RW };
            with(&[segment(DATA, b"abcdef", RW), bss])
        };
        for (word, value) in header {
            // Fields of 32 bits begin at the version; those before it are bytes.
            elf[4 * word + 20..][..4].copy_from_slice(&value.to_le_bytes());
        }
        for (at, byte) in bytes {
            let at = at.index(elf.len().min(160));
            elf[at] = byte;
        }
        if let Some(len) = len {
            elf.truncate(len.index(elf.len()));
        }
        is_sound(&elf);
    }
}
