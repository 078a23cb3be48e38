//! What images prove.

use std::fmt;

use tranche_machine::hash::Hash;

/// A run of a guest, or the first epochs of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Case {
    /// The guest, by name.
    pub guest: &'static str,
    /// log2 of the cycles of an epoch.
    pub log2_cycles: u8,
    /// What its proofs hash with.
    pub hash: Hash,
    /// Whether in the compact profile.
    pub compact: bool,
    /// Epochs to prove, if the guest does not exit before.
    pub epochs: u32,
    /// Cells that the guest may touch.
    pub cells: u32,
    /// The guest's input.
    pub input: &'static str,
}

/// What a firmware image with 16 MiB proves: the smallest plan, and epochs of 2^8, 2^10 and 2^12 cycles in each profile, two after one
/// another, one alone, and a run to its end, and the longest epoch that fits the 16 MiB of the smallest
/// board; some of them with the other suite too. `json` is the guest whose ROM has 2^10 rows.
pub const CASES: &[Case] = &[
    case("spin", 6, true, 1, "none"),
    case("spin", 8, false, 2, "20"),
    case("spin", 8, true, 1, "20"),
    case("json", 8, false, 1, JSON),
    case("json", 8, true, 1, JSON),
    case("json", 10, false, 1, JSON),
    case("json", 10, true, 1, JSON),
    case("json", 12, false, u32::MAX, JSON),
    case("json", 12, true, 1, JSON),
    case("spin", 14, true, 1, "2000"),
    case("spin", 6, true, 1, "none").with(Hash::Blake3),
    case("spin", 8, false, 2, "20").with(Hash::Blake3),
    case("json", 10, false, 1, JSON).with(Hash::Blake3),
    case("json", 10, true, 1, JSON).with(Hash::Blake3),
];

/// What a board with 256 KiB proves: the smallest plan, of a guest that touches few cells.
pub const SMALLEST: &[Case] = &[Case {
    cells: 512,
    ..case("spin", 6, true, 1, "none").with(Hash::Blake3)
}];

/// What the C example (`tests/c-example/main.c`) proves, one run after the other.
pub const EXAMPLE: [Case; 2] = [
    case("spin", 10, false, u32::MAX, "9"),
    case("spin", 10, false, u32::MAX, "9").with(Hash::Blake3),
];

const JSON: &str = r#"{"tables": [10, 8, 6], "heap": false, "of": ["device", "host", null]}"#;

const fn case(
    guest: &'static str,
    log2_cycles: u8,
    compact: bool,
    epochs: u32,
    input: &'static str,
) -> Case {
    Case {
        guest,
        log2_cycles,
        hash: Hash::Poseidon2,
        compact,
        epochs,
        cells: 2048,
        input,
    }
}

impl Case {
    /// The same in another suite.
    pub const fn with(self, hash: Hash) -> Self {
        Self { hash, ..self }
    }

    /// Its profile's name.
    pub const fn profile_name(&self) -> &'static str {
        if self.compact { "compact" } else { "fast" }
    }

    /// The line that an image reads.
    pub fn job(&self) -> String {
        let (
            profile,
            Self {
                guest,
                cells,
                input,
                ..
            },
        ) = (self.profile_name(), self);
        let (suite, log2_cycles, epochs) = (self.hash.name(), self.log2_cycles, self.epochs);
        format!("{guest} {suite} {log2_cycles} {profile} {epochs} {cells} {input}")
    }

    /// The guest's ELF file.
    pub fn elf(&self) -> &'static [u8] {
        match self.guest {
            "json" => include_bytes!("../../../host-demo/guests/prebuilt/json.elf"),
            _ => include_bytes!("../../../host-demo/guests/prebuilt/spin.elf"),
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (guest, suite) = (self.guest, self.hash.name());
        let (log2_cycles, profile) = (self.log2_cycles, self.profile_name());
        write!(f, "{guest}, {suite}, 2^{log2_cycles} cycles, {profile}")
    }
}
