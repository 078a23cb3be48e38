//! The shape of a batch: a view that costs a few words to hand on, whatever the number of tables.

use core::iter::repeat_n;
use core::num::NonZero;
use core::ops::Range;

use super::matrices::{CommittedMatrix, Round};
use super::params::Params;
use super::profile::Profile;
use super::table::TablePlan;
use crate::D;
use crate::hash::rebuild::{Pass, dropped_layers};
use crate::hash::tree::tree_len;

/// log2 of the kept digests of a tree's lowest kept layer for each query, at least, in `Fast`.
const LOG_KEPT_PER_QUERY: usize = 5;

/// What all tables of a batch share.
#[derive(Clone, Debug)]
pub(crate) struct Common {
    pub params: Params,
    /// Lanes of the backend, at most 255; in a byte, since plans lie on small stacks.
    pub lanes: u8,
    /// Words of its table of roots within packed values.
    pub lane_table_len: usize,
    /// Elements of the widest message, at least 1.
    pub message_width: usize,
    /// Number of buses, local interactions included.
    pub num_buses: usize,
    /// Whether some table is carved.
    pub carved: bool,
    pub profile: Profile,
}

/// The shape of a batch.
#[derive(Clone, Copy, Debug)]
pub struct BatchShape<'a> {
    pub(crate) tables: &'a [TablePlan],
    pub(crate) log_arities: &'a [u8],
    pub(crate) common: &'a Common,
}

