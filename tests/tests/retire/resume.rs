//! Runs that are stopped after any batch of any walk, and go on from what a journal has.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::convert::Infallible;

use tranche_backend::Chosen;
use tranche_core::hash::blake3::Blake3;
use tranche_core::retire::{Alone, Journal, Keep, Made, Order, RetireError, Stopped};
use tranche_core::shape::Profile;
use tranche_core::{Hashes, Params};
use tranche_test_support::air::{Part, TestAir};
use tranche_test_support::core::PROFILES;
use tranche_test_support::reference::ReferenceSuite;
use tranche_test_support::retire::Run as TestRun;
use tranche_test_support::retire::crew::Threads;
use tranche_test_support::shapes::{QUICK, Shape, TableShape};

use super::{ORDERS, keeps};

/// Three batches of two tables and one kind, and a fourth of another, with local interactions of their own.
fn run_of(degree: usize) -> TestRun<TestAir> {
    let table = |log_height, parts| TableShape {
        log_height,
        parts,
        max_constraint_degree: Some(3),
    };
    let local = || {
        let part = Part::Local {
            width: 2,
            queries: 1,
        };
        table(3, vec![part])
    };
    let power = || table(4, vec![Part::Power { degree }]);
    let mut tables: Vec<_> = (0..3).flat_map(|_| [local(), power()]).collect();
    tables.push(power());
    // A journal's proofs of work are checked when it is read.
    let params = Params {
        batch_pow_bits: 2,
        lookup_pow_bits: 1,
        commit_pow_bits: 1,
        ood_pow_bits: 3,
        ..QUICK
    };
    TestRun::cut(Shape::new(tables, params).batch(), &[2; 3])
}

fn run() -> TestRun<TestAir> {
    run_of(3)
}

/// The same run of the other suite.
fn run_with_blake3() -> TestRun<TestAir, Blake3> {
    let TestRun {
        batches,
        params,
        statement,
        ..
    } = run();
    TestRun {
        batches,
        params,
        statement,
        suite: Blake3,
    }
}

type Place = (usize, usize);

/// A journal in memory, which may fail at one place.
#[derive(Clone, Default)]
struct Memory {
    records: BTreeMap<Place, Vec<u8>>,
    /// Batches that were made, with records or without.
    made: Vec<Place>,
    fails_at: Option<Place>,
}

/// A journal, and the bytes that went to the sink beside it.
struct Kept<'b>(&'b mut Memory, &'b RefCell<Vec<u8>>);

impl Journal for Kept<'_> {
    fn made(&mut self, made: Made<'_>) -> Result<(), Stopped> {
        let (place, bytes) = ((made.walk, made.batch), self.1.borrow());
        assert_eq!(made.written, bytes.len() as u64);
        self.0.made.push(place);
        if let Some(left) = made.left {
            let wrote = &bytes[bytes.len() - made.wrote as usize..];
            self.0
                .records
                .insert(place, [&left.concat(), wrote].concat());
        }
        // It stops when the record is there.
        (self.0.fails_at != Some(place))
            .then_some(())
            .ok_or(Stopped)
    }

    fn find(&mut self, walk: usize, batch: usize) -> Result<Option<&[u8]>, Stopped> {
        Ok(self.0.records.get(&(walk, batch)).map(Vec::as_slice))
    }
}

/// The bytes of a proof, shared with its journal.
struct Bytes<'b>(&'b RefCell<Vec<u8>>);

impl embedded_io::ErrorType for Bytes<'_> {
    type Error = Infallible;
}

impl embedded_io::Write for Bytes<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        self.0.borrow_mut().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Proves with a journal, in a new store.
fn prove<S: ReferenceSuite>(
    run: &TestRun<TestAir, S>,
    plan: (Order, Keep),
    profile: Profile,
    workers: usize,
    memory: &mut Memory,
) -> Result<Vec<u8>, RetireError<Infallible, Infallible>>
where
    Chosen: Hashes<S>,
{
    let bytes = RefCell::default();
    memory.made.clear();
    let mut journal = Kept(memory, &bytes);
    let sink = Bytes(&bytes);
    let written = match workers {
        1 => run.core_resume::<Chosen, _>(plan, profile, (&Alone, 1), &mut journal, sink),
        _ => run.core_resume::<Chosen, _>(plan, profile, (&Threads, workers), &mut journal, sink),
    };
    let bytes = bytes.into_inner();
    assert_eq!(written?, bytes.len() as u64);
    Ok(bytes)
}

/// Stops after each batch of each walk; what goes on has the same bytes, and makes nothing again that has a record.
fn stops_everywhere<S: ReferenceSuite>(
    run: &TestRun<TestAir, S>,
    plan: (Order, Keep),
    profile: Profile,
    workers: usize,
) where
    Chosen: Hashes<S>,
{
    let mut whole = Memory::default();
    let expected = prove(run, plan, profile, workers, &mut whole).expect("nothing stops it");
    let places = whole.made.clone();
    for &place in &places {
        let mut memory = Memory {
            fails_at: Some(place),
            ..Memory::default()
        };
        let stopped = prove(run, plan, profile, workers, &mut memory);
        let (walk, batch) = place;
        assert_eq!(stopped.err(), Some(RetireError::Stopped { walk, batch }));
        memory.fails_at = None;
        let known = memory.records.len();
        let bytes = prove(run, plan, profile, workers, &mut memory).expect("it goes on");
        assert!(
            bytes == expected,
            "{plan:?}, {profile:?}, {workers} workers, {place:?}"
        );
        assert_eq!(memory.made.len(), places.len() - known, "{place:?}");
        assert!(memory.records == whole.records, "{place:?}: other records");
    }
}

