//! The low-degree test over the accumulators: rows are read batch by batch, and only their combination stays.
//!
//! A batch's codeword at a height is `sum lambda^i (claim_i - column_i(x)) / (point - x)` over its rounds,
//! matrices and points, and the accumulator the sum of `c_b` times it. Source: `open_inputs` and `verify_fri`
//! of p3-fri 0.8.0, whose `fold_query` and transcript are used. Nothing here panics.

use alloc::vec;
use alloc::vec::Vec;
use core::marker::PhantomData;

use embedded_io::Read;
use p3_commit::Mmcs;
use p3_field::{
    Field, PrimeCharacteristicRing, TwoAdicField, batch_multiplicative_inverse, dot_product,
};
use p3_fri::verifier::{PowPhase, fold_query};
use p3_fri::{
    CommitPhaseMultiStep, FriShape, TranscriptFailure, TwoAdicFriFolding, TwoAdicFriFoldingForMmcs,
    VerifierTranscript, fold_schedule,
};
use p3_matrix::Dimensions;
use p3_util::reverse_bits_len;

use super::error::{ForkedError, Part, Site};
use super::fork::{Forked, domain};
use super::kind::{Kind, Round};
use super::source::Source;
use crate::verifier::config::{FriTree, fri_parameters};
use crate::verifier::suite::{Plonky3Suite, Root};
use crate::{EF, F, Params};

/// What is known of the test before it begins.
pub struct LowDegree<'p, S: Plonky3Suite> {
    params: &'p Params,
    tree: &'p S::Tree,
    /// log2 of the accumulators' elements, tallest first.
    log_rows: Vec<usize>,
    log_arities: Vec<usize>,
}

/// The test with its queries drawn.
pub struct Queried<'p, S: Plonky3Suite> {
    test: LowDegree<'p, S>,
    roots: Vec<Root<S>>,
    challenges: Vec<EF>,
    final_polynomial: Vec<EF>,
    indices: Vec<usize>,
    /// Each query's accumulators, tallest first.
    sums: Vec<Vec<EF>>,
}

impl<'p, S: Plonky3Suite> LowDegree<'p, S> {
    /// The test over accumulators of these heights (log2, each once, tallest first; one at least).
    pub fn new(params: &'p Params, tree: &'p S::Tree, log_rows: Vec<usize>) -> Self {
        let log_final = usize::from(params.log_blowup) + usize::from(params.log_final_poly_len);
        let log_arities = fold_schedule(&log_rows, log_final, params.max_log_arity.into());
        Self {
            params,
            tree,
            log_rows,
            log_arities,
        }
    }

    fn log_max(&self) -> usize {
        self.log_rows.first().copied().unwrap_or(0)
    }

    /// log2 of the leaves of each layer's tree.
    fn layers(&self) -> impl Iterator<Item = usize> {
        let folds = self.log_arities.iter();
        folds.scan(self.log_max(), |log_leaves, log_arity| {
            *log_leaves -= log_arity;
            Some(*log_leaves)
        })
    }

    /// Reads layers and final polynomial, and draws the queries.
    pub fn query<R: Read>(
        self,
        source: &mut Source<R>,
        main: &mut S::Challenger,
    ) -> Result<Queried<'p, S>, ForkedError> {
        let params = self.params;
        let folds = self.log_arities.len();
        source.length(Part::Layers, folds)?;
        let mut roots = Vec::with_capacity(folds);
        for (layer, log_leaves) in self.layers().enumerate() {
            let part = Part::LayerCap { layer };
            roots.push(source.cap(part, log_leaves.min(params.cap_height.into()))?);
        }
        let witnesses = source.fields(Part::Layers, folds)?;
        if params.commit_pow_bits == 0 && witnesses.iter().any(|&witness| witness != F::ZERO) {
            return Err(ForkedError::ProofOfWork { site: Site::Fold });
        }
        let coefficients = 1 << params.log_final_poly_len;
        let final_polynomial = source.exts(Part::FinalPolynomial, coefficients)?;
        let witness = source.field(Part::FinalPolynomial)?;
        if params.query_pow_bits == 0 && witness != F::ZERO {
            return Err(ForkedError::ProofOfWork { site: Site::Query });
        }

        let fri = fri_parameters(params, self.tree);
        let shape = FriShape::with_schedule(&fri, self.log_arities.clone(), self.log_max());
        let mut transcript = VerifierTranscript::<_, F, EF>::new(main, shape);
        let challenges = transcript.commit_rounds(&roots, &witnesses);
        let challenges = challenges.map_err(proof_of_work)?;
        let indices = transcript.query_phase(&final_polynomial, Some(witness));
        let indices = indices.map_err(proof_of_work)?;
        transcript.finish();
        Ok(Queried {
            sums: vec![vec![EF::ZERO; self.log_rows.len()]; indices.len()],
            test: self,
            roots,
            challenges,
            final_polynomial,
            indices,
        })
    }
}

