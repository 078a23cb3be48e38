//! What the fuzz targets check: each module takes an input that a fuzzer varies and panics when its
//! oracle finds the program at fault.
//!
//! | module | an input is | oracle |
//! |---|---|---|
//! | [`elf`] | an ELF file | a second reader of ELF files; no panic, a bounded heap |
//! | [`bundle`] | changes to an honest bundle | accepted only if byte-equal to an honest one; no panic, a bounded heap |
//! | [`decode`] | words | a table of the manual's encodings |
//! | [`guest`] | choices of a program generator | QEMU; what was proved verifies |
//!
//! The fuzzer is libFuzzer (`targets/`, feature `libfuzzer`); `run` builds and starts it. The oracles
//! have tests of their own, in which they are given a program at fault.
#![forbid(unsafe_code)]

use std::alloc::System;

use peakmem_alloc::{INSTRUMENTED_SYSTEM, PeakMemAlloc, PeakMemAllocTrait};

#[allow(missing_docs)]
#[path = "../../support/src/machine/asm.rs"]
pub mod asm;
pub mod bundle;
#[allow(missing_docs)]
#[path = "../../tests/epochs/bundles.rs"]
pub mod bundles;
pub mod decode;
pub mod elf;
pub mod guest;
pub mod honest;
pub mod mutate;
pub mod tally;

/// Counts the bytes of the heap.
#[global_allocator]
static HEAP: &PeakMemAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What `work` returns, and the most bytes of the heap that it held at a time.
///
/// Other threads' bytes count too: a fuzzer has one thread.
pub fn heap_peak<R>(work: impl FnOnce() -> R) -> (R, usize) {
    HEAP.reset_peak_memory();
    let result = work();
    (result, HEAP.get_peak_memory())
}

/// Until it is dropped, no other test that asks for it runs: the heap is counted over all threads.
#[cfg(test)]
fn alone() -> std::sync::MutexGuard<'static, ()> {
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    ALONE
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
