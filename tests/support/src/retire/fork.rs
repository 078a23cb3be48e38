//! One batch's fork: its rounds, its claims, its codewords.

use std::collections::BTreeMap;

use p3_batch_stark::proof::OpenedValuesWithLookups;
use p3_batch_stark::{BatchOpenedValues, OpenedValues, ProverData};
use p3_challenger::{CanObserve, GrindingChallenger};
use p3_commit::{Mmcs, PolynomialSpace, UnivariateStarkPcs};
use p3_field::{BasedVectorSpace, Field, PrimeCharacteristicRing, TwoAdicField};
use p3_lookup::{LogUpGadget, LookupProtocol, Lookups};
use p3_matrix::Matrix;
use p3_matrix::dense::RowMajorMatrix;
use p3_uni_stark::PreprocessedOpenedValues;
use p3_util::log2_strict_usize;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::verifier::{Plonky3Suite, Root};
use tranche_core::{EF, F};

use super::commit::{
    Challenger, Config, Data, NaiveAir, NaiveSuite, PlainPcs, Tree, commit, coset_points, domain,
};
use super::deviation::Deviation;
use super::quotient::Constraints;
use super::round::{Round, evaluate};
use super::transcript::{observe, sample};
use super::{Batch, BatchPart, Run};

/// A fork before its batching witness.
pub struct Fork<S: Plonky3Suite = Poseidon2> {
    /// Its transcript.
    pub challenger: Challenger<S>,
    /// The out-of-domain point.
    pub zeta: EF,
    /// Its rounds in opening order.
    pub rounds: Vec<Round<S>>,
    /// Residues of the tables' quotients, where they are rational.
    pub residues: Vec<EF>,
    pub(super) part: BatchPart<S>,
}

/// One batch, and what it is proved with.
pub struct BatchProver<'a, A, S: NaiveSuite> {
    pub run: &'a Run<A, S>,
    pub batch: &'a Batch<A>,
    pub deviation: &'a Deviation<S>,
    pub pcs: &'a PlainPcs<S>,
    pub tree: &'a Tree<S>,
}

impl<A: NaiveAir<S>, S: NaiveSuite> BatchProver<'_, A, S> {
    /// Steps 7 and 8, and the claims of step 9.
    pub fn fork(
        &self,
        key: ProverData<Config<S>>,
        main: (Root<S>, Data<S>),
        challenges: &[Vec<EF>],
        mut challenger: Challenger<S>,
    ) -> Fork<S> {
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
                let (trace, terminal) =
                    permutation_trace::<A, S>(batch, t, &lookups[t], &challenges[t])?;
                traces.push(trace);
                Some(terminal)
            })
            .collect();
        let permutation = (!traces.is_empty()).then(|| commit::<S>(pcs, traces.into_iter()));
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
        let quotient =
            <PlainPcs<S> as UnivariateStarkPcs<EF, Challenger<S>>>::commit_ldes(pcs, chunks)
                .expect("chunks that can be committed");
        challenger.observe(quotient.0.clone());
        let ood_witness = challenger.grind(run.params.ood_pow_bits.into());
        let zeta: EF = sample(&mut challenger);

        // Step 9.
        let points = |t: usize, next: bool| {
            let next_point = domain::<S>(pcs, log_heights[t])
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
            Round::new(tree, main, of_main.collect()),
            Round::new(tree, quotient, of_quotient.collect()),
        ];
        for (chunk, (residue, &log_height)) in residues.iter().zip(&log_heights).enumerate() {
            let row = deviation.broken_row.expect("residues are of broken rows");
            rounds[1].claims[chunk][0] = rational_claim(
                tree.get_matrices(&rounds[1].data)[chunk],
                F::two_adic_generator(log_height).exp_u64(row as u64),
                *residue,
                zeta,
            );
        }
        let preprocessed_index = rounds.len();
        if let Some((global, data)) = preprocessed {
            let of_table =
                |&t: &usize| points(t, !airs[t].preprocessed_next_row_columns().is_empty());
            let points = global.matrix_to_instance.iter().map(of_table).collect();
            rounds.push(Round::new(tree, (global.commitment, data), points));
        }
        let permutation_index = rounds.len();
        if let Some(round) = permutation {
            let with_lookups = tables.clone().filter(|&t| terminals[t].is_some());
            let points = with_lookups.map(|t| points(t, true)).collect();
            rounds.push(Round::new(tree, round, points));
        }
        (deviation.claims)(&mut rounds);
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
fn permutation_trace<A: NaiveAir<S>, S: NaiveSuite>(
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
fn rational_claim(lde: &RowMajorMatrix<F>, pole: F, residue: EF, zeta: EF) -> Vec<EF> {
    let residue: &[F] = residue.as_basis_coefficients_slice();
    let points = coset_points(log2_strict_usize(lde.height()));
    let mut rest = lde.clone();
    for (row, x) in rest.values.chunks_mut(residue.len()).zip(points) {
        let simple = (x - pole).inverse();
        row.iter_mut()
            .zip(residue)
            .for_each(|(value, &a)| *value -= a * simple);
    }
    let rest = evaluate(&rest, zeta);
    let simple = (zeta - pole).inverse();
    rest.into_iter()
        .zip(residue)
        .map(|(value, &a)| value + simple * a)
        .collect()
}

/// `BatchOpenedValues` from the claims of the rounds. `indices` has a table's preprocessed and permutation
/// rounds.
fn opened_values<S: Plonky3Suite>(
    rounds: &[Round<S>],
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

impl<S: Plonky3Suite> Fork<S> {
    /// The batch's codewords by height: `sum lambda^i (claim_i - column_i(x)) / (point - x)`, the powers
    /// running on over the rounds of a height.
    pub fn reduce(&self, tree: &Tree<S>, lambda: EF) -> BTreeMap<usize, Vec<EF>> {
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
