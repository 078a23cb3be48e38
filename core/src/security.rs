//! The proven bits of a batch, term by term.
//!
//! A proof is forged by breaking any one round, so its security is the least of its terms. A term
//! is `-log2` of the round's error, plus the bits ground just before the round's challenge. With
//! `F = 2^123`, the tallest trace of `k` rows, `n = k · blowup`, rate `ρ = k / n`:
//!
//! | term | error, unique decoding | challenge and its grinding |
//! |---|---|---|
//! | query | `α^queries`, `α = (1 + (k + points) / n) / 2` | query indices, `query_pow_bits` |
//! | folding | `(arity - 1) · (n + 1) / F` | each folding challenge, `commit_pow_bits` |
//! | batching | `(openings - 1) · n / F` | opening batching, `batch_pow_bits` |
//! | deep | `max(d·(k + points - 1) + k - 1, (c + 1)·k + points - 1) / F` | zeta, `ood_pow_bits` |
//! | ali | `constraints / F` | constraint folding, none |
//! | logup | `messages · (width + 2) / F` | LogUp pair, `lookup_pow_bits` |
//! | coefficients | `n / F`, of a run in forked order | coefficients of the batches, none |
//! | collision | 2^-123, the birthday bound of a digest | none |
//!
//! `d` is the largest constraint degree and `c` the number of quotient chunks. In the Johnson regime
//! with parameter m, `α = (1 + 1/2m)·√ρ`, deep and ali grow by the list size `(m + 1/2) / √ρ`, and
//! `n` in folding and batching becomes `8·n·(m + 1/2)^3 / (3·(k - 1)/n)`. Only unique decoding counts:
//! a carved root must mean one codeword in two proofs (`docs/security.md`).
//!
//! Sources, as `p3-security` 0.8.0 names them, with which every term agrees: ethSTARK (eprint
//! 2021/582), Proximity Gaps (2020/654), On the Security of STARKs with FRI (2024/1553), the Johnson
//! line count of 2026/2056 (Theorem 5.12), LogUp (2022/1530). Nothing here allocates, and nothing
//! panics: sums of shapes that no plan admits saturate, which never proves more bits.

use libm::{log2, pow, sqrt};
use p3_field::PrimeField32;

use crate::shape::{Params, TablePlan};
use crate::{D, F};

/// Whole bits of the challenge field's order, `floor(4 · log2 p)`, with p BabyBear's prime.
pub const FIELD_BITS: u32 = 123;

const _: () = {
    let p = F::ORDER_U32 as u128;
    assert!(D == 4 && (p * p * p * p).ilog2() == FIELD_BITS);
};

/// Largest Johnson parameter tried, as in `p3-security`.
const MAX_M: u16 = 1000;
/// Smallest Johnson parameter for which the line count is proven.
const MIN_M: u16 = 3;

/// What one table adds to the [`SecurityShape`] of its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SecurityTable {
    /// log2 of the number of rows.
    pub log_height: u8,
    /// Main columns.
    pub main_width: u32,
    /// Whether main columns are opened at the next row too.
    pub main_next: bool,
    /// Preprocessed columns.
    pub preprocessed_width: u32,
    /// Whether preprocessed columns are opened at the next row too.
    pub preprocessed_next: bool,
    /// Permutation columns over the challenge field: fractions and the running sum, or zero.
    pub permutation_width: u32,
    /// log2 of the number of quotient chunks.
    pub log_quotient_chunks: u8,
    /// Constraints, those of the permutation columns included.
    pub constraints: u32,
    /// Largest degree of a constraint.
    pub max_degree: u16,
    /// Bus messages per row, every branch of an exclusive interaction counted.
    pub messages_per_row: u32,
    /// Field elements in the widest message.
    pub max_message_width: u16,
}

