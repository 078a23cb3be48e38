/* System calls of the machine: a number in a7, arguments in a0 to a2, the result in a0.
 *
 * The numbers and meanings are Linux's, so a guest runs under qemu-riscv32 as well. A call of the
 * machine never fails; under Linux one may, and then the guest exits with GUEST_IO_ERROR. */
#ifndef GUEST_H
#define GUEST_H

#include <stddef.h>
#include <stdint.h>

/* Of mem.c; picolibc has its own. */
void *memcpy(void *restrict to, const void *restrict from, size_t len);
void *memmove(void *to, const void *from, size_t len);
void *memset(void *to, int value, size_t len);
int memcmp(const void *some, const void *others, size_t len);

#define GUEST_IO_ERROR 2

static inline int32_t guest_call(uint32_t number, uint32_t arg0, uint32_t arg1, uint32_t arg2)
{
    register uint32_t a0 __asm__("a0") = arg0;
    register uint32_t a1 __asm__("a1") = arg1;
    register uint32_t a2 __asm__("a2") = arg2;
    register uint32_t a7 __asm__("a7") = number;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
    return (int32_t)a0;
}

/* Ends the run; `code` becomes part of the proven statement. */
static inline _Noreturn void guest_exit(uint32_t code)
{
    guest_call(93, code, 0, 0);
    __builtin_unreachable();
}

/* Reads 1 to `len` bytes of the input into `to` and returns their number, 0 at the input's end.
 * `len` is not 0. No proof says what the input was. */
static inline uint32_t guest_read(void *to, uint32_t len)
{
    int32_t got = guest_call(63, 0, (uint32_t)to, len);
    if (got < 0)
        guest_exit(GUEST_IO_ERROR);
    return (uint32_t)got;
}

/* The same of the public input, descriptor 3, which is part of the proven statement. */
static inline uint32_t guest_read_public(void *to, uint32_t len)
{
    int32_t got = guest_call(63, 3, (uint32_t)to, len);
    if (got < 0)
        guest_exit(GUEST_IO_ERROR);
    return (uint32_t)got;
}

/* Reads until `to` holds `len` bytes or the input ends; returns the number of bytes read. */
static inline uint32_t guest_read_full(void *to, uint32_t len)
{
    uint32_t have = 0;
    while (have < len) {
        uint32_t got = guest_read((uint8_t *)to + have, len - have);
        if (got == 0)
            break;
        have += got;
    }
    return have;
}

/* Appends `len` bytes to the public output. */
static inline void guest_write(const void *from, uint32_t len)
{
    const uint8_t *rest = from;
    while (len > 0) {
        int32_t done = guest_call(64, 1, (uint32_t)rest, len);
        if (done <= 0)
            guest_exit(GUEST_IO_ERROR);
        rest += done;
        len -= (uint32_t)done;
    }
}

/* Says `len` bytes, 2^20 at most, to whoever runs the guest; no proof speaks of them, and none is missed. */
static inline void guest_message(const void *from, uint32_t len)
{
    guest_call(64, 2, (uint32_t)from, len);
}

static inline uint32_t rotate_left(uint32_t x, uint32_t bits)
{
    return x << bits | x >> (32 - bits);
}

#endif
