/* Quicksort of the input's little-endian 32-bit words, as unsigned numbers.
 *
 * At most CAPACITY_WORDS words are read, a last incomplete word is left out; an empty input stands
 * for 1,024 words of a fixed xorshift generator. Writes the checksum of the sorted words and their
 * number, both as little-endian words, and exits with 0; with 1 if the words are not in order. */
#include "guest.h"

#define CAPACITY_WORDS 16384
#define CAPACITY_LOG2 14
#define GENERATED_WORDS 1024
#define GENERATOR_SEED 2463534242u /* Marsaglia, "Xorshift RNGs", JSS 2003, section 4 */

static uint32_t words[CAPACITY_WORDS];

static uint32_t generate(void)
{
    uint32_t x = GENERATOR_SEED;
    for (uint32_t i = 0; i < GENERATED_WORDS; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        words[i] = x;
    }
    return GENERATED_WORDS;
}

/* Sorts words[0 .. count] by Hoare's partition around the middle word. The larger part waits on the
 * stack while the smaller one, at most half of both, is sorted: so CAPACITY_LOG2 places suffice. */
static void sort(uint32_t count)
{
    struct range {
        uint32_t *first, *end; /* `end` is one past the last word */
    } waiting[CAPACITY_LOG2];
    uint32_t waiting_len = 0;
    uint32_t *first = words, *end = words + count;
    for (;;) {
        while (end - first > 1) {
            uint32_t *low = first, *high = end - 1;
            uint32_t pivot = first[(high - first) / 2];
            for (;;) {
                while (*low < pivot)
                    low++;
                while (*high > pivot)
                    high--;
                if (low >= high)
                    break;
                uint32_t swapped = *low;
                *low++ = *high;
                *high-- = swapped;
            }
            /* Words below `low` are at most the pivot, words above `high` at least. */
            struct range left = {first, low}, right = {high + 1, end};
            if (left.end - left.first > right.end - right.first) {
                waiting[waiting_len++] = left;
                first = right.first;
            } else {
                waiting[waiting_len++] = right;
                end = left.end;
            }
        }
        if (waiting_len == 0)
            return;
        waiting_len--;
        first = waiting[waiting_len].first;
        end = waiting[waiting_len].end;
    }
}

int main(void)
{
    uint32_t bytes = guest_read_full(words, sizeof words);
    uint32_t count = bytes == 0 ? generate() : bytes / 4;
    sort(count);

    uint32_t summary[2] = {0, count};
    uint32_t previous = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (words[i] < previous)
            return 1;
        previous = words[i];
        summary[0] = rotate_left(summary[0], 5) + previous;
    }
    guest_write(summary, sizeof summary);
    return 0;
}
