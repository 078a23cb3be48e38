//! The partial file itself: records hold in their place alone, and what is not true of them is not proved.

use std::fs;
use std::path::{Path, PathBuf};

use tranche::execute::execute;
use tranche::files::Partial;
use tranche::files::partial::{Binding, HEAD_BYTES, RECORD_BYTES};
use tranche::mix::Sizing;
use tranche::prove::{Options, ProveError, Surveyed, metered, secure};
use tranche::retire::header::MAGIC;
use tranche::retire::{self, RetireProveError};
use tranche::verify;
use tranche_core::retire::Order;
use tranche_machine::Program;
use tranche_machine::hash::Hash;
use tranche_machine::settings::{SECURITY_FLOOR_BITS, Settings};

use super::{APPROACHES, folder, names, prove, text};

const SPIN: &[u8] = include_bytes!("../../guests/prebuilt/spin.elf");

fn path(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.partial"));
    let _ = fs::remove_file(&path);
    path
}

fn binding() -> Binding {
    Binding::new([7; 32], b"input", b"options")
}

fn open(path: &Path) -> Partial {
    let mut partial = Partial::open(path.to_owned(), &[]).expect("a file");
    partial.bind(&binding()).expect("a file of this run");
    partial
}

/// Payloads of the records that are found in these bytes.
fn found(name: &str, bytes: &[u8]) -> Vec<Vec<u8>> {
    let path = path(name);
    fs::write(&path, bytes).unwrap();
    let mut partial = open(&path);
    let records = partial.records().to_vec();
    let payloads = records.iter().map(|record| partial.read(record).unwrap());
    payloads.collect()
}

#[test]
fn records_hold_in_their_place_alone() {
    let path = path("records");
    let payloads = [&b"one"[..], b"", b"three", b"two"];
    let mut partial = open(&path);
    for (i, payload) in payloads.into_iter().enumerate() {
        partial.append(1, [i as u32, 0], &[payload]).unwrap();
    }
    drop(partial);
    let bytes = fs::read(&path).unwrap();
    let mut bounds = vec![HEAD_BYTES];
    for payload in payloads {
        bounds.push(bounds[bounds.len() - 1] + RECORD_BYTES + payload.len());
    }
    assert_eq!(bytes.len(), *bounds.last().unwrap());
    let found = |bytes: &[u8]| found("records-changed", bytes);
    assert_eq!(found(&bytes), payloads, "the control");
    let whole = |at: usize| bounds.iter().filter(|&&end| end <= at).count() - 1;
    for at in HEAD_BYTES..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x80;
        assert_eq!(found(&flipped), payloads[..whole(at)], "byte {at} flipped");
        assert_eq!(found(&bytes[..at]), payloads[..whole(at)], "cut at {at}");
    }
    // One that is left out, and one that comes twice.
    let out = [&bytes[..bounds[1]], &bytes[bounds[2]..]].concat();
    assert_eq!(found(&out), payloads[..1]);
    let twice = [&bytes[..bounds[1]], &bytes[bounds[0]..]].concat();
    assert_eq!(found(&twice), payloads[..1]);
}

/// What follows a record that is made again is gone, though it was whole once.
#[test]
fn records_made_again_end_the_file() {
    let path = path("again");
    let mut partial = open(&path);
    for i in 0..3 {
        partial.append(1, [i, 0], &[b"old"]).unwrap();
    }
    partial.keep(1);
    partial.append(1, [1, 0], &[b"ne", b"w"]).unwrap();
    drop(partial);
    assert_eq!(
        found("again-read", &fs::read(&path).unwrap()),
        [&b"old"[..], b"new"]
    );
}

/// A run of `spin` in several epochs.
fn with_run<T>(then: impl FnOnce(&Surveyed<'_>, &Program<'_>) -> T) -> T {
    let program = Program::parse(SPIN).expect("a guest");
    let input = b"100";
    let execution = execute(&program, input, 1 << 20).expect("a guest exits");
    let settings = Settings {
        log2_cycles: 8,
        arity: 3,
        hash: Hash::Blake3,
        ..Settings::default()
    };
    let settings = metered(&program, input, &execution, settings).expect("heights");
    let run = secure(&program, input, &execution, settings, SECURITY_FLOOR_BITS);
    then(&run.expect("a run"), &program)
}

