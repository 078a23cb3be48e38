//! A program: what an ELF file loads, as words.
//!
//! The *image* is every word that the file has bytes of, in contiguous intervals of cells; what a
//! segment has in memory beyond its bytes in the file (`.bss`) starts at zero like all other memory,
//! and is not part of it. The *ROM* is the range of cells from the first executable word of the image
//! to the last. A word that no executable segment loads is zero there, which is no instruction. Only
//! the file's header and its segments are read. Nothing here allocates or panics, whatever the bytes.

use core::ops::Range;

use elf::abi::{EI_NIDENT, EM_RISCV, ET_EXEC, PF_W, PF_X, PN_XNUM, PT_LOAD};
use elf::endian::LittleEndian;
use elf::file::{Class, ELF32_EHDR_TAILSIZE, FileHeader, parse_ident};
use elf::parse::ParseAt;
use elf::segment::{ProgramHeader, SegmentTable};
use heapless::Vec;
use thiserror::Error;
use tranche_core::Identity;

use crate::blocks::{RomBlocks, RomPart};
use crate::cells::{IN_LEN, IN_POSITION, REGISTERS, REGISTERS_END};
use crate::decode::{DecodeError, Extension, Instruction, decode};
use crate::identity::{Form, Kind};
use crate::public::PublicInput;
use crate::row::RomRow;

/// Most loadable segments of a program, and most intervals of an image.
pub const MAX_SEGMENTS: usize = 16;
/// log2 of the most rows that an image, the registers and the hidden cells take in the root merge.
pub const MAX_IMAGE_LOG2: u32 = 21;
/// Most words of an image, the gaps within its intervals included.
pub const MAX_IMAGE_WORDS: u32 =
    (1 << MAX_IMAGE_LOG2) - (REGISTERS_END - REGISTERS) - (IN_LEN + 1 - IN_POSITION);
/// log2 of the most words in a ROM.
pub const MAX_ROM_LOG2: u32 = 20;
/// Segments that are closer than this, in words, share an interval.
const JOIN_WORDS: u32 = 64;
/// One past the last cell that a segment may load: the word after the last instruction has to be a
/// valid word index too.
const LAST_CELL: u32 = (1 << 30) - 1;
/// The flag of files with compressed instructions (RISC-V ELF psABI, section 8.1).
const EF_RISCV_RVC: u32 = 1;

/// Why a file is not a program for this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ElfError {
    /// Not an ELF file, or a broken one.
    #[error("not a well-formed ELF file")]
    Malformed,
    /// Not a 32-bit little-endian file.
    #[error("not a 32-bit little-endian ELF file")]
    NotElf32Le,
    /// For another processor (`e_machine`).
    #[error("for machine {machine}, not RISC-V")]
    NotRiscv {
        /// What the file names.
        machine: u16,
    },
    /// Not an executable (`e_type`), but an object, a library or position-independent.
    #[error("ELF type {kind}, not an executable")]
    NotExecutable {
        /// What the file names.
        kind: u16,
    },
    /// Nothing to load, or nothing executable.
    #[error("no executable segment")]
    NoCode,
    /// More loadable segments than [`MAX_SEGMENTS`].
    #[error("more than {MAX_SEGMENTS} loadable segments")]
    TooManySegments,
    /// Compressed instructions, by the file's flags or an entry between two words.
    #[error(
        "entry {entry:#x}: compressed encodings are not supported; \
            compile for rv32im, without the C extension"
    )]
    Compressed {
        /// The entry.
        entry: u32,
    },
    /// An image of more words than [`MAX_IMAGE_WORDS`].
    #[error(
        "an image of {words} words, MAX_IMAGE_WORDS is {MAX_IMAGE_WORDS}; \
            zeros belong into .bss, and large data into the input"
    )]
    ImageTooLong {
        /// Words that the file has bytes of, and those of the gaps between them.
        words: u32,
    },
    /// A segment that ends beyond the address space, or whose part of the file is longer than itself
    /// or ends beyond the file.
    #[error(
        "segment at {address:#x} has no valid size: it ends beyond the file or the \
            address space, or has more bytes in the file than in memory"
    )]
    SegmentRange {
        /// Its first byte.
        address: u32,
    },
    /// Two segments load the same word.
    #[error("segment at {address:#x} overlaps another")]
    Overlap {
        /// First byte of the second.
        address: u32,
    },
    /// An executable segment that does not begin at a word.
    #[error("code at {address:#x} is misaligned")]
    MisalignedCode {
        /// Its first byte.
        address: u32,
    },
    /// More executable words than 2^[`MAX_ROM_LOG2`].
    #[error("{words} words of code, 2^{MAX_ROM_LOG2} at most")]
    CodeTooLong {
        /// Words from the first to the last.
        words: u32,
    },
    /// An entry that is misaligned or outside the executable segments.
    #[error("entry {address:#x} is not in the code")]
    Entry {
        /// The entry.
        address: u32,
    },
}