impl SecurityTable {
    /// Number of (base-field column, opening point) pairs that the table adds to the batching.
    ///
    /// Permutation columns are always opened at the next row too, quotient chunks never.
    pub const fn openings(&self) -> u32 {
        let main = self.main_width.saturating_mul(points(self.main_next));
        let preprocessed = self
            .preprocessed_width
            .saturating_mul(points(self.preprocessed_next));
        let permutation = self.permutation_width.saturating_mul(2 * D as u32);
        let quotient = shifted(D as u64, self.log_quotient_chunks);
        let quotient = if quotient > u32::MAX as u64 {
            u32::MAX
        } else {
            quotient as u32
        };
        main.saturating_add(preprocessed)
            .saturating_add(permutation)
            .saturating_add(quotient)
    }

    /// Largest number of points at which a column of the table is opened.
    const fn max_points(&self) -> u8 {
        if self.main_next || self.preprocessed_next || self.permutation_width > 0 {
            2
        } else {
            1
        }
    }
}

/// Points at which a trace is opened.
const fn points(next: bool) -> u32 {
    if next { 2 } else { 1 }
}

/// `value << bits`, or the largest number that there is.
const fn shifted(value: u64, bits: u8) -> u64 {
    if bits < u64::BITS as u8 {
        value.saturating_mul(1 << bits)
    } else if value == 0 {
        0
    } else {
        u64::MAX
    }
}

/// What the security of a batch depends on, besides [`Params`].
///
/// Maxima and sums over the tables. One challenge serves all tables and a false batch has a false
/// table, so sums where a maximum would do (constraints, openings of different heights) err on the
/// safe side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SecurityShape {
    /// log2 of the tallest trace's number of rows.
    pub log_height: u8,
    /// Largest number of points at which a column is opened: 2 if any next row is read, else 1.
    pub max_points: u8,
    /// (base-field column, opening point) pairs, that is, powers of the batching challenge.
    pub openings: u32,
    /// Constraints of all tables.
    pub constraints: u32,
    /// Largest degree of a constraint.
    pub max_degree: u16,
    /// log2 of the largest number of quotient chunks of a table.
    pub log_quotient_chunks: u8,
    /// LogUp messages of the batch: messages per row times rows, over all tables, padding included.
    pub messages: u64,
    /// Field elements in the widest message of the batch.
    pub max_message_width: u16,
    /// [`Suite::COLLISION_BITS`](crate::Suite::COLLISION_BITS) of the batch's hash suite.
    pub collision_bits: u32,
}

impl SecurityShape {
    /// A batch without tables, to add tables to, whose suite has so many bits.
    pub const fn of(collision_bits: u32) -> Self {
        Self {
            log_height: 0,
            max_points: 1,
            openings: 0,
            constraints: 0,
            max_degree: 1,
            log_quotient_chunks: 0,
            messages: 0,
            max_message_width: 0,
            collision_bits,
        }
    }

    /// The batch with one more table.
    #[must_use]
    pub fn with_table(self, table: &SecurityTable) -> Self {
        Self {
            log_height: self.log_height.max(table.log_height),
            max_points: self.max_points.max(table.max_points()),
            openings: self.openings.saturating_add(table.openings()),
            constraints: self.constraints.saturating_add(table.constraints),
            max_degree: self.max_degree.max(table.max_degree),
            log_quotient_chunks: self.log_quotient_chunks.max(table.log_quotient_chunks),
            messages: self
                .messages
                .saturating_add(shifted(table.messages_per_row.into(), table.log_height)),
            max_message_width: self.max_message_width.max(table.max_message_width),
            ..self
        }
    }

    /// The batch with all tables of another, so many times.
    #[must_use]
    pub fn with_batches(self, other: &Self, times: u32) -> Self {
        Self {
            log_height: self.log_height.max(other.log_height),
            max_points: self.max_points.max(other.max_points),
            openings: self
                .openings
                .saturating_add(other.openings.saturating_mul(times)),
            constraints: self
                .constraints
                .saturating_add(other.constraints.saturating_mul(times)),
            max_degree: self.max_degree.max(other.max_degree),
            log_quotient_chunks: self.log_quotient_chunks.max(other.log_quotient_chunks),
            messages: self
                .messages
                .saturating_add(other.messages.saturating_mul(times.into())),
            max_message_width: self.max_message_width.max(other.max_message_width),
            ..self
        }
    }

