/* The contract of the header, from C's side of it: what is refused and by which name, exact sizes at any
 * alignment, and a sink that stops. Prints the first check that fails. */
#include "platform.h"
#include "tranche.h"

#define CHECK(condition)                                  \
  do {                                                    \
    if (!(condition)) {                                   \
      static const char failed[] = #condition " is false\n"; \
      platform_log(failed, sizeof failed - 1);            \
      platform_exit(1);                                   \
    }                                                     \
  } while (0)

static unsigned char buffer[1 << 20];

void tranche_panic(const uint8_t *file, size_t file_len, uint32_t line) {
  (void)line;
  platform_log((const char *)file, file_len);
  platform_exit(2);
}

/* Bytes that a sink has taken, and how many it takes at all. */
struct taken {
  size_t bytes, limit;
};

static int32_t take(void *user, const uint8_t *bytes, size_t len) {
  struct taken *taken = user;
  CHECK(bytes != NULL && len > 0 && len <= 1024);
  taken->bytes += len;
  return taken->bytes > taken->limit;
}

static bool is(const char *left, const char *right) {
  for (; *left != '\0' && *left == *right; left++)
    right++;
  return *left == *right;
}

/* The shortest epochs at few queries: quick, and not secure. */
static struct tranche_request quick(uint8_t epoch_log2, uint8_t hash) {
  struct tranche_request request;
  CHECK(tranche_request_default(&request) == TRANCHE_ERROR_OK);
  request.settings.epoch_log2 = epoch_log2;
  request.settings.num_queries = 2;
  request.settings.query_pow_bits = 0;
  request.settings.hash = hash;
  request.security_floor_bits = 0;
  request.profile = TRANCHE_PROFILE_COMPACT;
  return request;
}

/* That a request and a plan with this hash suite are refused, and why. */
static void refuse(struct tranche_plan plan, tranche_hash hash, tranche_error error) {
  struct tranche_request request = quick(plan.settings.epoch_log2, hash);
  struct tranche_plan other;
  struct tranche_session *session;
  CHECK(tranche_plan_size(guest_elf, guest_elf_len(), &request, &other) == error);
  plan.settings.hash = hash;
  CHECK(tranche_begin(guest_elf, guest_elf_len(), &plan, 1000, buffer, sizeof buffer, &session) == error);
}

