//! A prover of the forked order with a heap, in Plonky3's own pieces. Slow, and meant to be read beside
//! the specification; it can deviate from it where an attack does ([`Deviation`]).

use std::collections::BTreeMap;
use std::marker::PhantomData;

use p3_batch_stark::proof::OpenedValuesWithLookups;
use p3_batch_stark::{BatchOpenedValues, OpenedValues, ProverData};
use p3_challenger::{CanObserve, GrindingChallenger};
use p3_commit::{Mmcs, OpeningRequest, Pcs, PolynomialSpace, UnivariateStarkPcs};
use p3_field::{BasedVectorSpace, Field, PrimeCharacteristicRing, TwoAdicField};
use p3_fri::prover::prove_fri;
use p3_fri::{FriParameters, TwoAdicFriFolding, TwoAdicFriFoldingForMmcs};
use p3_lookup::{LogUpGadget, LookupProtocol, Lookups};
use p3_matrix::Matrix;
use p3_matrix::bitrev::BitReversibleMatrix;
use p3_matrix::dense::RowMajorMatrix;
use p3_matrix::interpolation::Interpolate;
use p3_uni_stark::{PreprocessedOpenedValues, StarkGenericConfig};
use p3_util::{log2_strict_usize, reverse_bits_len};
use tranche_core::verifier::{
    Carving, Challenger, Compress, Configuration, Hash, Join, PlainConfig, Root, Tree, permutation,
};
use tranche_core::{EF, F};

use super::proof::FriTree;
use super::quotient::Constraints;
use super::transcript::{self, observe, sample, tag};
use super::{Batch, BatchPart, Proof, Run};
use crate::reference::ReferenceAir;

type PlainPcs = <PlainConfig as StarkGenericConfig>::Pcs;
type Data = <PlainPcs as Pcs<EF, Challenger>>::ProverData;
type Domain = <PlainPcs as Pcs<EF, Challenger>>::Domain;

/// How a prover departs from the specification; by default it does not.
#[derive(Clone, Debug)]
pub struct Deviation {
    /// The order in which the main line absorbs the main roots.
    pub root_order: Option<Vec<usize>>,
    /// The number that each fork absorbs as its own.
    pub fork_numbers: Option<Vec<usize>>,
    /// The LogUp challenges are drawn before the last main root is absorbed.
    pub early_challenges: bool,
    /// Buses are numbered batch by batch.
    pub buses_per_batch: bool,
    /// The row at which every table breaks its constraints; the quotients are rational functions then.
    pub broken_row: Option<usize>,
    /// What becomes of the coefficients that were drawn.
    pub coefficients: fn(Vec<EF>) -> Vec<EF>,
    /// Batching witnesses in place of the smallest.
    pub batch_witnesses: Option<Vec<F>>,
}

impl Default for Deviation {
    fn default() -> Self {
        Self {
            root_order: None,
            fork_numbers: None,
            early_challenges: false,
            buses_per_batch: false,
            broken_row: None,
            coefficients: |drawn| drawn,
            batch_witnesses: None,
        }
    }
}

/// A round of a batch: its tree, and the points at which each matrix is opened.
pub struct Round {
    root: Root,
    data: Data,
    /// Matrix by matrix.
    pub points: Vec<Vec<EF>>,
    /// Matrix by matrix, point by point, column by column.
    pub claims: Vec<Vec<Vec<EF>>>,
}

/// A fork before its batching witness.
pub struct Fork {
    /// Its transcript.
    pub challenger: Challenger,
    /// The out-of-domain point.
    pub zeta: EF,
    /// Its rounds in opening order.
    pub rounds: Vec<Round>,
    /// Residues of the tables' quotients, where they are rational.
    pub residues: Vec<EF>,
    part: BatchPart,
}

/// A run whose forks are drawn.
pub struct Forks<'r, A> {
    run: &'r Run<A>,
    deviation: Deviation,
    tree: Tree,
    main: Challenger,
    main_roots: Vec<Root>,
    lookup_witness: Option<F>,
    /// Batch by batch.
    pub forks: Vec<Fork>,
}

