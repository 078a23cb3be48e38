//! A forger's tools: honest epochs, edits of their rows, and the memory argument made to fit.

use std::collections::{BTreeMap, BTreeSet};

use p3_field::{PrimeCharacteristicRing, PrimeField32};
use p3_matrix::Matrix;
use tranche_core::F;
use tranche_machine::bus::{Clock, inverse_power_of_two};
use tranche_machine::cells::{
    EXIT_CODE, IN, IN_LEN, IN_POSITION, IN_START, OUT, OUT_LEN, register,
};
use tranche_machine::tables::PerTable;
use tranche_machine::tables::cpu;
use tranche_machine::tables::l2g::columns as l2g;
use tranche_machine::tables::mem;
use tranche_machine::tables::public;
use tranche_machine::tables::rom::{READS_RS2, Rom, RomRow};
use tranche_machine::tables::sys;
use tranche_machine::{EpochShape, EpochTable, Program, PublicInput};
use tranche_test_support::audit::Flaw;
use tranche_test_support::machine::asm::{elf, exit};
use tranche_test_support::machine::audit::{audit, audit_without};
use tranche_test_support::machine::oracle::{Traces, run_tables};
use tranche_test_support::omit::Omit;

use crate::registry;

/// A clock whose differences have parts of unlike widths.
pub const LONG: Clock = Clock::for_cycles(15);

/// log2 of the cycles of a forged epoch.
const LOG2_CYCLES: u32 = 6;
/// What the data segment starts with.
pub const DATA_BYTES: [u8; 8] = [0x55, 0x55, 0x55, 0x55, 0x81, 0x82, 0x03, 0x04];

/// Number of flags of the CPU table.
const NUM_FLAGS: usize = cpu::FLAGS.len();

/// The traces of an epoch, which lasts 2^6 cycles at most.
#[derive(Clone)]
pub struct Witness {
    pub traces: Traces<'static>,
    clock: Clock,
    public: PublicInput<'static>,
}

impl registry::Witness for Witness {
    type Table = &'static str;

    fn flaws(&self, table: &'static str, omit: &[Omit]) -> BTreeSet<Flaw<&'static str>> {
        audit_without(&self.traces, table, omit)
    }
}

/// An element, of either sign.
pub fn f(value: i64) -> F {
    F::from_i64(value)
}

/// `numerator / 2^bits` in the field.
pub fn fraction(numerator: i64, bits: u32) -> F {
    f(numerator) * inverse_power_of_two(bits)
}

/// The tables of an epoch of `program`.
pub fn tables(clock: Clock, program: &'static Program<'static>) -> PerTable<EpochTable<'static>> {
    EpochTable::all(shape(clock, program), program)
}

fn shape(clock: Clock, program: &Program<'_>) -> EpochShape {
    let shape = EpochShape::of(LOG2_CYCLES, program).expect("a valid shape");
    EpochShape { clock, ..shape }
}

/// A program of `code` that exits with the code in a0.
pub fn program(code: &[u32], public: PublicInput<'static>) -> &'static Program<'static> {
    let elf = elf(&[code, &exit()].concat(), &DATA_BYTES).leak();
    let program = Program::parse(elf).expect("a valid program");
    Box::leak(Box::new(program.with_public(public)))
}

/// One access to a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    pub table: &'static str,
    pub row: usize,
    /// Which of the row's.
    pub number: usize,
}

/// What the memory argument reads of an access.
struct Link {
    access: Access,
    cell: F,
    time: F,
    new: New,
    /// Columns of the value found, where it is the access that writes them.
    old: Option<[usize; 2]>,
    /// Columns of the previous timestamp and of the first byte of the difference, of those that there are.
    previous: Option<(usize, Option<usize>)>,
}

/// The value that an access leaves.
#[derive(Clone, Copy)]
enum New {
    /// This one.
    Is([F; 2]),
    /// The one found and this one.
    Adds([F; 2]),
}

impl Witness {
    /// The first epoch of a program of `code`, which exits.
    pub fn honest(clock: Clock, code: &[u32], input: &[u8]) -> Self {
        Self::honest_on(clock, code, input, b"")
    }

