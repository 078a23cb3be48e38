//! The ledger: what the images weigh and what a proof takes, per target.
//!
//! A figure that the code alone decides is compared exactly, one that the compiler has a part in
//! within [`TOLERANCE`]: another release of it is no regression.

use std::fmt::{self, Write as _};

use tranche_machine::hash::Hash;

use super::board::SMALL_BOARD;
use super::image::{Image, SECTIONS};
use super::log::{Log, STEPS};
use crate::Failure;
use crate::case::Case;

/// How far a figure of the compiler's may be from the ledger's, as a share of it.
const TOLERANCE: f64 = 0.1;
/// Columns whose figures are compared within the tolerance: bytes of code and stack, instructions.
const COMPILED: &[&str] = &[
    ".text",
    ".rodata",
    ".data",
    ".bss",
    "stack",
    "total",
    "prepare",
    "execute",
    "commit",
    "argue",
    "quotient",
    "evaluate",
    "reduce",
    "fold",
    "open",
    "expected",
    "of a try",
    "ratio",
    "ratio expected",
];
/// Most stack that the Cortex-M7 may use.
const MAX_STACK_BYTES: u64 = 32 << 10;
/// Most memory of the board that has little: all that is written, stack included.
const MAX_SMALL_BOARD_BYTES: u64 = 256 << 10;
/// Most memory of the smallest plan, stack included.
const MAX_SMALLEST_BYTES: u64 = 384 << 10;
/// Most workspace of an epoch of 2^10 cycles with a ROM of 2^10 rows, in the compact profile: 0.8 MiB, and 6 KiB
/// for the columns of system calls that move words.
const MAX_COMPACT_BYTES: u64 = (8 << 20) / 10 + (6 << 10);
/// As much more on AArch64, whose backend keeps what it knows of each root beside it.
const MAX_ROOT_BYTES: u64 = 8 << 10;
/// As much more with BLAKE3, whose rows keep what is pending of a block.
const MAX_PENDING_BYTES: u64 = 16 << 10;

/// A proof on a board.
#[derive(Debug)]
pub struct Row {
    case: Case,
    luck: i64,
    workspace: u64,
    other: u64,
    stack: u64,
    proof: usize,
    steps: [u64; STEPS.len()],
}

impl Row {
    /// What a log says of a case whose first proof took so many more candidates of proofs of work than on average.
    pub fn new(case: &Case, log: &Log, luck: i64) -> Result<Self, Failure> {
        let (workspace, other) = log.memory()?;
        let first = log.epochs()?.first().copied().ok_or("no epoch")?;
        Ok(Self {
            case: *case,
            luck,
            workspace,
            other,
            stack: log.stack()?,
            proof: first.proof_bytes,
            steps: log.steps()?,
        })
    }

    /// Instructions in all.
    fn total(&self) -> u64 {
        self.steps.iter().sum()
    }

    /// Instructions in all, had every search for a proof of work taken its average, by those of one candidate.
    fn expected(&self, of_a_try: f64) -> f64 {
        self.total() as f64 - self.luck as f64 * of_a_try
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            case,
            luck: _,
            workspace,
            other,
            stack,
            proof,
            steps,
        } = self;
        let (guest, log2_cycles, profile) = (case.guest, case.log2_cycles, case.profile_name());
        let suite = case.hash.name();
        write!(
            f,
            "| {guest} | {suite} | 2^{log2_cycles} | {profile} | {workspace} | {other} | {stack} | {proof} "
        )?;
        for instructions in [self.total()].iter().chain(steps) {
            write!(f, "| {:.1} ", *instructions as f64 / 1e6)?;
        }
        f.write_str("|")
    }
}

/// Everything that one image says.
#[derive(Debug)]
pub struct Entry {
    /// Its board.
    pub board: &'static str,
    /// The image.
    pub image: Image,
    /// Its proofs.
    pub rows: Vec<Row>,
    /// Longest epochs that fit, in words, suite by suite.
    pub largest: Vec<(Hash, Vec<String>)>,
    /// Instructions of one candidate of a proof of work, suite by suite.
    pub tries: Vec<(Hash, f64)>,
}

/// A compact epoch of 2^10 cycles with one suite over the same with the other, as instructions.
struct Ratio {
    /// Of all that was executed.
    total: f64,
    /// With the average of every search for a proof of work.
    expected: f64,
}

