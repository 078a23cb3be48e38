//! Two provers, one batch, turn by turn.
//!
//! Both run in this process and on this thread, with the same parameters. Timed of Plonky3: its
//! `prove_batch`, from row-major traces to the proof. Timed of the core: the same, and two things that
//! Plonky3 is spared: writing the traces into the workspace and encoding the proof. Each has its
//! preprocessed columns committed before.

use std::mem::MaybeUninit;
use std::time::Instant;

use p3_air::{Air, DebugConstraintBuilder};
use p3_batch_stark::folder::ProverConstraintFolderWithLookups;
use p3_batch_stark::{ProverData, StarkInstance, prove_batch};
use p3_matrix::Matrix;
use p3_matrix::dense::RowMajorMatrix;
use p3_util::log2_strict_usize;
use peakmem_alloc::{INSTRUMENTED_SYSTEM, PeakMemAllocTrait};
use tranche_core::air::ProverAir;
use tranche_core::poseidon2::Poseidon2;
use tranche_core::prover::ProveError;
use tranche_core::verifier::{Carving, Configuration, PlainConfig, VerifierAir};
use tranche_core::{EF, F, Params, Plan, Prover, TableSpec, TraceMut};

use super::BenchError;
use crate::backend::Backend;

/// The parameters of both provers.
const PARAMS: Params = Params::BENCHMARK;

/// Rows that are transposed at a time, so that they stay in the cache.
const BLOCK_ROWS: usize = 64;

/// The steps of the core, as [`Report::phases`] counts them.
pub const PHASES: [&str; 8] =
    ["fill", "commit", "argue", "quotient", "evaluate", "reduce", "fold", "open"];

/// AIRs that Plonky3 can prove.
pub trait Plonky3Air:
    Clone
    + VerifierAir<PlainConfig>
    + for<'a> Air<DebugConstraintBuilder<'a, F, EF>>
    + for<'a> Air<ProverConstraintFolderWithLookups<'a, PlainConfig>>
{
}

impl<A> Plonky3Air for A where
    A: Clone
        + VerifierAir<PlainConfig>
        + for<'a> Air<DebugConstraintBuilder<'a, F, EF>>
        + for<'a> Air<ProverConstraintFolderWithLookups<'a, PlainConfig>>
{
}

/// One batch as both provers take it: AIRs for either, and one trace per table.
#[derive(Clone, Debug)]
pub struct Batch<C, P> {
    /// The AIRs as the core evaluates them.
    pub core_airs: Vec<C>,
    /// The same AIRs as Plonky3 evaluates them.
    pub plonky3_airs: Vec<P>,
    /// One trace per table, rows in natural order.
    pub traces: Vec<RowMajorMatrix<F>>,
}

/// What came of a race.
#[derive(Clone, Debug)]
pub struct Report {
    /// Seconds of the core: the median.
    pub core_seconds: f64,
    /// Seconds of each of [`PHASES`]: their medians.
    pub phases: [f64; PHASES.len()],
    /// Seconds of Plonky3: the median.
    pub plonky3_seconds: f64,
    /// Bytes of the core's workspace.
    pub core_bytes: usize,
    /// The most bytes that Plonky3 held on the heap at once, beyond what it was given.
    pub plonky3_bytes: usize,
    /// Whether both proofs were the same bytes, every time.
    pub bytes_equal: bool,
}

impl Report {
    /// The core's time over Plonky3's.
    pub fn ratio(&self) -> f64 {
        self.core_seconds / self.plonky3_seconds
    }
}