    /// The same on a public input.
    pub fn honest_on(clock: Clock, code: &[u32], input: &[u8], public: &'static [u8]) -> Self {
        let public = PublicInput::new(public).expect("a short input");
        let program = program(code, public);
        let mut first = None;
        run_tables(
            &tables(clock, program),
            program,
            input,
            shape(clock, program),
            |_, traces| {
                first.get_or_insert(traces);
            },
        )
        .expect("a program that can be proved");
        let traces = first.expect("an epoch");
        assert_eq!(audit(&traces), BTreeSet::new(), "the honest control");
        Self {
            traces,
            clock,
            public,
        }
    }

    /// Claims that it is the epoch of a program of `code`.
    pub fn claim(&mut self, code: &[u32]) {
        self.traces.tables = tables(self.clock, program(code, self.public)).to_vec();
    }

    pub fn get(&self, table: &str, row: usize, column: usize) -> F {
        self.traces.get(table, row, column)
    }

    pub fn set(&mut self, table: &str, row: usize, column: usize, value: F) {
        self.traces.set(table, row, column, value);
    }

    /// Sets both halves of a word.
    pub fn set_word(&mut self, table: &str, row: usize, columns: [usize; 2], value: u32) {
        self.set(table, row, columns[0], F::from_u32(value & 0xffff));
        self.set(table, row, columns[1], F::from_u32(value >> 16));
    }

    /// Number of rows of a table.
    pub fn height(&self, table: &str) -> usize {
        self.traces.main[self.traces.index(table)].height()
    }

    /// A row of a table.
    pub fn row(&mut self, table: &str, row: usize) -> &mut [F] {
        let main = self.traces.table(table);
        let width = main.width;
        &mut main.values[row * width..][..width]
    }

    /// Makes a row of a table padding: zeros, of which SHIFT wants something else.
    pub fn clear(&mut self, table: &str, row: usize) {
        self.row(table, row).fill(F::ZERO);
    }

    /// The first row of a table for which `is` holds.
    pub fn find(&mut self, table: &str, is: impl Fn(&[F]) -> bool) -> usize {
        (0..self.height(table))
            .find(|&row| is(self.row(table, row)))
            .expect("such a row")
    }

    /// The first row of a table that is zero in these columns.
    pub fn free_row(
        &mut self,
        table: &str,
        gates: impl IntoIterator<Item = usize> + Clone,
    ) -> usize {
        self.find(table, |row| {
            gates.clone().into_iter().all(|c| row[c] == F::ZERO)
        })
    }

    /// The row of L2G that holds a cell.
    pub fn touched(&mut self, cell: u32) -> usize {
        self.find("l2g", |row| {
            row[l2g::REAL] == F::ONE && row[l2g::CELL] == F::from_u32(cell)
        })
    }

    /// Makes L2G find `value` in a cell, for [`relink`](Self::relink) to keep.
    pub fn enter(&mut self, cell: u32, value: u32) {
        let row = self.free_row("l2g", [l2g::REAL]);
        self.set("l2g", row, l2g::CELL, F::from_u32(cell));
        self.set("l2g", row, l2g::REAL, F::ONE);
        self.set_word("l2g", row, [l2g::INIT_LO, l2g::INIT_HI], value);
    }

    /// Makes L2G find another value in a cell that the epoch touches, for [`relink`](Self::relink) to keep.
    pub fn found(&mut self, cell: u32, value: [i64; 2]) {
        let row = self.touched(cell);
        for (column, half) in [l2g::INIT_LO, l2g::INIT_HI].into_iter().zip(value) {
            self.set("l2g", row, column, f(half));
        }
    }

    /// The first padding row of the CPU table.
    pub fn first_padding(&mut self) -> usize {
        self.free_row("cpu", [cpu::REAL])
    }

    /// Ends the epoch ahead of CPU row `row`, at a program counter of the forger's choice and
    /// without the exit.
    pub fn stop(&mut self, row: usize, pc: F) {
        let clk = self.get("cpu", row, cpu::CLK);
        if let Some(before) = row.checked_sub(1) {
            self.set("cpu", before, cpu::NEXT_PC, pc);
        }
        for row in row..self.height("cpu") {
            self.clear("cpu", row);
            self.set("cpu", row, cpu::PC, pc);
            self.set("cpu", row, cpu::NEXT_PC, pc);
            self.set("cpu", row, cpu::CLK, clk);
        }
        self.traces.public[0][1..].copy_from_slice(&[pc, clk]);
        let exit = self.find("sys", |row| row[sys::IS_EXIT] == F::ONE);
        self.clear("sys", exit);
        self.relink();
    }

