/* A JSON tokenizer (RFC 8259) with statistics, as a streaming state machine.
 *
 * The input may have any length below 2^32 bytes; containers may be nested DEPTH_MAX deep. Of a
 * well-formed text the program writes what it counted and exits with 0; otherwise it writes
 * `error at byte N: REASON` and exits with 1, where N is the offset of the first byte that no
 * well-formed text could have there, or the input's length if only its end came too early.
 * Bytes from 0x80 up stand inside strings as they are: their encoding is not checked. */
#include "guest.h"

#define CHUNK_BYTES 256
#define DEPTH_MAX 1024

/* What the next byte may be. The states from IN_ZERO to IN_EXPONENT may end a number. */
enum state {
    BEFORE_VALUE,
    BEFORE_VALUE_OR_END, /* after `[` */
    BEFORE_KEY,
    BEFORE_KEY_OR_END, /* after `{` */
    BEFORE_COLON,
    AFTER_VALUE,
    IN_STRING,
    IN_ESCAPE,
    IN_UNICODE_ESCAPE,
    IN_LITERAL,
    AFTER_MINUS,
    AFTER_POINT,
    AFTER_E,
    AFTER_E_SIGN,
    IN_ZERO,
    IN_INTEGER,
    IN_FRACTION,
    IN_EXPONENT,
};

static enum state state = BEFORE_VALUE;
static uint32_t depth;
static uint32_t is_object[DEPTH_MAX / 32]; /* one bit per open container */
static uint32_t string_is_key;
static uint32_t hex_digits_left;
static const char *literal_left;

static struct {
    uint32_t objects, arrays, strings, keys, numbers, booleans, nulls, depth, bytes;
} count;

static inline uint32_t is_digit(uint32_t byte)
{
    return byte - '0' < 10;
}

