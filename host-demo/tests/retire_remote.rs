//! Batches from tasks: the bundle of a run whose batches are made one by one, in any order, from bytes alone is the one of
//! the prover that makes them all, and none that a false record is in passes.

#[path = "retire_remote/judge.rs"]
mod judge;

use std::collections::BTreeSet;

use tranche::execute::{Execution, execute};
use tranche::retire::remote::{
    Joined, Made, Source, Step, Task, TaskError, WorkError, bundle, decode, encode, join, work,
};
use tranche::retire::{Header, Options, RetireCheck, Surveyed, verify};
use tranche_core::retire::{Misfit, Order, RetireError};
use tranche_core::shape::Profile;
use tranche_core::verifier::{CommitmentName, ForkedError, Part};
use tranche_machine::Program;
use tranche_machine::batches::{BODY, DetachError, RunTables, WalkError};
use tranche_machine::checkpoint::{Checkpoint, CheckpointError, write_batch};
use tranche_machine::exec::{CellBefore, State};
use tranche_machine::hash::Hash;
use tranche_machine::settings::SECURITY_FLOOR_BITS;

const GUEST: &[u8] = include_bytes!("../guests/prebuilt/sha256.elf");
const LOG2_CYCLES: u8 = 9;

/// What the guest reads across batches.
fn input() -> Vec<u8> {
    (0..601_u32).map(|i| (i * i) as u8).collect()
}

/// A run before its batches are made.
struct Planned<'a> {
    program: Program<'a>,
    run: Surveyed<'a>,
    options: Options,
    header: Header,
    /// What each body is made from.
    bodies: Vec<Source>,
}