/// A loaded segment.
#[derive(Clone, Debug)]
struct Segment<'a> {
    /// Address of its first byte.
    address: u32,
    /// Contents from the file; the bytes up to the end are zero.
    data: &'a [u8],
    /// Cells that it has bytes of in the file, in part at least.
    cells: Range<u32>,
    /// One past the last cell that it has in memory.
    end: u32,
    executable: bool,
    writable: bool,
}

impl<'a> Segment<'a> {
    /// The segment of a program header that loads at least one byte.
    fn new(phdr: &ProgramHeader, elf: &'a [u8]) -> Result<Self, ElfError> {
        // The fields of a 32-bit file are 32 bits wide: their sums do not overflow here.
        let address = phdr.p_vaddr as u32;
        let range = ElfError::SegmentRange { address };
        let end = phdr.p_vaddr + phdr.p_memsz;
        if phdr.p_filesz > phdr.p_memsz || end > u64::from(LAST_CELL) * 4 {
            return Err(range);
        }
        // Linkers place what has no bytes in the file beyond its end.
        let data = match phdr.p_filesz as usize {
            0 => &[],
            len => elf
                .get(phdr.p_offset as usize..)
                .and_then(|rest| rest.get(..len))
                .ok_or(range)?,
        };
        let (executable, writable) = (phdr.p_flags & PF_X != 0, phdr.p_flags & PF_W != 0);
        if executable && !address.is_multiple_of(4) {
            return Err(ElfError::MisalignedCode { address });
        }
        let start = address / 4;
        let file_end = if data.is_empty() {
            start
        } else {
            (address + data.len() as u32).div_ceil(4)
        };
        Ok(Self {
            address,
            data,
            cells: start..file_end,
            end: (end as u32).div_ceil(4),
            executable,
            writable,
        })
    }

    /// The bytes of `cell` that this segment has in the file, the others zero.
    fn word(&self, cell: u32) -> u32 {
        let first = i64::from(cell) * 4 - i64::from(self.address);
        let bytes = usize::try_from(first)
            .ok()
            .and_then(|at| self.data.get(at..at + 4));
        if let Some(&[b0, b1, b2, b3]) = bytes {
            return u32::from_le_bytes([b0, b1, b2, b3]);
        }
        u32::from_le_bytes(core::array::from_fn(|i| {
            let at = usize::try_from(first + i as i64).ok();
            at.and_then(|at| self.data.get(at)).copied().unwrap_or(0)
        }))
    }
}

/// The header of an ELF file, of the kind that the machine loads.
fn header(elf: &[u8]) -> Result<FileHeader<LittleEndian>, ElfError> {
    let ident = elf.get(..EI_NIDENT).ok_or(ElfError::Malformed)?;
    let ident = parse_ident(ident).map_err(|_| match ident {
        [0x7f, b'E', b'L', b'F', class, data, ..] if (*class, *data) != (1, 1) => {
            ElfError::NotElf32Le
        }
        _ => ElfError::Malformed,
    })?;
    if ident.1 != Class::ELF32 {
        return Err(ElfError::NotElf32Le);
    }
    let tail = elf.get(EI_NIDENT..EI_NIDENT + ELF32_EHDR_TAILSIZE);
    let header = FileHeader::parse_tail(ident, tail.ok_or(ElfError::Malformed)?)
        .map_err(|_| ElfError::Malformed)?;
    if header.e_machine != EM_RISCV {
        return Err(ElfError::NotRiscv {
            machine: header.e_machine,
        });
    }
    if header.e_type != ET_EXEC {
        return Err(ElfError::NotExecutable {
            kind: header.e_type,
        });
    }
    Ok(header)
}