/// The proof of the specification.
///
/// # Panics
/// When the tables cannot be proved.
pub fn prove<A: ReferenceAir>(run: &Run<A>) -> Proof {
    prove_with(run, Deviation::default(), tranche_core::verifier::Joined)
}

/// The proof of a prover that deviates, with coefficients from `join`.
///
/// # Panics
/// When the tables cannot be committed.
pub fn prove_with<A: ReferenceAir>(run: &Run<A>, deviation: Deviation, join: impl Join) -> Proof {
    Forks::new(run, deviation).finish(join)
}

impl<'r, A: ReferenceAir> Forks<'r, A> {
    /// Commits every batch, and runs every fork up to its claims.
    ///
    /// # Panics
    /// When the tables cannot be committed.
    pub fn new(run: &'r Run<A>, deviation: Deviation) -> Self {
        let carving = Carving::new(Vec::new(), &[]);
        let config = <PlainConfig as Configuration>::new(
            &run.params,
            &run.poseidon2,
            &carving,
            run.statement.as_ref(),
        );
        let pcs = config.pcs();
        let keys: Vec<_> = run
            .batches
            .iter()
            .map(|batch| {
                ProverData::from_airs_and_degrees(&config, &batch.airs, &batch.log_heights())
                    .expect("preprocessed columns that can be committed")
            })
            .collect();
        let (main_roots, data): (Vec<_>, Vec<_>) = run
            .batches
            .iter()
            .map(|batch| commit(pcs, batch.traces.iter().cloned()))
            .unzip();
        let permutation = permutation(&run.poseidon2);
        let tree = Tree::new(
            Hash::new(permutation.clone()),
            Compress::new(permutation),
            run.params.cap_height.into(),
        );

        // Steps 1 to 3.
        let mut main = config.initialise_challenger();
        main.observe_slice(&tag("tranche/retire/forked/run/1"));
        main.observe_slice(&transcript::params(&run.params));
        main.observe(F::from_usize(run.batches.len()));
        for (batch, key) in run.batches.iter().zip(&keys) {
            main.observe_slice(&transcript::shape(batch, &key.common.lookups));
        }
        for publics in run.batches.iter().flat_map(|batch| &batch.publics) {
            main.observe_slice(publics);
        }

        // Steps 4 and 5.
        let count = run.batches.len();
        let order = deviation.root_order.clone();
        let order = order.unwrap_or_else(|| (0..count).collect());
        let (before, after) = order.split_at(count - usize::from(deviation.early_challenges));
        before
            .iter()
            .for_each(|&b| main.observe(main_roots[b].clone()));
        let mut late = main.clone();
        after
            .iter()
            .for_each(|&b| main.observe(main_roots[b].clone()));
        for preprocessed in keys
            .iter()
            .filter_map(|key| key.common.preprocessed.as_ref())
        {
            main.observe(preprocessed.commitment.clone());
        }
        let mut tables = keys.iter().flat_map(|key| &key.common.lookups);
        let (mut witness, mut pair) = (None, (EF::ZERO, EF::ZERO));
        if tables.any(|lookups| !lookups.is_empty()) {
            let line = if deviation.early_challenges {
                &mut late
            } else {
                &mut main
            };
            witness = Some(line.grind(run.params.lookup_pow_bits.into()));
            pair = (sample(line), sample(line));
            if deviation.early_challenges {
                assert!(main.check_witness(run.params.lookup_pow_bits.into(), F::ZERO));
                let _drawn_too_late = (sample(&mut main), sample(&mut main));
            }
        }
        let mut challenges = lookup_challenges(&keys, &deviation, pair).into_iter();

        let mut forks = Vec::new();
        let roots = main_roots.iter().cloned().zip(data);
        for (b, ((batch, key), main_round)) in run.batches.iter().zip(keys).zip(roots).enumerate() {
            let number = deviation
                .fork_numbers
                .as_ref()
                .map_or(b, |numbers| numbers[b]);
            let mut challenger = main.clone();
            challenger.observe_slice(&tag("tranche/retire/forked/batch/1"));
            challenger.observe(F::from_usize(number));
            let challenges: Vec<_> = challenges.by_ref().take(batch.airs.len()).collect();
            let prover = BatchProver {
                run,
                batch,
                deviation: &deviation,
                pcs,
                tree: &tree,
            };
            forks.push(prover.fork(key, main_round, &challenges, challenger));
        }
        Self {
            run,
            deviation,
            tree,
            main,
            main_roots,
            lookup_witness: witness,
            forks,
        }
    }

