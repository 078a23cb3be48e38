//! The command line: exit codes, JSON keys, and what stands on which stream.

use std::process::{Command, Output};

use serde_json::Value;

fn bench(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tranche-bench"))
        .args(args)
        .output()
        .unwrap()
}

/// The one object that is printed with `--json`.
fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("one JSON object on stdout")
}

fn has_keys(object: &Value, keys: &[&str]) {
    for key in keys {
        assert!(!object[key].is_null(), "{key} is missing in {object}");
    }
}

#[test]
fn one_object() {
    let case = ["--case", "lookup-2^14x16", "--runs", "1", "--phases"];
    let output = bench(&[&case[..], &["--json"]].concat());
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "progress is for terminals");
    let measured = json(&output);
    let [poseidon2, blake3] = &measured["cases"].as_array().unwrap()[..] else {
        panic!("one case was asked for, in both suites: {measured}");
    };
    assert_eq!(poseidon2["suite"], "poseidon2");
    assert_eq!(blake3["suite"], "blake3");
    let sum = |object: &Value, key: &str| -> u64 {
        let phases = object["phases"].as_array().unwrap().iter();
        phases.map(|phase| phase[key].as_u64().unwrap()).sum()
    };
    for object in [poseidon2, blake3] {
        assert_eq!(object["bytes_equal"], true);
        has_keys(
            object,
            &[
                "ratio",
                "ratio_to_poseidon2",
                "hash_floor_seconds",
                "over_floor",
                "verify_seconds",
                "plonky3_verify_seconds",
                "phases",
                "backend",
            ],
        );
        assert_eq!(object["permutations"], sum(object, "permutations"));
        assert!(sum(object, "butterflies") > 0 && sum(object, "bytes") > 0);
    }
    // The same traces: what is not hashing is the same, and a block takes twice the elements of a rate.
    assert_eq!(sum(poseidon2, "butterflies"), sum(blake3, "butterflies"));
    assert!(sum(poseidon2, "permutations") > sum(blake3, "permutations"));
    assert_eq!(poseidon2["ratio"], poseidon2["ratio_to_poseidon2"]);

    let output = bench(&[&case[..], &["--suite", "poseidon2", "--markdown"]].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("| lookup-2^14x16 | poseidon2 ") && text.contains("| commit "));
    assert!(
        !text.contains("| lookup-2^14x16 | blake3 "),
        "not asked for"
    );
    assert!(!text.contains("cycles/s"), "nothing else was asked for");

    let output = bench(&["--case", "none", "--json"]);
    assert_eq!(output.status.code(), Some(2));
    has_keys(&json(&output), &["error"]);
}

#[test]
fn bad_usage_names_the_option() {
    for (args, option) in [
        (&["--runs", "0"][..], "--runs"),
        (&["--markdown"], "--markdown"),
        (&["--suite", "sha256"], "--suite"),
        (&["run"], "run"),
    ] {
        let output = bench(&[args, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(option));
        let json = json(&output);
        assert!(json["error"].as_str().unwrap().contains(option), "{json}");
    }
}
