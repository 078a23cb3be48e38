//! A device's session: a program executed and proved epoch by epoch in buffers that were there
//! before, without a heap, in the bytes of the host's bundle.

use std::mem::MaybeUninit;
use std::num::NonZeroUsize;

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use tranche::bundle::Reader;
use tranche::execute;
use tranche::prove::{Options, prove};
use tranche::suite::HostSuite;
use tranche_backend::Chosen;
use tranche_core::hash::blake3::Blake3;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::shape::Profile;
use tranche_core::verifier::MAX_PROOF_BYTES;
use tranche_core::{Hashes, Params};
use tranche_machine::exec::RecordTooShort;
use tranche_machine::hash::Hash;
use tranche_machine::prove::{EpochError, StartError};
use tranche_machine::shape::{Heights, MAX_OTHERS};
use tranche_machine::{
    Cell, EpochBuffers, EpochPlan, EpochProver, EpochTables, ExecError, GuestIo, Program, Settings,
    Setup, Span,
};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

const SPIN: &[u8] = include_bytes!("../../host-demo/guests/prebuilt/spin.elf");
const INPUT: &[u8] = b"9";
const MAX_CYCLES: u64 = 1 << 20;

/// The settings of a session with a suite.
const fn settings(hash: Hash) -> Settings {
    Settings {
        log2_cycles: 8,
        heights: Heights::Common,
        others: [None; MAX_OTHERS],
        arity: 32, // so that no merge stands between the epochs
        params: Params {
            num_queries: 5,
            query_pow_bits: 2,
            ..Params::DEFAULT
        },
        hash,
    }
}

/// What a device would have as statics, which may hold anything; the record's buffer is longer than it has
/// to be.
struct Memory {
    cells: Vec<Cell>,
    record: Vec<u32>,
    workspace: Vec<MaybeUninit<u8>>,
}

/// Words of a record that are not needed.
const SPARE: usize = 3;
/// What is in them.
const ANYTHING: u32 = 7;

impl Memory {
    fn new(setup: &Setup<'_>, cells: usize, workspace: usize) -> Self {
        Self {
            cells: vec![Cell::FREE; cells],
            record: vec![ANYTHING; setup.shape.record_words() + SPARE],
            workspace: vec![MaybeUninit::uninit(); workspace],
        }
    }

    /// Cells and rows as a wiped session leaves them. (Of the workspace, a unit test of the core.)
    fn assert_zero(&self) {
        let zero = Cell {
            id: 0,
            ..Cell::FREE
        };
        assert!(self.cells.iter().all(|&cell| cell == zero));
        let (record, spare) = self.record.split_at(self.record.len() - SPARE);
        assert!(record.iter().all(|&word| word == 0));
        assert_eq!(spare, [ANYTHING; SPARE], "not the session's");
    }

    fn buffers(&mut self) -> EpochBuffers<'_> {
        EpochBuffers {
            cells: &mut self.cells,
            record: &mut self.record,
            workspace: &mut self.workspace,
        }
    }
}

