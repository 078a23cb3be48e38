//! Forgeries of PUBLIC: reads of public input that move other bytes, from elsewhere, too few or too many.

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_machine::EpochTable;
use tranche_machine::bus::Clock;
use tranche_machine::cells::{IN, IN_LEN, IN_POSITION, IN_START, PROGRESS};
use tranche_machine::tables::l2g::columns as l2g;
use tranche_machine::tables::public::{
    BYTE, CARRY, CHECKED, CHECKED_LOW, CLK, DONE, ELAPSED, HALF, HALF_LOW, IS_BYTE, IS_FULL,
    IS_SHORT, IS_WORD, PC, PLACE, POSITION, PREVIOUS, Public, WANTED, WORD,
};
use tranche_machine::tables::{cpu, public, sys};
use tranche_test_support::machine::asm::{A0, A2, A7, DATA, ECALL, immediate, li, lui};
use tranche_test_support::omit::Omit::{Assertion, Interaction};

use crate::registry::Entry;
use crate::sys::{READ, SETS_A0, SETS_A2, call};
use crate::witness::{Access, Witness, f};

/// Halves of -1, of which the high one has 2^16 · 0x7800 = -1 for a value.
const WRAP: i64 = 0x7800;
/// Messages of an access.
const ACCESS: usize = 4;
/// The kinds of rows.
const KINDS: [usize; 4] = [IS_BYTE, IS_WORD, IS_FULL, IS_SHORT];

pub fn entry(clock: Clock) -> Entry<Witness> {
    let name = match clock {
        Clock::SHORT => "public",
        _ => "public, long clock",
    };
    let mut entry = Entry::new(name, "public", &EpochTable::from(Public(clock)));
    kinds(&mut entry, clock);
    positions(&mut entry, clock);
    ends(&mut entry, clock);
    bytes(&mut entry, clock);
    accesses(&mut entry, clock);
    checked(&mut entry, clock);
    entry
}

/// A read of so many bytes of a public input.
fn read(clock: Clock, wanted: i32, public: &'static [u8]) -> Witness {
    Witness::honest_on(clock, &call(READ, 3, wanted), &[], public)
}

fn set_row(witness: &mut Witness, row: usize, change: &[(usize, i64)]) {
    for &(column, value) in change {
        witness.set("public", row, column, f(value));
    }
}

/// The same read with changes to a row.
fn changed(mut witness: Witness, row: usize, change: &[(usize, i64)]) -> Witness {
    set_row(&mut witness, row, change);
    witness.relink();
    witness
}

/// Makes the epoch find the input read up to a position, its halves, as an earlier epoch left it.
fn stand(witness: &mut Witness, position: [i64; 2]) {
    for cell in [IN_POSITION, IN_START] {
        witness.found(cell, position);
    }
}

/// Makes every call see this a2; `set` is the CPU row that writes it.
fn want(witness: &mut Witness, set: usize, wanted: u32) {
    witness.write_word(set, wanted);
    for (table, clk, columns) in [("public", CLK, WANTED), ("sys", sys::CLK, sys::WANTED)] {
        for row in 0..witness.height(table) {
            let clk = witness.get(table, row, clk);
            if clk != F::ZERO {
                witness.set_word(table, row, columns, wanted);
                let cycle = witness.find("cpu", |cycle| cycle[cpu::CLK] == clk);
                witness.set_word("cpu", cycle, cpu::B, wanted);
            }
        }
    }
}

