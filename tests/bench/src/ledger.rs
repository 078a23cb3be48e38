//! The ledger of a proof: what each phase computes and moves, from the plan alone.
//!
//! With `n` the rows of a table, `b` the blowup, `w` the base columns of a matrix and `h` the rows of
//! its extension (`h = b n`):
//!
//! - *Hashes.* Poseidon2 permutations, or BLAKE3 compressions, of one state. With `r(W)` of them for a row of
//!   `W` elements ([`Suite::row_hashes`]), a tree over matrices of heights `h_0 > h_1 > ...`, the widths of
//!   height `h_i` summing to `W_i`: `h_0 r(W_0)` for the leaves, `h_0 - 1` for the nodes, and
//!   `h_i (r(W_i) + 1)` for the rows that enter higher up. A proof of work takes its witness plus one. The
//!   transcript's own (a few hundred, one at a time) are not counted, nor what the open phase hashes again,
//!   at most one in 32 and by where the queries fall.
//! - *Butterflies.* A transform of `n` has `n/2 log2 n`; a column takes `1 + b` of them.
//! - *Bytes.* Every step reads its inputs and writes its outputs once, 4 bytes an element, as if all
//!   that it holds in between stayed in the cache: see `Bytes`. Time over bytes says how far a phase
//!   is from the memory's limit; the passes that it really makes are in `docs/performance.md`.
//!
//! Only the profile that keeps extensions is counted. Nothing here panics.

use tranche_core::plan::RegionName;
use tranche_core::{D, DIGEST, Plan, Suite};

use crate::race::PHASES;

/// Bytes of a field element.
const ELEMENT: u64 = 4;

// Indices into [`PHASES`].
const FILL: usize = 0;
const COMMIT: usize = 1;
const ARGUE: usize = 2;
const QUOTIENT: usize = 3;
const EVALUATE: usize = 4;
const REDUCE: usize = 5;
const FOLD: usize = 6;
const OPEN: usize = 7;
const _: () = assert!(OPEN + 1 == PHASES.len());

/// What one phase computes and moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Poseidon2 permutations, or BLAKE3 compressions, of one state.
    pub hashes: u64,
    /// Butterflies of transforms.
    pub butterflies: u64,
    /// Bytes read and written.
    pub bytes: u64,
}

impl std::ops::AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.hashes += other.hashes;
        self.butterflies += other.butterflies;
        self.bytes += other.bytes;
    }
}

/// The hashes that the proofs of work of one proof took: its witnesses, plus one each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grinding {
    /// Before the LogUp challenges.
    pub lookup: u64,
    /// Before the out-of-domain point.
    pub out_of_domain: u64,
    /// Before the batching challenge.
    pub batch: u64,
    /// Before folding challenges, and before the queries.
    pub fri: u64,
}

