//! Epochs whose ROM has the blocks that most of them execute, and proofs and headers that confuse it with the run's.

use p3_matrix::dense::RowMajorMatrix;
use tranche::bundle::FormatError;
use tranche::epoch::{PerShape, public_values};
use tranche::execute::Io;
use tranche::prove::metered;
use tranche::verify::{Check, Place};
use tranche::visits::Windows;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::prover::BatchError;
use tranche_core::verifier::VerifyError;
use tranche_core::{F, TraceMut};
use tranche_machine::epoch::Span;
use tranche_machine::settings::Settings;
use tranche_machine::setup::Setup;
use tranche_machine::shape::{ABSENT, EpochShape, MAX_OTHERS, Other};
use tranche_machine::{
    EpochEnd, EpochRecord, EpochTable, EpochTables, Machine, Pages, Program, RecordStorage,
    RomBlocks, RomPart,
};
use tranche_test_support::reference::Batch;

use crate::bundles::*;
use crate::shapes;

/// What the runs read.
const INPUT: &str = "400";
/// Where a header has what the ROM of each of the other heights has, the blocks of the run, and the frequent ones.
const PARTS_AT: usize = 124;
const BLOCKS_AT: usize = 128;
const FREQUENT_AT: usize = 160;

/// The guest with a ROM of the blocks that most epochs execute.
fn program() -> Program<'static> {
    let setup = Setup::new(&SPIN, SMALL).unwrap();
    let mut machine = Machine::over(&SPIN, Pages::new(1 << 20), u64::MAX);
    let (mut io, mut epochs) = (Io::new(INPUT.as_bytes()), Windows::default());
    loop {
        let (taken, end) = machine.count_epoch(&mut io, &setup.shape).unwrap();
        epochs.push(taken.blocks);
        if matches!(end, EpochEnd::Exit(_)) {
            return SPIN.clone().with_frequent(epochs.frequent(&SPIN));
        }
    }
}

fn settings(program: &Program<'_>) -> Settings {
    let execution = run(program, INPUT);
    metered(program, INPUT.as_bytes(), &execution, SMALL).expect("a run that is executed again")
}

/// The first epoch that `of` finds tables for, and these.
fn first<'t, 'a>(
    tables: &'t PerShape<EpochTables<'a>>,
    of: impl Fn(&EpochRecord<'_>) -> Option<&'t EpochTables<'a>>,
) -> (u32, &'t EpochTables<'a>) {
    let setup = tables.first.setup();
    let mut machine = Machine::over(setup.program, Pages::new(1 << 20), u64::MAX);
    let mut storage = RecordStorage::new(setup.shape);
    let (mut record, mut io) = (storage.record(), Io::new(INPUT.as_bytes()));
    loop {
        machine.run_epoch(&mut io, &mut record).unwrap();
        if let Some(tables) = of(&record) {
            return (record.epoch(), tables);
        }
    }
}

/// The first epoch that is proved with a part of the ROM, and its tables.
fn proved_with<'t, 'a>(
    tables: &'t PerShape<EpochTables<'a>>,
    part: RomPart,
) -> (u32, &'t EpochTables<'a>) {
    first(tables, |record| {
        let own = tables.at(tables.holding(record));
        (own.shape().rom_part == part).then_some(own)
    })
}

/// Epoch `number` in these tables, whatever it executes.
fn batch<'a>(tables: &EpochTables<'a>, number: u32) -> Batch<EpochTable<'a>> {
    let setup = tables.setup();
    shapes::recorded(setup, INPUT, number, |record| {
        record.divide(tables.shape());
        let traces = tables.airs.iter().zip(&tables.specs).map(|(air, spec)| {
            let height = 1 << spec.log_height;
            let mut values = vec![F::default(); air.main_width() * height];
            let mut trace = TraceMut::new(&mut values, height);
            air.fill(setup.program, record, &mut trace);
            RowMajorMatrix::new(values, height).transpose()
        });
        Batch {
            traces: traces.collect(),
            airs: tables.airs.to_vec(),
            publics: public_values(tables, number, &Span::of(record)),
            carved: tables.specs.iter().map(|spec| spec.carved).collect(),
            params: setup.settings.params,
            statement: Some(setup.epoch_statement(number)),
            suite: Poseidon2::BABY_BEAR,
        }
    })
}

/// The honest bundle with another proof of an epoch.
fn spliced(honest: &[u8], number: u32, proof: Vec<u8>) -> Vec<u8> {
    let mut parts = Parts::of(honest);
    let payload = parts.payload(EPOCH, number as usize - 1);
    payload.truncate(12);
    payload.extend(proof);
    parts.sealed()
}

/// Most epochs have the lower ROM, some the run's; the verifier, which is told the program alone, takes both, and Plonky3
/// proves them in the same bytes.
#[test]
fn most_epochs_have_a_lower_rom() {
    let program = program();
    assert!(program.part_log2(RomPart::Frequent) < program.rom_log2());
    let settings = settings(&program);
    let setup = Setup::new(&program, settings).unwrap();
    let honest = bundle(&program, settings, INPUT);
    check(&SPIN, &honest).expect("honest");
    let tables = PerShape::of(&setup);
    for part in [RomPart::Run, RomPart::Frequent] {
        let (number, tables) = proved_with(&tables, part);
        let proof = batch(tables, number).prove();
        assert!(spliced(&honest, number, proof) == honest, "{part:?}");
    }
}

