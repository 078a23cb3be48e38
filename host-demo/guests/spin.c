/* A run of any length on a few memory cells: mixes a table of 256 words, one word per iteration.
 *
 * The input is the number of iterations in decimal, one to nine digits and perhaps a newline; any
 * other input makes the program exit with 1. Otherwise it writes a checksum of the table as a
 * little-endian word and exits with 0. One iteration is exactly 13 cycles, a load and a store among
 * them; everything around the iterations is about 2,000 cycles. */
#include "guest.h"

#define TABLE_WORDS 256
#define DIGITS_MAX 9 /* so that the number stays below 2^32 */

static uint32_t table[TABLE_WORDS];

/* Reads the number of iterations; exits with 1 if the input is none. */
static uint32_t read_iterations(void)
{
    static uint8_t text[DIGITS_MAX + 2]; /* with a newline, and one byte to notice longer inputs */
    uint32_t len = guest_read_full(text, sizeof text);
    if (len > 0 && text[len - 1] == '\n')
        len--;
    if (len == 0 || len > DIGITS_MAX)
        guest_exit(1);
    uint32_t number = 0;
    for (uint32_t i = 0; i < len; i++) {
        uint32_t digit = text[i] - (uint32_t)'0';
        if (digit > 9)
            guest_exit(1);
        number = 10 * number + digit;
    }
    return number;
}

int main(void)
{
    uint32_t x = 1; /* never 0: xorshift steps permute the other words */
    for (uint32_t rest = read_iterations(); rest > 0; rest--) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        uint32_t *slot = (uint32_t *)((uint8_t *)table + (x & 4 * (TABLE_WORDS - 1)));
        *slot += x;
    }

    uint32_t checksum = x;
    for (uint32_t i = 0; i < TABLE_WORDS; i++)
        checksum = rotate_left(checksum, 5) + table[i];
    guest_write(&checksum, sizeof checksum);
    return 0;
}
