//! The tables of an epoch, each with its columns, its constraints and its filler.
//!
//! Constraints have degree 3 at most, messages that share a column degree 1; no evaluation
//! allocates. The fillers assert the shape of their trace.

pub mod bit;
pub mod cmp;
pub mod cpu;
pub mod l2g;
pub(crate) mod lookup;
pub mod mem;
pub mod rom;
pub mod shift;
pub mod sys;

use p3_air::Air;
use p3_lookup::InteractionBuilder;
use tranche_core::{F, TableSpec, TraceMut};

use crate::air::{assert_fixed_shape, base_air};
use crate::bus::{AND4, Clock, RANGE, ROM};
use crate::exec::record::{AND4_ROWS, EpochRecord, RANGE_ROWS};
use crate::program::Program;
use crate::shape::EpochShape;

/// Number of tables of an epoch.
pub const NUM_TABLES: usize = 10;

/// A table of an epoch's batch.
#[derive(Clone, Copy, Debug)]
pub enum EpochTable<'a> {
    /// Cycles. Public values: entry and exit program counter, clock at the end.
    Cpu(Clock),
    /// Loads, stores and indirect jumps.
    Mem(Clock),
    /// Comparisons.
    Cmp,
    /// Bitwise operations.
    Bit,
    /// Shifts.
    Shift,
    /// Steps of system calls.
    Sys(Clock),
    /// Touched cells; carved. Public value: the epoch's number.
    L2g,
    /// Instructions of the program, in a table of 2^`log_height` rows.
    Rom {
        /// The program.
        program: &'a Program<'a>,
        /// log2 of the table's height, at least [`Program::rom_log2`].
        log_height: u32,
    },
    /// Range checks.
    Range,
    /// Bitwise and of nibbles.
    And4,
}

impl<'a> EpochTable<'a> {
    /// All tables of an epoch of `shape`, in batch order; those that are asked come last.
    pub const fn all(shape: EpochShape, program: &'a Program<'a>) -> [Self; NUM_TABLES] {
        let clock = Clock::for_cycles(shape.cpu);
        [
            Self::Cpu(clock),
            Self::Mem(clock),
            Self::Cmp,
            Self::Bit,
            Self::Shift,
            Self::Sys(clock),
            Self::L2g,
            Self::Rom {
                program,
                log_height: shape.rom,
            },
            Self::Range,
            Self::And4,
        ]
    }

    /// Place of the table in its batch.
    pub const fn index(&self) -> usize {
        match self {
            Self::Cpu(_) => 0,
            Self::Mem(_) => 1,
            Self::Cmp => 2,
            Self::Bit => 3,
            Self::Shift => 4,
            Self::Sys(_) => 5,
            Self::L2g => 6,
            Self::Rom { .. } => 7,
            Self::Range => 8,
            Self::And4 => 9,
        }
    }

