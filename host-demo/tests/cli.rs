//! The command line: exit codes, JSON keys, and what stands on which stream.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use asm::bare;

#[allow(dead_code)]
#[path = "../../tests/support/src/machine/asm.rs"]
mod asm;
#[path = "cli/bundles.rs"]
mod bundles;
#[path = "cli/compare.rs"]
mod compare;
#[path = "cli/observe.rs"]
mod observe;
#[path = "cli/options.rs"]
mod options;
#[path = "cli/output.rs"]
mod output;
#[path = "cli/projects.rs"]
mod projects;
#[path = "cli/public.rs"]
mod public;
#[path = "cli/resources.rs"]
mod resources;

const GUESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/guests/prebuilt");

fn guest(name: &str) -> String {
    format!("{GUESTS}/{name}.elf")
}

/// A file of this test's own.
fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tranche"));
    command.args(args);
    command
}

fn tranche(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

/// The one object that a subcommand prints with `--json`.
fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("one JSON object on stdout")
}

fn has_keys(object: &Value, keys: &[&str]) {
    for key in keys {
        assert!(!object[key].is_null(), "{key} is missing in {object}");
    }
}

#[test]
fn run_passes_output_and_exit_code_on() {
    let input = file("run.txt", b"no number");
    let output = tranche(&["run", &guest("spin"), "--input", input.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "the guest's exit code");
    assert!(output.stdout.is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).contains("cycles"));

    let output = tranche(&["run", &guest("sha256")]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        output.stdout[..4],
        [0xe3, 0xb0, 0xc4, 0x42],
        "SHA-256 of nothing"
    );
    let output = tranche(&["run", "--json", &guest("sha256")]);
    has_keys(
        &json(&output),
        &[
            "cycles",
            "instructions",
            "exit_code",
            "output_hex",
            "seconds",
        ],
    );
}

/// write(2, its code, 4), then exit(3) by number 94.
#[test]
fn messages_are_shown_and_are_no_output() {
    let code = [
        0x0200_006f, // over the text
        0x6967_6562, // "begi"
        0x0a6e,      // "n\n"
        0,
        0,
        0,
        0,
        0,
        0x0400_0893, // a7 = 64
        0x0020_0513, // a0 = 2
        0x0001_05b7, // a1 = 0x10000
        0x0045_8593, // a1 += 4
        0x0060_0613, // a2 = 6
        0x0000_0073,
        0x05e0_0893, // a7 = 94
        0x0030_0513, // a0 = 3
        0x0000_0073,
    ];
    let program = file("message.elf", &bare(&code));
    let program = program.to_str().unwrap();
    let output = tranche(&["run", program]);
    assert_eq!(output.status.code(), Some(3));
    assert!(output.stdout.is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("begin\n"));

    let bundle = file("message.bundle", b"");
    let bundle = bundle.to_str().unwrap();
    let output = tranche(&["prove", program, "--epoch-log2", "6", "--output", bundle]);
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(
        said.matches("begin\n").count(),
        1,
        "once, though executed twice: {said}"
    );
    let output = tranche(&["verify", "--json", program, bundle]);
    let report = json(&output);
    assert_eq!(
        (&report["exit_code"], &report["output_hex"]),
        (&3.into(), &"".into())
    );
}

