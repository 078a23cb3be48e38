/* The sum of the numbers in the input, one a line. */
#include <stdio.h>

int main(void)
{
    long long sum = 0;
    long number;
    int found, lines = 0;
    while ((found = scanf("%ld", &number)) == 1) {
        sum += number;
        lines++;
    }
    if (found != EOF) {
        fprintf(stderr, "line %d is not a number\n", lines + 1);
        return 1;
    }
    /* A message for whoever runs the program; no proof speaks of it. */
    fprintf(stderr, "%d lines\n", lines);
    /* The output, which a proof says that the program has for some input. */
    printf("%lld\n", sum);
    return 0;
}
