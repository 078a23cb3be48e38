/* CRC-32 (IEEE 802.3, as in gzip and PNG) of the whole input; writes the checksum as a little-endian word. */
#include "guest.h"

#define POLYNOMIAL 0xedb88320u /* bits reflected */

static uint32_t table[256];
static uint32_t words[256];

int main(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t rest = byte;
        for (int bit = 0; bit < 8; bit++)
            rest = rest >> 1 ^ (rest & 1 ? POLYNOMIAL : 0);
        table[byte] = rest;
    }
    uint32_t crc = ~0u, bytes;
    do {
        bytes = guest_read_full(words, sizeof words);
        for (uint32_t i = 0; i < bytes; i++)
            crc = crc >> 8 ^ table[(crc ^ ((const uint8_t *)words)[i]) & 0xff];
    } while (bytes == sizeof words);
    crc = ~crc;
    guest_write(&crc, sizeof crc);
    return 0;
}
