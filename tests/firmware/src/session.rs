//! The main flow: plan an epoch, place every buffer in the static arena, execute and prove.

use p3_field::{PrimeCharacteristicRing, PrimeField32};
use tranche_core::air::ProverAir;
use tranche_core::hash::blake3::Blake3;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::hash::{Hasher, Transcript};
use tranche_core::shape::Profile;
use tranche_core::{F, Hashes, PlanError};
use tranche_machine::hash::{Hash, MachineSuite};
use tranche_machine::prove::{EpochError, StartError};
use tranche_machine::settings::SECURITY_FLOOR_BITS;
use tranche_machine::setup::SetupError;
use tranche_machine::shape::{MAX_LOG2_CYCLES, MIN_LOG2_CYCLES};
use tranche_machine::{
    Cell, ElfError, EpochBuffers, EpochPlan, EpochProver, EpochShape, EpochTable, EpochTables,
    Program, Settings, Setup,
};

use crate::io::{HostFull, Io, ProofSink};
use crate::job::{Job, MAX_BYTES, Task};
use crate::metal::{self, Arena};

/// Cells of memory and output that a guest of the longest epochs may touch.
const MAX_CELLS: usize = 2048;
/// Proof bytes that are gathered before the host is called.
const SINK_BYTES: usize = 4096;
/// Bits of the proof of work that is timed alone.
const GRIND_BITS: usize = 12;

/// Why the image failed.
#[derive(Clone, Copy, Debug, defmt::Format)]
pub enum Failure {
    /// The host's line is no job.
    Job,
    /// The guest is no program.
    Elf(ElfError),
    /// The settings are refused.
    Setup(SetupError),
    /// The core refuses the plan.
    Plan(PlanError),
    /// The buffers do not fit the arena.
    Arena {
        /// Bytes of the buffer that did not.
        needed: usize,
        /// Bytes that were left.
        left: usize,
    },
    /// The prover does not start.
    Start(StartError),
    /// An epoch cannot be proved.
    Epoch(EpochError<HostFull>),
}

macro_rules! from {
    ($($error:ty => $variant:ident),* $(,)?) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::$variant(error)
            }
        }
    )*};
}

from! {
    ElfError => Elf,
    SetupError => Setup,
    PlanError => Plan,
    StartError => Start,
    EpochError<HostFull> => Epoch,
}

/// Does the host's job.
///
/// # Errors
/// [`Failure`].
pub fn run<B: Hashes<Poseidon2> + Hashes<Blake3>>() -> Result<(), Failure>
where
    EpochTable<'static>: ProverAir<B>,
{
    let mut arena = metal::arena();
    let line = metal::receive_job(arena.take(MAX_BYTES, 0)?);
    let job = Job::parse(line).ok_or(Failure::Job)?;
    match job.hash {
        Hash::Poseidon2 => run_with::<B, Poseidon2>(&job, arena),
        Hash::Blake3 => run_with::<B, Blake3>(&job, arena),
    }
}

/// Does a job with its suite; the stack of one is no part of the other's.
#[inline(never)]
fn run_with<B: Hashes<S>, S: MachineSuite>(job: &Job<'_>, mut arena: Arena) -> Result<(), Failure>
where
    EpochTable<'static>: ProverAir<B>,
{
    let program = place_program(job.elf, &mut arena)?;
    match job.task {
        Task::Largest => largest::<B, S>(program, arena.left()),
        Task::Grind => {
            grind::<B, S>();
            Ok(())
        }
        Task::Prove {
            log2_cycles,
            profile,
            epochs,
            cells,
            input,
        } => {
            let mut sink = ProofSink::new(arena.take(SINK_BYTES, 0)?);
            let tables = place_tables(program, log2_cycles, S::HASH, &mut arena)?;
            let plan = place_plan::<B, S>(tables, profile, cells, &mut arena)?;
            let prover = place_prover::<B, S>(tables, plan, cells, &mut arena)?;
            prove(prover, epochs, input, &mut sink)
        }
    }
}

/// The setup of epochs of 2^`log2_cycles` cycles at the default parameters.
fn setup<'a>(
    program: &'a Program<'a>,
    log2_cycles: u8,
    hash: Hash,
) -> Result<Setup<'a>, SetupError> {
    let settings = Settings {
        log2_cycles,
        hash,
        ..Settings::default()
    };
    Setup::secure(program, settings, SECURITY_FLOOR_BITS)
}

/// Bytes of everything but the workspace.
const fn other_bytes<B: Hashes<S>, S: MachineSuite>(shape: EpochShape, cells: usize) -> usize {
    size_of::<EpochPlan<S>>()
        + size_of::<EpochProver<'_, B, S>>()
        + shape.record_bytes() as usize
        + Cell::slots_for(cells) * size_of::<Cell>()
        + SINK_BYTES
}

