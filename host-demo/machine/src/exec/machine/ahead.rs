//! Input that is read and not yet moved.

use zeroize::Zeroize;

use crate::tables::sys::SysStep;

/// Bytes of a word.
pub(super) const WORD_BYTES: u32 = 4;

/// Input that was read for a word and was too little for one: it is moved by bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ahead {
    /// Lowest byte first.
    word: u32,
    bytes: u32,
}

impl Ahead {
    /// The step that moves up to `wanted` bytes, 0, 1 or 4, of what `read` has, and what it moves.
    pub fn take(&mut self, mut read: impl FnMut() -> Option<u8>, wanted: u32) -> (SysStep, u32) {
        while self.bytes < wanted {
            let Some(byte) = read() else { break };
            self.word |= u32::from(byte) << (8 * self.bytes);
            self.bytes += 1;
        }
        match wanted.min(self.bytes) {
            0 => (SysStep::ReadEnd, 0),
            WORD_BYTES => (SysStep::ReadWord, core::mem::take(self).word),
            _ => {
                let byte = self.word & 0xff;
                self.word >>= 8;
                self.bytes -= 1;
                (SysStep::ReadByte, byte)
            }
        }
    }

    /// What was read, lowest byte first, and how many bytes it has.
    pub const fn words(&self) -> (u32, u32) {
        (self.word, self.bytes)
    }

    /// So many bytes that were read, lowest first.
    pub const fn of_words(word: u32, bytes: u32) -> Self {
        Self { word, bytes }
    }

    /// Overwrites the input with zeros, in a way that no compiler drops.
    pub fn wipe(&mut self) {
        self.word.zeroize();
        self.bytes.zeroize();
    }
}
