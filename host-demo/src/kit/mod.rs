//! Guests of one's own: projects that build out of the box ([`create`](fn@create)), and their build ([`build`](fn@build)).
//!
//! A project holds all that it is built from but the compiler: the kit is `guests/runtime` and, in Rust,
//! `guests/tranche-guest`, copied into it.

mod build;
mod c;
mod create;
mod error;
mod files;
mod rust;
mod tools;

pub use build::build;
pub use create::create;
pub use error::KitError;
pub use files::Language;
