//! Proofs from tasks: the bytes of a run that is proved task by task are those of one that is proved in line, and
//! neither a false task nor a false proof is taken for a true one.

use std::num::NonZeroUsize;

use tranche::bundle::{Header, Kind, Writer};
use tranche::execute::{Execution, execute};
use tranche::prove::remote::{
    Claim, Place, Planned, Planner, TaskError, Work, WorkError, judge, work,
};
use tranche::prove::{Options, Surveyed, metered, secure};
use tranche_backend::Chosen;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::shape::Profile;
use tranche_machine::checkpoint::{self, Checkpoint, CheckpointError};
use tranche_machine::exec::{CellBefore, State};
use tranche_machine::merge::Tree;
use tranche_machine::prove::{EpochBuffers, StartError};
use tranche_machine::settings::{SECURITY_FLOOR_BITS, Settings};
use tranche_machine::tables::l2g::L2gRow;
use tranche_machine::{Cell, EpochProver, EpochTables, Program, Setup};

const GUEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/guests/prebuilt/sha256.elf");
const MAX_CYCLES: u64 = 1 << 24;

/// A guest that reads its input, so that some epochs begin within a system call.
struct Run {
    elf: Vec<u8>,
    input: Vec<u8>,
}

impl Run {
    fn new() -> Self {
        Self {
            elf: std::fs::read(GUEST).unwrap(),
            input: (0..601_u32).map(|i| (i * i) as u8).collect(),
        }
    }

