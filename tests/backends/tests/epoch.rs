//! A run of the machine, proved epoch by epoch: its tables with the backend of programs, in the same bytes from every
//! build.

use std::mem::MaybeUninit;

use tranche_backend::Chosen;
use tranche_core::Params;
use tranche_core::hash::blake3::Blake3;
use tranche_core::shape::Profile;
use tranche_machine::hash::Hash;
use tranche_machine::shape::{Heights, MAX_OTHERS};
use tranche_machine::{Cell, EpochBuffers, EpochProver, EpochTables, Program, Settings, Setup};
use tranche_test_support::machine::oracle::Io;

const SPIN: &[u8] = include_bytes!("../../../host-demo/guests/prebuilt/spin.elf");
const MAX_CYCLES: u64 = 1 << 16;

/// The BLAKE3 digest of all proofs of the run. It changes with the machine's tables; what is right about them is for
/// other tests, which compare with Plonky3.
const PROOFS: &str = "e33bd3e20a7d3d49873fa581d9db0de5ed55b55e7a91d56b2616c148e9d93f75";

#[test]
fn a_run_has_the_same_proofs_in_every_build() {
    let program = Program::parse(SPIN).expect("a program");
    let settings = Settings {
        log2_cycles: 8,
        heights: Heights::Common,
        others: [None; MAX_OTHERS],
        arity: 32, // so that no merge stands between the epochs
        params: Params::DEFAULT,
        hash: Hash::Blake3,
    };
    let setup = Setup::new(&program, settings).expect("a setup");
    let tables = EpochTables::new(&setup);
    let plan = tables
        .plan_in::<Chosen, Blake3>(Profile::Fast)
        .expect("a plan");
    let mut cells = vec![Cell::FREE; 1 << 12];
    let mut record = vec![0; setup.shape.record_words()];
    let mut workspace = vec![MaybeUninit::uninit(); plan.workspace_len()];
    let buffers = EpochBuffers {
        cells: &mut cells,
        record: &mut record,
        workspace: &mut workspace,
    };
    let mut session =
        EpochProver::<Chosen, Blake3>::new(&tables, &plan, buffers, MAX_CYCLES).expect("a session");

    let mut io = Io::new(b"9");
    let mut proof = vec![0; 1 << 20];
    let mut digest = blake3::Hasher::new();
    loop {
        let epoch = session.next(&mut io, &mut proof[..]).expect("an epoch");
        digest.update(&proof[..epoch.proof_bytes as usize]);
        if epoch.exit_code.is_some() {
            break;
        }
    }
    assert_eq!(digest.finalize().to_hex().as_str(), PROOFS);
}
