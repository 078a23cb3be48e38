//! Functions of a program, by the symbols of its file or, of one that was stripped, by the targets of its calls.

use elf::ElfBytes;
use elf::abi::{STB_LOCAL, STT_FUNC, STT_NOTYPE};
use elf::endian::LittleEndian;
use rustc_demangle::demangle;
use tranche_machine::Program;
use tranche_machine::decode::Instruction;

use super::is_link;

/// The functions of a program: each goes on to where the next one begins.
#[derive(Debug)]
pub struct Functions {
    /// First address and name, ascending; the first begins with the ROM.
    all: Vec<(u32, String)>,
    /// Of each word of the ROM, its function.
    of_word: Vec<u32>,
    start: u32,
    named: bool,
}

impl Functions {
    /// The functions of `program`, which `elf` is the file of.
    pub fn of(program: &Program<'_>, elf: &[u8]) -> Self {
        let mut all = symbols(program, elf);
        let named = !all.is_empty();
        if !named {
            all = targets(program);
        }
        // Of several names at one address the shortest: libraries have others for themselves.
        all.sort_by_key(|(address, name)| (*address, name.len()));
        all.dedup_by_key(|(address, _)| *address);
        let start = program.rom().start << 2;
        if all.first().is_none_or(|&(address, _)| address != start) {
            all.insert(0, (start, format!("{start:#010x}")));
        }
        let mut of_word = Vec::with_capacity(program.rom().len());
        for (function, &(address, _)) in all.iter().enumerate().skip(1) {
            of_word.resize(((address - start) >> 2) as usize, function as u32 - 1);
        }
        of_word.resize(program.rom().len(), all.len() as u32 - 1);
        Self {
            all,
            of_word,
            start,
            named,
        }
    }

    /// Whether they have the names that the file gives them.
    pub const fn are_named(&self) -> bool {
        self.named
    }

    /// Number of functions, at least one.
    pub const fn count(&self) -> usize {
        self.all.len()
    }

    /// The function that an address is in; the first, of one outside of the ROM.
    pub fn at(&self, address: u32) -> usize {
        let word = address.wrapping_sub(self.start) >> 2;
        self.of_word.get(word as usize).map_or(0, |&at| at as usize)
    }

    /// The name of a function.
    pub fn name(&self, function: usize) -> &str {
        &self.all[function].1
    }

    /// An address as a function and what it is from its beginning.
    pub fn place(&self, address: u32) -> String {
        let (first, name) = &self.all[self.at(address)];
        format!("{name}+{:#x}", address.wrapping_sub(*first))
    }
}

/// Function symbols in the ROM, and those of assembly that other files see.
fn symbols(program: &Program<'_>, elf: &[u8]) -> Vec<(u32, String)> {
    let file = ElfBytes::<LittleEndian>::minimal_parse(elf);
    let Ok(Some((symbols, strings))) = file.and_then(|file| file.symbol_table()) else {
        return Vec::new();
    };
    let found = symbols.iter().filter_map(|symbol| {
        let global = symbol.st_symtype() == STT_NOTYPE && symbol.st_bind() != STB_LOCAL;
        let address = u32::try_from(symbol.st_value).ok()?;
        let here = address.is_multiple_of(4) && program.rom().contains(&(address >> 2));
        let function = symbol.st_symtype() == STT_FUNC || global;
        let name = strings.get(symbol.st_name as usize).ok()?;
        (here && function && !symbol.is_undefined() && !name.is_empty())
            .then(|| (address, format!("{:#}", demangle(name))))
    });
    found.collect()
}

/// The entry and the targets of calls, by their addresses.
fn targets(program: &Program<'_>) -> Vec<(u32, String)> {
    let calls = program
        .rom()
        .filter_map(|pc| match program.instruction(pc) {
            Some(Ok(Instruction::Jal { rd, offset })) if is_link(rd) => {
                Some((pc << 2).wrapping_add_signed(offset))
            }
            _ => None,
        });
    let here = |address: &u32| address.is_multiple_of(4) && program.rom().contains(&(address >> 2));
    calls
        .chain([program.entry() << 2])
        .filter(here)
        .map(|address| (address, format!("{address:#010x}")))
        .collect()
}
