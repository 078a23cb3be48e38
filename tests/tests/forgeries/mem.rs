//! Forgeries of MEM. Where a row says a falsehood, the CPU believes it.

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_machine::EpochTable;
use tranche_machine::bus::Clock;
use tranche_machine::tables::{cpu, mem};
use tranche_test_support::machine::asm::{A1, CODE, DATA, immediate, jalr, li, load, lui, store};
use tranche_test_support::omit::Omit::{Assertion, Interaction};

use crate::registry::Entry;
use crate::witness::{Access, Witness, f, fraction};

/// The words that the data segment starts with.
const WORDS: [u32; 2] = [0x5555_5555, 0x0403_8281];

pub fn entry(clock: Clock) -> Entry<Witness> {
    let name = match clock {
        Clock::SHORT => "mem",
        _ => "mem, long clock",
    };
    let mut entry = Entry::new(name, "mem", &EpochTable::from(mem::Mem(clock)));
    gates(&mut entry, clock);
    addresses(&mut entry, clock);
    loads(&mut entry, clock);
    stores(&mut entry, clock);
    messages(&mut entry, clock);
    entry.redundant = vec![(
        Assertion(6),
        "four booleans sum to 4 at most, and with two of them op is 35 or more, which no request is; \
         receipts only add up",
    )];
    entry
}

/// Sets a1 to the data segment; then one more instruction, in CPU row 2, MEM row 0.
fn code(last: u32) -> Vec<u32> {
    [&li(A1, DATA)[..], &[last]].concat()
}

/// A load whose row of MEM is changed and which returns these halves.
fn loaded(
    clock: Clock,
    (name, offset): (&str, i32),
    change: &[(usize, F)],
    value: [i64; 2],
) -> Witness {
    let mut witness = Witness::honest(clock, &code(load(name, 5, A1, offset)), &[]);
    for &(column, value) in change {
        witness.set("mem", 0, column, value);
    }
    (0..2).for_each(|i| witness.set("mem", 0, mem::VALUE[i], f(value[i])));
    witness.write(2, value);
    witness.relink();
    witness
}

/// A load of zero from a cell that nobody has touched, by a changed address.
fn elsewhere(clock: Clock, change: &[(usize, F)]) -> Witness {
    let zero = [mem::OLD, mem::NEW, mem::HALF].concat();
    let zero = zero.into_iter().chain([mem::BYTE]).map(|c| (c, F::ZERO));
    let change: Vec<_> = zero.chain(change.iter().copied()).collect();
    loaded(clock, ("lbu", 0), &change, [0, 0])
}

/// A store of the byte 0x7f whose row of MEM is changed.
fn stored(clock: Clock, offset: i32, change: &[(usize, F)]) -> Witness {
    let store = [immediate("addi", 6, 0, 0x7f), store("sb", 6, A1, offset)];
    let code = [&li(A1, DATA)[..], &store].concat();
    let mut witness = Witness::honest(clock, &code, &[]);
    for &(column, value) in change {
        witness.set("mem", 0, column, value);
    }
    witness.relink();
    witness
}

/// A store of a word that no instruction asks for.
fn unasked(clock: Clock) -> Witness {
    let nothing = immediate("addi", 0, 0, 0);
    let mut witness = Witness::honest(clock, &code(store("sw", A1, A1, 0)), &[]);
    witness.claim(&code(nothing));
    witness.fetch(2);
    witness.set_word("cpu", 2, cpu::A, 0);
    witness.write_word(2, 0);
    witness.relink();
    witness
}

fn gates(entry: &mut Entry<Witness>, clock: Clock) {
    let padding = |change: &[(usize, i64)]| {
        let mut witness = Witness::honest(clock, &[], &[]);
        for &(column, value) in change {
            witness.set("mem", 0, column, f(value));
        }
        witness
    };
    for (k, change) in [
        (0, [(mem::IS_BYTE, -1), (mem::IS_HALF, 1)]),
        (1, [(mem::IS_HALF, -1), (mem::IS_BYTE, 1)]),
        (2, [(mem::IS_WORD, -1), (mem::IS_BYTE, 1)]),
    ] {
        let name = format!("padding of kinds {change:?} that cancel");
        entry.forge(Assertion(k), name, padding(&change));
    }
    let mut silent = unasked(clock);
    silent.set("mem", 0, mem::IS_JALR, F::NEG_ONE);
    entry.forge(
        Assertion(3),
        "a store that asks nobody, as a jump of -1",
        silent,
    );
    entry.forge(
        Assertion(4),
        "padding that stores twice",
        padding(&[(mem::IS_STORE, 2)]),
    );
    entry.forge(
        Assertion(5),
        "padding that is signed twice",
        padding(&[(mem::IS_SIGNED, 2)]),
    );
    let twice = [(mem::IS_SIGNED, 1), (mem::SIGN, 2)];
    entry.forge(Assertion(25), "padding of sign 2", padding(&twice));
}