    /// The tree with which rounds and layers are committed.
    pub const fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Joins the forks and runs the low-degree test.
    ///
    /// # Panics
    /// When the tables are too short for the final polynomial.
    pub fn finish(mut self, mut join: impl Join) -> Proof {
        let params = &self.run.params;
        let log_blowup = usize::from(params.log_blowup);
        let bits = usize::from(params.batch_pow_bits);
        self.main
            .observe_slice(&tag("tranche/retire/forked/join/1"));
        let mut codewords = Vec::new();
        for (b, fork) in self.forks.iter_mut().enumerate() {
            let witness = match &self.deviation.batch_witnesses {
                None => fork.challenger.grind(bits),
                Some(witnesses) => {
                    assert!(fork.challenger.check_witness(bits, witnesses[b]));
                    witnesses[b]
                }
            };
            fork.part.batch_witness = witness;
            let lambda = sample(&mut fork.challenger);
            codewords.push(fork.reduce(&self.tree, lambda));
            join.leave(&mut fork.challenger, &mut self.main);
        }
        let coefficients = join.coefficients(&mut self.main, codewords.len());
        let coefficients = (self.deviation.coefficients)(coefficients);

        let mut accumulators: BTreeMap<usize, Vec<EF>> = BTreeMap::new();
        for (codewords, c) in codewords.into_iter().zip(coefficients) {
            for (log_height, codeword) in codewords {
                let accumulator = accumulators
                    .entry(log_height)
                    .or_insert_with(|| vec![EF::ZERO; 1 << log_height]);
                for (sum, value) in accumulator.iter_mut().zip(codeword) {
                    *sum += c * value;
                }
            }
        }
        let log_max = *accumulators.keys().next_back().expect("a table");
        let requests: Vec<_> = self
            .forks
            .iter()
            .flat_map(|fork| &fork.rounds)
            .map(|round| OpeningRequest {
                prover_data: &round.data,
                points: Vec::new(),
            })
            .collect();
        let fri = FriParameters {
            log_blowup,
            log_final_poly_len: params.log_final_poly_len.into(),
            max_log_arity: params.max_log_arity.into(),
            num_queries: params.num_queries.into(),
            batch_proof_of_work_bits: bits,
            commit_proof_of_work_bits: params.commit_pow_bits.into(),
            query_proof_of_work_bits: params.query_pow_bits.into(),
            mmcs: FriTree::new(self.tree.clone()),
        };
        let folding: TwoAdicFriFoldingForMmcs<F, Tree> = TwoAdicFriFolding(PhantomData);
        let proof = prove_fri(
            &folding,
            &fri,
            accumulators.into_values().rev().collect(),
            &mut self.main,
            log_max,
            &requests,
            &self.tree,
            F::ZERO,
        )
        .expect("tables that are tall enough");
        let mut openings = proof.input_openings.into_iter();
        let rows = self.forks.iter();
        let rows = rows.map(|fork| openings.by_ref().take(fork.rounds.len()).collect());
        Proof {
            rows: rows.collect(),
            main: self.main_roots,
            lookup_witness: self.lookup_witness,
            batches: self.forks.into_iter().map(|fork| fork.part).collect(),
            fold_roots: proof.commit_phase_commits,
            fold_witnesses: proof.commit_pow_witnesses,
            final_polynomial: proof.final_poly,
            query_witness: proof.query_pow_witness,
            folds: proof.commit_phase_openings,
        }
    }
}

/// The challenges of every table's lookups.
fn lookup_challenges(
    keys: &[ProverData<PlainConfig>],
    deviation: &Deviation,
    (alpha, beta): (EF, EF),
) -> Vec<Vec<EF>> {
    let tables = |keys: &[ProverData<PlainConfig>]| {
        let tables: Vec<_> = keys
            .iter()
            .flat_map(|key| key.common.lookups.iter())
            .collect();
        transcript::lookup_challenges(&tables, alpha, beta)
    };
    if deviation.buses_per_batch {
        keys.chunks(1).flat_map(tables).collect()
    } else {
        tables(keys)
    }
}

