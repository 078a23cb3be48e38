//! The domain separators that seed a batch, its opening argument and its low-degree test.
//!
//! Plonky3 seeds each of the three protocols with the bytes
//!
//! ```text
//! protocol id (64) | pattern hash (32) | label length (4) | label | 0x80
//! ```
//!
//! where the id is version, name, zeros and the name's length; the pattern hash is Keccak-256 of a
//! text with one line per transcript step; and the label is a list of 8-byte words, each behind its
//! length (integers are big-endian). The bytes are observed as their number, then three to an
//! element, little-endian. Everything streams: each list is walked once to be counted and once to
//! be written, so nothing grows with the batch.
//!
//! Source: `DomainSeparator` and `InteractionPattern` of p3-challenger 0.8.0, `BatchShape` of
//! p3-batch-stark, `PcsShape` and `FriShape` of p3-fri. Nothing here panics.

use core::fmt::{self, Display, Formatter, Write};

use p3_field::{PrimeCharacteristicRing, PrimeField32};
use tiny_keccak::{Hasher, Keccak};

use crate::hash::Transcript;
use crate::shape::TablePlan;
use crate::{D, F, Params};

/// What the transcript of a batch says about one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeededTable {
    /// Columns of the main trace.
    pub main_width: usize,
    /// Preprocessed columns, 0 for none.
    pub preprocessed_width: usize,
    /// Public values.
    pub num_public_values: usize,
    /// Whether the table takes part in a bus.
    pub has_lookups: bool,
}

impl SeededTable {
    /// What is said about a planned table.
    pub const fn new(table: &TablePlan) -> Self {
        let layout = &table.layout;
        Self {
            main_width: layout.main_width,
            preprocessed_width: layout.preprocessed_width,
            num_public_values: layout.num_public_values,
            has_lookups: layout.has_lookups(),
        }
    }
}

/// What the transcript of an opening argument says about one committed matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatrixShape {
    /// Points at which it is opened.
    pub num_points: usize,
    /// Its columns, each of them one claimed evaluation per point.
    pub width: usize,
}

/// Seeds the transcript of a batch of tables, in batch order (Plonky3's `BatchShape`, no hiding).
pub fn seed_batch(
    challenger: &mut impl Transcript,
    tables: impl Iterator<Item = SeededTable> + Clone,
    params: &Params,
) {
    let num_tables = tables.clone().count();
    let num_lookup_tables = tables.clone().filter(|table| table.has_lookups).count();
    let has_preprocessed = tables.clone().any(|table| table.preprocessed_width > 0);

    let steps = |out: &mut dyn FnMut(Step)| {
        for _ in 0..num_tables {
            out(Step::message(
                "degree_bits",
                Value::Extension,
                Length::Scalar,
            ));
        }
        out(Step::commitment("main_commitment"));
        for table in tables.clone() {
            out(Step {
                role: "Atomic Public",
                label: "public_values",
                length: Length::Fixed(table.num_public_values),
                value: Value::Base,
            });
        }
        if has_preprocessed {
            out(Step::commitment("preprocessed_commitment"));
        }
        if num_lookup_tables > 0 {
            out(Step::grinding("lookup_pow", params.lookup_pow_bits));
            out(Step::challenge("lookup_alpha"));
            out(Step::challenge("lookup_beta"));
            out(Step::commitment("permutation_commitment"));
            for _ in 0..num_lookup_tables {
                out(Step::message(
                    "lookup_terminal",
                    Value::Extension,
                    Length::Scalar,
                ));
            }
        }
        out(Step::challenge("constraint_challenge"));
        out(Step::commitment("quotient_commitment"));
        out(Step::grinding("ood_pow", params.ood_pow_bits));
        out(Step::challenge("zeta"));
        out(Step::marker("Begin Protocol", "opening_argument"));
        out(Step::marker("End Protocol", "opening_argument"));
    };
    let label = |out: &mut dyn FnMut(usize)| {
        out(num_tables);
        tables.clone().for_each(|table| out(table.main_width));
        tables
            .clone()
            .for_each(|table| out(table.preprocessed_width));
    };
    seed(challenger, b"p3-batch-stark", steps, label);
}

