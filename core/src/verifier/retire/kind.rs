//! A kind of batch: everything about one that is known before its proof is read.

use alloc::vec::Vec;

use p3_batch_stark::ProverData;
use p3_lookup::Lookups;
use p3_matrix::Dimensions;

use super::error::ForkedKeyError;
use crate::verifier::caps::CommittedTable;
use crate::verifier::config::{Configuration, Configured, PlainConfig};
use crate::verifier::error::{CommitmentName, KeyError};
use crate::verifier::split_mmcs::Carving;
use crate::verifier::suite::{Plonky3Suite, Root};
use crate::verifier::tables::{VerifierAir, check_tables, committed_tables};
use crate::{D, F, Params};

/// Rounds in the order in which they are opened.
pub const ROUNDS: [CommitmentName; 4] = [
    CommitmentName::Main,
    CommitmentName::Quotient,
    CommitmentName::Preprocessed,
    CommitmentName::Permutation,
];

/// A committed matrix of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Matrix {
    /// Base columns.
    pub width: usize,
    /// log2 of the extension's rows.
    pub log_rows: usize,
    /// Place of that height in [`Kind::log_rows`].
    pub height: usize,
    /// Whether it is opened at the next row too.
    pub next: bool,
    /// First power of the batching challenge of its claims, among those of its height.
    pub power: usize,
}

/// One round of a batch.
#[derive(Clone, Debug)]
pub struct Round {
    /// Its name.
    pub name: CommitmentName,
    /// Its matrices, table by table, chunk by chunk.
    pub matrices: Vec<Matrix>,
    /// log2 of the leaves of its tree.
    pub log_leaves: usize,
}

impl Round {
    /// log2 of the digests of its cap.
    pub fn log_digests(&self, params: &Params) -> usize {
        self.log_leaves.min(params.cap_height.into())
    }

    /// The matrices as their tree takes them.
    pub fn dimensions(&self) -> Vec<Dimensions> {
        let dimensions = |matrix: &Matrix| Dimensions {
            width: matrix.width,
            height: 1 << matrix.log_rows,
        };
        self.matrices.iter().map(dimensions).collect()
    }
}

/// One table of a batch.
#[derive(Debug)]
pub struct Table<A> {
    /// Its AIR.
    pub air: A,
    /// log2 of its rows.
    pub log_height: usize,
    /// Its lookups; how their buses are numbered depends on the run.
    pub lookups: Lookups<F>,
    /// Columns and chunks.
    pub committed: CommittedTable,
    /// Whether the main trace is opened at the next row.
    pub main_next: bool,
    /// Whether the preprocessed trace is.
    pub preprocessed_next: bool,
}

/// A kind of batch.
pub struct Kind<A, S: Plonky3Suite> {
    /// Its tables.
    pub tables: Vec<Table<A>>,
    /// Root of the preprocessed columns, if there are any.
    pub preprocessed: Option<Root<S>>,
    /// The rounds that it has, in opening order.
    pub rounds: Vec<Round>,
    /// log2 of the extensions' rows, each once, tallest first.
    pub log_rows: Vec<usize>,
}

