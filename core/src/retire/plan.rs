//! Everything about a run that is fixed before its values are known.

use heapless::Vec;
use p3_field::PrimeField32;

use super::buses::{KindBuses, Names};
use super::error::RunPlanError;
use super::store::{Keep, Layout, MAX_KINDS, Order, Slot};
use crate::air::{Buses, ProverAir};
use crate::backend::Backend;
use crate::hash::Suite;
use crate::hash::poseidon2::Poseidon2;
use crate::hash::rebuild::Pass;
use crate::kernels::ntt::Twiddles;
use crate::lowdegree::FoldShape;
use crate::plan::{Plan, fold_hashes, multiplicities};
use crate::prover::check_setup;
use crate::security::{Bits, SecurityShape};
use crate::shape::{Arities, BatchShape, Params, Round, fold_schedule};
use crate::workspace::ALIGN_ELEMENTS;
use crate::{F, workspace};

/// Batches in a run, at most: the numbers of their buses stay far below the field's order.
pub const MAX_BATCHES: usize = 1 << 24;

/// Batches of a run with the same tables.
#[derive(Debug)]
pub struct BatchKind<'a, A, const N: usize, S: Suite = Poseidon2> {
    /// The plan of each of them.
    pub plan: &'a Plan<N, S>,
    /// The AIR of each table.
    pub airs: &'a [A],
}

/// The shape of a run: its batches, and how long workspace and store are.
///
/// It borrows what grows with the number of batches, so that no number of them is fixed here.
#[derive(Debug)]
pub struct RunPlan<'a, A, const N: usize, S: Suite = Poseidon2> {
    order: Order,
    keep: Keep,
    kinds: &'a [BatchKind<'a, A, N, S>],
    sequence: &'a [u8],
    buses: Vec<KindBuses, MAX_KINDS>,
    message_width: usize,
    heights: u32,
    log_arities: Arities,
    /// The kind with the tallest table.
    tallest: usize,
}

