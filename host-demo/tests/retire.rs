//! A run as one proof, from the program to the verdict: both orders, and what is refused of their bundles for
//! which reason.

use std::io::Read;
use std::process::Command;

use tranche::execute::{Execution, execute};
use tranche::retire::header::MAGIC;
use tranche::retire::{
    Header, Options, RetireCheck, RetireProveError, Retired, WholeOptions, prove, prove_whole,
    verify,
};
use tranche_core::Params;
use tranche_core::retire::{Keep, Kept, Order};
use tranche_core::verifier::{ForkedError, VerifyError};
use tranche_machine::Program;
use tranche_machine::batches::{BODY_TABLES, BatchSpan, MAX_BODY_TABLES, MAX_LOG2_ROWS, SpanError};
use tranche_machine::hash::Hash;
use tranche_machine::settings::SECURITY_FLOOR_BITS;
use tranche_machine::shape::ABSENT;

#[path = "retire/budget.rs"]
mod budget;

const SHA256: &[u8] = include_bytes!("../guests/prebuilt/sha256.elf");
const MODEXP: &[u8] = include_bytes!("../guests/prebuilt/modexp.elf");
const SPIN: &[u8] = include_bytes!("../guests/prebuilt/spin.elf");
const SORT: &[u8] = include_bytes!("../guests/prebuilt/sort.elf");
const ORDERS: [Order; 2] = [Order::Forked, Order::Shared];
/// In batches in either order, and as a single batch.
const FORMS: [Option<Order>; 3] = [Some(Order::Forked), Some(Order::Shared), None];
/// Every form with either suite.
const ALL: [(Option<Order>, Hash); 6] = {
    let mut all = [(None, Hash::Poseidon2); 6];
    let mut i = 0;
    while i < all.len() {
        all[i] = (FORMS[i % FORMS.len()], Hash::ALL[i / FORMS.len()]);
        i += 1;
    }
    all
};
/// The input of the guest.
const INPUT: &[u8] = b"abc";

fn program(elf: &[u8]) -> Program<'_> {
    Program::parse(elf).expect("a guest")
}

fn execution() -> Execution {
    execute(&program(SHA256), INPUT, 1 << 20).expect("a guest exits")
}

/// A bundle in a form, in batches of 2^9 cycles if it has batches.
fn bundle(form: Option<Order>, hash: Hash) -> Vec<u8> {
    let Some(order) = form else {
        let mut bytes = Vec::new();
        let options = WholeOptions {
            hash,
            ..WholeOptions::default()
        };
        let proved = prove_whole(&program(SHA256), INPUT, &execution(), &options, &mut bytes);
        let proved = proved.expect("a run that can be proved");
        assert_eq!(proved.bundle_bytes, bytes.len() as u64);
        assert!(proved.batches == 1 && proved.security_bits >= SECURITY_FLOOR_BITS);
        return bytes;
    };
    let options = Options {
        hash,
        ..Options::new(order, 9)
    };
    bundle_with(&options).0
}

/// A bundle in such batches, and what was said of it.
fn bundle_with(options: &Options) -> (Vec<u8>, Retired) {
    let mut bytes = Vec::new();
    let proved = prove(
        &program(SHA256),
        INPUT,
        &execution(),
        options,
        &mut bytes,
        |_, _| {},
    );
    let proved = proved.expect("a run that can be proved");
    assert_eq!(proved.bundle_bytes, bytes.len() as u64);
    assert!(proved.batches > 8 && proved.security_bits >= SECURITY_FLOOR_BITS);
    (bytes, proved)
}

/// What the verifier says of a bundle.
fn verdict(bytes: &[u8]) -> Result<tranche::retire::ProvenExecution, RetireCheck> {
    let mut source = bytes;
    let mut magic = [0; MAGIC.len()];
    source.read_exact(&mut magic).expect("a magic");
    assert_eq!(magic, MAGIC);
    verify(&program(SHA256), source, SECURITY_FLOOR_BITS)
}

