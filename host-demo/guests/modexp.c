/* Modular exponentiation: base^exponent mod modulus, of 256 bits each. Compiled for rv32im.
 *
 * Reads base, exponent and modulus, 32 bytes each, little-endian; writes the power as 32 bytes and
 * exits with 0; with 1 if the input has another length or the modulus is 0. The division is Knuth's
 * algorithm D (The Art of Computer Programming, volume 2, section 4.3.1), in digits of 16 bits. */
#include "guest.h"

#define BITS 256
#define DIGITS (BITS / 16)

struct number {
    uint16_t digits[DIGITS]; /* lowest first */
};

static const struct number one = {{1}};
static struct number power = {{1}};
static struct number modulus; /* shifted left, so that its highest digit is 2^15 at least */
static uint32_t used;         /* its digits */
static uint32_t shift;

/* Leaves wide[0 .. used + more] modulo the modulus in its lowest digits. */
static void reduce(uint16_t *wide, uint32_t more)
{
    const uint16_t *m = modulus.digits;
    uint32_t top = m[used - 1], second = used > 1 ? m[used - 2] : 0;
    for (uint32_t j = more; j-- > 0;) {
        uint32_t high = (uint32_t)wide[j + used] << 16 | wide[j + used - 1];
        uint32_t below = j + used > 1 ? wide[j + used - 2] : 0;
        uint32_t digit = high / top, rest = high % top;
        while (rest < 0x10000 && (digit > 0xffff || digit * second > (rest << 16 | below))) {
            digit--;
            rest += top;
        }
        uint32_t carry = 0, borrow = 0;
        for (uint32_t i = 0; i < used; i++) {
            carry += digit * m[i];
            uint32_t difference = wide[i + j] - (carry & 0xffff) - borrow;
            wide[i + j] = (uint16_t)difference;
            borrow = difference >> 31;
            carry >>= 16;
        }
        uint32_t difference = wide[j + used] - carry - borrow;
        wide[j + used] = (uint16_t)difference;
        if (difference >> 31) { /* the digit was one too large */
            carry = 0;
            for (uint32_t i = 0; i < used; i++) {
                carry += (uint32_t)wide[i + j] + m[i];
                wide[i + j] = (uint16_t)carry;
                carry >>= 16;
            }
            wide[j + used] = (uint16_t)(wide[j + used] + carry);
        }
    }
}

/* x = x * y modulo the modulus. */
static void multiply(struct number *x, const struct number *y)
{
    static uint16_t wide[2 * DIGITS + 1];
    for (uint32_t i = 0; i < DIGITS; i++)
        wide[i] = 0;
    wide[2 * DIGITS] = 0;
    for (uint32_t i = 0; i < DIGITS; i++) {
        uint32_t carry = 0;
        for (uint32_t j = 0; j < DIGITS; j++) {
            carry += (uint32_t)x->digits[i] * y->digits[j] + wide[i + j];
            wide[i + j] = (uint16_t)carry;
            carry >>= 16;
        }
        wide[i + DIGITS] = (uint16_t)carry;
    }
    uint32_t carry = 0;
    for (uint32_t i = 0; i < 2 * DIGITS + 1; i++) {
        carry |= (uint32_t)wide[i] << shift;
        wide[i] = (uint16_t)carry;
        carry >>= 16;
    }
    reduce(wide, 2 * DIGITS + 1 - used);
    for (uint32_t i = 0; i < DIGITS; i++) {
        uint32_t pair = i < used ? (uint32_t)wide[i + 1] << 16 | wide[i] : 0;
        if (i + 1 >= used)
            pair &= 0xffff;
        x->digits[i] = (uint16_t)(pair >> shift);
    }
}

int main(void)
{
    static struct number input[3];
    uint8_t past;
    if (guest_read_full(input, sizeof input) != sizeof input || guest_read_full(&past, 1) != 0)
        return 1;
    modulus = input[2];
    for (used = DIGITS; used > 0 && modulus.digits[used - 1] == 0;)
        used--;
    if (used == 0)
        return 1;
    while ((uint32_t)modulus.digits[used - 1] << shift < 0x8000)
        shift++;
    uint32_t carry = 0;
    for (uint32_t i = 0; i < used; i++) {
        carry |= (uint32_t)modulus.digits[i] << shift;
        modulus.digits[i] = (uint16_t)carry;
        carry >>= 16;
    }

    multiply(&power, &one); /* 0 modulo 1 */
    int started = 0;
    for (uint32_t bit = BITS; bit-- > 0;) {
        if (started)
            multiply(&power, &power);
        if (input[1].digits[bit / 16] >> (bit % 16) & 1) {
            multiply(&power, &input[0]);
            started = 1;
        }
    }
    guest_write(&power, sizeof power);
    return 0;
}
