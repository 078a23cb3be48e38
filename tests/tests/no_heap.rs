//! From the plan to the last proof byte, nothing allocates.
//!
//! Everything between the two runs under an allocator that aborts the process when it is asked for
//! memory or given it back. The proofs are compared with those that Plonky3 makes of the same tables,
//! whose local and exclusive messages are vectors there and arrays here.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::process::Command;

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use p3_air::{Air, AirBuilder, BaseAir, WindowAccess};
use p3_field::PrimeCharacteristicRing;
use p3_lookup::{Count, InteractionBuilder};
use p3_matrix::dense::RowMajorMatrix;
use tranche_core::air::{ArrayInteractions, ProverAir};
use tranche_core::hash::blake3::Blake3;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::retire::{Alone, BatchKind, Keep, Order, Retire, Run, RunPlan, Worker};
use tranche_core::shape::Profile;
use tranche_core::{
    DefaultBackend, F, Hashes, Plan, Prover, ScalarBackend, Statement, Suite, TraceMut,
};
use tranche_test_support::core::{PROFILES, buffer};
use tranche_test_support::reference::{Batch, ReferenceSuite};
use tranche_test_support::retire::naive;
use tranche_test_support::shapes::sweep;

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

/// How a table declares local and exclusive messages.
trait Push<AB: InteractionBuilder> {
    fn local<const N: usize, const W: usize>(
        builder: &mut AB,
        tuples: [([AB::Expr; W], Count<AB::Expr>); N],
    );
    fn exclusive<const N: usize, const W: usize>(
        builder: &mut AB,
        bus: &str,
        branches: [(AB::Expr, Count<AB::Expr>, [AB::Expr; W]); N],
    );
}

/// As arrays: the core's own trait.
#[derive(Clone)]
struct Arrays;

impl<AB: ArrayInteractions> Push<AB> for Arrays {
    fn local<const N: usize, const W: usize>(
        builder: &mut AB,
        tuples: [([AB::Expr; W], Count<AB::Expr>); N],
    ) {
        builder.push_local_array(tuples);
    }

    fn exclusive<const N: usize, const W: usize>(
        builder: &mut AB,
        bus: &str,
        branches: [(AB::Expr, Count<AB::Expr>, [AB::Expr; W]); N],
    ) {
        builder.push_exclusive_array(bus, branches);
    }
}

/// As vectors: Plonky3's trait.
#[derive(Clone)]
struct Vectors;

impl<AB: InteractionBuilder> Push<AB> for Vectors {
    fn local<const N: usize, const W: usize>(
        builder: &mut AB,
        tuples: [([AB::Expr; W], Count<AB::Expr>); N],
    ) {
        builder.push_local_interaction(tuples.map(|(fields, count)| (fields.to_vec(), count)));
    }

    fn exclusive<const N: usize, const W: usize>(
        builder: &mut AB,
        bus: &str,
        branches: [(AB::Expr, Count<AB::Expr>, [AB::Expr; W]); N],
    ) {
        let branches = branches.map(|(flag, count, fields)| (flag, count, fields.to_vec()));
        builder.push_exclusive_interaction(bus, branches);
    }
}

/// Two tables about squares: one asks, in every way there is, the other answers.
#[derive(Clone)]
enum Kind {
    Ask,
    Answer,
}

#[derive(Clone)]
struct Squares<P> {
    kind: Kind,
    push: PhantomData<P>,
}

const LOG_ASKED: usize = 5;
const LOG_SQUARES: usize = 4;

/// Main columns of the asking table.
const X: usize = 0;
const Y: usize = 1;
/// Whether the pair is asked for on its own.
const GATE: usize = 2;
/// Whether it is asked for once, or twice, in the exclusive interaction.
const ONCE: usize = 3;
const TWICE: usize = 4;
/// The sum of x over the rows so far, this one included.
const SUM: usize = 5;
/// A permutation of x inside the table, by a local interaction.
const ENTRY: usize = 6;
const COUNT: usize = 7;
/// The preprocessed column of the next row, x added.
const NEXT: usize = 8;
const ASK_WIDTH: usize = 9;

impl<P: Sync> BaseAir<F> for Squares<P> {
    fn width(&self) -> usize {
        match self.kind {
            Kind::Ask => ASK_WIDTH,
            Kind::Answer => 1,
        }
    }

    fn preprocessed_width(&self) -> usize {
        match self.kind {
            Kind::Ask => 1,
            Kind::Answer => 2,
        }
    }

    fn preprocessed_trace(&self) -> Option<RowMajorMatrix<F>> {
        let values = match self.kind {
            Kind::Ask => (0..1 << LOG_ASKED).map(fixed).collect(),
            Kind::Answer => (0..1 << LOG_SQUARES)
                .flat_map(|x| [F::from_usize(x), F::from_usize(x * x)])
                .collect(),
        };
        Some(RowMajorMatrix::new(
            values,
            BaseAir::<F>::preprocessed_width(self),
        ))
    }

