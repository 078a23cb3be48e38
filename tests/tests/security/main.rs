//! The security module against `p3-security` 0.8.0, term by term, and the numbers of the design.
//!
//! `p3-security` knows one trace height and takes its own input structs. They are filled here the way
//! Plonky3 fills them: FRI and its grinding from `FriParameters`, the opening count from
//! `p3_batch_stark::num_batched_openings`, LogUp passed as an extra term.

mod any_batch;
mod numbers;
mod reference;

use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::security::SecurityShape;
use tranche_core::{Params, Suite};

/// The 2^16-cycle epoch of the design: 25 messages a row of up to 7 elements, 400 openings.
const EPOCH: SecurityShape = SecurityShape {
    log_height: 16,
    max_points: 2,
    openings: 400,
    constraints: 300,
    max_degree: 3,
    log_quotient_chunks: 1,
    messages: 25 << 16,
    max_message_width: 7,
    collision_bits: Poseidon2::COLLISION_BITS,
};

/// The same parameters without any grinding.
const fn without_grinding(params: Params) -> Params {
    Params {
        query_pow_bits: 0,
        batch_pow_bits: 0,
        lookup_pow_bits: 0,
        commit_pow_bits: 0,
        ood_pow_bits: 0,
        ..params
    }
}

/// The default parameters without any grinding.
const NO_GRINDING: Params = without_grinding(Params::DEFAULT);
