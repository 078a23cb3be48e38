//! Runs of several batches, as the core proves them, against what knows their bytes: in forked order a naive prover
//! in Plonky3's pieces, in shared order Plonky3's own on all tables of the run.

mod bytes;
mod refused;
