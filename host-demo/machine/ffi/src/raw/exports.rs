//! The functions that C calls.
//!
//! A pointer is null, and refused, or points to what its type says; that, and for how long, is the
//! caller's to keep, and all that is unsafe here.

use core::ffi::{CStr, c_char, c_void};
use core::mem::MaybeUninit;

use tranche_machine::GuestIo;
use tranche_machine::settings::SECURITY_FLOOR_BITS;
use tranche_machine::setup::MACHINE_VERSION;
use tranche_machine::shape::{MAX_LOG2_CYCLES, MIN_LOG2_CYCLES};

use crate::error::TrancheError;
use crate::plan;
use crate::session::Session;
use crate::suite::BUILT;
use crate::types::{
    TrancheEpoch, TrancheGuest, TrancheLibrary, TranchePlan, TrancheRequest, TrancheSink,
};

/// A session; it lives in the buffer that it was begun with.
#[derive(Debug)]
pub struct TrancheSession;

/// Most bytes of a backend's name, its NUL included.
const NAME_BYTES: usize = 16;

/// The name of the backend, for C.
static BACKEND: [u8; NAME_BYTES] = {
    let (name, mut bytes) = (tranche_backend::NAME.as_bytes(), [0; NAME_BYTES]);
    assert!(name.len() < NAME_BYTES);
    let mut i = 0;
    while i < name.len() {
        bytes[i] = name[i];
        i += 1;
    }
    bytes
};

/// The version, for C.
static VERSION: &CStr =
    match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => panic!("a version has no NUL"),
    };

/// The code of a result, whose value goes to `out`.
///
/// # Safety
/// `out` is null or valid for a write.
unsafe fn deliver<T>(result: Result<T, TrancheError>, out: *mut T) -> TrancheError {
    match result {
        Ok(value) => {
            if out.is_null() {
                return TrancheError::NullPointer;
            }
            // SAFETY: not null, so valid for a write by this function's contract.
            unsafe { out.write(value) };
            TrancheError::Ok
        }
        Err(error) => error,
    }
}

/// The program's bytes.
///
/// # Safety
/// `elf` is null, or valid for reads of `len` bytes that nobody changes for 'a.
unsafe fn program<'a>(elf: *const u8, len: usize) -> Result<&'a [u8], TrancheError> {
    if elf.is_null() {
        return Err(TrancheError::NullPointer);
    }
    // SAFETY: this function's contract; no object has more than isize::MAX bytes.
    Ok(unsafe { core::slice::from_raw_parts(elf, len) })
}

/// Says what this library is.
///
/// # Safety
/// `library` is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tranche_about(library: *mut TrancheLibrary) -> TrancheError {
    let value = TrancheLibrary {
        version: VERSION.as_ptr(),
        backend: BACKEND.as_ptr().cast(),
        machine_version: MACHINE_VERSION,
        min_epoch_log2: MIN_LOG2_CYCLES as u8,
        max_epoch_log2: MAX_LOG2_CYCLES as u8,
        security_floor_bits: SECURITY_FLOOR_BITS as u16,
        hashes: BUILT.iter().fold(0, |bits, hash| bits | 1 << hash.number()),
    };
    // SAFETY: the caller's contract.
    unsafe { deliver(Ok(value), library) }
}

/// The name of an error, such as "TRANCHE_ERROR_STOPPED"; of a number that is none, "unknown".
/// The string is static.
#[unsafe(no_mangle)]
pub extern "C" fn tranche_error_name(error: i32) -> *const c_char {
    TrancheError::from_code(error)
        .map_or(c"unknown", TrancheError::name)
        .as_ptr()
}

/// Writes a request at the default settings and security floor: the best epoch that fits any budget,
/// for guests that touch at most 2048 cells. It hashes with the first `tranche_hash` that the library has.
///
/// # Safety
/// `request` is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tranche_request_default(request: *mut TrancheRequest) -> TrancheError {
    // SAFETY: the caller's contract.
    unsafe { deliver(Ok(plan::default_request()), request) }
}