/// Commits traces.
fn commit(pcs: &PlainPcs, traces: impl Iterator<Item = RowMajorMatrix<F>>) -> (Root, Data) {
    let on_domain =
        |trace: RowMajorMatrix<F>| (domain(pcs, log2_strict_usize(trace.height())), trace);
    Pcs::<EF, Challenger>::commit(pcs, traces.map(on_domain)).expect("traces that can be committed")
}

fn domain(pcs: &PlainPcs, log_height: usize) -> Domain {
    Pcs::<EF, Challenger>::natural_domain_for_degree(pcs, 1 << log_height)
}

/// One batch, and what it is proved with.
struct BatchProver<'a, A> {
    run: &'a Run<A>,
    batch: &'a Batch<A>,
    deviation: &'a Deviation,
    pcs: &'a PlainPcs,
    tree: &'a Tree,
}

impl<A: ReferenceAir> BatchProver<'_, A> {
    /// Steps 7 and 8, and the claims of step 9.
    fn fork(
        &self,
        key: ProverData<PlainConfig>,
        main: (Root, Data),
        challenges: &[Vec<EF>],
        mut challenger: Challenger,
    ) -> Fork {
        let Self {
            run,
            batch,
            deviation,
            pcs,
            tree,
        } = *self;
        let log_heights = batch.log_heights();
        let log_blowup = usize::from(run.params.log_blowup);
        let lookups = &key.common.lookups;
        let tables = 0..batch.airs.len();

        // Step 7.
        let mut traces = Vec::new();
        let terminals: Vec<Option<EF>> = tables
            .clone()
            .map(|t| {
                let (trace, terminal) = permutation_trace(batch, t, &lookups[t], &challenges[t])?;
                traces.push(trace);
                Some(terminal)
            })
            .collect();
        let permutation = (!traces.is_empty()).then(|| commit(pcs, traces.into_iter()));
        if let Some((root, _)) = &permutation {
            challenger.observe(root.clone());
        }
        terminals
            .iter()
            .flatten()
            .for_each(|&terminal| observe(&mut challenger, terminal));
        let alpha = sample(&mut challenger);

        // Step 8.
        let preprocessed = key
            .common
            .preprocessed
            .zip(key.prover_only.preprocessed_prover_data);
        let mut residues = Vec::new();
        let mut chunks = Vec::new();
        let mut chunk_counts = Vec::new();
        for t in tables.clone() {
            let constraints = Constraints {
                pcs,
                air: &batch.airs[t],
                log_height: log_heights[t],
                publics: &batch.publics[t],
                lookups: &lookups[t],
                challenges: &challenges[t],
                terminal: terminals[t],
                main: (&main.1, t),
                permutation: terminals[t]
                    .and(permutation.as_ref())
                    .map(|(_, data)| (data, terminals[..t].iter().flatten().count())),
                preprocessed: preprocessed.as_ref().and_then(|(global, data)| {
                    Some((data, global.instances[t].as_ref()?.matrix_index))
                }),
                alpha,
            };
            let before = chunks.len();
            match deviation.broken_row {
                None => chunks.extend(constraints.chunks()),
                Some(row) => {
                    let (extension, residue) = constraints.rational(row, log_blowup);
                    chunks.push(extension);
                    residues.push(residue);
                }
            }
            chunk_counts.push(chunks.len() - before);
        }
        let quotient = <PlainPcs as UnivariateStarkPcs<EF, Challenger>>::commit_ldes(pcs, chunks)
            .expect("chunks that can be committed");
        challenger.observe(quotient.0.clone());
        let ood_witness = challenger.grind(run.params.ood_pow_bits.into());
        let zeta: EF = sample(&mut challenger);

        // Step 9.
        let points = |t: usize, next: bool| {
            let next_point = domain(pcs, log_heights[t])
                .next_point(zeta)
                .expect("a next row");
            if next {
                vec![zeta, next_point]
            } else {
                vec![zeta]
            }
        };
        let airs = &batch.airs;
        let of_main = tables
            .clone()
            .map(|t| points(t, !airs[t].main_next_row_columns().is_empty()));
        let of_quotient = tables
            .clone()
            .flat_map(|t| vec![vec![zeta]; chunk_counts[t]]);
        let mut rounds = vec![
            Round::new(tree, main, of_main.collect(), log_blowup),
            Round::new(tree, quotient, of_quotient.collect(), log_blowup),
        ];
        for (chunk, (residue, &log_height)) in residues.iter().zip(&log_heights).enumerate() {
            let row = deviation.broken_row.expect("residues are of broken rows");
            rounds[1].claims[chunk][0] = rational_claim(
                tree.get_matrices(&rounds[1].data)[chunk],
                row,
                *residue,
                zeta,
                log_height,
            );
        }
        let preprocessed_index = rounds.len();
        if let Some((global, data)) = preprocessed {
            let of_table =
                |&t: &usize| points(t, !airs[t].preprocessed_next_row_columns().is_empty());
            let points = global.matrix_to_instance.iter().map(of_table).collect();
            rounds.push(Round::new(
                tree,
                (global.commitment, data),
                points,
                log_blowup,
            ));
        }
        let permutation_index = rounds.len();
        if let Some(round) = permutation {
            let with_lookups = tables.clone().filter(|&t| terminals[t].is_some());
            let points = with_lookups.map(|t| points(t, true)).collect();
            rounds.push(Round::new(tree, round, points, log_blowup));
        }
        for claim in rounds
            .iter()
            .flat_map(|round| round.claims.iter().flatten().flatten())
        {
            observe(&mut challenger, *claim);
        }

        let opened = opened_values(&rounds, &chunk_counts, |t| {
            let preprocessed = airs[t]
                .preprocessed_trace()
                .is_some_and(|trace| trace.width() > 0);
            (
                preprocessed.then_some(preprocessed_index),
                terminals[t].map(|_| permutation_index),
            )
        });
        let part = BatchPart {
            permutation: rounds
                .get(permutation_index)
                .map(|round| round.root.clone()),
            terminals,
            quotient: rounds[1].root.clone(),
            ood_witness,
            opened,
            batch_witness: F::ZERO,
        };
        Fork {
            challenger,
            zeta,
            rounds,
            residues,
            part,
        }
    }
}

