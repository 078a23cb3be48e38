/* What picolibc needs of the machine: system calls, and streams over them.
 *
 * Link with -Wl,--wrap=main, so that main runs between the library's start and its end. The heap of malloc is that of
 * kit.ld. */
#include <stdio-bufio.h>
#include <stdlib.h>
#include <unistd.h>

#include "guest.h"

extern int __real_main(void);
extern void __libc_init_array(void);

ssize_t read(int descriptor, void *to, size_t len)
{
    return len == 0 ? 0 : guest_call(63, (uint32_t)descriptor, (uint32_t)to, len);
}

ssize_t write(int descriptor, const void *from, size_t len)
{
    return guest_call(64, (uint32_t)descriptor, (uint32_t)from, len);
}

_Noreturn void _exit(int code)
{
    guest_exit((uint32_t)code);
}

static char input_bytes[BUFSIZ], output_bytes[BUFSIZ], message_bytes[BUFSIZ];

#define STREAM(descriptor, bytes, access, flags)                                                   \
    FDEV_SETUP_BUFIO(descriptor, bytes, BUFSIZ, read, write, NULL, NULL, access, flags)

static struct __file_bufio input = STREAM(0, input_bytes, __SRD, 0);
static struct __file_bufio output = STREAM(1, output_bytes, __SWR, 0);
static struct __file_bufio messages = STREAM(2, message_bytes, __SWR, __BLBF);

FILE *const stdin = &input.xfile.cfile.file;
FILE *const stdout = &output.xfile.cfile.file;
FILE *const stderr = &messages.xfile.cfile.file;

/* Output that the program has left in its streams. One that the host refuses ends the guest like any other. */
__attribute__((destructor)) static void flush(void)
{
    int refused = fflush(stdout);
    refused |= fflush(stderr);
    if (refused || ferror(stdout))
        guest_exit(GUEST_IO_ERROR);
}

/* What the entry code calls. */
int __wrap_main(void)
{
    __asm__ volatile("la tp, __tls_base");
    __libc_init_array();
    exit(__real_main());
}
