//! Public input: bytes of a run's statement that the guest reads as descriptor 3.
//!
//! They are memory: the verifier derives the initial values of [`IN_LEN`] and of the cells from [`IN`] on, and
//! no step of the machine changes these.

use thiserror::Error;
use tranche_core::Identity;

use crate::cells::{IN, IN_LEN, IN_POSITION, IN_START, MAX_PUBLIC_BYTES, words_of};
use crate::identity::{Form, Kind};

/// More public input than [`MAX_PUBLIC_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[error(
    "{bytes} bytes of public input, {MAX_PUBLIC_BYTES} at most; of more, pass a digest and read the rest as private input"
)]
pub struct PublicTooLong {
    /// Its bytes.
    pub bytes: usize,
}

/// A run's public input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublicInput<'a>(&'a [u8]);

impl<'a> PublicInput<'a> {
    /// The input of these bytes.
    ///
    /// # Errors
    /// [`PublicTooLong`].
    pub const fn new(bytes: &'a [u8]) -> Result<Self, PublicTooLong> {
        if bytes.len() > MAX_PUBLIC_BYTES as usize {
            return Err(PublicTooLong { bytes: bytes.len() });
        }
        Ok(Self(bytes))
    }

    /// Its bytes.
    pub const fn bytes(&self) -> &'a [u8] {
        self.0
    }

    /// How many there are.
    pub const fn len(&self) -> u32 {
        self.0.len() as u32
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The digest that names it: BLAKE3 of its length and its bytes (`identity.rs`).
    pub fn digest(&self) -> Identity {
        Form::new(Kind::Public).bytes(self.0).finish()
    }

    /// Its cells, each with its initial value, ascending: position, start and length, then the words.
    pub fn cells(self) -> impl Iterator<Item = (u32, u32)> + 'a {
        let hidden = [IN_POSITION, IN_START, IN_LEN];
        let words = IN..IN + words_of(self.len());
        let cells = hidden.into_iter().chain(words);
        cells.map(move |cell| (cell, self.initial(cell)))
    }

    /// Number of those.
    pub(crate) const fn rows(&self) -> usize {
        3 + words_of(self.len()) as usize
    }

    /// Whether `cell` is one of those.
    pub(crate) fn covers(&self, cell: u32) -> bool {
        (IN_POSITION..=IN_LEN).contains(&cell) || (IN..IN + words_of(self.len())).contains(&cell)
    }

    /// Initial value of a hidden cell, or of one from [`IN`] on: 0 of those that are not the input's.
    pub(crate) fn initial(&self, cell: u32) -> u32 {
        if cell == IN_LEN {
            return self.len();
        }
        let at = cell.checked_sub(IN).map(|word| 4 * word as usize);
        let bytes = at.and_then(|at| self.0.get(at..)).unwrap_or_default();
        let mut word = [0; 4];
        for (byte, &of) in word.iter_mut().zip(bytes) {
            *byte = of;
        }
        u32::from_le_bytes(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_filled_up() {
        let cells = PublicInput::new(b"abcde").unwrap().cells();
        let expected = [
            (IN_POSITION, 0),
            (IN_START, 0),
            (IN_LEN, 5),
            (IN, u32::from_le_bytes(*b"abcd")),
            (IN + 1, u32::from(b'e')),
        ];
        assert!(cells.eq(expected));
        assert_eq!(PublicInput::default().cells().count(), 3);
        assert_eq!(PublicInput::default().initial(IN), 0);
    }

    #[test]
    fn the_longest_is_taken() {
        static LONG: [u8; MAX_PUBLIC_BYTES as usize + 1] = [0; _];
        let bytes = LONG.len();
        assert_eq!(PublicInput::new(&LONG), Err(PublicTooLong { bytes }));
        assert!(PublicInput::new(&LONG[1..]).is_ok());
    }
}