/// The cost of every one of [`PHASES`].
///
/// `proof_bytes` is the length of the proof, which the open phase writes.
pub fn ledger<const N: usize, S: Suite>(
    plan: &Plan<N, S>,
    grinding: &Grinding,
    proof_bytes: u64,
) -> [Cost; PHASES.len()] {
    let mut costs = [Cost::default(); PHASES.len()];
    let tables = || plan.tables().iter().enumerate();
    let main = |t: usize| Matrix::new(plan, t, plan.tables()[t].layout.main_width);
    let preprocessed = |t: usize| Matrix::new(plan, t, plan.tables()[t].layout.preprocessed_width);
    let permutation = |t: usize| {
        let layout = &plan.tables()[t].layout;
        let width = if layout.has_lookups() {
            D * layout.permutation_width()
        } else {
            0
        };
        Matrix::new(plan, t, width)
    };
    let chunks = |t: usize| {
        let count = 1 << plan.tables()[t].layout.log_chunks;
        std::iter::repeat_n(Matrix::new(plan, t, D), count)
    };

    let mut bytes = Bytes::default();
    for (t, _) in tables() {
        bytes.read(main(t).trace()).write(main(t).trace());
    }
    costs[FILL].bytes = bytes.0;

    costs[COMMIT] = round(tables().map(|(t, _)| main(t)));
    // One tree for each group of tables.
    for group in plan.main_groups() {
        costs[COMMIT] += tree::<S>(group.map(main));
    }
    costs[COMMIT].bytes += digests(plan, RegionName::MainDigests, plan.main_groups().count());
    costs[COMMIT].hashes += grinding.lookup;

    let lookups = || {
        tables()
            .map(|(t, _)| permutation(t))
            .filter(|m| m.width > 0)
    };
    costs[ARGUE] = round(lookups());
    costs[ARGUE] += tree::<S>(lookups());
    costs[ARGUE].bytes += digests(plan, RegionName::PermutationDigests, 1);
    let mut bytes = Bytes::default();
    for (t, _) in tables().filter(|&(t, _)| permutation(t).width > 0) {
        bytes.read(main(t).trace()).read(preprocessed(t).trace());
        bytes.write(permutation(t).trace());
    }
    costs[ARGUE].bytes += bytes.0;

    costs[QUOTIENT] = round(tables().flat_map(|(t, _)| chunks(t)));
    costs[QUOTIENT] += tree::<S>(tables().flat_map(|(t, _)| chunks(t)));
    costs[QUOTIENT].bytes += digests(plan, RegionName::QuotientDigests, 1);
    costs[QUOTIENT].hashes += grinding.out_of_domain;
    let mut bytes = Bytes::default();
    for (t, table) in tables() {
        // The quotient domain holds as many cosets of the trace's as there are chunks.
        for matrix in [main(t), preprocessed(t), permutation(t)] {
            bytes.read(matrix.trace() << table.layout.log_chunks);
        }
        chunks(t).for_each(|chunk| _ = bytes.write(chunk.trace()));
    }
    costs[QUOTIENT].bytes += bytes.0;

    let all = |t: usize| {
        [main(t), preprocessed(t), permutation(t)]
            .into_iter()
            .chain(chunks(t))
    };
    let mut evaluated = Bytes::default();
    let mut reduced = Bytes::default();
    for matrix in tables().flat_map(|(t, _)| all(t)) {
        evaluated.read(matrix.trace());
        reduced.read(matrix.trace());
    }
    costs[EVALUATE].bytes = evaluated.0;

    // The columns of a height are added up for each of two points, and the sums extended; then they are divided.
    let sums = || heights(plan).map(|log_lde| Matrix::sums(plan, log_lde));
    costs[REDUCE] = round(sums());
    for sum in sums() {
        reduced.write(sum.trace()).read(sum.extension());
    }
    reduced.write(D as u64 * codeword_elements(plan));
    costs[REDUCE].bytes += reduced.0;
    costs[REDUCE].hashes = grinding.batch;

    costs[FOLD] = fold(plan);
    costs[FOLD].hashes += grinding.fri;
    costs[OPEN].bytes = proof_bytes;
    costs
}

/// Columns of one height.
#[derive(Clone, Copy)]
struct Matrix {
    width: u64,
    /// log2 of the rows of the trace.
    log_height: u32,
    log_blowup: u32,
}

impl Matrix {
    fn new<const N: usize, S: Suite>(plan: &Plan<N, S>, table: usize, width: usize) -> Self {
        Self {
            width: width as u64,
            log_height: plan.tables()[table].spec.log_height.into(),
            log_blowup: plan.params().log_blowup.into(),
        }
    }

    /// The sums of the columns of one height, as challenges: of those opened at zeta, and at the next row's point.
    fn sums<const N: usize, S: Suite>(plan: &Plan<N, S>, log_lde: usize) -> Self {
        let log_blowup = plan.params().log_blowup.into();
        Self {
            width: 2 * D as u64,
            log_height: log_lde as u32 - log_blowup,
            log_blowup,
        }
    }