impl Entry {
    /// Instructions of one candidate.
    fn of_a_try(&self, hash: Hash) -> f64 {
        let tries = self.tries.iter().find(|(of, _)| *of == hash);
        tries.map_or(0.0, |&(_, instructions)| instructions)
    }

    /// BLAKE3 over Poseidon2, where both were run.
    fn ratio(&self) -> Option<Ratio> {
        let of = |hash| {
            let is = |case: &Case| case.log2_cycles == 10 && case.compact && case.hash == hash;
            let row = self.rows.iter().find(|row| is(&row.case))?;
            Some([row.total() as f64, row.expected(self.of_a_try(hash))])
        };
        let (poseidon2, blake3) = (of(Hash::Poseidon2)?, of(Hash::Blake3)?);
        Some(Ratio {
            total: blake3[0] / poseidon2[0],
            expected: blake3[1] / poseidon2[1],
        })
    }
}

/// Everything that the images say.
#[derive(Debug, Default)]
pub struct Ledger {
    entries: Vec<Entry>,
}

impl Ledger {
    /// Adds an image.
    pub fn add(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Compares with what a device can be expected to have.
    pub fn check_limits(&self) -> Result<(), Failure> {
        for Entry { board, image, .. } in &self.entries {
            if *board == SMALL_BOARD && image.ram > MAX_SMALL_BOARD_BYTES {
                return Err(format!("{board}: {} bytes of RAM", image.ram).into());
            }
        }
        for (board, row) in self.rows() {
            let (case, all) = (&row.case, row.workspace + row.other + row.stack);
            let pending = match case.hash {
                Hash::Poseidon2 => 0,
                Hash::Blake3 => MAX_PENDING_BYTES,
            };
            let roots = if board == "aarch64" {
                MAX_ROOT_BYTES
            } else {
                0
            };
            for (holds, bytes, most, what) in [
                (
                    board == "thumbv7em" || board == SMALL_BOARD,
                    row.stack,
                    MAX_STACK_BYTES,
                    "stack",
                ),
                (
                    board == SMALL_BOARD,
                    all,
                    MAX_SMALL_BOARD_BYTES,
                    "memory in all",
                ),
                (
                    case.log2_cycles == 6,
                    all,
                    MAX_SMALLEST_BYTES,
                    "memory of the smallest plan",
                ),
                (
                    case.guest == "json" && case.log2_cycles == 10 && case.compact,
                    row.workspace,
                    MAX_COMPACT_BYTES + pending + roots,
                    "workspace",
                ),
            ] {
                if holds && bytes > most {
                    return Err(format!("{board}, {case}: {bytes} bytes of {what}").into());
                }
            }
        }
        Ok(())
    }

    fn rows(&self) -> impl Iterator<Item = (&'static str, &Row)> {
        let entries = self.entries.iter();
        entries.flat_map(|entry| entry.rows.iter().map(|row| (entry.board, row)))
    }

    /// Compares with the committed one, of which there may be more boards.
    pub fn compare(&self, committed: &str) -> Result<(), Failure> {
        let (ours, theirs) = (self.to_string(), Tables::of(committed));
        let mut differences = String::new();
        for (key, (columns, ours)) in &Tables::of(&ours).rows {
            let Some((_, theirs)) = theirs
                .rows
                .iter()
                .find_map(|(k, v)| (k == key).then_some(v))
            else {
                let _ = writeln!(differences, "not in the ledger: {key}");
                continue;
            };
            for ((column, ours), theirs) in columns.iter().zip(ours).zip(theirs) {
                if !agree(column, ours, theirs) {
                    let _ = writeln!(differences, "{key}, {column}: {ours}, committed {theirs}");
                }
            }
        }
        if differences.is_empty() {
            Ok(())
        } else {
            Err(format!("{differences}If that is meant, run with --write and say why.").into())
        }
    }
}

/// Whether a figure is as committed.
fn agree(column: &str, ours: &str, theirs: &str) -> bool {
    match (ours.parse::<f64>(), theirs.parse::<f64>()) {
        (Ok(ours), Ok(theirs)) if COMPILED.contains(&column) => {
            // A figure of a few units is as good as none.
            (ours - theirs).abs() <= (theirs * TOLERANCE).max(1.0)
        }
        _ => column == "toolchain" || ours == theirs,
    }
}

/// The rows of all tables of a text, by the cells that name them.
struct Tables<'a> {
    rows: Vec<(String, (Vec<&'a str>, Vec<&'a str>))>,
}

