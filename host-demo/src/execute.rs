//! Execution without proof: what a program computes, and how much memory it touches.

use std::io::Write;
use std::time::{Duration, Instant};

use tranche_machine::{ExecError, GuestIo, Machine, Pages, Program, RomBlocks};

use crate::observe::markers::Markers;
use crate::observe::{self, Observer};
use crate::visits::{WINDOW_CYCLES, Windows};

/// Bytes of its memory that a guest may touch, unless the caller says otherwise.
pub const MAX_MEMORY: u64 = 1 << 30;

/// Cycles between two reports of progress.
const WATCHED_CYCLES: u64 = 1 << 20;

/// What an execution came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// The guest's exit code.
    pub exit_code: u32,
    /// The guest's output.
    pub output: Vec<u8>,
    /// Rows of the CPU table: instructions, and one for each byte or word that a system call moves.
    pub cycles: u64,
    /// Instructions.
    pub instructions: u64,
    /// Bytes of the guest's memory and output on the pages that it touched.
    pub memory: u64,
    /// The blocks of the ROM that it executed.
    pub blocks: RomBlocks,
    /// Those that it executed [most of the time](Windows::frequent), where they are a lower table; all of them otherwise.
    pub frequent: RomBlocks,
}

/// The outside world of a guest: input from a slice, output to a vector.
#[derive(Debug, Default)]
pub struct Io<'a> {
    input: &'a [u8],
    output: Vec<u8>,
}

impl<'a> Io<'a> {
    /// The world of a guest that reads `input`.
    pub const fn new(input: &'a [u8]) -> Self {
        Self {
            input,
            output: Vec::new(),
        }
    }
}

impl GuestIo for Io<'_> {
    fn read(&mut self) -> Option<u8> {
        let (&byte, rest) = self.input.split_first()?;
        self.input = rest;
        Some(byte)
    }

    fn write(&mut self, byte: u8) {
        self.output.push(byte);
    }
}

/// The world of a guest whose messages are shown.
struct Shown<'a> {
    io: Io<'a>,
    messages: &'a mut dyn Write,
    markers: Markers,
}

impl GuestIo for Shown<'_> {
    fn read(&mut self) -> Option<u8> {
        self.io.read()
    }

    fn write(&mut self, byte: u8) {
        self.io.write(byte);
    }

    fn begin_message(&mut self, cycles: u64) {
        self.markers.begin_message(cycles);
    }

    fn message(&mut self, byte: u8) {
        self.markers.message(byte);
        // What cannot be shown is no reason to stop.
        let _ = self.messages.write_all(&[byte]);
    }
}

/// Executes `program` on `input` until it exits, in at most [`MAX_MEMORY`]; its messages are dropped.
///
/// # Errors
/// [`ExecError`], which names the instruction; [`ExecError::CycleLimit`] after `max_cycles`.
pub fn execute(
    program: &Program<'_>,
    input: &[u8],
    max_cycles: u64,
) -> Result<Execution, ExecError> {
    execute_within(
        program,
        input,
        max_cycles,
        MAX_MEMORY,
        &mut std::io::sink(),
        |_| (),
    )
}

/// What bounds an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Cycles.
    pub cycles: u64,
    /// Bytes that the guest may touch, counted in [pages](tranche_machine::exec::pages) of 1 KiB, output
    /// included. The host takes about as much.
    pub memory: u64,
}

/// Executes `program` on `input` until it exits.
///
/// The guest's messages, what it writes to
/// descriptor 2, go to `messages` as they come; those that cannot be written are dropped. `progress`
/// is told the cycles so far, many times a second.
///
/// # Errors
/// [`ExecError`], which names the instruction; [`ExecError::CycleLimit`] after `max_cycles`,
/// [`ExecError::MemoryFull`] beyond `max_memory`.
pub fn execute_within(
    program: &Program<'_>,
    input: &[u8],
    max_cycles: u64,
    max_memory: u64,
    messages: &mut dyn Write,
    progress: impl FnMut(u64),
) -> Result<Execution, ExecError> {
    let limits = Limits {
        cycles: max_cycles,
        memory: max_memory,
    };
    let run = drive(
        program,
        input,
        limits,
        messages,
        progress,
        |machine, io, blocks| machine.run_visiting(io, WINDOW_CYCLES, blocks),
    );
    Ok(run?.execution)
}

/// An execution, and what was seen of it.
#[derive(Clone, Debug)]
pub struct Observed {
    /// What it came to.
    pub execution: Execution,
    /// Markers among its messages.
    pub markers: Markers,
    /// How long it took.
    pub time: Duration,
}

/// As [`execute_within`]; shows each instruction to each of `observers`. With any of them it takes several times as
/// long.
///
/// # Errors
/// As [`execute_within`].
pub fn execute_observed(
    program: &Program<'_>,
    input: &[u8],
    limits: Limits,
    messages: &mut dyn Write,
    progress: impl FnMut(u64),
    observers: &mut [&mut dyn Observer],
) -> Result<Observed, ExecError> {
    drive(
        program,
        input,
        limits,
        messages,
        progress,
        |machine, io, blocks| {
            if observers.is_empty() {
                return machine.run_visiting(io, WINDOW_CYCLES, blocks);
            }
            observe::run_for(machine, program, (io, blocks), WINDOW_CYCLES, observers)
        },
    )
}

/// Executes with `run_for`, window by window, which returns the exit code once there is one.
fn drive(
    program: &Program<'_>,
    input: &[u8],
    limits: Limits,
    messages: &mut dyn Write,
    mut progress: impl FnMut(u64),
    mut run_for: impl FnMut(
        &mut Machine<'_, Pages>,
        &mut Shown<'_>,
        &mut RomBlocks,
    ) -> Result<Option<u32>, ExecError>,
) -> Result<Observed, ExecError> {
    let mut machine = Machine::over(program, Pages::new(limits.memory), limits.cycles);
    let mut io = Shown {
        io: Io::new(input),
        messages,
        markers: Markers::default(),
    };
    let mut windows = Windows::default();
    let start = Instant::now();
    let end = loop {
        let mut blocks = RomBlocks::NONE;
        let ended = run_for(&mut machine, &mut io, &mut blocks);
        windows.push(blocks);
        match ended {
            Ok(None) if machine.cycles().is_multiple_of(WATCHED_CYCLES) => {
                progress(machine.cycles());
            }
            Ok(None) => {}
            Ok(Some(exit_code)) => break Ok(exit_code),
            Err(error) => break Err(error),
        }
    };
    let time = start.elapsed();
    let _ = io.messages.flush();
    let exit_code = end?;
    Ok(Observed {
        execution: Execution {
            exit_code,
            output: io.io.output,
            cycles: machine.cycles(),
            instructions: machine.instructions(),
            memory: machine.store().bytes(),
            blocks: windows.all(),
            frequent: windows.frequent(program),
        },
        markers: io.markers,
        time,
    })
}