    const fn log_lde(&self) -> u32 {
        self.log_height + self.log_blowup
    }

    /// Elements of the trace.
    const fn trace(&self) -> u64 {
        self.width << self.log_height
    }

    /// Elements of its extension.
    const fn extension(&self) -> u64 {
        self.width << self.log_lde()
    }

    /// Butterflies of its extension: one transform to coefficients, and one for each coset.
    const fn butterflies(&self) -> u64 {
        self.width * (1 + (1 << self.log_blowup)) * transform(self.log_height)
    }
}

/// Butterflies of a transform of `2^log_n`.
const fn transform(log_n: u32) -> u64 {
    ((1 << log_n) / 2) * log_n as u64
}

/// Counts elements that a step reads and writes, as bytes.
#[derive(Clone, Copy, Default)]
struct Bytes(u64);

impl Bytes {
    fn read(&mut self, elements: u64) -> &mut Self {
        self.0 += ELEMENT * elements;
        self
    }

    fn write(&mut self, elements: u64) -> &mut Self {
        self.read(elements)
    }
}

/// Extending the matrices of a round: traces are read, extensions are written.
fn round(matrices: impl Iterator<Item = Matrix>) -> Cost {
    let mut cost = Cost::default();
    let mut bytes = Bytes::default();
    for matrix in matrices {
        cost.butterflies += matrix.butterflies();
        bytes.read(matrix.trace()).write(matrix.extension());
    }
    cost.bytes = bytes.0;
    cost
}

/// The tree over extensions: rows are read, and digests made of which [`digests`] has the bytes.
fn tree<S: Suite>(matrices: impl Iterator<Item = Matrix>) -> Cost {
    let matrices: Vec<_> = matrices.collect();
    let mut bytes = Bytes::default();
    let mut hashes = 0;
    let tallest = matrices.iter().map(Matrix::log_lde).max();
    for log_lde in 0..=tallest.unwrap_or(0) {
        let of_height = matrices.iter().filter(|m| m.log_lde() == log_lde);
        let width: u64 = of_height.map(|m| m.width).sum();
        if width > 0 {
            bytes.read(width << log_lde);
            let joins = u64::from(Some(log_lde) < tallest);
            hashes += (S::row_hashes(width as usize) as u64 + joins) << log_lde;
        }
    }
    let leaves = tallest.map_or(0, |log_lde| 1 << log_lde);
    Cost {
        hashes: hashes + nodes(leaves),
        butterflies: 0,
        bytes: bytes.0,
    }
}

/// The nodes above the leaves of a tree.
const fn nodes(leaves: u64) -> u64 {
    leaves.saturating_sub(1)
}

/// Bytes of the digests that are kept of some trees: each is written and, but for the roots, read.
fn digests<const N: usize, S: Suite>(plan: &Plan<N, S>, kept: RegionName, trees: usize) -> u64 {
    let kept = plan.regions().get(kept).len;
    let mut bytes = Bytes::default();
    bytes.write(kept as u64);
    bytes.read(kept.saturating_sub(DIGEST * trees) as u64);
    bytes.0
}

/// Challenges of the codewords of all heights.
fn codeword_elements<const N: usize, S: Suite>(plan: &Plan<N, S>) -> u64 {
    heights(plan).map(|log_lde| 1 << log_lde).sum()
}

/// log2 of every height of an extension, each once.
fn heights<const N: usize, S: Suite>(plan: &Plan<N, S>) -> impl Iterator<Item = usize> + '_ {
    let log_lde = |t: usize| Matrix::new(plan, t, 1).log_lde() as usize;
    (0..=plan.log_max_lde()).filter(move |&h| (0..plan.tables().len()).any(|t| log_lde(t) == h))
}

