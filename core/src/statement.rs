//! What a proof is about: the bytes that seed its transcript.

use p3_field::PrimeCharacteristicRing;

use crate::F;

/// Bytes of a domain tag.
pub const TAG_BYTES: usize = 24;
/// Bytes of an [`Identity`].
pub const IDENTITY_BYTES: usize = 32;
/// Bytes in an absorbed element: as many as always stay below the field's order.
const ELEMENT_BYTES: usize = 3;
/// Field elements that a statement is absorbed as: 8 of its tag, then 11 of its digest.
pub const STATEMENT_LEN: usize =
    TAG_BYTES.div_ceil(ELEMENT_BYTES) + IDENTITY_BYTES.div_ceil(ELEMENT_BYTES);

/// A digest that names something, whatever a proof is hashed with.
pub type Identity = [u8; IDENTITY_BYTES];

/// Seeds a proof's transcript: a domain tag, then the digest of what is proved.
///
/// Both sides observe [`Self::elements`] before the first step of the batch protocol. `None` in
/// place of a statement seeds nothing, which is what a plain Plonky3 configuration does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Names the kind of proof, so that no proof can be replayed as one of another kind.
    pub tag: [u8; TAG_BYTES],
    /// Digest of the statement.
    pub digest: Identity,
}

impl Statement {
    /// The statement as field elements: its tag, then its digest, each three bytes an element,
    /// little-endian, the last element of the digest two. Both lengths are constants and every
    /// element is below 2^24, so two statements never have the same elements.
    pub fn elements(&self) -> [F; STATEMENT_LEN] {
        let bytes = |element: &[u8]| {
            let shifted = element.iter().rev();
            F::from_u32(shifted.fold(0, |word, &byte| word << 8 | u32::from(byte)))
        };
        let mut elements = self
            .tag
            .chunks(ELEMENT_BYTES)
            .chain(self.digest.chunks(ELEMENT_BYTES))
            .map(bytes);
        core::array::from_fn(|_| elements.next().unwrap_or(F::ZERO))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_three_bytes_each() {
        let tag = core::array::from_fn(|i| i as u8);
        let digest = core::array::from_fn(|i| 0xff - i as u8);
        let elements = Statement { tag, digest }.elements();
        assert_eq!(elements.len(), 19);
        assert_eq!(elements[0], F::from_u32(0x02_01_00));
        assert_eq!(elements[7], F::from_u32(0x17_16_15));
        assert_eq!(elements[8], F::from_u32(0xfd_fe_ff));
        assert_eq!(elements[18], F::from_u32(0xe0_e1));
    }

    #[test]
    fn every_byte_is_absorbed() {
        let zero = Statement {
            tag: [0; TAG_BYTES],
            digest: [0; IDENTITY_BYTES],
        };
        for at in 0..TAG_BYTES + IDENTITY_BYTES {
            let mut other = zero;
            match other.tag.get_mut(at) {
                Some(byte) => *byte = 1,
                None => other.digest[at - TAG_BYTES] = 1,
            }
            assert_ne!(other.elements(), zero.elements(), "byte {at}");
        }
    }
}
