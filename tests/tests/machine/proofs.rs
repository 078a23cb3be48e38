//! Real proofs of epochs: Plonky3's unmodified prover and verifier on the machine's tables.

use p3_field::PrimeCharacteristicRing;
use p3_lookup::logup::LogUpGadget;
use p3_lookup::{LookupProtocol, Lookups};
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::{EF, F, Params};
use tranche_machine::batches::{BODY, CLOSING, RunShape, RunTables};
use tranche_machine::hash::Hash;
use tranche_machine::program::MAX_ROM_LOG2;
use tranche_machine::shape::{ABSENT, MAX_LOG2_CYCLES, MAX_SECONDS};
use tranche_machine::{EpochShape, EpochTable, FilledTable, Program};
use tranche_test_support::reference::Batch;

use crate::asm::{elf, exit, register};
use crate::guests::guest;
use crate::oracle::{Table, Traces, run_epochs};

/// Enough queries to be a proof, few enough to be quick.
const PARAMS: Params = Params {
    num_queries: 20,
    query_pow_bits: 1,
    ..Params::BENCHMARK
};

/// The tables of an epoch as a batch; `carved` gives L2G a root of its own.
pub fn batch<'p>(traces: Traces<'p>, carved: bool) -> Batch<EpochTable<'p>> {
    Batch {
        carved: traces
            .tables
            .iter()
            .map(|t| carved && matches!(t, EpochTable::L2g(..)))
            .collect(),
        airs: traces.tables,
        traces: traces.main,
        publics: traces.public,
        params: PARAMS,
        statement: None,
        suite: Poseidon2::BABY_BEAR,
    }
}

#[test]
fn epochs_are_proved_and_verified() {
    for carved in [false, true] {
        let mut proved = 0;
        run_epochs(&guest("sha256"), b"abc", 8, |epoch, traces| {
            // The first epoch reads, a later one computes.
            if epoch != 1 && epoch != 8 {
                return;
            }
            let honest = batch(traces, carved);
            let proof = honest.prove();
            let roots = honest.verify(&proof).unwrap();
            assert_eq!(roots.len(), usize::from(carved));

            // Another exit, clock or epoch number is another statement.
            for (table, value) in [(0, 0), (0, 1), (0, 2), (6, 0)] {
                let mut other = honest.clone();
                other.publics[table][value] += F::ONE;
                assert!(
                    other.verify(&proof).is_err(),
                    "table {table}, public value {value}"
                );
            }
            proved += 1;
        })
        .unwrap();
        assert_eq!(proved, 2);
    }
}

/// A message and an exit by number 94.
#[test]
fn a_message_is_proved() {
    let program = crate::messages::writing(2, 3, 94);
    run_epochs(&program, &[], 6, |_, traces| {
        let honest = batch(traces, true);
        honest.verify(&honest.prove()).unwrap();
    })
    .unwrap();
}

/// With L2G carved, as epochs are proved, what the audit says of a witness is what the verifier says of
/// its proof.
#[test]
fn proofs_of_forged_witnesses_are_refused() {
    use tranche_machine::tables::{cpu, l2g};
    // A final value, and an exit program counter invented on the last padding row.
    let forgeries = [("l2g", 0, l2g::columns::FINI_LO), ("cpu", 63, cpu::NEXT_PC)];
    for (table, row, column) in forgeries {
        run_epochs(&elf(&exit(), &[]), &[], 6, |_, mut traces| {
            let value = traces.get(table, row, column) + F::ONE;
            traces.set(table, row, column, value);
            if table == "cpu" {
                traces.public[0][1] = value;
            }
            let forged = batch(traces, true);
            let proof = forged.prove();
            assert!(forged.verify(&proof).is_err(), "{table}");
        })
        .unwrap();
    }
}

/// A program of all extensions.
fn extended() -> Vec<u32> {
    let code = ["mul", "div"].map(|name| register(name, 5, 5, 5));
    [&code[..], &exit()].concat()
}

