//! Epochs at other heights than the first of their run, and headers and proofs that confuse them.

use core::convert::Infallible;

use tranche::bundle::FormatError;
use tranche::epoch::PerShape;
use tranche::execute::Io;
use tranche::verify::{Check, Place, verify_above};
use tranche_backend::Chosen;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::prover::BatchError;
use tranche_core::shape::Profile;
use tranche_core::verifier::VerifyError;
use tranche_machine::settings::{Settings, bits};
use tranche_machine::setup::Setup;
use tranche_machine::shape::{ABSENT, EpochShape, MAX_OTHERS, NO_SECOND, Other};
use tranche_machine::{
    EpochEnd, EpochRecord, EpochTables, EpochUse, FilledTable, Machine, Pages, RecordProver,
    RecordStorage, RomBlocks,
};

use crate::bundles::*;
use crate::metered::settings;

/// Where a header has the other heights, the bytes of each, and where it has what their ROM has.
const AT: usize = 44;
const BYTES: usize = 20;
const PARTS_AT: usize = AT + MAX_OTHERS * BYTES;
/// What the runs read.
const INPUT: &str = "10";

/// What `of` makes of an epoch's record.
pub fn recorded<T>(
    setup: &Setup<'_>,
    input: &str,
    number: u32,
    of: impl FnOnce(&mut EpochRecord<'_>) -> T,
) -> T {
    let mut machine = Machine::over(setup.program, Pages::new(1 << 20), u64::MAX);
    let mut storage = RecordStorage::new(setup.shape);
    let (mut record, mut io) = (storage.record(), Io::new(input.as_bytes()));
    for _ in 0..number {
        machine.run_epoch(&mut io, &mut record).unwrap();
    }
    of(&mut record)
}

/// An epoch of a run, proved in tables that may be another's.
pub fn proof(
    tables: &EpochTables<'_>,
    input: &str,
    number: u32,
) -> Result<Vec<u8>, BatchError<Infallible>> {
    let plan = tables.plan_in::<Chosen, Poseidon2>(Profile::Fast).unwrap();
    let mut workspace = vec![0; plan.workspace_len()];
    let prover = RecordProver::<Chosen, _>::new(tables, &plan, &mut workspace[..]);
    let (mut prover, mut proof) = (prover.unwrap(), Vec::new());
    recorded(tables.setup(), input, number, |record| {
        prover.prove(record, &mut proof)
    })?;
    Ok(proof)
}

/// What is counted is what is recorded, other heights have room for the epochs that have them, and the last is short.
#[test]
fn heights_by_the_rows_of_epochs() {
    let setup = Setup::new(&SPIN, settings(&SPIN, INPUT)).unwrap();
    let tables = PerShape::of(&setup);
    let machine = || Machine::over(&SPIN, Pages::new(1 << 20), u64::MAX);
    let (mut machine, mut counter) = (machine(), machine());
    let [mut io, mut counted] = [(); 2].map(|()| Io::new(INPUT.as_bytes()));
    let mut storage = RecordStorage::new(setup.shape);
    let mut record = storage.record();
    let mut cycles = vec![0; 1 + tables.others.len()];
    let last = loop {
        let end = machine.run_epoch(&mut io, &mut record).unwrap();
        let rows = FilledTable::ALL.map(|table| record.rows(table) as u64);
        let mut blocks = RomBlocks::NONE;
        for [pc, _] in record.program_counters() {
            blocks.insert(SPIN.block(pc));
        }
        let expected = (EpochUse { rows, blocks }, end);
        assert_eq!(
            counter.count_epoch(&mut counted, &setup.shape),
            Ok(expected)
        );
        let shape = tables.holding(&record);
        assert!(record.fits(tables.at(shape).shape(), &SPIN));
        cycles[shape] += record.cycles();
        if matches!(end, EpochEnd::Exit(_)) {
            break shape;
        }
    };
    assert!(cycles.iter().all(|&cycles| cycles > 0), "{cycles:?}");
    assert!(last > 0);
    let shape = tables.at(last).shape();
    assert!(
        1 << shape.cpu < 2 * record.cycles().max(1 << 5),
        "{shape:?}"
    );
    for other in setup.other_shapes() {
        assert_eq!((other.l2g, other.clock, other.rom), {
            let EpochShape {
                l2g, clock, rom, ..
            } = setup.shape;
            (l2g, clock, rom)
        });
    }
}

/// The settings of a run of which one epoch at least has other heights, too low for the first.
fn low() -> Settings {
    let settings = settings(&SPIN, INPUT);
    assert!(settings.others[0].is_some());
    settings
}

#[test]
fn rows_that_have_no_room_are_refused() {
    let setup = Setup::new(&SPIN, low()).unwrap();
    let other = setup.other_shapes().next().unwrap();
    let tables = EpochTables::of_shape(&setup, other);
    assert_eq!(proof(&tables, INPUT, 2), Err(BatchError::OtherTables));
    assert!(
        proof(&EpochTables::new(&setup), INPUT, 2).is_ok(),
        "the control"
    );
}

/// The verifier takes an epoch at any heights of the header, and refuses it at those of no other header.
#[test]
fn any_heights_of_the_header() {
    let mut settings = settings(&SPIN, INPUT);
    settings.others = Default::default();
    let setup = Setup::new(&SPIN, settings).unwrap();
    let heights = setup.shape.heights();
    let with = |table: FilledTable| {
        let mut heights = heights;
        heights[table.index()] += 1;
        Some(Other::from([heights, setup.shape.second]))
    };
    settings.others[0] = with(FilledTable::Sys);
    let setup = Setup::new(&SPIN, settings).unwrap();
    let honest = bundle(&SPIN, settings, INPUT);
    check(&SPIN, &honest).expect("the control");
    let tables = PerShape::of(&setup);
    let replaced = |proof: Vec<u8>| {
        let mut parts = Parts::of(&honest);
        let payload = parts.payload(EPOCH, 0);
        payload.truncate(12);
        payload.extend(proof);
        parts.sealed()
    };
    // Every epoch has room in the other tables, which come first.
    assert!(replaced(proof(tables.at(1), INPUT, 1).unwrap()) == honest);
    let first = replaced(proof(tables.at(0), INPUT, 1).unwrap());
    assert!(first != honest);
    check(&SPIN, &first).expect("the first heights are the header's too");

    // The same statement at heights that it does not have.
    let shape = setup
        .shape
        .with_other(&with(FilledTable::Shift).unwrap(), &SPIN);
    let foreign = replaced(proof(&EpochTables::of_shape(&setup, shape), INPUT, 1).unwrap());
    let refusal = check(&SPIN, &foreign).unwrap_err();
    assert_eq!(refusal.place, Place::Epoch(1), "{refusal}");
    let Check::Proof(VerifyError::Height { .. }) = refusal.check else {
        panic!("{refusal}")
    };
}

/// Heights that no epoch may have are refused before the first proof, others at the first: they are in its statement.
#[test]
fn other_heights_in_a_header() {
    let settings = low();
    let [first, second] = settings.others[0].unwrap().heights;
    let mut parts = Parts::of(&bundle(&SPIN, settings, INPUT));
    assert_eq!(parts.header[AT..][..first.len()], first);
    assert_eq!(parts.header[AT + first.len()..][..second.len()], second);
    assert!(check(&SPIN, &parts.sealed()).is_ok(), "the control");
    for table in FilledTable::ALL {
        let (at, least) = (table.index(), EpochShape::least_log(table) as u8);
        let longest = settings.log2_cycles.max(least);
        let may = match table {
            FilledTable::Cpu => 6..=longest,
            FilledTable::L2g => first[at]..=first[at],
            _ => least..=longest,
        };
        let others = (0..=longest + 1).chain([ABSENT]);
        for got in others.filter(|&got| got != first[at]) {
            let mut forged = parts.clone();
            forged.header[AT + at] = got;
            // A second instance is lower than the first.
            forged.header[AT + first.len() + at] = ABSENT;
            let refusal = check(&SPIN, &forged.sealed()).unwrap_err();
            if may.contains(&got) || got == ABSENT && table.is_extension() {
                let place = Place::Epoch(1);
                assert_eq!(refusal.place, place, "{table:?} of 2^{got}: {refusal}");
                continue;
            }
            assert_eq!(refusal.place, Place::Header, "{table:?} of 2^{got}");
            let Check::Format(FormatError::Setting(error)) = refusal.check else {
                panic!("{table:?} of 2^{got}: {refusal}")
            };
            assert!(error.name.ends_with(table.name()), "{error}");
        }
    }
    // None before others.
    let mut gap = parts.clone();
    let given = settings.others.iter().flatten().count();
    gap.header[AT..][..BYTES].fill(ABSENT);
    gap.header[AT + BYTES..][..first.len()].copy_from_slice(&first);
    gap.header[PARTS_AT..][..2].copy_from_slice(&[ABSENT, 0]);
    let refusal = check(&SPIN, &gap.sealed()).unwrap_err();
    let Check::Format(FormatError::Setting(error)) = refusal.check else {
        panic!("{refusal}")
    };
    assert_eq!(error.name, "other heights");
    // The first heights alone.
    parts.header[AT..][..given * BYTES].fill(ABSENT);
    parts.header[PARTS_AT..][..given].fill(ABSENT);
    let refusal = check(&SPIN, &parts.sealed()).unwrap_err();
    assert_eq!(refusal.place, Place::Epoch(1), "{refusal}");
}

/// The lowest tables prove the fewest bits: they are raised like the others, and compared with the floor like them.
#[test]
fn all_heights_have_the_bits_asked_for() {
    let long = Settings {
        log2_cycles: 10,
        ..SMALL
    };
    let mut heights = Setup::new(&SPIN, long).unwrap().shape.heights();
    for table in [FilledTable::Cpu, FilledTable::Mem] {
        heights[table.index()] = 9;
    }
    let mut others = [None; MAX_OTHERS];
    others[0] = Some([heights, NO_SECOND].into());
    let settings = Settings { others, ..long };
    let bits_of = |setup: &Setup<'_>| {
        let tables = PerShape::of(setup);
        let plans = tables.map(|tables| tables.plan_in::<Chosen, Poseidon2>(Profile::Fast));
        plans.map(|plan| bits(plan.as_ref().unwrap()).total())
    };
    let found = bits_of(&Setup::new(&SPIN, settings).unwrap());
    let (first, weaker) = (found.first, found.others[0]);
    assert!(weaker < first, "{found:?}");
    let secure = bits_of(&Setup::secure(&SPIN, settings, 100.0).unwrap());
    assert!(secure.iter().all(|&bits| bits >= 100.0), "{secure:?}");

    let bundle = bundle(&SPIN, settings, INPUT);
    let floor = (weaker + first) / 2.0;
    let refusal = verify_above(&SPIN, &bundle[..], floor).unwrap_err();
    let check = Check::Security {
        bits: weaker,
        floor,
    };
    assert_eq!((refusal.place, refusal.check), (Place::Header, check));
}
