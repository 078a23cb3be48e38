//! The image for AArch64 with NEON: QEMU's `virt`. Vectors and startup code.
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
    // Vectors, and no trap for NEON.
    adr x0, vectors
    msr vbar_el1, x0
    mov x0, #(3 << 20)
    msr cpacr_el1, x0
    isb

    adrp x0, _bss_start
    add x0, x0, :lo12:_bss_start
    adrp x1, _bss_end
    add x1, x1, :lo12:_bss_end
    b 2f
1:  str xzr, [x0], #8
2:  cmp x0, x1
    b.ne 1b

    // While the MMU is off all memory is of the device type, on which vectors must be aligned to their
    // own size. Two blocks of 1 GiB: devices, then RAM (write-back, inner shareable).
    adrp x0, page_table
    mov x1, #0x401
    str x1, [x0]
    mov x1, #0x705
    orr x1, x1, #0x40000000
    str x1, [x0, #8]
    msr ttbr0_el1, x0
    mov x1, #0xff00
    msr mair_el1, x1
    // Addresses of 32 bits, pages of 4 KiB, walks as RAM above; no second table.
    ldr x1, =0x803520
    msr tcr_el1, x1
    isb
    mrs x1, sctlr_el1
    mov x2, #0x1005
    orr x1, x1, x2
    msr sctlr_el1, x1
    isb

    adrp x0, _stack_bottom
    add x0, x0, :lo12:_stack_bottom
    adrp x1, _stack_top
    add x1, x1, :lo12:_stack_top
    mov sp, x1
    ldr x2, =0xaaaaaaaaaaaaaaaa
    b 2f
1:  str x2, [x0], #8
2:  cmp x0, x1
    b.ne 1b
    bl main
    .ltorg

    .balign 2048
vectors:
    .rept 16
    b fault
    .balign 128
    .endr

    .section .bss.page_table, "aw", @nobits
    .balign 4096
page_table:
    .skip 4096
"#
);

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    tranche_firmware::run::<Chosen>()
}

/// Every exception: none is meant to happen.
#[unsafe(no_mangle)]
extern "C" fn fault() -> ! {
    metal::exit(false)
}
