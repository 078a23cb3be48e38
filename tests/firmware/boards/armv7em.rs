//! Vectors and startup code of the Cortex-M boards.

use core::arch::global_asm;

use tranche_backend::Chosen;
use tranche_firmware::metal;

global_asm!(
    r#"
    .section .start, "ax"
    .word _stack_top
    .word _start
    .rept 14
    .word fault
    .endr

    .section .text._start, "ax"
    .global _start
    .thumb_func
_start:
    @ Full access to the FPU (CPACR, coprocessors 10 and 11): the target's calls use its registers.
    ldr r0, =0xe000ed88
    ldr r1, [r0]
    orr r1, r1, #(0xf << 20)
    str r1, [r0]
    dsb
    isb
    ldr r0, =_bss_start
    ldr r1, =_bss_end
    movs r2, #0
    b 2f
1:  str r2, [r0], #4
2:  cmp r0, r1
    bne 1b
    ldr r0, =_stack_bottom
    mov r1, sp
    ldr r2, =0xaaaaaaaa
    b 2f
1:  str r2, [r0], #4
2:  cmp r0, r1
    bne 1b
    bl main
"#
);

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    tranche_firmware::run::<Chosen>()
}

/// Every exception: none is enabled, so it is a fault.
#[unsafe(no_mangle)]
extern "C" fn fault() -> ! {
    metal::exit(false)
}