/// The low-degree test: each round hashes its codeword and folds it, and adds the codeword of the
/// height that it reaches; the last one is interpolated.
fn fold<const N: usize, S: Suite>(plan: &Plan<N, S>) -> Cost {
    let (mut bytes, mut hashes) = (Bytes::default(), 0);
    let mut log_len = plan.log_max_lde();
    for &log_arity in plan.log_arities() {
        let width = D << log_arity;
        let from = (D as u64) << log_len;
        log_len -= log_arity as usize;
        let leaves = 1 << log_len;
        hashes += leaves * S::row_hashes(width) as u64;
        hashes += nodes(leaves);
        bytes.read(from);
        let to = D as u64 * leaves;
        bytes.read(from).write(to);
        if heights(plan).any(|height| height == log_len) {
            bytes.read(2 * to).write(to);
        }
    }
    let log_final = plan.params().log_final_poly_len.into();
    Cost {
        hashes,
        butterflies: D as u64 * transform(log_final),
        bytes: bytes.0 + digests(plan, RegionName::FoldedDigests, plan.log_arities().len()),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::mem::MaybeUninit;

    use p3_matrix::dense::RowMajorMatrix;
    use tranche_core::air::ProverAir;
    use tranche_core::hash::blake3::{self, Blake3, Vector};
    use tranche_core::hash::poseidon2::{self, Permute, Poseidon2};
    use tranche_core::kernels::ntt::Twiddles;
    use tranche_core::shape::Profile;
    use tranche_core::{Backend, F, Hashes, Params, Prover, ScalarBackend, TableSpec};
    use tranche_machine::Program;
    use tranche_machine::hash::{Hash, MachineSuite};

    use super::*;
    use crate::airs::{Exclusive, Lookups};
    use crate::cases::GUEST;
    use tranche::epoch::epoch_batch;
    use tranche_machine::settings::Settings;

    /// Rotations of a compression: seven rounds of eight mixings, which rotate four times each.
    const ROTATIONS: u64 = 7 * 8 * 4;

    thread_local! {
        /// Permutations, rotations and butterflies since the last look.
        static COUNTS: Cell<[u64; 3]> = const { Cell::new([0; 3]) };
    }

    fn count(counted: [u64; 3]) {
        let counts = COUNTS.get();
        COUNTS.set(std::array::from_fn(|i| counts[i] + counted[i]));
    }

    /// Hashes of a suite and butterflies since the last look.
    fn taken(hash: Hash) -> [u64; 2] {
        let [permutations, rotations, butterflies] = COUNTS.take();
        let (hashes, others) = match hash {
            Hash::Poseidon2 => (permutations, rotations),
            Hash::Blake3 => (rotations / ROTATIONS, permutations + rotations % ROTATIONS),
        };
        assert_eq!(others, 0);
        [hashes, butterflies]
    }

    fn butterflies(column: &[F]) -> u64 {
        transform(column.len().trailing_zeros())
    }

    #[derive(Clone, Copy, Debug)]
    struct CountedPermutation<'p>(&'p Poseidon2);

    impl<'p> From<&'p Poseidon2> for CountedPermutation<'p> {
        fn from(poseidon2: &'p Poseidon2) -> Self {
            Self(poseidon2)
        }
    }

    impl Permute<F> for CountedPermutation<'_> {
        fn permute(&self, state: &mut [F; 16]) {
            count([1, 0, 0]);
            self.0.permute(state);
        }
    }

    #[derive(Clone, Copy, Debug)]
    struct CountedWord(u32);

    impl Vector for CountedWord {
        fn splat(word: u32) -> Self {
            Self(word)
        }

        fn load(words: &[u32]) -> Self {
            Self(words[0])
        }

        fn store(self, words: &mut [u32]) {
            words[0] = self.0;
        }

        fn add(self, other: Self) -> Self {
            Self(self.0.wrapping_add(other.0))
        }

        fn xor(self, other: Self) -> Self {
            Self(self.0 ^ other.0)
        }

        fn rotate_right<const N: i32>(self) -> Self {
            count([0, 1, 0]);
            Self(self.0.rotate_right(N.unsigned_abs()))
        }
    }

    /// Scalar arithmetic, counted: with one lane, nothing goes around the backend.
    #[derive(Clone, Copy, Debug, Default)]
    struct Counting;

    impl poseidon2::Kernels for Counting {
        type Permutation<'p> = CountedPermutation<'p>;
    }

    impl blake3::Kernels for Counting {
        type Vector = CountedWord;
    }

    impl Backend for Counting {
        type P = F;

        const NAME: &'static str = "counting";

        fn coset_ntt(twiddles: &Twiddles<'_>, column: &mut [F], shift: F) {
            count([0, 0, butterflies(column)]);
            ScalarBackend::coset_ntt(twiddles, column, shift);
        }

        fn intt(twiddles: &Twiddles<'_>, column: &mut [F]) {
            count([0, 0, butterflies(column)]);
            ScalarBackend::intt(twiddles, column);
        }
    }

    /// Proves the batch with [`Counting`], and compares every phase's counts with the ledger's.
    fn counted<S: MachineSuite, A: ProverAir<Counting>>(
        airs: &[A],
        specs: &[TableSpec],
        traces: &[RowMajorMatrix<F>],
        publics: &[&[F]],
        params: Params,
    ) where
        Counting: Hashes<S>,
    {
        let fast = Profile::Fast;
        let plan = Plan::<16, S>::of_suite::<Counting, A>(airs, specs, params, fast).unwrap();
        let mut workspace = vec![MaybeUninit::uninit(); plan.workspace_len()];
        let mut prover = Prover::new(&plan, airs, S::instance(), &mut workspace[..]).unwrap();
        for table in 0..airs.len() {
            // Their values do not matter to the counts.
            prover.preprocessed_mut(table);
        }
        prover.prepare();
        let costs = ledger(&plan, &Grinding::default(), 0);
        let [mut hashed, _] = taken(S::HASH);
        let mut check = |phase: usize| {
            let cost = &costs[phase];
            let expected = [cost.hashes, cost.butterflies];
            let (name, suite) = (PHASES[phase], S::NAME);
            assert_eq!(taken(S::HASH), expected, "{name} of {specs:?}, {suite}");
            hashed += cost.hashes;
        };

        let mut started = prover.begin(None).unwrap();
        for (table, trace) in traces.iter().enumerate() {
            started.trace_mut(table).copy_from_rows(&trace.values);
        }
        COUNTS.take();
        let committed = started.commit(publics).unwrap();
        check(COMMIT);
        let argued = committed.argue();
        check(ARGUE);
        let quotients = argued.quotient();
        check(QUOTIENT);
        let evaluated = quotients.evaluate(Vec::new()).unwrap();
        check(EVALUATE);
        let reduced = evaluated.reduce();
        check(REDUCE);
        let folded = reduced.fold();
        check(FOLD);
        folded.open().unwrap();
        let [again, butterflies] = taken(S::HASH);
        assert_eq!(butterflies, costs[OPEN].butterflies);
        assert!(again <= hashed / 32, "{again} of {hashed} for {specs:?}");
    }

    /// Parameters that differ in everything that the ledger reads.
    fn params() -> [Params; 3] {
        let first = Params {
            num_queries: 2,
            query_pow_bits: 0,
            ..Params::BENCHMARK
        };
        let folding = Params {
            max_log_arity: 3,
            log_final_poly_len: 2,
            ..first
        };
        let blowup = Params {
            log_blowup: 2,
            cap_height: 1,
            ..first
        };
        [first, folding, blowup]
    }

    #[test]
    fn one_table_costs_what_the_ledger_says() {
        one_table::<Poseidon2>();
        one_table::<Blake3>();
    }

    fn one_table<S: MachineSuite>()
    where
        Counting: Hashes<S>,
    {
        for params in params() {
            for (lookups, log_height) in [(1, 3), (3, 6), (9, 5)] {
                let air = Lookups { lookups };
                let (specs, trace) = ([TableSpec::new(log_height)], air.trace(log_height.into()));
                counted::<S, _>(&[air], &specs, &[trace], &[&[]], params);
            }
            let trace = Exclusive::<true>::trace(4);
            let air = Exclusive::<true>;
            counted::<S, _>(&[air], &[TableSpec::new(4)], &[trace], &[&[]], params);
        }
    }

    /// Rows that join a tree below its leaves.
    #[test]
    fn tables_of_two_heights_cost_what_the_ledger_says() {
        for params in params() {
            let airs = [Lookups { lookups: 3 }, Lookups { lookups: 32 }];
            let heights = [5, 3];
            let traces = [0, 1].map(|t| airs[t].trace(heights[t].into()));
            let mut specs = heights.map(TableSpec::new);
            counted::<Blake3, _>(&airs, &specs, &traces, &[&[], &[]], params);
            specs[1].carved = true;
            counted::<Blake3, _>(&airs, &specs, &traces, &[&[], &[]], params);
        }
    }

    #[test]
    fn tables_of_many_heights_cost_what_the_ledger_says() {
        let program = Program::parse(GUEST).unwrap();
        for params in params() {
            let settings = Settings {
                log2_cycles: 6,
                params,
                ..Settings::default()
            };
            let epoch = epoch_batch(&program, b"tranche", settings, 1).unwrap();
            let publics: Vec<&[F]> = epoch.publics.iter().map(Vec::as_slice).collect();
            let mut specs = epoch.specs;
            counted::<Poseidon2, _>(&epoch.airs, &specs, &epoch.traces, &publics, params);
            // The same tables under one root.
            specs.iter_mut().for_each(|spec| spec.carved = false);
            counted::<Poseidon2, _>(&epoch.airs, &specs, &epoch.traces, &publics, params);
        }
    }

    #[test]
    fn bytes_are_those_of_a_hand_count() {
        // Two columns of 8 rows, blowup 2; one permutation matrix of 4 (1 + columns) base columns.
        let air = Lookups { lookups: 1 };
        let specs = [TableSpec::new(3)];
        let plan = Plan::<16>::new::<Counting, _>(&[air], &specs, Params::BENCHMARK).unwrap();
        let layout = &plan.tables()[0].layout;
        let (wide, chunks) = (
            4 * layout.permutation_width() as u64,
            1 << layout.log_chunks,
        );
        let costs = ledger(&plan, &Grinding::default(), 77);
        // 16 leaves have 31 digests, of which all but the root are read.
        let tree = |width: u64| 16 * width + 8 * 31 + 8 * 30;
        assert_eq!(costs[FILL].bytes, 4 * 2 * 16);
        assert_eq!(costs[COMMIT].bytes, 4 * (16 + 32 + tree(2)));
        let argued = 16 + 8 * wide + 8 * wide + 16 * wide + tree(wide);
        assert_eq!(costs[ARGUE].bytes, 4 * argued);
        let read = chunks * 8 * (2 + wide);
        let quotient = read + 32 * chunks + 32 * chunks + 64 * chunks + tree(4 * chunks);
        assert_eq!(costs[QUOTIENT].bytes, 4 * quotient);
        let width = 2 + wide + 4 * chunks;
        assert_eq!(costs[EVALUATE].bytes, 4 * 8 * width);
        // Two sums of 4 columns are made, extended and divided into one codeword of 4.
        let sums = 8 * 8 + (8 * 8 + 8 * 16) + 8 * 16;
        assert_eq!(costs[REDUCE].bytes, 4 * (8 * width + sums + 64));
        assert_eq!(costs[OPEN].bytes, 77);
    }
}
