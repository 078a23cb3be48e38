//! An image's log: `defmt` frames, decoded with the table that the image carries.

use std::fmt;
use std::str::FromStr;

use defmt_decoder::{DecodeError, Table};

use crate::Failure;

/// A decoded log.
#[derive(Debug, Default)]
pub struct Log {
    /// Instructions executed before, and what was logged.
    lines: Vec<(u64, String)>,
}

/// What an image says of an epoch.
#[derive(Clone, Copy, Debug)]
pub struct Epoch {
    /// Its number.
    pub number: u32,
    /// Its cycles.
    pub cycles: u32,
    /// Bytes of its proof.
    pub proof_bytes: usize,
    /// Whether the guest exited in it.
    pub last: bool,
}

/// The steps of a proof, by the lines that they begin with, in order.
pub const STEPS: [&str; 9] = [
    "prepare",
    "execute",
    "tranche: Commit",
    "tranche: Argue",
    "tranche: Quotient",
    "tranche: Evaluate",
    "tranche: Reduce",
    "tranche: Fold",
    "tranche: Open",
];

impl Log {
    /// Decodes a whole log.
    pub fn decode(image: &[u8], frames: &[u8]) -> Result<Self, Failure> {
        let table = Table::parse(image)?.ok_or("the image has no log messages")?;
        let mut decoder = table.new_stream_decoder();
        decoder.received(frames);
        let mut log = Self::default();
        loop {
            match decoder.decode() {
                Ok(frame) => {
                    let time = frame.display_timestamp().ok_or("a line without a time")?;
                    let time = time.to_string().parse()?;
                    log.lines.push((time, frame.display_message().to_string()));
                }
                Err(DecodeError::UnexpectedEof) => return Ok(log),
                Err(DecodeError::Malformed) => return Err("a malformed log".into()),
            }
        }
    }

    /// The numbers and words of the only line that begins with `name`.
    fn only(&self, name: &str) -> Result<Vec<&str>, Failure> {
        let mut found = self.starting(name);
        let words = found.next().ok_or_else(|| format!("no line '{name}'"))?;
        match found.next() {
            None => Ok(words),
            Some(_) => Err(format!("more than one line '{name}'").into()),
        }
    }

    fn starting(&self, name: &str) -> impl Iterator<Item = Vec<&str>> {
        self.lines
            .iter()
            .map(|(_, line)| line.split(' ').collect::<Vec<_>>())
            .filter(move |words| words[0] == name)
    }

    /// Bytes of the workspace, and of all other buffers.
    pub fn memory(&self) -> Result<(u64, u64), Failure> {
        let words = self.only("workspace")?;
        Ok((number(&words, 1)?, number(&words, 3)?))
    }

    /// Bytes of stack that were used.
    pub fn stack(&self) -> Result<u64, Failure> {
        let words = self.only("stack")?;
        let (used, size): (u64, u64) = (number(&words, 1)?, number(&words, 3)?);
        if used < size {
            Ok(used)
        } else {
            Err("the stack is used up".into())
        }
    }

    /// The epochs that were proved.
    pub fn epochs(&self) -> Result<Vec<Epoch>, Failure> {
        self.starting("epoch")
            .map(|words| {
                Ok(Epoch {
                    number: number(&words, 1)?,
                    cycles: number(&words, 3)?,
                    proof_bytes: number(&words, 5)?,
                    last: number(&words, 7)?,
                })
            })
            .collect()
    }

    /// Longest epochs that fit, as cells of a table: profile, cycles, bytes, bytes of the arena.
    pub fn largest(&self) -> Result<Vec<String>, Failure> {
        self.starting("largest")
            .map(|words| match words[..] {
                [_, profile, log2_cycles, _, needed, _, _, arena] => Ok(format!(
                    "{} | 2^{log2_cycles} | {needed} | {arena}",
                    profile.to_lowercase()
                )),
                _ => Err(format!("a line '{}'", words.join(" ")).into()),
            })
            .collect()
    }

    /// Instructions of one candidate of a proof of work, on average over a search.
    pub fn try_instructions(&self) -> Result<f64, Failure> {
        let time = |name: &str| {
            let line = self.lines.iter().find(|(_, line)| line.starts_with(name));
            let (time, _) = line.ok_or_else(|| format!("no line '{name}'"))?;
            Ok::<_, Failure>(*time)
        };
        let tries: u32 = number(&self.only("tries")?, 1)?;
        Ok((time("tries")? - time("grind")?) as f64 / f64::from(tries))
    }

    /// Instructions of each of the [`STEPS`] of the first proof.
    pub fn steps(&self) -> Result<[u64; STEPS.len()], Failure> {
        let mut starts = Vec::new();
        let mut lines = self.lines.iter();
        for step in STEPS.into_iter().chain(["epoch"]) {
            let (time, _) = lines
                .find(|(_, line)| line.starts_with(step))
                .ok_or_else(|| format!("no line '{step}' after the step before"))?;
            starts.push(*time);
        }
        Ok(std::array::from_fn(|i| starts[i + 1] - starts[i]))
    }
}

/// The word at a place, as a number or a truth value.
fn number<T: FromStr>(words: &[&str], at: usize) -> Result<T, Failure> {
    let word = words.get(at).ok_or("a line that is too short")?;
    word.parse()
        .map_err(|_| format!("'{word}' in the line '{}'", words.join(" ")).into())
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines
            .iter()
            .try_for_each(|(time, line)| writeln!(f, "{time:>14} {line}"))
    }
}