/// The bundle with another header before the same proof.
fn with_header(bytes: &[u8], change: impl FnOnce(&mut Header)) -> Vec<u8> {
    let mut rest = &bytes[MAGIC.len()..];
    let mut header = Header::read(&mut rest).expect("a header");
    change(&mut header);
    [&header.to_bytes(), rest].concat()
}

/// Changes one word of the span of a batch.
fn change_span(header: &mut Header, batch: usize, word: usize, by: u32) {
    let mut words = header.spans[batch].words();
    words[word] += by;
    header.spans[batch] = BatchSpan::from_words(words).expect("elements");
}

/// Whether the proof itself is refused.
fn is_of_the_proof(check: &RetireCheck) -> bool {
    matches!(check, RetireCheck::Forked(_) | RetireCheck::Proof(_))
}

#[test]
fn every_form_proves_the_run() {
    for (form, hash) in ALL {
        let bytes = bundle(form, hash);
        let proven = verdict(&bytes).expect("the honest bundle");
        let execution = execution();
        assert_eq!((proven.order, proven.hash), (form, hash));
        assert_eq!(proven.cycles, execution.cycles);
        assert_eq!(
            (proven.exit_code, &proven.output),
            (execution.exit_code, &execution.output)
        );
        assert_eq!(bytes, bundle(form, hash), "bytes depend on nothing else");
    }
}

/// Neither how many workers there are nor what is kept between walks shows in the bundle.
#[test]
fn bundles_do_not_depend_on_workers_and_on_what_is_kept() {
    for order in ORDERS {
        let plain = Options::new(order, 9);
        let (expected, one) = bundle_with(&plain);
        let with = |workers: usize, keep| Options {
            workers: workers.try_into().expect("not zero"),
            keep,
            ..plain
        };
        let least = Keep {
            trees: Kept::Root,
            quotients: false,
            codewords: false,
        };
        for workers in [2, 3, 100] {
            let (bytes, several) = bundle_with(&with(workers, plain.keep));
            assert!(bytes == expected, "{order:?}, {workers} workers");
            let workers = workers.min(one.batches);
            assert_eq!(several.workers, workers);
            assert_eq!(several.workspace_bytes, workers * one.workspace_bytes);
            assert_eq!(several.store_bytes, one.store_bytes);
        }
        let (bytes, lean) = bundle_with(&with(2, least));
        assert!(bytes == expected, "{order:?}, with the least kept");
        assert!(lean.store_bytes < one.store_bytes);
        let walks = match order {
            Order::Forked => [3, 4],
            Order::Shared => [6, 6],
        };
        assert_eq!([one.walks, lean.walks], walks);
    }
}

/// Options of one approach are refused by name with the other.
#[test]
fn options_of_the_other_approach_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sha256.elf");
    std::fs::write(&path, SHA256).expect("a file");
    for option in [
        ["--challenges", "forked"],
        ["--trees", "root"],
        ["--quotients", "rebuilt"],
        ["--codewords", "rebuilt"],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_tranche"))
            .arg("prove")
            .arg(&path)
            .args(option)
            .output()
            .expect("the program runs");
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8_lossy(&output.stderr);
        let expected = format!("{}: only for --approach retire", option[0]);
        assert!(said.contains(&expected), "{said}");
    }
}

#[test]
fn other_claims_are_refused() {
    for (form, hash) in ALL {
        let honest = bundle(form, hash);
        let refused = |change: fn(&mut Header)| {
            verdict(&with_header(&honest, change)).expect_err("a claim that is not proved")
        };
        assert!(
            verdict(&with_header(&honest, |_| {})).is_ok(),
            "the control"
        );
        assert!(is_of_the_proof(&refused(|header| header.exit_code ^= 1)));
        assert!(is_of_the_proof(&refused(|header| header.output[0] ^= 1)));
        assert!(is_of_the_proof(&refused(|header| {
            header.output.pop();
        })));
        assert!(is_of_the_proof(&refused(|header| header.rest[0] += 1)));
        assert!(is_of_the_proof(&refused(|header| {
            // The batches still follow one another.
            change_span(header, 0, 3, 3);
            if header.spans.len() > 1 {
                change_span(header, 1, 2, 3);
            }
        })));
        assert!(is_of_the_proof(&refused(|header| {
            header.params.num_queries += 1;
        })));
        assert!(is_of_the_proof(&refused(|header| header.body[0] += 1)));
        assert!(is_of_the_proof(&refused(|header| {
            let other = Hash::ALL.into_iter().find(|&hash| hash != header.hash);
            header.hash = other.expect("another");
        })));
        for other in FORMS.into_iter().filter(|&other| other != form) {
            let other = verdict(&with_header(&honest, |header| header.order = other));
            let check = other.expect_err("a proof of another form");
            let several = matches!(check, RetireCheck::NotWhole { batches } if batches > 1);
            assert!(is_of_the_proof(&check) || several, "{check}");
        }
    }
}

