/* A Cortex-M7 on bare metal, QEMU's mps2-an500: proofs go to a file of the host, text to its console,
 * by semihosting (Arm's "Semihosting for AArch32 and AArch64"). */
#include "platform.h"

enum { SYS_OPEN = 0x01, SYS_WRITE = 0x05, SYS_EXIT_EXTENDED = 0x20 };
enum { WRITE_BINARY = 5, APPEND = 8, APPLICATION_EXIT = 0x20026 };

extern uint32_t stack_bottom[], stack_top[], bss_start[], bss_end[];

/* What the stack is full of before it is used. */
enum { PAINT = 0x55aa55aa };

_Noreturn void reset(void);
static _Noreturn void fault(void);

/* The initial stack pointer, reset, and fourteen exceptions: none is enabled, so each is a fault. */
struct vectors {
  uint32_t *stack;
  void (*handlers[15])(void);
};
__attribute__((section(".vectors"), used)) static const struct vectors vectors = {
    stack_top,
    {reset, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault,
     fault},
};

static uintptr_t host_call(uintptr_t operation, const uintptr_t *arguments) {
  register uintptr_t r0 __asm__("r0") = operation;
  register const uintptr_t *r1 __asm__("r1") = arguments;
  __asm__ volatile("bkpt #0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

static uintptr_t open_file(const char *name, size_t len, uintptr_t mode) {
  uintptr_t arguments[] = {(uintptr_t)name, mode, len};
  return host_call(SYS_OPEN, arguments);
}

static int32_t write_file(uintptr_t file, const void *bytes, size_t len) {
  uintptr_t arguments[] = {file, (uintptr_t)bytes, len};
  return host_call(SYS_WRITE, arguments) == 0 ? 0 : -1;
}

static uintptr_t console, proofs;

void platform_log(const char *text, size_t len) { write_file(console, text, len); }

int32_t platform_send(const uint8_t *bytes, size_t len) { return write_file(proofs, bytes, len); }

/* Says how much of the stack was ever used: what is not painted any more. */
static void log_stack(void) {
  const volatile uint32_t *word = stack_bottom;
  while (word < stack_top && *word == PAINT)
    word++;
  size_t used = (size_t)((const char *)stack_top - (const char *)word);
  char text[] = "stack      \n";
  for (size_t at = sizeof text - 3; used != 0; used /= 10)
    text[at--] = (char)('0' + used % 10);
  platform_log(text, sizeof text - 1);
}

void platform_exit(int status) {
  log_stack();
  uintptr_t arguments[] = {APPLICATION_EXIT, (uintptr_t)status};
  for (;;)
    host_call(SYS_EXIT_EXTENDED, arguments);
}

static void fault(void) { platform_exit(3); }

/* Memory that the emulator has just given is zero, except on a warm start; the FPU is off. */
void reset(void) {
  volatile uint32_t *cpacr = (volatile uint32_t *)0xe000ed88;
  *cpacr |= 0xfu << 20;
  __asm__ volatile("dsb\n  isb" ::: "memory");
  for (volatile uint32_t *word = bss_start; word < bss_end; word++)
    *word = 0;
  /* The frame of this function, and no more, may be in use. */
  volatile uint32_t *frame = (volatile uint32_t *)__builtin_frame_address(0) - 32;
  for (volatile uint32_t *word = stack_bottom; word < frame; word++)
    *word = PAINT;
  console = open_file(":tt", 3, APPEND);
  proofs = open_file("proofs", 6, WRITE_BINARY);
  platform_exit(main());
}
