//! Coefficients that depend on their own batch alone can be forged; `docs/decoupling.md` has the argument.
//!
//! Every one of 256 batches breaks a constraint at the same row. Its quotient has a pole there, its codeword
//! is off by `A_b / (x - h)`, and the accumulator is a codeword again as soon as `sum c_b A_b = 0`. Where
//! `c_b` follows from batch b alone, a prover lists `c_b A_b` for many batching witnesses of each batch by
//! itself, and searches for 256 that cancel.

mod wagner;

use std::time::Instant;

use p3_challenger::FieldChallenger;
use p3_field::{
    BasedVectorSpace, Field, PackedValue, PrimeCharacteristicRing, PrimeField32, TwoAdicField,
};
use p3_symmetric::Permutation;
use tranche_core::verifier::{Challenger, ForkedError, Join, Joined};
use tranche_core::{EF, F, Params};
use tranche_test_support::air::TestAir;
use tranche_test_support::retire::{Deviation, Fork, Run, naive};
use tranche_test_support::shapes::QUICK;

use crate::runs::squares;
use wagner::{LOG_LENGTH, LOG_LISTS, Search};

/// The variant: a batch's coefficient is drawn from its fork, after its batching challenge.
#[derive(Default)]
struct Decoupled(Vec<EF>);

impl Join for Decoupled {
    fn leave(&mut self, fork: &mut Challenger, _main: &mut Challenger) {
        self.0.push(fork.sample_algebra_element());
    }

    fn coefficients(self, _main: &mut Challenger, _batches: usize) -> Vec<EF> {
        self.0
    }
}

/// One bit of grinding, and more queries than a codeword that is off would pass by chance.
const PARAMS: Params = Params {
    batch_pow_bits: 1,
    num_queries: 30,
    ..QUICK
};

/// Transcripts that are squeezed together.
type Lanes = <F as Field>::Packing;
/// Elements of a sponge's rate.
const RATE: usize = 8;

const LOG_HEIGHT: usize = 3;
const ROW: usize = 5;

/// 256 batches of a table of squares, in each of which one row is no square.
fn broken() -> Run<TestAir> {
    let mut run = squares(1 << LOG_LISTS, LOG_HEIGHT, PARAMS);
    for batch in &mut run.batches {
        batch.traces[0].values[2 * ROW + 1] += F::ONE;
    }
    run
}

fn forger() -> Deviation {
    Deviation {
        broken_row: Some(ROW),
        ..Deviation::default()
    }
}

/// Batching witnesses that pass, each with `c_b A_b`.
///
/// Many transcripts at a time: what is squeezed after the witness is read off the sponge's states, from the
/// last element of the rate down; first the bits of the grinding, then `lambda_b`, then `c_b`.
fn candidates(fork: &Fork) -> impl Iterator<Item = (F, EF)> {
    let pole = F::two_adic_generator(LOG_HEIGHT).exp_u64(ROW as u64);
    let residue: &[F] = fork.residues[0].as_basis_coefficients_slice();
    let scale = (fork.zeta - pole).inverse();
    // The quotient's claims come after the main trace's.
    let power = fork.rounds[0].claims.iter().flatten().flatten().count() as u64;
    let sponge = &fork.challenger;
    let absorbed = &sponge.input_buffer;
    let lanes = F::ORDER_U32 / Lanes::WIDTH as u32;
    let squeezed = (0..lanes).flat_map(move |group| {
        let witness = move |lane: usize| F::from_u32(group * Lanes::WIDTH as u32 + lane as u32);
        let mut state: [Lanes; 16] = core::array::from_fn(|i| match i {
            i if i < absorbed.len() => absorbed[i].into(),
            i if i == absorbed.len() => Lanes::from_fn(witness),
            i if i < RATE => Lanes::ZERO,
            i => sponge.sponge_state[i].into(),
        });
        state[RATE] += F::from_usize(absorbed.len() + 1);
        sponge.permutation.permute_mut(&mut state);
        let mut more = state;
        sponge.permutation.permute_mut(&mut more);
        (0..Lanes::WIDTH).map(move |lane| {
            let first = state[..RATE].iter().rev();
            let elements = first.chain(more[..RATE].iter().rev());
            let mut elements = elements.map(|element| element.as_slice()[lane]);
            let squeezed: [F; 9] = core::array::from_fn(|_| elements.next().expect("two rates"));
            (witness(lane), squeezed)
        })
    });
    squeezed.filter_map(move |(witness, squeezed)| {
        if squeezed[0].as_canonical_u32() % (1 << PARAMS.batch_pow_bits) != 0 {
            return None;
        }
        let lambda = EF::from_basis_coefficients_fn(|i| squeezed[1 + i]);
        let coefficient = EF::from_basis_coefficients_fn(|i| squeezed[5 + i]);
        let residues = residue.iter().rev();
        let combined = residues.fold(EF::ZERO, |sum, &a| sum * lambda + a);
        Some((
            witness,
            coefficient * lambda.exp_u64(power) * combined * scale,
        ))
    })
}

/// The accumulator is no codeword; which query meets it first is chance.
#[track_caller]
fn off(result: Result<(), ForkedError>) {
    let refused = matches!(result, Err(ForkedError::FinalPolynomial { .. }));
    assert!(refused, "{result:?}");
}

/// The search at full size: 256 lists of 2^14 sums of 123.6 bits.
#[test]
fn a_forgery_where_coefficients_are_decoupled() {
    let honest = squares(1 << LOG_LISTS, LOG_HEIGHT, PARAMS);
    let bytes = naive::prove_with(&honest, Deviation::default(), Decoupled::default()).encode();
    assert_eq!(
        honest.verify_with(Decoupled::default(), &bytes),
        Ok(()),
        "the control"
    );
    assert_eq!(
        honest.verify(&naive::prove(&honest).encode()),
        Ok(()),
        "the control"
    );

    // Without a search both refuse.
    let run = broken();
    let bytes = naive::prove_with(&run, forger(), Decoupled::default()).encode();
    off(run.verify_with(Decoupled::default(), &bytes));
    let bytes = naive::prove_with(&run, forger(), Joined).encode();
    off(run.verify(&bytes));

    let start = Instant::now();
    let forks = naive::Forks::new(&run, forger());
    let mut witnesses: Vec<Vec<F>> = Vec::new();
    let mut search = Search::new(|batch: usize| {
        let list = candidates(&forks.forks[batch]).take(1 << LOG_LENGTH);
        let (of_batch, sums): (Vec<F>, Vec<EF>) = list.unzip();
        witnesses.push(of_batch);
        sums
    });
    let places = search.run().expect("256 that cancel");
    let bytes = search.bytes() + (size_of::<F>() << (LOG_LISTS + LOG_LENGTH));
    println!(
        "{} lists of 2^{LOG_LENGTH}: {:.1} s, {} MiB",
        1 << LOG_LISTS,
        start.elapsed().as_secs_f64(),
        bytes >> 20,
    );
    let chosen: Vec<F> = witnesses
        .iter()
        .zip(places)
        .map(|(list, place)| list[place])
        .collect();

    let forged = forks
        .with_witnesses(chosen.clone())
        .finish(Decoupled::default())
        .encode();
    assert_eq!(
        run.verify_with(Decoupled::default(), &forged),
        Ok(()),
        "forged"
    );
    assert!(run.verify(&forged).is_err());

    // Under the rule that is used, the same witnesses are worth nothing.
    let forks = naive::Forks::new(&run, forger()).with_witnesses(chosen);
    off(run.verify(&forks.finish(Joined).encode()));
}
