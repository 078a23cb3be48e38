//! `tranche-fleet` proves runs on other machines: epochs and merges, or the batches of one proof.
//!
//! PostgreSQL holds all state: runs, jobs, proofs, and the queue that workers take jobs from. A coordinator executes a
//! run, makes a job of each epoch and each merge, or of each step of each batch; it, or a judge, verifies what is returned
//! before it is taken; any number of workers prove. The bundle is byte for byte what `tranche prove` writes. `docs/fleet.md` says what happens when something
//! fails, and who sees what.
//!
//! | module | role |
//! |---|---|
//! | [`database`], [`blobs`] | connections, and large bytes in pieces |
//! | [`init`](mod@init), [`manage`], [`status`] | the schema, the end of runs, and what there is |
//! | [`submit`](mod@submit), [`coordinate`](mod@coordinate), [`fetch`](mod@fetch) | a run into jobs, jobs into a bundle |
//! | [`worker`], [`wake`], [`prover`] | jobs into proofs |
//! | [`offers`], [`judge`], [`spent`] | proofs into accepted ones |
//! | [`bench`](mod@bench) | threads that do either |
//! | [`cli`], [`error`] | the command line |
#![forbid(unsafe_code)]

pub mod bench;
pub mod blobs;
pub mod cli;
pub mod coordinate;
pub mod database;
pub mod error;
pub mod fetch;
pub mod init;
pub mod job;
pub mod judge;
pub mod manage;
pub mod offers;
pub mod prover;
pub mod run;
pub mod spent;
pub mod status;
pub mod submit;
pub mod wake;
pub mod worker;
