/* Lines that match a regular expression: the first line of the input is the expression, the others are the text. Writes
 * those that have a match somewhere, each with the end of a line; exits with 1 if the expression is none.
 *
 * Bytes stand for themselves but for . [] [^] with ranges, * + ? | () ^ $ and \ before any of these. All states are
 * followed side by side (Thompson, "Regular Expression Search Algorithm", CACM 1968), so that a line costs its length
 * times that of the expression, whatever either is. */
#include "guest.h"

#define INPUT_BYTES (1u << 20)
#define STATES_MAX 1024
#define SETS_MAX 64

enum kind { BYTE, ANY, SET, START, END, SPLIT, MATCH };

/* A state, and where it goes on: SPLIT to both places, MATCH to none, the others to the first. */
struct state {
    uint8_t kind, byte;
    uint16_t set;
    uint16_t next[2];
};

/* A part of the expression: its first state, and the places that wait for what follows, each of which holds the next one.
 * A place is twice the state, plus which of its two. */
struct part {
    uint16_t first, waiting;
};

#define NO_PLACE 0xffff

static char input[INPUT_BYTES];
static struct state states[STATES_MAX];
static uint32_t sets[SETS_MAX][8];
static uint32_t states_len, sets_len;
static const char *at, *end; /* what is left of the expression */
static uint16_t lists[2][STATES_MAX], stack[STATES_MAX * 2 + 1];
static uint32_t seen[STATES_MAX]; /* the step, from 1 on, in which a state was reached last */
static uint32_t step;

static _Noreturn void refuse(void)
{
    static const char reason[] = "not a regular expression\n";
    guest_message(reason, sizeof reason - 1);
    guest_exit(1);
}

static uint16_t *place(uint16_t number)
{
    return &states[number / 2].next[number % 2];
}

static void go_on(uint16_t waiting, uint16_t state)
{
    while (waiting != NO_PLACE) {
        uint16_t *to = place(waiting);
        waiting = *to;
        *to = state;
    }
}

static uint16_t join(uint16_t some, uint16_t others)
{
    if (some == NO_PLACE)
        return others;
    uint16_t last = some;
    while (*place(last) != NO_PLACE)
        last = *place(last);
    *place(last) = others;
    return some;
}

static uint16_t new_state(enum kind kind, uint16_t first, uint16_t second)
{
    if (states_len == STATES_MAX)
        refuse();
    states[states_len] = (struct state){.kind = (uint8_t)kind, .next = {first, second}};
    return (uint16_t)states_len++;
}

static struct part single(enum kind kind)
{
    uint16_t state = new_state(kind, NO_PLACE, NO_PLACE);
    return (struct part){state, (uint16_t)(2 * state)};
}

static uint8_t take(void)
{
    if (at == end)
        refuse();
    return (uint8_t)*at++;
}

static uint8_t take_literal(void)
{
    uint8_t byte = take();
    return byte == '\\' ? take() : byte;
}

/* Behind the bracket: a ] that is the first of a set stands for itself. */
static struct part parse_set(void)
{
    if (sets_len == SETS_MAX)
        refuse();
    uint32_t *set = sets[sets_len];
    int others = at < end && *at == '^';
    at += others;
    const char *first = at;
    while (at == end || *at != ']' || at == first) {
        uint32_t low = take_literal(), high = low;
        if (end - at >= 2 && at[0] == '-' && at[1] != ']') {
            at++;
            high = take_literal();
        }
        if (low > high)
            refuse();
        for (uint32_t byte = low; byte <= high; byte++)
            set[byte / 32] |= 1u << byte % 32;
    }
    at++;
    for (int i = 0; others && i < 8; i++)
        set[i] = ~set[i];
    struct part part = single(SET);
    states[part.first].set = (uint16_t)sets_len++;
    return part;
}

static struct part parse_choice(int depth);

static struct part parse_atom(int depth)
{
    uint8_t byte = take();
    struct part part;
    switch (byte) {
    case '(':
        part = parse_choice(depth + 1);
        if (take() != ')')
            refuse();
        return part;
    case '[':
        return parse_set();
    case '.':
        return single(ANY);
    case '^':
        return single(START);
    case '$':
        return single(END);
    case '*':
    case '+':
    case '?':
        refuse();
    case '\\':
        byte = take();
        break;
    }
    part = single(BYTE);
    states[part.first].byte = byte;
    return part;
}