    /// A batch that is in everything as large as the larger of two.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        Self {
            openings: self.openings.max(other.openings),
            constraints: self.constraints.max(other.constraints),
            messages: self.messages.max(other.messages),
            ..self.with_batches(other, 0)
        }
    }

    /// Rows of the tallest trace.
    fn rows(&self) -> f64 {
        pow(2.0, self.log_height.into())
    }

    /// Largest m for which the opened points leave the Johnson regime a margin, at most [`MAX_M`]:
    /// `m < 1 / (2 · (sqrt((k + points) / k) - 1))`, which is no integer for 1 or 2 points.
    fn max_m(&self) -> u16 {
        let ratio = (self.rows() + f64::from(self.max_points)) / self.rows();
        let limit = 1.0 / (2.0 * (sqrt(ratio) - 1.0));
        limit.min(f64::from(MAX_M)) as u16
    }
}

/// How far from a codeword a commitment may be while the analysis still pins it down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Regime {
    /// Below half the minimum distance: a commitment means one codeword.
    UniqueDecoding,
    /// Below the Johnson bound by a margin `1/2m`: a commitment means a short list of codewords.
    Johnson {
        /// The proximity parameter, at least 3.
        m: u16,
    },
}

/// The bound of one round.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Term {
    /// `-log2` of the round's error, without grinding; zero where nothing is proven.
    pub bits: f64,
    /// Difficulty of the proof of work before the round's challenge is drawn, worth
    /// [`grinding_bits`] of it.
    pub grinding: u8,
}

impl Term {
    fn new(bits: f64, grinding: u8) -> Self {
        Self {
            bits: bits.max(0.0),
            grinding,
        }
    }

    /// Bits of the round, grinding included. Never NaN: bits that are no number count as none.
    pub fn total(&self) -> f64 {
        self.bits.max(0.0) + grinding_bits(self.grinding)
    }
}

/// What a proof of work of a difficulty is worth: `-log2` of the chance that a try succeeds.
///
/// A try passes when the low `difficulty` bits of a uniform element are zero, which those of
/// `⌈p / 2^difficulty⌉` of the p elements are: one more than `p / 2^difficulty`, so that a proof of
/// work is worth a little less than its difficulty (26.91 bits at 27, none beyond `log2 p`).
pub fn grinding_bits(difficulty: u8) -> f64 {
    let order = u64::from(F::ORDER_U32);
    let passing = order.div_ceil(1 << difficulty.min(32));
    log2(order as f64) - log2(passing as f64)
}

/// The proven bits of one proof (or, after [`Bits::with_proofs`], of several), in one regime.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Bits {
    /// The regime that all terms are counted in.
    pub regime: Regime,
    /// Query phase of the low-degree test.
    pub query: Term,
    /// Any one folding round (commit phase) of the low-degree test.
    ///
    /// Charged even to a batch short enough to need no folding.
    pub folding: Term,
    /// Random combination of all openings; absent with fewer than two.
    pub batching: Option<Term>,
    /// Out-of-domain point: the quotient identity and the openings at zeta.
    pub deep: Term,
    /// Random combination of the constraints.
    pub ali: Term,
    /// LogUp fingerprints and sums; absent without messages.
    pub logup: Option<Term>,
    /// Random combination of the codewords of several batches; there in forked order only.
    pub coefficients: Option<Term>,
    /// Collisions of the commitment hash.
    pub collision: Term,
}

impl Bits {
    /// Terms in the unique-decoding regime, the one that counts.
    pub fn unique(shape: &SecurityShape, params: &Params) -> Self {
        let n = shape.rows() * blowup(params);
        let rate = (shape.rows() + f64::from(shape.max_points)) / n;
        let radius = Radius {
            alpha: (1.0 + rate) * 0.5,
            list_log2: 0.0,
            folding_log2: log2(n + 1.0),
            batching_log2: log2(n),
        };
        Self::at(Regime::UniqueDecoding, radius, shape, params)
    }

