//! What the proof of an epoch says of it.

use heapless::Vec;
use tranche_core::F;

/// Public values of a table at most.
const MAX_PUBLIC_VALUES: usize = 3;

/// The public values of a table.
pub type PublicValues = Vec<F, MAX_PUBLIC_VALUES>;

/// The program counter after exit: no word index, so no row of any ROM that can be fetched.
pub const HALT: u32 = 1 << 30;

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
