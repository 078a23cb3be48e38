/* The sum of the numbers in the input, one a line. */
#include "guest.h"

#define DIGITS_MAX 10

static uint8_t input[1 << 20];

static _Noreturn void refuse(void)
{
    /* A message for whoever runs the program; no proof speaks of it. */
    static const char reason[] = "a line is not a number\n";
    guest_message(reason, sizeof reason - 1);
    guest_exit(1);
}

/* The number in a line of `len` bytes. */
static int64_t parse(const uint8_t *line, uint32_t len)
{
    uint32_t negative = len > 0 && line[0] == '-';
    uint32_t digits = len - negative;
    if (digits == 0 || digits > DIGITS_MAX)
        refuse();
    int64_t number = 0;
    for (uint32_t i = negative; i < len; i++) {
        if (line[i] < '0' || line[i] > '9')
            refuse();
        number = 10 * number + (line[i] - '0');
    }
    return negative ? -number : number;
}

/* Writes a number and the end of a line to the output, which a proof says that the program has for some input. */
static void print(int64_t number)
{
    uint8_t text[21]; /* a sign, 19 digits, the end of the line */
    uint32_t start = sizeof text;
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
    text[--start] = '\n';
    do {
        text[--start] = (uint8_t)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0)
        text[--start] = '-';
    guest_write(text + start, sizeof text - start);
}

int main(void)
{
    uint32_t len = guest_read_full(input, sizeof input);
    int64_t sum = 0;
    uint32_t line = 0;
    while (line < len) {
        uint32_t end = line;
        while (end < len && input[end] != '\n')
            end++;
        sum += parse(input + line, end - line);
        line = end + 1;
    }
    print(sum);
    return 0;
}
