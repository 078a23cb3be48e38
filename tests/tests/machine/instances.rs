//! Tables of two instances: epochs that are proved with them, and what a prover cannot make of the second.

use p3_field::PrimeCharacteristicRing;
use p3_matrix::Matrix;
use tranche_core::F;
use tranche_machine::shape::{ABSENT, Heights, MAX_SECONDS, NO_SECOND};
use tranche_machine::{EpochShape, EpochTable, FilledTable, Program, PublicInput, Settings, Setup};

use crate::asm::{DATA, elf, exit, li, load, register, store};
use crate::audit::{Flaw, audit};
use crate::extensions::power;
use crate::guests::guest;
use crate::oracle::{Traces, run_tables};
use crate::proofs::batch;
use crate::public::call;

/// The shape of an epoch of 2^11 cycles, with three quarters of the rows of `tables` in two instances.
fn shape(program: &Program<'_>, tables: &[FilledTable]) -> EpochShape {
    let common = EpochShape::of(11, program).unwrap();
    let (mut first, mut second) = (common.heights(), NO_SECOND);
    for table in tables {
        let (at, least) = (table.index(), EpochShape::least_log(*table) as u8);
        if first[at] != ABSENT && first[at] >= least + 2 {
            first[at] -= 1;
            second[at] = first[at] - 1;
        }
    }
    EpochShape {
        second,
        ..EpochShape::of_heights(&first, program.rom_log2())
    }
}

/// A program that reads a word of either input, divides them, and keeps all of it, again and again.
fn dividing() -> Vec<u8> {
    let mut code = vec![];
    for at in (DATA..).step_by(20).take(24) {
        code.extend([call(63, 0, at, 4), call(63, 3, at + 4, 4)].concat());
        code.extend(li(2, at));
        code.extend([load("lw", 5, 2, 0), load("lw", 6, 2, 4)]);
        for (operation, to) in [("div", 8), ("remu", 12), ("rem", 16)] {
            code.extend([register(operation, 7, 5, 6), store("sw", 7, 2, to)]);
        }
    }
    code.extend(exit());
    elf(&code, &[])
}

/// The shape of an epoch that ends with these tables: the second instance of each begins to fill halfway.
fn short(program: &Program<'_>) -> EpochShape {
    let common = EpochShape::of(10, program).unwrap();
    let (mut first, mut second) = (common.heights(), NO_SECOND);
    for (table, log) in [
        (FilledTable::Mem, 5),
        (FilledTable::Sys, 4),
        (FilledTable::Div, 4),
        (FilledTable::Public, 4),
    ] {
        (first[table.index()], second[table.index()]) = (log, log);
    }
    EpochShape {
        second,
        ..EpochShape::of_heights(&first, program.rom_log2())
    }
}

