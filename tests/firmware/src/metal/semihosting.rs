//! Files and exit of the host, by semihosting (Arm's "Semihosting for AArch32 and AArch64", and the
//! RISC-V specification of the same calls).

use core::arch::asm;
use core::ffi::CStr;

const SYS_OPEN: usize = 0x01;
const SYS_WRITE: usize = 0x05;
const SYS_READ: usize = 0x06;
const SYS_EXIT_EXTENDED: usize = 0x20;
/// Modes of `SYS_OPEN`: "rb" and "wb".
const READ_BINARY: usize = 1;
const WRITE_BINARY: usize = 5;
/// The reason of an exit that was meant.
const APPLICATION_EXIT: usize = 0x2_0026;

/// Opens a file of the host, to be read or to be written anew.
pub fn open(name: &CStr, write: bool) -> Option<usize> {
    let mode = if write { WRITE_BINARY } else { READ_BINARY };
    let handle = call(
        SYS_OPEN,
        &[name.as_ptr() as usize, mode, name.count_bytes()],
    );
    (handle != usize::MAX).then_some(handle)
}

/// Writes all bytes; false when the host did not take them.
pub fn write(file: usize, bytes: &[u8]) -> bool {
    call(SYS_WRITE, &[file, bytes.as_ptr() as usize, bytes.len()]) == 0
}

/// Reads at most as many bytes as there is room for; returns how many.
pub fn read(file: usize, bytes: &mut [u8]) -> usize {
    let len = bytes.len();
    let missing = call(SYS_READ, &[file, bytes.as_mut_ptr() as usize, len]);
    len.saturating_sub(missing)
}

/// Ends the emulator.
pub fn exit(success: bool) -> ! {
    call(
        SYS_EXIT_EXTENDED,
        &[APPLICATION_EXIT, usize::from(!success), 0],
    );
    loop {
        core::hint::spin_loop();
    }
}

/// A call of the host with a block of arguments.
fn call(operation: usize, arguments: &[usize; 3]) -> usize {
    let result;
    // SAFETY: the breakpoint is the host's to handle; it reads the block, and the buffers that the
    // callers above point it at, which live until it returns. Memory may change, as the default says.
    unsafe {
        #[cfg(target_arch = "arm")]
        asm!(
            "bkpt #0xab",
            inlateout("r0") operation => result,
            in("r1") arguments,
            options(nostack),
        );
        #[cfg(target_arch = "aarch64")]
        asm!(
            "hlt #0xf000",
            inlateout("x0") operation => result,
            in("x1") arguments,
            options(nostack),
        );
        // These three are one instruction to the host: uncompressed, and on one page.
        #[cfg(target_arch = "riscv32")]
        asm!(
            ".balign 16",
            ".option push",
            ".option norvc",
            "slli x0, x0, 0x1f",
            "ebreak",
            "srai x0, x0, 7",
            ".option pop",
            inlateout("a0") operation => result,
            in("a1") arguments,
            options(nostack),
        );
    }
    result
}
