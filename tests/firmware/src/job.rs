//! What the host asks an image to prove: one line of text.
//!
//! `GUEST SUITE LOG2_CYCLES PROFILE EPOCHS CELLS INPUT`, such as `spin blake3 8 compact 2 2048 40`: the guest's input
//! is what follows the sixth space. `GUEST SUITE largest` asks for the longest epoch that fits instead, and
//! `GUEST SUITE grind` for what a proof of work costs.

use tranche_core::shape::Profile;
use tranche_machine::hash::Hash;

/// Longest line, in bytes.
pub const MAX_BYTES: usize = 256;

/// The guests that an image carries, by name.
static GUESTS: [(&str, &[u8]); 2] = [
    (
        "spin",
        include_bytes!("../../../host-demo/guests/prebuilt/spin.elf"),
    ),
    (
        "json",
        include_bytes!("../../../host-demo/guests/prebuilt/json.elf"),
    ),
];

/// What to prove.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The guest's ELF file.
    pub elf: &'static [u8],
    /// What to hash with.
    pub hash: Hash,
    /// What to do with it.
    pub task: Task<'a>,
}

/// What to do with a guest.
#[derive(Clone, Copy, Debug)]
pub enum Task<'a> {
    /// Say how long an epoch may be, in each profile.
    Largest,
    /// Search for one proof of work.
    Grind,
    /// Execute and prove it.
    Prove {
        /// log2 of the cycles of an epoch.
        log2_cycles: u8,
        /// How much of a proof's work stays in memory.
        profile: Profile,
        /// Epochs to prove, if the guest does not exit before.
        epochs: u32,
        /// Cells of memory and output that the guest may touch.
        cells: usize,
        /// The guest's input.
        input: &'a [u8],
    },
}

impl<'a> Job<'a> {
    /// Reads a line; `None` when it is no job.
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let mut words = line.splitn(7, |&byte| byte == b' ');
        let mut word = || words.next();
        let name = word()?;
        let (_, elf) = GUESTS.iter().find(|(guest, _)| guest.as_bytes() == name)?;
        let suite = word()?;
        let mut suites = Hash::ALL.into_iter();
        let hash = suites.find(|hash| hash.name().as_bytes() == suite)?;
        let task = match word()? {
            b"largest" => Task::Largest,
            b"grind" => Task::Grind,
            log2_cycles => Task::Prove {
                log2_cycles: number(log2_cycles)?.try_into().ok()?,
                profile: match word()? {
                    b"fast" => Profile::Fast,
                    b"compact" => Profile::Compact,
                    _ => return None,
                },
                epochs: number(word()?)?,
                cells: number(word()?)? as usize,
                input: word()?,
            },
        };
        Some(Self { elf, hash, task })
    }
}

/// A decimal number.
fn number(text: &[u8]) -> Option<u32> {
    core::str::from_utf8(text).ok()?.parse().ok()
}