impl<'a> Tables<'a> {
    fn of(text: &'a str) -> Self {
        let mut columns: Vec<&str> = Vec::new();
        let mut rows = Vec::new();
        for line in text.lines() {
            let Some(line) = line.strip_prefix('|') else {
                columns.clear();
                continue;
            };
            let cells = line.trim_end_matches('|').split('|').map(str::trim);
            let cells: Vec<_> = cells.collect();
            if columns.is_empty() {
                columns = cells;
            } else if !cells[0].starts_with("---") {
                let named = columns.iter().position(|column| !NAMES.contains(column));
                let (names, values) = cells.split_at(named.unwrap_or(cells.len()));
                let columns = columns[names.len()..].to_vec();
                rows.push((names.join(" "), (columns, values.to_vec())));
            }
        }
        Self { rows }
    }
}

/// Columns that name a row; those after them are its figures.
const NAMES: &[&str] = &["target", "guest", "suite", "cycles", "profile"];

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "# Ledger of the images\n\n\
             Written by `tests/firmware/run --write`, compared by `tests/firmware/run`: `.text` to `.bss`, \
             stack and\ninstructions within {:.0} %, since another compiler is no regression, the rest \
             exactly.\n\n## Images\n\nBytes. The arena of 16 MiB and the stack of 64 KiB are sections of \
             their own; on\n{SMALL_BOARD} a stack of 32 KiB and the rest of 256 KiB.\n",
            TOLERANCE * 100.0
        )?;
        writeln!(f, "| target | {} | toolchain |", SECTIONS.join(" | "))?;
        writeln!(f, "|---{}|---|", "|---".repeat(SECTIONS.len()))?;
        for Entry { board, image, .. } in &self.entries {
            write!(f, "| {board} ")?;
            for bytes in image.sections {
                write!(f, "| {bytes} ")?;
            }
            writeln!(f, "| {} |", image.toolchain)?;
        }
        writeln!(
            f,
            "\n## Proofs\n\nBytes of workspace, of all other buffers (touched cells, the record of an epoch, \
             4 KiB of proof), of\nstack at its highest, and of the first epoch's proof; then millions of \
             instructions until it was done,\nby step (`execute` fills the traces too).\n"
        )?;
        let steps = STEPS.map(|step| step.trim_start_matches("tranche: ").to_lowercase());
        writeln!(
            f,
            "| target | guest | suite | cycles | profile | workspace | other | stack | proof | total | {} |",
            steps.join(" | ")
        )?;
        writeln!(f, "{}|", "|---".repeat(10 + STEPS.len()))?;
        for (board, row) in self.rows() {
            writeln!(f, "| {board} {row}")?;
        }
        writeln!(
            f,
            "\n## Suites\n\nInstructions of one candidate of a proof of work, and millions of them that an epoch of \
             `json` of 2^10\ncycles in the compact profile takes: in all, and `expected`, with 2^bits candidates for each \
             proof of work in place\nof those that its luck took. The ratio is BLAKE3's over Poseidon2's.\n\n\
             | target | suite | of a try | total | expected | ratio | ratio expected |\n\
             |---|---|---|---|---|---|---|"
        )?;
        for entry in &self.entries {
            let is = |row: &&Row| row.case.log2_cycles == 10 && row.case.compact;
            for row in entry.rows.iter().filter(is) {
                let hash = row.case.hash;
                let of_a_try = entry.of_a_try(hash);
                let (total, expected) = (row.total() as f64 / 1e6, row.expected(of_a_try) / 1e6);
                let (board, suite) = (entry.board, hash.name());
                write!(
                    f,
                    "| {board} | {suite} | {of_a_try:.0} | {total:.1} | {expected:.1} |"
                )?;
                match entry.ratio() {
                    Some(Ratio { total, expected }) if hash == Hash::Blake3 => {
                        writeln!(f, " {total:.3} | {expected:.3} |")?;
                    }
                    _ => writeln!(f, " 1 | 1 |")?,
                }
            }
        }
        writeln!(
            f,
            "\n## Longest epochs\n\nOf `spin`, with all buffers in the arena.\n\n\
             | target | suite | profile | cycles | bytes | arena |\n|---|---|---|---|---|---|"
        )?;
        for Entry { board, largest, .. } in &self.entries {
            for (hash, lines) in largest {
                for line in lines {
                    writeln!(f, "| {board} | {} | {line} |", hash.name())?;
                }
            }
        }
        Ok(())
    }
}