impl<A: VerifierAir<PlainConfig<S>>, S: Configured> Kind<A, S> {
    /// The kind of batch that has these tables.
    pub fn new(
        airs: Vec<A>,
        log_heights: &[usize],
        params: &Params,
        suite: &S,
        kind: usize,
    ) -> Result<Self, ForkedKeyError> {
        let of_kind = |error| ForkedKeyError::Kind { kind, error };
        check_tables(&airs, log_heights, params).map_err(of_kind)?;
        if let Some(table) = airs.iter().position(|air| air.num_periodic_columns() > 0) {
            return Err(ForkedKeyError::PeriodicColumns { kind, table });
        }
        let min_log_height = match params.log_final_poly_len {
            0 => 0,
            log_len => usize::from(log_len) + 1,
        };
        let short = log_heights
            .iter()
            .position(|&height| height < min_log_height);
        if let Some(table) = short {
            let log_height = log_heights[table];
            return Err(ForkedKeyError::TooShort {
                kind,
                table,
                log_height,
            });
        }
        let carving = Carving::new(Vec::new(), &[]);
        let config = <PlainConfig<S> as Configuration>::new(params, suite, &carving, None);
        let common = ProverData::from_airs_and_degrees(&config, &airs, log_heights)
            .map_err(|error| KeyError::Preprocessed {
                detail: alloc::format!("{error}"),
            })
            .map_err(of_kind)?
            .common;
        let committed = committed_tables(&airs, log_heights, &common);
        let preprocessed = common.preprocessed.and_then(|global| {
            let roots = <PlainConfig<S> as Configuration>::roots(&global.commitment);
            roots.first().cloned()
        });
        let tables = airs.into_iter().zip(common.lookups).zip(committed);
        let tables: Vec<_> = tables
            .map(|((air, lookups), committed)| Table {
                log_height: committed.log_height,
                main_next: !air.main_next_row_columns().is_empty(),
                preprocessed_next: !air.preprocessed_next_row_columns().is_empty(),
                air,
                lookups,
                committed,
            })
            .collect();
        let (rounds, log_rows) = rounds(&tables, params);
        Ok(Self {
            tables,
            preprocessed,
            rounds,
            log_rows,
        })
    }
}

impl<A, S: Plonky3Suite> Kind<A, S> {
    /// The rounds with their places in opening order.
    pub fn round(&self, name: CommitmentName) -> Option<&Round> {
        self.rounds.iter().find(|round| round.name == name)
    }

    /// Whether some table takes part in a bus.
    pub fn has_lookups(&self) -> bool {
        self.round(CommitmentName::Permutation).is_some()
    }

    /// Whether matrices of the height at this place are opened at the next row.
    pub fn next_at(&self, height: usize) -> bool {
        let mut matrices = self.rounds.iter().flat_map(|round| &round.matrices);
        matrices.any(|matrix| matrix.height == height && matrix.next)
    }

    /// Powers of the batching challenge that the height with the most of them has.
    pub fn powers(&self) -> usize {
        let matrices = self.rounds.iter().flat_map(|round| &round.matrices);
        let end = |m: &Matrix| m.power + m.width * (1 + usize::from(m.next));
        matrices.map(end).max().unwrap_or(0)
    }
}

/// The rounds of a batch, and the heights of its extensions.
fn rounds<A>(tables: &[Table<A>], params: &Params) -> (Vec<Round>, Vec<usize>) {
    let log_rows_of = |table: &Table<A>| table.log_height + usize::from(params.log_blowup);
    let mut log_rows: Vec<_> = tables.iter().map(log_rows_of).collect();
    log_rows.sort_unstable_by(|a, b| b.cmp(a));
    log_rows.dedup();
    let mut powers = alloc::vec![0; log_rows.len()];
    let mut rounds = Vec::new();
    for name in ROUNDS {
        let mut matrices = Vec::new();
        for table in tables {
            let of = &table.committed;
            let (count, width, next) = match name {
                CommitmentName::Main => (1, of.main_width, table.main_next),
                CommitmentName::Quotient => (of.quotient_chunks, D, false),
                CommitmentName::Preprocessed => {
                    let width = of.preprocessed_width;
                    (usize::from(width > 0), width, table.preprocessed_next)
                }
                _ => {
                    let width = of.permutation_width;
                    (usize::from(width > 0), width, true)
                }
            };
            let rows = log_rows_of(table);
            let height = log_rows.iter().take_while(|&&other| other > rows).count();
            for _ in 0..count {
                matrices.push(Matrix {
                    width,
                    log_rows: rows,
                    height,
                    next,
                    power: powers[height],
                });
                powers[height] += width * (1 + usize::from(next));
            }
        }
        let tallest = matrices.iter().map(|matrix| matrix.log_rows).max();
        if let Some(log_leaves) = tallest {
            rounds.push(Round {
                name,
                matrices,
                log_leaves,
            });
        }
    }
    (rounds, log_rows)
}
