//! System calls: the numbers that the machine serves, and what to say of those that it does not.
//!
//! Numbers are Linux's for 32-bit RISC-V (`include/uapi/asm-generic/unistd.h`).

/// Reads the private or the public input.
pub const READ: u32 = 63;
/// Writes the public output, or a message.
pub const WRITE: u32 = 64;
/// Ends the run.
pub const EXIT: u32 = 93;
/// Ends the run too: a guest is one thread.
pub const EXIT_GROUP: u32 = EXIT + 1;

/// Descriptor of the private input.
pub const INPUT: u32 = 0;
/// Descriptor of the public output.
pub const OUTPUT: u32 = 1;
/// Descriptor of the guest's messages.
pub const MESSAGES: u32 = 2;
/// Descriptor of the public input.
pub const PUBLIC: u32 = 3;

/// What to do in place of a call that the machine does not serve.
const HEAP: &str = "reserve a heap in .bss: untouched memory costs nothing";
const CLOCK: &str = "a proof knows no time: pass it in the input";
const RANDOM: &str = "a proof knows no chance: pass random bytes in the input";
const FILES: &str = "there are no files: read descriptor 0 or 3, write descriptor 1 or 2";
const VECTORS: &str = "call read (63) or write (64) once for each buffer";
const THREADS: &str = "a guest is one thread and one process";
const SIGNALS: &str = "there are no signals: exit (93) with a code instead";
const SYSTEM: &str = "a guest is told nothing of its host: pass it in the input";

/// Calls that libraries make, by number, each with its name and what to do instead.
const REFUSED: [(u32, &str, &str); 49] = [
    (17, "getcwd", FILES),
    (24, "dup3", FILES),
    (25, "fcntl", FILES),
    (29, "ioctl", FILES),
    (34, "mkdirat", FILES),
    (35, "unlinkat", FILES),
    (37, "linkat", FILES),
    (48, "faccessat", FILES),
    (49, "chdir", FILES),
    (56, "openat", FILES),
    (57, "close", FILES),
    (59, "pipe2", FILES),
    (62, "lseek", FILES),
    (65, "readv", VECTORS),
    (66, "writev", VECTORS),
    (67, "pread64", FILES),
    (68, "pwrite64", FILES),
    (78, "readlinkat", FILES),
    (79, "fstatat", FILES),
    (80, "fstat", FILES),
    (96, "set_tid_address", THREADS),
    (98, "futex", THREADS),
    (101, "nanosleep", CLOCK),
    (113, "clock_gettime", CLOCK),
    (124, "sched_yield", THREADS),
    (129, "kill", SIGNALS),
    (131, "tgkill", SIGNALS),
    (132, "sigaltstack", SIGNALS),
    (134, "rt_sigaction", SIGNALS),
    (135, "rt_sigprocmask", SIGNALS),
    (153, "times", CLOCK),
    (160, "uname", SYSTEM),
    (163, "getrlimit", SYSTEM),
    (165, "getrusage", SYSTEM),
    (169, "gettimeofday", CLOCK),
    (172, "getpid", SYSTEM),
    (214, "brk", HEAP),
    (215, "munmap", HEAP),
    (216, "mremap", HEAP),
    (220, "clone", THREADS),
    (222, "mmap", HEAP),
    (226, "mprotect", HEAP),
    (261, "prlimit64", SYSTEM),
    (278, "getrandom", RANDOM),
    (291, "statx", FILES),
    (403, "clock_gettime64", CLOCK),
    (422, "futex_time64", THREADS),
    (1024, "open", FILES),
    (1038, "stat", FILES),
];

/// Name of the call `number`, and what to do instead; `None` for one that is not listed.
pub fn refused(number: u32) -> Option<(&'static str, &'static str)> {
    let at = REFUSED.binary_search_by_key(&number, |call| call.0).ok()?;
    let (_, name, instead) = REFUSED[at];
    Some((name, instead))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_calls_are_found_by_number() {
        assert!(REFUSED.is_sorted_by(|a, b| a.0 < b.0));
        for (number, name, instead) in REFUSED {
            assert_eq!(refused(number), Some((name, instead)));
        }
        for number in [READ, WRITE, EXIT, EXIT_GROUP, 0, u32::MAX] {
            assert_eq!(refused(number), None);
        }
    }
}