/// The program headers of an ELF file. Its sections are not looked at, so that they may be cut off;
/// a file of so many segments that a section counts them is refused.
fn program_headers(
    header: &FileHeader<LittleEndian>,
    elf: &[u8],
) -> Result<impl Iterator<Item = ProgramHeader>, ElfError> {
    if header.e_phnum == PN_XNUM {
        return Err(ElfError::TooManySegments);
    }
    let size = ProgramHeader::validate_entsize(Class::ELF32, header.e_phentsize.into());
    let len = match (header.e_phnum, size) {
        (0, _) => 0,
        (count, Ok(size)) => usize::from(count) * size,
        (_, Err(_)) => return Err(ElfError::Malformed),
    };
    // The fields of a 32-bit file are 32 bits wide.
    let table = elf
        .get(header.e_phoff as u32 as usize..)
        .and_then(|rest| rest.get(..len));
    let table = table.ok_or(ElfError::Malformed)?;
    Ok(SegmentTable::new(LittleEndian, Class::ELF32, table).iter())
}

/// A program that the machine can run, with its public input: all that a verifier is told of a run but for its
/// result. Borrows the file and the input.
#[derive(Clone, Debug)]
pub struct Program<'a> {
    entry: u32,
    segments: Vec<Segment<'a>, MAX_SEGMENTS>,
    intervals: Vec<Range<u32>, MAX_SEGMENTS>,
    rom: Range<u32>,
    /// Whether the ROM has an instruction of each extension.
    uses: [bool; Extension::COUNT],
    public: PublicInput<'a>,
    /// The blocks of the ROM that a run may execute.
    blocks: RomBlocks,
    /// Those that most epochs execute.
    frequent: RomBlocks,
    /// The ROM's rows, once they are decoded ahead.
    #[cfg(feature = "alloc")]
    rows: alloc::vec::Vec<RomRow>,
}

impl<'a> Program<'a> {
    /// Reads the loadable segments of an ELF file.
    ///
    /// # Errors
    /// An [`ElfError`] that names what the machine cannot load. Never panics.
    pub fn parse(elf: &'a [u8]) -> Result<Self, ElfError> {
        let header = header(elf)?;
        let entry = header.e_entry as u32;
        if header.e_flags & EF_RISCV_RVC != 0 || entry % 4 == 2 {
            return Err(ElfError::Compressed { entry });
        }
        let mut segments = Vec::<Segment<'a>, MAX_SEGMENTS>::new();
        for phdr in program_headers(&header, elf)? {
            if phdr.p_type == PT_LOAD && phdr.p_memsz != 0 {
                let segment = Segment::new(&phdr, elf)?;
                segments
                    .push(segment)
                    .map_err(|_| ElfError::TooManySegments)?;
            }
        }
        segments.sort_unstable_by_key(|s| s.cells.start);
        Self::from_segments(entry, segments)
    }

    /// The program of `segments` in ascending order.
    fn from_segments(
        entry: u32,
        segments: Vec<Segment<'a>, MAX_SEGMENTS>,
    ) -> Result<Self, ElfError> {
        let mut intervals = Vec::<Range<u32>, MAX_SEGMENTS>::new();
        let mut rom: Option<Range<u32>> = None;
        let mut end = 0;
        for segment in &segments {
            let cells = &segment.cells;
            if cells.start < end {
                return Err(ElfError::Overlap {
                    address: segment.address,
                });
            }
            end = segment.end;
            if cells.is_empty() {
                continue;
            }
            match intervals.last_mut() {
                Some(last) if cells.start - last.end < JOIN_WORDS => last.end = cells.end,
                // There are no more intervals than segments.
                _ => intervals
                    .push(cells.clone())
                    .map_err(|_| ElfError::TooManySegments)?,
            }
            if segment.executable {
                let start = rom.map_or(cells.start, |rom| rom.start);
                rom = Some(start..cells.end);
            }
        }
        // Intervals do not overlap: their sum is below 2^30.
        let words = intervals.iter().map(|i| i.end - i.start).sum();
        if words > MAX_IMAGE_WORDS {
            return Err(ElfError::ImageTooLong { words });
        }
        let rom = rom.ok_or(ElfError::NoCode)?;
        let words = rom.end - rom.start;
        if words > 1 << MAX_ROM_LOG2 {
            return Err(ElfError::CodeTooLong { words });
        }
        let mut program = Self {
            entry: entry / 4,
            segments,
            intervals,
            rom,
            uses: [false; _],
            public: PublicInput::default(),
            blocks: RomBlocks::ALL,
            frequent: RomBlocks::ALL,
            #[cfg(feature = "alloc")]
            rows: alloc::vec::Vec::new(),
        };
        let loaded = program
            .code_segments()
            .any(|s| s.cells.contains(&program.entry));
        if !entry.is_multiple_of(4) || !loaded {
            return Err(ElfError::Entry { address: entry });
        }
        for pc in program.rom() {
            if let Some(Ok(Instruction::Register { op, .. })) = program.instruction(pc)
                && let Some(extension) = Extension::of(op)
            {
                program.uses[extension as usize] = true;
            }
        }
        Ok(program)
    }

