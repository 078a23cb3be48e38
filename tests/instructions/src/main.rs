//! Computes one thing so many times, for an emulator that counts instructions.
//!
//! What one call takes is the difference of two runs over the difference of their calls: `tests/instructions/run`
//! makes them, and prints what the backend of the build takes over what Plonky3's packing takes.
//!
//! | module | role |
//! |---|---|
//! | `kernels` | permutations, transforms, blocks |
//! | `epoch` | a whole proof |
#![forbid(unsafe_code)]

mod epoch;
mod kernels;

use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use tranche_backend::Chosen;
use tranche_core::DefaultBackend;
use tranche_core::air::ProverAir;
use tranche_core::hash::blake3::{self, Blake3};
use tranche_core::hash::poseidon2::{self, Poseidon2};
use tranche_machine::EpochTable;

/// Computes one thing so many times.
#[derive(Clone, Copy, Debug, Parser)]
#[command(version, about)]
struct Args {
    /// What is computed.
    #[arg(value_enum)]
    what: What,
    /// Whose code computes it.
    #[arg(value_enum)]
    side: Side,
    /// How many times.
    calls: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// A packed permutation of Poseidon2.
    Permutation,
    /// A transform of 2^13 coefficients to evaluations on a coset.
    Forward,
    /// A transform of 2^13 evaluations to coefficients.
    Inverse,
    /// Leaves of one BLAKE3 block each, 256 of them.
    Leaves,
    /// Nodes of BLAKE3, 256 of them.
    Nodes,
    /// A proof of an epoch of the machine with Poseidon2.
    Poseidon2Proof,
    /// The same with BLAKE3.
    Blake3Proof,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Side {
    /// The backend of this build.
    Own,
    /// The core's kernels over Plonky3's packing.
    Packing,
    /// The whole kernel of another crate: Plonky3's permutation, `blake3`'s lanes.
    Crate,
}

fn main() -> ExitCode {
    let Args { what, side, calls } = Args::parse();
    match side {
        Side::Own => of_backend::<Chosen>(what, calls),
        Side::Packing => of_backend::<DefaultBackend>(what, calls),
        Side::Crate => match what {
            What::Permutation => kernels::plonky3_permutation(calls),
            What::Leaves => kernels::blake3_chunks(calls),
            _ => {
                eprintln!("no other crate is compared with here");
                return ExitCode::from(2);
            }
        },
    }
    ExitCode::SUCCESS
}

fn of_backend<B: poseidon2::Kernels + blake3::Kernels>(what: What, calls: usize)
where
    for<'a> EpochTable<'a>: ProverAir<B>,
{
    match what {
        What::Permutation => kernels::permutation::<B>(calls),
        What::Forward => kernels::forward::<B>(calls),
        What::Inverse => kernels::inverse::<B>(calls),
        What::Leaves => kernels::leaves::<B>(calls),
        What::Nodes => kernels::nodes::<B>(calls),
        What::Poseidon2Proof => epoch::prove::<B, Poseidon2>(calls),
        What::Blake3Proof => epoch::prove::<B, Blake3>(calls),
    }
}