/// Constraint degrees stay at 3, packed message columns included, and the number of columns is the design's.
#[test]
fn degrees_and_columns() {
    let elf = elf(&extended(), &[]);
    let program = Program::parse(&elf).unwrap();
    for log2_cycles in [10, 16] {
        let shape = EpochShape::of(log2_cycles, &program).unwrap();
        for table in EpochTable::all(shape, &program) {
            check_columns(&table, table.main_width());
        }
    }
    let body = RunShape::body(10, &program).unwrap();
    let shape = RunShape::of(&program, body, 1, &[]);
    let tables = RunTables::new(&program, &shape, PARAMS, Hash::Poseidon2, 0, b"").unwrap();
    let kinds = [BODY, CLOSING].map(|kind| tables.airs(kind).len());
    assert_eq!(kinds, [8, 2 + shape.rest.len() + 3]);
    for table in [BODY, CLOSING].iter().flat_map(|&kind| tables.airs(kind)) {
        check_columns(table, table.main_width());
    }
}

fn check_columns<A: Table>(table: &A, main_width: usize) {
    let name = table.name();
    let lookups = Lookups::<F>::from_air::<EF, _>(table).pack_same_bus(&LogUpGadget, 3);
    for lookup in lookups.iter() {
        assert!(LogUpGadget.constraint_degree(lookup) <= 3, "{name}");
    }
    let layout = p3_air::symbolic::AirLayout::from_air(table);
    let mut builder = p3_lookup::InteractionSymbolicBuilder::<F, EF>::new(layout);
    p3_air::Air::eval(table, &mut builder);
    let constraints = builder.base_constraints();
    let degree = constraints.iter().map(|c| c.degree_multiple()).max();
    assert!(degree.unwrap_or(0) <= 3, "{name}: degree {degree:?}");
    // Main columns, message columns.
    let expected = match name {
        "cpu" => (33, 10),
        "mem" => (28, 7),
        "cmp" => (17, 5),
        "bit" => (27, 5),
        "shift" => (31, 6),
        "sys" => (41, 12),
        "l2g" => (10, 3),
        "mul" => (28, 9),
        "div" => (37, 12),
        "image" => (3, 1),
        "rest" => (12, 5),
        _ => (1, 1),
    };
    assert_eq!((main_width, lookups.len()), expected, "{name}");
}

/// In the largest epoch, with second instances, no message can be sent so often that its count wraps modulo p.
#[test]
fn multiplicities_stay_below_the_field_s_order() {
    use p3_lookup::check_multiplicity_height_bound;
    let elf = elf(&extended(), &[]);
    let program = Program::parse(&elf).unwrap();
    let tables = |log2_cycles, split: u32| {
        let common = EpochShape::of(log2_cycles, &program).unwrap();
        let second = FilledTable::ALL.map(|table| match common.log_rows(table) {
            Some(log) if split & 1 << table.index() != 0 => log as u8 - 1,
            _ => ABSENT,
        });
        let shape = EpochShape {
            rom: MAX_ROM_LOG2,
            second,
            ..common
        };
        let tables = EpochTable::all(shape, &program);
        let lookups = tables.iter().map(Lookups::<F>::from_air::<EF, _>);
        let heights = tables
            .iter()
            .map(|table| 1_usize << table.log_height(shape));
        (lookups.collect::<Vec<_>>(), heights.collect::<Vec<_>>())
    };
    let may_split = |table: &FilledTable| EpochShape::may_split(*table);
    let may_split = FilledTable::ALL.into_iter().filter(may_split);
    let may_split: u32 = may_split.map(|table| 1 << table.index()).sum();
    let most = |split: &u32| split & !may_split == 0 && split.count_ones() as usize == MAX_SECONDS;
    let all: Vec<u32> = (0..1 << FilledTable::ALL.len()).filter(most).collect();
    assert_eq!(all.len(), 70, "four of eight tables");
    for split in all {
        let (lookups, heights) = tables(MAX_LOG2_CYCLES, split);
        check_multiplicity_height_bound(&lookups, &heights).unwrap();
        // The control: tables 2^7 times as high reach it.
        let higher: Vec<_> = heights.iter().map(|height| height << 7).collect();
        assert!(check_multiplicity_height_bound(&lookups, &higher).is_err());
    }
}