/// Logs the longest epoch of each profile whose buffers take at most `bytes`.
#[inline(never)]
fn largest<B: Hashes<S>, S: MachineSuite>(
    program: &'static Program<'static>,
    bytes: usize,
) -> Result<(), Failure>
where
    EpochTable<'static>: ProverAir<B>,
{
    for profile in [Profile::Fast, Profile::Compact] {
        for log2_cycles in (MIN_LOG2_CYCLES..=MAX_LOG2_CYCLES).rev() {
            let setup = match setup(program, log2_cycles as u8, S::HASH) {
                // The longest epochs may have too few bits, whatever the queries.
                Err(SetupError::Security { .. }) => continue,
                setup => setup?,
            };
            let plan = match EpochTables::new(&setup).plan_in::<B, S>(profile) {
                // Nor does an address have room for them.
                Err(PlanError::TooLarge { .. }) => continue,
                plan => plan?,
            };
            let needed = plan.workspace_len() + other_bytes::<B, S>(setup.shape, MAX_CELLS);
            if needed <= bytes {
                defmt::info!(
                    "largest {} {=u32} of {=usize} bytes in {=usize}",
                    profile,
                    log2_cycles,
                    needed,
                    bytes
                );
                break;
            }
        }
    }
    Ok(())
}

/// Logs when a proof of work begins and when it is found, and how many candidates that took.
#[inline(never)]
fn grind<B: Hashes<S>, S: MachineSuite>() {
    let hasher = B::hasher(S::instance());
    let mut transcript = hasher.transcript();
    transcript.observe(F::ONE);
    defmt::info!("grind");
    let witness = hasher.grind(&mut transcript, GRIND_BITS);
    defmt::info!("tries {=u32}", witness.as_canonical_u32() + 1);
}

// What lives as long as the image is in the arena: on the stack it would lie below every frame of the
// prover. Functions of their own, so that what making it takes is gone by then.

#[inline(never)]
fn place_program(
    elf: &'static [u8],
    arena: &mut Arena,
) -> Result<&'static Program<'static>, Failure> {
    Ok(arena.place(Program::parse(elf)?)?)
}

#[inline(never)]
fn place_tables(
    program: &'static Program<'static>,
    log2_cycles: u8,
    hash: Hash,
    arena: &mut Arena,
) -> Result<&'static EpochTables<'static>, Failure> {
    Ok(arena.place(EpochTables::new(&setup(program, log2_cycles, hash)?))?)
}

#[inline(never)]
fn place_plan<B: Hashes<S>, S: MachineSuite>(
    tables: &EpochTables<'static>,
    profile: Profile,
    cells: usize,
    arena: &mut Arena,
) -> Result<&'static EpochPlan<S>, Failure>
where
    EpochTable<'static>: ProverAir<B>,
{
    // Proof bytes have been given their room already; that there is as much again leaves some for alignment.
    let others = other_bytes::<B, S>(tables.setup().shape, cells);
    let budget = arena.left().saturating_sub(others);
    Ok(arena.place(tables.plan_within::<B, S>(profile, budget)?)?)
}

#[inline(never)]
fn place_prover<B: Hashes<S>, S: MachineSuite>(
    tables: &'static EpochTables<'static>,
    plan: &'static EpochPlan<S>,
    cells: usize,
    arena: &mut Arena,
) -> Result<&'static mut EpochProver<'static, B, S>, Failure>
where
    EpochTable<'static>: ProverAir<B>,
{
    let setup = tables.setup();
    defmt::info!(
        "workspace {=usize} other {=usize} queries {=u16}",
        plan.workspace_len(),
        other_bytes::<B, S>(setup.shape, cells),
        setup.settings.params.num_queries
    );
    let buffers = EpochBuffers {
        cells: arena.take(Cell::slots_for(cells), Cell::FREE)?,
        record: arena.take(setup.shape.record_words(), 0)?,
        workspace: arena.take_uninit(plan.workspace_len())?,
    };
    defmt::info!("prepare");
    Ok(arena.place(EpochProver::<B, S>::new(tables, plan, buffers, u64::MAX)?)?)
}

/// Executes the guest and proves its epochs, `epochs` at most.
fn prove<B: Hashes<S>, S: MachineSuite>(
    prover: &mut EpochProver<'static, B, S>,
    epochs: u32,
    input: &[u8],
    sink: &mut ProofSink<'_>,
) -> Result<(), Failure>
where
    EpochTable<'static>: ProverAir<B>,
{
    let mut io = Io::new(input);
    for _ in 0..epochs {
        defmt::info!("execute");
        let epoch = prover.next(&mut io, &mut *sink)?;
        defmt::info!(
            "epoch {=u32} cycles {=u32} proof {=u64} last {=bool}",
            epoch.number,
            epoch.span.cycles,
            epoch.proof_bytes,
            epoch.exit_code.is_some()
        );
        if epoch.exit_code.is_some() {
            break;
        }
    }
    defmt::info!("output {=usize}", io.written);
    Ok(())
}