#[test]
fn prove_and_verify() {
    let bundle = file("cli.bundle", b"");
    let bundle = bundle.to_str().unwrap();
    let spin = guest("spin");
    let output = tranche(&[
        "prove",
        &spin,
        "--epoch-log2",
        "8",
        "--workers",
        "1",
        "-o",
        bundle,
        "--json",
    ]);
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "progress is for terminals");
    let proved = json(&output);
    has_keys(
        &proved,
        &[
            "program_digest",
            "cycles",
            "epochs",
            "exit_code",
            "output_hex",
            "bundle_bytes",
            "prove_seconds",
            "workspace_bytes",
            "peak_rss_bytes",
            "backend",
        ],
    );

    let output = tranche(&["verify", &spin, bundle, "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let verified = json(&output);
    assert_eq!(verified["accepted"], true);
    assert!(verified["security_bits"].as_f64().unwrap() >= 100.0);
    has_keys(&verified, &["verify_seconds", "peak_rss_bytes"]);
    for key in [
        "program_digest",
        "cycles",
        "epochs",
        "exit_code",
        "output_hex",
    ] {
        assert_eq!(verified[key], proved[key], "{key}");
    }

    let output = tranche(&["verify", &spin, bundle]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("accepted"));

    // Of another program: refused, with a reason that names both.
    let output = tranche(&["verify", &guest("sort"), bundle, "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let refused = json(&output);
    assert_eq!(refused["accepted"], false);
    let reason = refused["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("header: made for another program"),
        "{reason}"
    );
    for of_program in [&proved, &refused] {
        let digest = of_program["program_digest"].as_str().unwrap();
        assert!(reason.contains(digest), "{reason}");
    }
    let output = tranche(&["verify", &guest("sort"), bundle]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
}

/// A guest that is compiled with the M extension.
#[test]
fn products_and_quotients_are_proved() {
    let number = |low: u8| [&[low][..], &[0; 31]].concat();
    let input = file("modexp.in", &[number(7), number(5), number(250)].concat());
    let [input, bundle] = [input, file("modexp.bundle", b"")];
    let [input, bundle] = [&input, &bundle].map(|path| path.to_str().unwrap());
    let program = guest("modexp");
    for approach in ["epochs", "retire"] {
        let output = tranche(&[
            "prove",
            &program,
            "--approach",
            approach,
            "--epoch-log2",
            "10",
            "--input",
            input,
            "-o",
            bundle,
            "--json",
        ]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let output = tranche(&["verify", &program, bundle, "--json"]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let expected = format!("{:02x}{}", 7_u32.pow(5) % 250, "00".repeat(31));
        assert_eq!(json(&output)["output_hex"], expected, "{approach}");
    }
}

#[test]
fn a_breakpoint_is_named_with_its_address() {
    // addi x5, x0, 6; ebreak
    let program = file("ebreak.elf", &bare(&[0x0060_0293, 0x0010_0073]));
    let program = program.to_str().unwrap();
    for (command, code) in [("run", 125), ("prove", 1)] {
        let output = tranche(&[command, program, "--json"]);
        assert_eq!(output.status.code(), Some(code));
        let reason = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            reason.contains("0x00010004") && reason.contains("ebreak"),
            "{reason}"
        );
        assert!(
            json(&output)["error"]
                .as_str()
                .unwrap()
                .contains("0x00010004")
        );
    }
}

#[test]
fn a_budget_that_is_too_small_names_one_that_would_do() {
    let bundle = file("budget.bundle", b"");
    for approach in [
        &["--approach", "epochs"][..],
        &["--approach", "retire"],
        &["--approach", "retire", "--challenges", "shared"],
    ] {
        let prove = |bytes: u64| {
            let (bundle, bytes) = (bundle.to_str().unwrap(), bytes.to_string());
            let args = ["prove", &guest("spin"), "--memory", &bytes, "-o", bundle];
            tranche(&[&args[..], approach, &["--workers", "1", "--json"]].concat())
        };
        let output = prove(1000);
        assert_eq!(output.status.code(), Some(1));
        let reason = json(&output)["error"].as_str().unwrap().to_owned();
        let mut words = reason.split(|c: char| !c.is_ascii_digit());
        let needed = words.rfind(|word| !word.is_empty());
        let needed = needed.unwrap().parse().expect("a number of bytes");
        let output = prove(needed);
        assert_eq!(output.status.code(), Some(0), "{needed} bytes");
        // What is taken is what was asked for, and no byte could be spared.
        let report = json(&output);
        let store = report["store_bytes"].as_u64().unwrap_or(0);
        let taken = report["workspace_bytes"].as_u64().unwrap() + store;
        assert_eq!(taken, needed, "{report}");
        assert_eq!(prove(needed - 1).status.code(), Some(1));
    }
}

#[test]
fn a_guest_may_touch_so_much_memory() {
    // A store to every page of 1 KiB, upwards from 1 MiB, until the guest is stopped.
    let endless = file(
        "touch.elf",
        &bare(&[0x0010_0537, 0x00a5_2023, 0x4005_0513, 0xff9f_f06f]),
    );
    let endless = endless.to_str().unwrap();
    for (command, code) in [("run", 125), ("prove", 1)] {
        let output = tranche(&[command, endless, "--max-memory", "100kB"]);
        assert_eq!(output.status.code(), Some(code), "{command}");
        let reason = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(reason.contains("more than 100000 bytes"), "{reason}");
        assert!(reason.contains("--max-memory"), "{reason}");
    }
    // What a run touches is enough to prove it.
    let sort = guest("sort");
    let run = |bytes: &str| {
        tranche(&["run", &sort, "--max-memory", bytes])
            .status
            .code()
    };
    assert_eq!((run("1024"), run("64KiB")), (Some(125), Some(0)));
    let args = ["prove", &sort, "--max-memory", "65536", "--epoch-log2", "8"];
    let bundle = file("sort-within.bundle", b"");
    let output = tranche(&[&args[..], &["-o", bundle.to_str().unwrap()]].concat());
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn plan_is_exact() {
    let output = tranche(&["plan", "--epoch-log2", "10", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let plan = json(&output);
    has_keys(
        &plan,
        &["workspace_bytes", "security_bits", "tables", "regions"],
    );
    assert_eq!(plan["backend"], tranche_backend::NAME);
    assert_eq!(plan["tables"].as_array().unwrap().len(), 10);
    let end = |region: &Value| {
        region["offset_bytes"].as_u64().unwrap() + region["bytes"].as_u64().unwrap()
    };
    let end = plan["regions"]
        .as_array()
        .unwrap()
        .iter()
        .map(end)
        .max()
        .unwrap();
    // The last region's end, and what the alignment of a buffer may take.
    assert_eq!(plan["workspace_bytes"], end + 63);
    let longest = plan["max_proof_bytes"].as_u64().unwrap();
    let text = String::from_utf8(tranche(&["plan", "--epoch-log2", "10"]).stdout).unwrap();
    assert!(text.contains(&format!("\nproof      at most {longest} bytes (")));
}

/// The table of `docs/embedding.md` is what the command prints.
#[test]
fn budgets_are_those_of_the_documentation() {
    let table =
        String::from_utf8(tranche(&["plan", "--budgets", "--hash", "poseidon2"]).stdout).unwrap();
    assert_eq!(table.lines().count(), 2 + 12);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/embedding.md");
    let documentation = fs::read_to_string(path).unwrap();
    assert!(
        documentation.contains(&table),
        "docs/embedding.md has another table than\n{table}"
    );

    let rows = json(&tranche(&["plan", "--budgets", "--json"]));
    for row in rows["budgets"].as_array().unwrap() {
        has_keys(row, &["epoch_log2", "profile", "chosen", "queries"]);
        has_keys(row, &["max_proof_bytes"]);
        let bytes = |key: &str| row[key].as_u64().unwrap();
        let parts = ["workspace_bytes", "record_bytes", "cells_bytes"].map(bytes);
        assert_eq!(parts.iter().sum::<u64>(), bytes("bytes"));
        let fits = bytes("bytes") <= bytes("budget_bytes");
        assert_eq!(row["fits"].as_bool(), Some(fits));
    }
}

#[test]
fn bad_usage() {
    let spin = guest("spin");
    for args in [
        &["prove"][..],
        &["prove", &spin, "--epoch-log2", "40"],
        &["prove", &spin, "--workers", "0"],
        &["prove", &spin, "--epoch-log2", "8", "--memory", "1000000"],
        &["verify", &spin, "no such file"],
        &["verify", &spin, &spin, "--security-floor", "99"],
        &["verify", &spin, &spin, "--security-floor", "nan"],
        &["plan", "--epoch-log2", "5"],
        &["dance"],
    ] {
        assert_eq!(tranche(args).status.code(), Some(2), "{args:?}");
    }
}
