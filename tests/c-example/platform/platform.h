/* What the example needs of its platform; one file for each platform defines it. */
#ifndef PLATFORM_H
#define PLATFORM_H

#include <stddef.h>
#include <stdint.h>

/* The guest's ELF file, in the image: guest.S. */
extern const uint8_t guest_elf[], guest_elf_end[];
static inline size_t guest_elf_len(void) { return (size_t)(guest_elf_end - guest_elf); }

/* Text for whoever watches. */
void platform_log(const char *text, size_t len);
/* Proof bytes to the world outside; nonzero when it does not take them. */
int32_t platform_send(const uint8_t *bytes, size_t len);
/* Ends the program. */
_Noreturn void platform_exit(int status);

int main(void);

#endif