/// Seeds the transcript of the opening argument (Plonky3's `PcsShape`).
///
/// `rounds` are the commitments in the order they are opened, each with its matrices in order.
pub fn seed_pcs(
    challenger: &mut impl Transcript,
    rounds: impl Iterator<Item: Iterator<Item = MatrixShape> + Clone> + Clone,
    params: &Params,
) {
    let steps = |out: &mut dyn FnMut(Step)| {
        for matrix in rounds.clone().flatten() {
            for _ in 0..matrix.num_points {
                let width = Length::Fixed(matrix.width);
                out(Step::message(
                    "claimed_evaluations",
                    Value::Extension,
                    width,
                ));
            }
        }
        if params.batch_pow_bits > 0 {
            out(Step::grinding("batch_pow", params.batch_pow_bits));
        }
        out(Step::challenge("alpha"));
        out(Step::marker("Begin Protocol", "low_degree_test"));
        out(Step::marker("End Protocol", "low_degree_test"));
    };
    let label = |out: &mut dyn FnMut(usize)| {
        out(rounds.clone().count());
        for matrices in rounds.clone() {
            out(matrices.clone().count());
            matrices.for_each(|matrix| out(matrix.num_points));
        }
    };
    seed(challenger, b"p3-fri-pcs", steps, label);
}

/// Seeds the transcript of the low-degree test (Plonky3's `FriShape`).
///
/// `log_arities` has one entry per commit round; a query index has `index_bits` bits.
pub fn seed_fri(
    challenger: &mut impl Transcript,
    log_arities: &[u8],
    params: &Params,
    index_bits: usize,
) {
    let steps = |out: &mut dyn FnMut(Step)| {
        for _ in log_arities {
            out(Step::commitment("commit_phase_commitment"));
            if params.commit_pow_bits > 0 {
                out(Step::grinding("commit_pow", params.commit_pow_bits));
            }
            out(Step::challenge("fold_challenge"));
        }
        let final_poly_len = Length::Fixed(1 << params.log_final_poly_len);
        out(Step::message(
            "final_poly",
            Value::Extension,
            final_poly_len,
        ));
        if params.query_pow_bits > 0 {
            out(Step::grinding("query_pow", params.query_pow_bits));
        }
        out(Step {
            role: "Atomic Challenge",
            label: "query_indices",
            length: Length::Fixed(params.num_queries.into()),
            value: Value::Bits(index_bits),
        });
    };
    let label = |out: &mut dyn FnMut(usize)| {
        out(params.log_blowup.into());
        out(params.max_log_arity.into());
        log_arities
            .iter()
            .for_each(|&log_arity| out(log_arity.into()));
    };
    seed(challenger, b"p3-fri", steps, label);
}

/// One line of a pattern.
#[derive(Clone, Copy)]
struct Step {
    /// Place in the hierarchy and kind.
    role: &'static str,
    label: &'static str,
    length: Length,
    value: Value,
}

/// How many values a step carries; of a grinding step, its bits.
#[derive(Clone, Copy)]
enum Length {
    None,
    Scalar,
    Fixed(usize),
}

/// What the values of a step are.
#[derive(Clone, Copy)]
enum Value {
    Marker,
    Opaque,
    Base,
    Extension,
    Bits(usize),
}

impl Step {
    const fn message(label: &'static str, value: Value, length: Length) -> Self {
        Self {
            role: "Atomic Message",
            label,
            length,
            value,
        }
    }

    const fn commitment(label: &'static str) -> Self {
        Self::message(label, Value::Opaque, Length::Scalar)
    }

    const fn challenge(label: &'static str) -> Self {
        let (length, value) = (Length::Scalar, Value::Extension);
        Self {
            role: "Atomic Challenge",
            label,
            length,
            value,
        }
    }

    const fn grinding(label: &'static str, bits: u8) -> Self {
        Self {
            role: "Atomic Pow",
            label,
            length: Length::Fixed(bits as usize),
            value: Value::Base,
        }
    }

    const fn marker(role: &'static str, label: &'static str) -> Self {
        Self {
            role,
            label,
            length: Length::None,
            value: Value::Marker,
        }
    }
}

impl Display for Step {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} ", self.role, self.label.len(), self.label)?;
        match self.length {
            Length::None => write!(f, "None "),
            Length::Scalar => write!(f, "Scalar "),
            Length::Fixed(n) => write!(f, "Fixed({n}) "),
        }?;
        match self.value {
            Value::Marker => write!(f, "Marker"),
            Value::Opaque => write!(f, "Opaque"),
            Value::Base => write_algebra(f, 1, b"p3-scalar-basis-v1"),
            Value::Extension => write_algebra(f, D, b"p3-power-basis-v1:X^4-11"),
            Value::Bits(width) => write!(f, "Bits({width})"),
        }
    }
}

