//! Proof bytes, in the order of Plonky3's `BatchProof`.

use embedded_io::Write;
use heapless::Vec;

use super::Prover;
use super::closing::FriOutcome;
use super::fast::matrix;
use super::phases::Witnesses;
use crate::air::ProverAir;
use crate::backend::Backend;
use crate::ext::challenge;
use crate::merkle::{Codeword, Leaves, Tree, walk_siblings};
use crate::plan::{MAX_QUERIES, Name, Opened, Plan, Profile, Round};
use crate::sink::Sink;
use crate::{D, DIGEST, EF, F};

pub(super) type Indices = Vec<u32, MAX_QUERIES>;

/// `BatchCommitments`: main, permutation, quotient chunks, no randomization.
pub(super) fn write_commitments<B: Backend, A: ProverAir<B>, const N: usize, W: Write>(
    prover: &Prover<'_, B, A, N>,
    sink: &mut Sink<W>,
) -> Result<(), W::Error> {
    write_commitment(prover, Round::Main, sink)?;
    if prover.plan.has_lookups() {
        sink.some()?;
        write_commitment(prover, Round::Permutation, sink)?;
    } else {
        sink.none()?;
    }
    write_commitment(prover, Round::Quotient, sink)?;
    sink.none()
}

fn write_commitment<B: Backend, A: ProverAir<B>, const N: usize, W: Write>(
    prover: &Prover<'_, B, A, N>,
    round: Round,
    sink: &mut Sink<W>,
) -> Result<(), W::Error> {
    if prover.plan.is_carved() {
        sink.length(prover.trees(round).count())?;
    }
    for (_, tree) in prover.trees(round) {
        write_cap(&tree, prover.plan.params().cap_height, sink)?;
    }
    Ok(())
}

fn write_cap<W: Write>(
    tree: &Tree<'_>,
    cap_height: u8,
    sink: &mut Sink<W>,
) -> Result<(), W::Error> {
    let cap = tree.cap(cap_height as usize);
    sink.length(cap.len())?;
    for digest in cap {
        sink.digest(&digest)?;
    }
    Ok(())
}

/// `BatchOpenedValues`: for each table its main, preprocessed, quotient and permutation claims.
pub(super) fn write_claims<const N: usize, W: Write>(
    plan: &Plan<N>,
    openings: &[F],
    sink: &mut Sink<W>,
) -> Result<(), W::Error> {
    let row = |sink: &mut Sink<W>, matrix: &Opened, point: usize| {
        sink.length(matrix.width)?;
        sink.fields(&openings[matrix.claims(point)])
    };
    let rows = |sink: &mut Sink<W>, matrix: &Opened| {
        row(sink, matrix, 0)?;
        if matrix.next {
            sink.some()?;
            row(sink, matrix, 1)
        } else {
            sink.none()
        }
    };
    sink.length(plan.tables().len())?;
    for (table, planned) in plan.tables().iter().enumerate() {
        let of = |round| plan.round(round).filter(move |m: &Opened| m.table == table);
        for main in of(Round::Main) {
            rows(sink, &main)?;
        }
        match of(Round::Preprocessed).next() {
            Some(preprocessed) => {
                sink.some()?;
                rows(sink, &preprocessed)?;
            }
            // Plonky3 writes the two preprocessed rows as separate options.
            None => {
                sink.none()?;
                sink.none()?;
            }
        }
        sink.length(planned.num_chunks())?;
        for chunk in of(Round::Quotient) {
            row(sink, &chunk, 0)?;
        }
        sink.none()?;
        match of(Round::Permutation).next() {
            Some(permutation) => {
                row(sink, &permutation, 0)?;
                row(sink, &permutation, 1)?;
            }
            None => {
                sink.length(0)?;
                sink.length(0)?;
            }
        }
    }
    Ok(())
}

