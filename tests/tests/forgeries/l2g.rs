//! Forgeries of L2G.

use std::collections::BTreeSet;

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_machine::EpochTable;
use tranche_machine::bus::Clock;
use tranche_machine::cells::register;
use tranche_machine::tables::l2g::{L2g, columns as l2g};
use tranche_test_support::audit::Flaw;
use tranche_test_support::machine::asm::immediate;
use tranche_test_support::omit::Omit::{Assertion, Interaction};

use crate::registry::{Entry, Witness as _};
use crate::witness::{Witness, f, fraction};

pub fn entry() -> Entry<Witness> {
    let mut entry = Entry::new("l2g", "l2g", &EpochTable::from(L2g));
    entry.forge(Assertion(0), "cells that count 2 and -1 times", uneven());
    let access = [0, 1].map(Interaction);
    entry.forge_all(
        &access,
        "a cell left otherwise than found by no cycle",
        idle_write(),
    );
    for limb in 0..3_u8 {
        for init_epoch in [1, 2, 1 << 23] {
            let name = format!("a cell found as epoch {init_epoch} left it, by epoch 1");
            entry.forge(
                Interaction(2 + usize::from(limb)),
                name,
                init_from(init_epoch, limb),
            );
        }
    }
    entry
}

fn honest() -> Witness {
    Witness::honest(Clock::SHORT, &[immediate("addi", 5, 0, 3)], &[])
}

/// 2 - 1 = 1: the machine finds its tokens, the merge two cells.
fn uneven() -> Witness {
    let mut witness = honest();
    let at = witness.touched(register(5));
    let free = witness.free_row("l2g", [l2g::REAL]);
    let row = witness.row("l2g", at).to_vec();
    witness.row("l2g", free).copy_from_slice(&row);
    witness.set("l2g", at, l2g::REAL, F::TWO);
    witness.set("l2g", free, l2g::REAL, F::NEG_ONE);
    witness
}

/// An epoch of no cycles that changes a register.
fn idle_write() -> Witness {
    let mut witness = honest();
    let entry = witness.traces.public[0][0];
    witness.stop(0, entry);
    let row = witness.row("l2g", 0);
    row[l2g::CELL] = F::from_u32(register(5));
    row[l2g::FINI_LO] = f(7);
    row[l2g::FINI_TIMESTAMP] = f(3);
    row[l2g::REAL] = F::ONE;
    witness
}

/// The gap, which is below zero, put into one limb.
fn init_from(init_epoch: i64, limb: u8) -> Witness {
    let mut witness = honest();
    let at = witness.touched(register(5));
    witness.set("l2g", at, l2g::INIT_EPOCH, f(init_epoch));
    for (i, column) in (0..).zip(l2g::GAP) {
        let value = if i == limb {
            fraction(-init_epoch, 8 * u32::from(limb))
        } else {
            F::ZERO
        };
        witness.set("l2g", at, column, value);
    }
    witness
}

/// What a row says has to agree with the accesses, which no check of L2G alone sees.
#[test]
fn a_row_silenced_and_a_final_value_forged() {
    for (column, value) in [(l2g::REAL, F::ZERO), (l2g::FINI_LO, f(5))] {
        let mut witness = honest();
        let at = witness.touched(register(5));
        witness.set("l2g", at, column, value);
        assert_eq!(
            witness.flaws("l2g", &[]),
            BTreeSet::from([Flaw::Bus("mem".into())])
        );
    }
}
