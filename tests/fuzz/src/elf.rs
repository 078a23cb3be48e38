//! The ELF parser, the plan and the executor on any file.
//!
//! What is loaded is compared with a second, naive reader of the program headers (System V ABI,
//! chapter 5). Whatever the file says, nothing panics, parsing takes no heap, and the rest takes no
//! more than the image that a program may have.

use tranche::execute::execute_within;
use tranche_backend::Chosen;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::shape::Profile;
use tranche_machine::{ElfError, EpochTables, Program, Settings, Setup};

use crate::heap_peak;
use crate::tally::Tally;

/// Cycles that a program is given.
const MAX_CYCLES: u64 = 2000;
/// Bytes of its memory that it may touch.
const MAX_MEMORY: u64 = 1 << 20;
/// Bytes of the heap that loading, planning and executing may take besides the index of the guest's
/// pages: a run's memory and its output, and what is small.
const MAX_HEAP: usize = 8 << 20;
/// Bytes of the index of the guest's pages, which the system backs where it is written.
const PAGE_INDEX: usize = 4 * ((1 << 22) + (1 << 14) + 1);

static OUTCOMES: Tally = Tally::new();

/// A loadable segment as the file states it.
#[derive(Clone, Copy, Debug)]
struct Load<'a> {
    address: u32,
    data: &'a [u8],
    size: u32,
    executable: bool,
}

fn word(file: &[u8], at: usize) -> Option<u32> {
    let bytes = file.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

fn half(file: &[u8], at: usize) -> Option<usize> {
    Some(word(file, at & !3)? as usize >> (8 * (at & 3)) & 0xffff)
}

/// Program headers that are counted elsewhere (`PN_XNUM`), which the naive reader leaves alone.
const COUNTED_ELSEWHERE: usize = 0xffff;

/// The loadable segments; `None` where the file is too short for what it says.
fn loads(file: &[u8]) -> Option<Vec<Load<'_>>> {
    let (table, size, count) = (word(file, 28)? as usize, half(file, 42)?, half(file, 44)?);
    let mut loads = Vec::new();
    for i in 0..count {
        let at = table.checked_add(i * size)?;
        let field = |n: usize| word(file, at + 4 * n);
        let (offset, filesz, memsz) = (field(1)? as usize, field(4)? as usize, field(5)?);
        if field(0)? == 1 && memsz > 0 {
            // Where a segment without bytes has them does not matter.
            let data = match filesz {
                0 => &[],
                _ => file.get(offset..offset.checked_add(filesz)?)?,
            };
            loads.push(Load {
                address: field(2)?,
                data,
                size: memsz,
                executable: field(6)? & 1 != 0,
            });
        }
    }
    Some(loads)
}

/// The word of a cell, byte for byte; only one segment may load a word.
fn initial_word(loads: &[Load<'_>], cell: u32) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|i| {
        let address = cell * 4 + i as u32;
        loads
            .iter()
            .find_map(|load| {
                let at = address.checked_sub(load.address)?;
                load.data.get(at as usize).copied()
            })
            .unwrap_or(0)
    }))
}