/* Plans and sessions of one hash suite. */
static void sessions(const struct tranche_library *library, tranche_hash hash) {
  const uint8_t *elf = guest_elf;
  size_t len = guest_elf_len();
  struct tranche_request request = quick(library->min_epoch_log2, hash);
  struct tranche_plan plan;
  CHECK(tranche_plan_size(elf, len, &request, &plan) == TRANCHE_ERROR_OK);
  CHECK(plan.bytes < sizeof buffer && plan.settings.hash == hash);
  CHECK(plan.bytes > plan.workspace_bytes + plan.record_bytes + plan.cells_bytes);
  request.budget = plan.bytes - 1;
  struct tranche_plan least;
  CHECK(tranche_plan_size(elf, len, &request, &least) == TRANCHE_ERROR_BUDGET_TOO_SMALL);
  CHECK(least.bytes == plan.bytes);
  CHECK(tranche_plan_size(elf, 7, &request, &least) == TRANCHE_ERROR_ELF_MALFORMED);

  /* Null, wherever it must not be. */
  const tranche_error null = TRANCHE_ERROR_NULL_POINTER;
  struct tranche_session *session;
  CHECK(tranche_plan_size(NULL, 0, &request, &plan) == null);
  CHECK(tranche_plan_size(elf, len, NULL, &plan) == null);
  request.budget = 0;
  CHECK(tranche_plan_size(elf, len, &request, NULL) == null);
  CHECK(tranche_begin(NULL, 0, &plan, 1000, buffer, sizeof buffer, &session) == null);
  CHECK(tranche_begin(elf, len, NULL, 1000, buffer, sizeof buffer, &session) == null);
  CHECK(tranche_begin(elf, len, &plan, 1000, NULL, 0, &session) == null);
  CHECK(tranche_begin(elf, len, &plan, 1000, buffer, sizeof buffer, NULL) == null);

  /* Exactly enough, at every alignment; and one byte fewer, of which none is written. */
  for (size_t start = 0; start < 16; start++) {
    unsigned char *at = buffer + start;
    for (size_t i = 0; i < plan.bytes; i++)
      at[i] = 0xa5;
    CHECK(tranche_begin(elf, len, &plan, 1000, at, plan.bytes - 1, &session) ==
          TRANCHE_ERROR_BUFFER_TOO_SMALL);
    for (size_t i = 0; i < plan.bytes; i++)
      CHECK(at[i] == 0xa5);
    at[plan.bytes] = 0x5a;
    CHECK(tranche_begin(elf, len, &plan, 1000, at, plan.bytes, &session) == TRANCHE_ERROR_OK);
    CHECK(at[plan.bytes] == 0x5a);
  }

  /* Without a guest the input is empty; the proof's bytes are counted as they were taken. */
  struct taken taken = {0, SIZE_MAX};
  struct tranche_epoch epoch;
  CHECK(tranche_prove_next(NULL, NULL, take, &taken, &epoch) == null);
  CHECK(tranche_prove_next(session, NULL, NULL, &taken, &epoch) == null);
  CHECK(tranche_prove_next(session, NULL, take, &taken, NULL) == null);
  CHECK(taken.bytes == 0);
  CHECK(tranche_prove_next(session, NULL, take, &taken, &epoch) == TRANCHE_ERROR_OK);
  CHECK(epoch.number == 1 && epoch.cycles > 0 && epoch.proof_bytes == taken.bytes);
  CHECK(taken.bytes <= plan.max_proof_bytes && taken.bytes + 1024 > plan.max_proof_bytes);

  /* A sink that stops is not asked again, and ends its session. */
  CHECK(tranche_begin(elf, len, &plan, 1000, buffer, sizeof buffer, &session) == TRANCHE_ERROR_OK);
  taken = (struct taken){0, 1024};
  CHECK(tranche_prove_next(session, NULL, take, &taken, &epoch) == TRANCHE_ERROR_STOPPED);
  CHECK(taken.bytes > 1024 && taken.bytes <= 2048);
  CHECK(tranche_prove_next(session, NULL, take, &taken, &epoch) == TRANCHE_ERROR_SESSION_OVER);

  /* An ended session leaves zeros, after an error too. */
  CHECK(tranche_end(NULL) == null);
  CHECK(tranche_end(session) == TRANCHE_ERROR_OK);
  for (size_t i = 0; i < sizeof buffer; i++)
    CHECK(buffer[i] == 0);

  /* The suites that it has not, and a number that is none's. */
  for (tranche_hash other = 0; other <= TRANCHE_HASH_BLAKE3; other++)
    if ((library->hashes >> other & 1) == 0)
      refuse(plan, other, TRANCHE_ERROR_HASH_NOT_BUILT);
  refuse(plan, TRANCHE_HASH_BLAKE3 + 1, TRANCHE_ERROR_UNKNOWN_HASH);
}

int main(void) {
  CHECK(is(tranche_error_name(TRANCHE_ERROR_OK), "TRANCHE_ERROR_OK"));
  CHECK(is(tranche_error_name(TRANCHE_ERROR_STOPPED), "TRANCHE_ERROR_STOPPED"));
  CHECK(is(tranche_error_name(-1), "unknown"));
  CHECK(tranche_about(NULL) == TRANCHE_ERROR_NULL_POINTER);
  CHECK(tranche_request_default(NULL) == TRANCHE_ERROR_NULL_POINTER);

  struct tranche_library library;
  CHECK(tranche_about(&library) == TRANCHE_ERROR_OK);
  CHECK(library.version[0] != '\0' && library.backend[0] != '\0');
  CHECK(library.min_epoch_log2 == 6 && library.security_floor_bits == 100);
  CHECK(library.hashes >= 1 && library.hashes < 1 << (TRANCHE_HASH_BLAKE3 + 1));
  struct tranche_request request;
  CHECK(tranche_request_default(&request) == TRANCHE_ERROR_OK);
  CHECK(library.hashes >> request.settings.hash & 1);
  for (tranche_hash hash = 0; hash <= TRANCHE_HASH_BLAKE3; hash++)
    if (library.hashes >> hash & 1)
      sessions(&library, hash);
  return 0;
}