impl<'a> BatchShape<'a> {
    /// Its tables, in order.
    pub const fn tables(self) -> &'a [TablePlan] {
        self.tables
    }

    /// Its parameters.
    pub const fn params(self) -> &'a Params {
        &self.common.params
    }

    /// log2 of the arity of each fold of the low-degree test.
    pub const fn log_arities(self) -> &'a [u8] {
        self.log_arities
    }

    /// Whether some table is carved, so that commitments are lists of roots.
    pub const fn is_carved(self) -> bool {
        self.common.carved
    }

    pub(crate) const fn lanes(self) -> usize {
        self.common.lanes as usize
    }

    pub(crate) const fn lane_table_len(self) -> usize {
        self.common.lane_table_len
    }

    pub(crate) const fn message_width(self) -> usize {
        self.common.message_width
    }

    pub(crate) const fn num_buses(self) -> usize {
        self.common.num_buses
    }

    pub(crate) const fn profile(self) -> Profile {
        self.common.profile
    }

    pub(crate) fn log_blowup(self) -> usize {
        self.params().log_blowup as usize
    }

    /// log2 of the height of a table's extensions.
    pub(crate) fn log_lde(self, table: &TablePlan) -> usize {
        table.log_height() + self.log_blowup()
    }

    /// The same of each table.
    fn log_ldes(self) -> impl Iterator<Item = usize> + 'a {
        self.tables.iter().map(move |table| self.log_lde(table))
    }

    /// log2 of the tallest extension.
    pub fn log_max_lde(self) -> usize {
        self.log_ldes().max().unwrap_or(0)
    }

    /// log2 of the tallest trace.
    pub(crate) fn log_max_height(self) -> usize {
        self.log_max_lde() - self.log_blowup()
    }

    pub(crate) fn has_lookups(self) -> bool {
        self.tables.iter().any(|t| t.layout.has_lookups())
    }

    pub(crate) fn has_preprocessed(self) -> bool {
        self.tables.iter().any(|t| t.layout.preprocessed_width > 0)
    }

    /// The groups of the main round: ranges of tables that share a Merkle root.
    ///
    /// A carved table is a group of its own, and so is each run of tables that are not.
    pub fn main_groups(self) -> impl Iterator<Item = Range<usize>> + 'a {
        let mut start = 0;
        core::iter::from_fn(move || {
            let first = self.tables.get(start)?;
            let mut end = start + 1;
            if !first.spec.carved {
                while self.tables.get(end).is_some_and(|t| !t.spec.carved) {
                    end += 1;
                }
            }
            let group = start..end;
            start = end;
            Some(group)
        })
    }

    /// The groups of tables of a round that share a tree; none when the round is empty.
    pub(crate) fn groups(self, round: Round) -> impl Iterator<Item = Range<usize>> + 'a {
        let carved = round == Round::Main;
        let whole = self.has_round(round) && !carved;
        let one = whole.then_some(0..self.tables.len()).into_iter();
        self.main_groups().filter(move |_| carved).chain(one)
    }

    /// log2 of the leaves of the tree over the tables `group` of a round.
    pub(crate) fn log_leaves(self, round: Round, group: &Range<usize>) -> usize {
        let matrices = self.round(round).filter(|m| group.contains(&m.table));
        matrices.map(|m| m.log_lde).max().unwrap_or(0)
    }

    /// Elements of the longest row of one height in the tree over the tables `group` of a round.
    pub(crate) fn leaf_width(self, round: Round, group: &Range<usize>) -> usize {
        let matrices = || self.round(round).filter(|m| group.contains(&m.table));
        let width = |m: CommittedMatrix<'_>| {
            let beside = matrices().filter(|other| other.log_lde == m.log_lde);
            beside.map(|other| other.width).sum()
        };
        matrices().map(width).max().unwrap_or(0)
    }

    /// Elements of the rows that join the tree over the tables `group` of a round at each level; none at most of them.
    pub(crate) fn level_width(
        self,
        round: Round,
        group: &Range<usize>,
    ) -> impl Fn(usize) -> usize + Copy {
        let (log_leaves, group) = (self.log_leaves(round, group), (group.start, group.end));
        move |level| {
            let joins = |m: &CommittedMatrix<'_>| m.log_lde + level == log_leaves;
            let matrices = self
                .round(round)
                .filter(|m| (group.0..group.1).contains(&m.table));
            matrices.filter(joins).map(|m| m.width).sum()
        }
    }

    /// log2 of the largest layer of every tree that is kept, whatever the profile.
    ///
    /// The cap is kept, and the leaves below a kept digest are of one coset.
    pub(crate) fn log_least_kept(self) -> usize {
        self.params().cap_height.max(self.params().log_blowup) as usize
    }

    /// log2 of the largest layer of every tree that is kept: in `Fast` at most one row in
    /// 2^[`LOG_KEPT_PER_QUERY`] is hashed again.
    pub(crate) fn log_kept(self) -> usize {
        let least = self.log_least_kept();
        match self.profile() {
            Profile::Fast => {
                let queries = usize::from(self.params().num_queries).next_power_of_two();
                least.max(queries.trailing_zeros() as usize + LOG_KEPT_PER_QUERY)
            }
            Profile::Compact => least,
        }
    }

    /// Layers of a tree that are not kept, from the leaves up.
    pub(crate) fn dropped_layers(self, log_leaves: usize) -> usize {
        dropped_layers(self.log_kept(), log_leaves)
    }

    /// What one of `passes` passes of the open phase answers.
    pub(crate) fn pass(self, passes: usize) -> Pass {
        let queries = self.params().num_queries as usize;
        let passes = NonZero::new(passes).unwrap_or(NonZero::<usize>::MIN);
        Pass::new(queries, self.log_kept(), self.lanes(), passes)
    }

    /// Field elements of the kept digests of a tree with `2^log_leaves` leaves.
    pub(crate) fn tree_len(self, log_leaves: usize) -> usize {
        tree_len(log_leaves - self.dropped_layers(log_leaves))
    }

    /// Field elements of the kept digests of a round.
    pub(crate) fn digests_len(self, round: Round) -> usize {
        let trees = self.groups(round);
        let lens = trees.map(|group| self.tree_len(self.log_leaves(round, &group)));
        lens.sum()
    }

    /// log2 of twice the roots of unity that are tabulated.
    pub(crate) fn log_twiddles(self) -> usize {
        match self.common.profile {
            Profile::Fast => self.log_max_lde(),
            Profile::Compact => self.log_max_height(),
        }
    }

    /// Bit `h` is set when an extension of height `2^h` exists.
    pub(crate) fn heights(self) -> u32 {
        self.log_ldes().fold(0, |heights, log| heights | 1 << log)
    }

    /// Whether an extension of height `2^log_height` exists.
    pub(crate) fn has_log_lde(self, log_height: usize) -> bool {
        self.log_ldes().any(|log| log == log_height)
    }

    /// Elements of all rows that one query opens in a round.
    pub(crate) fn row_width(self, round: Round) -> usize {
        self.round(round).map(|matrix| matrix.width).sum()
    }

    /// Field elements of all terminals, four for each table; none without lookups.
    pub(crate) fn terminals_len(self) -> usize {
        match self.has_lookups() {
            true => D * self.tables.len(),
            false => 0,
        }
    }

    /// Field elements of all claimed openings.
    pub(crate) fn openings_len(self) -> usize {
        self.opened().map(|m| D * m.width * m.points()).sum()
    }

    /// All committed matrices: round by round, table by table, chunk by chunk.
    pub(crate) fn opened(self) -> impl Iterator<Item = CommittedMatrix<'a>> + Clone + 'a {
        let (mut offsets, mut openings) = ([0; Round::ALL.len()], 0);
        let mut homes = [0; Round::ALL.len()];
        let matrices = Round::ALL.into_iter().flat_map(move |round| {
            self.tables()
                .iter()
                .enumerate()
                .flat_map(move |table| repeat_n((round, table), round.matrices(table.1)))
        });
        matrices.map(move |(round, (table, planned))| {
            let matrix = CommittedMatrix {
                round,
                table,
                planned,
                width: round.width(planned),
                log_lde: self.log_lde(planned),
                next: round.next(planned),
                offset: offsets[round as usize],
                home: homes[round as usize],
                home_width: match round {
                    Round::Permutation => D,
                    _ => round.width(planned),
                },
                openings,
            };
            homes[round as usize] += matrix.home_width << planned.log_height();
            offsets[round as usize] += matrix.width << matrix.log_lde;
            openings += D * matrix.width * matrix.points();
            matrix
        })
    }

    /// The matrices of one round.
    pub(crate) fn round(
        self,
        round: Round,
    ) -> impl Iterator<Item = CommittedMatrix<'a>> + Clone + 'a {
        self.opened().filter(move |matrix| matrix.round == round)
    }

    /// The table of each matrix of a round, of those of `tables`: far fewer words than [`Self::round`] for who walks them
    /// row by row.
    pub(crate) fn tables_of(
        self,
        round: Round,
        tables: Range<usize>,
    ) -> impl Iterator<Item = &'a TablePlan> + Clone + 'a {
        let tables = self.tables.get(tables).unwrap_or_default().iter();
        tables.flat_map(move |table| repeat_n(table, round.matrices(table)))
    }

    /// Whether the batch commits to the round.
    pub(crate) fn has_round(self, round: Round) -> bool {
        self.tables().iter().any(|table| round.matrices(table) > 0)
    }
}
