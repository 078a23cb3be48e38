//! A program: what an ELF file loads, as words.
//!
//! The *image* is every loaded word (file contents, then `.bss` as zeros) in contiguous intervals
//! of cells; the *ROM* is the range of cells from the first executable word to the last. A word
//! that no executable segment loads is zero there, which is no instruction. Nothing here allocates.

use core::ops::Range;

use elf::ElfBytes;
use elf::abi::{EM_RISCV, ET_EXEC, PF_X, PT_LOAD};
use elf::endian::LittleEndian;
use elf::file::Class;
use heapless::Vec;
use p3_field::PrimeCharacteristicRing;
use tranche_core::poseidon2::{Poseidon2, Sponge};
use tranche_core::{Digest, F};

use crate::decode::{DecodeError, Instruction, decode};

/// Most loadable segments of a program.
pub const MAX_SEGMENTS: usize = 8;
/// Most intervals of an image.
pub const MAX_INTERVALS: usize = 4;
/// log2 of the most words in a ROM.
pub const MAX_ROM_LOG2: u32 = 20;
/// Segments that are closer than this, in words, share an interval.
const JOIN_WORDS: u32 = 64;
/// One past the last cell that a segment may load: the word after the last instruction has to be a
/// valid word index too.
const LAST_CELL: u32 = (1 << 30) - 1;

/// Why a file is not a program for this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ElfError {
    /// Not an ELF file, or a broken one.
    Malformed,
    /// Not a 32-bit little-endian file.
    NotElf32Le,
    /// For another processor (`e_machine`).
    NotRiscv {
        /// What the file names.
        machine: u16,
    },
    /// Not an executable (`e_type`), but an object, a library or position-independent.
    NotExecutable {
        /// What the file names.
        kind: u16,
    },
    /// Nothing to load, or nothing executable.
    NoCode,
    /// More loadable segments than [`MAX_SEGMENTS`].
    TooManySegments,
    /// More separate intervals than [`MAX_INTERVALS`].
    TooManyIntervals,
    /// A segment that ends beyond the address space or whose file part is longer than itself.
    SegmentRange {
        /// Its first byte.
        address: u32,
    },
    /// Two segments load the same word.
    Overlap {
        /// First byte of the second.
        address: u32,
    },
    /// An executable segment that does not begin at a word.
    MisalignedCode {
        /// Its first byte.
        address: u32,
    },
    /// More executable words than 2^[`MAX_ROM_LOG2`].
    CodeTooLong {
        /// Words from the first to the last.
        words: u32,
    },
    /// An entry that is misaligned or outside the executable segments.
    Entry {
        /// The entry.
        address: u32,
    },
}

impl core::fmt::Display for ElfError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match *self {
            Self::Malformed => write!(f, "not a well-formed ELF file"),
            Self::NotElf32Le => write!(f, "not a 32-bit little-endian ELF file"),
            Self::NotRiscv { machine } => write!(f, "for machine {machine}, not RISC-V"),
            Self::NotExecutable { kind } => write!(f, "ELF type {kind}, not an executable"),
            Self::NoCode => write!(f, "no executable segment"),
            Self::TooManySegments => write!(f, "more than {MAX_SEGMENTS} loadable segments"),
            Self::TooManyIntervals => write!(f, "more than {MAX_INTERVALS} separate segments"),
            Self::SegmentRange { address } => {
                write!(f, "segment at {address:#x} has no valid size")
            }
            Self::Overlap { address } => write!(f, "segment at {address:#x} overlaps another"),
            Self::MisalignedCode { address } => write!(f, "code at {address:#x} is misaligned"),
            Self::CodeTooLong { words } => write!(f, "{words} words of code are too many"),
            Self::Entry { address } => write!(f, "entry {address:#x} is not in the code"),
        }
    }
}

impl core::error::Error for ElfError {}

/// A loaded segment.
#[derive(Clone, Debug)]
struct Segment<'a> {
    /// Address of its first byte.
    address: u32,
    /// Contents from the file; the bytes up to the end are zero.
    data: &'a [u8],
    /// Cells that it loads, in part at least.
    cells: Range<u32>,
    executable: bool,
}

impl Segment<'_> {
    /// The bytes of `cell` that this segment loads, the others zero.
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

/// A program that the machine can run. Borrows the file.
#[derive(Clone, Debug)]
pub struct Program<'a> {
    entry: u32,
    segments: Vec<Segment<'a>, MAX_SEGMENTS>,
    intervals: Vec<Range<u32>, MAX_INTERVALS>,
    rom: Range<u32>,
}

