//! What one epoch's traces are filled from, in one buffer of words of the caller's.
//!
//! The machine appends; the tables' fillers read, later and elsewhere. Multiplicities of the tables that
//! are asked are counted while those that ask them are filled.

use bytemuck::checked;
use p3_field::PrimeField32;
use thiserror::Error;
use tranche_core::F;
use zeroize::Zeroize;

use crate::blocks::RomPart;
use crate::bus::{CLOCK_START, STAMPS};
use crate::program::Program;
use crate::shape::{EpochShape, counters, rows_of};
use crate::span::Span;
use crate::tables::counts::{Counters, Counts};
use crate::tables::filled::{AluRow, Filled, Row};
use crate::tables::l2g::L2gRow;
use crate::tables::list::FilledTable;
use crate::tables::list::with_tables;
use crate::tables::served;
use crate::tables::table::Instance;

// The tables of the list, by name.
use crate::tables::*;

/// A list of bounded length in the caller's buffer.
#[derive(Debug)]
pub(crate) struct RecordRows<'a, T> {
    rows: &'a mut [T],
    len: usize,
    /// Rows of the first instance.
    first: usize,
}

impl<T: Row> RecordRows<'_, T> {
    /// Appends; false when full.
    pub fn push(&mut self, row: T) -> bool {
        let Some(slot) = self.rows.get_mut(self.len) else {
            return false;
        };
        *slot = row;
        self.len += 1;
        true
    }

    /// Rows that still fit.
    pub const fn room(&self) -> usize {
        self.rows.len() - self.len
    }

    pub fn as_slice(&self) -> &[T] {
        &self.rows[..self.len]
    }

    /// The rows of an instance.
    pub fn of(&self, instance: Instance) -> &[T] {
        let rows = self.as_slice();
        match instance {
            Instance::First => rows.get(..self.first).unwrap_or(rows),
            Instance::Second => rows.get(self.first..).unwrap_or_default(),
        }
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.rows.iter_mut().take(self.len)
    }
}

/// What is left of a buffer of words; of a record's, all of it is zero.
pub(crate) struct Words<'a>(pub &'a mut [u32]);

impl<'a> Words<'a> {
    /// Room for the rows of a table.
    fn rows<T: Row>(
        &mut self,
        shape: &EpochShape,
        table: FilledTable,
    ) -> Option<RecordRows<'a, T>> {
        let words = self.words(row_words::<T>(shape, table))?;
        Some(RecordRows {
            rows: checked::try_cast_slice_mut(words).ok()?,
            len: 0,
            first: rows_of(shape.log_rows(table)) as usize,
        })
    }

    /// The next words.
    pub fn words(&mut self, len: u64) -> Option<&'a mut [u32]> {
        let (taken, left) =
            core::mem::take(&mut self.0).split_at_mut_checked(usize::try_from(len).ok()?)?;
        self.0 = left;
        Some(taken)
    }
}

/// Words of a table's rows; saturated where that is no shape's.
const fn row_words<T>(shape: &EpochShape, table: FilledTable) -> u64 {
    let row = (size_of::<T>() / size_of::<u32>()) as u64;
    shape.capacity(table).saturating_mul(row)
}

/// A record's buffer with fewer words than [`EpochShape::record_words`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{got} words for a record of {needed}")]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RecordTooShort {
    /// Words that a record takes.
    pub needed: usize,
    /// Words of the buffer.
    pub got: usize,
}

