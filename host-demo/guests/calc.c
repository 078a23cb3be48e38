/* A stack machine that runs a script, with picolibc: the input is compiled to instructions, which are then run.
 *
 * Words stand between white space: decimal numbers; + - * / mod = < dup drop swap over; . writes the number on top, in a
 * line; if else then, begin until, begin while repeat; `: NAME ... ;` defines a word, which may call itself. Numbers are of
 * 32 bits and wrap around. Exits with 1 and a message if the script is none, or goes wrong. */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STACK_MAX 4096
#define OPENED_MAX 32
#define WORD_BYTES 32

enum op { PUSH, JUMP, JUMP_IF_ZERO, CALL, RETURN, ADD, SUB, MUL, DIV, MOD, EQUAL, LESS, DUP, DROP, SWAP, OVER, PRINT };

static const struct {
    const char *name;
    uint8_t op, takes;
} PRIMITIVES[] = {
    {"+", ADD, 2}, {"-", SUB, 2}, {"*", MUL, 2}, {"/", DIV, 2}, {"mod", MOD, 2}, {"=", EQUAL, 2}, {"<", LESS, 2},
    {"dup", DUP, 1}, {"drop", DROP, 1}, {"swap", SWAP, 2}, {"over", OVER, 2}, {".", PRINT, 1},
};

struct instruction {
    uint8_t op, takes; /* and how many numbers it takes off the stack */
    int32_t operand;
};

/* A word of the script's own. */
struct word {
    struct word *older;
    int32_t entry;
    char name[WORD_BYTES];
};

static struct instruction *code;
static int32_t code_len, code_capacity;
static struct word *words;
static int32_t open[OPENED_MAX]; /* instructions that wait for a place, and places to go back to */
static int32_t open_len;
static int32_t numbers[STACK_MAX], returns[STACK_MAX];

static _Noreturn void refuse(const char *reason, const char *word)
{
    fprintf(stderr, "%s: %s\n", reason, word);
    exit(1);
}

static int32_t emit(enum op op, int takes, int32_t operand)
{
    if (code_len == code_capacity) {
        code_capacity = code_capacity == 0 ? 64 : 2 * code_capacity;
        code = realloc(code, (size_t)code_capacity * sizeof *code);
        if (code == NULL)
            refuse("no memory", "script");
    }
    code[code_len] = (struct instruction){(uint8_t)op, (uint8_t)takes, operand};
    return code_len++;
}

static void put_open(int32_t place, const char *word)
{
    if (open_len == OPENED_MAX)
        refuse("nested too deep", word);
    open[open_len++] = place;
}

static int32_t take_open(const char *word)
{
    if (open_len == 0)
        refuse("nothing begins before", word);
    return open[--open_len];
}

static int next_word(char word[WORD_BYTES])
{
    int byte, len = 0;
    while (isspace(byte = getchar()))
        ;
    for (; byte != EOF && !isspace(byte); byte = getchar()) {
        if (len == WORD_BYTES - 1)
            refuse("too long a word", word);
        word[len++] = (char)byte;
        word[len] = 0;
    }
    return len > 0;
}

static int is_control(const char *word)
{
    int32_t place;
    if (strcmp(word, "if") == 0 || strcmp(word, "while") == 0) {
        put_open(emit(JUMP_IF_ZERO, 1, 0), word);
    } else if (strcmp(word, "else") == 0) {
        place = take_open(word);
        put_open(emit(JUMP, 0, 0), word);
        code[place].operand = code_len;
    } else if (strcmp(word, "then") == 0) {
        code[take_open(word)].operand = code_len;
    } else if (strcmp(word, "begin") == 0) {
        put_open(code_len, word);
    } else if (strcmp(word, "until") == 0) {
        emit(JUMP_IF_ZERO, 1, take_open(word));
    } else if (strcmp(word, "repeat") == 0) {
        place = take_open(word);
        emit(JUMP, 0, take_open(word));
        code[place].operand = code_len;
    } else {
        return 0;
    }
    return 1;
}

static void compile_word(const char *word)
{
    if (is_control(word))
        return;
    for (const struct word *own = words; own != NULL; own = own->older) {
        if (strcmp(word, own->name) == 0) {
            emit(CALL, 0, own->entry);
            return;
        }
    }
    for (size_t i = 0; i < sizeof PRIMITIVES / sizeof *PRIMITIVES; i++) {
        if (strcmp(word, PRIMITIVES[i].name) == 0) {
            emit(PRIMITIVES[i].op, PRIMITIVES[i].takes, 0);
            return;
        }
    }
    char *rest;
    long number = strtol(word, &rest, 10);
    if (*rest != 0)
        refuse("no such word", word);
    emit(PUSH, 0, (int32_t)number);
}

/* What stands outside of definitions runs from its first instruction on; definitions are jumped over. */
static void compile(void)
{
    char word[WORD_BYTES];
    int32_t over = -1;
    while (next_word(word)) {
        if (strcmp(word, ":") == 0) {
            struct word *own = malloc(sizeof *own);
            if (over >= 0 || open_len > 0 || own == NULL || !next_word(own->name))
                refuse("no definition here", word);
            over = emit(JUMP, 0, 0);
            own->entry = code_len;
            own->older = words;
            words = own;
        } else if (strcmp(word, ";") == 0) {
            if (over < 0 || open_len > 0)
                refuse("ends no definition", word);
            emit(RETURN, 0, 0);
            code[over].operand = code_len;
            over = -1;
        } else {
            compile_word(word);
        }
    }
    if (over >= 0 || open_len > 0)
        refuse("something is not ended", "script");
}

static void run(void)
{
    int32_t *top = numbers, *back = returns;
    for (int32_t pc = 0; pc < code_len;) {
        struct instruction now = code[pc++];
        if (top - numbers < now.takes)
            refuse("the stack is empty", "script");
        if (top == numbers + STACK_MAX - 1 || back == returns + STACK_MAX)
            refuse("the stack is full", "script");
        uint32_t b = now.takes > 0 ? (uint32_t)top[-1] : 0, a = now.takes > 1 ? (uint32_t)top[-2] : 0;
        top -= now.takes;
        switch ((enum op)now.op) {
        case PUSH: *top++ = now.operand; break;
        case JUMP: pc = now.operand; break;
        case JUMP_IF_ZERO: pc = b == 0 ? now.operand : pc; break;
        case CALL: *back++ = pc; pc = now.operand; break;
        case RETURN: pc = *--back; break;
        case ADD: *top++ = (int32_t)(a + b); break;
        case SUB: *top++ = (int32_t)(a - b); break;
        case MUL: *top++ = (int32_t)(a * b); break;
        case DIV:
        case MOD:
            if (b == 0 || (a == 1u << 31 && b == ~0u))
                refuse("no quotient", "script");
            *top++ = now.op == DIV ? (int32_t)a / (int32_t)b : (int32_t)a % (int32_t)b;
            break;
        case EQUAL: *top++ = a == b; break;
        case LESS: *top++ = (int32_t)a < (int32_t)b; break;
        case DUP: *top++ = (int32_t)b; *top++ = (int32_t)b; break;
        case DROP: break;
        case SWAP: *top++ = (int32_t)b; *top++ = (int32_t)a; break;
        case OVER: *top++ = (int32_t)a; *top++ = (int32_t)b; *top++ = (int32_t)a; break;
        case PRINT: printf("%ld\n", (long)(int32_t)b); break;
        }
    }
}

int main(void)
{
    compile();
    run();
    return 0;
}
