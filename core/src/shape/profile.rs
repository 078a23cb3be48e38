//! What a proof keeps in the workspace, and what it computes again.

use crate::hash::rebuild::dropped_layers;

/// What a proof keeps in the workspace, and what it computes again; its bytes are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Profile {
    /// Keeps every low-degree extension and every digest.
    #[default]
    Fast,
    /// Keeps traces, quotient chunks and the upper digests; computes permutation columns, extensions
    /// and the lowest digests when they are needed.
    Compact,
}

impl Profile {
    /// Layers of a tree of `2^log_leaves` leaves that are not kept, from the leaves up, when that of
    /// `2^log_kept` digests is.
    pub(crate) fn dropped_layers(self, log_kept: usize, log_leaves: usize) -> usize {
        match self {
            Self::Fast => 0,
            Self::Compact => dropped_layers(log_kept, log_leaves),
        }
    }
}
