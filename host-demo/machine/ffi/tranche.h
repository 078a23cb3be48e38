/* tranche: a RISC-V program executed and proved, epoch by epoch, in one buffer of the caller's.
 *
 * Generated from host-demo/machine/ffi by cbindgen: do not edit. How it is used: docs/embedding.md.
 * No function keeps anything outside of its arguments; sessions in different buffers are independent.
 */

#ifndef TRANCHE_H
#define TRANCHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * To be defined by the embedder: called when the library finds a bug of its own, with the place of its
 * source (not NUL-terminated). It must not return; should it, the library waits in a loop.
 */
void tranche_panic(const uint8_t *file, size_t file_len, uint32_t line);

#ifdef __cplusplus
}
#endif


/**
 * What a function returns: 0, or why it failed. `tranche_error_name` names each.
 */
enum tranche_error
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Success.
   */
  TRANCHE_ERROR_OK = 0,
  /**
   * A pointer that must not be null is.
   */
  TRANCHE_ERROR_NULL_POINTER = 1,
  /**
   * A profile that is none of `tranche_profile`.
   */
  TRANCHE_ERROR_UNKNOWN_PROFILE = 2,
  /**
   * A setting is outside of its range.
   */
  TRANCHE_ERROR_SETTING_RANGE = 3,
  /**
   * No number of queries reaches the security floor at these settings.
   */
  TRANCHE_ERROR_SECURITY_FLOOR = 4,
  /**
   * The core refuses the plan.
   */
  TRANCHE_ERROR_PLAN_REFUSED = 5,
  /**
   * No epoch fits the budget; the plan that was written out is the smallest there is.
   */
  TRANCHE_ERROR_BUDGET_TOO_SMALL = 6,
  /**
   * The buffer is shorter than the plan's bytes; nothing was written to it.
   */
  TRANCHE_ERROR_BUFFER_TOO_SMALL = 7,
  /**
   * The last epoch was proved, or an earlier call on the session failed.
   */
  TRANCHE_ERROR_SESSION_OVER = 8,
  /**
   * The proof callback returned nonzero.
   */
  TRANCHE_ERROR_STOPPED = 9,
  /**
   * The library contradicts itself: a bug of tranche.
   */
  TRANCHE_ERROR_INTERNAL = 10,
  /**
   * A hash suite that is none of `tranche_hash`.
   */
  TRANCHE_ERROR_UNKNOWN_HASH = 11,
  /**
   * A hash suite that this library was built without.
   */
  TRANCHE_ERROR_HASH_NOT_BUILT = 12,
  /**
   * Not an ELF file, or a broken one.
   */
  TRANCHE_ERROR_ELF_MALFORMED = 32,
  /**
   * Not a 32-bit little-endian ELF file.
   */
  TRANCHE_ERROR_ELF_CLASS = 33,
  /**
   * An ELF file for another processor.
   */
  TRANCHE_ERROR_ELF_MACHINE = 34,
  /**
   * An ELF file that is not an executable.
   */
  TRANCHE_ERROR_ELF_TYPE = 35,
  /**
   * Nothing executable, or an entry that is not.
   */
  TRANCHE_ERROR_ELF_CODE = 36,
  /**
   * Segments that overlap, are misaligned or have no valid size.
   */
  TRANCHE_ERROR_ELF_SEGMENT = 37,
  /**
   * More segments, data or code than the machine takes.
   */
  TRANCHE_ERROR_ELF_TOO_LARGE = 38,
  /**
   * Compressed instructions.
   */
  TRANCHE_ERROR_ELF_COMPRESSED = 39,
  /**
   * The guest ran into an instruction that the machine does not have.
   */
  TRANCHE_ERROR_EXEC_UNSUPPORTED = 64,
  /**
   * The guest jumped or fell out of its code.
   */
  TRANCHE_ERROR_EXEC_JUMP_OUT_OF_ROM = 65,
  /**
   * The guest jumped to an address that is not a multiple of four.
   */
  TRANCHE_ERROR_EXEC_MISALIGNED_JUMP = 66,
  /**
   * The guest made a load or store that is not aligned to its size.
   */
  TRANCHE_ERROR_EXEC_MISALIGNED_ACCESS = 67,
  /**
   * The guest accessed the null page.
   */
  TRANCHE_ERROR_EXEC_NULL_PAGE = 68,
  /**
   * The guest made a system call that the machine does not have.
   */
  TRANCHE_ERROR_EXEC_UNKNOWN_SYSCALL = 69,
  /**
   * The guest read or wrote a descriptor that the machine does not have.
   */
  TRANCHE_ERROR_EXEC_BAD_DESCRIPTOR = 70,
  /**
   * The guest wrote more output than an execution may.
   */
  TRANCHE_ERROR_EXEC_OUTPUT_FULL = 71,
  /**
   * The guest touched more cells than the plan has room for.
   */
  TRANCHE_ERROR_EXEC_CELLS_FULL = 72,
  /**
   * The guest ran for more cycles than were allowed.
   */
  TRANCHE_ERROR_EXEC_CYCLE_LIMIT = 73,
  /**
   * The guest ran for more epochs than can be numbered.
   */
  TRANCHE_ERROR_EXEC_EPOCH_LIMIT = 74,
  /**
   * The guest stored into its code.
   */
  TRANCHE_ERROR_EXEC_STORE_TO_CODE = 75,
  /**
   * The guest's stack ran into its code.
   */
  TRANCHE_ERROR_EXEC_STACK_IN_CODE = 76,
  /**
   * The guest jumped to where it was: it never ends.
   */
  TRANCHE_ERROR_EXEC_ENDLESS_LOOP = 77,
  /**
   * The guest's message is too long.
   */
  TRANCHE_ERROR_EXEC_MESSAGE_TOO_LONG = 78,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tranche_error tranche_error;