impl<C: ProverAir<Backend>, P: Plonky3Air> Batch<C, P> {
    /// Proves the batch `runs` times with either prover, in turns.
    ///
    /// # Errors
    /// When either prover refuses the batch.
    ///
    /// # Panics
    /// When `runs` is zero, or in debug builds when a trace breaks a constraint.
    pub fn race(&self, runs: usize) -> Result<Report, BenchError> {
        let widths = self.traces.iter().map(Matrix::width).collect();
        let carving = Carving::new(widths, &[]);
        let config =
            <PlainConfig as Configuration>::new(&PARAMS, &Poseidon2::BABY_BEAR, &carving, None);
        let traces: Vec<_> = self.traces.iter().collect();
        let publics = vec![Vec::new(); traces.len()];
        let instances = StarkInstance::new_multiple(&self.plonky3_airs, &traces, &publics);
        let data = ProverData::from_instances(&config, &instances).map_err(BenchError::plonky3)?;

        let plan = Plan::<16>::new::<Backend, C>(&self.core_airs, &self.specs(), PARAMS)?;
        let mut workspace = vec![MaybeUninit::uninit(); plan.workspace_len()];
        let mut prover =
            Prover::new(&plan, &self.core_airs, &Poseidon2::BABY_BEAR, &mut workspace)?;
        self.fill_preprocessed(&mut prover);
        prover.prepare();

        let (mut core_seconds, mut plonky3_seconds) = (Vec::new(), Vec::new());
        let mut phases: [Vec<f64>; PHASES.len()] = Default::default();
        let (mut plonky3_bytes, mut bytes_equal) = (0, true);
        for _ in 0..runs {
            let mut proof = Vec::new();
            let laps = self.prove_with_core(&mut prover, &mut proof)?;
            core_seconds.push(laps.iter().sum());
            phases.iter_mut().zip(laps).for_each(|(phase, lap)| phase.push(lap));

            INSTRUMENTED_SYSTEM.reset_peak_memory();
            let start = Instant::now();
            let reference =
                prove_batch(&config, &instances, &data).map_err(BenchError::plonky3)?;
            plonky3_seconds.push(start.elapsed().as_secs_f64());
            plonky3_bytes = plonky3_bytes.max(INSTRUMENTED_SYSTEM.get_peak_memory());
            let reference = postcard::to_allocvec(&reference).map_err(BenchError::plonky3)?;
            bytes_equal &= proof == reference;
        }
        Ok(Report {
            core_seconds: median(core_seconds),
            phases: phases.map(median),
            plonky3_seconds: median(plonky3_seconds),
            core_bytes: plan.workspace_len(),
            plonky3_bytes,
            bytes_equal,
        })
    }

    fn specs(&self) -> Vec<TableSpec> {
        let tables = self.plonky3_airs.iter().zip(&self.traces);
        let spec = |(air, trace): (&P, &RowMajorMatrix<F>)| TableSpec {
            main_next: !air.main_next_row_columns().is_empty(),
            preprocessed_next: !air.preprocessed_next_row_columns().is_empty(),
            ..TableSpec::new(log2_strict_usize(trace.height()) as u8)
        };
        tables.map(spec).collect()
    }

    fn fill_preprocessed(&self, prover: &mut Prover<'_, Backend, C>) {
        for (table, air) in self.plonky3_airs.iter().enumerate() {
            let matrix = air.preprocessed_trace();
            if let Some((matrix, trace)) = matrix.zip(prover.preprocessed_mut(table)) {
                transpose(&matrix, trace);
            }
        }
    }

    /// Proves once, step by step; the seconds of each of [`PHASES`].
    fn prove_with_core(
        &self,
        prover: &mut Prover<'_, Backend, C>,
        proof: &mut Vec<u8>,
    ) -> Result<[f64; PHASES.len()], ProveError> {
        let publics: Vec<&[F]> = vec![&[]; self.traces.len()];
        let mut last = Instant::now();
        let mut lap = || {
            let now = Instant::now();
            (now - std::mem::replace(&mut last, now)).as_secs_f64()
        };
        let mut traces = prover.begin(None)?;
        for (table, matrix) in self.traces.iter().enumerate() {
            transpose(matrix, traces.trace_mut(table));
        }
        let fill = lap();
        let committed = traces.commit(&publics)?;
        let commit = lap();
        let argued = committed.argue();
        let argue = lap();
        let quotients = argued.quotient();
        let quotient = lap();
        let evaluated = quotients.evaluate(proof).map_err(ProveError::Sink)?;
        let evaluate = lap();
        let reduced = evaluated.reduce();
        let reduce = lap();
        let folded = reduced.fold();
        let fold = lap();
        folded.open().map_err(ProveError::Sink)?;
        Ok([fill, commit, argue, quotient, evaluate, reduce, fold, lap()])
    }
}

/// Writes a row-major matrix into a column-major trace.
fn transpose(matrix: &RowMajorMatrix<F>, mut trace: TraceMut<'_>) {
    let width = matrix.width();
    for (block, rows) in matrix.values.chunks(BLOCK_ROWS * width).enumerate() {
        for column in 0..width {
            let slots = &mut trace.column_mut(column)[block * BLOCK_ROWS..];
            for (slot, row) in slots.iter_mut().zip(rows.chunks_exact(width)) {
                *slot = row[column];
            }
        }
    }
}

/// The median: of an even number, the mean of the middle two.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) {
        (values[middle - 1] + values[middle]) / 2.0
    } else {
        values[middle]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_is_the_middle_value() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]), 2.5);
    }

    #[test]
    fn transposing_keeps_every_element() {
        let (height, width) = (2 * BLOCK_ROWS + 3, 5);
        let values: Vec<F> = (0..height * width).map(p3_field::PrimeCharacteristicRing::from_usize).collect();
        let matrix = RowMajorMatrix::new(values, width);
        let mut columns = vec![F::default(); height * width];
        transpose(&matrix, TraceMut::new(&mut columns, height));
        for (i, &value) in matrix.values.iter().enumerate() {
            assert_eq!(columns[i % width * height + i / width], value);
        }
    }
}
