/* A plugin of QEMU that counts the instructions that a program executes, and prints their number at its end.
 *
 * QEMU's API takes few words to declare; distributions ship the emulator without its header. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

struct qemu_plugin_tb;
typedef void on_block(uint64_t plugin, struct qemu_plugin_tb *block);
typedef void on_execution(unsigned processor, void *data);
typedef void on_end(uint64_t plugin, void *data);

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t plugin, on_block *call);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block, on_execution *call, int registers, void *data);
void qemu_plugin_register_atexit_cb(uint64_t plugin, on_end *call, void *data);

/* The version of the API: what is used here is the same in all that QEMU has had. */
int qemu_plugin_version = API_VERSION;

/* The programs that are counted have one thread. */
static uint64_t instructions;

static void executed(unsigned processor, void *data) {
  (void)processor;
  instructions += (uintptr_t)data;
}

static void translated(uint64_t plugin, struct qemu_plugin_tb *block) {
  (void)plugin;
  /* No register is read. */
  qemu_plugin_register_vcpu_tb_exec_cb(block, executed, 0, (void *)qemu_plugin_tb_n_insns(block));
}

static void ended(uint64_t plugin, void *data) {
  (void)plugin;
  (void)data;
  fprintf(stderr, "%" PRIu64 "\n", instructions);
}

int qemu_plugin_install(uint64_t plugin, const void *info, int count, char **arguments) {
  (void)info;
  (void)count;
  (void)arguments;
  qemu_plugin_register_vcpu_tb_trans_cb(plugin, translated);
  qemu_plugin_register_atexit_cb(plugin, ended, NULL);
  return 0;
}
