//! Proof bytes, in the order of Plonky3's `BatchProof`.

use embedded_io::Write;

use super::phases::Witnesses;
use crate::Digest;
use crate::F;
use crate::air::ProverAir;
use crate::engine::Engine;
use crate::hash::paths::{Indices, distinct, walk_siblings};
use crate::hash::tree::Tree;
use crate::hash::{Hashes, Suite};
use crate::parts::{part, take};
use crate::shape::{BatchShape, CommittedMatrix, Profile, Round};
use crate::sink::Sink;
use crate::steps::trees::matrix;

/// `BatchCommitments`: main, permutation, quotient chunks, no randomization.
pub(super) fn write_commitments<B: Hashes<S>, A: ProverAir<B>, W: Write, S: Suite>(
    engine: &Engine<'_, B, A, S>,
    sink: &mut Sink<W>,
) -> Result<(), W::Error> {
    write_commitment(engine, Round::Main, sink)?;
    if engine.shape.has_lookups() {
        sink.some()?;
        write_commitment(engine, Round::Permutation, sink)?;
    } else {
        sink.none()?;
    }
    write_commitment(engine, Round::Quotient, sink)?;
    sink.none()
}

pub(crate) fn write_commitment<B: Hashes<S>, A: ProverAir<B>, W: Write, S: Suite>(
    engine: &Engine<'_, B, A, S>,
    round: Round,
    sink: &mut Sink<W>,
) -> Result<(), W::Error> {
    if engine.shape.is_carved() {
        sink.length(engine.trees(round).count())?;
    }
    for (_, tree) in engine.trees(round) {
        write_cap(&tree, engine.shape.params().cap_height, sink)?;
    }
    Ok(())
}

