//! Forgeries under Plonky3's own prover and verifier.

use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::verifier::VerifyError;
use tranche_machine::EpochTable;
use tranche_test_support::machine::audit::{airs, recount};
use tranche_test_support::omit::Omit::{self, Assertion};
use tranche_test_support::omit::Omitting;
use tranche_test_support::params::PARAMS;
use tranche_test_support::reference::Batch;

use crate::registry::{Entry, Forgery};
use crate::witness::Witness;

/// The witness as a batch of tables of which one lacks some checks; multiplicities are the best that
/// its prover can choose.
fn batch(witness: &Witness, table: &str, omit: &[Omit]) -> Batch<Omitting<EpochTable<'static>>> {
    let mut traces = witness.traces.clone();
    recount(&mut traces, table, omit);
    Batch {
        carved: vec![false; traces.tables.len()],
        airs: airs(&traces, table, omit),
        traces: traces.main,
        publics: traces.public,
        params: PARAMS,
        statement: None,
        suite: Poseidon2::BABY_BEAR,
    }
}

/// Proves a forgery twice. The proof under the table without the check is accepted by its verifier,
/// and refused by the real one's; so is the proof under the real table.
fn prove(entry: &Entry<Witness>, forgery: &Forgery<Witness>) {
    let Forgery {
        name,
        omits,
        witness,
    } = forgery;
    let what = format!("{}: {name} ({omits:?})", entry.name);
    let index = witness.traces.index(entry.table);
    let without = batch(witness, entry.table, omits);
    let real = batch(witness, entry.table, &[]);

    let proof = without.prove();
    without.verify(&proof).expect(&what);
    let constraints = VerifyError::Constraints { table: index };
    assert_eq!(
        real.verify(&proof).unwrap_err(),
        constraints,
        "{what}: the proof without"
    );
    let reason = match omits[0] {
        Assertion(_) => constraints,
        _ => VerifyError::Buses,
    };
    assert_eq!(
        real.verify(&real.prove()).unwrap_err(),
        reason,
        "{what}: the proof with"
    );
}

/// Proves every forgery of these tables.
pub fn prove_all(entries: &[Entry<Witness>]) {
    for entry in entries {
        for forgery in &entry.forgeries {
            prove(entry, forgery);
        }
    }
}