#else
typedef int32_t tranche_error;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How much of a proof's work stays in the buffer; the proof's bytes are the same.
 */
enum tranche_profile
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Fast if it fits the budget, else compact.
   */
  TRANCHE_PROFILE_BEST = 0,
  /**
   * Keeps every low-degree extension.
   */
  TRANCHE_PROFILE_FAST = 1,
  /**
   * Keeps traces, and computes the rest again when it is needed.
   */
  TRANCHE_PROFILE_COMPACT = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tranche_profile tranche_profile;
#else
typedef uint32_t tranche_profile;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What the proofs of a run hash with.
 */
enum tranche_hash
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint8_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Poseidon2: for proofs that other proofs verify.
   */
  TRANCHE_HASH_POSEIDON2 = 0,
  /**
   * BLAKE3: for speed.
   */
  TRANCHE_HASH_BLAKE3 = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tranche_hash tranche_hash;
#else
typedef uint8_t tranche_hash;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * A session; it lives in the buffer that it was begun with.
 */
typedef struct tranche_session tranche_session;

/**
 * What this library is.
 */
typedef struct tranche_library {
  /**
   * Its version, such as "0.1.0".
   */
  const char *version;
  /**
   * The arithmetic that it was built with, such as "neon" or "scalar".
   */
  const char *backend;
  /**
   * Version of the machine: proofs of another one do not verify.
   */
  uint32_t machine_version;
  /**
   * log2 of the cycles of the shortest epoch.
   */
  uint8_t min_epoch_log2;
  /**
   * log2 of the cycles of the longest epoch.
   */
  uint8_t max_epoch_log2;
  /**
   * Proven bits that a verifier asks for, unless it is told otherwise.
   */
  uint16_t security_floor_bits;
  /**
   * What it can hash with: bit `1 << h` for each `tranche_hash` h that it was built with.
   */
  uint8_t hashes;
} tranche_library;