    /// Makes CPU row `row` write these halves.
    pub fn write(&mut self, row: usize, value: [i64; 2]) {
        for i in 0..2 {
            self.set("cpu", row, cpu::W[i], f(value[i]));
            self.set("cpu", row, cpu::W_LOW[i], f(value[i] & 0xff));
        }
    }

    /// Makes CPU row `row` write this word.
    pub fn write_word(&mut self, row: usize, value: u32) {
        self.write(row, [value & 0xffff, value >> 16].map(i64::from));
    }

    /// Makes CPU row `row` fetch what the program claimed has at its program counter.
    pub fn fetch(&mut self, row: usize) {
        let content = self.content(row);
        for (column, value) in [
            (cpu::RD, content.rd),
            (cpu::RS1, content.rs1),
            (cpu::RS2, content.rs2),
            (cpu::OP, content.op),
        ] {
            self.set("cpu", row, column, F::from_u32(value));
        }
        self.set("cpu", row, cpu::AUX, F::from_i32(content.aux));
        if !content.has(READS_RS2) {
            self.set_word("cpu", row, cpu::B, content.imm);
        }
        self.flags(row, content.flags);
    }

    /// What the program claimed has at the program counter of CPU row `row`.
    fn content(&self, row: usize) -> RomRow {
        let EpochTable::Rom(Rom { program, .. }) = self.traces.tables[self.traces.index("rom")]
        else {
            unreachable!("a table of that name")
        };
        RomRow::of(program, self.get("cpu", row, cpu::PC).as_canonical_u32())
    }

    /// Sets the flags of CPU row `row`.
    pub fn flags(&mut self, row: usize, flags: u32) {
        for i in 0..NUM_FLAGS {
            self.set("cpu", row, cpu::FLAGS[i], F::from_bool(flags >> i & 1 == 1));
        }
    }

    /// Sets one flag of CPU row `row` to any element.
    pub fn flag(&mut self, row: usize, flag: u32, value: F) {
        let column = cpu::flag(flag);
        self.set("cpu", row, column, value);
    }

    /// Inserts a row; the last one is dropped.
    pub fn insert(&mut self, table: &str, at: usize, row: &[F]) {
        let main = self.traces.table(table);
        let (start, len) = (at * main.width, main.values.len());
        main.values.splice(start..start, row.iter().copied());
        main.values.truncate(len);
    }

    /// Makes the clock of CPU row `row`, and of all that happens from then on, differ by `by`.
    pub fn shift_clock(&mut self, row: usize, by: i64) {
        let from = self.get("cpu", row, cpu::CLK).as_canonical_u32();
        for (table, clk, gates) in [
            ("cpu", cpu::CLK, None),
            ("mem", mem::CLK, Some(mem::IS_BYTE..=mem::IS_JALR)),
            ("sys", sys::CLK, Some(sys::IS_EXIT..=sys::IS_READ_END)),
        ] {
            for r in 0..self.height(table) {
                let values = self.row(table, r);
                let real = gates
                    .clone()
                    .is_none_or(|mut gates| gates.any(|gate| values[gate] != F::ZERO));
                if real && values[clk].as_canonical_u32() >= from {
                    values[clk] += f(by);
                }
            }
        }
        self.traces.public[0][2] += f(by);
        self.relink();
    }

    /// Makes the memory argument fit: previous timestamps, their differences, values overwritten by
    /// the CPU, and the rows of L2G.
    pub fn relink(&mut self) {
        self.relink_but(|_| false, None);
    }

