//! What the proof of an epoch, or of a run, says of an execution.

use heapless::Vec;
use p3_field::{PrimeCharacteristicRing, PrimeField32};
use tranche_core::F;

/// Public values of a table of an epoch at most.
const MAX_PUBLIC_VALUES: usize = 3;
/// Public values of the CPU table of a batch: entry and exit program counter, clock at the end, clock at
/// the start.
pub const RUN_PUBLIC_VALUES: usize = 4;

/// The public values of a table.
pub type PublicValues = Vec<F, MAX_PUBLIC_VALUES>;

/// The program counter after exit: no word index, so no row of any ROM that can be fetched.
pub const HALT: u32 = 1 << 30;

/// What the proof of a run says of one of its batches: how it goes on from the one before. Program
/// counters are word indices.
///
/// The elements are the public values of its CPU table, so each number has one form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchSpan([F; RUN_PUBLIC_VALUES]);

impl BatchSpan {
    pub(crate) fn new(entry: u32, exit: u32, start: u32, end: u32) -> Self {
        Self([entry, exit, end, start].map(F::from_u32))
    }

    /// The span of these [words](Self::words); `None` when one is not below the field's order.
    pub fn from_words(words: [u32; RUN_PUBLIC_VALUES]) -> Option<Self> {
        let [entry, exit, start, end] = words;
        let span = Self::new(entry, exit, start, end);
        (span.words() == words).then_some(span)
    }

    /// Entry, exit, start and end.
    pub fn words(&self) -> [u32; RUN_PUBLIC_VALUES] {
        [self.entry(), self.exit(), self.start(), self.end()]
    }

    /// Program counter of the first cycle.
    pub fn entry(&self) -> u32 {
        self.0[0].as_canonical_u32()
    }

    /// Program counter after the last cycle; [`HALT`] after exit.
    pub fn exit(&self) -> u32 {
        self.0[1].as_canonical_u32()
    }

    /// Clock of the first cycle.
    pub fn start(&self) -> u32 {
        self.0[3].as_canonical_u32()
    }

    /// Clock after the last cycle.
    pub fn end(&self) -> u32 {
        self.0[2].as_canonical_u32()
    }

    /// The public values of the CPU table.
    pub const fn public_values(&self) -> &[F; RUN_PUBLIC_VALUES] {
        &self.0
    }
}

/// What the proof of an epoch says of it, besides its number: program counters are word indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Span {
    /// Program counter of the first cycle.
    pub entry: u32,
    /// Program counter after the last cycle; [`HALT`] after exit.
    pub exit: u32,
    /// Cycles.
    pub cycles: u32,
}

impl Span {
    /// Whether the program has exited.
    pub const fn is_last(&self) -> bool {
        self.exit == HALT
    }
}