fn kinds(entry: &mut Entry<Witness>, clock: Clock) {
    for (check, [kind, other]) in [
        (0, [IS_BYTE, IS_WORD]),
        (1, [IS_WORD, IS_BYTE]),
        (2, [IS_FULL, IS_SHORT]),
        (3, [IS_SHORT, IS_FULL]),
    ] {
        let mut witness = read(clock, 0, b"a");
        let free = witness.free_row("public", KINDS);
        let witness = changed(witness, free, &[(kind, -1), (other, 1)]);
        entry.forge(Assertion(check), "padding of kinds that cancel", witness);
    }
    entry.redundant.push((
        Assertion(4),
        "a row of n kinds receives a request n times, which the CPU sends once, since it has a \
         clock; receipts only add up",
    ));
    let mut long = read(clock, 2, b"ab");
    long.claim(&call(READ, 3, 1));
    long.fetch(SETS_A2);
    want(&mut long, SETS_A2, 1);
    let change = [
        (IS_FULL, 0),
        (IS_SHORT, 1),
        (CARRY, -WRAP),
        (CHECKED[0], 0),
        (CHECKED[1], WRAP),
    ];
    let long = changed(long, 2, &change);
    entry.forge(Assertion(5), "a read of one byte that reads two", long);
}

fn positions(entry: &mut Entry<Witness>, clock: Clock) {
    // Equal bytes, so that the place within a word makes no difference.
    for (bit, value) in [(0, 4), (1, 2)] {
        let mut witness = read(clock, 1, b"aaaabbbb");
        stand(&mut witness, [4, 0]);
        let end = [
            (POSITION[0], 5),
            (WORD[0], 4),
            (CHECKED[0], 3),
            (CHECKED_LOW[0], 3),
        ];
        set_row(&mut witness, 1, &end);
        let change = [(POSITION[0], 4), (PLACE[bit], value)];
        let witness = changed(witness, 0, &change);
        let name = format!("the first byte as the fifth, by bit {bit}");
        entry.forge(Assertion(6 + bit), name, witness);
    }
    // Bytes alike again, of which the second step moves the first.
    let twice = changed(read(clock, 2, b"aa"), 1, &[(PLACE[0], 0)]);
    entry.forge(Assertion(8), "a byte that is read twice", twice);

    let mut far = read(clock, 1, b"a");
    stand(&mut far, [0, 1]);
    far.found(IN_LEN, [1, 1]);
    set_row(&mut far, 0, &[(POSITION[1], 1)]);
    let end = [(POSITION[1], 1), (WORD[1], 1), (public::ARGUMENT[1], 1)];
    let far = changed(far, 1, &end);
    let name = "the first byte as that at 2^16";
    entry.forge(Assertion(9), name, far);

    let mut beyond = read(clock, 1, b"a");
    stand(&mut beyond, [0, 0x100]);
    beyond.found(IN_LEN, [1, 0x100]);
    // The input has the same word there.
    let word = beyond.touched(IN);
    beyond.set("l2g", word, l2g::CELL, F::from_u32(IN + (1 << 22)));
    let high = [
        (POSITION[1], 0x100),
        (CHECKED[1], 0x100),
        (CHECKED_LOW[1], 0),
    ];
    set_row(&mut beyond, 0, &high);
    let end = [
        (POSITION[1], 0x100),
        (WORD[1], 0x100),
        (public::ARGUMENT[1], 0x100),
    ];
    let beyond = changed(beyond, 1, &end);
    let name = "an input of more than 2^24 bytes";
    entry.forge(Assertion(14), name, beyond);
}