/// What the transcript refuses: lengths are compared before, so a witness.
const fn proof_of_work(failure: TranscriptFailure) -> ForkedError {
    let site = match failure {
        TranscriptFailure::PowWitness(PowPhase::Query)
        | TranscriptFailure::MissingPowWitness(PowPhase::Query) => Site::Query,
        _ => Site::Fold,
    };
    ForkedError::ProofOfWork { site }
}

impl<S: Plonky3Suite> Queried<'_, S> {
    /// The queries.
    pub fn indices(&self) -> &[usize] {
        &self.indices
    }

    /// Reads a batch's rows and checks them against its roots; returns its codewords at each query, tallest first.
    pub fn read_batch<A, R: Read>(
        &self,
        source: &mut Source<R>,
        batch: usize,
        kind: &Kind<A, S>,
        forked: &Forked<S>,
    ) -> Result<Vec<Vec<EF>>, ForkedError> {
        let weights = self.weights(kind, forked, batch)?;
        let claimed = |weights: &Vec<[EF; 2]>| {
            let claimed = weights.iter().zip(&forked.claims);
            claimed
                .map(|(weights, claims)| weights[0] * claims[0] + weights[1] * claims[1])
                .collect()
        };
        let mut values: Vec<Vec<EF>> = weights.iter().map(claimed).collect();
        let powers = forked.lambda.powers().collect_n(kind.powers());
        source.length(Part::Rows { batch }, kind.rounds.len())?;
        for (round, root) in kind.rounds.iter().zip(&forked.roots) {
            let rows = self.read_rows(source, batch, round)?;
            let paths = source.paths(self.indices.len() * round.log_leaves)?;
            self.check_rows(round, root, &rows, paths)
                .ok_or(ForkedError::Rows {
                    batch,
                    round: round.name,
                })?;
            for ((values, weights), rows) in values.iter_mut().zip(&weights).zip(&rows) {
                for (matrix, row) in round.matrices.iter().zip(rows) {
                    for point in 0..1 + usize::from(matrix.next) {
                        let powers = powers[matrix.power + point * matrix.width..].iter();
                        let value = dot_product::<EF, _, _>(powers.copied(), row.iter().copied());
                        values[matrix.height] -= weights[matrix.height][point] * value;
                    }
                }
            }
        }
        Ok(values)
    }

    /// Adds a batch's codewords at each query, times `coefficient`, to the accumulators.
    pub fn add<A>(&mut self, kind: &Kind<A, S>, values: &[Vec<EF>], coefficient: EF) {
        let places: Vec<_> = kind.log_rows.iter().map(|&rows| self.place(rows)).collect();
        for (sums, values) in self.sums.iter_mut().zip(values) {
            for (&place, &value) in places.iter().zip(values) {
                sums[place] += coefficient * value;
            }
        }
    }

    /// The place of a height among the accumulators, which have all.
    fn place(&self, log_rows: usize) -> usize {
        let heights = self.test.log_rows.iter();
        heights.take_while(|&&other| other > log_rows).count()
    }

    /// `1 / (point - x)` for each query, each of the batch's heights and its two points; zero where
    /// nothing is opened at the next row.
    fn weights<A>(
        &self,
        kind: &Kind<A, S>,
        forked: &Forked<S>,
        batch: usize,
    ) -> Result<Vec<Vec<[EF; 2]>>, ForkedError> {
        let log_max = self.test.log_max();
        let mut denominators = Vec::new();
        for index in &self.indices {
            for (height, &log_rows) in kind.log_rows.iter().enumerate() {
                let reversed = reverse_bits_len(index >> (log_max - log_rows), log_rows);
                let x = F::GENERATOR * F::two_adic_generator(log_rows).exp_u64(reversed as u64);
                let log_height = log_rows - usize::from(self.test.params.log_blowup);
                let next = forked.zeta * domain(log_height).subgroup_generator();
                denominators.push(forked.zeta - x);
                denominators.push(match kind.next_at(height) {
                    true => next - x,
                    false => EF::ONE,
                });
            }
        }
        if denominators.iter().any(EF::is_zero) {
            return Err(ForkedError::Point { batch });
        }
        let mut inverses = batch_multiplicative_inverse(&denominators).into_iter();
        let mut next = || inverses.next().unwrap_or(EF::ZERO);
        let query = |_| {
            let heights = 0..kind.log_rows.len();
            heights
                .map(|height| {
                    let (local, of_next) = (next(), next());
                    [
                        local,
                        if kind.next_at(height) {
                            of_next
                        } else {
                            EF::ZERO
                        },
                    ]
                })
                .collect()
        };
        Ok((0..self.indices.len()).map(query).collect())
    }

    /// The rows of a round, query by query, matrix by matrix.
    fn read_rows<R: Read>(
        &self,
        source: &mut Source<R>,
        batch: usize,
        round: &Round,
    ) -> Result<Vec<Vec<Vec<F>>>, ForkedError> {
        let part = Part::Rows { batch };
        source.length(part, self.indices.len())?;
        let mut rows = Vec::with_capacity(self.indices.len());
        for _ in &self.indices {
            source.length(part, round.matrices.len())?;
            let matrices = round.matrices.iter();
            let row = matrices.map(|matrix| source.fields(part, matrix.width));
            rows.push(row.collect::<Result<Vec<_>, _>>()?);
        }
        Ok(rows)
    }

    /// Whether the rows are those under a root.
    fn check_rows(
        &self,
        round: &Round,
        root: &Root<S>,
        rows: &[Vec<Vec<F>>],
        paths: Vec<S::Digest>,
    ) -> Option<()> {
        let shift = self.test.log_max() - round.log_leaves;
        let indices: Vec<_> = self.indices.iter().map(|index| index >> shift).collect();
        let paths = S::paths(paths);
        let tree = self.test.tree;
        tree.verify_multi_batch(root, &round.dimensions(), &indices, rows, &paths)
            .ok()
    }

    /// Reads the openings of the layers, and follows every query to the final polynomial.
    pub fn finish<R: Read>(self, source: &mut Source<R>) -> Result<(), ForkedError> {
        let openings = self.read_folds(source)?;
        let test = &self.test;
        let log_blowup = usize::from(test.params.log_blowup);
        let log_final = log_blowup + usize::from(test.params.log_final_poly_len);
        let mut groups = vec![Vec::new(); openings.len()];
        let mut rows = vec![Vec::new(); openings.len()];
        let folding: TwoAdicFriFoldingForMmcs<F, S::Tree> = TwoAdicFriFolding(PhantomData);
        for (query, (&index, sums)) in self.indices.iter().zip(&self.sums).enumerate() {
            let sums = test.log_rows.iter().copied().zip(sums.iter().copied());
            let sums: Vec<_> = sums.collect();
            // Of a table of one row `(claim - column) / (zeta - x)` has to be zero: folding ends there.
            if sums
                .iter()
                .any(|&(log_rows, sum)| log_rows == log_blowup && !sum.is_zero())
            {
                return Err(ForkedError::Constant);
            }
            let mut index = index;
            let folded = fold_query::<_, F, EF, FriTree<S::Tree>>(
                &folding,
                query,
                &mut index,
                &self.challenges,
                &test.log_arities,
                &openings,
                sums,
                test.log_max(),
                log_final,
                &mut groups,
                &mut rows,
            );
            let x = F::two_adic_generator(test.log_max())
                .exp_u64(reverse_bits_len(index, test.log_max()) as u64);
            let terms = self.final_polynomial.iter().rev();
            let value = terms.fold(EF::ZERO, |sum, &coefficient| sum * x + coefficient);
            if folded.ok() != Some(value) {
                return Err(ForkedError::FinalPolynomial { query });
            }
        }
        let fri = fri_parameters(test.params, test.tree);
        for (layer, log_leaves) in test.layers().enumerate() {
            let dimensions = Dimensions {
                width: 1 << test.log_arities[layer],
                height: 1 << log_leaves,
            };
            let (root, paths) = (&self.roots[layer], &openings[layer].opening_proof);
            fri.mmcs
                .verify_multi_batch(root, &[dimensions], &groups[layer], &rows[layer], paths)
                .map_err(|_| ForkedError::Groups { layer })?;
        }
        Ok(())
    }

    /// The siblings of every query in every layer, and their paths.
    fn read_folds<R: Read>(
        &self,
        source: &mut Source<R>,
    ) -> Result<Vec<CommitPhaseMultiStep<EF, FriTree<S::Tree>>>, ForkedError> {
        let test = &self.test;
        source.length(Part::Layers, test.log_arities.len())?;
        let mut openings = Vec::new();
        for (layer, (log_leaves, log_arity)) in test.layers().zip(&test.log_arities).enumerate() {
            let part = Part::Groups { layer };
            source.length(part, self.indices.len())?;
            let siblings = self.indices.iter();
            let siblings = siblings.map(|_| source.exts(part, (1 << log_arity) - 1));
            openings.push(CommitPhaseMultiStep {
                sibling_values: siblings.collect::<Result<_, _>>()?,
                opening_proof: S::paths(source.paths(self.indices.len() * log_leaves)?),
            });
        }
        Ok(openings)
    }
}
