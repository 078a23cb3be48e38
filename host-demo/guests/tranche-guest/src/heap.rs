//! The global allocator, over the memory between the program and the end that the linker script names. When it is
//! full, the program panics.

use core::ptr::addr_of_mut;

use critical_section::RawRestoreState;
use embedded_alloc::LlffHeap;

#[global_allocator]
static HEAP: LlffHeap = LlffHeap::empty();

/// The machine has one hart and no interrupts: nothing can come between.
struct OneHart;

critical_section::set_impl!(OneHart);

// SAFETY: there is nobody to exclude.
unsafe impl critical_section::Impl for OneHart {
    unsafe fn acquire() -> RawRestoreState {}
    unsafe fn release(_: RawRestoreState) {}
}

unsafe extern "C" {
    static mut __heap_start: u8;
    static mut __heap_end: u8;
}

/// Gives the allocator its memory. Once, before anything is allocated.
pub(crate) fn begin() {
    let (start, end) = (
        addr_of_mut!(__heap_start).addr(),
        addr_of_mut!(__heap_end).addr(),
    );
    // SAFETY: the linker script puts nothing between the two; `entry!` calls this once.
    unsafe { HEAP.init(start, end - start) };
}