    /// The same, when accesses for which `ignored` holds do not happen, and `late` is the last to
    /// its cell, whatever its time.
    pub fn relink_but(&mut self, ignored: impl Fn(Access) -> bool, late: Option<Access>) {
        let mut chains = BTreeMap::<u32, Vec<Link>>::new();
        for link in self
            .links()
            .into_iter()
            .filter(|link| !ignored(link.access))
        {
            chains
                .entry(link.cell.as_canonical_u32())
                .or_default()
                .push(link);
        }
        for chain in chains.values_mut() {
            chain.sort_by_key(|link| (Some(link.access) == late, link.time.as_canonical_u32()));
        }
        // Rows of cells that nothing touches any more are gone; new ones start at zero.
        let mut inits = BTreeMap::new();
        for row in 0..self.height("l2g") {
            let values = self.row("l2g", row);
            if values[l2g::REAL] == F::ONE {
                let init = [l2g::INIT_LO, l2g::INIT_HI].map(|c| values[c]);
                inits.insert(values[l2g::CELL].as_canonical_u32(), init);
            }
            self.clear("l2g", row);
        }
        for (row, (cell, chain)) in chains.into_iter().enumerate() {
            let init = inits.get(&cell).copied().unwrap_or_default();
            let (mut time, mut value) = (F::ZERO, init);
            for link in chain {
                let Access { table, row, .. } = link.access;
                if let Some((previous, elapsed)) = link.previous {
                    self.set(table, row, previous, time);
                    if let Some(elapsed) = elapsed {
                        let difference = link.time - time - F::ONE;
                        self.set_elapsed(table, row, elapsed, difference, usize::MAX);
                    }
                }
                if let Some(old) = link.old {
                    (0..2).for_each(|i| self.set(table, row, old[i], value[i]));
                }
                time = link.time;
                value = match link.new {
                    New::Is(new) => new,
                    New::Adds(added) => std::array::from_fn(|i| value[i] + added[i]),
                };
            }
            let values = self.row("l2g", row);
            values[l2g::CELL] = F::from_u32(cell);
            values[l2g::REAL] = F::ONE;
            values[l2g::FINI_TIMESTAMP] = time;
            for (i, (from, to)) in [(l2g::INIT_LO, l2g::FINI_LO), (l2g::INIT_HI, l2g::FINI_HI)]
                .into_iter()
                .enumerate()
            {
                values[from] = init[i];
                values[to] = value[i];
            }
        }
    }

    /// Sets the low part of a difference of timestamps: with all of it, so that this part is wrong (0), or
    /// none, so that the high one is (1), or as it is.
    pub fn set_elapsed(
        &mut self,
        table: &str,
        row: usize,
        column: usize,
        difference: F,
        wrong: usize,
    ) {
        let low = match wrong {
            0 => difference,
            1 => F::ZERO,
            _ => F::from_u32(difference.as_canonical_u32() & ((1 << self.clock.low_bits()) - 1)),
        };
        self.set(table, row, column, low);
    }

