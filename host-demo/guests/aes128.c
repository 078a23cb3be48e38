/* AES-128 (FIPS 197) in counter mode (SP 800-38A): the input is a key and the first counter, 16 bytes each, and data of any
 * length; writes the data encrypted, or decrypted, which is the same. Exits with 1 without a key and a counter.
 *
 * A column of the state is a word, its first row the lowest byte. */
#include "guest.h"

#define ROUNDS 10
#define BLOCK_WORDS 4
#define CHUNK_BYTES 1024

static uint8_t sbox[256];
static uint32_t keys[(ROUNDS + 1) * BLOCK_WORDS];
static uint32_t counter[BLOCK_WORDS];
static uint32_t chunk[CHUNK_BYTES / 4];

/* Four bytes, each times x in the field. */
static inline uint32_t times_x(uint32_t bytes)
{
    return (bytes & 0x7f7f7f7f) << 1 ^ (bytes >> 7 & 0x01010101) * 0x1b;
}

/* Section 5.1.1. 3 generates the multiplicative group, and `inverse` is that of `element` all along. */
static void make_sbox(void)
{
    uint32_t element = 1, inverse = 1;
    do {
        element ^= times_x(element);
        inverse ^= inverse << 1; /* by 3 divides: by 0xf6 multiplies */
        inverse ^= inverse << 2;
        inverse ^= inverse << 4;
        inverse &= 0xff;
        if (inverse & 0x80)
            inverse ^= 0x09;
        uint32_t twice = inverse | inverse << 8;
        sbox[element] = (uint8_t)(0x63 ^ twice ^ twice >> 4 ^ twice >> 5 ^ twice >> 6 ^ twice >> 7);
    } while (element != 1);
    sbox[0] = 0x63;
}

static inline uint32_t substitute(uint32_t row0, uint32_t row1, uint32_t row2, uint32_t row3)
{
    return sbox[row0 & 0xff] | (uint32_t)sbox[row1 >> 8 & 0xff] << 8 |
           (uint32_t)sbox[row2 >> 16 & 0xff] << 16 | (uint32_t)sbox[row3 >> 24] << 24;
}

/* Section 5.2; the first words are the key. */
static void expand_key(void)
{
    uint32_t constant = 1;
    for (int i = BLOCK_WORDS; i < (ROUNDS + 1) * BLOCK_WORDS; i++) {
        uint32_t word = keys[i - 1];
        if (i % BLOCK_WORDS == 0) {
            word = substitute(word, word, word, word);
            word = rotate_left(word, 24) ^ constant;
            constant = times_x(constant);
        }
        keys[i] = keys[i - BLOCK_WORDS] ^ word;
    }
}

static inline uint32_t mix(uint32_t column)
{
    uint32_t next = rotate_left(column, 24);
    return times_x(column ^ next) ^ next ^ rotate_left(column, 16) ^ rotate_left(column, 8);
}

/* Section 5.1: `to` is the encrypted counter. */
static void encrypt(uint32_t to[BLOCK_WORDS])
{
    uint32_t a = counter[0] ^ keys[0], b = counter[1] ^ keys[1];
    uint32_t c = counter[2] ^ keys[2], d = counter[3] ^ keys[3];
    for (int round = 1;; round++) {
        const uint32_t *key = keys + round * BLOCK_WORDS;
        uint32_t w = substitute(a, b, c, d), x = substitute(b, c, d, a);
        uint32_t y = substitute(c, d, a, b), z = substitute(d, a, b, c);
        if (round == ROUNDS) {
            to[0] = w ^ key[0];
            to[1] = x ^ key[1];
            to[2] = y ^ key[2];
            to[3] = z ^ key[3];
            return;
        }
        a = mix(w) ^ key[0];
        b = mix(x) ^ key[1];
        c = mix(y) ^ key[2];
        d = mix(z) ^ key[3];
    }
}

/* The counter is one big-endian number. */
static void count(void)
{
    uint8_t *bytes = (uint8_t *)counter;
    for (int i = 15; i >= 0 && ++bytes[i] == 0; i--)
        ;
}

int main(void)
{
    if (guest_read_full(keys, 16) != 16 || guest_read_full(counter, 16) != 16)
        return 1;
    make_sbox();
    expand_key();
    uint32_t bytes;
    do {
        bytes = guest_read_full(chunk, sizeof chunk);
        for (uint32_t at = 0; at < bytes; at += 4 * BLOCK_WORDS) {
            uint32_t stream[BLOCK_WORDS];
            encrypt(stream);
            count();
            for (int i = 0; i < BLOCK_WORDS; i++)
                chunk[at / 4 + i] ^= stream[i];
        }
        if (bytes > 0)
            guest_write(chunk, bytes);
    } while (bytes == sizeof chunk);
    return 0;
}