/// An instruction of another block is in no row of the lower ROM: the prover refuses the epoch, and whoever fills the
/// tables all the same has a bus that does not balance.
#[test]
fn an_instruction_that_the_lower_rom_has_not() {
    let program = program();
    let settings = settings(&program);
    let setup = Setup::new(&program, settings).unwrap();
    let honest = bundle(&program, settings, INPUT);
    let all = PerShape::of(&setup);
    let (number, lower) = proved_with(&all, RomPart::Frequent);
    let own = spliced(&honest, number, batch(lower, number).prove());
    check(&SPIN, &own).expect("the control");

    // All that it lacks are instructions.
    let (number, lower) = first(&all, |record| {
        let lacks = |tables: &&EpochTables<'_>| {
            let shape = *tables.shape();
            let whole = EpochShape {
                rom_part: RomPart::Run,
                ..shape
            };
            record.fits(&whole, &program) && !record.fits(&shape, &program)
        };
        all.iter().find(lacks)
    });
    assert_eq!(
        shapes::proof(lower, INPUT, number),
        Err(BatchError::OtherTables)
    );
    let forged = spliced(&honest, number, batch(lower, number).prove());
    let refusal = check(&SPIN, &forged).unwrap_err();
    assert_eq!(refusal.place, Place::Epoch(number), "{refusal}");
    assert_eq!(refusal.check, Check::Proof(VerifyError::Buses), "{refusal}");
}

/// What a header says of the ROM is in the statement of every proof.
#[test]
fn parts_and_blocks_of_a_header() {
    let program = program();
    let settings = settings(&program);
    let honest = Parts::of(&bundle(&program, settings, INPUT));
    let parts = &honest.header[PARTS_AT..][..MAX_OTHERS];
    let part_of = |other: Option<Other>| match other.map(|it| it.rom_part) {
        None => ABSENT,
        Some(RomPart::Run) => 0,
        Some(RomPart::Frequent) => 1,
    };
    assert_eq!(parts, settings.others.map(part_of));
    assert!(parts.contains(&1), "{parts:?}");
    assert!(check(&SPIN, &honest.sealed()).is_ok(), "the control");
    for (at, &part) in parts.iter().enumerate() {
        for got in [0, 1, 2, ABSENT].into_iter().filter(|&got| got != part) {
            let mut forged = honest.clone();
            forged.header[PARTS_AT + at] = got;
            let refusal = check(&SPIN, &forged.sealed()).unwrap_err();
            if part != ABSENT && got < 2 {
                assert_eq!(refusal.place, Place::Epoch(1), "{refusal}");
                continue;
            }
            assert_eq!(refusal.place, Place::Header, "{refusal}");
            let Check::Format(FormatError::Setting(error)) = refusal.check else {
                panic!("{refusal}")
            };
            assert_eq!(error.name, "ROM of other heights");
        }
    }
    for bit in [0, 1, 100, 255] {
        let mut forged = honest.clone();
        forged.header[FREQUENT_AT + bit / 8] ^= 1 << (bit % 8);
        let refusal = check(&SPIN, &forged.sealed()).unwrap_err();
        assert_eq!(refusal.place, Place::Epoch(1), "block {bit}: {refusal}");
    }
}

/// Where no epoch has them, there are none.
#[test]
fn frequent_blocks_that_no_heights_have() {
    let mut parts = Parts::of(&bundle(&SPIN, SMALL, "1"));
    assert!(check(&SPIN, &parts.sealed()).is_ok(), "the control");
    parts.header[FREQUENT_AT] ^= 1;
    let refusal = check(&SPIN, &parts.sealed()).unwrap_err();
    assert_eq!(refusal.place, Place::Header, "{refusal}");
    assert_eq!(refusal.check, Check::Format(FormatError::Frequent));
}

/// Of a block that the run has not, no epoch has a row either: neither whoever proves nor a header takes it for one.
#[test]
fn frequent_blocks_that_the_run_has_not() {
    let program = program();
    let frequent = program.part(RomPart::Frequent);
    let parts = Parts::of(&bundle(&program, settings(&program), INPUT));
    assert!(check(&SPIN, &parts.sealed()).is_ok(), "the control");
    for block in (0..RomBlocks::COUNT).filter(|&block| frequent.has(block as u32)) {
        let mut forged = parts.clone();
        forged.header[BLOCKS_AT + block / 8] &= !(1 << (block % 8));
        let refusal = check(&SPIN, &forged.sealed()).unwrap_err();
        assert_eq!(refusal.place, Place::Header, "{refusal}");
        assert_eq!(refusal.check, Check::Format(FormatError::Frequent));
    }
    let mut one = RomBlocks::NONE;
    one.insert(SPIN.block(SPIN.entry()));
    let program = SPIN.with_blocks(one).with_frequent(RomBlocks::ALL);
    assert_eq!(program.part(RomPart::Frequent), one);
    assert_eq!(program.part_log2(RomPart::Frequent), program.rom_log2());
}