impl<'a, A, const N: usize, S: Suite> RunPlan<'a, A, N, S> {
    /// Plans a run of batches of the `kinds`: batch `b` is of kind `sequence[b]`.
    ///
    /// # Errors
    /// What [`RunPlanError`] names.
    pub fn new<B: Backend>(
        order: Order,
        kinds: &'a [BatchKind<'a, A, N, S>],
        sequence: &'a [u8],
    ) -> Result<Self, RunPlanError>
    where
        A: ProverAir<B>,
    {
        Self::keeping(order, Keep::default(), kinds, sequence)
    }

    /// The same with a choice of what is kept between walks.
    ///
    /// # Errors
    /// As [`RunPlan::new`].
    pub fn keeping<B: Backend>(
        order: Order,
        keep: Keep,
        kinds: &'a [BatchKind<'a, A, N, S>],
        sequence: &'a [u8],
    ) -> Result<Self, RunPlanError>
    where
        A: ProverAir<B>,
    {
        let first = match kinds {
            [first, ..] if kinds.len() <= MAX_KINDS => first,
            _ => return Err(RunPlanError::Kinds { got: kinds.len() }),
        };
        if sequence.is_empty() || sequence.len() > MAX_BATCHES {
            let got = sequence.len();
            return Err(RunPlanError::Batches { got });
        }
        let (mut names, mut places) = (Names::default(), Vec::new());
        let (mut message_width, mut tallest) = (1, 0);
        for (kind, BatchKind { plan, airs }) in kinds.iter().enumerate() {
            if plan.params() != first.plan.params() || plan.profile() != first.plan.profile() {
                return Err(RunPlanError::OtherParams { kind });
            }
            if plan.is_carved() {
                return Err(RunPlanError::Carved { kind });
            }
            let mut buses = Buses::default();
            check_setup::<B, A>(plan.shape(), airs, &mut buses)
                .map_err(|error| RunPlanError::Setup { kind, error })?;
            let places_of = KindBuses::new(kind, &buses, &mut names)?;
            places.push(places_of).expect("one for each kind");
            message_width = message_width.max(buses.message_width());
            if plan.log_max_lde() > kinds[tallest].plan.log_max_lde() {
                tallest = kind;
            }
        }
        let (mut sum, mut heights) = (0_u64, 0);
        for (batch, &kind) in sequence.iter().enumerate() {
            let kind = usize::from(kind);
            let Some(BatchKind { plan, .. }) = kinds.get(kind) else {
                return Err(RunPlanError::NoKind { batch, kind });
            };
            sum = sum.saturating_add(multiplicities(plan.tables()));
            heights |= plan.shape().heights();
        }
        if sum >= u64::from(F::ORDER_U32) {
            return Err(RunPlanError::MultiplicityBound { sum });
        }
        let plan = Self {
            order,
            keep,
            kinds,
            sequence,
            buses: places,
            message_width,
            heights,
            log_arities: fold_schedule(heights, first.plan.params()),
            tallest,
        };
        if order == Order::Shared {
            plan.check_groups()?;
        }
        if plan.layout().is_none() {
            return Err(RunPlanError::TooLarge);
        }
        Ok(plan)
    }

    /// Its order of challenges.
    pub const fn order(&self) -> Order {
        self.order
    }

    /// What it keeps between walks.
    pub const fn keep(&self) -> Keep {
        self.keep
    }

    /// Number of batches.
    pub const fn batches(&self) -> usize {
        self.sequence.len()
    }

    /// The kind of a batch.
    ///
    /// # Panics
    /// When there is no such batch.
    pub fn kind(&self, batch: usize) -> usize {
        self.sequence[batch].into()
    }

    /// The parameters of every batch.
    pub fn params(&self) -> &'a Params {
        self.tallest().params()
    }

    /// The proven bits of a run's proof, term by term, in its order of challenges.
    pub fn bits(&self) -> Bits {
        self.bits_with(self.params())
    }

    /// The same at other parameters, whose heights and blowup are the same.
    pub fn bits_with(&self, params: &Params) -> Bits {
        let shapes = self.kinds.iter().map(|kind| kind.plan.security_shape());
        let largest = shapes.fold(SecurityShape::of(S::COLLISION_BITS), |largest, shape| {
            largest.or(&shape)
        });
        let mut run = SecurityShape::of(S::COLLISION_BITS);
        for (kind, BatchKind { plan, .. }) in self.kinds.iter().enumerate() {
            let batches = self.sequence.iter().filter(|&&k| usize::from(k) == kind);
            run = run.with_batches(&plan.security_shape(), batches.count() as u32);
        }
        match self.order {
            Order::Shared => Bits::unique(&run, params),
            Order::Forked => Bits::forked(&largest, &run, self.batches(), params),
        }
    }

    /// Hashes of the trees that a verifier of the run's proof is expected to compute.
    pub fn expected_hashes(&self) -> f64 {
        let inputs = self.shapes().map(BatchShape::expected_input_hashes::<S>);
        let folds = self.folds();
        let folds = fold_hashes::<S>(self.params(), folds.log_max(), folds.log_arities);
        inputs.sum::<f64>() + folds
    }

    /// Bytes of workspace that a run needs: exactly, and whatever the buffer's alignment.
    pub fn workspace_len(&self) -> usize {
        workspace::bytes_for(self.workspace_elements())
    }

    /// Bytes of the store that a run needs: exactly, and whatever the buffer's alignment.
    pub fn store_len(&self) -> usize {
        workspace::bytes_for(self.store_elements())
    }

    /// Bytes of what is kept of one batch, of any kind.
    pub fn slot_len(&self) -> usize {
        workspace::bytes_for(self.slot_elements())
    }

    /// Bytes of the store in which batches that were made apart are joined.
    pub fn join_store_len(&self) -> usize {
        workspace::bytes_for(self.join_store_elements())
    }

    /// Bytes of the workspace in which they are joined.
    pub fn join_workspace_len(&self) -> usize {
        workspace::bytes_for(self.fold_elements())
    }

    /// The kinds.
    pub(super) const fn kinds(&self) -> &'a [BatchKind<'a, A, N, S>] {
        self.kinds
    }

    /// The kind of each batch.
    pub(super) const fn sequence(&self) -> &'a [u8] {
        self.sequence
    }

    /// The shape of a batch.
    pub(super) fn shape(&self, batch: usize) -> BatchShape<'a> {
        self.kinds[self.kind(batch)].plan.shape()
    }

    /// The buses of a kind.
    pub(super) fn buses(&self, kind: usize) -> &KindBuses {
        &self.buses[kind]
    }

    /// Elements of the widest message of the run.
    pub(super) const fn message_width(&self) -> usize {
        self.message_width
    }

    /// Whether some table of the run has lookups.
    pub(super) fn has_lookups(&self) -> bool {
        (0..self.batches()).any(|batch| self.shape(batch).has_lookups())
    }

    /// The shape of the kind with the tallest table.
    fn tallest(&self) -> BatchShape<'a> {
        self.kinds[self.tallest].plan.shape()
    }

    /// The shape of the run's low-degree test.
    pub(super) fn folds(&self) -> FoldShape<'_> {
        FoldShape {
            heights: self.heights,
            log_arities: &self.log_arities,
            ..self.tallest().folds()
        }
    }

    /// log2 of twice the roots of unity that the low-degree test needs.
    pub(super) fn log_twiddles(&self) -> usize {
        self.tallest().log_twiddles()
    }

    /// Field elements of those roots of unity.
    pub(super) fn twiddles_len(&self) -> usize {
        Twiddles::len(self.log_twiddles(), self.tallest().lane_table_len())
    }

    /// How the low-degree test rebuilds siblings that it has not kept.
    pub(super) fn fold_pass(&self) -> Pass {
        self.tallest().pass(1)
    }

    /// Field elements of scratch that the low-degree test takes.
    pub(super) fn fold_scratch_len(&self) -> usize {
        let folds = self.folds();
        let open = folds.open_scratch_len(&self.fold_pass());
        folds.commit_scratch_len().max(open)
    }

    /// Field elements of the workspace: of the largest batch, or of the low-degree test.
    pub(super) fn workspace_elements(&self) -> usize {
        let batches = self.kinds.iter().map(|kind| kind.plan.regions().len());
        batches.fold(self.fold_elements(), usize::max)
    }

    /// Field elements of the low-degree test's roots of unity and scratch.
    pub(super) fn fold_elements(&self) -> usize {
        self.twiddles_len().next_multiple_of(ALIGN_ELEMENTS) + self.fold_scratch_len()
    }

    /// Field elements of what is kept of one batch, of any kind.
    pub(super) fn slot_elements(&self) -> usize {
        let layout = self.layout().expect("planned");
        let lens = layout.of_kind.iter().map(|slot| slot.len);
        lens.fold(0, usize::max)
    }

    /// Where the low-degree test lies when nothing else is kept.
    pub(super) fn join_layout(&self) -> Layout {
        let alone = Layout::new(Vec::new(), &[], self.folds());
        alone.expect("planned, and shorter than the store")
    }

    /// Field elements of that, and of the codewords of one batch.
    pub(super) fn join_store_elements(&self) -> usize {
        let shapes = self.kinds.iter().map(|kind| kind.plan.shape());
        let codewords = shapes.map(|shape| shape.folds().codewords_len());
        self.join_layout().len() + codewords.fold(0, usize::max)
    }

    /// Field elements of the store.
    pub(super) fn store_elements(&self) -> usize {
        self.layout().map_or(usize::MAX, |layout| layout.len())
    }

    /// Where everything lies in the store; none when there are no addresses for it.
    pub(super) fn layout(&self) -> Option<Layout> {
        let slot =
            |kind: &BatchKind<'a, A, N, S>| Slot::new(self.order, self.keep, kind.plan.shape());
        let of_kind = self.kinds.iter().map(slot).collect::<Option<_>>()?;
        Layout::new(of_kind, self.sequence, self.folds())
    }

    /// The shape of each batch.
    fn shapes(&self) -> impl Iterator<Item = BatchShape<'a>> + Clone + '_ {
        (0..self.batches()).map(|batch| self.shape(batch))
    }

    /// The preprocessed round is one group, so one batch has it; and a verifier knows the cut of a round by its
    /// list of widths, so two rounds with one list must have one cut.
    fn check_groups(&self) -> Result<(), RunPlanError> {
        let mut preprocessed = self
            .shapes()
            .enumerate()
            .filter(|(_, s)| s.has_preprocessed());
        if let Some((batch, _)) = preprocessed.nth(1) {
            return Err(RunPlanError::Preprocessed { batch });
        }
        let widths = |round| {
            self.shapes()
                .flat_map(move |shape| shape.round(round).map(|matrix| matrix.width))
        };
        let cut = |round| {
            self.shapes()
                .map(move |shape| shape.round(round).count())
                .filter(move |&matrices| matrices > 0)
        };
        for (i, one) in Round::ALL.into_iter().enumerate() {
            for other in Round::ALL.into_iter().skip(i + 1) {
                if widths(one).eq(widths(other)) && !cut(one).eq(cut(other)) {
                    return Err(RunPlanError::Ambiguous);
                }
            }
        }
        Ok(())
    }
}