fn addresses(entry: &mut Entry<Witness>, clock: Clock) {
    let half = fraction(-1, 1);
    let by_one = [
        (mem::BIT[0], F::ONE),
        (mem::HIGH[0], f(2)),
        (mem::HIGH[1], f(30720 >> 8)),
    ];
    entry.forge(
        Assertion(7),
        "an address with a carry of 30720",
        elsewhere(clock, &by_one),
    );
    let high = [(mem::HIGH[0], f(3))];
    entry.forge(
        Assertion(8),
        "an address 2^16 further",
        elsewhere(clock, &high),
    );

    entry.forge(
        Assertion(8),
        "a jump to T through the word T + p",
        far_jump(clock),
    );

    // The byte at 4 is taken from the word before.
    for (k, bit, value) in [(9, mem::BIT[0], 4), (10, mem::BIT[1], 2)] {
        let mut change = vec![(mem::Q[0], F::ZERO), (bit, f(value)), (mem::BYTE, f(0x55))];
        for c in [mem::OLD, mem::NEW].as_flattened() {
            change.push((*c, f(0x5555)));
        }
        change.extend(mem::HALF.map(|c| (c, f(0x55))));
        let mut witness = loaded(clock, ("lbu", 4), &change, [0x55, 0]);
        witness.enter(DATA / 4, WORDS[0]);
        witness.relink();
        entry.forge(Assertion(k), "an address of 4 by bits alone", witness);
    }

    for (k, name, offset, bit) in [(11, "lh", 1, mem::BIT[0]), (12, "lw", 2, mem::BIT[1])] {
        let mut witness = Witness::honest(clock, &code(load(name, 5, A1, 0)), &[]);
        witness.claim(&code(load(name, 5, A1, offset)));
        witness.fetch(2);
        witness.set("mem", 0, mem::OFFSET, f(offset.into()));
        witness.set("mem", 0, bit, F::ONE);
        entry.forge(Assertion(k), format!("{name} at {offset}"), witness);
    }

    // Half a word back and two bytes on: the address, but another cell.
    let low = [(mem::BIT[1], F::ONE), (mem::Q[0], half)];
    entry.forge(
        Interaction(0),
        "a cell and a half, in its low bits",
        elsewhere(clock, &low),
    );
    let middle = [(mem::BIT[1], F::ONE), (mem::Q[1], half * fraction(1, 8))];
    entry.forge(
        Interaction(1),
        "a cell and a half, in its middle bits",
        elsewhere(clock, &middle),
    );
    let low = [(mem::HIGH[0], f(2 - 65536))];
    entry.forge(
        Interaction(2),
        "a high half below zero",
        elsewhere(clock, &low),
    );
    let high = [(mem::HIGH[1], f(-256))];
    entry.forge(
        Interaction(3),
        "a high half below zero, in its high byte",
        elsewhere(clock, &high),
    );
}

/// CODE + p - 1 + 9 is the target, the exit, plus p: no halves of it are the target's.
fn far_jump(clock: Clock) -> Witness {
    const P: u32 = 0x7800_0001;
    let code = |base| [lui(1, base), jalr(0, 1, 9)];
    let far = CODE + P - 1;
    let mut witness = Witness::honest(clock, &code(CODE), &[]);
    witness.claim(&code(far));
    witness.fetch(0);
    witness.write_word(0, far);
    witness.set_word("cpu", 1, cpu::A, far);
    witness.set_word("mem", 0, mem::BASE, far);
    witness.relink();
    witness
}