macro_rules! record {
    (
        filled { $($(#[$doc:meta])* $table:ident $Table:ident $($mark:ident)?,)* }
        asked { $($(#[$asked_doc:meta])* $asked:ident $Asked:ident $(<$lifetime:lifetime>)?,)* }
    ) => {
        /// Everything that one epoch's traces are filled from.
        #[derive(Debug)]
        pub struct EpochRecord<'a> {
            $(pub(crate) $table: RecordRows<'a, <$table::$Table as Filled>::Row>,)*
            pub(crate) counts: Counts<'a>,
            pub(crate) epoch: u32,
            pub(crate) entry_pc: u32,
            pub(crate) exit_pc: u32,
            /// Clock of the first cycle.
            pub(crate) clock: u32,
            /// What the ROM has that its multiplicities are of.
            pub(crate) rom_part: RomPart,
        }

        impl EpochShape {
            /// Words of a [record](EpochRecord), exactly, even where an address has fewer bits.
            const fn record_words_64(&self) -> u64 {
                0_u64
                    $(.saturating_add(row_words::<<$table::$Table as Filled>::Row>(
                        self,
                        FilledTable::$Table,
                    )))*
                    $(.saturating_add(counters($asked::log_rows(self))))*
            }
        }

        impl<'a> EpochRecord<'a> {
            fn cut(shape: &EpochShape, mut words: Words<'a>) -> Option<Self> {
                Some(Self {
                    $($table: words.rows(shape, FilledTable::$Table)?,)*
                    counts: Counts::new(shape.absent(), Counters {
                        $($asked: words.words(counters($asked::log_rows(shape)))?,)*
                    }),
                    epoch: 0,
                    entry_pc: 0,
                    exit_pc: 0,
                    clock: CLOCK_START,
                    rom_part: shape.rom_part,
                })
            }

            /// Rows that still fit into a table.
            pub(crate) const fn room(&self, table: FilledTable) -> usize {
                match table {
                    $(FilledTable::$Table => self.$table.room(),)*
                }
            }

            /// Rows recorded of a table.
            pub const fn rows(&self, table: FilledTable) -> usize {
                match table {
                    $(FilledTable::$Table => self.$table.len,)*
                }
            }

            /// Appends an operation to the table that serves it, which has room for it.
            pub(crate) fn serve(&mut self, row: AluRow) {
                match served::serving(row.op) {
                    $(Some(FilledTable::$Table) => {
                        if let Some(row) = $table::$Table::row(row) {
                            self.$table.push(row);
                        }
                    })*
                    None => {}
                }
            }

            /// Gives the tables of another shape the rows, of which [all have room](Self::fits); the tables that are
            /// asked are no higher.
            pub fn divide(&mut self, shape: &EpochShape) {
                self.rom_part = shape.rom_part;
                $(self.$table.first = rows_of(shape.log_rows(FilledTable::$Table)) as usize;)*
                self.counts.leave_out(shape.absent());
            }

            /// Empties the record for the next epoch, or for the next batch of a run.
            pub(crate) fn reset(&mut self, epoch: u32, entry_pc: u32, clock: u32) {
                $(self.$table.len = 0;)*
                self.counts.clear();
                self.epoch = epoch;
                self.entry_pc = entry_pc;
                self.exit_pc = entry_pc;
                self.clock = clock;
            }

            /// Overwrites the buffer with zeros, in a way that no compiler drops: rows of an execution on
            /// private input stay in it otherwise. The record is empty then.
            pub fn wipe(&mut self) {
                $(self.$table.rows.zeroize();)*
                self.counts.wipe();
                self.reset(0, 0, CLOCK_START);
            }
        }
    };
}
with_tables!(record);

impl EpochShape {
    /// Words of a [record](EpochRecord), exactly; [`usize::MAX`] where an address has fewer bits.
    pub const fn record_words(&self) -> usize {
        let words = self.record_words_64();
        if words > usize::MAX as u64 {
            usize::MAX
        } else {
            words as usize
        }
    }

    /// Bytes of a [record](EpochRecord); in 64 bits, since those of the longest epochs are more than a
    /// small device can address.
    pub const fn record_bytes(&self) -> u64 {
        self.record_words_64()
            .saturating_mul(size_of::<u32>() as u64)
    }
}

impl<'a> EpochRecord<'a> {
    /// An empty record for epochs of `shape`, in the first [`EpochShape::record_words`] of `words`.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn new(shape: EpochShape, words: &'a mut [u32]) -> Result<Self, RecordTooShort> {
        let (needed, got) = (shape.record_words(), words.len());
        let short = RecordTooShort { needed, got };
        let words = words.get_mut(..needed).ok_or(short)?;
        words.fill(0);
        Self::cut(&shape, Words(words)).ok_or(short)
    }

    /// Whether all tables of a batch have been filled from it, L2G apart, and so all is counted that they
    /// ask.
    pub(crate) fn is_counted(&self) -> bool {
        let mut tables = FilledTable::ALL.into_iter();
        tables.all(|table| table == FilledTable::L2g || self.counts.is_counted(table))
    }

    /// Whether the tables of a shape have room for all rows, and its ROM all instructions of `program`.
    pub fn fits(&self, shape: &EpochShape, program: &Program<'_>) -> bool {
        let mut tables = FilledTable::ALL.into_iter();
        let room = tables.all(|table| self.rows(table) as u64 <= shape.capacity(table));
        let has = |[pc, _]: [u32; 2]| program.in_part(shape.rom_part, pc);
        room && (shape.rom_part == RomPart::Run || self.program_counters().all(has))
    }

    /// Number of the epoch, from 1.
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Cycles of the epoch.
    pub const fn cycles(&self) -> u32 {
        self.cpu.len as u32
    }

    /// The program counter of every cycle and the one that it left, as word indices.
    pub fn program_counters(&self) -> impl Iterator<Item = [u32; 2]> {
        let rows = self.cpu.as_slice().iter();
        rows.map(|row| [row.pc, row.next_pc])
    }

    /// Public values of the CPU table: entry and exit program counter (word indices), clock at the
    /// end.
    pub fn public_values(&self) -> [F; 3] {
        [self.entry_pc, self.exit_pc, self.end()].map(F::new)
    }

    /// Clock of the next cycle.
    pub(crate) const fn end(&self) -> u32 {
        self.clock + STAMPS * self.cycles()
    }

    /// The rows of the L2G table.
    pub fn l2g(&self) -> &[L2gRow] {
        self.l2g.as_slice()
    }
}

impl Span {
    /// The span of a recorded epoch.
    pub fn of(record: &EpochRecord<'_>) -> Self {
        let [entry, exit, _] = record.public_values().map(|value| value.as_canonical_u32());
        Self {
            entry,
            exit,
            cycles: record.cycles(),
        }
    }
}
