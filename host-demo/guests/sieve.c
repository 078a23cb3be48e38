/* The sieve of Eratosthenes: the primes up to a limit, a decimal number of at most LIMIT_MAX, with or without the end of
 * a line behind it. Writes their number and the largest one (0 without any) as little-endian words; exits with 1 if the
 * input is no such number. */
#include "guest.h"

#define LIMIT_MAX 8000000u
#define DIGITS_MAX 7

/* Bit i of all bits is set if 2i + 1 is no prime. */
static uint32_t composite[LIMIT_MAX / 64 + 1];

static inline uint32_t is_composite(uint32_t odd)
{
    return composite[odd / 64] >> odd / 2 % 32 & 1;
}

static int parse(uint32_t *limit)
{
    uint8_t text[DIGITS_MAX + 2];
    uint32_t len = guest_read_full(text, sizeof text);
    if (len > 0 && text[len - 1] == '\n')
        len--;
    if (len == 0 || len > DIGITS_MAX)
        return 0;
    *limit = 0;
    for (uint32_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        *limit = 10 * *limit + (text[i] - '0');
    }
    return *limit <= LIMIT_MAX;
}

int main(void)
{
    uint32_t limit;
    if (!parse(&limit))
        return 1;
    for (uint32_t prime = 3; prime * prime <= limit; prime += 2) {
        if (is_composite(prime))
            continue;
        for (uint32_t odd = prime * prime; odd <= limit; odd += 2 * prime)
            composite[odd / 64] |= 1u << odd / 2 % 32;
    }
    uint32_t found[2] = {0, 0};
    if (limit >= 2) {
        found[0] = 1;
        found[1] = 2;
    }
    for (uint32_t odd = 3; odd <= limit; odd += 2) {
        if (!is_composite(odd)) {
            found[0]++;
            found[1] = odd;
        }
    }
    guest_write(found, sizeof found);
    return 0;
}
