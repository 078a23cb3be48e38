//! The main flow: plan an epoch, place every buffer in the static arena, execute and prove.

use tranche_core::air::ProverAir;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::shape::Profile;
use tranche_core::{Hashes, PlanError};
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

/// Cells of memory and output that a guest may touch.
const MAX_CELLS: usize = 2048;
/// Proof bytes that are gathered before the host is called.
const SINK_BYTES: usize = 4096;

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
pub fn run<B: Hashes>() -> Result<(), Failure>
where
    EpochTable<'static>: ProverAir<B>,
{
    let mut arena = metal::arena();
    let line = metal::receive_job(arena.take(MAX_BYTES, 0)?);
    let job = Job::parse(line).ok_or(Failure::Job)?;
    let program = place_program(job.elf, &mut arena)?;
    match job.task {
        Task::Largest => largest::<B>(program, arena.left()),
        Task::Prove {
            log2_cycles,
            profile,
            epochs,
            input,
        } => {
            let mut sink = ProofSink::new(arena.take(SINK_BYTES, 0)?);
            let tables = place_tables(program, log2_cycles, &mut arena)?;
            let plan = place_plan::<B>(tables, profile, &mut arena)?;
            let prover = place_prover::<B>(tables, plan, &mut arena)?;
            prove(prover, epochs, input, &mut sink)
        }
    }
}

/// The setup of epochs of 2^`log2_cycles` cycles at the default parameters.
fn setup<'a>(program: &'a Program<'a>, log2_cycles: u8) -> Result<Setup<'a>, SetupError> {
    let settings = Settings {
        log2_cycles,
        ..Settings::default()
    };
    Setup::secure(program, settings, SECURITY_FLOOR_BITS)
}

/// Bytes of everything but the workspace.
const fn other_bytes<B: Hashes>(shape: EpochShape) -> usize {
    size_of::<EpochPlan>()
        + size_of::<EpochProver<'_, B>>()
        + shape.record_bytes() as usize
        + Cell::slots_for(MAX_CELLS) * size_of::<Cell>()
        + SINK_BYTES
}

/// Logs the longest epoch of each profile whose buffers take at most `bytes`.
#[inline(never)]
fn largest<B: Hashes>(program: &'static Program<'static>, bytes: usize) -> Result<(), Failure>
where
    EpochTable<'static>: ProverAir<B>,
{
    for profile in [Profile::Fast, Profile::Compact] {
        for log2_cycles in (MIN_LOG2_CYCLES..=MAX_LOG2_CYCLES).rev() {
            let setup = match setup(program, log2_cycles as u8) {
                // The longest epochs may have too few bits, whatever the queries.
                Err(SetupError::Security { .. }) => continue,
                setup => setup?,
            };
            let plan = match EpochTables::new(&setup).plan_in::<B, Poseidon2>(profile) {
                // Nor does an address have room for them.
                Err(PlanError::TooLarge { .. }) => continue,
                plan => plan?,
            };
            let needed = plan.workspace_len() + other_bytes::<B>(setup.shape);
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
    arena: &mut Arena,
) -> Result<&'static EpochTables<'static>, Failure> {
    Ok(arena.place(EpochTables::new(&setup(program, log2_cycles)?))?)
}

#[inline(never)]
fn place_plan<B: Hashes>(
    tables: &EpochTables<'static>,
    profile: Profile,
    arena: &mut Arena,
) -> Result<&'static EpochPlan, Failure>
where
    EpochTable<'static>: ProverAir<B>,
{
    Ok(arena.place(tables.plan_in::<B, _>(profile)?)?)
}

#[inline(never)]
fn place_prover<B: Hashes>(
    tables: &'static EpochTables<'static>,
    plan: &'static EpochPlan,
    arena: &mut Arena,
) -> Result<&'static mut EpochProver<'static, B>, Failure>
where
    EpochTable<'static>: ProverAir<B>,
{
    let setup = tables.setup();
    defmt::info!(
        "workspace {=usize} other {=usize} queries {=u16}",
        plan.workspace_len(),
        other_bytes::<B>(setup.shape),
        setup.settings.params.num_queries
    );
    let buffers = EpochBuffers {
        cells: arena.take(Cell::slots_for(MAX_CELLS), Cell::FREE)?,
        record: arena.take(setup.shape.record_words(), 0)?,
        workspace: arena.take_uninit(plan.workspace_len())?,
    };
    defmt::info!("prepare");
    Ok(arena.place(EpochProver::<B>::new(tables, plan, buffers, u64::MAX)?)?)
}

/// Executes the guest and proves its epochs, `epochs` at most.
fn prove<B: Hashes>(
    prover: &mut EpochProver<'static, B>,
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