/// Plans the epochs of a program (the bytes of an ELF file) and says how many bytes a session takes.
///
/// Fails with TRANCHE_ERROR_BUDGET_TOO_SMALL when nothing fits; `plan` is then the smallest there is.
///
/// # Safety
/// `elf` is valid for reads of `elf_len` bytes, `request` for a read, `plan` for a write, or null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tranche_plan_size(
    elf: *const u8,
    elf_len: usize,
    request: *const TrancheRequest,
    plan: *mut TranchePlan,
) -> TrancheError {
    // SAFETY: the caller's contract.
    let (elf, request) = unsafe { (program(elf, elf_len), request.as_ref()) };
    let request = request.ok_or(TrancheError::NullPointer);
    let planned = elf.and_then(|elf| plan::plan(elf, request?));
    let fits = planned.is_ok_and(|(_, fits)| fits);
    // SAFETY: the caller's contract.
    match unsafe { deliver(planned.map(|(plan, _)| plan), plan) } {
        TrancheError::Ok if !fits => TrancheError::BudgetTooSmall,
        error => error,
    }
}

/// Begins a session at the start of a program, in a buffer of at least `plan->bytes` bytes, of any
/// alignment and with anything in it.
///
/// Until the last call on the session, the program's bytes stay as they are, and the buffer is touched
/// by nobody else. Nothing needs to be closed, but a guest's private input, and what it computed from it,
/// stay in the buffer until `tranche_end` or somebody else overwrites them. `max_cycles` bounds the run.
///
/// # Safety
/// `elf` is valid for reads of `elf_len` bytes, `plan` for a read, `buffer` for writes of `buffer_len`
/// bytes, `session` for a write, or null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tranche_begin(
    elf: *const u8,
    elf_len: usize,
    plan: *const TranchePlan,
    max_cycles: u64,
    buffer: *mut c_void,
    buffer_len: usize,
    session: *mut *mut TrancheSession,
) -> TrancheError {
    // SAFETY: the caller's contract.
    let (elf, plan) = unsafe { (program(elf, elf_len), plan.as_ref()) };
    let (Ok(elf), Some(plan), false) = (elf, plan, buffer.is_null()) else {
        return TrancheError::NullPointer;
    };
    if session.is_null() {
        return TrancheError::NullPointer;
    }
    // SAFETY: the caller's contract; uninitialised bytes may hold anything.
    let buffer =
        unsafe { core::slice::from_raw_parts_mut(buffer.cast::<MaybeUninit<u8>>(), buffer_len) };
    let begun = Session::begin(elf, plan, max_cycles, buffer);
    // SAFETY: the caller's contract.
    unsafe {
        deliver(
            begun.map(|begun| core::ptr::from_mut(begun).cast()),
            session,
        )
    }
}

