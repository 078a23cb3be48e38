//! Everything that is unsafe or the target's own: the arena, the stack, the clock, the host, the
//! allocator. The one module of this package that holds unsafe code.
//!
//! Images have one thread, and no interrupt is ever enabled.

#![allow(unsafe_code)]

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::mem::{MaybeUninit, align_of, size_of};
use core::ptr::{addr_of, addr_of_mut};
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::session::Failure;

#[cfg(not(target_arch = "x86_64"))]
#[path = "metal/semihosting.rs"]
mod host;
#[cfg(target_arch = "x86_64")]
#[path = "metal/ports.rs"]
mod host;
#[path = "metal/clock.rs"]
mod ticks;

pub use ticks::clock;

unsafe extern "C" {
    static mut _arena_start: [MaybeUninit<u8>; 0];
    static mut _arena_end: [MaybeUninit<u8>; 0];
}
static ARENA_TAKEN: AtomicBool = AtomicBool::new(false);

/// A static that one owner mutates.
struct Cells<T>(UnsafeCell<T>);

// SAFETY: images have one thread and no interrupts.
unsafe impl<T> Sync for Cells<T> {}

/// The buffer that everything large is placed in.
#[derive(Debug)]
pub struct Arena {
    left: &'static mut [MaybeUninit<u8>],
}

/// The arena, all of its section; to be asked for once. It holds whatever was in it: the section is neither loaded
/// nor cleared.
///
/// # Panics
/// The second time.
pub fn arena() -> Arena {
    assert!(!ARENA_TAKEN.swap(true, Ordering::Relaxed), "taken already");
    let (start, end) = (addr_of_mut!(_arena_start), addr_of_mut!(_arena_end));
    let len = end as usize - start as usize;
    // SAFETY: the section is memory that nothing else uses, any byte is a value, and the flag has just been set for
    // the first time, so this is the only reference.
    let left = unsafe { core::slice::from_raw_parts_mut(start.cast(), len) };
    Arena { left }
}

impl Arena {
    /// Bytes left.
    pub const fn left(&self) -> usize {
        self.left.len()
    }

    /// `len` bytes that hold anything.
    ///
    /// # Errors
    /// When fewer are left.
    pub fn take_uninit(&mut self, len: usize) -> Result<&'static mut [MaybeUninit<u8>], Failure> {
        let left = core::mem::take(&mut self.left);
        if len > left.len() {
            let (needed, left) = (len, left.len());
            return Err(Failure::Arena { needed, left });
        }
        let (taken, rest) = left.split_at_mut(len);
        self.left = rest;
        Ok(taken)
    }

    /// `len` copies of `value`.
    ///
    /// # Errors
    /// When there is no room for them.
    pub fn take<T: Copy>(&mut self, len: usize, value: T) -> Result<&'static mut [T], Failure> {
        let start = self.room_for::<T>(len)?;
        for i in 0..len {
            // SAFETY: there is room for `len` values, and it is ours alone.
            unsafe { start.add(i).write(value) };
        }
        // SAFETY: as above, and every element has been written.
        Ok(unsafe { core::slice::from_raw_parts_mut(start, len) })
    }

    /// One value.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn place<T>(&mut self, value: T) -> Result<&'static mut T, Failure> {
        let start = self.room_for::<T>(1)?;
        // SAFETY: there is room for one value, and it is ours alone; it is written first.
        unsafe {
            start.write(value);
            Ok(&mut *start)
        }
    }

    /// Aligned room for `len` values.
    fn room_for<T>(&mut self, len: usize) -> Result<*mut T, Failure> {
        let padding = self.left.as_ptr().align_offset(align_of::<T>());
        self.take_uninit(padding)?;
        let bytes = self.take_uninit(len * size_of::<T>())?;
        Ok(bytes.as_mut_ptr().cast())
    }
}

/// What startup code fills the stack with.
const PAINT: usize = 0xaaaa_aaaa_aaaa_aaaa_u64 as usize;

unsafe extern "C" {
    static _stack_bottom: [usize; 0];
    static _stack_top: [usize; 0];
}

/// Bytes of the stack that were ever used, and all of it.
pub fn stack() -> (usize, usize) {
    let (bottom, top) = (addr_of!(_stack_bottom), addr_of!(_stack_top));
    let words = (top as usize - bottom as usize) / size_of::<usize>();
    let word = bottom.cast::<usize>();
    let painted = (0..words)
        // SAFETY: the words are inside the stack's section, which is memory; they are read as they
        // are, used or not.
        .take_while(|&i| unsafe { word.add(i).read_volatile() } == PAINT)
        .count();
    let word = size_of::<usize>();
    ((words - painted) * word, words * word)
}

/// An allocator that has nothing to give: a call of it ends the image.
struct Trap;

// SAFETY: no call returns, so no promise is made.
unsafe impl GlobalAlloc for Trap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        defmt::error!("an allocation of {=usize} bytes", layout.size());
        exit(false)
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {
        defmt::error!("a deallocation");
        exit(false)
    }
}

#[global_allocator]
static ALLOCATOR: Trap = Trap;

/// Where the host takes log frames and proof bytes.
struct Streams {
    log: AtomicUsize,
    proof: AtomicUsize,
}

static STREAMS: Streams = Streams {
    log: AtomicUsize::new(0),
    proof: AtomicUsize::new(0),
};

/// Starts the clock and opens what the host takes.
pub(crate) fn start() {
    ticks::start();
    let open = |name| host::open(name, true).unwrap_or_else(|| host::exit(false));
    STREAMS.log.store(open(c"log"), Ordering::Relaxed);
    STREAMS.proof.store(open(c"proofs"), Ordering::Relaxed);
}

/// Reads the host's job into `line`.
pub(crate) fn receive_job(line: &'static mut [u8]) -> &'static [u8] {
    let len = host::open(c"job", false).map_or(0, |file| host::read(file, line));
    &line[..len]
}

/// Hands proof bytes to the host; false when it does not take them all.
pub(crate) fn send_proof(bytes: &[u8]) -> bool {
    host::write(STREAMS.proof.load(Ordering::Relaxed), bytes)
}

/// Ends the image.
pub fn exit(success: bool) -> ! {
    host::exit(success)
}

/// Log frames to the host.
#[defmt::global_logger]
struct Logger;

static ENCODER: Cells<defmt::Encoder> = Cells(UnsafeCell::new(defmt::Encoder::new()));

fn send_log(bytes: &[u8]) {
    // What the host does not take is missing from its log, which it notices.
    host::write(STREAMS.log.load(Ordering::Relaxed), bytes);
}

// SAFETY: images have one thread and no interrupts, and nothing below logs: a frame is complete
// before another begins.
unsafe impl defmt::Logger for Logger {
    fn acquire() {
        // SAFETY: the encoder is used here alone, by one frame at a time.
        unsafe { (*ENCODER.0.get()).start_frame(send_log) }
    }

    unsafe fn flush() {}

    unsafe fn release() {
        // SAFETY: as above.
        unsafe { (*ENCODER.0.get()).end_frame(send_log) }
    }

    unsafe fn write(bytes: &[u8]) {
        // SAFETY: as above.
        unsafe { (*ENCODER.0.get()).write(bytes, send_log) }
    }
}
