/* The guest's ELF file. GUEST is its path. */
    .section .rodata.guest, "a"
    .balign 4
    .global guest_elf, guest_elf_end
guest_elf:
    .incbin GUEST
guest_elf_end:
    .section .note.GNU-stack, "", %progbits