/// The type of a field step: modulus, degree, and the Keccak-256 of what names its basis.
fn write_algebra(f: &mut Formatter<'_>, degree: usize, basis: &[u8]) -> fmt::Result {
    let mut hash = Text(Keccak::v256());
    hash.0.update(basis);
    write!(f, "Algebra({}^{degree};", F::ORDER_U32)?;
    for byte in hash.finish() {
        write!(f, "{byte:02x}")?;
    }
    write!(f, ")")
}

/// Keccak-256 of a text that is written piece by piece.
struct Text(Keccak);

impl Text {
    fn finish(self) -> [u8; 32] {
        let mut digest = [0; 32];
        self.0.finalize(&mut digest);
        digest
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}

/// Version byte of all three protocols.
const VERSION: u8 = 1;
/// Bytes of a protocol id.
const PROTOCOL_ID_BYTES: usize = 64;
/// Closes the seed.
const TERMINATOR: u8 = 0x80;

/// Observes the domain separator of a protocol; both lists are walked more than once.
fn seed(
    challenger: &mut impl Transcript,
    name: &[u8],
    steps: impl Fn(&mut dyn FnMut(Step)),
    label: impl Fn(&mut dyn FnMut(usize)),
) {
    let mut num_words = 0;
    label(&mut |_| num_words += 1);
    let label_bytes: u32 = num_words * (4 + 8);

    let mut id = [0; PROTOCOL_ID_BYTES];
    id[0] = VERSION;
    id[1..=name.len()].copy_from_slice(name);
    id[PROTOCOL_ID_BYTES - 1] = name.len() as u8;

    let mut bytes = Seed::new(
        challenger,
        PROTOCOL_ID_BYTES as u32 + 32 + 4 + label_bytes + 1,
    );
    bytes.extend(&id);
    bytes.extend(&pattern_hash(steps));
    bytes.extend(&label_bytes.to_be_bytes());
    label(&mut |word| {
        bytes.extend(&8u32.to_be_bytes());
        bytes.extend(&(word as u64).to_be_bytes());
    });
    bytes.extend(&[TERMINATOR]);
    bytes.finish();
}

/// Keccak-256 of the pattern's text: a header with the number of steps, then the numbered steps.
///
/// The numbers are padded with zeros to the width of the last one. Plonky3 indents what is inside a
/// bracket, but these brackets are empty.
fn pattern_hash(steps: impl Fn(&mut dyn FnMut(Step))) -> [u8; 32] {
    let mut count: usize = 0;
    steps(&mut |_| count += 1);
    let digits = count.saturating_sub(1).checked_ilog10().unwrap_or(0) as usize + 1;

    let mut text = Text(Keccak::v256());
    let mut result = writeln!(
        text,
        "Plonky3 Fiat-Shamir Transcript ({count} interactions)"
    );
    let mut position: usize = 0;
    steps(&mut |step| {
        result = result.and(writeln!(text, "{position:0digits$} {step}"));
        position += 1;
    });
    debug_assert!(result.is_ok(), "a hash takes any text");
    text.finish()
}

/// Bytes on their way into a challenger, three to an element, behind their number.
struct Seed<'c, T> {
    challenger: &'c mut T,
    /// The element under way, and how many bytes of it are there.
    element: u32,
    filled: u32,
}

impl<'c, T: Transcript> Seed<'c, T> {
    /// Bytes in an element: as many as always stay below the modulus.
    const BYTES: u32 = 3;

    fn new(challenger: &'c mut T, num_bytes: u32) -> Self {
        challenger.observe(F::from_u32(num_bytes));
        Self {
            challenger,
            element: 0,
            filled: 0,
        }
    }

    fn extend(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.element |= u32::from(byte) << (8 * self.filled);
            self.filled += 1;
            if self.filled == Self::BYTES {
                self.flush();
            }
        }
    }

    fn flush(&mut self) {
        self.challenger.observe(F::from_u32(self.element));
        (self.element, self.filled) = (0, 0);
    }

    fn finish(mut self) {
        if self.filled > 0 {
            self.flush();
        }
    }
}
