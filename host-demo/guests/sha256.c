/* SHA-256 (FIPS 180-4) of the whole input; writes the 32 digest bytes, exits with 0.
 *
 * The input is read straight into the one block that is compressed, so the program touches about
 * 180 memory cells whatever the length. Four rounds are written out, or moving registers from round
 * to round would cost a fifth more cycles; eight would take more than 512 instructions. */
#include "guest.h"

#define BLOCK_BYTES 64
#define LENGTH_OFFSET 56 /* the last eight bytes of the last block hold the length in bits */

/* Section 4.2.2: fractional parts of the cube roots of the first 64 primes. */
static const uint32_t ROUND_CONSTANTS[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* Section 5.3.3: fractional parts of the square roots of the first 8 primes. */
static uint32_t state[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static uint8_t block[BLOCK_BYTES];

static inline uint32_t rotate_right(uint32_t x, uint32_t bits)
{
    return rotate_left(x, 32 - bits);
}

static inline uint32_t load_big_endian(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static inline void store_big_endian(uint8_t *to, uint32_t word)
{
    to[0] = (uint8_t)(word >> 24);
    to[1] = (uint8_t)(word >> 16);
    to[2] = (uint8_t)(word >> 8);
    to[3] = (uint8_t)word;
}

/* One round of section 6.2.2, step 3, on variables that keep their places: the caller rotates the
 * names instead. */
#define ROUND(a, b, c, d, e, f, g, h, i)                                                           \
    do {                                                                                           \
        h += (rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25)) +                    \
             (g ^ (e & (f ^ g))) + ROUND_CONSTANTS[i] + schedule[i];                               \
        d += h;                                                                                    \
        h += (rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22)) +                    \
             ((a & b) | (c & (a | b)));                                                            \
    } while (0)

#define SWAP(x, y)                                                                                 \
    do {                                                                                           \
        uint32_t swapped = x;                                                                      \
        x = y;                                                                                     \
        y = swapped;                                                                               \
    } while (0)

/* Compresses `block` into `state`; not inlined, since `main` calls it in three places. */
static __attribute__((noinline)) void compress(void)
{
    static uint32_t schedule[64];
    for (uint32_t i = 0; i < 16; i++)
        schedule[i] = load_big_endian(block + 4 * i);
    for (uint32_t i = 16; i < 64; i++) {
        uint32_t x = schedule[i - 15];
        uint32_t y = schedule[i - 2];
        schedule[i] = schedule[i - 16] + schedule[i - 7] +
                      (rotate_right(x, 7) ^ rotate_right(x, 18) ^ x >> 3) +
                      (rotate_right(y, 17) ^ rotate_right(y, 19) ^ y >> 10);
    }

    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (uint32_t i = 0; i < 64; i += 4) {
        ROUND(a, b, c, d, e, f, g, h, i);
        ROUND(h, a, b, c, d, e, f, g, i + 1);
        ROUND(g, h, a, b, c, d, e, f, i + 2);
        ROUND(f, g, h, a, b, c, d, e, i + 3);
        SWAP(a, e);
        SWAP(b, f);
        SWAP(c, g);
        SWAP(d, h);
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

int main(void)
{
    uint64_t len = 0;
    uint32_t have;
    while ((have = guest_read_full(block, BLOCK_BYTES)) >= BLOCK_BYTES) {
        compress();
        len += BLOCK_BYTES;
    }
    len += have;

    /* Section 5.1.1: a one bit, zeros, the length, in a block more if the length finds no room. */
    block[have++] = 0x80;
    if (have > LENGTH_OFFSET) {
        while (have < BLOCK_BYTES)
            block[have++] = 0;
        compress();
        have = 0;
    }
    while (have < LENGTH_OFFSET)
        block[have++] = 0;
    store_big_endian(block + LENGTH_OFFSET, (uint32_t)(len >> 29));
    store_big_endian(block + LENGTH_OFFSET + 4, (uint32_t)(len << 3));
    compress();

    for (uint32_t i = 0; i < 8; i++)
        store_big_endian(block + 4 * i, state[i]);
    guest_write(block, 32);
    return 0;
}
