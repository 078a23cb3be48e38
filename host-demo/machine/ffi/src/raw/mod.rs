//! Everything unsafe of this crate: what C calls, and how its buffer is cut up.

#![allow(unsafe_code)]

pub mod arena;
pub mod exports;
#[cfg(feature = "freestanding")]
mod freestanding;
