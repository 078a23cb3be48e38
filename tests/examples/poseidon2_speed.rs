//! Times one packed Poseidon2 permutation of the core against Plonky3's own, alternating.
//!
//! Run it with `cargo run --release -p tranche-tests --example poseidon2_speed`.

use std::array;
use std::hint::black_box;
use std::time::{Duration, Instant};

use p3_baby_bear::{BabyBear, default_babybear_poseidon2_16};
use p3_field::{Field, PackedValue, PrimeCharacteristicRing};
use p3_symmetric::Permutation;
use tranche_core::poseidon2::Poseidon2;

type Packing = <BabyBear as Field>::Packing;

/// Permutations in one timed block.
const PERMUTATIONS: u32 = 20_000;
/// Timed blocks of either side.
const BLOCKS: usize = 31;

fn main() {
    let ours = Poseidon2::BABY_BEAR;
    let theirs = default_babybear_poseidon2_16();
    let mut state: [Packing; 16] = array::from_fn(|i| {
        Packing::from_fn(|lane| BabyBear::from_usize(i * Packing::WIDTH + lane))
    });

    let mut our_times = Vec::new();
    let mut their_times = Vec::new();
    for _ in 0..BLOCKS {
        our_times.push(time(&mut state, |state| ours.permute(state)));
        their_times.push(time(&mut state, |state| theirs.permute_mut(state)));
    }

    let (ours, theirs) = (median(our_times), median(their_times));
    println!("lanes:   {}", Packing::WIDTH);
    println!("core:    {ours:.1} ns");
    println!("plonky3: {theirs:.1} ns");
    println!("ratio:   {:.3}", ours / theirs);
}

/// Time of a block of dependent permutations.
fn time(state: &mut [Packing; 16], permute: impl Fn(&mut [Packing; 16])) -> Duration {
    let start = Instant::now();
    for _ in 0..PERMUTATIONS {
        permute(black_box(state));
    }
    start.elapsed()
}

/// Median time of one permutation, in nanoseconds.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e9 / f64::from(PERMUTATIONS)
}