/// Partial files with every checksum right, and another epoch in them than was executed; or a proof of none.
#[test]
fn epochs_that_were_not_executed_are_not_gone_on_with() {
    let path = path("epochs");
    let options = Options::default();
    with_run(|run, program| {
        let mut honest = Vec::new();
        let resume = |partial: &mut Partial, out: &mut Vec<u8>| {
            out.clear();
            run.resume(&options, partial, out, |_| {})
        };
        let opened = || {
            let mut partial = Partial::open(path.clone(), &[]).expect("a file");
            partial.bind(&run.binding()).expect("of this run");
            partial
        };
        let mut partial = opened();
        resume(&mut partial, &mut honest).expect("a run that can be proved");
        assert!(verify(program, honest.as_slice()).is_ok());
        let records = partial.records().to_vec();
        let payload = partial.read(&records[1]).unwrap();
        drop(partial);
        let bytes = fs::read(&path).unwrap();

        // The second epoch anew, with a word of its span, or a byte of its proof, changed.
        let with = |payload: &[u8]| {
            fs::write(&path, &bytes).unwrap();
            let mut partial = opened();
            partial.keep(1);
            partial
                .append(records[1].kind, records[1].place, &[payload])
                .unwrap();
            let mut out = Vec::new();
            (resume(&mut partial, &mut out), out)
        };
        let (proved, out) = with(&payload);
        assert_eq!(proved.expect("the control").resumed_epochs, 2);
        assert!(out == honest);
        for word in 0..3 {
            let mut payload = payload.clone();
            payload[4 * word] ^= 1;
            let (proved, _) = with(&payload);
            let error = proved.expect_err("another epoch");
            assert!(matches!(error, ProveError::Changed { epoch: 2 }), "{error}");
        }
        let (proved, _) = with(&payload[..11]);
        assert!(matches!(proved, Err(ProveError::Changed { epoch: 2 })));
        // What is wrong with a proof is the verifier's to find.
        let mut payload = payload.clone();
        let last = payload.len() - 40;
        payload[last] ^= 1;
        let (proved, out) = with(&payload);
        assert!(proved.is_ok());
        assert!(verify(program, out.as_slice()).is_err());

        refuses_to_hand_out("epochs", &path, APPROACHES[0]);

        // Records of another order are forgotten.
        fs::write(&path, &bytes).unwrap();
        let mut partial = opened();
        partial.keep(1);
        partial
            .append(records[1].kind, [3, 0], &[&payload])
            .unwrap();
        let proved = resume(&mut partial, &mut Vec::new()).expect("a run");
        assert_eq!(proved.resumed_epochs, 1);
    });
}

/// A bundle that is made of this partial file, of a run of `spin` on 100, is refused before it has its name.
fn refuses_to_hand_out(name: &str, partial: &Path, args: &[&str]) {
    let here = folder(&format!("untrue-{name}"));
    fs::write(here.join("input"), b"100").unwrap();
    fs::copy(partial, here.join("bundle.partial")).unwrap();
    let bytes = fs::read(partial).unwrap();
    let ended = prove(&here, args).arg("--resume").output().unwrap();
    let said = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    let reason = "the resumed proof is refused: ";
    assert!(
        said.contains(reason) && said.contains("without bundle.partial"),
        "{said}"
    );
    assert_eq!(names(&here), ["bundle.partial"]);
    assert!(
        fs::read(here.join("bundle.partial"))
            .unwrap()
            .starts_with(&bytes)
    );
}

/// The same of a run that is one proof: what a batch left is changed, with every checksum right.
#[test]
fn batches_that_were_not_made_are_not_gone_on_with() {
    let program = Program::parse(SPIN).expect("a guest");
    let input = b"100";
    let execution = execute(&program, input, 1 << 20).expect("a guest exits");
    for (order, args) in [Order::Forked, Order::Shared]
        .into_iter()
        .zip(&APPROACHES[1..])
    {
        let path = path(&format!("batches-{order:?}"));
        let options = retire::Options {
            hash: Hash::Blake3,
            sizing: Sizing::Metered,
            ..retire::Options::new(order, 8)
        };
        let run = retire::Surveyed::cut(&program, input, &execution, &options).expect("a run");
        let options = run.secure(&options).expect("secure");
        let opened = || {
            let mut partial = Partial::open(path.clone(), &[]).expect("a file");
            partial.bind(&run.binding(&options)).expect("of this run");
            partial
        };
        let mut honest = Vec::new();
        let mut partial = opened();
        let proved = run.resume(&options, &mut partial, &mut honest, |_, _| {});
        let batches = proved.expect("a run that can be proved").batches;
        let records = partial.records().to_vec();
        // In its first walk, and in its second one.
        let changed = [1, batches + 1].map(|at| (at, partial.read(&records[at]).unwrap()));
        drop(partial);
        let bytes = fs::read(&path).unwrap();
        let resumed = |at: usize, payload: &[u8]| {
            fs::write(&path, &bytes).unwrap();
            let mut partial = opened();
            partial.keep(at);
            let record = records[at];
            partial
                .append(record.kind, record.place, &[payload])
                .unwrap();
            let mut out = Vec::new();
            let proved = run.resume(&options, &mut partial, &mut out, |_, _| {});
            proved.map(|proved| (proved.resumed_batches, out))
        };
        for (at, payload) in &changed {
            let (passed, out) = resumed(*at, payload).expect("the control");
            assert!(passed == at + 1 && out == honest);
            assert!(matches!(
                resumed(*at, &payload[..7]),
                Err(RetireProveError::Record { .. })
            ));
        }
        // The fingerprint of a batch.
        let (at, payload) = &changed[0];
        let mut other = payload.clone();
        other[0] ^= 1;
        let refused = resumed(*at, &other);
        assert!(matches!(
            refused,
            Err(RetireProveError::Changed { batch: 1 })
        ));
        // A root: the proof is one of another tree.
        let mut other = payload.clone();
        other[8] ^= 1;
        let (_, out) = resumed(*at, &other).expect("nobody knows yet");
        let refused = retire::verify(&program, &out[MAGIC.len()..], SECURITY_FLOOR_BITS);
        assert!(refused.is_err());
        fs::write(&path, &bytes).unwrap();
        let mut partial = opened();
        partial.keep(*at);
        let record = records[*at];
        partial
            .append(record.kind, record.place, &[&other])
            .unwrap();
        drop(partial);
        refuses_to_hand_out(&format!("{order:?}"), &path, args);
    }
}