    /// A short name, for plans and messages.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Cpu(_) => "cpu",
            Self::Mem(_) => "mem",
            Self::Cmp => "cmp",
            Self::Bit => "bit",
            Self::Shift => "shift",
            Self::Sys(_) => "sys",
            Self::L2g => "l2g",
            Self::Rom { .. } => "rom",
            Self::Range => "range",
            Self::And4 => "and4",
        }
    }

    /// log2 of the number of rows.
    pub const fn log_height(&self, shape: EpochShape) -> u32 {
        match self {
            Self::Cpu(_) => shape.cpu,
            Self::Mem(_) => shape.mem,
            Self::Cmp => shape.cmp,
            Self::Bit => shape.bit,
            Self::Shift => shape.shift,
            Self::Sys(_) => shape.sys,
            Self::L2g => shape.l2g,
            Self::Rom { log_height, .. } => *log_height,
            Self::Range => RANGE_ROWS.ilog2(),
            Self::And4 => AND4_ROWS.ilog2(),
        }
    }

    /// Number of main columns.
    pub const fn main_width(&self) -> usize {
        match self {
            Self::Cpu(clock) => cpu::width(*clock),
            Self::Mem(clock) => mem::width(*clock),
            Self::Cmp => cmp::WIDTH,
            Self::Bit => bit::WIDTH,
            Self::Shift => shift::WIDTH,
            Self::Sys(clock) => sys::width(*clock),
            Self::L2g => l2g::columns::WIDTH,
            Self::Rom { .. } | Self::Range | Self::And4 => 1,
        }
    }

    /// Number of preprocessed columns, zero for a table without any.
    pub const fn fixed_width(&self) -> usize {
        match self {
            Self::Rom { .. } => rom::FIXED_WIDTH,
            Self::Range => lookup::RANGE_WIDTH,
            Self::And4 => lookup::AND4_WIDTH,
            _ => 0,
        }
    }

    /// log2 of the number of rows of the preprocessed trace, of a table that has one.
    pub const fn fixed_log_height(&self) -> Option<u8> {
        match self {
            Self::Rom { log_height, .. } => Some(*log_height as u8),
            Self::Range => Some(RANGE_ROWS.ilog2() as u8),
            Self::And4 => Some(AND4_ROWS.ilog2() as u8),
            _ => None,
        }
    }

    /// Main columns whose next row the constraints read.
    pub const fn main_next(&self) -> &'static [usize] {
        match self {
            Self::Cpu(_) => &cpu::NEXT,
            _ => &[],
        }
    }

    /// Preprocessed columns whose next row the constraints read.
    pub const fn preprocessed_next(&self) -> &'static [usize] {
        &[]
    }

    /// What a plan wants to know of the table in an epoch of `shape`. Only L2G is carved.
    pub const fn spec(&self, shape: EpochShape) -> TableSpec {
        TableSpec {
            main_next: !self.main_next().is_empty(),
            preprocessed_next: !self.preprocessed_next().is_empty(),
            carved: matches!(self, Self::L2g),
            ..TableSpec::new(self.log_height(shape) as u8)
        }
    }

    /// Number of public values.
    pub const fn public_values(&self) -> usize {
        match self {
            Self::Cpu(_) => cpu::PUBLIC_VALUES,
            Self::L2g => l2g::PUBLIC_VALUES,
            _ => 0,
        }
    }

    /// Writes the preprocessed trace, [`fixed_width`](Self::fixed_width) columns of
    /// 2^[`fixed_log_height`](Self::fixed_log_height) rows.
    ///
    /// # Panics
    /// When `trace` has another shape.
    pub fn fill_preprocessed(&self, trace: &mut TraceMut<'_>) {
        assert_fixed_shape(trace, self.fixed_width(), self.fixed_log_height());
        match self {
            Self::Rom { program, .. } => rom::fill_preprocessed(program, trace),
            Self::Range => lookup::fill_range(trace),
            Self::And4 => lookup::fill_and4(trace),
            _ => {}
        }
    }

    /// Writes every element of the main trace: [`main_width`](Self::main_width) columns of
    /// 2^[`log_height`](Self::log_height) rows.
    ///
    /// Filling a table counts what it looks up in the last three, so those are filled after the
    /// others. Filling a table again writes the same trace and counts nothing.
    ///
    /// # Panics
    /// When `trace` has another shape, or one of the last three is filled before the others.
    pub fn fill(
        &self,
        program: &Program<'_>,
        record: &mut EpochRecord<'_>,
        trace: &mut TraceMut<'_>,
    ) {
        assert_eq!(trace.width(), self.main_width());
        let counting = record.counts.start(self.index());
        match *self {
            Self::Cpu(clock) => cpu::fill(clock, program, record, counting, trace),
            Self::Mem(clock) => mem::fill(clock, record, trace),
            Self::Cmp => cmp::fill(record, trace),
            Self::Bit => bit::fill(record, trace),
            Self::Shift => shift::fill(record, trace),
            Self::Sys(clock) => sys::fill(clock, record, trace),
            Self::L2g => l2g::fill(record, trace),
            Self::Rom { .. } | Self::Range | Self::And4 => {
                assert!(record.counts.complete(), "lookup tables are filled last");
                let counts: &[u32] = match self {
                    Self::Rom { .. } => record.rom,
                    Self::Range => record.counts.range,
                    _ => record.counts.and4,
                };
                lookup::fill(counts, trace);
            }
        }
    }
}

base_air!(EpochTable<'_>);

impl<AB: InteractionBuilder<F = F>> Air<AB> for EpochTable<'_> {
    fn eval(&self, builder: &mut AB) {
        match *self {
            Self::Cpu(clock) => cpu::eval(clock, builder),
            Self::Mem(clock) => mem::eval(clock, builder),
            Self::Cmp => cmp::eval(builder),
            Self::Bit => bit::eval(builder),
            Self::Shift => shift::eval(builder),
            Self::Sys(clock) => sys::eval(clock, builder),
            Self::L2g => l2g::eval(builder),
            Self::Rom { .. } => lookup::eval::<{ rom::FIXED_WIDTH }, AB>(ROM, builder),
            Self::Range => lookup::eval::<{ lookup::RANGE_WIDTH }, AB>(RANGE, builder),
            Self::And4 => lookup::eval::<{ lookup::AND4_WIDTH }, AB>(AND4, builder),
        }
    }
}
