//! Why a partial file is refused.

use thiserror::Error;

/// Version of a partial file's format.
pub(super) const VERSION: u16 = 1;

/// Why a partial file is not gone on with. It stays as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PartialError {
    /// Another process has it.
    #[error("another process writes it")]
    Busy,
    /// The name is that of something else than a regular file.
    #[error("not a regular file")]
    Kind,
    /// The first bytes are no partial file's.
    #[error("not a partial file")]
    Magic,
    /// Another version of the format.
    #[error("a partial file of version {got}, not {VERSION}")]
    Version {
        /// The version found.
        got: u16,
    },
    /// Its head is damaged.
    #[error("the head of the partial file is damaged")]
    Head,
    /// It belongs to another run.
    #[error("the partial file of another run: of another {what}")]
    Other {
        /// What differs.
        what: &'static str,
    },
}