/// The guest's world: an input, and an output that nobody keeps.
struct Input(&'static [u8]);

impl GuestIo for Input {
    fn read(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    fn write(&mut self, _: u8) {}
}

/// Cells of memory and output that the run touches.
fn touched(program: &Program<'_>) -> usize {
    let mut cells = vec![Cell::FREE; 1 << 12];
    let mut machine = tranche_machine::Machine::new(program, &mut cells, MAX_CYCLES);
    machine.run(&mut Input(INPUT)).unwrap();
    machine.into_cells().0.len()
}

#[test]
fn the_bytes_of_the_bundle_without_a_heap() {
    the_bytes_of_the_bundle::<Poseidon2>();
    the_bytes_of_the_bundle::<Blake3>();
}

fn the_bytes_of_the_bundle<S: HostSuite>()
where
    Chosen: Hashes<S>,
{
    let program = Program::parse(SPIN).unwrap();
    let setup = Setup::new(&program, settings(S::HASH)).unwrap();
    let execution = execute(&program, INPUT, MAX_CYCLES).unwrap();
    let (workers, floor) = (NonZeroUsize::MIN, 0.0);
    let options = Options {
        workers,
        floor,
        ..Options::default()
    };
    let mut bundle = Vec::new();
    let proved = prove(&setup, INPUT, &execution, &options, &mut bundle, |_| {}).unwrap();
    assert!(proved.epochs > 3);

    for profile in [Profile::Fast, Profile::Compact] {
        let workspace = EpochTables::new(&setup)
            .plan_in::<Chosen, S>(profile)
            .unwrap()
            .workspace_len();
        let mut memory = Memory::new(&setup, Cell::slots_for(touched(&program)), workspace);
        let (mut reader, _) = Reader::new(&bundle[..]).unwrap();
        let mut bytes = vec![0; 1 << 20];
        let buffers = memory.buffers();
        assert_no_alloc(|| {
            let tables = EpochTables::new(&setup);
            let plan = tables.plan_in::<Chosen, S>(profile).unwrap();
            let mut session =
                EpochProver::<Chosen, S>::new(&tables, &plan, buffers, MAX_CYCLES).unwrap();
            let mut io = Input(INPUT);
            for number in 1..=proved.epochs {
                let epoch = session.next(&mut io, &mut bytes[..]).unwrap();
                let expected: (Span, &[u8]) =
                    assert_no_alloc::permit_alloc(|| reader.epoch(MAX_PROOF_BYTES).unwrap());
                let (span, proof) = expected;
                assert_eq!((epoch.number, epoch.span), (number, span));
                assert_eq!(epoch.exit_code.is_some(), number == proved.epochs);
                assert_eq!(epoch.proof_bytes, proof.len() as u64);
                assert!(
                    bytes[..proof.len()] == *proof,
                    "epoch {number}, {profile:?}"
                );
            }
            assert_eq!(session.machine().exit_code(), Some(execution.exit_code));
            let after = session.next(&mut io, &mut bytes[..]);
            assert_eq!(after, Err(EpochError::Execution(ExecError::Exited)));
            session.wipe();
            assert!((0..32).all(|i| session.machine().register(i) == 0));
            let after = session.next(&mut io, &mut bytes[..]);
            assert_eq!(after, Err(EpochError::Execution(ExecError::Exited)));
        });
        memory.assert_zero();
    }
}

#[test]
fn cells_are_counted_to_the_slot() {
    let program = Program::parse(SPIN).unwrap();
    let slots = Cell::slots_for(touched(&program));
    let run = |slots| {
        let mut cells = vec![Cell::FREE; slots];
        tranche_machine::Machine::new(&program, &mut cells, MAX_CYCLES).run(&mut Input(INPUT))
    };
    assert_eq!(run(slots), Ok(0));
    assert!(matches!(run(slots - 1), Err(ExecError::MemoryFull { .. })));
}

fn start<S: HostSuite>(
    tables: &EpochTables<'_>,
    plan: &EpochPlan<S>,
    memory: &mut Memory,
) -> Result<(), StartError>
where
    Chosen: Hashes<S>,
{
    EpochProver::<Chosen, S>::new(tables, plan, memory.buffers(), MAX_CYCLES).map(|_| ())
}

#[test]
fn short_buffers_and_other_plans_are_refused() {
    others_are_refused::<Poseidon2>(Hash::Blake3);
    others_are_refused::<Blake3>(Hash::Poseidon2);
}

/// Sessions of a suite, and one whose setup has another.
fn others_are_refused<S: HostSuite>(other_hash: Hash)
where
    Chosen: Hashes<S>,
{
    let program = Program::parse(SPIN).unwrap();
    let own = settings(S::HASH);
    let setup = Setup::new(&program, own).unwrap();
    let tables = EpochTables::new(&setup);
    let plan = tables.plan_in::<Chosen, S>(Profile::Compact).unwrap();
    let len = plan.workspace_len();
    assert_eq!(
        start(&tables, &plan, &mut Memory::new(&setup, 64, len)),
        Ok(())
    );

    let short = start(&tables, &plan, &mut Memory::new(&setup, 64, len - 1));
    assert!(matches!(short, Err(StartError::Workspace(_))), "{short:?}");

    let mut memory = Memory::new(&setup, 64, len);
    let needed = setup.shape.record_words();
    memory.record.truncate(needed);
    assert_eq!(start(&tables, &plan, &mut memory), Ok(()));
    memory.record.pop();
    let got = needed - 1;
    let expected = RecordTooShort { needed, got };
    let short = start(&tables, &plan, &mut memory);
    assert_eq!(short, Err(StartError::Record(expected)));

    for other in [
        Settings {
            log2_cycles: 9,
            ..own
        },
        Settings {
            params: Params::DEFAULT,
            ..own
        },
    ] {
        let setup = Setup::new(&program, other).unwrap();
        let plan = EpochTables::new(&setup)
            .plan_in::<Chosen, S>(Profile::Compact)
            .unwrap();
        let mut memory = Memory::new(&setup, 64, plan.workspace_len());
        assert_eq!(
            start(&tables, &plan, &mut memory),
            Err(StartError::OtherPlan)
        );
    }
    // The suite of a plan is its type; the setup's has to be the same.
    let setup = Setup::new(
        &program,
        Settings {
            hash: other_hash,
            ..own
        },
    );
    let others = EpochTables::new(&setup.unwrap());
    let mut memory = Memory::new(tables.setup(), 64, plan.workspace_len());
    let refused = start(&others, &plan, &mut memory);
    assert_eq!(refused, Err(StartError::OtherPlan));
}