fn ends(entry: &mut Entry<Witness>, clock: Clock) {
    let mut short = read(clock, 1, b"ab");
    short.claim(&call(READ, 3, 2));
    short.fetch(SETS_A2);
    want(&mut short, SETS_A2, 2);
    short.relink();
    entry.forge(Assertion(10), "a read of two bytes that reads one", short);
    let wide = |high| {
        let set = |register, value| immediate("addi", register, 0, value);
        let registers = [
            lui(A2, high),
            immediate("addi", A2, A2, 1),
            set(A0, 3),
            set(A7, READ),
        ];
        [&registers[..], &li(11, DATA), &[ECALL, set(A0, 0)]].concat()
    };
    let mut short = Witness::honest_on(clock, &wide(0), &[], b"ab");
    short.claim(&wide(0x1_0000));
    short.fetch(0);
    short.write_word(0, 0x1_0000);
    short.set_word("cpu", 1, cpu::A, 0x1_0000);
    want(&mut short, 1, 0x1_0001);
    short.relink();
    let name = "a read of 0x10001 bytes that reads one";
    entry.forge(Assertion(11), name, short);

    let mut past = read(clock, 2, b"a\0");
    past.found(IN_LEN, [1, 0]);
    let past = changed(past, 2, &[(public::ARGUMENT[0], 1)]);
    entry.forge(Assertion(12), "a read past the end of the input", past);
    let mut early = read(clock, 4, b"ab");
    early.found(IN_LEN, [3, 0]);
    let early = changed(early, 2, &[(public::ARGUMENT[0], 3)]);
    entry.forge(Assertion(12), "a read that ends ahead of the input", early);
    let mut past = read(clock, 2, b"a\0");
    past.found(IN_LEN, [1, 0]);
    let change = [
        (public::ARGUMENT[0], 1),
        (CHECKED[1], WRAP),
        (CHECKED_LOW[1], 0),
    ];
    let past = changed(past, 2, &change);
    entry.forge(Assertion(14), "a read past the end of the input", past);

    entry.forge(
        Assertion(13),
        "private bytes in place of public ones",
        private(clock),
    );
    let mut skipped = read(clock, 1, b"ab");
    skipped.found(IN_START, [-1, 0]);
    let skipped = changed(skipped, 1, &[(WORD[0], -1)]);
    let name = "a byte that an earlier call moved and did not return";
    entry.forge(Assertion(13), name, skipped);

    let wide_done = wide_done(clock);
    let done = 1 + 4 * ACCESS;
    let name = "a read of no byte that returns as many as the field's order";
    entry.forge(Interaction(done), name, wide_done);
}

/// The byte is moved by a step of SYS, as one of private input.
fn private(clock: Clock) -> Witness {
    let mut witness = read(clock, 1, b"a");
    let [clk, pc, byte] = [CLK, PC, BYTE].map(|column| witness.get("public", 0, column));
    let argument = public::ARGUMENT.map(|column| witness.get("public", 0, column));
    witness.clear("public", 0);
    let free = witness.free_row("sys", sys::IS_EXIT..=sys::IS_READ_END);
    let row = [
        (sys::IS_READ_BYTE, F::ONE),
        (sys::CLK, clk),
        (sys::PC, pc),
        (sys::WANTED[0], F::ONE),
        (sys::MOVED[0], byte),
        (sys::MOVED_LOW[0], byte),
        (sys::ADDED[0], byte),
    ];
    for (column, value) in row {
        witness.set("sys", free, column, value);
    }
    for half in 0..2 {
        for columns in [sys::ARGUMENT, sys::RETURNED] {
            witness.set("sys", free, columns[half], argument[half]);
        }
    }
    // Nothing of the input is read.
    let end = [(POSITION[0], 0), (CHECKED[0], 1), (CHECKED_LOW[0], 1)];
    changed(witness, 1, &end)
}

/// An earlier epoch left a progress of the field's order, which is 0 as an element.
fn wide_done(clock: Clock) -> Witness {
    const ORDER: u32 = 0x7800_0001;
    let code = |high| {
        let set = |register, value| immediate("addi", register, 0, value);
        let registers = [lui(A2, high), set(A0, 3), set(A7, READ)];
        let more = immediate("addi", A2, A2, i32::from(high != 0));
        [&registers[..], &[more, ECALL, set(A0, 0)]].concat()
    };
    let mut witness = Witness::honest_on(clock, &code(0), &[], b"a");
    witness.claim(&code(ORDER - 1));
    witness.fetch(0);
    witness.write_word(0, ORDER - 1);
    witness.fetch(3);
    witness.set_word("cpu", 3, cpu::A, ORDER - 1);
    want(&mut witness, 3, ORDER);
    witness.found(PROGRESS, [1, WRAP]);
    witness.set_word("public", 0, DONE, ORDER);
    witness.relink();
    witness
}

