//! What names a program, and what a name covers.

use tranche_machine::Program;

use crate::bundles::*;

/// Offsets in an ELF file of 32 bits, and in an entry of its table of segments.
const ENTRY: usize = 24;
const TABLE: usize = 28;
const COUNT: usize = 44;
const SEGMENT_BYTES: usize = 32;
const OFFSET: usize = 4;
const ADDRESS: usize = 8;
const FILE_BYTES: usize = 16;
const MEMORY_BYTES: usize = 20;
const FLAGS: usize = 24;

fn word(elf: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(elf[at..at + 4].try_into().expect("four bytes"))
}

/// Where the entries of the loadable segments begin.
fn segments(elf: &[u8]) -> Vec<usize> {
    let count = usize::from(u16::from_le_bytes([elf[COUNT], elf[COUNT + 1]]));
    (0..count)
        .map(|i| word(elf, TABLE) as usize + i * SEGMENT_BYTES)
        .filter(|&at| word(elf, at) == 1 && word(elf, at + MEMORY_BYTES) > 0)
        .collect()
}

/// The digest of a guest with one word changed.
fn changed(at: usize, change: impl Fn(u32) -> u32) -> [u8; 32] {
    let mut elf = SPIN_ELF.to_vec();
    let word = change(word(&elf, at));
    elf[at..at + 4].copy_from_slice(&word.to_le_bytes());
    Program::parse(&elf).expect("a program still").digest()
}

#[test]
fn a_name_covers_all_that_is_loaded() {
    let segments = segments(SPIN_ELF);
    let (&first, &last) = (&segments[0], segments.last().expect("a segment"));
    let code = word(SPIN_ELF, first + OFFSET) as usize;
    let names = [
        SPIN.digest(),
        SORT.digest(),
        changed(ENTRY, |entry| entry + 4),
        changed(code, |word| word ^ 1 << 31),
        // Memory beyond the file's bytes counts by its end, however long it is.
        changed(last + MEMORY_BYTES, |bytes| bytes + 4),
        changed(last + MEMORY_BYTES, |bytes| bytes + (256 << 20)),
        changed(first + FILE_BYTES, |bytes| bytes - 4),
        changed(last + ADDRESS, |address| address + 0x1000),
        // Readable and executable.
        changed(last + FLAGS, |_| 5),
    ];
    for (i, name) in names.iter().enumerate() {
        assert!(!names[..i].contains(name), "{i}");
    }
}

#[test]
fn a_name_covers_nothing_else() {
    // The flags of the whole file, and where its sections are, load nothing.
    const FILE_FLAGS: usize = 36;
    assert_eq!(changed(FILE_FLAGS, |flags| flags), SPIN.digest());
    assert_eq!(changed(FILE_FLAGS, |flags| flags ^ 1 << 8), SPIN.digest());
    // Nor does a segment's writability.
    let segments = segments(SPIN_ELF);
    let writable = segments.last().expect("a segment") + FLAGS;
    assert_eq!(changed(writable, |flags| flags ^ 2), SPIN.digest());
}
