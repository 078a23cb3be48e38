//! Where everything lies in the workspace.
//!
//! A region lives through a range of phases. Regions are placed one after another, each at the
//! lowest aligned offset where it overlaps no region that lives at the same time, so what a later
//! phase needs takes the place of what an earlier one has dropped.

use core::ops::Range;

use crate::F;
use crate::shape::Round;
use crate::workspace::ALIGN_ELEMENTS;

/// The phases of a proof, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Phase {
    /// Main traces are extended and committed.
    Commit,
    /// Permutation traces are generated, extended and committed.
    Argue,
    /// Quotients are computed and committed.
    Quotient,
    /// Everything is evaluated at the out-of-domain point.
    Evaluate,
    /// Openings are batched into one codeword per height.
    Reduce,
    /// The codewords are folded.
    Fold,
    /// The queries are answered.
    Open,
}

impl Phase {
    /// Logs that the phase begins, on devices that log.
    pub(crate) fn log(self) {
        #[cfg(feature = "defmt")]
        defmt::debug!("tranche: {}", self);
    }
}

/// Names a region of the workspace.
///
/// `Fast` keeps extensions, `Compact` what they are made from; the regions of the other profile are
/// empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)]
pub enum RegionName {
    /// Roots of unity.
    Twiddles,
    /// Preprocessed traces, bit-reversed.
    PreprocessedTrace,
    /// Their extensions (`Fast`).
    Preprocessed,
    /// Their Merkle trees.
    PreprocessedDigests,
    /// Main traces: natural order for the caller, bit-reversed afterwards.
    Trace,
    /// Public values, table by table.
    PublicValues,
    /// Extensions of the main traces (`Fast`).
    Main,
    /// Their Merkle trees, one per group.
    MainDigests,
    /// Layers of a tree; in `Compact`, those of one block's.
    CommitScratch,
    /// Extensions of the permutation traces (`Fast`).
    Permutation,
    /// Accumulators of the permutation traces, bit-reversed (`Compact`).
    Accumulators,
    /// The Merkle tree of the permutation traces.
    PermutationDigests,
    /// Row buffers, fractions and inverses of the argue phase; in `Compact`, permutation columns and
    /// sponge states too.
    ArgueScratch,
    /// Quotient chunks: their extensions, or in `Compact` their values on the trace domain.
    Quotient,
    /// Their Merkle tree.
    QuotientDigests,
    /// Row buffers, selectors, fractions and challenge powers of the quotient phase; in `Compact`,
    /// permutation columns, or layers of one block's tree, too.
    QuotientScratch,
    /// One reduced codeword per height, in `Compact` its coefficients; then what the fold to that height leaves.
    Codewords,
    /// Codewords folded to heights at which none comes in; in `Compact`, their coefficients.
    Folded,
    /// Their Merkle trees.
    FoldedDigests,
    /// The terminal of every table, four elements each.
    Terminals,
    /// Claimed openings.
    Openings,
    /// Barycentric weights; in `Compact`, rows of permutation columns too.
    EvaluateScratch,
    /// Denominators and challenge powers of the reduce phase; in `Compact`, combined columns and rows
    /// of permutation columns.
    ReduceScratch,
    /// Layers of a codeword's tree, in `Compact` behind the codeword; or what a fold leaves.
    FoldScratch,
    /// CommittedMatrix rows, siblings, permutation columns and sponge states (`Compact`).
    OpenScratch,
}

impl RegionName {
    /// All names, in declaration order.
    pub const ALL: [Self; 25] = [
        Self::Twiddles,
        Self::PreprocessedTrace,
        Self::Preprocessed,
        Self::PreprocessedDigests,
        Self::Trace,
        Self::PublicValues,
        Self::Main,
        Self::MainDigests,
        Self::CommitScratch,
        Self::Permutation,
        Self::Accumulators,
        Self::PermutationDigests,
        Self::ArgueScratch,
        Self::Quotient,
        Self::QuotientDigests,
        Self::QuotientScratch,
        Self::Codewords,
        Self::Folded,
        Self::FoldedDigests,
        Self::Terminals,
        Self::Openings,
        Self::EvaluateScratch,
        Self::ReduceScratch,
        Self::FoldScratch,
        Self::OpenScratch,
    ];
}

