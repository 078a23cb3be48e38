//! Identity digests: BLAKE3 of a canonical form, one context for each kind of thing.
//!
//! | kind | form |
//! |---|---|
//! | program | entry, number of segments, then of each: address, end, executable (1 or 0), number of bytes, the bytes |
//! | plan | machine version, queries, the nine other parameters, number of integers, the integers |
//! | result | exit code, number of bytes, the bytes |
//! | public input | number of bytes, the bytes |
//! | epoch statement | program, plan, number |
//! | inner merge statement | program, plan, level, first epoch, last epoch |
//! | root merge statement | program, plan, level, first epoch, last epoch, public input, result |
//! | run statement | program, plan, body batches, public input, result |
//! | whole run statement | program, plan, public input, result |
//!
//! Numbers are four bytes, little-endian; digests are their 32 bytes. A kind fixes the order of its
//! parts, and the number of a list's items stands before them, so two things of one kind never have
//! the same form. The kinds are apart because each is hashed with a key of its own, derived from its
//! context (BLAKE3's `derive_key` mode). Which hash a proof is made with makes no difference here.
//!
//! Source: O'Connor, Aumasson, Neves, Wilcox-O'Hearn, *BLAKE3*, section 2.3. Nothing here allocates
//! or panics.

use tranche_core::Identity;

/// What a digest names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Program,
    Plan,
    Result,
    Public,
    Epoch,
    InnerMerge,
    RootMerge,
    Run,
    Whole,
}

impl Kind {
    /// The context of the kind: a constant that no other use of BLAKE3 has.
    const fn context(self) -> &'static str {
        match self {
            Self::Program => "tranche 2026-11-26 program v2",
            Self::Plan => "tranche 2026-11-26 plan v2",
            Self::Result => "tranche 2026-11-26 result v2",
            Self::Public => "tranche 2026-11-27 public input v1",
            Self::Epoch => "tranche 2026-11-26 epoch statement v2",
            Self::InnerMerge => "tranche 2026-11-26 inner merge statement v2",
            Self::RootMerge => "tranche 2026-11-27 root merge statement v3",
            Self::Run => "tranche 2026-11-27 run statement v3",
            Self::Whole => "tranche 2026-11-27 whole run statement v3",
        }
    }
}

/// A digest under way.
pub(crate) struct Form(blake3::Hasher);

impl Form {
    pub(crate) fn new(kind: Kind) -> Self {
        Self(blake3::Hasher::new_derive_key(kind.context()))
    }

    pub(crate) fn word(&mut self, word: u32) -> &mut Self {
        self.raw(&word.to_le_bytes())
    }

    pub(crate) fn digest(&mut self, digest: &Identity) -> &mut Self {
        self.raw(digest)
    }

    /// Bytes behind their number.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.word(bytes.len() as u32).raw(bytes)
    }

    pub(crate) fn finish(&self) -> Identity {
        *self.0.finalize().as_bytes()
    }

    fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update(bytes);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [Kind; 9] = [
        Kind::Program,
        Kind::Plan,
        Kind::Result,
        Kind::Public,
        Kind::Epoch,
        Kind::InnerMerge,
        Kind::RootMerge,
        Kind::Run,
        Kind::Whole,
    ];

    #[test]
    fn kinds_are_apart() {
        let digests = KINDS.map(|kind| Form::new(kind).finish());
        for (i, digest) in digests.iter().enumerate() {
            assert!(!digests[..i].contains(digest), "{:?}", KINDS[i]);
        }
    }

    #[test]
    fn numbers_stand_before_what_they_count() {
        let of = |parts: [&[u8]; 2]| {
            let mut form = Form::new(Kind::Result);
            form.bytes(parts[0]).bytes(parts[1]);
            form.finish()
        };
        assert_ne!(of([b"ab", b"c"]), of([b"a", b"bc"]));
        assert_ne!(of([b"", b"abc"]), of([b"abc", b""]));
        assert_ne!(of([b"a\0", b""]), of([b"a", b""]));
    }

    #[test]
    fn the_digest_is_blake3s() {
        let form = b"\x07\0\0\0\x02\0\0\0hi";
        let expected = blake3::derive_key("tranche 2026-11-26 result v2", form);
        let mut ours = Form::new(Kind::Result);
        assert_eq!(ours.word(7).bytes(b"hi").finish(), expected);
    }
}
