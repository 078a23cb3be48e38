//! What crosses the boundary, in C's layout.
//!
//! Integers that C may set to anything are integers here, and checked where they are read.

use core::ffi::{c_char, c_void};

use tranche_core::Params;
use tranche_core::shape::Profile;
use tranche_machine::Settings;
use tranche_machine::hash::Hash;
use tranche_machine::shape::Heights;

use crate::error::TrancheError;

/// How much of a proof's work stays in the buffer; the proof's bytes are the same.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrancheProfile {
    /// Fast if it fits the budget, else compact.
    Best = 0,
    /// Keeps every low-degree extension.
    Fast = 1,
    /// Keeps traces, and computes the rest again when it is needed.
    Compact = 2,
}

impl TrancheProfile {
    /// The profile of a number; none for the best one.
    ///
    /// # Errors
    /// When there is no such profile.
    pub const fn from_code(code: u32) -> Result<Option<Profile>, TrancheError> {
        match code {
            0 => Ok(None),
            1 => Ok(Some(Profile::Fast)),
            2 => Ok(Some(Profile::Compact)),
            _ => Err(TrancheError::UnknownProfile),
        }
    }

    /// The number of a profile.
    pub const fn code(profile: Profile) -> u32 {
        match profile {
            Profile::Fast => Self::Fast as u32,
            Profile::Compact => Self::Compact as u32,
        }
    }
}

/// What the proofs of a run hash with.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrancheHash {
    /// Poseidon2: for proofs that other proofs verify.
    Poseidon2 = 0,
    /// BLAKE3: for speed.
    Blake3 = 1,
}

// The numbers of bundles.
const _: () = assert!(
    TrancheHash::Poseidon2 as u8 == Hash::Poseidon2.number()
        && TrancheHash::Blake3 as u8 == Hash::Blake3.number()
);

/// The settings as C sees them: the epoch, the merges, and the core's table of parameters.
macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $name:ident: $int:ident $ranges:tt)+) => {
        /// What the proofs of a run are made with. Prover and verifier have to agree on all of it.
        #[repr(C)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct TrancheSettings {
            /// log2 of the cycles of an epoch, 6 to 20; in a request 0 for the best that fits the budget.
            pub epoch_log2: u8,
            /// Epochs that one merge of the host takes, 2 to 32.
            pub arity: u8,
            $($(#[doc = $doc])+ pub $name: $int,)+
            /// A `tranche_hash`.
            pub hash: u8,
        }

        impl From<Settings> for TrancheSettings {
            fn from(settings: Settings) -> Self {
                Self {
                    epoch_log2: settings.log2_cycles,
                    arity: settings.arity,
                    $($name: settings.params.$name,)+
                    hash: settings.hash.number(),
                }
            }
        }

        impl TryFrom<TrancheSettings> for Settings {
            type Error = TrancheError;

            /// Fails with [`TrancheError::UnknownHash`]; ranges are checked where a setup is made.
            fn try_from(settings: TrancheSettings) -> Result<Self, TrancheError> {
                Ok(Self {
                    log2_cycles: settings.epoch_log2,
                    heights: Heights::Common,
                    others: Default::default(),
                    arity: settings.arity,
                    params: Params { $($name: settings.$name,)+ },
                    hash: Hash::of_number(settings.hash).ok_or(TrancheError::UnknownHash)?,
                })
            }
        }
    };
}

tranche_core::with_params!(settings);

/// What is asked of `tranche_plan_size`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrancheRequest {
    /// What the proofs are made with.
    pub settings: TrancheSettings,
    /// Proven bits that every proof has at least: queries are added until it does. 0 adds none.
    pub security_floor_bits: u16,
    /// A `tranche_profile`.
    pub profile: u32,
    /// Words of memory and of output that the guest may touch in all.
    pub max_cells: u32,
    /// Bytes that the buffer may have; 0 for any number.
    pub budget: usize,
}

/// A plan: what a session is begun with, and the bytes that it takes.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TranchePlan {
    /// What the proofs are made with: the request's, with the epoch that was chosen and its queries.
    pub settings: TrancheSettings,
    /// A `tranche_profile`, fast or compact.
    pub profile: u32,
    /// Words of memory and of output that the guest may touch in all.
    pub max_cells: u32,
    /// Bytes of the one buffer that a session takes, exactly, whatever its alignment; SIZE_MAX when
    /// an address does not reach that far.
    pub bytes: usize,
    /// Bytes of it for the touched cells.
    pub cells_bytes: usize,
    /// Bytes of it for the rows of one epoch.
    pub record_bytes: usize,
    /// Bytes of it for the work of a proof.
    pub workspace_bytes: usize,
    /// Bytes that the proof of an epoch has at most, for a buffer that takes a whole one; SIZE_MAX as
    /// above. Nothing of a session's buffer holds it.
    pub max_proof_bytes: usize,
}

/// The guest's world. Without a function its input is empty, or its output is dropped. What a guest
/// writes to descriptor 2, its messages, is dropped: no proof speaks of it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TrancheGuest {
    /// Handed to both functions.
    pub user: *mut c_void,
    /// The next byte of the private input, 0 to 255; anything else is its end.
    pub read: Option<extern "C" fn(user: *mut c_void) -> i32>,
    /// Takes the next byte of the public output.
    pub write: Option<extern "C" fn(user: *mut c_void, byte: u8)>,
}

/// Takes the next bytes of a proof; anything but 0 stops it.
pub type TrancheSink =
    Option<extern "C" fn(user: *mut c_void, bytes: *const u8, len: usize) -> i32>;

/// A proved epoch.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrancheEpoch {
    /// Its number, from 1.
    pub number: u32,
    /// Word index of its first instruction.
    pub entry: u32,
    /// Word index of the instruction after it; no instruction's once the guest has exited.
    pub exit: u32,
    /// Its cycles.
    pub cycles: u32,
    /// Whether the guest has exited, so that this is the last epoch.
    pub last: bool,
    /// The guest's exit code, if it has.
    pub exit_code: u32,
    /// Bytes that the sink has taken.
    pub proof_bytes: u64,
}

/// What this library is.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TrancheLibrary {
    /// Its version, such as "0.1.0".
    pub version: *const c_char,
    /// The arithmetic that it was built with, such as "neon" or "scalar".
    pub backend: *const c_char,
    /// Version of the machine: proofs of another one do not verify.
    pub machine_version: u32,
    /// log2 of the cycles of the shortest epoch.
    pub min_epoch_log2: u8,
    /// log2 of the cycles of the longest epoch.
    pub max_epoch_log2: u8,
    /// Proven bits that a verifier asks for, unless it is told otherwise.
    pub security_floor_bits: u16,
    /// What it can hash with: bit `1 << h` for each `tranche_hash` h that it was built with.
    pub hashes: u8,
}