impl<'a> Program<'a> {
    /// Reads the loadable segments of an ELF file.
    ///
    /// # Errors
    /// An [`ElfError`] that names what the machine cannot load. Never panics.
    pub fn parse(elf: &'a [u8]) -> Result<Self, ElfError> {
        let file =
            ElfBytes::<LittleEndian>::minimal_parse(elf).map_err(|_| match elf.get(..6) {
                Some([0x7f, b'E', b'L', b'F', class, data]) if (*class, *data) != (1, 1) => {
                    ElfError::NotElf32Le
                }
                _ => ElfError::Malformed,
            })?;
        let header = file.ehdr;
        if header.class != Class::ELF32 {
            return Err(ElfError::NotElf32Le);
        }
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

        let mut segments = Vec::<Segment<'a>, MAX_SEGMENTS>::new();
        for phdr in file.segments().into_iter().flatten() {
            if phdr.p_type != PT_LOAD || phdr.p_memsz == 0 {
                continue;
            }
            // The fields of a 32-bit file are 32 bits wide.
            let address = phdr.p_vaddr as u32;
            let range = ElfError::SegmentRange { address };
            let data = file.segment_data(&phdr).map_err(|_| range)?;
            let end = phdr.p_vaddr + phdr.p_memsz;
            if data.len() as u64 > phdr.p_memsz || end > u64::from(LAST_CELL) * 4 {
                return Err(range);
            }
            let cells = address / 4..(end as u32).div_ceil(4);
            let executable = phdr.p_flags & PF_X != 0;
            if executable && !address.is_multiple_of(4) {
                return Err(ElfError::MisalignedCode { address });
            }
            segments
                .push(Segment {
                    address,
                    data,
                    cells,
                    executable,
                })
                .map_err(|_| ElfError::TooManySegments)?;
        }
        segments.sort_unstable_by_key(|s| s.cells.start);
        Self::from_segments(header.e_entry as u32, segments)
    }

    /// The program of `segments` in ascending order.
    fn from_segments(
        entry: u32,
        segments: Vec<Segment<'a>, MAX_SEGMENTS>,
    ) -> Result<Self, ElfError> {
        let mut intervals = Vec::<Range<u32>, MAX_INTERVALS>::new();
        let mut rom: Option<Range<u32>> = None;
        for segment in &segments {
            match intervals.last_mut() {
                Some(last) if segment.cells.start < last.end => {
                    return Err(ElfError::Overlap {
                        address: segment.address,
                    });
                }
                Some(last) if segment.cells.start - last.end < JOIN_WORDS => {
                    last.end = segment.cells.end;
                }
                _ => intervals
                    .push(segment.cells.clone())
                    .map_err(|_| ElfError::TooManyIntervals)?,
            }
            if segment.executable {
                let start = rom.map_or(segment.cells.start, |rom| rom.start);
                rom = Some(start..segment.cells.end);
            }
        }
        let rom = rom.ok_or(ElfError::NoCode)?;
        let words = rom.end - rom.start;
        if words > 1 << MAX_ROM_LOG2 {
            return Err(ElfError::CodeTooLong { words });
        }
        let program = Self {
            entry: entry / 4,
            segments,
            intervals,
            rom,
        };
        let loaded = program
            .code_segments()
            .any(|s| s.cells.contains(&program.entry));
        if !entry.is_multiple_of(4) || !loaded {
            return Err(ElfError::Entry { address: entry });
        }
        Ok(program)
    }

    fn code_segments(&self) -> impl Iterator<Item = &Segment<'a>> {
        self.segments.iter().filter(|s| s.executable)
    }

    /// Word index of the first instruction.
    pub const fn entry(&self) -> u32 {
        self.entry
    }

    /// Cells of the ROM.
    pub fn rom(&self) -> Range<u32> {
        self.rom.clone()
    }

    /// log2 of the height of the ROM table: its words and at least 2^4 rows.
    pub fn rom_log2(&self) -> u32 {
        (self.rom.end - self.rom.start)
            .next_power_of_two()
            .ilog2()
            .max(4)
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

    /// Cells of the image: ascending intervals that do not touch.
    pub fn intervals(&self) -> &[Range<u32>] {
        &self.intervals
    }

    /// Whether a segment loads `cell`, in part at least.
    pub fn loads(&self, cell: u32) -> bool {
        self.segments.iter().any(|s| s.cells.contains(&cell))
    }

    /// Initial value of a RAM cell: its word of the image, or zero.
    pub fn initial_word(&self, cell: u32) -> u32 {
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

    /// Poseidon2 digest of the program's content: entry, executable ranges, intervals, then every
    /// word of the image in halves, low half first. The counts come before what they count, so two
    /// programs never hash the same sequence.
    pub fn digest(&self, permutation: &Poseidon2) -> Digest {
        let mut sponge = Sponge::<F>::new();
        let mut absorb = |value: u32| sponge.absorb(permutation, F::from_u32(value));
        absorb(self.entry);
        absorb(self.code_segments().count() as u32);
        for segment in self.code_segments() {
            absorb(segment.cells.start);
            absorb(segment.cells.end);
        }
        absorb(self.intervals.len() as u32);
        for interval in &self.intervals {
            absorb(interval.start);
            absorb(interval.end);
        }
        for (_, word) in self.image() {
            absorb(word & 0xffff);
            absorb(word >> 16);
        }
        sponge.finish(permutation)
    }
}
