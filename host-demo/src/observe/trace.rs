//! A line for each instruction: cycle, address, place, encoding, mnemonic, and what it left.

use std::io::{self, Write};

use tranche_machine::decode::Size;

use super::assembly::{assembly, register};
use super::functions::Functions;
use super::{Executed, Observer};

/// Writes the trace of a run.
///
/// ```text
/// 12 0x00010030 main+0x8 0x00812083 lw ra, 8(sp) | ra=0x00010010 [0x0001fff8]
/// ```
///
/// Behind the bar are the register that was written with its value, the address of an access to memory with what a
/// store leaves there, and the cycles of a system call that took several.
#[derive(Debug)]
pub struct Trace<'a, W> {
    functions: &'a Functions,
    out: W,
    /// Why nothing more is written.
    failed: Option<io::Error>,
}

impl<'a, W: Write> Trace<'a, W> {
    /// A trace that goes to `out`.
    pub const fn new(functions: &'a Functions, out: W) -> Self {
        Self {
            functions,
            out,
            failed: None,
        }
    }

    /// Writes what is still held back.
    ///
    /// # Errors
    /// As the output fails, or failed before.
    pub fn finish(mut self) -> io::Result<()> {
        self.failed.map_or_else(|| self.out.flush(), Err)
    }

    fn line(&mut self, executed: &Executed) -> io::Result<()> {
        let Executed {
            cycle,
            cycles,
            pc,
            next_pc: _,
            word,
            instruction,
            written,
            access,
        } = *executed;
        let (place, text) = (self.functions.place(pc), assembly(pc, instruction));
        let out = &mut self.out;
        write!(out, "{cycle} {pc:#010x} {place} {word:#010x} {text} |")?;
        if let Some((rd, value)) = written {
            write!(out, " {}={value:#010x}", register(rd))?;
        }
        if let Some(access) = access {
            write!(out, " [{:#010x}]", access.address)?;
            match access.stored {
                Some((Size::Byte, value)) => write!(out, "={:#04x}", value as u8)?,
                Some((Size::Half, value)) => write!(out, "={:#06x}", value as u16)?,
                Some((Size::Word, value)) => write!(out, "={value:#010x}")?,
                None => {}
            }
        }
        if cycles > 1 {
            write!(out, " {cycles} cycles")?;
        }
        writeln!(out)
    }
}

impl<W: Write> Observer for Trace<'_, W> {
    fn see(&mut self, executed: &Executed) {
        if self.failed.is_none() {
            self.failed = self.line(executed).err();
        }
    }
}