const _: () = assert!(RegionName::ALL.len() == RegionName::OpenScratch as usize + 1);

/// A region: `len` field elements at `offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Region {
    /// What it holds.
    pub name: RegionName,
    /// First field element.
    pub offset: usize,
    /// Field elements.
    pub len: usize,
    /// First phase that needs it.
    pub first: Phase,
    /// Last phase that needs it.
    pub last: Phase,
}

impl Region {
    /// Its range of field elements.
    pub const fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.len
    }
}

impl core::fmt::Display for Region {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (offset, bytes) = (self.offset * size_of::<F>(), self.len * size_of::<F>());
        write!(
            f,
            "{offset:>12} {bytes:>12}  {:?}, {:?}",
            self.name, self.first
        )?;
        if self.last > self.first {
            write!(f, " to {:?}", self.last)
        } else {
            Ok(())
        }
    }
}

/// The regions of a plan.
#[derive(Clone, Debug)]
pub struct Regions {
    placed: [Region; RegionName::ALL.len()],
    end: usize,
}

impl Default for Regions {
    /// Every region, empty.
    fn default() -> Self {
        let placed = RegionName::ALL.map(|name| Region {
            name,
            offset: 0,
            len: 0,
            first: Phase::Commit,
            last: Phase::Open,
        });
        Self { placed, end: 0 }
    }
}

impl Regions {
    /// Places a region above what lives at the same time, or in a gap between.
    pub(super) fn place(&mut self, name: RegionName, len: usize, first: Phase, last: Phase) {
        let alive = |r: &&Region| r.len > 0 && r.first <= last && first <= r.last;
        let mut offset = 0;
        // The lowest offset is 0 or the end of a region that is alive.
        while let Some(blocker) = self
            .placed
            .iter()
            .filter(alive)
            .find(|r| offset < r.offset + r.len && r.offset < offset + len)
        {
            offset = (blocker.offset + blocker.len).next_multiple_of(ALIGN_ELEMENTS);
        }
        self.end = self.end.max(offset + len);
        self.placed[name as usize] = Region {
            name,
            offset,
            len,
            first,
            last,
        };
    }

    /// The region `name`.
    pub fn get(&self, name: RegionName) -> Region {
        self.placed[name as usize]
    }

    /// All regions, in declaration order.
    pub fn iter(&self) -> impl Iterator<Item = &Region> {
        self.placed.iter()
    }

    /// Field elements of the workspace.
    pub const fn len(&self) -> usize {
        self.end
    }

    /// Whether every region is empty.
    pub const fn is_empty(&self) -> bool {
        self.end == 0
    }
}

impl Round {
    /// The region of the round's extensions.
    pub const fn region(self) -> RegionName {
        match self {
            Self::Main => RegionName::Main,
            Self::Quotient => RegionName::Quotient,
            Self::Preprocessed => RegionName::Preprocessed,
            Self::Permutation => RegionName::Permutation,
        }
    }

    /// The region of what `Compact` keeps of the round's matrices.
    pub const fn home(self) -> RegionName {
        match self {
            Self::Main => RegionName::Trace,
            Self::Quotient => RegionName::Quotient,
            Self::Preprocessed => RegionName::PreprocessedTrace,
            Self::Permutation => RegionName::Accumulators,
        }
    }

    /// The region of what committing to the round takes besides.
    pub const fn scratch(self) -> RegionName {
        match self {
            Self::Main | Self::Preprocessed => RegionName::CommitScratch,
            Self::Quotient => RegionName::QuotientScratch,
            Self::Permutation => RegionName::ArgueScratch,
        }
    }

    /// The region of the round's digests.
    pub const fn digests(self) -> RegionName {
        match self {
            Self::Main => RegionName::MainDigests,
            Self::Quotient => RegionName::QuotientDigests,
            Self::Preprocessed => RegionName::PreprocessedDigests,
            Self::Permutation => RegionName::PermutationDigests,
        }
    }
}

/// A heading and a line per region: first byte and bytes (from the workspace's first aligned byte
/// on), name, phases.
impl core::fmt::Display for Regions {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:>12} {:>12}  region, phases", "offset", "bytes")?;
        self.iter().try_for_each(|region| write!(f, "\n{region}"))
    }
}
