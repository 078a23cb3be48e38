//! Merges of toy runs: as batches, with checks taken out, and what is wrong with them.

pub mod audit;
pub mod batch;
pub mod forge;
pub mod mutant;
