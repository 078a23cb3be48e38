/* libFuzzer's entry to the C interface, for the address sanitizer: calls in any order with any plan, any
 * hash suite, any program and any buffer, each buffer a block of the heap of exactly its length.
 *
 * Oracle: the sanitizer; every answer has a name; a buffer one byte too short is refused untouched; what
 * is proved of one program at one plan is proved in the same bytes again, whatever the buffer held; an
 * ended session leaves zeros in all of its buffer, and nothing else is written.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tranche.h"

/* Longest buffer that a session is begun in. */
#define MAX_BUFFER_BYTES ((size_t)4 << 20)

static unsigned char *guest_elf;
static size_t guest_elf_len;

/* What is left of the input. */
static const uint8_t *rest;
static size_t rest_len;

static uint32_t next(void) {
  if (rest_len == 0)
    return 0;
  rest_len--;
  return *rest++;
}

static uint32_t below(uint32_t bound) { return next() % bound; }

static void expect(int holds, const char *what) {
  if (holds)
    return;
  fprintf(stderr, "interface: %s\n", what);
  abort();
}

static tranche_error named(tranche_error error) {
  expect(strcmp(tranche_error_name(error), "unknown") != 0, "an error without a name");
  expect(error != TRANCHE_ERROR_INTERNAL, "the library contradicts itself");
  return error;
}

/* A panic of the library's: there is none, whatever C passes. */
void tranche_panic(const uint8_t *file, size_t file_len, uint32_t line) {
  fprintf(stderr, "panic at %.*s:%u\n", (int)file_len, (const char *)file, line);
  abort();
}

/* A sink that hashes (FNV-1a) and stops after so many calls. */
struct sink {
  uint64_t hash;
  uint64_t bytes;
  uint32_t calls_left;
};

static int32_t take(void *user, const uint8_t *bytes, size_t len) {
  struct sink *sink = user;
  expect(len <= 1024, "a sink is given 1024 bytes at most");
  if (sink->calls_left-- == 0)
    return 1;
  sink->bytes += len;
  while (len-- > 0)
    sink->hash = (sink->hash ^ *bytes++) * 0x100000001b3;
  return 0;
}

static int32_t read_input(void *user) {
  uint32_t *left = user;
  return *left == 0 ? -1 : (int32_t)('0' + --*left);
}

static void write_output(void *user, uint8_t byte) {
  (void)user;
  (void)byte;
}

/* The program, or one with a few bytes changed or cut off, in a block of its own. */
static unsigned char *program(size_t *len, int *honest) {
  uint32_t changes = below(4) == 0 ? 1 + below(4) : 0;
  *honest = changes == 0;
  *len = guest_elf_len;
  if (below(32) == 1) {
    *len = (next() << 8 | next()) % (guest_elf_len + 1);
    *honest = *len == guest_elf_len && *honest;
  }
  unsigned char *elf = malloc(*len == 0 ? 1 : *len);
  memcpy(elf, guest_elf, *len);
  while (changes-- > 0 && *len > 0) {
    /* Mostly in the headers. */
    size_t at = (below(4) == 0 ? next() << 8 | next() : below(0x94)) % *len;
    elf[at] = (unsigned char)next();
  }
  return elf;
}

/* A second of grinding is enough to wait for. */
static void clamp(struct tranche_settings *s) {
  s->query_pow_bits &= 7;
  s->batch_pow_bits &= 7;
  s->lookup_pow_bits &= 7;
  s->commit_pow_bits &= 7;
  s->ood_pow_bits &= 7;
}

static void request_of(struct tranche_request *request) {
  expect(named(tranche_request_default(request)) == TRANCHE_ERROR_OK, "a default request");
  struct tranche_settings *s = &request->settings;
  s->epoch_log2 = (uint8_t)(6 + below(3));
  s->num_queries = (uint16_t)(1 + below(8));
  s->query_pow_bits = s->batch_pow_bits = s->lookup_pow_bits = 1;
  s->commit_pow_bits = s->ood_pow_bits = 0;
  s->hash = (uint8_t)(below(16) == 1 ? next() : below(2));
  request->security_floor_bits = below(8) == 1 ? 100 : 0;
  request->profile = below(4);
  request->max_cells = below(4) == 1 ? next() << (next() & 31) : 512;
  request->budget = below(4) == 1 ? (size_t)next() << (next() & 31) : 0;
  if (below(4) == 1) {
    /* Any of the settings. */
    unsigned char *bytes = (unsigned char *)s;
    bytes[below(sizeof *s)] = (unsigned char)next();
    if (below(2) == 0)
      clamp(s);
  }
}

/* Begins a session in a block of `len` bytes at this offset from its start, and proves some epochs; returns
 * the hash of what it proved. */