/// Epochs of `modexp`, which multiplies and divides, and of `sha256`, with as many tables in two instances as there may be,
/// then with the others; and short ones of a program that reads and divides.
fn epochs(mut look: impl FnMut(u32, Traces<'_>)) {
    let split = FilledTable::ALL
        .into_iter()
        .filter(|&table| EpochShape::may_split(table));
    let split: Vec<_> = split.collect();
    for (name, input) in [("modexp", power(3)), ("sha256", vec![7; 200])] {
        let elf = guest(name);
        let program = Program::parse(&elf).unwrap().decoded();
        for split in split.chunks(MAX_SECONDS) {
            let shape = shape(&program, split);
            let tables = EpochTable::all(shape, &program);
            run_tables(&tables, &program, &input, shape, &mut look).unwrap();
        }
    }
    let (elf, private, public) = (dividing(), [0xa7; 96], [0x3c; 96]);
    let public = PublicInput::new(&public).unwrap();
    let program = Program::parse(&elf).unwrap().with_public(public).decoded();
    let shape = short(&program);
    let tables = EpochTable::all(shape, &program);
    run_tables(&tables, &program, &private, shape, &mut look).unwrap();
}

/// Second instances that hold something in some epoch of these.
const USED: [&str; 8] = [
    "bit2", "cmp2", "div2", "mem2", "mul2", "public2", "shift2", "sys2",
];

/// Has `look` at an epoch for each second instance that is used in any, the first that uses it, with all those that it is
/// the first for.
fn used_first(mut look: impl FnMut(u32, Traces<'_>, &[(&'static str, &'static str)])) {
    let mut seen = Vec::new();
    epochs(|epoch, traces| {
        let mut new = used(&traces);
        new.retain(|(_, second)| !seen.contains(second));
        seen.extend(new.iter().map(|&(_, second)| second));
        if !new.is_empty() {
            look(epoch, traces, &new);
        }
    });
    seen.sort();
    assert_eq!(seen, USED);
}

/// The second instances that hold something in an epoch, each with the name of the first.
fn used(traces: &Traces<'_>) -> Vec<(&'static str, &'static str)> {
    let all = FilledTable::ALL.into_iter();
    let names = all.map(|table| (table.name(), table.second_name()));
    let holds = |name| {
        let at = traces.tables.iter().position(|it| it.name() == name);
        // A padding row of SHIFT is no row of zeros, but like the last.
        at.is_some_and(|at| {
            let main = &traces.main[at];
            main.row_slice(0).unwrap().to_vec()
                != main.row_slice(main.height() - 1).unwrap().to_vec()
        })
    };
    names.filter(|&(_, second)| holds(second)).collect()
}

fn row(traces: &mut Traces<'_>, name: &str, row: usize) -> Vec<F> {
    let main = traces.table(name);
    let width = main.width;
    main.values[row * width..][..width].to_vec()
}

fn set_row(traces: &mut Traces<'_>, name: &str, row: usize, values: &[F]) {
    let main = traces.table(name);
    let width = main.width;
    main.values[row * width..][..width].copy_from_slice(values);
}

#[test]
fn tables_without_state_may_have_two() {
    for table in FilledTable::ALL {
        let one = matches!(table, FilledTable::Cpu | FilledTable::L2g);
        assert_eq!(EpochShape::may_split(table), !one, "{table:?}");
    }
}

/// The rows are the same, wherever they are: a prover is free to have them elsewhere.
#[test]
fn epochs_are_proved() {
    epochs(|epoch, traces| {
        traces
            .check()
            .unwrap_or_else(|why| panic!("epoch {epoch}: {why}"));
    });
    used_first(|_, mut traces, used| {
        for &(first, second) in used {
            let [a, b] = [row(&mut traces, first, 0), row(&mut traces, second, 0)];
            set_row(&mut traces, first, 0, &b);
            set_row(&mut traces, second, 0, &a);
        }
        assert!(audit(&traces).is_empty());
        let honest = batch(traces, true);
        honest.verify(&honest.prove()).unwrap();
    });
}

/// What the first instance serves, the second cannot serve too, and not in another's place; its rows are as
/// constrained as those of the first.
#[test]
fn the_second_is_as_bound_as_the_first() {
    used_first(|epoch, honest, used| {
        assert!(
            audit(&honest).is_empty(),
            "the honest control: epoch {epoch}"
        );
        for &(first, second) in used {
            let mut twice = honest.clone();
            let served = row(&mut twice, first, 0);
            set_row(&mut twice, second, 0, &served);
            assert!(
                audit(&twice).contains(&Flaw::Bus("exec".into())),
                "{second}"
            );

            let mut dropped = honest.clone();
            let last = dropped.table(second).height() - 1;
            let padding = row(&mut dropped, second, last);
            set_row(&mut dropped, second, 0, &padding);
            assert!(
                audit(&dropped).contains(&Flaw::Bus("exec".into())),
                "{second}"
            );

            let width = row(&mut dropped, second, 0).len();
            let constrained = (0..width).any(|column| {
                let mut changed = honest.clone();
                let value = changed.get(second, 0, column);
                changed.set(second, 0, column, value + F::ONE);
                let flaws = audit(&changed);
                let of_second =
                    |flaw: &Flaw| matches!(flaw, Flaw::Constraint(name, _) if *name == second);
                flaws.iter().any(of_second)
            });
            assert!(constrained, "{second}");
        }
    });
}

/// Heights of second instances are part of what a plan is; without any, it is what it was.
#[test]
fn second_instances_are_another_plan() {
    let elf = guest("modexp");
    let program = Program::parse(&elf).unwrap();
    let common = EpochShape::of(11, &program).unwrap().heights();
    let digest = |second| {
        let settings = Settings {
            log2_cycles: 11,
            heights: Heights::Given(common, second),
            ..Settings::default()
        };
        Setup::new(&program, settings).unwrap().plan_digest
    };
    let of = |table: FilledTable, log| {
        let mut second = NO_SECOND;
        second[table.index()] = log;
        digest(second)
    };
    let given = [
        digest(NO_SECOND),
        of(FilledTable::Mem, 5),
        of(FilledTable::Mem, 6),
        of(FilledTable::Cmp, 5),
    ];
    for (i, digest) in given.iter().enumerate() {
        assert!(!given[..i].contains(digest), "plan {i}");
    }
    let settings = Settings {
        log2_cycles: 11,
        ..Settings::default()
    };
    assert_eq!(
        given[0],
        Setup::new(&program, settings).unwrap().plan_digest
    );
}
