//! Parts of a ROM: what a run does not execute need not be in the table of every epoch.
//!
//! A ROM is cut into [`RomBlocks::COUNT`] blocks at most, each of the same power of two of words but the last,
//! which may be shorter. A table of some blocks, in order, has fewer rows, so it lets fewer executions be
//! proved: any choice is as sound.

/// Which of a program's [`RomBlocks`] the ROM table of a batch has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum RomPart {
    /// All that the run may execute.
    #[default]
    Run,
    /// Those that most epochs execute: a lower table, for epochs that execute no other.
    Frequent,
}

/// Blocks of a ROM, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RomBlocks([u32; Self::COUNT / 32]);

impl RomBlocks {
    /// Most blocks of a ROM.
    pub const COUNT: usize = 256;
    /// Bytes of a choice in a header.
    pub const BYTES: usize = Self::COUNT / 8;
    /// Every block: the whole ROM.
    pub const ALL: Self = Self([u32::MAX; _]);
    /// No block.
    pub const NONE: Self = Self([0; _]);

    /// log2 of the words of a block, of a ROM of so many words.
    pub(crate) const fn block_log2(words: u32) -> u32 {
        words
            .next_power_of_two()
            .trailing_zeros()
            .saturating_sub(Self::COUNT.ilog2())
    }

    /// Adds a block, below [`Self::COUNT`].
    #[inline]
    pub const fn insert(&mut self, block: u32) {
        self.0[block as usize / 32 % Self::WORDS] |= 1 << (block % 32);
    }

    /// Whether a block is among them.
    #[inline]
    pub const fn has(&self, block: u32) -> bool {
        self.0[block as usize / 32 % Self::WORDS] >> (block % 32) & 1 == 1
    }

    /// These and others.
    pub fn union(&self, others: &Self) -> Self {
        Self(core::array::from_fn(|at| self.0[at] | others.0[at]))
    }

    /// Those of them that are among others.
    pub fn intersection(&self, others: &Self) -> Self {
        Self(core::array::from_fn(|at| self.0[at] & others.0[at]))
    }

    /// Whether all of them are among others.
    pub fn is_subset(&self, others: &Self) -> bool {
        self.intersection(others) == *self
    }

    /// How many they are; those beyond the ROM's count as well.
    pub fn count(&self) -> u32 {
        self.before(Self::COUNT as u32)
    }

    /// How many of them come before a block.
    pub(crate) fn before(&self, block: u32) -> u32 {
        let (whole, bits) = (block as usize / 32, block % 32);
        let (full, rest) = self.0.split_at(whole.min(Self::WORDS));
        let part = rest.first().map_or(0, |word| word & ((1 << bits) - 1));
        full.iter().map(|word| word.count_ones()).sum::<u32>() + part.count_ones()
    }

    /// The integers of a plan's digest.
    pub(crate) const fn words(&self) -> [u32; Self::WORDS] {
        self.0
    }

    /// Those of a plan's digest.
    pub(crate) const WORDS: usize = Self::COUNT / 32;

    /// The bytes of a header: the lowest bit of the first is the first block.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        for (bytes, word) in bytes.chunks_exact_mut(4).zip(self.0) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// The choice of a header.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let words = bytes.as_chunks::<4>().0;
        Self(core::array::from_fn(|at| u32::from_le_bytes(words[at])))
    }
}

impl Default for RomBlocks {
    fn default() -> Self {
        Self::ALL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_counted_in_order() {
        let mut blocks = RomBlocks::NONE;
        for block in [0, 31, 32, 200, 255] {
            assert!(!blocks.has(block));
            blocks.insert(block);
            assert!(blocks.has(block));
        }
        let places = [0, 1, 31, 32, 33, 201, 255, 256].map(|block| blocks.before(block));
        assert_eq!(places, [0, 1, 1, 2, 3, 4, 4, 5]);
        assert_eq!(RomBlocks::from_bytes(&blocks.to_bytes()), blocks);
        assert_eq!(blocks.to_bytes()[..5], [1, 0, 0, 0x80, 1]);
        let mut others = RomBlocks::NONE;
        for block in [31, 33] {
            others.insert(block);
        }
        assert_eq!((blocks.count(), blocks.union(&others).count()), (5, 6));
        assert_eq!(
            blocks.words(),
            [1 | 1 << 31, 1, 0, 0, 0, 0, 1 << 8, 1 << 31]
        );
        assert!(RomBlocks::NONE.is_subset(&blocks) && blocks.is_subset(&blocks));
        assert!(blocks.is_subset(&RomBlocks::ALL) && !RomBlocks::ALL.is_subset(&blocks));
    }

    #[test]
    fn there_are_no_more_blocks_than_bits() {
        for (words, log2) in [
            (1, 0),
            (256, 0),
            (257, 1),
            (512, 1),
            (513, 2),
            (1 << 20, 12),
        ] {
            assert_eq!(RomBlocks::block_log2(words), log2);
            assert!((words - 1) >> log2 < RomBlocks::COUNT as u32);
        }
    }
}