#[test]
fn runs_go_on_after_any_batch_of_any_walk() {
    let (run, of_blake3) = (run(), run_with_blake3());
    for order in ORDERS {
        for keep in keeps(order) {
            stops_everywhere(&run, (order, keep), Profile::Fast, 1);
            stops_everywhere(&of_blake3, (order, keep), Profile::Fast, 1);
        }
        for profile in PROFILES {
            stops_everywhere(&run, (order, Keep::default()), profile, 3);
        }
    }
}

/// One worker writes the journal, and three go on with it.
#[test]
fn the_number_of_workers_may_change() {
    let run = run();
    for order in ORDERS {
        let plan = (order, Keep::default());
        let mut memory = Memory {
            fails_at: Some((1, 1)),
            ..Memory::default()
        };
        let stopped = prove(&run, plan, Profile::Fast, 1, &mut memory);
        assert!(stopped.is_err());
        memory.fails_at = None;
        let bytes = prove(&run, plan, Profile::Fast, 3, &mut memory).expect("it goes on");
        let expected = prove(&run, plan, Profile::Fast, 1, &mut Memory::default());
        assert!(bytes == expected.expect("a proof"));
    }
}

/// Whether a proof is one of the run.
fn verifies<S: ReferenceSuite>(run: &TestRun<TestAir, S>, order: Order, bytes: &[u8]) -> bool {
    match order {
        Order::Forked => run.verify(bytes).is_ok(),
        Order::Shared => run.verify_shared(bytes).is_ok(),
    }
}

/// A changed byte of any record is refused by the prover or by the verifier, or says nothing (what of a tree lies beside
/// all queries); and records of another length are refused.
#[test]
fn altered_records_make_no_proof() {
    altered(&run());
    altered(&run_with_blake3());
}

fn altered<S: ReferenceSuite>(run: &TestRun<TestAir, S>)
where
    Chosen: Hashes<S>,
{
    for order in ORDERS {
        for keep in keeps(order) {
            let plan = (order, keep);
            let mut whole = Memory::default();
            let expected = prove(run, plan, Profile::Fast, 1, &mut whole).expect("a proof");
            assert!(verifies(run, order, &expected), "the control");
            let (mut refused, mut other) = (0, 0);
            for (&place, record) in &whole.records {
                let (walk, batch) = place;
                let with = |record: Vec<u8>| {
                    let mut memory = whole.clone();
                    memory.records.insert(place, record);
                    prove(run, plan, Profile::Fast, 1, &mut memory)
                };
                let unfit = RetireError::Record { walk, batch };
                let short = record[..record.len().saturating_sub(1)].to_vec();
                let long = [&record[..], &[0]].concat();
                for record in [short, long, Vec::new()] {
                    // Where a record ends with proof bytes, their number is the verifier's to check.
                    match with(record) {
                        Err(error) => assert_eq!(error, unfit, "{place:?}"),
                        Ok(bytes) => assert!(!verifies(run, order, &bytes) || bytes == expected),
                    }
                }
                for at in (0..record.len()).step_by(record.len().div_ceil(8).max(1)) {
                    let mut record = record.clone();
                    record[at] ^= 1 << (at % 7);
                    match with(record) {
                        Err(_) => refused += 1,
                        Ok(bytes) if bytes == expected => {}
                        Ok(bytes) => {
                            other += 1;
                            assert!(!verifies(run, order, &bytes), "{plan:?} {place:?} at {at}");
                        }
                    }
                }
            }
            assert!(
                refused > 0 && other > 0,
                "{refused} refused, {other} of other bytes"
            );
        }
    }
}

/// Records of another run: its first batch has another fingerprint.
#[test]
fn records_of_another_run_are_refused() {
    let (run, other) = (run(), run_of(2));
    for order in ORDERS {
        let plan = (order, Keep::default());
        let mut memory = Memory::default();
        prove(&other, plan, Profile::Fast, 1, &mut memory).expect("a proof");
        let refused = prove(&run, plan, Profile::Fast, 1, &mut memory);
        assert_eq!(refused.err(), Some(RetireError::Changed { batch: 0 }));
        // Records of two batches of one run, exchanged.
        let mut memory = Memory::default();
        prove(&run, plan, Profile::Fast, 1, &mut memory).expect("a proof");
        let [first, second] = [(0, 0), (0, 1)].map(|place| memory.records[&place].clone());
        assert_ne!(first, second);
        memory.records.insert((0, 0), second);
        memory.records.insert((0, 1), first);
        let refused = prove(&run, plan, Profile::Fast, 1, &mut memory);
        assert_eq!(refused.err(), Some(RetireError::Changed { batch: 0 }));
    }
}

/// A challenge is in no record: forks draw theirs again, and the proof of work that they had is checked.
#[test]
fn a_witness_that_is_none_is_refused() {
    let mut run = run();
    run.params.ood_pow_bits = 6;
    run.params.batch_pow_bits = 6;
    let plan = (Order::Forked, Keep::default());
    let mut whole = Memory::default();
    prove(&run, plan, Profile::Fast, 1, &mut whole).expect("a proof");
    let mut memory = whole.clone();
    let record = memory.records.get_mut(&(1, 2)).expect("an argument");
    // The witness before the batching challenge is written last.
    let last = record.len() - 4;
    record[last] ^= 1;
    let refused = prove(&run, plan, Profile::Fast, 1, &mut memory);
    let (walk, batch) = (1, 2);
    assert_eq!(refused.err(), Some(RetireError::Record { walk, batch }));
    assert!(
        prove(&run, plan, Profile::Fast, 1, &mut whole).is_ok(),
        "the control"
    );
}