/// A table's permutation trace over the base field, and its terminal; none without lookups.
fn permutation_trace<A: ReferenceAir>(
    batch: &Batch<A>,
    table: usize,
    lookups: &Lookups<F>,
    challenges: &[EF],
) -> Option<(RowMajorMatrix<F>, EF)> {
    let (trace, terminal) = LogUpGadget::new().generate_permutation::<F, EF>(
        &batch.traces[table],
        &batch.airs[table].preprocessed_trace(),
        &batch.publics[table],
        lookups,
        challenges,
    );
    Some((trace.flatten_to_base(), terminal?.0))
}

/// What a rational quotient is at zeta, column by column: the polynomial that is left without the pole,
/// and the pole.
fn rational_claim(
    lde: &RowMajorMatrix<F>,
    row: usize,
    residue: EF,
    zeta: EF,
    log_height: usize,
) -> Vec<EF> {
    let pole = F::two_adic_generator(log_height).exp_u64(row as u64);
    let residue: &[F] = residue.as_basis_coefficients_slice();
    let points = coset_points(log2_strict_usize(lde.height()));
    let mut rest = lde.clone();
    for (row, x) in rest.values.chunks_mut(residue.len()).zip(points) {
        let simple = (x - pole).inverse();
        row.iter_mut()
            .zip(residue)
            .for_each(|(value, &a)| *value -= a * simple);
    }
    let rest = evaluate(&rest, 1 << log_height, zeta);
    let simple = (zeta - pole).inverse();
    rest.into_iter()
        .zip(residue)
        .map(|(value, &a)| value + simple * a)
        .collect()
}

