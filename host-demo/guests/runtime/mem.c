/* What compilers call for copies and zeros, by words where both ends are aligned alike: a byte costs as much as a word. */
#include "guest.h"

static inline int aligned(const void *a, const void *b, size_t len)
{
    return len >= 4 && (((uint32_t)a | (uint32_t)b) & 3) == 0;
}

void *memcpy(void *restrict to, const void *restrict from, size_t len)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    if (aligned(to, from, len)) {
        for (; len >= 4; len -= 4, out += 4, in += 4)
            *(uint32_t *)out = *(const uint32_t *)in;
    }
    while (len-- > 0)
        *out++ = *in++;
    return to;
}

void *memmove(void *to, const void *from, size_t len)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    if ((uint32_t)out - (uint32_t)in >= len) /* begins before `from`, or behind its end */
        return memcpy(to, from, len);
    while (len-- > 0)
        out[len] = in[len];
    return to;
}

void *memset(void *to, int value, size_t len)
{
    uint8_t *out = to;
    uint32_t word = (uint8_t)value * 0x01010101u;
    if (aligned(to, to, len)) {
        for (; len >= 4; len -= 4, out += 4)
            *(uint32_t *)out = word;
    }
    while (len-- > 0)
        *out++ = (uint8_t)word;
    return to;
}

int memcmp(const void *some, const void *others, size_t len)
{
    const uint8_t *a = some, *b = others;
    for (; len > 0; len--, a++, b++) {
        if (*a != *b)
            return *a - *b;
    }
    return 0;
}