pub(crate) fn write_cap<W: Write>(
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
pub(crate) fn write_claims<W: Write>(
    shape: BatchShape<'_>,
    openings: &[F],
    sink: &mut Sink<W>,
) -> Result<(), W::Error> {
    sink.length(shape.tables().len())?;
    write_table_claims(shape, openings, sink)
}

/// The same without the number of tables.
pub(crate) fn write_table_claims<W: Write>(
    shape: BatchShape<'_>,
    openings: &[F],
    sink: &mut Sink<W>,
) -> Result<(), W::Error> {
    let row = |sink: &mut Sink<W>, matrix: &CommittedMatrix, point: usize| {
        sink.length(matrix.width)?;
        sink.fields(part(openings, matrix.claims(point)).iter().copied())
    };
    let rows = |sink: &mut Sink<W>, matrix: &CommittedMatrix| {
        row(sink, matrix, 0)?;
        if matrix.next {
            sink.some()?;
            row(sink, matrix, 1)
        } else {
            sink.none()
        }
    };
    for (table, planned) in shape.tables().iter().enumerate() {
        let of = |round| {
            shape
                .round(round)
                .filter(move |m: &CommittedMatrix| m.table == table)
        };
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

/// The openings of the inputs: one `BatchMultiOpening` a round, behind their number.
pub(crate) fn write_input_openings<B: Hashes<S>, A: ProverAir<B>, W: Write, S: Suite>(
    engine: &mut Engine<'_, B, A, S>,
    indices: &Indices,
    sink: &mut Sink<W>,
) -> Result<(), W::Error> {
    let shape = engine.shape;
    let rounds = Round::ALL.into_iter().filter(|&r| shape.has_round(r));
    sink.length(rounds.clone().count())?;
    for round in rounds {
        write_round(engine, round, indices, sink)?;
    }
    Ok(())
}

/// `BatchMultiOpening`: the rows of every matrix for every query, then one pruned proof per tree.
fn write_round<B: Hashes<S>, A: ProverAir<B>, W: Write, S: Suite>(
    engine: &mut Engine<'_, B, A, S>,
    round: Round,
    indices: &Indices,
    sink: &mut Sink<W>,
) -> Result<(), W::Error> {
    let matrices = engine.shape.round(round).count();
    sink.length(indices.len())?;
    open_rows(engine, round, indices, |_, row| {
        sink.length(matrices)?;
        row.write(sink)
    })?;
    if engine.shape.is_carved() {
        sink.length(engine.trees(round).count())?;
    }
    write_round_paths(engine, round, indices, sink)
}

/// The rows of all matrices of a round at one query.
pub(crate) struct OpenedRows<'r> {
    shape: BatchShape<'r>,
    round: Round,
    values: RowValues<'r>,
}

/// Where rows are.
enum RowValues<'r> {
    /// In the extensions, at a place of the tallest.
    Extensions(&'r [F], usize),
    /// Collected, one after the other.
    Collected(&'r [F]),
}

impl OpenedRows<'_> {
    /// Writes the rows, each behind its length.
    pub fn write<W: Write>(self, sink: &mut Sink<W>) -> Result<(), W::Error> {
        let log_max = self.shape.log_max_lde();
        let mut values = self.values;
        for opened in self.shape.round(self.round) {
            sink.length(opened.width)?;
            match &mut values {
                RowValues::Extensions(extensions, index) => {
                    let rows = matrix(extensions, &opened);
                    let row = *index >> (log_max - opened.log_lde);
                    sink.fields((0..opened.width).map(|column| rows.get(row, column)))?;
                }
                RowValues::Collected(values) => {
                    sink.fields(take(values, opened.width).iter().copied())?
                }
            }
        }
        Ok(())
    }
}

/// Shows the rows of a round at every query, in order, to `visit`, with the number of the query. The siblings of the
/// round that its trees have not kept are there afterwards.
pub(crate) fn open_rows<B: Hashes<S>, A: ProverAir<B>, S: Suite, E>(
    engine: &mut Engine<'_, B, A, S>,
    round: Round,
    indices: &Indices,
    mut visit: impl FnMut(usize, OpenedRows<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let shape = engine.shape;
    if shape.profile() == Profile::Fast {
        engine.collect_siblings(round, indices);
        let extensions = engine.extensions(round);
        let mut queries = indices.iter().enumerate();
        return queries.try_for_each(|(query, &index)| {
            let values = RowValues::Extensions(extensions, index as usize);
            visit(
                query,
                OpenedRows {
                    shape,
                    round,
                    values,
                },
            )
        });
    }
    let width = shape.row_width(round);
    let per_pass = engine.pass().queries;
    for number in engine.pass().numbers() {
        let first = (number * per_pass).min(indices.len());
        let queries = &indices[first..(first + per_pass).min(indices.len())];
        engine.collect_rows(round, indices, queries, number);
        let rows = engine.collected()[..queries.len() * width].chunks_exact(width);
        for (i, row) in rows.enumerate() {
            let values = RowValues::Collected(row);
            visit(
                first + i,
                OpenedRows {
                    shape,
                    round,
                    values,
                },
            )?;
        }
    }
    Ok(())
}

/// One pruned proof for each tree of a round, after [`open_rows`] of it.
pub(crate) fn write_round_paths<B: Hashes<S>, A: ProverAir<B>, W: Write, S: Suite>(
    engine: &Engine<'_, B, A, S>,
    round: Round,
    indices: &Indices,
    sink: &mut Sink<W>,
) -> Result<(), W::Error> {
    let shape = engine.shape;
    let log_max = shape.log_max_lde();
    let mut siblings = engine.round_siblings(round);
    for (_, tree) in engine.trees(round) {
        let log_leaves = tree.log_leaves();
        let reduced = indices.iter().map(|index| index >> (log_max - log_leaves));
        let lowest = take(&mut siblings, engine.pass().siblings(log_leaves));
        write_paths(&tree, lowest, shape.params().cap_height, reduced, sink)?;
    }
    Ok(())
}

/// `PrunedMerklePaths`: the siblings that the opened leaves do not determine, level by level.
///
/// `lowest` has those of the layers that the tree has dropped, in the same order.
pub(super) fn write_paths<W: Write>(
    tree: &Tree<'_>,
    mut lowest: &[Digest],
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
    walk_siblings(&mut leaves, levels, |level, index| {
        if result.is_ok() {
            result = if level < tree.dropped() {
                sink.digest(&take(&mut lowest, 1)[0])
            } else {
                sink.digest(&tree.digest(level, index))
            };
        }
    });
    result
}

/// What follows the opening proof: terminals, heights, proofs of work.
pub(super) fn write_tail<B: Hashes<S>, A: ProverAir<B>, W: Write, S: Suite>(
    engine: &Engine<'_, B, A, S>,
    witnesses: &Witnesses,
    sink: &mut Sink<W>,
) -> Result<(), W::Error> {
    let shape = engine.shape;
    write_terminals(engine, sink)?;
    sink.length(shape.tables().len())?;
    for table in shape.tables() {
        sink.varint(u64::from(table.spec.log_height))?;
    }
    if shape.has_lookups() {
        sink.some()?;
        sink.field(witnesses.lookup)?;
    } else {
        sink.none()?;
    }
    sink.field(witnesses.ood)
}

/// The terminal of every table that has one.
pub(crate) fn write_terminals<B: Hashes<S>, A: ProverAir<B>, W: Write, S: Suite>(
    engine: &Engine<'_, B, A, S>,
    sink: &mut Sink<W>,
) -> Result<(), W::Error> {
    let terminals = engine.terminals();
    sink.length(terminals.len())?;
    for terminal in terminals {
        match terminal {
            Some(terminal) => {
                sink.some()?;
                sink.ext(terminal)?;
            }
            None => sink.none()?,
        }
    }
    Ok(())
}