static struct part parse_repeated(int depth)
{
    struct part part = parse_atom(depth);
    while (at < end && (*at == '*' || *at == '+' || *at == '?')) {
        char often = *at++;
        uint16_t split = new_state(SPLIT, part.first, NO_PLACE);
        uint16_t out = (uint16_t)(2 * split + 1);
        if (often == '?') {
            part = (struct part){split, join(part.waiting, out)};
        } else {
            go_on(part.waiting, split);
            part = (struct part){often == '*' ? split : part.first, out};
        }
    }
    return part;
}

/* Nothing at all is a state too: a split with one way. */
static struct part parse_sequence(int depth)
{
    uint16_t empty = new_state(SPLIT, NO_PLACE, NO_PLACE);
    struct part whole = {empty, (uint16_t)(2 * empty)};
    while (at < end && *at != '|' && *at != ')') {
        struct part part = parse_repeated(depth);
        go_on(whole.waiting, part.first);
        whole.waiting = part.waiting;
    }
    return whole;
}

static struct part parse_choice(int depth)
{
    if (depth > 200) /* of the stack's mebibyte */
        refuse();
    struct part whole = parse_sequence(depth);
    while (at < end && *at == '|') {
        at++;
        struct part part = parse_sequence(depth);
        uint16_t split = new_state(SPLIT, whole.first, part.first);
        whole = (struct part){split, join(whole.waiting, part.waiting)};
    }
    return whole;
}

/* Adds `state` and what follows from it without a byte; returns whether that is a match. */
static int reach(uint16_t state, uint16_t *list, uint32_t *len, int at_start, int at_end)
{
    uint32_t waiting = 0;
    stack[waiting++] = state;
    while (waiting > 0) {
        uint16_t number = stack[--waiting];
        const struct state *reached = &states[number];
        if (number == NO_PLACE || seen[number] == step)
            continue;
        seen[number] = step;
        switch (reached->kind) {
        case MATCH:
            return 1;
        case SPLIT:
            stack[waiting++] = reached->next[1];
            stack[waiting++] = reached->next[0];
            break;
        case START:
        case END:
            if (reached->kind == START ? at_start : at_end)
                stack[waiting++] = reached->next[0];
            break;
        default:
            list[(*len)++] = number;
        }
    }
    return 0;
}

static int takes(const struct state *state, uint8_t byte)
{
    return state->kind == ANY || (state->kind == BYTE && state->byte == byte) ||
           (state->kind == SET && sets[state->set][byte / 32] >> byte % 32 & 1);
}

static int matches(uint16_t first, const char *line, const char *line_end)
{
    uint16_t *here = lists[0], *there = lists[1];
    uint32_t here_len = 0;
    step++;
    for (const char *byte = line;; byte++) {
        /* A match may begin at any byte. */
        if (reach(first, here, &here_len, byte == line, byte == line_end))
            return 1;
        if (byte == line_end)
            return 0;
        uint32_t there_len = 0;
        step++;
        for (uint32_t i = 0; i < here_len; i++) {
            const struct state *state = &states[here[i]];
            if (takes(state, (uint8_t)*byte) &&
                reach(state->next[0], there, &there_len, 0, byte + 1 == line_end))
                return 1;
        }
        uint16_t *swapped = here;
        here = there;
        there = swapped;
        here_len = there_len;
    }
}

static const char *line_end(const char *from, const char *input_end)
{
    while (from < input_end && *from != '\n')
        from++;
    return from;
}

int main(void)
{
    const char *input_end = input + guest_read_full(input, sizeof input);
    at = input;
    end = line_end(input, input_end);
    const char *text = end;
    struct part whole = parse_choice(0);
    if (at != end)
        refuse();
    go_on(whole.waiting, new_state(MATCH, NO_PLACE, NO_PLACE));

    while (text < input_end && text + 1 < input_end) {
        const char *line = text + 1;
        text = line_end(line, input_end);
        if (matches(whole.first, line, text)) {
            guest_write(line, (uint32_t)(text - line));
            guest_write("\n", 1);
        }
    }
    return 0;
}
