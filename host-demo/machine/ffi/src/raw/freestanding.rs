//! What a static library without std owes its linker: where panics go, and an allocator.

use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;

unsafe extern "C" {
    /// Defined by the embedder, who does not come back from it.
    safe fn tranche_panic(file: *const u8, file_len: usize, line: u32);

    /// Defined by nobody: an image in which an allocation can be reached does not link. The crates of
    /// the field link `alloc`, and so need an allocator, for functions that nothing here calls.
    ///
    /// It is declared to return: of an allocator that does not, the compiler would drop the call.
    safe fn tranche_heap_reached(size: usize, align: usize) -> *mut u8;
}

/// Ends in the embedder, or, should that return, in a loop.
fn end(file: &str, line: u32) -> ! {
    tranche_panic(file.as_ptr(), file.len(), line);
    loop {
        core::hint::spin_loop();
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    match info.location() {
        Some(at) => end(at.file(), at.line()),
        None => end("", 0),
    }
}

struct Missing;

// SAFETY: no image that calls it links, so no promise is made.
unsafe impl GlobalAlloc for Missing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        tranche_heap_reached(layout.size(), layout.align())
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {
        tranche_heap_reached(0, 0);
    }
}

#[global_allocator]
static ALLOCATOR: Missing = Missing;
