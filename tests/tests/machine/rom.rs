//! A ROM of some blocks: what it holds, what runs on it, and what is refused.

use std::collections::BTreeSet;

use p3_field::PrimeField32;
use tranche_core::{F, TraceMut};
use tranche_machine::exec::Pages;
use tranche_machine::{EpochShape, EpochTable, ExecError, Machine, Program, RomBlocks};

use crate::asm::{A0, CODE, elf, exit, immediate, jal};
use crate::audit::audit;
use crate::oracle::{Io, run_program};

/// Words of the program, of which a block has two.
const WORDS: usize = 300;

/// A program that executes the first word and the last four.
fn program() -> Vec<u8> {
    let mut code = vec![immediate("addi", A0, 0, 7); WORDS];
    code[0] = jal(0, 4 * (WORDS as i32 - 4));
    code[WORDS - 2..].copy_from_slice(&exit());
    elf(&code, &[])
}

/// The blocks that a run executes.
fn visited(program: &Program<'_>) -> RomBlocks {
    let mut blocks = RomBlocks::NONE;
    let mut machine = Machine::over(program, Pages::new(1 << 20), 1 << 10);
    let end = machine.run_visiting(&mut Io::default(), u64::MAX, &mut blocks);
    assert_eq!(end, Ok(Some(7)));
    blocks
}

/// The program counters in the rows of a ROM table.
fn fetched(program: &Program<'_>) -> Vec<u32> {
    let shape = EpochShape::of(6, program).unwrap();
    let tables = EpochTable::all(shape, program);
    let rom = tables.iter().find(|table| table.name() == "rom").unwrap();
    let height = 1 << rom.log_height(shape);
    let mut values = vec![F::default(); rom.fixed_width() * height];
    rom.fill_preprocessed(&mut TraceMut::new(&mut values, height));
    let of_program = |pc: &u32| program.rom().contains(pc);
    let all = values[..height].iter().map(F::as_canonical_u32);
    all.filter(of_program).collect()
}

#[test]
fn a_run_on_the_blocks_that_it_executes() {
    let elf = program();
    for whole in [
        Program::parse(&elf).unwrap(),
        Program::parse(&elf).unwrap().decoded(),
    ] {
        let blocks = visited(&whole);
        assert_eq!(blocks.count(), 3);
        let short = whole.shortened(blocks);
        assert_eq!((whole.rom_log2(), short.rom_log2()), (9, 4));
        let first = CODE / 4;
        let rows = [0, 1, 296, 297, 298, 299].map(|word| first + word);
        assert_eq!(fetched(&short), rows);
        assert_eq!(fetched(&whole).len(), WORDS);
        let run = run_program(&short, &[], 6, |_, traces| {
            assert_eq!(audit(&traces), BTreeSet::new());
            traces.check().unwrap();
        });
        assert_eq!(run.unwrap().exit_code, 7);
        // Where the table is as high, the program stays as it is: without a block of 150, say.
        let mut most = RomBlocks::ALL.to_bytes();
        most[4] = 0xfe;
        let same = whole.shortened(RomBlocks::from_bytes(&most));
        assert_eq!(same.blocks(), RomBlocks::ALL);
    }
}

#[test]
fn a_block_that_is_executed_and_left_out() {
    let elf = program();
    let whole = Program::parse(&elf).unwrap();
    let blocks = visited(&whole);
    let mut bytes = blocks.to_bytes();
    // The last block.
    let last = (WORDS / 2 - 1) / 8;
    assert_ne!(bytes[last], 0);
    bytes[last] = 0;
    let short = whole.with_blocks(RomBlocks::from_bytes(&bytes));
    for program in [short.clone(), short.decoded()] {
        let error = run_program(&program, &[], 6, |_, _| {}).unwrap_err();
        let pc = CODE + 4 * (WORDS as u32 - 4);
        assert_eq!(error, ExecError::LeftOut { pc });
        let said = "left out of the ROM table, which has what another run executes";
        assert!(error.to_string().ends_with(said), "{error}");
    }
}