/// Compares what was loaded with what the naive reader finds, at the edges of every segment.
fn compare(program: &Program<'_>, file: &[u8]) {
    if half(file, 44) == Some(COUNTED_ELSEWHERE) {
        return;
    }
    let loads = loads(file).expect("a file that was loaded is as long as it says");
    assert_eq!(Some(program.entry() * 4), word(file, 24), "the entry");
    let cell_after =
        |load: &Load<'_>, bytes: u64| (u64::from(load.address) + bytes).div_ceil(4) as u32;
    let end = |load: &Load<'_>| cell_after(load, load.size.into());
    // The rest of an executable segment is memory like any other.
    let code_end = |load: &Load<'_>| cell_after(load, load.data.len() as u64);
    let code = || {
        let code = |load: &&Load<'_>| load.executable && !load.data.is_empty();
        loads.iter().filter(code)
    };
    let rom = code().map(|load| load.address / 4).min()..code().map(code_end).max();
    assert_eq!(Some(program.rom().start)..Some(program.rom().end), rom);
    for load in &loads {
        let data_end = load.address / 4 + load.data.len() as u32 / 4;
        for cell in [
            load.address / 4,
            data_end.saturating_sub(1),
            data_end,
            end(load) - 1,
        ] {
            let (got, expected) = (program.initial_word(cell), initial_word(&loads, cell));
            assert_eq!(got, expected, "cell {cell:#x}");
            let executable = code().any(|load| (load.address / 4..code_end(load)).contains(&cell));
            let in_rom = program.code(cell);
            assert!(!executable || in_rom == Some(expected), "code at {cell:#x}");
        }
        for cell in [end(load) - 1, end(load)] {
            let loaded = loads
                .iter()
                .any(|load| (load.address / 4..end(load)).contains(&cell));
            assert_eq!(program.loads(cell), loaded, "cell {cell:#x} is loaded");
        }
    }
}

/// How a file ended, in a word or two.
fn outcome(file: &[u8]) -> Result<String, ElfError> {
    // A test's other threads may allocate meanwhile, but not every time.
    let no_heap = (0..8).any(|_| heap_peak(|| Program::parse(file).is_ok()).1 == 0);
    assert!(no_heap, "parsing takes heap");
    let program = Program::parse(file)?;
    compare(&program, file);
    let settings = Settings {
        log2_cycles: 6,
        ..Settings::default()
    };
    let setup = match Setup::new(&program, settings) {
        Ok(setup) => setup,
        Err(error) => return Ok(format!("setup: {error}")),
    };
    let planned = EpochTables::new(&setup).plan_in::<Chosen, Poseidon2>(Profile::Compact);
    if let Ok(plan) = planned {
        assert!(plan.workspace_len() > 0);
    }
    Ok(
        match execute_within(
            &program,
            b"input",
            MAX_CYCLES,
            MAX_MEMORY,
            &mut std::io::sink(),
            |_| {},
        ) {
            Ok(_) => "exits".into(),
            Err(error) => {
                let name = format!("{error:?}");
                name.split([' ', '{']).next().unwrap_or_default().into()
            }
        },
    )
}

/// Parses, plans and runs a file.
///
/// # Panics
/// When the parser is wrong, or anything takes too much.
pub fn check(file: &[u8]) {
    let (outcome, heap) = heap_peak(|| outcome(file));
    assert!(heap < MAX_HEAP + PAGE_INDEX, "{heap} bytes of heap");
    OUTCOMES.count(outcome.unwrap_or_else(|error| {
        let name = format!("{error:?}");
        name.split([' ', '{']).next().unwrap_or_default().into()
    }));
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;
    use crate::asm;

    fn file() -> Vec<u8> {
        asm::elf(&asm::exit(), b"some data")
    }

    #[test]
    fn honest_files_pass() {
        let _alone = crate::alone();
        let guests = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../host-demo/guests/prebuilt"
        );
        let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/seeds/elf");
        for folder in [guests, seeds] {
            for entry in std::fs::read_dir(folder).unwrap() {
                check(&std::fs::read(entry.unwrap().path()).unwrap());
            }
        }
        check(&file());
    }

    #[test]
    fn a_word_loaded_wrong_is_found() {
        let _alone = crate::alone();
        let file = file();
        let program = Program::parse(&file).unwrap();
        compare(&program, &file);
        // Another byte of code, of data, another entry, another end of the code: the program is of the file before.
        for (at, byte) in [(0x1000, 1), (0x2000, 1), (24, 4), (0x48, 64)] {
            let mut other = file.clone();
            other[at] ^= byte;
            let found = catch_unwind(|| compare(&program, &other)).is_err();
            assert!(found, "byte {at:#x}");
        }
    }
}
