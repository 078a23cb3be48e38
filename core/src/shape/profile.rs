//! What a proof keeps in the workspace, and what it computes again.

/// What a proof keeps in the workspace, and what it computes again; its bytes are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Profile {
    /// Keeps every low-degree extension, and the digests but for the lowest layers of large trees, of which few
    /// are hashed again.
    #[default]
    Fast,
    /// Keeps traces, quotient chunks and the upper digests; computes permutation columns, extensions
    /// and the lowest digests when they are needed.
    Compact,
}
