//! The tables of an epoch.

pub mod l2g;
pub mod rom;
