//! A prover of the forked order with a heap, in Plonky3's own pieces. Slow, and meant to be read beside
//! the specification; it can deviate from it where an attack does ([`Deviation`]).

use std::collections::BTreeMap;
use std::marker::PhantomData;

use p3_batch_stark::ProverData;
use p3_challenger::{CanObserve, GrindingChallenger};
use p3_commit::OpeningRequest;
use p3_dft::Radix2DitParallel;
use p3_field::PrimeCharacteristicRing;
use p3_fri::prover::prove_fri;
use p3_fri::{TwoAdicFriFolding, TwoAdicFriFoldingForMmcs};
use p3_uni_stark::StarkGenericConfig;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::verifier::{Join, Joined, Root};
use tranche_core::{EF, F};

use super::commit::{
    Challenger, Config, NaiveAir, NaiveSuite, PlainPcs, Tree, commit, fri, sloped,
};
use super::deviation::Deviation;
use super::fork::{BatchProver, Fork};
use super::transcript::{self, sample, tag};
use super::{Proof, Run};

/// A run whose forks are drawn.
pub struct Forks<'r, A, S: NaiveSuite = Poseidon2> {
    run: &'r Run<A, S>,
    deviation: Deviation<S>,
    tree: Tree<S>,
    main: Challenger<S>,
    main_roots: Vec<Root<S>>,
    lookup_witness: Option<F>,
    /// Batch by batch.
    pub forks: Vec<Fork<S>>,
}

/// The proof of the specification.
///
/// # Panics
/// When the tables cannot be proved.
pub fn prove<A: NaiveAir<S>, S: NaiveSuite>(run: &Run<A, S>) -> Proof<S> {
    prove_with(run, Deviation::default(), Joined)
}

/// The proof of a prover that deviates, with coefficients from `join`.
///
/// # Panics
/// When the tables cannot be committed.
pub fn prove_with<A: NaiveAir<S>, S: NaiveSuite>(
    run: &Run<A, S>,
    deviation: Deviation<S>,
    join: impl Join<Challenger<S>>,
) -> Proof<S> {
    Forks::new(run, deviation).finish(join)
}

impl<'r, A: NaiveAir<S>, S: NaiveSuite> Forks<'r, A, S> {
    /// Commits every batch, and runs every fork up to its claims.
    ///
    /// # Panics
    /// When the tables cannot be committed.
    pub fn new(run: &'r Run<A, S>, deviation: Deviation<S>) -> Self {
        let tree = run.suite.tree(run.params.cap_height.into());
        let fri = fri::<S>(&run.params, &tree);
        let pcs = PlainPcs::<S>::new(Radix2DitParallel::default(), tree.clone(), fri);
        let config = Config::<S>::new(pcs, run.suite.challenger());
        let pcs = config.pcs();
        let keys: Vec<_> = run
            .batches
            .iter()
            .map(|batch| {
                ProverData::from_airs_and_degrees(&config, &batch.airs, &batch.log_heights())
                    .expect("preprocessed columns that can be committed")
            })
            .collect();
        let (mut main_roots, mut data): (Vec<_>, Vec<_>) = run
            .batches
            .iter()
            .map(|batch| commit::<S>(pcs, batch.traces.iter().cloned()))
            .unzip();
        if let Some(slope) = deviation.slope {
            (main_roots[0], data[0]) = sloped::<S>(&tree, &data[0], slope);
        }

        // Steps 1 to 3.
        let mut main = config.initialise_challenger();
        let statement = run
            .statement
            .iter()
            .flat_map(|statement| statement.elements());
        statement.for_each(|element| main.observe(element));
        main.observe_slice(&tag("tranche/retire/forked/run/1"));
        main.observe_slice(&transcript::params(&run.params));
        main.observe(F::from_usize(run.batches.len()));
        for (batch, key) in run.batches.iter().zip(&keys) {
            main.observe_slice(&transcript::shape::<A, S>(batch, &key.common.lookups));
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
        let mut challenges = lookup_challenges::<S>(&keys, &deviation, pair).into_iter();

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

    /// The same forks, which [`Self::finish`] gives these batching witnesses.
    pub fn with_witnesses(mut self, witnesses: Vec<F>) -> Self {
        self.deviation.batch_witnesses = Some(witnesses);
        self
    }

    /// Joins the forks and runs the low-degree test.
    ///
    /// # Panics
    /// When the tables are too short for the final polynomial.
    pub fn finish(mut self, mut join: impl Join<Challenger<S>>) -> Proof<S> {
        let params = &self.run.params;
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
        let fri = fri::<S>(params, &self.tree);
        let folding: TwoAdicFriFoldingForMmcs<F, Tree<S>> = TwoAdicFriFolding(PhantomData);
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
fn lookup_challenges<S: NaiveSuite>(
    keys: &[ProverData<Config<S>>],
    deviation: &Deviation<S>,
    (alpha, beta): (EF, EF),
) -> Vec<Vec<EF>> {
    let tables = |keys: &[ProverData<Config<S>>]| {
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
