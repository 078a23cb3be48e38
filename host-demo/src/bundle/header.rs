//! The header of a bundle.

use tranche_core::statement::IDENTITY_BYTES;
use tranche_core::{Identity, Params};
use tranche_machine::hash::Hash;
use tranche_machine::settings::{OutOfRange, Settings};
use tranche_machine::setup::Setup;
use tranche_machine::shape::{ABSENT, Heights, MAX_OTHERS, Other};
use tranche_machine::{Program, RomBlocks, RomPart};

use super::{FormatError, MAGIC, VERSION};

/// Bytes of the header.
pub const HEADER_BYTES: usize = CHECKSUM_AT + 4;
/// Where the integers of the settings begin.
const SETTINGS_AT: usize = 10;
/// Where the parameters begin.
const PARAMS_AT: usize = SETTINGS_AT + 3;
/// Where the heights begin.
const HEIGHTS_AT: usize = PARAMS_AT + Params::BYTES;
/// Where the other heights begin.
const OTHERS_AT: usize = HEIGHTS_AT + Heights::BYTES;
/// Where the parts of the ROM begin that go with them.
const PARTS_AT: usize = OTHERS_AT + MAX_OTHERS * Heights::BYTES;
/// Where the blocks of the ROM begin.
const BLOCKS_AT: usize = PARTS_AT + MAX_OTHERS;
/// Where the frequent ones begin.
const FREQUENT_AT: usize = BLOCKS_AT + RomBlocks::BYTES;
/// Where the program's digest begins.
const PROGRAM_AT: usize = FREQUENT_AT + RomBlocks::BYTES;
/// Where the digest of the public input begins.
const PUBLIC_AT: usize = PROGRAM_AT + IDENTITY_BYTES;
/// Where the checksum begins.
const CHECKSUM_AT: usize = PUBLIC_AT + IDENTITY_BYTES;

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The integers that decide every plan.
    pub settings: Settings,
    /// The blocks of the program's ROM that the run may execute.
    pub blocks: RomBlocks,
    /// Those of the epochs that have [a part](RomPart::Frequent); all, where none may.
    pub frequent: RomBlocks,
    /// Digest of the program whose run is proved.
    pub program: Identity,
    /// Digest of its public input.
    pub public: Identity,
}

impl Header {
    /// The header of a bundle of a setup's runs.
    pub fn of(setup: &Setup<'_>) -> Self {
        Self {
            settings: setup.settings,
            blocks: setup.program.blocks(),
            frequent: setup.program.part(match has_frequent(&setup.settings) {
                true => RomPart::Frequent,
                false => RomPart::Run,
            }),
            program: setup.program_digest,
            public: setup.program.public().digest(),
        }
    }

    /// The program with the blocks of its ROM.
    pub fn program_of<'p>(&self, program: &Program<'p>) -> Program<'p> {
        program
            .with_blocks(self.blocks)
            .with_frequent(self.frequent)
    }

    /// What a header's bytes say.
    ///
    /// # Errors
    /// [`FormatError`], also for settings outside of their caps.
    pub(super) fn of_bytes(bytes: &[u8; HEADER_BYTES]) -> Result<Self, FormatError> {
        let version = u16::from_le_bytes([bytes[8], bytes[9]]);
        if version != VERSION {
            return Err(FormatError::Version { got: version });
        }
        if bytes[CHECKSUM_AT..] != crc32fast::hash(&bytes[..CHECKSUM_AT]).to_le_bytes() {
            return Err(FormatError::Checksum);
        }
        let mut params = [0; Params::BYTES];
        params.copy_from_slice(&bytes[PARAMS_AT..HEIGHTS_AT]);
        let heights = |place: usize| {
            let mut heights = [0; Heights::BYTES];
            let at = HEIGHTS_AT + place * Heights::BYTES;
            heights.copy_from_slice(&bytes[at..at + Heights::BYTES]);
            Heights::from_bytes(&heights)
        };
        let mut others = [None; MAX_OTHERS];
        for (place, other) in others.iter_mut().enumerate() {
            *other = other_of(heights(1 + place), bytes[PARTS_AT + place])
                .map_err(FormatError::Setting)?;
        }
        let [blocks, frequent] = [BLOCKS_AT, FREQUENT_AT].map(|at| {
            let mut blocks = [0; RomBlocks::BYTES];
            blocks.copy_from_slice(&bytes[at..at + RomBlocks::BYTES]);
            RomBlocks::from_bytes(&blocks)
        });
        let got = bytes[SETTINGS_AT + 2];
        let hash = Hash::of_number(got).ok_or(FormatError::Hash { got })?;
        let settings = Settings {
            log2_cycles: bytes[SETTINGS_AT],
            heights: heights(0),
            others,
            arity: bytes[SETTINGS_AT + 1],
            hash,
            params: Params::from_bytes(&params),
        };
        settings.check().map_err(FormatError::Setting)?;
        let given = frequent == blocks || has_frequent(&settings);
        if !(given && frequent.is_subset(&blocks)) {
            return Err(FormatError::Frequent);
        }
        let (mut program, mut public) = (Identity::default(), Identity::default());
        program.copy_from_slice(&bytes[PROGRAM_AT..PUBLIC_AT]);
        public.copy_from_slice(&bytes[PUBLIC_AT..CHECKSUM_AT]);
        Ok(Self {
            settings,
            blocks,
            frequent,
            program,
            public,
        })
    }
}