    fn with<T>(&self, log2_cycles: u8, then: impl FnOnce(&Surveyed<'_>, &Execution) -> T) -> T {
        let program = Program::parse(&self.elf).unwrap().decoded();
        let execution = execute(&program, &self.input, MAX_CYCLES).unwrap();
        let settings = Settings {
            log2_cycles,
            arity: 3,
            ..Settings::default()
        };
        let settings = metered(&program, &self.input, &execution, settings).unwrap();
        let run = secure(
            &program,
            &self.input,
            &execution,
            settings,
            SECURITY_FLOOR_BITS,
        );
        then(&run.unwrap(), &execution)
    }
}

fn options() -> Options {
    Options {
        workers: NonZeroUsize::MIN,
        ..Options::default()
    }
}

/// All tasks of a run.
fn planned(run: &Surveyed<'_>, execution: &Execution) -> Vec<Planned> {
    let input = Run::new().input;
    let mut planner = Planner::new(&run.setup, &input, execution).unwrap();
    let mut tasks = Vec::new();
    while !planner.finished() {
        tasks.extend(planner.next_epoch().unwrap());
    }
    assert!(planner.next_epoch().unwrap().is_empty());
    tasks
}

fn as_work(kind: Kind, task: &[u8]) -> Work {
    match kind {
        Kind::Epoch => Work::Epoch(task.to_vec()),
        _ => Work::Merge(task.to_vec()),
    }
}

/// The proofs of tasks.
fn proofs(setup: &Setup<'_>, tasks: Vec<Work>) -> Vec<Result<Vec<u8>, WorkError>> {
    let (mut tasks, mut proofs) = (tasks.into_iter(), Vec::new());
    work(setup, &options(), &mut || tasks.next(), &mut |proof| {
        proofs.push(proof)
    })
    .unwrap();
    proofs
}

#[test]
fn a_run_in_tasks_is_the_run_in_line() {
    Run::new().with(10, |run, execution| {
        let mut inline = Vec::new();
        run.prove(&options(), &mut inline, |_| ()).unwrap();

        let tasks = planned(run, execution);
        let jobs = tasks.iter().map(|task| as_work(task.kind, &task.task));
        let proofs: Vec<_> = proofs(&run.setup, jobs.collect())
            .into_iter()
            .map(Result::unwrap)
            .collect();
        let mut judge = judge(&run.setup).unwrap();
        let header = Header::of(&run.setup);
        let mut bundle = Vec::new();
        let mut writer = Writer::new(&mut bundle, &header).unwrap();
        let epochs = tasks.iter().filter(|task| task.kind == Kind::Epoch).count() as u32;
        let steps = Tree::new(epochs, 3).unwrap().steps().count();
        assert!(epochs > 9 && steps == tasks.len(), "three levels of merges");
        for (task, proof) in tasks.iter().zip(&proofs) {
            judge
                .check(task.place, task.claim(), proof)
                .unwrap()
                .unwrap();
            if task.kind == Kind::Root {
                writer
                    .result(epochs, execution.exit_code, &execution.output)
                    .unwrap();
            }
            writer.frame(task.kind, &task.fixed, proof).unwrap();
        }
        writer.finish().unwrap();
        assert_eq!(bundle, inline);

        // A proof is taken where it belongs, and nowhere else.
        for (i, task) in tasks.iter().enumerate() {
            let other = &proofs[(i + 1) % proofs.len()];
            judge
                .check(task.place, task.claim(), other)
                .unwrap()
                .unwrap_err();
            judge
                .check(task.place, task.claim(), &[])
                .unwrap()
                .unwrap_err();
        }
        let mut altered = proofs[0].clone();
        *altered.last_mut().unwrap() ^= 1;
        judge
            .check(tasks[0].place, tasks[0].claim(), &altered)
            .unwrap()
            .unwrap_err();
    });
}

#[test]
fn a_proof_is_true_of_no_other_claim() {
    Run::new().with(10, |run, execution| {
        let tasks = planned(run, execution);
        let mut judge = judge(&run.setup).unwrap();
        // Of the merges, that which says the result.
        let root = tasks.iter().find(|task| task.kind == Kind::Root).unwrap();
        for task in [&tasks[1], root] {
            let (bytes, as_claim): (_, fn(&[u8]) -> Claim<'_>) = match task.claim() {
                Claim::Epoch(bytes) => (bytes, |bytes| Claim::Epoch(bytes)),
                Claim::Merge(bytes) => (bytes, |bytes| Claim::Merge(bytes)),
            };
            let proof = proofs(&run.setup, vec![as_work(task.kind, &task.task)]);
            let proof = proof.into_iter().next().unwrap().unwrap();
            let other = Place {
                index: task.place.index + 1,
                ..task.place
            };
            let elsewhere = judge.check(other, task.claim(), &proof);
            assert!(matches!(
                elsewhere,
                Err(WorkError::Task(TaskError::OtherPlace))
            ));
            let mut check = |bytes: &[u8]| judge.check(task.place, as_claim(bytes), &proof);
            check(bytes).unwrap().unwrap();
            let mut none = |bytes: &[u8]| match check(bytes) {
                Err(WorkError::Task(error)) => error,
                other => panic!("{other:?}"),
            };
            for cut in (1..bytes.len()).step_by(7) {
                assert_eq!(none(&bytes[..cut]), TaskError::Encoding, "{cut} bytes");
            }
            assert_eq!(none(&[]), TaskError::Encoding);
            assert_eq!(none(&[bytes, &[0]].concat()), TaskError::Encoding);
            // Not by accident, but with a checksum that is right.
            let changed = |at: usize| {
                let (said, _) = bytes.split_last_chunk::<4>().unwrap();
                let mut other = said.to_vec();
                other[at] ^= 1;
                other.extend(crc32fast::hash(&other).to_le_bytes());
                other
            };
            for at in 1..bytes.len() {
                let mut damaged = bytes.to_vec();
                damaged[at] ^= 0x10;
                assert_eq!(none(&damaged), TaskError::Encoding, "byte {at}");
            }
            assert_eq!(none(&changed(0)), TaskError::Version { got: 3 });
            for of_run in [1, 32, 33, 64] {
                assert_eq!(none(&changed(of_run)), TaskError::OtherRun);
            }
            // A merge's task says next how many epochs are known, which another merge may depend on.
            let first = if task.kind == Kind::Epoch { 65 } else { 66 };
            let end = bytes.len() - 4;
            let step = (end - first) / 40 + 1;
            for at in (first..first + 4).chain((first + 4..end).step_by(step)) {
                let verdict = check(&changed(at));
                assert!(
                    !matches!(verdict, Ok(Ok(()))),
                    "byte {at} of {}",
                    bytes.len()
                );
            }
        }
    });
}

/// The parts of a checkpoint, to be changed one by one.
#[derive(Clone)]
struct Parts {
    state: State,
    touched: Vec<L2gRow>,
    input: Vec<u8>,
}

impl Parts {
    fn of(bytes: &[u8]) -> Self {
        let checkpoint = Checkpoint::decode(bytes).unwrap();
        let row = |cell: CellBefore| L2gRow {
            cell: cell.id,
            init_epoch: cell.epoch,
            init: cell.value,
            ..L2gRow::default()
        };
        Self {
            state: checkpoint.state().clone(),
            touched: checkpoint.cells().map(row).collect(),
            input: checkpoint.input().to_vec(),
        }
    }