#[test]
fn a_run_that_is_too_tall_for_a_batch_is_refused() {
    let (program, input) = (program(SPIN), b"700000");
    let execution = execute(&program, input, 1 << 25).expect("a guest exits");
    assert!(execution.cycles > 1 << MAX_LOG2_ROWS);
    let mut bytes = Vec::new();
    let options = WholeOptions::default();
    let refused = prove_whole(&program, input, &execution, &options, &mut bytes);
    let too_tall = matches!(
        refused,
        Err(RetireProveError::TooTall { table: "cpu", rows }) if rows == execution.cycles
    );
    assert!(too_tall && bytes.is_empty());
}

#[test]
fn batches_that_are_no_execution_are_refused() {
    let honest = bundle(Some(Order::Forked), Hash::Poseidon2);
    let refused = |change: &dyn Fn(&mut Header)| match verdict(&with_header(&honest, change))
        .expect_err("no execution")
    {
        RetireCheck::Spans(error) => error,
        other => panic!("refused for another reason: {other}"),
    };
    let entry = |batch| {
        let error = refused(&|header: &mut Header| change_span(header, batch, 0, 1));
        matches!(error, SpanError::Entry { batch: at, .. } if at == batch)
    };
    assert!(entry(0) && entry(3));
    let clock = |batch| {
        let error = refused(&|header: &mut Header| change_span(header, batch, 2, 1));
        matches!(error, SpanError::Clock { batch: at, .. } if at == batch)
    };
    assert!(clock(0) && clock(3));
    let dropped = refused(&|header: &mut Header| {
        header.spans.pop();
    });
    assert_eq!(dropped, SpanError::Halt { last: true });
    let repeated =
        refused(&|header: &mut Header| header.spans.extend(header.spans.last().copied()));
    assert_eq!(repeated, SpanError::Halt { last: false });
}

#[test]
fn headers_outside_of_their_caps_are_refused() {
    let honest = bundle(Some(Order::Forked), Hash::Poseidon2);
    let at = |place: usize, byte: u8| {
        let mut bytes = honest.clone();
        bytes[place] = byte;
        verdict(&bytes).expect_err("a header that is none")
    };
    assert!(matches!(at(8, 9), RetireCheck::Version { got: 9 }));
    let order = at(10, 3);
    assert!(matches!(
        order,
        RetireCheck::Range {
            got: 3,
            limit: 2,
            ..
        }
    ));
    let hash = at(11, 2);
    assert!(matches!(
        hash,
        RetireCheck::Range {
            what: "the hash suite",
            got: 2,
            limit: 1,
        }
    ));
    assert!(matches!(at(12, 40), RetireCheck::Range { got: 40, .. }));
    // Behind the heights of the tables of a body batch.
    let blowup = at(12 + MAX_BODY_TABLES, 9);
    assert!(matches!(
        blowup,
        RetireCheck::Range {
            what: "log_blowup",
            ..
        }
    ));
    // A byte of the program's digest alone breaks the checksum.
    assert_eq!(at(40, !honest[40]), RetireCheck::Checksum);
    for len in [MAGIC.len(), 20, 60, 100] {
        assert_eq!(verdict(&honest[..len]), Err(RetireCheck::Truncated));
    }
    let weak = with_header(&honest, |header| header.params = Params::BENCHMARK);
    assert!(matches!(verdict(&weak), Err(RetireCheck::Security { .. })));
    let long = with_header(&honest, |header| header.output = vec![0; 1 << 20]);
    assert!(matches!(verdict(&long), Err(RetireCheck::Output { .. })));
    let other = verify(&program(SORT), &honest[MAGIC.len()..], SECURITY_FLOOR_BITS);
    assert!(matches!(other, Err(RetireCheck::Program { .. })));
}