static uint64_t session(const unsigned char *elf, size_t elf_len, const struct tranche_plan *plan,
                        size_t len, size_t offset, uint32_t calls, uint32_t input, int honest) {
  unsigned char *block = malloc(offset + len);
  memset(block, (int)(offset * 37), offset + len);
  struct tranche_session *begun = NULL;
  tranche_error error = named(tranche_begin(elf, elf_len, plan, 2000, block + offset, len, &begun));
  if (len < plan->bytes && honest)
    expect(error == TRANCHE_ERROR_BUFFER_TOO_SMALL, "a short buffer is refused");
  if (error == TRANCHE_ERROR_BUFFER_TOO_SMALL) {
    for (size_t i = 0; i < offset + len; i++)
      expect(block[i] == (unsigned char)(offset * 37), "a refused buffer is not written to");
  }
  struct sink sink = {0xcbf29ce484222325, 0, calls};
  struct tranche_guest guest = {&input, read_input, write_output};
  struct tranche_epoch epoch = {0};
  for (int i = 0; error == TRANCHE_ERROR_OK && i < 2 && !epoch.last; i++) {
    uint64_t before = sink.bytes;
    error = named(tranche_prove_next(begun, &guest, take, &sink, &epoch));
    if (error == TRANCHE_ERROR_OK)
      expect(epoch.proof_bytes == sink.bytes - before, "as many bytes as the sink took");
  }
  if (begun != NULL && (epoch.last || error != TRANCHE_ERROR_OK)) {
    error = named(tranche_prove_next(begun, &guest, take, &sink, &epoch));
    expect(error == TRANCHE_ERROR_SESSION_OVER, "a session that is over stays over");
  }
  if (begun != NULL) {
    expect(named(tranche_end(begun)) == TRANCHE_ERROR_OK, "a session can be ended in any state");
    for (size_t i = 0; i < len; i++)
      expect(block[offset + i] == 0, "an ended session leaves zeros");
  }
  for (size_t i = 0; i < offset; i++)
    expect(block[i] == (unsigned char)(offset * 37), "nothing is written before the buffer");
  free(block);
  return sink.hash;
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc;
  (void)argv;
  FILE *file = fopen(GUEST, "rb");
  expect(file != NULL, "no " GUEST);
  fseek(file, 0, SEEK_END);
  guest_elf_len = (size_t)ftell(file);
  rewind(file);
  guest_elf = malloc(guest_elf_len);
  expect(fread(guest_elf, 1, guest_elf_len, file) == guest_elf_len, "a short read");
  fclose(file);
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  rest = data;
  rest_len = size;
  size_t elf_len;
  int honest;
  unsigned char *elf = program(&elf_len, &honest);
  struct tranche_request request;
  struct tranche_plan plan;
  request_of(&request);
  uint32_t null = below(16);
  tranche_error error = named(tranche_plan_size(null == 1 ? NULL : elf, elf_len, null == 2 ? NULL : &request,
                                                null == 3 ? NULL : &plan));
  if (null >= 1 && null <= 3)
    expect(error != TRANCHE_ERROR_OK, "a null pointer is refused");
  if (honest && null == 0 && request.settings.hash > TRANCHE_HASH_BLAKE3)
    expect(error == TRANCHE_ERROR_UNKNOWN_HASH, "a suite that is none is refused");
  if (error == TRANCHE_ERROR_OK)
    expect(plan.settings.hash == request.settings.hash, "a plan is of the suite that was asked for");
  if (error == TRANCHE_ERROR_OK && plan.bytes <= MAX_BUFFER_BYTES) {
    /* A plan that is not the library's, now and then. */
    int same = below(8) != 1;
    struct tranche_settings planned = plan.settings;
    if (!same) {
      unsigned char *bytes = (unsigned char *)&plan;
      bytes[below(offsetof(struct tranche_plan, bytes))] = (unsigned char)next();
    }
    clamp(&plan.settings);
    if (memcmp(&plan.settings, &planned, sizeof planned) != 0)
      same = 0;
    size_t bytes = plan.bytes;
    size_t offset = below(64);
    uint32_t calls = below(4) == 1 ? next() : UINT32_MAX, input = below(3);
    if (below(8) == 1)
      session(elf, elf_len, &plan, bytes - 1 - below(64), offset, calls, input, honest && same);
    uint64_t first = session(elf, elf_len, &plan, bytes, offset, calls, input, honest && same);
    if (below(8) == 1) {
      uint64_t second = session(elf, elf_len, &plan, bytes + below(64), below(64), calls, input, 0);
      expect(first == second, "the same bytes again");
    }
    struct tranche_session *begun;
    expect(named(tranche_begin(elf, elf_len, &plan, 1, NULL, 0, &begun)) != TRANCHE_ERROR_OK &&
               named(tranche_begin(NULL, 0, &plan, 1, elf, 0, &begun)) != TRANCHE_ERROR_OK &&
               named(tranche_prove_next(NULL, NULL, take, NULL, NULL)) != TRANCHE_ERROR_OK &&
               named(tranche_end(NULL)) != TRANCHE_ERROR_OK,
           "null pointers are refused");
  }
  free(elf);
  return 0;
}
