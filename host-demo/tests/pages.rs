//! Bytes of the host's heap for each byte of memory that a guest touches.

use std::alloc::System;

use peakmem_alloc::{INSTRUMENTED_SYSTEM, PeakMemAlloc, PeakMemAllocTrait};
use tranche_machine::{Cell, CellStore, Pages};

#[global_allocator]
static HEAP: &PeakMemAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Touched cells of a dense guest: 16 MiB.
const CELLS: u32 = 1 << 22;
/// Bytes of the index of all pages that there may be; the system backs what is written of it.
const INDEX: usize = 4 * ((1 << 22) + (1 << 14) + 1);

/// Touches every `step`-th cell, `per_epoch` of them in an epoch; returns the peak of the heap besides
/// the index, in bytes for each byte on a touched page.
fn touch(step: u32, per_epoch: Option<u32>) -> f64 {
    HEAP.reset_peak_memory();
    let mut pages = Pages::new(1 << 30);
    let mut epoch = 0;
    for (i, id) in (0..CELLS).step_by(step as usize).enumerate() {
        if per_epoch.is_some_and(|n| (i as u32).is_multiple_of(n)) {
            epoch += 1;
            pages.start_epoch(epoch);
        }
        let access = |cell: &mut Cell| (cell.value, cell.epoch, cell.timestamp) = (id, epoch, 1);
        pages.with(id, |_| 0, access).expect("room");
    }
    let peak = HEAP.get_peak_memory() - INDEX;
    assert_eq!(pages.bytes(), 4 * u64::from(CELLS));
    peak as f64 / pages.bytes() as f64
}

/// One test, since the heap is counted over all threads.
#[test]
fn at_most_two_bytes_for_a_byte() {
    let (plain, recorded) = (touch(1, None), touch(1, Some(1 << 17)));
    println!("{plain:.3} bytes a byte without records, {recorded:.3} with");
    assert!(plain < 1.2 && recorded < 2.0, "{plain} and {recorded}");
    // One cell of every page: no more for a page than when all of it is touched.
    let (plain, recorded) = (touch(256, None), touch(256, Some(1 << 10)));
    println!("sparse: {plain:.3} bytes a byte without records, {recorded:.3} with");
    assert!(plain < 1.2 && recorded < 2.0, "{plain} and {recorded}");
}
