//! The image for RV32IMAC: QEMU's `virt`, in machine mode. Startup code.
#![no_std]
#![no_main]
// Symbols that the linker is told of.
#![allow(unsafe_code)]

use core::arch::global_asm;

use tranche_backend::Chosen;
use tranche_firmware::metal;

global_asm!(
    r#"
    .section .start, "ax"
    .global _start
_start:
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    la t0, trap
    csrw mtvec, t0

    la t0, _bss_start
    la t1, _bss_end
    j 2f
1:  sw zero, 0(t0)
    addi t0, t0, 4
2:  bne t0, t1, 1b

    la t0, _stack_bottom
    la sp, _stack_top
    li t1, 0xaaaaaaaa
    j 2f
1:  sw t1, 0(t0)
    addi t0, t0, 4
2:  bne t0, sp, 1b
    call main

    .balign 4
trap:
    j fault
"#
);

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    tranche_firmware::run::<Chosen>()
}

/// Every trap: none is enabled, so it is a fault.
#[unsafe(no_mangle)]
extern "C" fn fault() -> ! {
    metal::exit(false)
}