/// The header's bytes.
pub fn header(head: &Header) -> [u8; HEADER_BYTES] {
    let Settings {
        log2_cycles,
        heights,
        others,
        arity,
        params,
        hash,
    } = head.settings;
    let parts = others.map(|other| match other.map(|other| other.rom_part) {
        None => ABSENT,
        Some(RomPart::Run) => 0,
        Some(RomPart::Frequent) => 1,
    });
    let others = others.map(|other| match other {
        None => Heights::Common,
        Some(Other {
            heights: [first, second],
            ..
        }) => Heights::Given(first, second),
    });
    let mut bytes = [0; HEADER_BYTES];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..SETTINGS_AT].copy_from_slice(&VERSION.to_le_bytes());
    bytes[SETTINGS_AT..PARAMS_AT].copy_from_slice(&[log2_cycles, arity, hash.number()]);
    bytes[PARAMS_AT..HEIGHTS_AT].copy_from_slice(&params.to_bytes());
    bytes[HEIGHTS_AT..OTHERS_AT].copy_from_slice(&heights.to_bytes());
    let others = others.map(|heights| heights.to_bytes());
    bytes[OTHERS_AT..PARTS_AT].copy_from_slice(others.as_flattened());
    bytes[PARTS_AT..BLOCKS_AT].copy_from_slice(&parts);
    bytes[BLOCKS_AT..FREQUENT_AT].copy_from_slice(&head.blocks.to_bytes());
    bytes[FREQUENT_AT..PROGRAM_AT].copy_from_slice(&head.frequent.to_bytes());
    bytes[PROGRAM_AT..PUBLIC_AT].copy_from_slice(&head.program);
    bytes[PUBLIC_AT..CHECKSUM_AT].copy_from_slice(&head.public);
    let checksum = crc32fast::hash(&bytes[..CHECKSUM_AT]);
    bytes[CHECKSUM_AT..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Whether an epoch may have a ROM of the frequent blocks.
fn has_frequent(settings: &Settings) -> bool {
    let mut others = settings.others.iter().flatten();
    others.any(|other| other.rom_part == RomPart::Frequent)
}

/// Other heights of a header, and what goes with them.
fn other_of(heights: Heights, part: u8) -> Result<Option<Other>, OutOfRange> {
    let refused = |min: u8, max: u8| OutOfRange {
        name: "ROM of other heights",
        got: part.into(),
        min: min.into(),
        max: max.into(),
    };
    match (heights, part) {
        (Heights::Common, ABSENT) => Ok(None),
        (Heights::Common, _) => Err(refused(ABSENT, ABSENT)),
        (Heights::Given(first, second), 0 | 1) => Ok(Some(Other {
            heights: [first, second],
            rom_part: [RomPart::Run, RomPart::Frequent][usize::from(part)],
        })),
        _ => Err(refused(0, 1)),
    }
}

#[cfg(test)]
mod tests {
    use tranche_machine::shape::{ABSENT, NO_SECOND};

    use super::super::Reader;
    use super::*;

    /// The layout, byte by byte.
    #[test]
    fn a_header_is_these_bytes() {
        let params = Params {
            log_blowup: 1,
            log_final_poly_len: 2,
            max_log_arity: 3,
            cap_height: 4,
            num_queries: 0x1f0,
            query_pow_bits: 6,
            batch_pow_bits: 7,
            lookup_pow_bits: 8,
            commit_pow_bits: 9,
            ood_pow_bits: 10,
        };
        let mut second = NO_SECOND;
        second[1..4].copy_from_slice(&[11, ABSENT, 10]);
        let mut others = [None; MAX_OTHERS];
        let heights = [[9, 8, 7, 6, 5, 4, 11, 5, ABSENT, ABSENT], NO_SECOND];
        others[0] = Some(heights.into());
        others[1] = Some(Other {
            heights,
            rom_part: RomPart::Frequent,
        });
        let head = Header {
            settings: Settings {
                log2_cycles: 14,
                heights: Heights::Given([14, 13, 12, 12, 12, 10, 11, ABSENT, 4, ABSENT], second),
                others,
                arity: 16,
                params,
                hash: Hash::Blake3,
            },
            blocks: RomBlocks::from_bytes(&core::array::from_fn(|at| at as u8)),
            frequent: RomBlocks::from_bytes(&core::array::from_fn(|at| at as u8 & 0x55)),
            program: [0xab; IDENTITY_BYTES],
            public: [0xcd; IDENTITY_BYTES],
        };
        let bytes = header(&head);
        assert_eq!(bytes[..8], *b"tranche\0");
        let integers = [9, 0, 14, 16, 1, 1, 2, 3, 4, 0xf0, 1, 6, 7, 8, 9, 10];
        assert_eq!(bytes[8..24], integers);
        assert_eq!(bytes[24..34], [14, 13, 12, 12, 12, 10, 11, 255, 4, 255]);
        let second = [255, 11, 255, 10, 255, 255, 255, 255, 255, 255];
        assert_eq!(bytes[34..44], second);
        assert_eq!(bytes[44..54], [9, 8, 7, 6, 5, 4, 11, 5, 255, 255]);
        assert_eq!(bytes[54..64], [255; 10]);
        assert_eq!(bytes[64..74], bytes[44..54]);
        assert_eq!(bytes[74..124], [255; 50]);
        assert_eq!(bytes[124..128], [0, 1, 255, 255]);
        assert!(bytes[128..160].iter().copied().eq(0..32));
        let fewer = bytes[160..192].iter().copied();
        assert!(fewer.eq((0..32).map(|at| at & 0x55)));
        assert_eq!(bytes[192..224], [0xab; 32]);
        assert_eq!(bytes[224..256], [0xcd; 32]);
        assert_eq!(bytes[256..], crc32fast::hash(&bytes[..256]).to_le_bytes());
        let (_, read) = Reader::new(&bytes[..]).unwrap();
        assert_eq!(read, head);
    }
}
