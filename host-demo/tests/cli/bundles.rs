//! `info` and `digest`: what a bundle says of itself, and the name of its program.

use std::fs;
use std::path::PathBuf;

use super::{file, guest, has_keys, json, tranche};

/// A bundle of a run of `spin` in several epochs, and the report of the one who made it.
fn bundle(name: &str) -> (PathBuf, serde_json::Value) {
    let bundle = file(name, b"");
    let path = bundle.to_str().unwrap();
    let input = file("twenty.txt", b"20");
    let args = [
        "-i",
        input.to_str().unwrap(),
        "--epoch-log2",
        "8",
        "--arity",
        "3",
    ];
    let prove = [
        "prove",
        &guest("spin"),
        "-o",
        path,
        "--workers",
        "1",
        "--json",
    ];
    let output = tranche(&[&prove[..], &args].concat());
    assert_eq!(output.status.code(), Some(0));
    (bundle, json(&output))
}

#[test]
fn info_says_what_was_proved() {
    let (path, proved) = bundle("info.bundle");
    let path = path.to_str().unwrap();
    let output = tranche(&["info", path, "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let info = json(&output);
    assert_eq!(info["verified"], false);
    for key in [
        "program_digest",
        "cycles",
        "epochs",
        "epoch_log2",
        "merges",
        "bundle_bytes",
    ] {
        assert_eq!(info[key], proved[key], "{key}");
    }
    assert_eq!(info["arity"], 3);
    assert_eq!(info["result"]["epochs"], proved["epochs"]);
    assert_eq!(info["result"]["exit_code"], proved["exit_code"]);
    let hex = proved["output_hex"].as_str().unwrap();
    assert_eq!(info["result"]["output_bytes"], hex.len() / 2);
    has_keys(&info["parameters"], &["num_queries", "log_blowup"]);
    let frames = &info["frames"];
    assert_eq!(frames["epoch"]["count"], proved["epochs"]);
    assert_eq!(frames["result"]["count"], 1);
    assert_eq!(frames["root"]["count"], 1);
    let bytes = |kind: &str| frames[kind]["bytes"].as_u64().unwrap();
    let frames: u64 = ["epoch", "merge", "result", "root"].map(bytes).iter().sum();
    let header = tranche::bundle::HEADER_BYTES as u64;
    assert_eq!(frames + header, fs::metadata(path).unwrap().len());

    let output = tranche(&["info", path]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("`tranche verify` says whether it is true"),
        "{text}"
    );
}

#[test]
fn info_refuses_what_is_no_whole_bundle() {
    let (path, _) = bundle("whole.bundle");
    let bytes = fs::read(path).unwrap();
    let header = tranche::bundle::HEADER_BYTES;
    let len = |at: usize| u32::from_le_bytes(bytes[at + 1..at + 5].try_into().unwrap()) as usize;
    let frame = header..header + tranche::bundle::FRAME_BYTES + len(header);
    let spoilt = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = bytes.clone();
        change(&mut bytes);
        bytes
    };
    for (bytes, reason) in [
        (Vec::new(), "ends too early"),
        (b"no bundle, but some other file".to_vec(), "not a bundle"),
        (bytes[..bytes.len() - 1].to_vec(), "ends too early"),
        (bytes[..frame.end].to_vec(), "ends too early"),
        (spoilt(&|bytes| bytes.push(0)), "bytes follow"),
        (spoilt(&|bytes| bytes[frame.start + 9] ^= 1), "checksum"),
        (spoilt(&|bytes| bytes[frame.start] = 9), "kind 9"),
    ] {
        let path = file("spoilt.bundle", &bytes);
        let output = tranche(&["info", path.to_str().unwrap(), "--json"]);
        assert_eq!(output.status.code(), Some(1), "{reason}");
        let error = json(&output);
        assert!(error["error"].as_str().unwrap().contains(reason), "{error}");
    }
}

#[test]
fn digest_names_the_program_of_a_bundle() {
    let (_, proved) = bundle("named.bundle");
    let output = tranche(&["digest", &guest("spin")]);
    assert_eq!(output.status.code(), Some(0));
    let digest = String::from_utf8(output.stdout).unwrap();
    assert_eq!(proved["program_digest"], digest.trim_end());
    let report = json(&tranche(&["digest", &guest("spin"), "--json"]));
    assert_eq!(report["program_digest"], digest.trim_end());
    let other = json(&tranche(&["digest", &guest("sort"), "--json"]));
    assert_ne!(report, other);
}

/// Every way of proving hashes with the suite that is named, BLAKE3 without a name, and the bundle says which.
#[test]
fn the_suite_is_the_one_that_is_named() {
    let (spin, input) = (guest("spin"), file("suite.txt", b"20"));
    let bundle = file("suite.bundle", b"");
    let (input, bundle) = (input.to_str().unwrap(), bundle.to_str().unwrap());
    let approaches = [
        ["--approach", "epochs", "--epoch-log2", "8"].as_slice(),
        &["--approach", "retire", "--epoch-log2", "8"],
        &["--approach", "retire", "--challenges", "shared"],
        &["--approach", "monolithic"],
    ];
    let hashes = [
        ([].as_slice(), "blake3"),
        (&["--hash", "blake3"], "blake3"),
        (&["--hash", "poseidon2"], "poseidon2"),
    ];
    for approach in approaches {
        for (named, expected) in hashes {
            let args = ["prove", &spin, "-i", input, "-o", bundle, "--json"];
            let proved = tranche(&[&args, approach, named].concat());
            assert_eq!(proved.status.code(), Some(0));
            let verified = tranche(&["verify", &spin, bundle, "--json"]);
            assert_eq!(verified.status.code(), Some(0));
            let said = tranche(&["info", bundle, "--json"]);
            for output in [proved, verified, said] {
                assert_eq!(json(&output)["hash"], expected, "{approach:?} {named:?}");
            }
        }
    }
    let plan = |args: &[&str]| json(&tranche(&[&["plan", "--json"], args].concat()));
    let [poseidon2, blake3] = ["poseidon2", "blake3"].map(|hash| plan(&["--hash", hash]));
    assert_eq!(plan(&[]), blake3);
    assert_eq!(
        [&poseidon2["hash"], &blake3["hash"]],
        ["poseidon2", "blake3"]
    );
    let unknown = tranche(&["prove", &spin, "--hash", "sha256", "-o", bundle]);
    assert_eq!(unknown.status.code(), Some(2));
}