/**
 * What the proofs of a run are made with. Prover and verifier have to agree on all of it.
 */
typedef struct tranche_settings {
  /**
   * log2 of the cycles of an epoch, 6 to 20; in a request 0 for the best that fits the budget.
   */
  uint8_t epoch_log2;
  /**
   * Epochs that one merge of the host takes, 2 to 32.
   */
  uint8_t arity;
  /**
   * log2 of the blowup factor.
   */
  uint8_t log_blowup;
  /**
   * log2 of the number of coefficients of the final polynomial.
   */
  uint8_t log_final_poly_len;
  /**
   * log2 of the largest folding arity.
   */
  uint8_t max_log_arity;
  /**
   * log2 of the digests of a Merkle cap.
   */
  uint8_t cap_height;
  /**
   * Number of queries.
   */
  uint16_t num_queries;
  /**
   * Grinding bits before the query indices are drawn.
   */
  uint8_t query_pow_bits;
  /**
   * Grinding bits before the openings are batched.
   */
  uint8_t batch_pow_bits;
  /**
   * Grinding bits before the lookup challenges are drawn.
   */
  uint8_t lookup_pow_bits;
  /**
   * Grinding bits before each folding challenge is drawn.
   */
  uint8_t commit_pow_bits;
  /**
   * Grinding bits before the out-of-domain point is drawn.
   */
  uint8_t ood_pow_bits;
  /**
   * A `tranche_hash`.
   */
  uint8_t hash;
} tranche_settings;

/**
 * What is asked of `tranche_plan_size`.
 */
typedef struct tranche_request {
  /**
   * What the proofs are made with.
   */
  struct tranche_settings settings;
  /**
   * Proven bits that every proof has at least: queries are added until it does. 0 adds none.
   */
  uint16_t security_floor_bits;
  /**
   * A `tranche_profile`.
   */
  uint32_t profile;
  /**
   * Words of memory and of output that the guest may touch in all.
   */
  uint32_t max_cells;
  /**
   * Bytes that the buffer may have; 0 for any number.
   */
  size_t budget;
} tranche_request;

/**
 * A plan: what a session is begun with, and the bytes that it takes.
 */
typedef struct tranche_plan {
  /**
   * What the proofs are made with: the request's, with the epoch that was chosen and its queries.
   */
  struct tranche_settings settings;
  /**
   * A `tranche_profile`, fast or compact.
   */
  uint32_t profile;
  /**
   * Words of memory and of output that the guest may touch in all.
   */
  uint32_t max_cells;
  /**
   * Bytes of the one buffer that a session takes, exactly, whatever its alignment; SIZE_MAX when
   * an address does not reach that far.
   */
  size_t bytes;
  /**
   * Bytes of it for the touched cells.
   */
  size_t cells_bytes;
  /**
   * Bytes of it for the rows of one epoch.
   */
  size_t record_bytes;
  /**
   * Bytes of it for the work of a proof.
   */
  size_t workspace_bytes;
  /**
   * Bytes that the proof of an epoch has at most, for a buffer that takes a whole one; SIZE_MAX as
   * above. Nothing of a session's buffer holds it.
   */
  size_t max_proof_bytes;
} tranche_plan;

/**
 * The guest's world. Without a function its input is empty, or its output is dropped. What a guest
 * writes to descriptor 2, its messages, is dropped: no proof speaks of it.
 */
typedef struct tranche_guest {
  /**
   * Handed to both functions.
   */
  void *user;
  /**
   * The next byte of the private input, 0 to 255; anything else is its end.
   */
  int32_t (*read)(void *user);
  /**
   * Takes the next byte of the public output.
   */
  void (*write)(void *user, uint8_t byte);
} tranche_guest;

/**
 * Takes the next bytes of a proof; anything but 0 stops it.
 */
typedef int32_t (*tranche_sink)(void *user, const uint8_t *bytes, size_t len);