fn bytes(entry: &mut Entry<Witness>, clock: Clock) {
    let mut word = read(clock, 4, b"abcdefgh");
    stand(&mut word, [1, 0]);
    let end = [
        (POSITION[0], 5),
        (WORD[0], 1),
        (CHECKED[0], 3),
        (CHECKED_LOW[0], 3),
    ];
    set_row(&mut word, 1, &end);
    let word = changed(word, 0, &[(POSITION[0], 1), (PLACE[0], 1)]);
    entry.forge(Assertion(15), "the first word as that at 1", word);

    // The input begins with another byte than the one that is moved.
    let other = i64::from(u16::from_le_bytes(*b"zb"));
    let first = |change: &[(usize, i64)]| {
        let mut witness = read(clock, 1, b"ab");
        witness.found(IN, [other, 0]);
        set_row(&mut witness, 0, &[(WORD[0], other)]);
        changed(witness, 0, change)
    };
    let name = "a byte that the input has not";
    entry.forge(Assertion(16), name, first(&[]));
    let low = i64::from(b'z');
    entry.forge(
        Assertion(17),
        name,
        first(&[(HALF, other), (HALF_LOW, low)]),
    );

    let half = 1 + 4 * ACCESS + 5;
    let mut second = read(clock, 1, b"ab");
    stand(&mut second, [1, 0]);
    let end = [
        (POSITION[0], 2),
        (WORD[0], 1),
        (CHECKED[0], 0),
        (CHECKED_LOW[0], 0),
    ];
    set_row(&mut second, 1, &end);
    // The byte that is moved is an 'a' at place 1, the input has a 'b' there.
    let low = i64::from(u16::from_le_bytes(*b"ab")) - (i64::from(b'a') << 8);
    let change = [(POSITION[0], 1), (PLACE[0], 1), (HALF_LOW, low)];
    entry.forge(Interaction(half), name, changed(second, 0, &change));
    let first = first(&[(HALF, other)]);
    entry.forge(Interaction(half + 1), name, first);
}

fn accesses(entry: &mut Entry<Witness>, clock: Clock) {
    let at = |number: usize| 1 + number * ACCESS;
    entry.forge(
        Interaction(0),
        "bytes that no cycle asks for",
        unasked(clock),
    );
    for (number, name) in [
        (0, "a descriptor that is not a0"),
        (1, "an address that is not a1"),
        (2, "a position that is not kept"),
        (3, "a byte that the input has not"),
    ] {
        let mut witness = read(clock, 1, b"ab");
        let is = |access: Access| (access.table, access.number) == ("public", number);
        witness.relink_but(is, None);
        let check = [at(number), at(number) + 1].map(Interaction);
        entry.forge_all(&check, name, witness);
    }
    for limb in 0..2 {
        let late = |mut witness: Witness, row, number| {
            let access = Access {
                table: "public",
                row,
                number,
            };
            witness.relink_but(|_| false, Some(access));
            let previous = witness.get("public", row, PREVIOUS[number]);
            let elapsed = witness.get("public", row, CLK) + F::ONE - previous;
            witness.set_elapsed("public", row, ELAPSED[number], elapsed, limb);
            witness
        };
        let check = |number| Interaction(at(number) + 2 + limb);
        let name = format!("a descriptor that is set later, in part {limb}");
        entry.forge(check(0), name, late(descriptor_set_later(clock), 0, 0));
        for number in [1, 3] {
            let name = format!("an access out of turn, in part {limb}");
            let witness = late(read(clock, 2, b"ab"), 0, number);
            entry.forge(check(number), name, witness);
        }
        let mut swapped = read(clock, 2, b"aa");
        for (row, position) in [(0, 1), (1, 0)] {
            let change = [(POSITION[0], position), (PLACE[0], position)];
            set_row(&mut swapped, row, &change);
        }
        // The end finds what the second byte left.
        swapped.found(IN_START, [-1, 0]);
        let end = [
            (POSITION[0], 1),
            (WORD[0], -1),
            (CHECKED[0], 1),
            (CHECKED_LOW[0], 1),
        ];
        set_row(&mut swapped, 2, &end);
        let name = format!("a second byte ahead of the first, in part {limb}");
        entry.forge(check(2), name, late(swapped, 0, 2));
    }
    let mut lost = read(clock, 1, b"ab");
    lost.clear("mem", 0);
    lost.relink();
    entry.forge(
        Interaction(at(4) + 7),
        "a byte that does not come to memory",
        lost,
    );
}