    fn num_public_values(&self) -> usize {
        match self.kind {
            Kind::Ask => 1,
            Kind::Answer => 0,
        }
    }

    fn main_next_row_columns(&self) -> Vec<usize> {
        match self.kind {
            Kind::Ask => vec![SUM],
            Kind::Answer => Vec::new(),
        }
    }

    fn preprocessed_next_row_columns(&self) -> Vec<usize> {
        match self.kind {
            Kind::Ask => vec![0],
            Kind::Answer => Vec::new(),
        }
    }
}

impl<P: Push<AB> + Sync, AB: InteractionBuilder<F = F>> Air<AB> for Squares<P> {
    fn eval(&self, builder: &mut AB) {
        let (main, fixed) = (builder.main(), builder.preprocessed().clone());
        let at = |column: usize| -> AB::Expr { main.current_slice()[column].into() };
        let fixed_at = |column: usize| -> AB::Expr { fixed.current_slice()[column].into() };
        match self.kind {
            Kind::Ask => {
                let (x, sum) = (at(X), at(SUM));
                builder.assert_eq(at(Y), x.square());
                builder.assert_bools([at(GATE), at(ONCE), at(TWICE), at(ONCE) + at(TWICE)]);
                let total: AB::Expr = builder.public_values()[0].into();
                builder.when_first_row().assert_eq(sum.clone(), x.clone());
                builder.when_last_row().assert_eq(sum.clone(), total);
                let (x_next, sum_next) = (main.next_slice()[X], main.next_slice()[SUM]);
                builder.when_transition().assert_eq(sum_next, sum + x_next);
                let successor: AB::Expr = fixed.next_slice()[0].into();
                builder
                    .when_transition()
                    .assert_eq(at(NEXT), successor + x.clone());
                builder.push_interaction(
                    "squares",
                    [x.clone(), at(Y)],
                    Count::bounded(at(GATE), 1),
                );
                builder.push_interaction("squares", [at(ENTRY), at(ENTRY).square()], 1);
                P::exclusive(
                    builder,
                    "squares",
                    [
                        (at(ONCE), 1.into(), [x.clone(), at(Y)]),
                        (at(TWICE), 2.into(), [x.clone(), at(Y)]),
                    ],
                );
                P::local(
                    builder,
                    [([x], 1.into()), ([at(ENTRY)], -Count::provided(at(COUNT)))],
                );
            }
            Kind::Answer => {
                let message = [fixed_at(0), fixed_at(1)];
                builder.push_interaction("squares", message, -Count::provided(at(0)));
            }
        }
    }
}

/// The asking table's preprocessed column.
fn fixed(row: usize) -> F {
    F::from_usize(5 * row + 1)
}

/// The two tables with traces that fit.
fn batch<P: Clone + Sync>() -> Batch<Squares<P>> {
    let (asked, squares) = (1 << LOG_ASKED, 1 << LOG_SQUARES);
    let x = |row: usize| row * 7 % squares;
    let mut counts = vec![0; squares];
    let mut sum = 0;
    let mut ask = Vec::new();
    for row in 0..asked {
        let (x, choice, entry) = (x(row), row % 3, row % squares);
        let gate = usize::from(row % 4 == 1);
        sum += x;
        counts[x] += gate + choice;
        counts[entry] += 1;
        let (once, twice) = (usize::from(choice == 1), usize::from(choice == 2));
        let values = [x, x * x, gate, once, twice, sum, entry, 1];
        ask.extend(values.map(F::from_usize));
        ask.push(fixed((row + 1) % asked) + F::from_usize(x));
    }
    let table = |kind| Squares {
        kind,
        push: PhantomData,
    };
    Batch {
        airs: vec![table(Kind::Ask), table(Kind::Answer)],
        traces: vec![
            RowMajorMatrix::new(ask, ASK_WIDTH),
            RowMajorMatrix::new(counts.into_iter().map(F::from_usize).collect(), 1),
        ],
        publics: vec![vec![F::from_usize(sum)], vec![]],
        carved: vec![false, false],
        params: sweep()[0],
        statement: None,
        suite: Poseidon2::BABY_BEAR,
    }
}

fn fill(matrix: &RowMajorMatrix<F>, mut trace: TraceMut<'_>) {
    for (row, values) in matrix.values.chunks_exact(matrix.width).enumerate() {
        trace.set_row(row, values);
    }
}

