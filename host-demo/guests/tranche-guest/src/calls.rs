//! System calls: a number in a7, arguments in a0 to a2, the result in a0. The numbers and meanings are Linux's, so a
//! guest runs under qemu-riscv32 as well; a call of the machine never fails.

use core::arch::asm;
#[cfg(feature = "alloc")]
use core::mem::MaybeUninit;

use crate::exit::IO_ERROR;

const READ: u32 = 63;
const WRITE: u32 = 64;
const EXIT: u32 = 93;

const INPUT: u32 = 0;
const OUTPUT: u32 = 1;
const MESSAGES: u32 = 2;
const PUBLIC: u32 = 3;

/// Most bytes of one message; longer ones are cut into several.
const MESSAGE_BYTES: usize = 1 << 20;

/// Calls `number` with a descriptor and `len` bytes at `address`; returns how many of them were moved.
fn transfer(number: u32, descriptor: u32, address: *mut u8, len: usize) -> usize {
    let moved: i32;
    // SAFETY: the callers own `len` bytes at `address`, and a read may write them; nothing else changes but a0.
    unsafe {
        asm!(
            "ecall",
            inlateout("a0") descriptor => moved,
            in("a1") address,
            in("a2") len,
            in("a7") number,
            options(nostack),
        );
    }
    usize::try_from(moved).unwrap_or_else(|_| exit(IO_ERROR))
}

/// What a program is given.
#[derive(Clone, Copy)]
pub(crate) enum Input {
    /// What the proof does not speak of.
    Private,
    /// What is part of what is proved.
    Public,
}

impl Input {
    const fn descriptor(self) -> u32 {
        match self {
            Self::Private => INPUT,
            Self::Public => PUBLIC,
        }
    }

    /// Reads into `to`, which need not hold anything, as far as there is input; returns the number of bytes, 0 at
    /// the input's end.
    #[cfg(feature = "alloc")]
    pub(crate) fn read_uninit(self, to: &mut [MaybeUninit<u8>]) -> usize {
        transfer(READ, self.descriptor(), to.as_mut_ptr().cast(), to.len())
    }

    /// Reads into `to` until it is full or the input ends; returns the number of bytes.
    fn read(self, to: &mut [u8]) -> usize {
        let mut have = 0;
        while have < to.len() {
            let rest = &mut to[have..];
            match transfer(READ, self.descriptor(), rest.as_mut_ptr(), rest.len()) {
                0 => break,
                got => have += got,
            }
        }
        have
    }
}

/// Reads input into `to` until it is full or the input ends; returns the number of bytes. It is private: no proof
/// says what it was.
pub fn read(to: &mut [u8]) -> usize {
    Input::Private.read(to)
}

/// Reads public input, which is part of what is proved, into `to` until it is full or the input ends; returns the
/// number of bytes.
pub fn read_public(to: &mut [u8]) -> usize {
    Input::Public.read(to)
}

fn write_to(descriptor: u32, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match transfer(WRITE, descriptor, bytes.as_ptr().cast_mut(), bytes.len()) {
            0 => exit(IO_ERROR),
            done => bytes = &bytes[done..],
        }
    }
}

/// Appends bytes to the public output, which is part of what is proved.
pub fn write(bytes: &[u8]) {
    write_to(OUTPUT, bytes);
}

/// Says something to whoever runs the program; no proof speaks of it.
pub fn message(bytes: &[u8]) {
    for part in bytes.chunks(MESSAGE_BYTES) {
        write_to(MESSAGES, part);
    }
}

/// Ends the run; `code` is part of what is proved.
pub fn exit(code: u32) -> ! {
    // SAFETY: the call does not return.
    unsafe { asm!("ecall", in("a0") code, in("a7") EXIT, options(noreturn, nostack)) }
}