/// `FriProof`: commitments, witnesses, openings of the inputs and of the folds, final polynomial.
///
/// The indices of `fri` are folded as the codewords were: afterwards they are those of the last fold.
pub(super) fn write_fri<B: Backend, A: ProverAir<B>, const N: usize, W: Write>(
    prover: &mut Prover<'_, B, A, N>,
    fri: &mut FriOutcome,
    sink: &mut Sink<W>,
) -> Result<(), W::Error> {
    let plan = prover.plan;
    let params = plan.params();
    let rounds = plan.log_arities().len();
    sink.field(fri.batch_witness)?;
    sink.length(rounds)?;
    for round in 0..rounds {
        write_cap(&prover.fri_tree(round), params.cap_height, sink)?;
    }
    sink.length(rounds)?;
    sink.fields(&fri.commit_witnesses)?;

    sink.length(
        Round::ALL
            .into_iter()
            .filter(|&round| plan.has_round(round))
            .count(),
    )?;
    for round in Round::ALL
        .into_iter()
        .filter(|&round| plan.has_round(round))
    {
        match plan.profile() {
            Profile::Fast => write_input_opening(prover, round, &fri.indices, sink)?,
            Profile::Compact => prover.open_input(round, &fri.indices, sink)?,
        }
    }

    sink.length(rounds)?;
    for (round, &log_arity) in plan.log_arities().iter().enumerate() {
        let log_arity = log_arity as usize;
        match plan.profile() {
            Profile::Fast => {
                let codeword = Codeword {
                    values: prover.fri_codeword(round),
                    log_arity,
                };
                write_all_siblings(&codeword, &fri.indices, sink)?;
            }
            Profile::Compact => prover.open_fold(round, &fri.indices, sink)?,
        }
        fri.indices
            .iter_mut()
            .for_each(|index| *index >>= log_arity);
        let siblings = match plan.profile() {
            Profile::Fast => &[],
            Profile::Compact => {
                prover.collect_fold(round, &fri.indices);
                &prover.region(Name::OpenScratch)[D << plan.log_max_lde()..]
            }
        };
        write_paths(
            &prover.fri_tree(round),
            siblings,
            params.cap_height,
            fri.indices.iter().copied(),
            sink,
        )?;
    }

    let final_polynomial = prover.final_polynomial();
    sink.length(final_polynomial.len())?;
    for coefficient in final_polynomial {
        sink.ext(coefficient)?;
    }
    sink.field(fri.query_witness)
}

/// `BatchMultiOpening`: the rows of every matrix for every query, then one pruned proof per tree.
fn write_input_opening<B: Backend, A: ProverAir<B>, const N: usize, W: Write>(
    prover: &Prover<'_, B, A, N>,
    round: Round,
    indices: &Indices,
    sink: &mut Sink<W>,
) -> Result<(), W::Error> {
    let plan = prover.plan;
    let log_max = plan.log_max_lde();
    let extensions = prover.region(round.region());
    sink.length(indices.len())?;
    for &index in indices {
        sink.length(plan.round(round).count())?;
        for opened in plan.round(round) {
            let rows = matrix(extensions, &opened);
            let row = index as usize >> (log_max - opened.log_lde);
            sink.length(rows.width())?;
            for column in 0..rows.width() {
                sink.field(rows.get(row, column))?;
            }
        }
    }
    if plan.is_carved() {
        sink.length(prover.trees(round).count())?;
    }
    for (_, tree) in prover.trees(round) {
        let reduced = indices
            .iter()
            .map(|index| index >> (log_max - tree.log_leaves()));
        write_paths(&tree, &[], plan.params().cap_height, reduced, sink)?;
    }
    Ok(())
}

/// The siblings of every query in a folded codeword.
pub(super) fn write_all_siblings<W: Write>(
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

/// The distinct leaves of a list, ascending. Lists are large on a device's stack: there is one.
pub(super) fn distinct(indices: impl Iterator<Item = u32>) -> Indices {
    let mut leaves: Indices = indices.collect();
    leaves.sort_unstable();
    let mut len = 0;
    for i in 0..leaves.len() {
        if i == 0 || leaves[i] != leaves[len - 1] {
            leaves[len] = leaves[i];
            len += 1;
        }
    }
    leaves.truncate(len);
    leaves
}

/// `PrunedMerklePaths`: the siblings that the opened leaves do not determine, level by level.
///
/// `lowest` has those of the layers that the tree has dropped, in the same order.
pub(super) fn write_paths<W: Write>(
    tree: &Tree<'_>,
    lowest: &[F],
    cap_height: u8,
    indices: impl Iterator<Item = u32>,
    sink: &mut Sink<W>,
) -> Result<(), W::Error> {
    let mut leaves = distinct(indices);
    let levels = tree.path_levels(cap_height as usize);
    let mut count = 0;
    walk_siblings(&mut leaves.clone(), levels, |_, _| count += 1);
    sink.length(count)?;
    let mut result = Ok(());
    let mut lowest = lowest.as_chunks::<DIGEST>().0.iter();
    walk_siblings(&mut leaves, levels, |level, index| {
        if result.is_ok() {
            result = if level < tree.dropped() {
                sink.digest(lowest.next().expect("one for each sibling"))
            } else {
                sink.digest(&tree.digest(level, index))
            };
        }
    });
    result
}

/// What follows the opening proof: terminals, heights, proofs of work.
pub(super) fn write_tail<const N: usize, W: Write>(
    plan: &Plan<N>,
    terminals: &[Option<EF>],
    witnesses: &Witnesses,
    sink: &mut Sink<W>,
) -> Result<(), W::Error> {
    sink.length(terminals.len())?;
    for terminal in terminals {
        match terminal {
            Some(terminal) => {
                sink.some()?;
                sink.ext(*terminal)?;
            }
            None => sink.none()?,
        }
    }
    sink.length(plan.tables().len())?;
    for table in plan.tables() {
        sink.varint(u64::from(table.spec.log_height))?;
    }
    if plan.has_lookups() {
        sink.some()?;
        sink.field(witnesses.lookup)?;
    } else {
        sink.none()?;
    }
    sink.field(witnesses.ood)
}
