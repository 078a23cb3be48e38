//! The host by the ports of QEMU's `pc`: a debug console each for log and proofs, an exit device, and
//! the command line that the boot protocol hands over.

use core::arch::asm;
use core::ffi::{CStr, c_char};

/// Ports of the debug consoles, and of the exit device.
const LOG: u16 = 0xe9;
const PROOFS: u16 = 0xe8;
const EXIT: u16 = 0xf4;
/// Offset of the command line's address in the boot protocol's `hvm_start_info`.
const COMMAND_LINE: usize = 24;

unsafe extern "C" {
    /// Address of the `hvm_start_info`; startup code writes it.
    static _start_info: u64;
}

/// The port, or 0 for the command line, that stands for a file of the host.
pub fn open(name: &CStr, _: bool) -> Option<usize> {
    match name.to_bytes() {
        b"log" => Some(LOG.into()),
        b"proofs" => Some(PROOFS.into()),
        b"job" => Some(0),
        _ => None,
    }
}

/// Writes all bytes.
pub fn write(port: usize, bytes: &[u8]) -> bool {
    // SAFETY: a console takes bytes, and the instruction reads these.
    unsafe {
        asm!(
            "rep outsb",
            in("dx") port as u16,
            inout("rsi") bytes.as_ptr() => _,
            inout("rcx") bytes.len() => _,
            options(nostack, readonly, preserves_flags),
        );
    }
    true
}

/// Reads the command line, as much of it as there is room for; returns how many bytes.
pub fn read(_: usize, bytes: &mut [u8]) -> usize {
    // SAFETY: startup code has stored the address before; the boot protocol promises a text that ends
    // with zero, in memory that nothing else uses.
    let line = unsafe {
        let line = (_start_info as usize + COMMAND_LINE) as *const u64;
        CStr::from_ptr(line.read_unaligned() as usize as *const c_char)
    };
    let line = line.to_bytes();
    let len = line.len().min(bytes.len());
    bytes[..len].copy_from_slice(&line[..len]);
    len
}

/// Ends the emulator: its status is twice the value plus one.
pub fn exit(success: bool) -> ! {
    let value: u8 = if success { 16 } else { 0 };
    loop {
        // SAFETY: the device ends the emulator.
        unsafe { asm!("out dx, al", in("dx") EXIT, in("al") value, options(nomem, nostack)) };
    }
}
