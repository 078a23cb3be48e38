//! Which hash suite a run is proved with.

use tranche_core::Suite;
use tranche_core::hash::blake3::Blake3;
use tranche_core::hash::poseidon2::Poseidon2;

/// The hash suite of every proof of a bundle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Hash {
    /// Poseidon2 over the field: what another proof verifies with few constraints.
    #[default]
    Poseidon2,
    /// BLAKE3: for speed, where no other proof verifies it.
    Blake3,
}

impl Hash {
    /// All suites, by their numbers.
    pub const ALL: [Self; 2] = [Self::Poseidon2, Self::Blake3];

    /// The number that stands in headers and digests.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The suite of a number.
    pub fn of_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// [`Suite::NAME`].
    pub const fn name(self) -> &'static str {
        match self {
            Self::Poseidon2 => Poseidon2::NAME,
            Self::Blake3 => Blake3::NAME,
        }
    }

    /// [`Suite::COLLISION_BITS`].
    pub const fn collision_bits(self) -> u32 {
        match self {
            Self::Poseidon2 => Poseidon2::COLLISION_BITS,
            Self::Blake3 => Blake3::COLLISION_BITS,
        }
    }
}

/// A suite that the machine proves with.
pub trait MachineSuite: Suite {
    /// Which one it is.
    const HASH: Hash;

    /// The instance of every proof.
    fn instance() -> &'static Self;
}

impl MachineSuite for Poseidon2 {
    const HASH: Hash = Hash::Poseidon2;

    fn instance() -> &'static Self {
        static POSEIDON2: Poseidon2 = Poseidon2::BABY_BEAR;
        &POSEIDON2
    }
}

impl MachineSuite for Blake3 {
    const HASH: Hash = Hash::Blake3;

    fn instance() -> &'static Self {
        &Self
    }
}
