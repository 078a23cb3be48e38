//! A run in a single batch, and the ways to prove a run beside each other.

use std::fs;
use std::path::Path;

use super::{file, guest, has_keys, json, tranche};

#[test]
fn a_single_batch_is_proved_and_verified() {
    let sha256 = guest("sha256");
    let bundle = file("single.bundle", b"");
    let bundle = bundle.to_str().unwrap();
    let monolithic = |more: &[&str]| {
        let args = ["prove", &sha256, "--approach", "monolithic", "-o", bundle];
        tranche(&[&args, more].concat())
    };
    let proved = monolithic(&["--json"]);
    assert_eq!(proved.status.code(), Some(0));
    let report = json(&proved);
    assert_eq!(report["approach"], "monolithic");
    assert_eq!(
        (&report["walks"], &report["batches"]),
        (&1.into(), &1.into())
    );
    let verified = json(&tranche(&["verify", &sha256, bundle, "--json"]));
    assert_eq!(verified["accepted"], true);
    assert_eq!(verified["approach"], "monolithic");
    let info = json(&tranche(&["info", bundle, "--json"]));
    assert_eq!(info["approach"], "monolithic");

    for options in [
        &["--epoch-log2", "12"][..],
        &["--challenges", "shared"],
        &["--memory", "1GB"],
        &["--workers", "2"],
        &["--arity", "2"],
    ] {
        let refused = monolithic(options);
        assert_eq!(refused.status.code(), Some(2), "{options:?}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains(options[0]));
    }
}

#[test]
fn a_comparison_has_every_figure_of_every_way() {
    let input = file("compared.txt", b"9");
    let longer = file("compared-longer.txt", b"60");
    let plots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plots");
    let args = [
        "compare",
        &guest("spin"),
        "--epoch-log2",
        "8",
        "--batch-log2",
        "7",
        "--json",
    ];
    let inputs = [
        "-i",
        input.to_str().unwrap(),
        "-i",
        longer.to_str().unwrap(),
    ];
    let drawn = ["--plots", plots.to_str().unwrap()];
    let compared = tranche(&[&args[..], &inputs, &drawn].concat());
    let report = json(&compared);
    assert_eq!(compared.status.code(), Some(0), "{report}");
    let proofs = report["proofs"].as_array().unwrap();
    for name in [
        "monolithic",
        "epochs 2^8",
        "forked 2^7",
        "shared 2^7, no nodes",
    ] {
        let own = || proofs.iter().filter(|proof| proof["name"] == name);
        let lengths: Vec<_> = own().map(|proof| proof["cycles"].as_u64()).collect();
        assert!(
            lengths.iter().min() < lengths.iter().max(),
            "{name}: {lengths:?}"
        );
        for proof in own() {
            let figures = [
                "prove_seconds",
                "verify_seconds",
                "workspace_bytes",
                "bundle_bytes",
                "expected_hashes",
                "padding",
            ];
            has_keys(proof, &figures);
            assert!(proof["error"].is_null());
        }
    }
    for name in ["memory", "peak", "prove", "verify", "bundle", "hashes"] {
        let drawn = fs::read_to_string(plots.join(format!("{name}.svg"))).unwrap();
        assert!(
            drawn.starts_with("<svg") && drawn.contains("monolithic"),
            "{name}"
        );
    }
}

#[test]
fn what_cannot_be_proved_is_in_the_comparison_with_its_reason() {
    // More cycles than a batch has rows.
    let input = file("too-long.txt", b"700000");
    let args = ["compare", &guest("spin"), "-i", input.to_str().unwrap()];
    let compared = tranche(&[&args[..], &["--only", "monolithic", "--json"]].concat());
    assert_eq!(compared.status.code(), Some(1));
    let report = json(&compared);
    let proofs = report["proofs"].as_array().unwrap();
    assert_eq!(proofs.len(), 1);
    let reason = proofs[0]["error"].as_str().unwrap();
    assert!(reason.contains("2^23"), "{reason}");

    let standard = tranche(&["compare", "-"]);
    assert_eq!(standard.status.code(), Some(2));
}
