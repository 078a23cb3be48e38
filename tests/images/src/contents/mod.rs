//! What the static libraries and images of the C interface contain: allocators, and where panics come
//! from.

pub mod archive;
mod image;
pub mod sites;
mod symbols;
