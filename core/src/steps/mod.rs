//! The phases of a proof as arithmetic over slices: challenges in; roots, terminals, claims and
//! codewords out. No step knows a transcript, or where in the workspace its slices lie.

pub(crate) mod argue;
pub(crate) mod claims;
pub(crate) mod extension;
pub(crate) mod homes;
pub(crate) mod lookup;
pub(crate) mod opening;
pub(crate) mod quotient;
pub(crate) mod reduce;
pub(crate) mod rows;
pub(crate) mod trees;

/// Rows of one stretch of an extension.
const CHUNK: usize = 512;
