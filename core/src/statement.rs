//! What a proof is about: the words that seed its transcript.

use crate::F;

/// Field elements of the domain tag.
pub const TAG_LEN: usize = 8;

/// Seeds a proof's transcript: a domain tag, then the digest of what is proved.
///
/// Both sides observe `tag`, then `digest`, before the first step of the batch protocol. `None` in
/// place of a statement seeds nothing, which is what a plain Plonky3 configuration does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Names the kind of proof, so that no proof can be replayed as one of another kind.
    pub tag: [F; TAG_LEN],
    /// Poseidon2 digest of the statement.
    pub digest: crate::Digest,
}
