//! Execution without proof: what a program computes, and how much memory it touches.

use tranche_machine::{Cell, ExecError, GuestIo, Machine, Program};

/// Cells that an execution starts with room for; it starts again with more when they run out.
const FIRST_CELLS: usize = 1 << 14;

/// What an execution came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// The guest's exit code.
    pub exit_code: u32,
    /// The guest's output.
    pub output: Vec<u8>,
    /// Rows of the CPU table: instructions, and one for each byte of a system call.
    pub cycles: u64,
    /// Instructions.
    pub instructions: u64,
    /// Length of a buffer of cells in which the execution runs again.
    pub cells: usize,
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

/// Executes `program` on `input` until it exits, in as much memory as it takes.
///
/// # Errors
/// [`ExecError`], which names the instruction; [`ExecError::CycleLimit`] after `max_cycles`.
pub fn execute(
    program: &Program<'_>,
    input: &[u8],
    max_cycles: u64,
) -> Result<Execution, ExecError> {
    let mut cells = FIRST_CELLS;
    loop {
        let mut memory = vec![Cell::FREE; cells];
        let mut machine = Machine::new(program, &mut memory, max_cycles);
        let mut io = Io::new(input);
        match machine.run(&mut io) {
            Err(ExecError::MemoryFull { .. }) => cells *= 4,
            Err(error) => return Err(error),
            Ok(exit_code) => {
                let (cycles, instructions) = (machine.cycles(), machine.instructions());
                let output = io.output;
                return Ok(Execution {
                    exit_code,
                    output,
                    cycles,
                    instructions,
                    cells,
                });
            }
        }
    }
}