/// A read with descriptor 0, which finds the descriptor 3 that a later instruction sets.
fn descriptor_set_later(clock: Clock) -> Witness {
    let code = |descriptor| {
        let set = |register, value| immediate("addi", register, 0, value);
        let registers = [set(A0, descriptor), set(A2, 0), set(A7, READ)];
        [&registers[..], &[ECALL, set(A0, 3)]].concat()
    };
    let mut witness = Witness::honest_on(clock, &code(3), &[], b"a");
    witness.claim(&code(0));
    witness.fetch(SETS_A0);
    witness.write_word(SETS_A0, 0);
    witness
}

/// An end without a call returns three bytes that an earlier epoch moved.
fn unasked(clock: Clock) -> Witness {
    let code = [immediate("addi", A0, 0, 3), immediate("addi", 5, 0, 3)];
    let mut witness = Witness::honest_on(clock, &code, &[], b"a");
    let clk = witness.get("cpu", 1, cpu::CLK);
    witness.set("public", 0, CLK, clk);
    witness.enter(IN_START, 0);
    witness.found(IN_START, [-3, 0]);
    let end = [(IS_FULL, 1), (WANTED[0], 3), (DONE[0], 3), (WORD[0], -3)];
    changed(witness, 0, &end)
}

/// Halves of what is checked of which one byte is none.
fn checked(entry: &mut Entry<Witness>, clock: Clock) {
    let first = 1 + 4 * ACCESS + 1;
    let name = "an input whose length has other bytes";
    for (message, left, low) in [
        (0, [0x1234, 0x12], [0x1234, 0x12]),
        (1, [0x1_1234, 0x12], [0x34, 0x12]),
        (2, [0x1234, 0x112], [0x34, 0x112]),
    ] {
        let mut witness = read(clock, 0, b"a");
        let [low_half, high_half]: [i64; 2] = left;
        let len = [low_half & 0xffff, high_half + (low_half >> 16)];
        witness.found(IN_LEN, len);
        let mut change = vec![];
        for half in 0..2 {
            change.push((public::ARGUMENT[half], len[half]));
            change.push((CHECKED[half], left[half]));
            change.push((CHECKED_LOW[half], low[half]));
        }
        let witness = changed(witness, 0, &change);
        entry.forge(Interaction(first + message), name, witness);
    }
    // 2^16 bytes of an input of 2^16, of which none was wanted.
    let mut witness = read(clock, 0, b"a");
    witness.found(IN_LEN, [0, 1]);
    witness.found(IN_POSITION, [0, 1]);
    witness.found(PROGRESS, [0, 1]);
    let change = [
        (IS_FULL, 0),
        (IS_SHORT, 1),
        (public::ARGUMENT[0], 0),
        (public::ARGUMENT[1], 1),
        (POSITION[1], 1),
        (DONE[1], 1),
        (CHECKED[0], 0),
        (CHECKED_LOW[0], 0),
        (CHECKED[1], -1),
        (CHECKED_LOW[1], 0xff),
    ];
    let witness = changed(witness, 0, &change);
    let name = "a read of no byte that reads 2^16";
    entry.forge(Interaction(first + 3), name, witness);
}
