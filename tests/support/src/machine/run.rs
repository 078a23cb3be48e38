//! Runs in batches: the tables of all batches as one list, as Plonky3 proves and checks them.

use p3_field::PrimeCharacteristicRing;
use p3_matrix::dense::RowMajorMatrix;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::retire::Run;
use tranche_core::{F, TraceMut};
use tranche_machine::batches::{
    BatchSpan, OwnedRun, RunShape, RunTable, RunTables, Walk, WalkStorage, survey_on_heap,
};
use tranche_machine::hash::Hash;
use tranche_machine::{EpochShape, Program};

use super::audit::airs;
use super::oracle::{Io, TracesOf};
use crate::omit::{Omit, Omitting};
use crate::params::PARAMS;
use crate::reference::Batch;

/// All tables of all batches of a run, batch by batch.
pub type RunTraces<'p> = TracesOf<RunTable<'p>>;

/// What is known of a run before it is proved.
#[derive(Clone, Debug)]
pub struct Surveyed<'p> {
    /// Its program.
    pub program: &'p Program<'p>,
    /// What it reads.
    pub input: Vec<u8>,
    /// What it wrote.
    pub output: Vec<u8>,
    /// Heights and number of its batches.
    pub shape: RunShape,
    /// Its spans, memory and exit code.
    pub run: OwnedRun,
}

/// Surveys a run in batches of `body`'s heights.
///
/// # Panics
/// When it cannot be executed.
pub fn survey<'p>(program: &'p Program<'p>, input: &[u8], body: EpochShape) -> Surveyed<'p> {
    let mut io = Io::new(input);
    let run = survey_on_heap(program, &body, &mut io, 1 << 30, 1 << 24).expect("a run");
    let batches = run.spans.len() as u32;
    Surveyed {
        program,
        input: input.to_vec(),
        output: io.output,
        shape: RunShape::of(program, body, batches, &run.memory),
        run,
    }
}

/// The shape of batches of 2^`log2_cycles` cycles.
pub fn body(program: &Program<'_>, log2_cycles: u32) -> EpochShape {
    RunShape::body(log2_cycles, program).expect("a shape")
}

impl Surveyed<'_> {
    /// The tables of the run's batches.
    ///
    /// # Panics
    /// When the run is too long for one proof.
    pub fn tables(&self) -> RunTables<'_> {
        RunTables::new(
            self.program,
            &self.shape,
            PARAMS,
            Hash::Poseidon2,
            self.run.exit_code,
            &self.output,
        )
        .expect("a run that fits into one proof")
    }

    /// Buffers for walks over the run.
    pub fn storage(&self) -> WalkStorage {
        WalkStorage::new(&self.shape.body, self.run.memory.len())
    }

    /// Walks over the run.
    ///
    /// # Panics
    /// When they are refused.
    pub fn walk<'a>(&'a self, tables: &'a RunTables<'a>, storage: &'a mut WalkStorage) -> Walk<'a> {
        let Self { run, input, .. } = self;
        Walk::new(tables, &run.spans, &run.memory, input, storage.buffers()).expect("a walk")
    }
}

/// The traces of a batch.
pub fn fill_batch(walk: &mut Walk<'_>, batch: usize) -> Vec<RowMajorMatrix<F>> {
    let tables = walk.tables();
    let kind = tables.kind(batch);
    let sized = tables.airs(kind).iter().zip(tables.specs(kind));
    let fill = |(t, (air, spec)): (usize, (&RunTable<'_>, _))| {
        let spec: &tranche_core::TableSpec = spec;
        let height = 1 << spec.log_height;
        // Whatever the buffer held before, the filler writes over it.
        let mut values = vec![F::from_u32(0x0bad_f00d); air.main_width() * height];
        walk.fill(batch, t, &mut TraceMut::new(&mut values, height))
            .expect("a trace");
        RowMajorMatrix::new(values, height).transpose()
    };
    sized.enumerate().map(fill).collect()
}

/// One walk over a run: all its traces.
pub fn traces<'a>(walk: &mut Walk<'a>) -> RunTraces<'a> {
    let tables = walk.tables();
    let mut all = RunTraces {
        tables: vec![],
        main: vec![],
        public: vec![],
    };
    for batch in 0..tables.batches() {
        all.tables.extend(tables.airs(tables.kind(batch)));
        all.main.extend(fill_batch(walk, batch));
        let public = tables.public_values(walk.spans(), batch);
        all.public
            .extend(public.iter().map(|values| values.to_vec()));
    }
    all
}

/// The place in the list of a table of a body batch, by name.
pub fn place(traces: &RunTraces<'_>, batch: usize, name: &str) -> usize {
    let cpu = |(at, table): (usize, &RunTable<'_>)| matches!(table, RunTable::Cpu(_)).then_some(at);
    let bodies = traces.tables.iter().enumerate().filter_map(cpu);
    bodies.into_iter().nth(batch).expect("a body") + traces.index(name)
}

/// The spans of the bodies, as the public values have them.
pub fn spans(traces: &RunTraces<'_>) -> Vec<BatchSpan> {
    let of = |(table, values): (&RunTable<'_>, &Vec<F>)| match (table, &values[..]) {
        (RunTable::Cpu(_), &[entry, exit, end, start]) => {
            use p3_field::PrimeField32;
            let words = [entry, exit, start, end].map(|value| value.as_canonical_u32());
            Some(BatchSpan::from_words(words).expect("elements"))
        }
        _ => None,
    };
    traces
        .tables
        .iter()
        .zip(&traces.public)
        .filter_map(of)
        .collect()
}

/// The run as one batch of Plonky3's, with tables of which those of that name lack some checks.
pub fn reference<'p>(
    traces: &RunTraces<'p>,
    lacking: &str,
    omit: &[Omit],
) -> Batch<Omitting<RunTable<'p>>> {
    Batch {
        carved: vec![false; traces.tables.len()],
        airs: airs(traces, lacking, omit),
        traces: traces.main.clone(),
        publics: traces.public.clone(),
        params: PARAMS,
        statement: None,
        suite: Poseidon2::BABY_BEAR,
    }
}