    fn bytes(&self, setup: &Setup<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        checkpoint::write(setup, &self.state, &self.touched, &self.input, &mut bytes).unwrap();
        bytes
    }
}

#[test]
fn a_false_checkpoint_is_refused_or_its_proof_is() {
    Run::new().with(10, |run, execution| {
        let tasks = planned(run, execution);
        // Within the read of the input.
        let epoch = |task: &&Planned| {
            task.kind == Kind::Epoch && {
                let checkpoint = Checkpoint::decode(&task.task).unwrap();
                checkpoint.state().epochs > 0 && !checkpoint.input().is_empty()
            }
        };
        let task = tasks.iter().find(epoch).expect("an epoch that reads");
        let honest = Parts::of(&task.task);
        assert_eq!(honest.bytes(&run.setup), task.task);

        let mut forgeries: Vec<(String, Parts)> = Vec::new();
        let mut forge = |name: &str, change: &dyn Fn(&mut Parts)| {
            let mut forged = honest.clone();
            change(&mut forged);
            forgeries.push((name.to_owned(), forged));
        };
        forge("epoch", &|parts| parts.state.epochs += 1);
        forge("epoch before", &|parts| parts.state.epochs -= 1);
        forge("last epoch", &|parts| parts.state.epochs = (1 << 24) - 1);
        forge("pc", &|parts| parts.state.pc += 1);
        forge("no pc", &|parts| parts.state.pc = u32::MAX);
        forge("cycles", &|parts| parts.state.cycles = 0);
        forge("instructions", &|parts| parts.state.instructions = u64::MAX);
        forge("ahead", &|parts| parts.state.ahead = (1, 4));
        forge("other ahead", &|parts| parts.state.ahead = (0x55, 1));
        forge("no input", &|parts| parts.input.clear());
        for i in [0, honest.input.len() - 1] {
            forge(&format!("input {i}"), &|parts| parts.input[i] ^= 1);
        }
        for i in 0..64 {
            forge(&format!("register {i}"), &|parts| {
                parts.state.registers[i].0 ^= 0x8000_0000;
            });
            forge(&format!("epoch of register {i}"), &|parts| {
                parts.state.registers[i].1 = u32::MAX;
            });
        }
        for i in [0, honest.touched.len() / 2, honest.touched.len() - 1] {
            forge(&format!("cell {i}"), &|parts| {
                parts.touched[i].cell ^= 1 << 20
            });
            forge(&format!("value {i}"), &|parts| parts.touched[i].init ^= 1);
            forge(&format!("epoch of cell {i}"), &|parts| {
                parts.touched[i].init_epoch ^= 1;
            });
            forge(&format!("no cell {i}"), &|parts| {
                parts.touched.remove(i);
            });
            forge(&format!("cell {i} twice"), &|parts| {
                let row = parts.touched[i];
                parts.touched.push(row);
            });
        }
        // What the epoch neither reads nor writes says nothing of it.
        let read = |name: &str| {
            let Some(i) = name.strip_prefix("register ") else {
                return true;
            };
            let i: u32 = i.parse().unwrap();
            let cell = tranche_machine::cells::REGISTERS + i;
            touches(run, honest.state.epochs, cell)
        };
        let mut judge = judge(&run.setup).unwrap();
        let works = forgeries
            .iter()
            .map(|(_, parts)| Work::Epoch(parts.bytes(&run.setup)));
        for ((name, _), proof) in forgeries.iter().zip(proofs(&run.setup, works.collect())) {
            let refused = match proof {
                Err(_) => true,
                Ok(proof) => judge
                    .check(task.place, task.claim(), &proof)
                    .unwrap()
                    .is_err(),
            };
            assert!(refused || !read(name), "{name}");
        }
    });
}

/// Whether the epoch after so many touches a cell.
fn touches(run: &Surveyed<'_>, epochs: u32, cell: u32) -> bool {
    let setup = &run.setup;
    let input = Run::new().input;
    let pages = tranche_machine::Pages::new(1 << 26);
    let mut machine = tranche_machine::Machine::over(setup.program, pages, MAX_CYCLES);
    let mut io = tranche::execute::Io::new(&input);
    let mut rows = vec![L2gRow::default(); 1 << setup.shape.l2g];
    loop {
        let (_, _, listed) = machine
            .list_epoch(&mut io, &setup.shape, &mut rows)
            .unwrap();
        if machine.epochs() == epochs + 1 {
            return rows[..listed].iter().any(|row| row.cell == cell);
        }
    }
}

#[test]
fn bytes_that_are_no_checkpoint_are_refused() {
    Run::new().with(10, |run, execution| {
        let tasks = planned(run, execution);
        let bytes = &tasks[1].task;
        for cut in 0..bytes.len() {
            let refused = Checkpoint::decode(&bytes[..cut]).unwrap_err();
            assert_eq!(refused, CheckpointError::Encoding, "{cut} bytes");
        }
        let longer = [&bytes[..], &[0]].concat();
        let trailing = CheckpointError::Trailing { bytes: 1 };
        assert_eq!(Checkpoint::decode(&longer), Err(trailing));
        let mut other = bytes.clone();
        other[0] += 1;
        let version = CheckpointError::Version { got: other[0] };
        assert_eq!(Checkpoint::decode(&other), Err(version));
        let changed = |at: usize| {
            let mut other = bytes.clone();
            other[at] ^= 1;
            Checkpoint::decode(&other).unwrap().check(&run.setup)
        };
        assert_eq!(changed(1), Err(CheckpointError::Program));
        assert_eq!(changed(33), Err(CheckpointError::Plan));
        // No byte of it, and none of a merge, makes anything panic.
        for task in &tasks[1..5] {
            let step = task.task.len() / 24 + 1;
            let works = (0..task.task.len()).step_by(step).map(|at| {
                let mut other = task.task.clone();
                other[at] ^= if at % 2 == 0 { 0x80 } else { 1 };
                as_work(task.kind, &other)
            });
            proofs(&run.setup, works.collect());
        }
    });
}

#[test]
fn a_prover_on_a_device_starts_from_a_checkpoint() {
    Run::new().with(10, |run, execution| {
        let setup = &run.setup;
        let tasks = planned(run, execution);
        let epochs: Vec<_> = tasks
            .iter()
            .filter(|task| task.kind == Kind::Epoch)
            .collect();
        let task = epochs[3];
        let tables = EpochTables::new(setup);
        let plan = tables
            .plan_in::<Chosen, Poseidon2>(Profile::Compact)
            .unwrap();
        let mut cells = vec![Cell::FREE; Cell::slots_for(1 << setup.shape.l2g)];
        let mut record = vec![0; setup.shape.record_words()];
        let mut workspace = vec![std::mem::MaybeUninit::uninit(); plan.workspace_len()];
        let mut start = |bytes: &[u8], max_cycles| {
            let buffers = EpochBuffers {
                cells: &mut cells,
                record: &mut record,
                workspace: &mut workspace,
            };
            let checkpoint = Checkpoint::decode(bytes).unwrap();
            let prover = EpochProver::<Chosen, Poseidon2>::from_checkpoint(
                &tables,
                &plan,
                buffers,
                &checkpoint,
                max_cycles,
            );
            let mut proof = Vec::new();
            prover.map(|mut prover| {
                let proved = prover.next(&mut checkpoint.io(), &mut proof).unwrap();
                assert_eq!(proved.number, 4);
                proof
            })
        };
        let proof = start(&task.task, MAX_CYCLES).unwrap();
        // At the first heights, whatever those of the same epoch elsewhere: a verifier takes both.
        let mut judge = judge(setup).unwrap();
        judge
            .check(task.place, task.claim(), &proof)
            .unwrap()
            .unwrap();
        let elsewhere = proofs(setup, vec![as_work(task.kind, &task.task)]);
        let elsewhere = elsewhere[0].as_ref().unwrap();
        judge
            .check(task.place, task.claim(), elsewhere)
            .unwrap()
            .unwrap();
        let got = Parts::of(&task.task).state.cycles;
        let late = StartError::Checkpoint(CheckpointError::Cycles { got });
        assert_eq!(start(&task.task, got - 1).unwrap_err(), late);
    });
}