/// Shows a run with a hash suite to `then`.
fn with_run<T>(hash: Hash, then: impl FnOnce(&Planned<'_>) -> T) -> T {
    let (program, input) = (Program::parse(GUEST).unwrap().decoded(), input());
    let execution: Execution = execute(&program, &input, 1 << 20).unwrap();
    let options = Options {
        hash,
        ..Options::new(Order::Forked, LOG2_CYCLES)
    };
    let run = Surveyed::cut(&program, &input, &execution, &options).unwrap();
    let options = run.secure(&options).unwrap();
    let mut bodies = Vec::new();
    run.checkpoints(&options, |batch, source| {
        assert_eq!(batch, bodies.len());
        bodies.push(source);
    })
    .unwrap();
    then(&Planned {
        header: run.header(Some(Order::Forked), options.params, hash),
        program: Program::parse(GUEST).unwrap().decoded(),
        run: run.clone(),
        options,
        bodies,
    })
}

impl Planned<'_> {
    /// What is made of tasks, in their order; each goes to its worker as bytes.
    fn try_make(&self, tasks: &[Task]) -> Vec<Result<Made, WorkError>> {
        let (mut tasks, mut made) = (tasks.iter(), Vec::new());
        let mut next = || Some(decode(&encode(tasks.next()?)).unwrap());
        let mut done = |result| made.push(result);
        work(
            &self.program,
            &self.header,
            Profile::Fast,
            &mut next,
            &mut done,
        )
        .unwrap();
        made
    }

    /// What one step makes of all batches, or of the bodies, by two workers that take them in another order.
    fn step(&self, sources: &[Source], step: impl Fn(usize) -> Step) -> Vec<Made> {
        let count = sources.len();
        // 7 is coprime to the number of batches.
        assert_ne!(count % 7, 0);
        let order: Vec<_> = (0..count).map(|i| (7 * i + 3) % count).collect();
        let mut made = vec![Made::default(); count];
        for part in order.chunks(count / 2 + 1) {
            let tasks = part
                .iter()
                .map(|&batch| Task::new(batch, sources[batch].clone(), step(batch)));
            let tasks: Vec<_> = tasks.collect();
            for (&batch, result) in part.iter().zip(self.try_make(&tasks)) {
                made[batch] = result.unwrap();
            }
        }
        made
    }

    /// Commits all bodies: their records, and what they owe together.
    fn commit_bodies(&self) -> (Vec<Vec<u8>>, Vec<u32>) {
        let made = self.step(&self.bodies, |_| Step::Commit);
        let mut owed = vec![0; made[0].owed.len()];
        for one in &made {
            owed.iter_mut()
                .zip(&one.owed)
                .for_each(|(sum, o)| *sum += o);
        }
        (made.into_iter().map(|one| one.record).collect(), owed)
    }

    /// Commits the closing batch.
    fn close(&self, mut records: Vec<Vec<u8>>, owed: Vec<u32>) -> Committed {
        let mut sources = self.bodies.clone();
        sources.push(self.run.closing(owed));
        let batch = records.len();
        let task = Task::new(batch, sources[batch].clone(), Step::Commit);
        records.push(self.try_make(&[task]).remove(0).unwrap().record);
        Committed { sources, records }
    }

    fn argue(&self, committed: &Committed) -> Vec<Vec<u8>> {
        let argue = |_| Step::Argue(committed.records.clone());
        let made = self.step(&committed.sources, argue);
        made.into_iter().map(|one| one.record).collect()
    }

    fn join(&self, committed: &Committed, arguments: &[Vec<u8>]) -> Result<Joined, String> {
        join(
            &self.program,
            &self.header,
            Profile::Fast,
            &committed.records,
            &mut |batch| Ok(arguments[batch].clone()),
        )
        .map_err(|error| error.to_string())
    }

    fn open(&self, committed: &Committed, joined: &Joined) -> Vec<Vec<u8>> {
        let records = &committed.records;
        let open = |batch: usize| Step::Open(records.clone(), joined.queries[batch].clone());
        let made = self.step(&committed.sources, open);
        made.into_iter().map(|one| one.record).collect()
    }

    fn bundle(&self, joined: &Joined, arguments: &[Vec<u8>], openings: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bundle(
            &self.header,
            joined,
            &mut |batch| Ok(arguments[batch].clone()),
            &mut |batch| Ok(openings[batch].clone()),
            &mut bytes,
        )
        .unwrap();
        bytes
    }

    /// Why a bundle is refused.
    fn refused(&self, bundle: &[u8]) -> ForkedError {
        let program = Program::parse(GUEST).unwrap();
        match verify(&program, &bundle[8..], SECURITY_FLOOR_BITS) {
            Err(RetireCheck::Forked(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    /// log2 of the codewords in the record of a body's argument, one a height.
    fn log_codewords(&self) -> BTreeSet<usize> {
        let header = &self.header;
        let shape = header.shape(&self.program);
        let tables = RunTables::new(
            &self.program,
            &shape,
            header.params,
            header.hash,
            header.exit_code,
            &header.output,
        )
        .unwrap();
        let specs = tables.specs(BODY).iter();
        let log = |height: u8| usize::from(height + header.params.log_blowup);
        specs.map(|spec| log(spec.log_height)).collect()
    }

    /// Their bytes: an extension element a place.
    fn codewords_bytes(&self) -> usize {
        self.log_codewords().iter().map(|&log| 16 << log).sum()
    }

    /// The bundle of records, all else made as they say.
    fn finish(&self, committed: &Committed, arguments: &[Vec<u8>]) -> Vec<u8> {
        let joined = self.join(committed, arguments).unwrap();
        let openings = self.open(committed, &joined);
        self.bundle(&joined, arguments, &openings)
    }
}

/// The sources of all batches, and the records of their commitments.
struct Committed {
    sources: Vec<Source>,
    records: Vec<Vec<u8>>,
}

#[test]
fn a_run_in_tasks_is_the_run_of_one_prover() {
    for hash in Hash::ALL {
        with_run(hash, |run| {
            let mut together = Vec::new();
            run.run
                .prove(&run.options, &mut together, |_, _| ())
                .unwrap();
            assert!(run.bodies.len() > 9, "{} batches", run.bodies.len());
            let (records, owed) = run.commit_bodies();
            let committed = run.close(records, owed);
            let arguments = run.argue(&committed);
            assert!(run.finish(&committed, &arguments) == together);
        });
    }
}

#[test]
fn no_false_record_is_in_a_bundle_that_passes() {
    with_run(Hash::Blake3, |run| {
        let (bodies, owed) = run.commit_bodies();
        let committed = run.close(bodies.clone(), owed.clone());
        let arguments = run.argue(&committed);
        let joined = run.join(&committed, &arguments).unwrap();
        let openings = run.open(&committed, &joined);
        let honest = run.bundle(&joined, &arguments, &openings);
        let program = Program::parse(GUEST).unwrap();
        verify(&program, &honest[8..], SECURITY_FLOOR_BITS).unwrap();

        // Another root than the batch has: the rest is made as if it were its own.
        let mut forged = bodies.clone();
        forged[2][8] ^= 1;
        let forged = run.close(forged, owed.clone());
        let bundle = run.finish(&forged, &run.argue(&forged));
        let rows = |batch, round| ForkedError::Rows { batch, round };
        assert_eq!(run.refused(&bundle), rows(2, CommitmentName::Main));

        // What is owed once too little.
        let mut owed = owed;
        *owed.iter_mut().find(|owed| **owed > 0).unwrap() -= 1;
        let forged = run.close(bodies, owed);
        let bundle = run.finish(&forged, &run.argue(&forged));
        assert_eq!(run.refused(&bundle), ForkedError::Buses);

        // An argument of another batch.
        let mut forged = arguments.clone();
        forged.swap(1, 2);
        let misfit = Misfit { walk: 1, batch: 1 };
        let refused = run.join(&committed, &forged).unwrap_err();
        assert_eq!(refused, misfit.to_string());

        // A codeword that is not the batch's.
        let mut forged = arguments.clone();
        forged[3][0] ^= 1;
        let bundle = run.finish(&committed, &forged);
        let folds = matches!(run.refused(&bundle), ForkedError::FinalPolynomial { .. });
        assert!(folds);

        // One that ends within its codewords.
        let mut forged = arguments.clone();
        forged[3].truncate(joined.kept[3] / 2);
        let misfit = Misfit { walk: 1, batch: 3 };
        let refused = run.join(&committed, &forged).unwrap_err();
        assert_eq!(refused, misfit.to_string());

        // Openings of another batch, altered, and none.
        let mut forged = openings.clone();
        forged.swap(1, 2);
        let bundle = run.bundle(&joined, &arguments, &forged);
        assert_eq!(run.refused(&bundle), rows(1, CommitmentName::Main));
        let mut forged = openings.clone();
        *forged[4].last_mut().unwrap() ^= 1;
        let bundle = run.bundle(&joined, &arguments, &forged);
        assert_eq!(run.refused(&bundle), rows(4, CommitmentName::Permutation));
        let mut forged = openings;
        forged[4].clear();
        let bundle = run.bundle(&joined, &arguments, &forged);
        let length = matches!(
            run.refused(&bundle),
            ForkedError::Length {
                part: Part::Rows { batch: 4 },
                ..
            } | ForkedError::Rows { batch: 4, .. }
        );
        assert!(length);
    });
}

#[test]
fn a_task_that_is_none_of_the_run_is_refused() {
    with_run(Hash::Blake3, |run| {
        let commit = |batch, source: &Source| {
            let task = Task::new(batch, source.clone(), Step::Commit);
            run.try_make(&[task]).remove(0)
        };
        let honest = commit(3, &run.bodies[3]).unwrap();
        assert!(!honest.owed.is_empty());
        let Source::Body(bytes) = &run.bodies[3] else {
            panic!("a body");
        };
        let changed = |at: usize| {
            let mut other = bytes.clone();
            other[at] ^= 1;
            commit(3, &Source::Body(other))
        };
        let checkpoint = |made| match made {
            Err(WorkError::Detached(DetachError::Checkpoint(error))) => error,
            other => panic!("{other:?}"),
        };
        assert_eq!(checkpoint(changed(1)), CheckpointError::Program);
        assert_eq!(checkpoint(changed(33)), CheckpointError::Plan);
        for (batch, of) in [(4, 3), (2, 3), (run.bodies.len(), 3)] {
            let refused = commit(batch, &run.bodies[of]).unwrap_err();
            assert!(matches!(refused, WorkError::Detached(DetachError::Walk(_))));
        }
        // A cell, and a register, that were touched before the batch begins, but not before its clock.
        let (program, header) = (&run.program, &run.header);
        let shape = header.shape(program);
        let tables = RunTables::new(
            program,
            &shape,
            header.params,
            header.hash,
            header.exit_code,
            &header.output,
        )
        .unwrap();
        let before = Checkpoint::decode(bytes).unwrap();
        let (state, cells) = (before.state().clone(), before.cells().collect::<Vec<_>>());
        let write = |state: &State, cells: &[CellBefore]| {
            let mut bytes = Vec::new();
            write_batch(&tables, state, cells, before.input(), &mut bytes).unwrap();
            bytes
        };
        assert_eq!(write(&state, &cells), *bytes);
        let start = header.spans[3].start();
        let mut late = cells.clone();
        late[0].epoch = start;
        let late = Source::Body(write(&state, &late));
        assert_eq!(checkpoint(commit(3, &late)), CheckpointError::Cell);
        let mut late = state;
        late.registers[1].1 = start;
        let late = Source::Body(write(&late, &cells));
        assert_eq!(checkpoint(commit(3, &late)), CheckpointError::Register);

        let expected = honest.owed.len();
        let debts = DetachError::Debts { expected, got: 1 };
        let closing = commit(run.bodies.len(), &run.run.closing(vec![1]));
        assert!(matches!(closing, Err(WorkError::Detached(error)) if error == debts));
        let early = commit(0, &run.run.closing(vec![0; expected]));
        let nothing = WalkError::NoBatch { batch: 0 };
        assert!(matches!(
            early,
            Err(WorkError::Refused(RetireError::Trace { batch: 0, error })) if error == nothing
        ));
        let argue = Task::new(3, run.bodies[3].clone(), Step::Argue(vec![honest.record]));
        assert!(matches!(
            run.try_make(&[argue]).remove(0),
            Err(WorkError::Refused(RetireError::Record { walk: 0, .. }))
        ));

        let task = Task::new(3, run.bodies[3].clone(), Step::Commit);
        let task = encode(&task);
        assert_eq!(decode::<Task>(&[]), Err(TaskError::Encoding));
        assert_eq!(decode::<Task>(&[9]), Err(TaskError::Version { got: 9 }));
        let cut = decode::<Task>(&task[..task.len() - 1]);
        assert_eq!(cut, Err(TaskError::Encoding));
        let longer = [&task[..], &[0]].concat();
        assert_eq!(decode::<Task>(&longer), Err(TaskError::Encoding));
    });
}
