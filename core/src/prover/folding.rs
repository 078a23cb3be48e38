//! The low-degree test: its transcript, and its bytes but for the order of the parts.

use embedded_io::Write;
use heapless::Vec;

use super::openings::{write_cap, write_paths};
use super::transcript;
use crate::engine::Folding;
use crate::hash::Transcript;
use crate::hash::leaves::{Codeword, Leaves};
use crate::hash::paths::Indices;
use crate::kernels::ext::challenge;
use crate::shape::{MAX_LOG_HEIGHT, Params};
use crate::sink::Sink;
use crate::{D, F};

/// What the low-degree test adds to a proof besides its trees and openings.
#[derive(Clone, Debug)]
pub(crate) struct FoldOutcome {
    pub commit_witnesses: Vec<F, MAX_LOG_HEIGHT>,
    pub query_witness: F,
    pub indices: Indices,
}

/// Folds and commits the codewords down to the final polynomial, and draws the queries.
pub(crate) fn fold_down<L: Folding>(
    low: &mut L,
    challenger: &mut L::Transcript,
    params: &Params,
) -> FoldOutcome {
    let (log_max, folds) = (low.folds().log_max(), low.folds().folds());
    transcript::seed_fri(challenger, low.folds().log_arities, params, log_max);
    low.begin_folds();
    let mut commit_witnesses = Vec::new();
    for fold in 0..folds {
        low.commit_fold(fold);
        for digest in low.fold_tree(fold).cap(params.cap_height as usize) {
            challenger.observe_digest(&digest);
        }
        let witness = low.grind(challenger, params.commit_pow_bits);
        commit_witnesses.push(witness).expect("one per fold");
        let beta = challenger.sample_ext();
        low.fold(fold, beta);
    }
    low.finish_folds();
    for coefficient in low.final_polynomial() {
        challenger.observe_ext(coefficient);
    }
    let query_witness = low.grind(challenger, params.query_pow_bits);
    let draw = |_| challenger.sample_bits(log_max) as u32;
    FoldOutcome {
        commit_witnesses,
        query_witness,
        indices: (0..params.num_queries).map(draw).collect(),
    }
}

/// The published digests of every fold, then the witnesses of their grinding.
pub(crate) fn write_fold_commitments<L: Folding, W: Write>(
    low: &L,
    outcome: &FoldOutcome,
    cap_height: u8,
    sink: &mut Sink<W>,
) -> Result<(), W::Error> {
    let folds = low.folds().folds();
    sink.length(folds)?;
    for fold in 0..folds {
        write_cap(&low.fold_tree(fold), cap_height, sink)?;
    }
    sink.length(folds)?;
    sink.fields(outcome.commit_witnesses.iter().copied())
}

/// The openings of every fold.
///
/// The indices are folded as the codewords were: afterwards they are those of the last fold.
pub(crate) fn write_fold_openings<L: Folding, W: Write>(
    low: &mut L,
    indices: &mut Indices,
    cap_height: u8,
    sink: &mut Sink<W>,
) -> Result<(), W::Error> {
    let folds = low.folds().folds();
    sink.length(folds)?;
    for fold in 0..folds {
        let log_arity = low.folds().log_arity(fold);
        let codeword = low.opened_codeword(fold);
        write_all_siblings(&codeword, indices, sink)?;
        indices.iter_mut().for_each(|index| *index >>= log_arity);
        low.collect_siblings(fold, indices);
        let (tree, siblings) = (low.fold_tree(fold), low.collected_siblings());
        write_paths(&tree, siblings, cap_height, indices.iter().copied(), sink)?;
    }
    Ok(())
}

/// The coefficients of the final polynomial, and the witness of the queries' grinding.
pub(crate) fn write_final_polynomial<L: Folding, W: Write>(
    low: &L,
    outcome: &FoldOutcome,
    sink: &mut Sink<W>,
) -> Result<(), W::Error> {
    let final_polynomial = low.final_polynomial();
    sink.length(final_polynomial.len())?;
    for coefficient in final_polynomial {
        sink.ext(coefficient)?;
    }
    sink.field(outcome.query_witness)
}

/// The siblings of every query in a folded codeword.
fn write_all_siblings<W: Write>(
    codeword: &Codeword<'_>,
    indices: &Indices,
    sink: &mut Sink<W>,
) -> Result<(), W::Error> {
    sink.length(indices.len())?;
    indices
        .iter()
        .try_for_each(|&index| write_siblings(codeword, index as usize, sink))
}

/// The other challenges of the leaf that holds place `index` of a codeword.
fn write_siblings<W: Write>(
    codeword: &Codeword<'_>,
    index: usize,
    sink: &mut Sink<W>,
) -> Result<(), W::Error> {
    let (row, own) = (
        index >> codeword.log_arity,
        index % (1 << codeword.log_arity),
    );
    sink.length((1 << codeword.log_arity) - 1)?;
    for sibling in (0..1 << codeword.log_arity).filter(|&sibling| sibling != own) {
        let coordinate = |d| codeword.load::<F>(sibling * D + d, row);
        sink.ext(challenge(core::array::from_fn(coordinate)))?;
    }
    Ok(())
}
