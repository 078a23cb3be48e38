//! The image for x86-64 without an operating system, as an enclave or a unikernel would have it:
//! QEMU's `pc`, booted by its PVH entry (Xen's "x86/HVM direct boot ABI"). Startup code.
#![no_std]
#![no_main]
// Symbols that the linker is told of.
#![allow(unsafe_code)]

use core::arch::global_asm;

use tranche_backend::Chosen;

global_asm!(
    r#"
    // PHYS32_ENTRY: where to begin, in 32-bit mode.
    .section .note.pvh, "a", @note
    .long 4, 8, 18
    .asciz "Xen"
    .quad _start

    .section .start, "ax"
    .code32
    .global _start
_start:
    cli
    cld
    movl $_bss_start, %edi
    movl $_bss_end, %ecx
    subl %edi, %ecx
    shrl $2, %ecx
    xorl %eax, %eax
    rep stosl
    movl %ebx, _start_info

    // The first 1 GiB in pages of 2 MiB, each at its own address.
    movl $(page_tables + 0x1000 + 3), page_tables
    movl $(page_tables + 0x2000 + 3), page_tables + 0x1000
    movl $(page_tables + 0x2000), %edi
    movl $0x83, %eax
    movl $512, %ecx
1:  movl %eax, (%edi)
    addl $0x200000, %eax
    addl $8, %edi
    decl %ecx
    jnz 1b

    // Physical address extension; long mode (EFER); paging.
    movl $page_tables, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $0x20, %eax
    movl %eax, %cr4
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x100, %eax
    wrmsr
    movl %cr0, %eax
    orl $0x80000000, %eax
    movl %eax, %cr0
    lgdt descriptor
    ljmp $8, $long_mode

    .code64
long_mode:
    movw $16, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl $_stack_bottom, %edi
    movl $_stack_top, %ecx
    movl %ecx, %esp
    subl %edi, %ecx
    shrl $3, %ecx
    movabsq $0xaaaaaaaaaaaaaaaa, %rax
    rep stosq
    call main
    ud2

    // Segments of 64-bit code and of data.
    .balign 8
segments:
    .quad 0, 0x00af9a000000ffff, 0x00cf92000000ffff
descriptor:
    .word 23
    .long segments

    .section .bss.boot, "aw", @nobits
    .balign 4096
page_tables:
    .skip 0x3000
    .global _start_info
_start_info:
    .skip 8
"#,
    options(att_syntax)
);

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    tranche_firmware::run::<Chosen>()
}