    /// Terms in the Johnson regime at the parameter m that proves the most, to compare with.
    ///
    /// `None` when the tallest trace is too short for any.
    pub fn johnson(shape: &SecurityShape, params: &Params) -> Option<Self> {
        (MIN_M..=shape.max_m())
            .filter_map(|m| Self::johnson_at(m, shape, params))
            .max_by(|a, b| a.total().total_cmp(&b.total()))
    }

    /// Terms in the Johnson regime at parameter `m`.
    ///
    /// `None` when `m` is below 3 or above what the tallest trace admits (1000 at most).
    pub fn johnson_at(m: u16, shape: &SecurityShape, params: &Params) -> Option<Self> {
        if !(MIN_M..=shape.max_m()).contains(&m) {
            return None;
        }
        let n = shape.rows() * blowup(params);
        let rate = 1.0 / blowup(params);
        let shifted = f64::from(m) + 0.5;
        let exceptional_log2 =
            log2(8.0 / 3.0) + log2(n) + 3.0 * log2(shifted) - log2((shape.rows() - 1.0) / n);
        let radius = Radius {
            alpha: (1.0 + 0.5 / f64::from(m)) * sqrt(rate),
            list_log2: log2(shifted / sqrt(rate)),
            folding_log2: exceptional_log2,
            batching_log2: exceptional_log2,
        };
        Some(Self::at(Regime::Johnson { m }, radius, shape, params))
    }

    fn at(regime: Regime, radius: Radius, shape: &SecurityShape, params: &Params) -> Self {
        let field = f64::from(FIELD_BITS);
        let further_powers = pow(2.0, params.max_log_arity.into()) - 1.0;
        let batching = (shape.openings >= 2).then(|| {
            let bits = field - radius.batching_log2 - log2(f64::from(shape.openings - 1));
            Term::new(bits, params.batch_pow_bits)
        });
        let ali = match shape.constraints {
            0 => 0.0,
            constraints => field - radius.list_log2 - log2(constraints.into()),
        };
        let logup = (shape.messages > 0).then(|| {
            let width = f64::from(shape.max_message_width.max(1));
            let bits = field - log2(shape.messages as f64) - log2(width + 2.0);
            Term::new(bits, params.lookup_pow_bits)
        });
        Self {
            regime,
            query: query_term(radius.alpha, shape, params),
            folding: Term::new(
                field - radius.folding_log2 - log2(further_powers),
                params.commit_pow_bits,
            ),
            batching,
            deep: Term::new(
                field - radius.list_log2 - log2(deep_degree(shape)),
                params.ood_pow_bits,
            ),
            ali: Term::new(ali, 0),
            logup,
            coefficients: None,
            collision: Term::new(shape.collision_bits.into(), 0),
        }
    }

    /// Terms, in the unique-decoding regime, of a run of `batches` batches whose constraint challenges,
    /// points and batching challenges are their own: what is drawn once counts the whole `run`, what each
    /// batch draws counts the largest `batch` and loses `log2(batches)` by the union bound, and the
    /// coefficients that add codewords up err with `n / F`, as any random combination with independent ones.
    pub fn forked(
        batch: &SecurityShape,
        run: &SecurityShape,
        batches: usize,
        params: &Params,
    ) -> Self {
        let batch = SecurityShape {
            log_height: run.log_height,
            ..*batch
        };
        let each = Self::unique(&batch, params).with_proofs(batches as u64);
        let codeword = log2(run.rows() * blowup(params));
        Self {
            batching: each.batching,
            deep: each.deep,
            ali: each.ali,
            coefficients: Some(Term::new(f64::from(FIELD_BITS) - codeword, 0)),
            ..Self::unique(run, params)
        }
    }