/**
 * A proved epoch.
 */
typedef struct tranche_epoch {
  /**
   * Its number, from 1.
   */
  uint32_t number;
  /**
   * Word index of its first instruction.
   */
  uint32_t entry;
  /**
   * Word index of the instruction after it; no instruction's once the guest has exited.
   */
  uint32_t exit;
  /**
   * Its cycles.
   */
  uint32_t cycles;
  /**
   * Whether the guest has exited, so that this is the last epoch.
   */
  bool last;
  /**
   * The guest's exit code, if it has.
   */
  uint32_t exit_code;
  /**
   * Bytes that the sink has taken.
   */
  uint64_t proof_bytes;
} tranche_epoch;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Says what this library is.
 *
 * # Safety
 * `library` is null or valid for a write.
 */
tranche_error tranche_about(struct tranche_library *library);

/**
 * The name of an error, such as "TRANCHE_ERROR_STOPPED"; of a number that is none, "unknown".
 * The string is static.
 */
const char *tranche_error_name(int32_t error);

/**
 * Writes a request at the default settings and security floor: the best epoch that fits any budget,
 * for guests that touch at most 2048 cells. It hashes with the first `tranche_hash` that the library has.
 *
 * # Safety
 * `request` is null or valid for a write.
 */
tranche_error tranche_request_default(struct tranche_request *request);

/**
 * Plans the epochs of a program (the bytes of an ELF file) and says how many bytes a session takes.
 *
 * Fails with TRANCHE_ERROR_BUDGET_TOO_SMALL when nothing fits; `plan` is then the smallest there is.
 *
 * # Safety
 * `elf` is valid for reads of `elf_len` bytes, `request` for a read, `plan` for a write, or null.
 */
tranche_error tranche_plan_size(const uint8_t *elf,
                                size_t elf_len,
                                const struct tranche_request *request,
                                struct tranche_plan *plan);

/**
 * Begins a session at the start of a program, in a buffer of at least `plan->bytes` bytes, of any
 * alignment and with anything in it.
 *
 * Until the last call on the session, the program's bytes stay as they are, and the buffer is touched
 * by nobody else. Nothing needs to be closed, but a guest's private input, and what it computed from it,
 * stay in the buffer until `tranche_end` or somebody else overwrites them. `max_cycles` bounds the run.
 *
 * # Safety
 * `elf` is valid for reads of `elf_len` bytes, `plan` for a read, `buffer` for writes of `buffer_len`
 * bytes, `session` for a write, or null.
 */
tranche_error tranche_begin(const uint8_t *elf,
                            size_t elf_len,
                            const struct tranche_plan *plan,
                            uint64_t max_cycles,
                            void *buffer,
                            size_t buffer_len,
                            struct tranche_session **session);

/**
 * Executes the next epoch and proves it. `sink` takes the proof's bytes as they are known, at most
 * 1024 at a time, with `user` handed on to it.
 *
 * After an error, and after the last epoch, the session is over. Without a `guest` there is no input.
 *
 * # Safety
 * `session` was begun by `tranche_begin`, and is in no other call; `guest` is valid for a read or
 * null, `epoch` for a write or null; the callbacks are functions of their type.
 */
tranche_error tranche_prove_next(struct tranche_session *session,
                                 const struct tranche_guest *guest,
                                 tranche_sink sink,
                                 void *user,
                                 struct tranche_epoch *epoch);

/**
 * Ends a session, whatever its state, and overwrites the whole buffer that it was begun with with zeros,
 * in a way that no compiler drops: afterwards nothing of the guest's private input is in it. What it
 * cannot reach is the stack below the calls that came before.
 *
 * The session is gone; the buffer is the caller's again.
 *
 * # Safety
 * `session` was begun by `tranche_begin`, is in no other call, and has not been ended; or null.
 */
tranche_error tranche_end(struct tranche_session *session);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TRANCHE_H */