    /// The program with a public input. A batch of tables for a common mix has one for reads of it unless it is
    /// empty.
    pub const fn with_public(mut self, public: PublicInput<'a>) -> Self {
        self.uses[Extension::PublicInput as usize] = !public.is_empty();
        self.public = public;
        self
    }

    /// The public input; empty unless there is one.
    pub const fn public(&self) -> PublicInput<'a> {
        self.public
    }

    /// Whether the ROM has an instruction of an extension, executed or not; of
    /// [public input](Extension::PublicInput), whether there is some.
    pub const fn uses(&self, extension: Extension) -> bool {
        self.uses[extension as usize]
    }

    fn code_segments(&self) -> impl Iterator<Item = &Segment<'a>> {
        let code = |s: &&Segment<'_>| s.executable && !s.cells.is_empty();
        self.segments.iter().filter(code)
    }

    /// Word index of the first instruction.
    pub const fn entry(&self) -> u32 {
        self.entry
    }

    /// Cells of the ROM.
    pub fn rom(&self) -> Range<u32> {
        self.rom.clone()
    }

    /// log2 of the height of the ROM table of all blocks that a run may execute.
    pub fn rom_log2(&self) -> u32 {
        self.part_log2(RomPart::Run)
    }

    /// log2 of the height of the ROM table of a part.
    pub fn part_log2(&self, part: RomPart) -> u32 {
        self.blocks_log2(&self.part(part))
    }

    /// log2 of the height of a ROM table of these blocks: their words and at least 2^4 rows.
    pub fn blocks_log2(&self, blocks: &RomBlocks) -> u32 {
        self.place(blocks, self.rom.end)
            .next_power_of_two()
            .trailing_zeros()
            .max(4)
    }

    /// The program with a ROM table of these blocks: a run that executes another cannot be proved, and is refused
    /// by the executor. They are the [frequent](Self::with_frequent) ones too.
    pub fn with_blocks(&self, blocks: RomBlocks) -> Self {
        let program = Self {
            blocks,
            frequent: blocks,
            ..self.clone()
        };
        #[cfg(feature = "alloc")]
        if !program.rows.is_empty() {
            return program.decoded();
        }
        program
    }

    /// The program with a ROM table of those of its blocks that are among these, for epochs that have [one of their
    /// own](RomPart::Frequent): it is no higher than the run's.
    #[must_use]
    pub fn with_frequent(mut self, blocks: RomBlocks) -> Self {
        self.frequent = self.blocks.intersection(&blocks);
        self
    }

    /// The program with a ROM table of these blocks where it is lower then, and as it is otherwise: the fewer
    /// tables differ, the fewer keys there are.
    pub fn shortened(&self, blocks: RomBlocks) -> Self {
        let shorter = self.with_blocks(blocks);
        if shorter.rom_log2() < self.rom_log2() {
            shorter
        } else {
            self.clone()
        }
    }

    /// The blocks of the ROM that its table has: all, unless [others](Self::with_blocks) were chosen.
    pub const fn blocks(&self) -> RomBlocks {
        self.part(RomPart::Run)
    }

    /// The blocks of a part of the ROM.
    pub const fn part(&self, part: RomPart) -> RomBlocks {
        match part {
            RomPart::Run => self.blocks,
            RomPart::Frequent => self.frequent,
        }
    }

    /// The block of ROM cell `pc`, which is within the ROM.
    #[inline]
    pub const fn block(&self, pc: u32) -> u32 {
        (pc - self.rom.start) >> self.block_log2()
    }

    const fn block_log2(&self) -> u32 {
        RomBlocks::block_log2(self.rom.end - self.rom.start)
    }

    /// Whether the ROM table of a run has a row for `pc`.
    pub fn in_rom_table(&self, pc: u32) -> bool {
        self.in_part(RomPart::Run, pc)
    }

    /// Whether the ROM table of a part has a row for `pc`.
    pub fn in_part(&self, part: RomPart, pc: u32) -> bool {
        self.rom.contains(&pc) && self.part(part).has(self.block(pc))
    }

    /// Rows of the ROM table of a part before that of ROM cell `pc`, or before the ROM's end.
    pub(crate) fn rom_place(&self, part: RomPart, pc: u32) -> u32 {
        self.place(&self.part(part), pc)
    }

    fn place(&self, blocks: &RomBlocks, pc: u32) -> u32 {
        let (block, log2) = (self.block(pc), self.block_log2());
        let whole = blocks.before(block) << log2;
        // Of the last block, which may be a part, the rest is behind the end.
        let part = (pc - self.rom.start) & ((1 << log2) - 1);
        whole + if blocks.has(block) { part } else { 0 }
    }

    /// The word at ROM cell `pc`; `None` outside of the ROM.
    pub fn code(&self, pc: u32) -> Option<u32> {
        if !self.rom.contains(&pc) {
            return None;
        }
        Some(
            self.code_segments()
                .find(|s| s.cells.contains(&pc))
                .map_or(0, |s| s.word(pc)),
        )
    }

    /// The instruction at ROM cell `pc`; `None` outside of the ROM.
    pub fn instruction(&self, pc: u32) -> Option<Result<Instruction, DecodeError>> {
        self.code(pc).map(decode)
    }

    /// The program with the rows of its ROM.
    #[cfg(feature = "alloc")]
    pub(crate) fn with_rows(self, rows: alloc::vec::Vec<RomRow>) -> Self {
        Self { rows, ..self }
    }

    /// The row of ROM cell `pc`, if it was decoded ahead.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn decoded_row(&self, pc: u32) -> Option<&RomRow> {
        self.rows.get(pc.wrapping_sub(self.rom.start) as usize)
    }

    /// The row of ROM cell `pc`, if it was decoded ahead: never, without a heap.
    #[cfg(not(feature = "alloc"))]
    #[inline]
    pub(crate) const fn decoded_row(&self, _pc: u32) -> Option<&RomRow> {
        None
    }

    /// Cells of the image: ascending intervals that do not touch, [`MAX_SEGMENTS`] at most, of
    /// [`MAX_IMAGE_WORDS`] words at most.
    pub fn intervals(&self) -> &[Range<u32>] {
        &self.intervals
    }

    /// Whether a segment loads `cell`, in part at least, `.bss` included.
    pub fn loads(&self, cell: u32) -> bool {
        let mut segments = self.segments.iter();
        segments.any(|s| (s.cells.start..s.end).contains(&cell))
    }

    /// Whether a segment that is writable and executable loads `cell`.
    pub fn is_writable_code(&self, cell: u32) -> bool {
        self.code_segments()
            .any(|s| s.writable && s.cells.contains(&cell))
    }

    /// Initial value of a cell: its word of the image or of the public input, or zero. A word that the bytes of the
    /// file end within is filled up with zeros.
    pub fn initial_word(&self, cell: u32) -> u32 {
        if cell >= REGISTERS {
            return self.public.initial(cell);
        }
        self.segments
            .iter()
            .find(|s| s.cells.contains(&cell))
            .map_or(0, |s| s.word(cell))
    }

    /// Every cell of the image with its initial value, ascending.
    pub fn image(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.intervals
            .iter()
            .flat_map(|interval| interval.clone())
            .map(|cell| (cell, self.initial_word(cell)))
    }

    /// The digest that names the program: BLAKE3 of its entry, then of each segment in ascending
    /// order its first byte, the end of its memory, whether it is executable, and its bytes from the
    /// file behind their number (`identity.rs`). ROM and image follow from these. Memory beyond the
    /// file's bytes is named by its end, so a long `.bss` costs nothing.
    pub fn digest(&self) -> Identity {
        let mut form = Form::new(Kind::Program);
        form.word(self.entry).word(self.segments.len() as u32);
        for segment in &self.segments {
            form.word(segment.address)
                .word(segment.end)
                .word(segment.executable.into())
                .bytes(segment.data);
        }
        form.finish()
    }
}
