# Entry of every guest: sets the global and the stack pointer, calls main, exits with its result.
#
# The loader has cleared every byte of .bss, so nothing is cleared here.

    .section .text.start, "ax", @progbits
    .globl _start
_start:
    .option push
    .option norelax             # relaxed, this would read the pointer that it sets
    la      gp, __global_pointer$
    .option pop
    la      sp, __stack_top
    call    main
    li      a7, 93              # exit, code in a0
    ecall

    # In .bss, and so inside a loaded segment: no host has to provide a stack.
    .section .bss..stack, "aw", @nobits
    .balign 16
    .space  4096
__stack_top:
