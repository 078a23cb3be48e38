/* A trusted application with one static buffer: it executes a guest program on an input that nobody
 * else sees, proves every epoch, and hands the proofs to the world outside; once with each hash suite that the
 * library has, one after the other in the same buffer.
 *
 * Freestanding: no C library, no heap, no operating system that this file knows of. What it needs of
 * its platform, platform.h declares. Usage of the interface: docs/embedding.md.
 */
#include "platform.h"
#include "tranche.h"

/* Everything that executing and proving takes, cells and rows included. */
static unsigned char buffer[1 << 20];

/* The guest's private input, and what is left of it. */
struct input {
  const char *next;
};

static void print(const char *text) {
  size_t len = 0;
  while (text[len] != '\0')
    len++;
  platform_log(text, len);
}

static void print_number(const char *before, uint64_t number) {
  char digits[21];
  size_t at = sizeof digits;
  digits[--at] = '\0';
  do
    digits[--at] = (char)('0' + number % 10);
  while ((number /= 10) != 0);
  print(before);
  print(&digits[at]);
}

static int32_t read_input(void *user) {
  struct input *input = user;
  return *input->next == '\0' ? -1 : (unsigned char)*input->next++;
}

static void write_output(void *user, uint8_t byte) {
  (void)user;
  print_number(" output ", byte);
}

static int32_t send_proof(void *user, const uint8_t *bytes, size_t len) {
  (void)user;
  return platform_send(bytes, len);
}

/* The library's bug: there is nothing to be saved. */
void tranche_panic(const uint8_t *file, size_t file_len, uint32_t line) {
  print("panic in ");
  platform_log((const char *)file, file_len);
  print_number(":", line);
  print("\n");
  platform_exit(2);
}

static int fail(const char *what, tranche_error error) {
  print(what);
  print(": ");
  print(tranche_error_name(error));
  print("\n");
  return 1;
}

/* Executes and proves the guest to its end. */
static int prove(tranche_hash hash) {
  /* Epochs of 2^10 cycles at the default security, in the fastest profile that fits the buffer. */
  struct tranche_request request;
  struct tranche_plan plan;
  tranche_error error = tranche_request_default(&request);
  request.settings.epoch_log2 = 10;
  request.settings.hash = hash;
  request.budget = sizeof buffer;
  if (error == TRANCHE_ERROR_OK)
    error = tranche_plan_size(guest_elf, guest_elf_len(), &request, &plan);
  if (error != TRANCHE_ERROR_OK)
    return fail("plan", error);
  print(hash == TRANCHE_HASH_POSEIDON2 ? "\nPoseidon2" : "\nBLAKE3");
  print(plan.profile == TRANCHE_PROFILE_FAST ? ", fast" : ", compact");
  print_number(", bytes ", plan.bytes);
  print_number(" of ", sizeof buffer);

  struct tranche_session *session;
  error = tranche_begin(guest_elf, guest_elf_len(), &plan, 1 << 20, buffer, sizeof buffer, &session);
  if (error != TRANCHE_ERROR_OK)
    return fail("begin", error);
  struct input input = {"9"};
  struct tranche_guest guest = {&input, read_input, write_output};
  struct tranche_epoch epoch = {0};
  while (!epoch.last) {
    error = tranche_prove_next(session, &guest, send_proof, NULL, &epoch);
    if (error != TRANCHE_ERROR_OK) {
      tranche_end(session);
      return fail("prove", error);
    }
    print_number("\nepoch ", epoch.number);
    print_number(": cycles ", epoch.cycles);
    print_number(", proof bytes ", epoch.proof_bytes);
  }
  /* The input was nobody else's business, and the buffer may be somebody else's next. */
  tranche_end(session);
  print_number("\nexit code ", epoch.exit_code);
  return 0;
}

int main(void) {
  struct tranche_library library;
  tranche_error error = tranche_about(&library);
  if (error != TRANCHE_ERROR_OK)
    return fail("about", error);
  print("tranche ");
  print(library.version);
  print(", backend ");
  print(library.backend);
  print_number(", machine ", library.machine_version);
  const tranche_hash hashes[] = {TRANCHE_HASH_POSEIDON2, TRANCHE_HASH_BLAKE3};
  for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++) {
    int failed = (library.hashes >> hashes[i] & 1) != 0 ? prove(hashes[i]) : 0;
    if (failed)
      return failed;
  }
  print("\n");
  return 0;
}
