//! A proof of one epoch of the machine, executed before it in the same run.

use std::mem::MaybeUninit;

use tranche_core::Hashes;
use tranche_core::air::ProverAir;
use tranche_core::shape::Profile;
use tranche_machine::hash::MachineSuite;
use tranche_machine::{
    Cell, EpochBuffers, EpochProver, EpochTable, EpochTables, GuestIo, Program, Settings, Setup,
};

const GUEST: &[u8] = include_bytes!("../../../host-demo/guests/prebuilt/json.elf");
/// log2 of the cycles of an epoch.
const LOG2_CYCLES: u8 = 12;
/// Cells of memory and output that the guest may touch.
const MAX_CELLS: usize = 4096;
/// Bytes that a proof takes at most.
const MAX_PROOF_BYTES: usize = 4 << 20;

/// A guest's input, and nobody who keeps its output.
struct Input(&'static [u8]);

impl GuestIo for Input {
    fn read(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    fn write(&mut self, _: u8) {}
}

/// Proves one epoch so many times.
pub fn prove<B: Hashes<S>, S: MachineSuite>(calls: usize)
where
    for<'a> EpochTable<'a>: ProverAir<B>,
{
    let program = Program::parse(GUEST).expect("a guest");
    let settings = Settings {
        log2_cycles: LOG2_CYCLES,
        hash: S::HASH,
        ..Settings::default()
    };
    let setup = Setup::new(&program, settings).expect("settings within their caps");
    let tables = EpochTables::new(&setup);
    let plan = tables.plan_in::<B, S>(Profile::Fast).expect("a plan");
    let mut cells = vec![Cell::FREE; Cell::slots_for(MAX_CELLS)];
    let mut record = vec![0; setup.shape.record_words()];
    let mut workspace = vec![MaybeUninit::uninit(); plan.workspace_len()];
    let mut proof = vec![0; MAX_PROOF_BYTES];
    for _ in 0..calls {
        cells.fill(Cell::FREE);
        let buffers = EpochBuffers {
            cells: &mut cells,
            record: &mut record,
            workspace: &mut workspace,
        };
        let mut prover = EpochProver::<B, S>::new(&tables, &plan, buffers, u64::MAX).expect("room");
        let input = br#"{"key":[1,2,3,{"name":"value"}],"more":[true,false,null]}"#;
        prover
            .next(&mut Input(input), &mut proof[..])
            .expect("an epoch");
    }
}
