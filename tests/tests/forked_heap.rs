//! What a batch more costs the verifier of a run in memory: its roots and a few extension elements, and neither
//! its claims nor its rows.

use std::alloc::System;

use peakmem_alloc::{INSTRUMENTED_SYSTEM, PeakMemAlloc, PeakMemAllocTrait};
use tranche_core::Params;
use tranche_core::verifier::ForkedKey;
use tranche_test_support::air::Part;
use tranche_test_support::retire::{Run, naive};
use tranche_test_support::shapes::{QUICK, Shape, TableShape};

#[global_allocator]
static HEAP: &PeakMemAlloc<System> = &INSTRUMENTED_SYSTEM;

const PARAMS: Params = Params {
    num_queries: 20,
    ..QUICK
};

/// Proof bytes, and the peak of the heap while they are verified, of a run of so many wide batches.
fn peak(batches: usize) -> (usize, usize) {
    let parts = vec![Part::Power { degree: 2 }; 32];
    let table = TableShape {
        log_height: 3,
        parts,
        max_constraint_degree: None,
    };
    let mut run = Run::cut(Shape::new(vec![table], PARAMS).batch(), &[]);
    run.batches = vec![run.batches[0].clone(); batches];
    let proof = naive::prove(&run).encode();
    let kind = (run.batches[0].airs.clone(), vec![3]);
    let key = ForkedKey::new(vec![kind], PARAMS, run.suite.clone()).expect("a wide table");
    let (sequence, publics) = (vec![0; batches], run.publics());

    HEAP.reset_peak_memory();
    let result = key.verify(&proof[..], None, &sequence, &publics);
    let peak = HEAP.get_peak_memory();
    assert_eq!(result, Ok(()));
    (proof.len(), peak)
}

/// One test, since the heap is counted over all threads.
#[test]
fn a_batch_more_costs_its_roots() {
    let (few, many) = (4, 36);
    let (short, low) = peak(few);
    let (long, high) = peak(many);
    let (bytes, heap) = ((long - short) / (many - few), (high - low) / (many - few));
    println!("a batch more: {bytes} bytes of proof, {heap} of heap; {low} for {few} batches");
    assert!(bytes > 6144, "{bytes} bytes of proof");
    assert!(heap < 512, "{heap} bytes of heap");
}