/// Batches have the tables of the extensions that the program uses, and a header cannot say otherwise.
#[test]
fn products_and_quotients_are_proved() {
    let number = |low: u8| [&[low][..], &[0; 31]].concat();
    let input = [number(7), number(5), number(250)].concat();
    let program = program(MODEXP);
    let execution = execute(&program, &input, 1 << 20).expect("a guest exits");
    assert_eq!(execution.output, number((7_u32.pow(5) % 250) as u8));
    for order in ORDERS {
        let mut bytes = Vec::new();
        let options = Options::new(order, 10);
        prove(
            &program,
            &input,
            &execution,
            &options,
            &mut bytes,
            |_, _| {},
        )
        .expect("a proof");
        let check = |bytes: &[u8]| verify(&program, &bytes[MAGIC.len()..], SECURITY_FLOOR_BITS);
        let proven = check(&bytes).expect("an honest proof");
        assert_eq!(proven.output, execution.output);
        // MUL and DIV; there is no table of public input.
        for table in BODY_TABLES..BODY_TABLES + 2 {
            let without = with_header(&bytes, |header| {
                assert_ne!(header.body[table], ABSENT);
                header.body[table] = ABSENT;
            });
            assert!(is_of_the_proof(&check(&without).expect_err("a table less")));
        }
    }
    for order in ORDERS {
        for table in BODY_TABLES..MAX_BODY_TABLES {
            let with = with_header(&bundle(Some(order), Hash::Poseidon2), |header| {
                assert_eq!(header.body[table], ABSENT);
                header.body[table] = 6;
            });
            assert!(is_of_the_proof(&verdict(&with).expect_err("a table more")));
        }
    }
}

#[test]
fn proofs_that_are_changed_are_refused() {
    for form in FORMS {
        let honest = bundle(form, Hash::Poseidon2);
        let mut rest = &honest[MAGIC.len()..];
        Header::read(&mut rest).expect("a header");
        let start = honest.len() - rest.len();
        let step = rest.len() / 40;
        for place in (start..honest.len()).step_by(step) {
            let mut changed = honest.clone();
            changed[place] ^= 1;
            let check = verdict(&changed).expect_err("a changed proof");
            assert!(is_of_the_proof(&check), "byte {place}: {check}");
        }
        let check = verdict(&honest[..honest.len() - 1]).expect_err("a proof without its end");
        assert!(is_of_the_proof(&check));
        let longer = [&honest[..], &[0]].concat();
        let check = verdict(&longer).expect_err("a proof and a byte");
        let expected = match form {
            Some(Order::Forked) => matches!(check, RetireCheck::Forked(ForkedError::Trailing)),
            Some(Order::Shared) | None => matches!(
                check,
                RetireCheck::Proof(VerifyError::Encoding | VerifyError::TooLong { .. })
            ),
        };
        assert!(expected, "{check}");
    }
}

#[test]
fn a_bundle_says_what_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("run.bundle");
    std::fs::write(&path, bundle(Some(Order::Shared), Hash::Poseidon2)).expect("a file");
    let info = Command::new(env!("CARGO_BIN_EXE_tranche"))
        .args(["info", "--json"])
        .arg(&path)
        .output()
        .expect("the program runs");
    let report: serde_json::Value = serde_json::from_slice(&info.stdout).expect("an object");
    assert_eq!(report["challenges"], "shared");
    assert_eq!(report["batch_log2"], 9);
    assert_eq!(report["exit_code"], 0);
    // A header that is cut off is none.
    std::fs::write(&path, &bundle(Some(Order::Shared), Hash::Poseidon2)[..40]).expect("a file");
    let info = Command::new(env!("CARGO_BIN_EXE_tranche"))
        .arg("info")
        .arg(&path)
        .output()
        .expect("the program runs");
    assert_eq!(info.status.code(), Some(1));
}