    /// Bits against a forgery of any one of `proofs` proofs that all have these terms.
    ///
    /// Every term of a proof loses `log2(proofs)` by the union bound. Collisions do not: all proofs
    /// share one hash.
    #[must_use]
    pub fn with_proofs(mut self, proofs: u64) -> Self {
        let loss = log2(proofs.max(1) as f64);
        let rounds = [
            &mut self.query,
            &mut self.folding,
            &mut self.deep,
            &mut self.ali,
        ];
        for term in rounds
            .into_iter()
            .chain(&mut self.batching)
            .chain(&mut self.logup)
            .chain(&mut self.coefficients)
        {
            *term = Term::new(term.bits - loss, term.grinding);
        }
        self
    }

    /// The terms that are there, by name.
    pub fn terms(&self) -> impl Iterator<Item = (&'static str, Term)> {
        [
            ("query", Some(self.query)),
            ("folding", Some(self.folding)),
            ("batching", self.batching),
            ("deep", Some(self.deep)),
            ("ali", Some(self.ali)),
            ("logup", self.logup),
            ("coefficients", self.coefficients),
            ("collision", Some(self.collision)),
        ]
        .into_iter()
        .filter_map(|(name, term)| Some((name, term?)))
    }

    /// The least term, grinding included, by name.
    pub fn binding(&self) -> (&'static str, Term) {
        self.terms()
            .fold(("collision", self.collision), |least, term| {
                if term.1.total() < least.1.total() {
                    term
                } else {
                    least
                }
            })
    }

    /// Proven bits: the least term, grinding included.
    pub fn total(&self) -> f64 {
        self.binding().1.total()
    }
}

/// What the terms take from a regime.
struct Radius {
    /// Largest agreement with the code of a word that is too far from it.
    alpha: f64,
    /// log2 of the number of codewords that a commitment may mean.
    list_log2: f64,
    /// log2 of the exceptional folding challenges, per power of the challenge.
    folding_log2: f64,
    /// log2 of the exceptional batching challenges, per power of the challenge.
    batching_log2: f64,
}

fn blowup(params: &Params) -> f64 {
    pow(2.0, params.log_blowup.into())
}

/// Query phase: each query misses a word that is too far with probability at most `alpha`.
///
/// Nothing is proven, and no grinding credited, where the opened points leave the code no distance:
/// a trace of one row, or `k + points >= α · n`.
fn query_term(alpha: f64, shape: &SecurityShape, params: &Params) -> Term {
    let claimed = shape.rows() + f64::from(shape.max_points);
    let domain = shape.rows() * blowup(params);
    if shape.log_height == 0 || claimed >= alpha * domain {
        return Term::new(0.0, 0);
    }
    Term::new(
        -f64::from(params.num_queries) * log2(alpha),
        params.query_pow_bits,
    )
}

/// Degree of the identity that is checked at zeta, by ethSTARK's quotient split and by Plonky3's.
fn deep_degree(shape: &SecurityShape) -> f64 {
    let rows = shape.rows();
    let further_points = f64::from(shape.max_points) - 1.0;
    let ethstark = f64::from(shape.max_degree.max(1)) * (rows + further_points) + rows - 1.0;
    let chunked = (pow(2.0, shape.log_quotient_chunks.into()) + 1.0) * rows + further_points;
    ethstark.max(chunked)
}

impl TablePlan {
    /// What it adds to the security of a batch whose widest message so far has `message_width`
    /// elements.
    pub(crate) fn security_shape(&self, message_width: usize) -> SecurityTable {
        let Self { spec, layout } = self;
        SecurityTable {
            log_height: spec.log_height,
            main_width: layout.main_width as u32,
            main_next: spec.main_next,
            preprocessed_width: layout.preprocessed_width as u32,
            preprocessed_next: spec.preprocessed_next,
            permutation_width: layout.permutation_width() as u32,
            log_quotient_chunks: layout.log_chunks as u8,
            constraints: layout.total_constraints() as u32,
            max_degree: layout.degree as u16,
            messages_per_row: layout.messages_per_row as u32,
            max_message_width: message_width as u16,
        }
    }
}