static inline uint32_t is_space(uint32_t byte)
{
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static inline uint32_t in_object(void)
{
    return is_object[(depth - 1) / 32] >> (depth - 1) % 32 & 1;
}

static void write_text(const char *text)
{
    uint32_t len = 0;
    while (text[len] != 0)
        len++;
    guest_write(text, len);
}

static void write_number(uint32_t number)
{
    char digits[10]; /* 2^32 has ten */
    uint32_t first = sizeof digits;
    do {
        digits[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    guest_write(digits + first, sizeof digits - first);
}

static _Noreturn void fail(const char *reason)
{
    write_text("error at byte ");
    write_number(count.bytes);
    write_text(": ");
    write_text(reason);
    write_text("\n");
    guest_exit(1);
}

static _Noreturn void fail_byte(void)
{
    fail("unexpected byte");
}

static void open_container(uint32_t object)
{
    if (depth == DEPTH_MAX)
        fail("nested too deep");
    uint32_t bit = 1u << depth % 32;
    uint32_t *word = &is_object[depth / 32];
    *word = object ? *word | bit : *word & ~bit;
    depth++;
    if (depth > count.depth)
        count.depth = depth;
    if (object) {
        count.objects++;
        state = BEFORE_KEY_OR_END;
    } else {
        count.arrays++;
        state = BEFORE_VALUE_OR_END;
    }
}

static void begin_literal(const char *left)
{
    literal_left = left;
    state = IN_LITERAL;
}

static void begin_value(uint32_t byte)
{
    switch (byte) {
    case '{':
        open_container(1);
        break;
    case '[':
        open_container(0);
        break;
    case '"':
        count.strings++;
        string_is_key = 0;
        state = IN_STRING;
        break;
    case 't':
        count.booleans++;
        begin_literal("rue");
        break;
    case 'f':
        count.booleans++;
        begin_literal("alse");
        break;
    case 'n':
        count.nulls++;
        begin_literal("ull");
        break;
    default:
        if (byte != '-' && !is_digit(byte))
            fail_byte();
        count.numbers++;
        state = byte == '-' ? AFTER_MINUS : byte == '0' ? IN_ZERO : IN_INTEGER;
    }
}

/* The byte after a value: a comma or the end of the container around. */
static void follow_value(uint32_t byte)
{
    if (depth == 0)
        fail_byte();
    uint32_t object = in_object();
    if (byte == ',') {
        state = object ? BEFORE_KEY : BEFORE_VALUE;
    } else if (byte == (object ? '}' : ']')) {
        depth--;
        state = AFTER_VALUE;
    } else {
        fail_byte();
    }
}

/* The byte after a digit of a number, which may be the first one that is not part of it. */
static void follow_digit(uint32_t byte)
{
    if (is_digit(byte) && state != IN_ZERO)
        return;
    if (byte == '.' && (state == IN_ZERO || state == IN_INTEGER)) {
        state = AFTER_POINT;
    } else if ((byte | 0x20) == 'e' && state != IN_EXPONENT) {
        state = AFTER_E;
    } else {
        state = AFTER_VALUE;
        if (!is_space(byte))
            follow_value(byte);
    }
}

static void expect_digit(uint32_t byte, enum state next)
{
    if (!is_digit(byte))
        fail_byte();
    state = next;
}

static void step(uint32_t byte)
{
    if (state <= AFTER_VALUE && is_space(byte))
        return;
    switch (state) {
    case BEFORE_VALUE_OR_END:
        if (byte == ']')
            follow_value(byte);
        else
            begin_value(byte);
        break;
    case BEFORE_VALUE:
        begin_value(byte);
        break;
    case BEFORE_KEY_OR_END:
        if (byte == '}') {
            follow_value(byte);
            break;
        }
        /* fall through */
    case BEFORE_KEY:
        if (byte != '"')
            fail_byte();
        count.keys++;
        string_is_key = 1;
        state = IN_STRING;
        break;
    case BEFORE_COLON:
        if (byte != ':')
            fail_byte();
        state = BEFORE_VALUE;
        break;
    case AFTER_VALUE:
        follow_value(byte);
        break;
    case IN_STRING:
        if (byte == '"')
            state = string_is_key ? BEFORE_COLON : AFTER_VALUE;
        else if (byte == '\\')
            state = IN_ESCAPE;
        else if (byte < 0x20)
            fail_byte();
        break;
    case IN_ESCAPE:
        state = IN_STRING;
        switch (byte) {
        case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
            break;
        case 'u':
            hex_digits_left = 4;
            state = IN_UNICODE_ESCAPE;
            break;
        default:
            fail_byte();
        }
        break;
    case IN_UNICODE_ESCAPE:
        if (!is_digit(byte) && (byte | 0x20) - 'a' >= 6)
            fail_byte();
        if (--hex_digits_left == 0)
            state = IN_STRING;
        break;
    case IN_LITERAL:
        if (byte != (uint8_t)*literal_left)
            fail_byte();
        if (*++literal_left == 0)
            state = AFTER_VALUE;
        break;
    case AFTER_MINUS:
        expect_digit(byte, byte == '0' ? IN_ZERO : IN_INTEGER);
        break;
    case AFTER_POINT:
        expect_digit(byte, IN_FRACTION);
        break;
    case AFTER_E:
        if (byte == '+' || byte == '-') {
            state = AFTER_E_SIGN;
            break;
        }
        /* fall through */
    case AFTER_E_SIGN:
        expect_digit(byte, IN_EXPONENT);
        break;
    case IN_ZERO:
    case IN_INTEGER:
    case IN_FRACTION:
    case IN_EXPONENT:
        follow_digit(byte);
        break;
    }
}

static void write_count(const char *name, uint32_t number)
{
    write_text(name);
    write_number(number);
    write_text("\n");
}

int main(void)
{
    static uint8_t chunk[CHUNK_BYTES];
    uint32_t len;
    while ((len = guest_read(chunk, sizeof chunk)) != 0)
        for (uint32_t i = 0; i < len; i++, count.bytes++)
            step(chunk[i]);
    if (depth != 0 || (state != AFTER_VALUE && state < IN_ZERO))
        fail("unexpected end");

    write_count("objects: ", count.objects);
    write_count("arrays: ", count.arrays);
    write_count("strings: ", count.strings);
    write_count("keys: ", count.keys);
    write_count("numbers: ", count.numbers);
    write_count("booleans: ", count.booleans);
    write_count("nulls: ", count.nulls);
    write_count("depth: ", count.depth);
    write_count("bytes: ", count.bytes);
    return 0;
}