/// Commits the preprocessed traces, of which every table has one.
fn prepare<B: Hashes<S>, A: ProverAir<B>, S: Suite>(
    prover: &mut Prover<'_, B, A, S>,
    fixed: &[RowMajorMatrix<F>],
) {
    for (table, matrix) in fixed.iter().enumerate() {
        let trace = prover
            .preprocessed_mut(table)
            .expect("preprocessed columns");
        fill(matrix, trace);
    }
    prover.prepare();
}

/// Plans, prepares, checks and proves twice, step by step, without the heap.
fn prove<B: Hashes<S>, S: ReferenceSuite>(
    batch: &Batch<Squares<Vectors>, S>,
    profile: Profile,
    proof: &mut [u8],
) -> usize
where
    Squares<Arrays>: ProverAir<B>,
{
    let airs = self::batch::<Arrays>().airs;
    let fixed: Vec<_> = airs
        .iter()
        .map(|air| air.preprocessed_trace().expect("one"))
        .collect();
    let specs = batch.specs();
    let publics: Vec<&[F]> = batch.publics.iter().map(Vec::as_slice).collect();
    let plan =
        || Plan::<2, S>::of_suite::<B, _>(&airs, &specs, batch.params, profile).expect("a plan");
    let mut workspace = buffer(plan().workspace_len());
    let mut written = 0;
    assert_no_alloc(|| {
        let plan = plan();
        let mut prover = Prover::<B, _, S>::new(&plan, &airs, &batch.suite, &mut workspace[..])
            .expect("a workspace of the plan's length");
        prepare(&mut prover, &fixed);
        for _ in 0..2 {
            let mut traces = prover.begin(batch.statement.as_ref()).expect("prepared");
            for (table, matrix) in batch.traces.iter().enumerate() {
                fill(matrix, traces.trace_mut(table));
            }
            let mut scratch = [F::ZERO; 2 * (ASK_WIDTH + 1)];
            traces
                .check_constraints(&publics, &mut scratch)
                .expect("traces that fit");
            let argued = traces
                .commit(&publics)
                .expect("public values that fit")
                .argue();
            let quotients = argued.quotient();
            let evaluated = quotients.evaluate(&mut *proof).expect("room for the proof");
            written = evaluated
                .reduce()
                .fold()
                .open()
                .expect("room for the proof");
        }
    });
    written as usize
}

#[test]
fn every_phase_without_a_heap() {
    for params in sweep() {
        for carved in [[false, false], [true, false], [true, true]] {
            let mut batch = batch::<Vectors>();
            batch.params = params;
            batch.carved = carved.to_vec();
            batch.statement = Some(Statement {
                tag: core::array::from_fn(|i| i as u8),
                digest: core::array::from_fn(|i| 0xff - i as u8),
            });
            every_phase(&batch);
            every_phase(&batch.with_suite(Blake3));
        }
    }
}

/// Compares with Plonky3's bytes what is proved without the heap.
fn every_phase<S: ReferenceSuite>(batch: &Batch<Squares<Vectors>, S>)
where
    ScalarBackend: Hashes<S>,
    DefaultBackend: Hashes<S>,
{
    let expected = batch.prove();
    let mut proof = vec![0; expected.len()];
    for prove in [prove::<ScalarBackend, S>, prove::<DefaultBackend, S>] {
        for profile in PROFILES {
            proof.fill(0);
            let written = prove(batch, profile, &mut proof);
            assert_eq!(written, expected.len());
            let (params, carved) = (&batch.params, &batch.carved);
            assert!(
                proof == expected,
                "{} {profile:?} {params:?} {carved:?}",
                S::NAME
            );
        }
    }
}

#[test]
fn prove_batch_without_a_heap() {
    let batch = batch::<Arrays>();
    let fixed: Vec<_> = batch
        .airs
        .iter()
        .map(|air| air.preprocessed_trace().expect("one"))
        .collect();
    let specs: Vec<_> = self::batch::<Vectors>().specs();
    let expected = self::batch::<Vectors>().prove();
    let publics: Vec<&[F]> = batch.publics.iter().map(Vec::as_slice).collect();
    let plan =
        Plan::<2>::new::<DefaultBackend, _>(&batch.airs, &specs, batch.params).expect("a plan");
    let mut workspace = buffer(plan.workspace_len());
    let mut proof = vec![0; expected.len()];
    assert_no_alloc(|| {
        let mut prover =
            Prover::<DefaultBackend, _>::new(&plan, &batch.airs, &batch.suite, &mut workspace[..])
                .expect("a workspace of the plan's length");
        prepare(&mut prover, &fixed);
        let traces = &batch.traces;
        prover
            .prove_batch(
                None,
                &publics,
                |t, trace| fill(&traces[t], trace),
                &mut proof[..],
            )
            .expect("room for the proof");
    });
    assert!(proof == expected);
}

/// Some tables a batch.
struct Values<'v> {
    /// Tables of a batch.
    tables: usize,
    fixed: &'v [RowMajorMatrix<F>],
    traces: &'v [RowMajorMatrix<F>],
    publics: &'v [&'v [F]],
}

