//! What the static libraries and images of the C interface contain: allocators, hash suites, and where
//! panics come from.

pub mod archive;
mod image;
pub mod sites;
pub mod suites;
mod symbols;
