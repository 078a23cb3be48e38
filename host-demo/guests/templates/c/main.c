/* The sum of the numbers in the input, one a line. */
#include "guest.h"

static uint8_t input[1 << 20];

static _Noreturn void refuse(void)
{
    static const char reason[] = "a line is not a number\n";
    guest_message(reason, sizeof reason - 1);
    guest_exit(1);
}

int main(void)
{
    uint32_t len = guest_read_full(input, sizeof input);
    int64_t sum = 0;
    for (uint32_t at = 0; at < len; at++) { /* `at` is behind the end of a line, and then before it */
        int negative = input[at] == '-';
        at += (uint32_t)negative;
        uint32_t first = at;
        int64_t number = 0;
        for (; at < len && input[at] != '\n'; at++) {
            if (input[at] < '0' || input[at] > '9' || at - first == 10)
                refuse();
            number = 10 * number + (input[at] - '0');
        }
        if (at == first)
            refuse();
        sum += negative ? -number : number;
    }

    /* The output, which a proof says that the program has for some input. */
    uint8_t text[21];
    uint32_t start = sizeof text;
    uint64_t rest = sum < 0 ? -(uint64_t)sum : (uint64_t)sum;
    text[--start] = '\n';
    do {
        text[--start] = (uint8_t)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (sum < 0)
        text[--start] = '-';
    guest_write(text + start, sizeof text - start);
    return 0;
}