impl Run for Values<'_> {
    type Error = Infallible;

    fn fill_preprocessed(&self, kind: usize, table: usize, trace: &mut TraceMut<'_>) {
        trace.copy_from_rows(&self.fixed[kind * self.tables + table].values);
    }

    fn fill(
        &mut self,
        batch: usize,
        table: usize,
        trace: &mut TraceMut<'_>,
    ) -> Result<(), Infallible> {
        trace.copy_from_rows(&self.traces[batch * self.tables + table].values);
        Ok(())
    }

    fn public_values(&self, batch: usize) -> impl AsRef<[&[F]]> {
        &self.publics[batch * self.tables..][..self.tables]
    }
}

/// Proves the tables as a run of batches of so many, by two workers, without the heap.
fn retire(order: Order, keep: Keep, profile: Profile, tables: usize, proof: &mut [u8]) -> usize {
    let batch = batch::<Arrays>();
    let fixed = batch.airs.iter().map(|air| air.preprocessed_trace());
    let fixed: Vec<_> = fixed.map(|matrix| matrix.expect("one")).collect();
    let specs = self::batch::<Vectors>().specs();
    let publics: Vec<&[F]> = batch.publics.iter().map(Vec::as_slice).collect();
    let plan = |airs, specs| {
        Plan::<2>::with_profile::<DefaultBackend, _>(airs, specs, batch.params, profile)
            .expect("a plan")
    };
    let values = || Values {
        tables,
        fixed: &fixed,
        traces: &batch.traces,
        publics: &publics,
    };
    let with = |buffers: Option<[&mut [MaybeUninit<u8>]; 3]>, proof: &mut [u8]| {
        let plans = [0, 1].map(|kind| {
            let first = kind * tables % 2;
            plan(&batch.airs[first..][..tables], &specs[first..][..tables])
        });
        let kinds = [0, 1].map(|kind| BatchKind {
            plan: &plans[kind],
            airs: &batch.airs[kind * tables % 2..][..tables],
        });
        let sequence = &[0, 1][..2 / tables];
        let plan = RunPlan::keeping::<DefaultBackend>(order, keep, &kinds, sequence);
        let plan = plan.expect("a plan of a run");
        let lens = [plan.workspace_len(), plan.store_len()];
        let Some([one, other, store]) = buffers else {
            return (lens, 0);
        };
        let suite = &batch.suite;
        let mut retire = Retire::<DefaultBackend, _, 2>::new(&plan, suite, store).expect("room");
        let worker = |room| Worker::new(&plan, room, values()).expect("room");
        let mut workers = [one, other].map(worker);
        let mut made = 0;
        let written = retire.prove(&Alone, &mut workers, proof, |_| made += 1);
        (lens, written.expect("room for the proof") as usize)
    };
    let ([workspace, store], _) = with(None, &mut []);
    let [mut one, mut other] = [0, 1].map(|_| buffer(workspace));
    let mut store = buffer(store);
    assert_no_alloc(|| with(Some([&mut one, &mut other, &mut store]), proof).1)
}

#[test]
fn a_run_without_a_heap() {
    for (order, tables) in [(Order::Forked, 1), (Order::Forked, 2), (Order::Shared, 2)] {
        let cut: &[usize] = if tables == 1 { &[1] } else { &[] };
        let run = tranche_test_support::retire::Run::cut(batch::<Vectors>(), cut);
        let expected = match order {
            Order::Forked => naive::prove(&run).encode(),
            Order::Shared => run.prove_batch(),
        };
        for profile in PROFILES {
            for (quotients, codewords) in [(true, true), (false, true), (true, false)] {
                let keep = Keep {
                    quotients,
                    codewords,
                    ..Keep::default()
                };
                let mut proof = vec![0; expected.len()];
                let written = retire(order, keep, profile, tables, &mut proof);
                assert_eq!(written, expected.len());
                assert!(proof == expected, "{order:?} {keep:?} {profile:?}");
            }
        }
    }
}

/// The control: this process dies, if the allocator works.
#[test]
#[ignore = "aborts; run by `the_allocator_aborts`"]
fn allocate() {
    assert_no_alloc(|| drop(std::hint::black_box(vec![1_u8])));
}

#[test]
fn the_allocator_aborts() {
    let this = std::env::current_exe().expect("a path to this test");
    let run = |test| {
        let arguments = ["--ignored", "--exact", test, "--test-threads=1"];
        Command::new(&this)
            .args(arguments)
            .output()
            .expect("this test as a process")
            .status
    };
    assert!(run("no test of this name").success());
    let status = run("allocate");
    assert_eq!(status.code(), None, "killed by a signal, not {status}");
}