/// Executes the next epoch and proves it. `sink` takes the proof's bytes as they are known, at most
/// 1024 at a time, with `user` handed on to it.
///
/// After an error, and after the last epoch, the session is over. Without a `guest` there is no input.
///
/// # Safety
/// `session` was begun by `tranche_begin`, and is in no other call; `guest` is valid for a read or
/// null, `epoch` for a write or null; the callbacks are functions of their type.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tranche_prove_next(
    session: *mut TrancheSession,
    guest: *const TrancheGuest,
    sink: TrancheSink,
    user: *mut c_void,
    epoch: *mut TrancheEpoch,
) -> TrancheError {
    // SAFETY: the caller's contract: `tranche_begin` made the pointer from such a reference.
    let (session, guest) = unsafe { (session.cast::<Session<'_>>().as_mut(), guest.as_ref()) };
    let (Some(session), Some(sink), false) = (session, sink, epoch.is_null()) else {
        return TrancheError::NullPointer;
    };
    let proved = session.prove_next(&mut Guest(guest), |bytes| {
        sink(user, bytes.as_ptr(), bytes.len()) == 0
    });
    let proved = proved.map(|proved| TrancheEpoch {
        number: proved.number,
        entry: proved.span.entry,
        exit: proved.span.exit,
        cycles: proved.span.cycles,
        last: proved.exit_code.is_some(),
        exit_code: proved.exit_code.unwrap_or(0),
        proof_bytes: proved.proof_bytes,
    });
    // SAFETY: the caller's contract.
    unsafe { deliver(proved, epoch) }
}

/// Ends a session, whatever its state, and overwrites the whole buffer that it was begun with with zeros,
/// in a way that no compiler drops: afterwards nothing of the guest's private input is in it. What it
/// cannot reach is the stack below the calls that came before.
///
/// The session is gone; the buffer is the caller's again.
///
/// # Safety
/// `session` was begun by `tranche_begin`, is in no other call, and has not been ended; or null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tranche_end(session: *mut TrancheSession) -> TrancheError {
    // SAFETY: the caller's contract: `tranche_begin` made the pointer from such a reference.
    let session = unsafe { session.cast::<Session<'_>>().as_ref() };
    let Some(lent) = session.map(Session::lent) else {
        return TrancheError::NullPointer;
    };
    // SAFETY: the caller's contract: the buffer is the session's until now, and nobody uses it again.
    unsafe { lent.wipe() };
    TrancheError::Ok
}

/// The guest's world as the machine takes it.
struct Guest<'a>(Option<&'a TrancheGuest>);

impl GuestIo for Guest<'_> {
    fn read(&mut self) -> Option<u8> {
        let guest = self.0?;
        u8::try_from(guest.read?(guest.user)).ok()
    }

    fn write(&mut self, byte: u8) {
        if let Some((write, user)) = self.0.and_then(|guest| Some((guest.write?, guest.user))) {
            write(user, byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use super::*;

    const SPIN: &[u8] = include_bytes!("../../../../guests/prebuilt/spin.elf");
    /// A private input that the guest cannot read as a number, so that it soon exits.
    const SECRET: &[u8] = b"a secret that stays here";
    const DIRT: u8 = 0xa5;

    extern "C" fn read(user: *mut c_void) -> i32 {
        // SAFETY: every test below hands a slice that outlives its session.
        let left = unsafe { &mut *user.cast::<&[u8]>() };
        match left.split_first() {
            Some((&byte, rest)) => {
                *left = rest;
                byte.into()
            }
            None => -1,
        }
    }

    extern "C" fn take(_: *mut c_void, _: *const u8, _: usize) -> i32 {
        0
    }

    extern "C" fn stop(_: *mut c_void, _: *const u8, _: usize) -> i32 {
        1
    }

    fn planned() -> TranchePlan {
        let mut request = plan::default_request();
        request.settings.epoch_log2 = 6;
        request.settings.num_queries = 2;
        request.settings.query_pow_bits = 0;
        request.security_floor_bits = 0;
        plan::plan(SPIN, &request).unwrap().0
    }

    /// Whether a word of the input stands somewhere in the buffer, as values of cells and rows do.
    fn leaks(memory: &[u8]) -> bool {
        let read = &SECRET[..11];
        let word = |at: usize| memory.windows(4).any(|word| word == &read[at..at + 4]);
        (0..=read.len() - 4).any(word)
    }

    /// Runs a session's first epoch in `memory`, and ends it.
    fn run(memory: &mut [u8], sink: TrancheSink) -> (TrancheError, bool) {
        let planned = planned();
        let mut input = SECRET;
        let guest = TrancheGuest {
            user: (&raw mut input).cast(),
            read: Some(read),
            write: None,
        };
        let mut session = core::ptr::null_mut();
        let (buffer, len) = (memory.as_mut_ptr(), memory.len());
        // SAFETY: every pointer is valid for as long as it is used, and the buffer is looked at in
        // between, by the pointer that the session descends from, while no call runs.
        unsafe {
            let begun = tranche_begin(
                SPIN.as_ptr(),
                SPIN.len(),
                &planned,
                1000,
                buffer.cast(),
                len,
                &mut session,
            );
            assert_eq!(begun, TrancheError::Ok);
            let mut epoch = core::mem::zeroed();
            let null = core::ptr::null_mut();
            let proved = tranche_prove_next(session, &guest, sink, null, &mut epoch);
            let leaks = leaks(&Vec::from(core::slice::from_raw_parts(buffer, len)));
            assert_eq!(tranche_end(session), TrancheError::Ok);
            (proved, leaks)
        }
    }

    #[test]
    fn an_ended_session_leaves_zeros() {
        let len = planned().bytes;
        let sinks: [(TrancheSink, _); 2] = [
            (Some(take), TrancheError::Ok),
            (Some(stop), TrancheError::Stopped),
        ];
        for (sink, expected) in sinks {
            for (before, after) in [(0, 0), (1, 0), (7, 3), (16, 64)] {
                let mut memory = vec![DIRT; before + len + after];
                let buffer = &mut memory[before..before + len];
                let (proved, leaked) = run(buffer, sink);
                assert_eq!(proved, expected);
                assert!(leaked, "the control: the input is in the buffer");
                assert!(buffer.iter().all(|&byte| byte == 0));
                let (outside, rest) = memory.split_at(before);
                let outside = outside.iter().chain(&rest[len..]);
                assert!(outside.copied().all(|byte| byte == DIRT), "nothing else");
            }
        }
    }

    #[test]
    fn no_session_is_not_ended() {
        // SAFETY: null is allowed.
        let ended = unsafe { tranche_end(core::ptr::null_mut()) };
        assert_eq!(ended, TrancheError::NullPointer);
    }
}