fn loads(entry: &mut Entry<Witness>, clock: Clock) {
    let set = |columns: &[(usize, i64)]| -> Vec<(usize, F)> {
        columns
            .iter()
            .map(|&(column, value)| (column, f(value)))
            .collect()
    };
    type Case<'a> = (usize, (&'a str, i32), &'a [(usize, i64)], [i64; 2]);
    let cases: [Case<'_>; 12] = [
        (13, ("lbu", 0), &[(mem::HALF[0], 7), (mem::BYTE, 7)], [7, 0]),
        (
            14,
            ("lbu", 0),
            &[(mem::NEW[0], 0x5556), (mem::BYTE, 0x56)],
            [0x56, 0],
        ),
        (
            15,
            ("lbu", 2),
            &[(mem::NEW[1], 0x5556), (mem::BYTE, 0x56)],
            [0x56, 0],
        ),
        (16, ("lw", 0), &[], [7, 0x5555]),
        (17, ("lw", 0), &[], [0x5555, 7]),
        (20, ("lhu", 0), &[], [7, 0]),
        (21, ("lbu", 0), &[(mem::BYTE, 7)], [7, 0]),
        (22, ("lbu", 0), &[], [0x355, 0]),
        (23, ("lbu", 0), &[], [0x55, 9]),
        (23, ("lhu", 0), &[], [0x5555, 9]),
        (
            24,
            ("lh", 0),
            &[(mem::BYTE, 0x80), (mem::SIGN, 1)],
            [0x5555, 0xffff],
        ),
        (26, ("lbu", 4), &[(mem::SIGN, 1)], [0xff81, 0xffff]),
    ];
    for (k, (name, offset), change, value) in cases {
        let what = format!("{name} at {offset} returns {value:x?}");
        let witness = loaded(clock, (name, offset), &set(change), value);
        entry.forge(Assertion(k), what, witness);
    }
    let behind = behind();
    let change = set(&[
        (mem::HALF[0], 0x155),
        (mem::HALF[1], 0x54),
        (mem::BYTE, 0x54),
    ]);
    let witness = loaded(clock, ("lbu", 1), &change, [0x54, 0]);
    entry.forge(Interaction(behind), "a low byte of 9 bits", witness);
    let mut change = set(&[(mem::HALF[0], 0x54), (mem::BYTE, 0x54)]);
    change.push((mem::HALF[1], fraction(0x5555 - 0x54, 8)));
    let witness = loaded(clock, ("lbu", 0), &change, [0x54, 0]);
    entry.forge(Interaction(behind + 1), "a high byte that is none", witness);
    let witness = loaded(clock, ("lb", 4), &set(&[(mem::SIGN, 0)]), [0x81, 0]);
    entry.forge(Interaction(behind + 3), "0x81 without its sign", witness);
}

fn stores(entry: &mut Entry<Witness>, clock: Clock) {
    // 0x7f in place of 0x55, and one more and one less in the half beside it.
    let witness = stored(
        clock,
        2,
        &[(mem::NEW[0], f(0x5554)), (mem::NEW[1], f(0x5580))],
    );
    entry.forge(
        Assertion(18),
        "a store that changes the low half too",
        witness,
    );
    let witness = stored(
        clock,
        0,
        &[(mem::NEW[0], f(0x557e)), (mem::NEW[1], f(0x5556))],
    );
    entry.forge(
        Assertion(19),
        "a store that changes the high half too",
        witness,
    );
    let witness = stored(clock, 0, &[(mem::NEW[0], f(0x557e)), (mem::BYTE, f(0x7e))]);
    entry.forge(
        Interaction(behind() + 2),
        "a store of another byte",
        witness,
    );
}

/// The first interaction behind the access.
fn behind() -> usize {
    8
}

fn messages(entry: &mut Entry<Witness>, clock: Clock) {
    let change = [mem::OLD, mem::NEW].map(|c| [(c[0], f(7)), (c[1], F::ZERO)]);
    let mut witness = loaded(clock, ("lw", 0), change.as_flattened(), [7, 0]);
    witness.relink_but(|access| access.table == "mem", None);
    entry.forge_all(&[4, 5].map(Interaction), "a load from nowhere", witness);

    let body = [
        immediate("addi", 6, 0, 77),
        load("lw", 5, A1, 0),
        store("sw", 6, A1, 0),
    ];
    for limb in 0..2 {
        let mut witness = Witness::honest(clock, &[&li(A1, DATA)[..], &body].concat(), &[]);
        for columns in [mem::OLD, mem::NEW, mem::VALUE] {
            witness.set_word("mem", 0, columns, 77);
        }
        witness.write_word(3, 77);
        let late = Access {
            table: "mem",
            row: 0,
            number: 0,
        };
        witness.relink_but(|_| false, Some(late));
        let elapsed =
            witness.get("mem", 0, mem::CLK) + F::ONE - witness.get("mem", 0, mem::PREVIOUS);
        witness.set_elapsed("mem", 0, mem::ELAPSED, elapsed, limb);
        let name = format!("a load of what is stored later, in part {limb}");
        entry.forge(Interaction(6 + limb), name, witness);
    }
    entry.forge(
        Interaction(behind() + 4),
        "a store that nobody asks for",
        unasked(clock),
    );
}