    /// Every access of the epoch.
    fn links(&mut self) -> Vec<Link> {
        let mut links = vec![];
        for r in 0..self.height("cpu") {
            let row = self.row("cpu", r);
            let reads = cpu::flag(READS_RS2);
            for (number, gate, cell, new, old) in [
                (0, cpu::REAL, cpu::RS1, cpu::A, None),
                (1, reads, cpu::RS2, cpu::B, None),
                (2, cpu::REAL, cpu::RD, cpu::W, Some(cpu::OLD)),
            ] {
                if row[gate] == F::ONE {
                    let access = Access {
                        table: "cpu",
                        row: r,
                        number,
                    };
                    links.push(Link {
                        access,
                        cell: row[cell],
                        time: row[cpu::CLK] + F::from_usize(number),
                        new: New::Is(new.map(|c| row[c])),
                        old,
                        previous: Some((cpu::PREVIOUS[number], Some(cpu::ELAPSED[number]))),
                    });
                }
            }
        }
        for r in 0..self.height("mem") {
            let row = self.row("mem", r);
            if row[mem::IS_BYTE] + row[mem::IS_HALF] + row[mem::IS_WORD] == F::ONE {
                let by = |c: [usize; 2]| row[c[0]] + row[c[1]] * F::from_u32(1 << 8);
                links.push(Link {
                    access: Access {
                        table: "mem",
                        row: r,
                        number: 0,
                    },
                    cell: by(mem::HIGH) * F::from_u32(1 << 14) + by(mem::Q),
                    time: row[mem::CLK] + F::TWO,
                    new: New::Is(mem::NEW.map(|c| row[c])),
                    old: None,
                    previous: Some((mem::PREVIOUS, Some(mem::ELAPSED))),
                });
            }
        }
        for r in 0..self.height("sys") {
            let row = self.row("sys", r);
            let is = |kinds: &[usize]| kinds.iter().map(|&kind| row[kind]).sum::<F>();
            let (exit, across) = (row[sys::IS_EXIT], row[sys::IS_WRITE_ACROSS]);
            let words = row[sys::IS_WRITE_WORD] + across;
            let write = row[sys::IS_WRITE_BYTE] + words;
            let moves = write + is(&[sys::IS_READ_BYTE, sys::IS_READ_WORD]);
            let words = words + row[sys::IS_READ_WORD];
            let bytes = is(&[sys::IS_WRITE_BYTE, sys::IS_READ_BYTE]) + words * F::from_u32(4);
            let time = row[sys::CLK] + F::TWO;
            let access = |number| Access {
                table: "sys",
                row: r,
                number,
            };
            if exit + is(&[sys::IS_WRITE_END, sys::IS_READ_END]) + moves == F::ONE {
                links.push(Link {
                    access: access(0),
                    cell: F::from_u32(register(10)) + moves,
                    time,
                    new: New::Is(sys::RETURNED.map(|c| row[c])),
                    old: None,
                    previous: Some((sys::ARGUMENT_PREVIOUS, Some(sys::ELAPSED[0]))),
                });
            }
            let [low, high] = sys::CHECKED.map(|c| row[c]);
            if write == F::ONE {
                let [place0, place1] = sys::PLACE.map(|c| row[c]);
                let len = low * F::from_u32(4) + place1.double() + place0;
                let carry = row[sys::OUT_LEN_CARRY];
                links.push(Link {
                    access: access(1),
                    cell: F::from_u32(OUT_LEN),
                    time,
                    new: New::Is([len + bytes - carry * F::from_u32(1 << 16), high + carry]),
                    old: None,
                    previous: Some((sys::OUT_LEN_PREVIOUS, Some(sys::ELAPSED[1]))),
                });
            }
            let index = low + high * F::from_u32(1 << 14);
            let cell = F::from_u32(OUT) - exit * F::from_u32(OUT - EXIT_CODE) + index;
            if write + exit == F::ONE {
                links.push(Link {
                    access: access(2),
                    cell,
                    time,
                    new: New::Adds(sys::ADDED.map(|c| row[c])),
                    old: Some(sys::RESULT),
                    previous: Some((sys::RESULT_PREVIOUS, None)),
                });
            }
            if across == F::ONE {
                links.push(Link {
                    access: access(3),
                    cell: cell + F::ONE,
                    time,
                    new: New::Is(sys::ACROSS.map(|c| row[c])),
                    old: None,
                    previous: None,
                });
            }
        }
        if !self.public.is_empty() {
            self.public_links(&mut links);
        }
        links
    }

    /// Those of PUBLIC.
    fn public_links(&mut self, links: &mut Vec<Link>) {
        for r in 0..self.height("public") {
            let row = self.row("public", r);
            let [byte, word, full, short] = [
                public::IS_BYTE,
                public::IS_WORD,
                public::IS_FULL,
                public::IS_SHORT,
            ]
            .map(|c| row[c]);
            let (moves, end) = (byte + word, full + short);
            if moves + end != F::ONE {
                continue;
            }
            let pair = |columns: [usize; 2]| columns.map(|c| row[c]);
            let [done, argument, word_found] =
                [public::DONE, public::ARGUMENT, public::WORD].map(pair);
            let [position, checked] = [public::POSITION, public::CHECKED].map(pair);
            let (bytes, carry) = (byte + word * f(4), row[public::POSITION_CARRY]);
            let index = checked[0] + checked[1] * f(1 << 14);
            let cell = F::from_u32;
            let accesses = [
                (
                    cell(register(10)),
                    [moves * f(3) + end * done[0], end * done[1]],
                ),
                (moves * cell(register(11)) + end * cell(IN_LEN), argument),
                (
                    cell(IN_POSITION),
                    [
                        position[0] + bytes - carry * f(1 << 16),
                        position[1] + carry,
                    ],
                ),
                (
                    moves * (cell(IN) + index) + end * cell(IN_START),
                    if end == F::ONE { position } else { word_found },
                ),
            ];
            let clk = row[public::CLK];
            for (number, (cell, new)) in accesses.into_iter().enumerate() {
                let elapsed = public::ELAPSED[number];
                links.push(Link {
                    access: Access {
                        table: "public",
                        row: r,
                        number,
                    },
                    cell,
                    time: clk + F::TWO,
                    new: New::Is(new),
                    old: None,
                    previous: Some((public::PREVIOUS[number], Some(elapsed))),
                });
            }
        }
    }
}