/// `BatchOpenedValues` from the claims of the rounds. `indices` has a table's preprocessed and permutation
/// rounds.
fn opened_values(
    rounds: &[Round],
    chunk_counts: &[usize],
    indices: impl Fn(usize) -> (Option<usize>, Option<usize>),
) -> BatchOpenedValues<EF> {
    let mut claims: Vec<_> = rounds
        .iter()
        .map(|round| round.claims.iter().cloned())
        .collect();
    let instances = chunk_counts.iter().enumerate().map(|(t, &chunks)| {
        let (preprocessed, permutation) = indices(t);
        let mut rows = |round: usize| {
            let mut rows = claims[round]
                .next()
                .expect("a matrix for each table")
                .into_iter();
            (rows.next().expect("at zeta"), rows.next())
        };
        let (trace_local, trace_next) = rows(0);
        let quotient_chunks = (0..chunks).map(|_| rows(1).0).collect();
        let preprocessed = preprocessed.map(|round| {
            let (local, next) = rows(round);
            PreprocessedOpenedValues { local, next }
        });
        let permutation = permutation.map(rows);
        let (permutation_local, permutation_next) = permutation.unwrap_or_default();
        OpenedValuesWithLookups {
            base_opened_values: OpenedValues {
                trace_local,
                trace_next,
                preprocessed,
                quotient_chunks,
                random: None,
            },
            permutation_local,
            permutation_next: permutation_next.unwrap_or_default(),
        }
    });
    BatchOpenedValues {
        instances: instances.collect(),
    }
}

/// The points of the extension's rows: the coset of `2^log_height` points, bit-reversed.
fn coset_points(log_height: usize) -> impl Iterator<Item = F> {
    let generator = F::two_adic_generator(log_height);
    (0..1 << log_height)
        .map(move |i| F::GENERATOR * generator.exp_u64(reverse_bits_len(i, log_height) as u64))
}

/// The columns of an extension of polynomials below degree `height`, at a point.
fn evaluate(extension: &RowMajorMatrix<F>, height: usize, point: EF) -> Vec<EF> {
    let (low, _) = extension.split_rows(height);
    let natural = low.bit_reverse_rows().to_row_major_matrix();
    natural.interpolate_coset(F::GENERATOR, point)
}

impl Round {
    fn new(
        tree: &Tree,
        (root, data): (Root, Data),
        points: Vec<Vec<EF>>,
        log_blowup: usize,
    ) -> Self {
        let claims = tree.get_matrices(&data).into_iter().zip(&points);
        let claims = claims.map(|(matrix, points)| {
            let height = matrix.height() >> log_blowup;
            points
                .iter()
                .map(|&point| evaluate(matrix, height, point))
                .collect()
        });
        Self {
            claims: claims.collect(),
            root,
            data,
            points,
        }
    }
}

impl Fork {
    /// The batch's codewords by height: `sum lambda^i (claim_i - column_i(x)) / (point - x)`, the powers
    /// running on over the rounds of a height.
    fn reduce(&self, tree: &Tree, lambda: EF) -> BTreeMap<usize, Vec<EF>> {
        let mut codewords: BTreeMap<usize, Vec<EF>> = BTreeMap::new();
        let mut powers: BTreeMap<usize, EF> = BTreeMap::new();
        for round in &self.rounds {
            for ((matrix, points), claims) in tree
                .get_matrices(&round.data)
                .into_iter()
                .zip(&round.points)
                .zip(&round.claims)
            {
                let log_height = log2_strict_usize(matrix.height());
                let codeword = codewords
                    .entry(log_height)
                    .or_insert_with(|| vec![EF::ZERO; matrix.height()]);
                let power = powers.entry(log_height).or_insert(EF::ONE);
                for (&point, claims) in points.iter().zip(claims) {
                    for ((value, x), row) in codeword
                        .iter_mut()
                        .zip(coset_points(log_height))
                        .zip(matrix.values.chunks(matrix.width()))
                    {
                        let inverse = (point - x).inverse();
                        for ((claim, &column), power) in
                            claims.iter().zip(row).zip(lambda.shifted_powers(*power))
                        {
                            *value += power * (*claim - column) * inverse;
                        }
                    }
                    *power *= lambda.exp_u64(claims.len() as u64);
                }
            }
        }
        codewords
    }
}
