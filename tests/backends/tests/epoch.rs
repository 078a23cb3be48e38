//! A run of the machine, proved epoch by epoch: its tables with the backend of programs, in the same bytes from every
//! build, and by any number of threads.

use std::mem::MaybeUninit;

use tranche_backend::{Chosen, Team};
use tranche_core::hash::blake3::Blake3;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::shape::Profile;
use tranche_core::{Hashes, Params};
use tranche_machine::hash::MachineSuite;
use tranche_machine::shape::{Heights, MAX_OTHERS};
use tranche_machine::{Cell, EpochBuffers, EpochProver, EpochTables, Program, Settings, Setup};
use tranche_test_support::machine::oracle::Io;

const SPIN: &[u8] = include_bytes!("../../../host-demo/guests/prebuilt/spin.elf");
const MAX_CYCLES: u64 = 1 << 16;

/// The BLAKE3 digest of all proofs of the run. It changes with the machine's tables; what is right about them is for
/// other tests, which compare with Plonky3.
const PROOFS: &str = "e33bd3e20a7d3d49873fa581d9db0de5ed55b55e7a91d56b2616c148e9d93f75";

/// The digest of the proofs of the epochs of `spin.elf`, at most so many.
fn digest<S: MachineSuite>(log2_cycles: u8, most: usize) -> blake3::Hash
where
    Chosen: Hashes<S>,
{
    let program = Program::parse(SPIN).expect("a program");
    let settings = Settings {
        log2_cycles,
        heights: Heights::Common,
        others: [None; MAX_OTHERS],
        arity: 32, // so that no merge stands between the epochs
        params: Params::DEFAULT,
        hash: S::HASH,
    };
    let setup = Setup::new(&program, settings).expect("a setup");
    let tables = EpochTables::new(&setup);
    let plan = tables.plan_in::<Chosen, S>(Profile::Fast).expect("a plan");
    let mut cells = vec![Cell::FREE; 1 << 12];
    let mut record = vec![0; setup.shape.record_words()];
    let mut workspace = vec![MaybeUninit::uninit(); plan.workspace_len()];
    let buffers = EpochBuffers {
        cells: &mut cells,
        record: &mut record,
        workspace: &mut workspace,
    };
    let mut session =
        EpochProver::<Chosen, S>::new(&tables, &plan, buffers, MAX_CYCLES).expect("a session");

    let mut io = Io::new(b"9");
    let mut proof = vec![0; 1 << 20];
    let mut digest = blake3::Hasher::new();
    for _ in 0..most {
        let epoch = session.next(&mut io, &mut proof[..]).expect("an epoch");
        digest.update(&proof[..epoch.proof_bytes as usize]);
        if epoch.exit_code.is_some() {
            break;
        }
    }
    digest.finalize()
}

#[test]
fn a_run_has_the_same_proofs_in_every_build() {
    assert_eq!(digest::<Blake3>(8, usize::MAX).to_hex().as_str(), PROOFS);
}

#[test]
fn a_run_has_the_same_proofs_by_any_number_of_threads() {
    let alone = (digest::<Blake3>(12, 1), digest::<Poseidon2>(12, 1));
    for threads in [1, 3] {
        let team = Team::new(threads);
        let together = team.work(|| (digest::<Blake3>(12, 1), digest::<Poseidon2>(12, 1)));
        assert_eq!(together, alone, "{threads} threads");
        assert_eq!(team.handed_over() > 0, threads > 1, "{threads} threads");
    }
}
