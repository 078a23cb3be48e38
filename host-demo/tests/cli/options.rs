//! Options say what is wrong with them, sizes are written as people write them, and exit codes say
//! whose they are.

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use super::{bare, file, guest, has_keys, json, tranche};

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs the program with bytes on its stdin.
fn fed(args: &[&str], stdin: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tranche"));
    let command = command.args(args).stdin(Stdio::piped());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let stdin = stdin.to_vec();
    // A program that is refused before it reads closes the pipe.
    let writer = std::thread::spawn(move || drop(pipe.write_all(&stdin)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

/// A program that exits with this code.
fn exits_with(code: u32) -> Vec<u8> {
    let upper = code.wrapping_add(0x800) & 0xffff_f000;
    let lower = code.wrapping_sub(upper) & 0xfff;
    // lui a0, upper; addi a0, a0, lower; addi a7, x0, 93; ecall
    bare(&[upper | 0x537, lower << 20 | 0x50513, 93 << 20 | 0x893, 0x73])
}

#[test]
fn errors_name_the_option() {
    let spin = guest("spin");
    for (args, option) in [
        (&["prove", &spin, "--epoch-log2", "40"][..], "--epoch-log2"),
        (&["prove", &spin, "--epoch-log2", "5"], "--epoch-log2"),
        (&["plan", "--epoch-log2", "21"], "--epoch-log2"),
        (&["prove", &spin, "--arity", "1"], "--arity"),
        (&["prove", &spin, "--arity", "33"], "--arity"),
        (&["prove", &spin, "--workers", "0"], "--workers"),
        (&["prove", &spin, "--memory", "much"], "--memory"),
        (&["prove", &spin, "--memory", "-1"], "--memory"),
        (&["prove", &spin, "--memory", "99999999999GB"], "--memory"),
        (&["prove", &spin, "--profile", "slow"], "--profile"),
        (&["prove", &spin, "--max-cycles", "x"], "--max-cycles"),
        (
            &["verify", &spin, &spin, "--security-floor", "99"],
            "--security-floor",
        ),
        (
            &["verify", &spin, &spin, "--security-floor", "NaN"],
            "--security-floor",
        ),
    ] {
        let output = tranche(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty());
        assert!(stderr(&output).contains(option), "{}", stderr(&output));
        let json = json(&tranche(&[args, &["--json"]].concat()));
        assert!(json["error"].as_str().unwrap().contains(option), "{json}");
    }
    // Those that only an execution can find.
    for (args, option) in [
        (&["prove", &spin, "--max-cycles", "9"][..], "--max-cycles"),
        (&["prove", &spin, "--memory", "9"], "--memory"),
        (&["run", &spin, "--max-cycles", "9"], "--max-cycles"),
    ] {
        let output = tranche(args);
        assert!(stderr(&output).contains(option), "{}", stderr(&output));
    }
}

#[test]
fn sizes_are_bytes_with_or_without_a_unit() {
    // All are too small, and the refusal says how they were read.
    for (size, bytes) in [
        ("1000", 1000),
        ("100kB", 100_000),
        ("0.1 MB", 100_000),
        ("128KiB", 128 << 10),
        ("1.5KiB", 1536),
    ] {
        let output = tranche(&["prove", &guest("spin"), "--memory", size, "--workers", "1"]);
        assert_eq!(output.status.code(), Some(1));
        let expected = format!("no epoch fits {bytes} bytes");
        assert!(stderr(&output).contains(&expected), "{}", stderr(&output));
    }
}

#[test]
fn standard_input_is_a_program_an_input_or_a_bundle() {
    let spin = guest("spin");
    let (elf, input) = (fs::read(&spin).unwrap(), file("seven.txt", b"7"));
    let input = input.to_str().unwrap();
    let expected = tranche(&["run", &spin, "-i", input]);
    assert_eq!(expected.status.code(), Some(0));
    let outputs = [
        fed(&["run", "-", "-i", input], &elf),
        fed(&["run", &spin, "--input", "-"], b"7"),
        fed(&["run", &spin, "-i-"], b"7"),
    ];
    for output in outputs {
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(output.stdout, expected.stdout);
    }

    let epoch = ["--epoch-log2", "8", "--workers", "1"];
    let args = [&["prove", "-", "-i", input, "-o", "-"], &epoch[..]].concat();
    let proved = fed(&args, &elf);
    assert_eq!(proved.status.code(), Some(0), "{}", stderr(&proved));
    let bundle = file("piped.bundle", &proved.stdout);
    let bundle = bundle.to_str().unwrap();
    for output in [
        tranche(&["verify", &spin, bundle]),
        fed(&["verify", "-", bundle], &elf),
        fed(&["verify", &spin, "-"], &proved.stdout),
        fed(&["info", "-"], &proved.stdout),
        fed(&["digest", "-"], &elf),
        fed(&["plan", "-"], &elf),
    ] {
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    for (args, code) in [
        (&["run", "-", "-i", "-"][..], 125),
        (&["prove", "-", "-i", "-"], 2),
        (&["verify", "-", "-"], 2),
    ] {
        let output = fed(args, &elf);
        assert_eq!(output.status.code(), Some(code));
        assert!(
            stderr(&output).contains("standard input"),
            "{}",
            stderr(&output)
        );
    }
}

/// 125 is never a guest's.
#[test]
fn a_guests_exit_code_is_no_refusal() {
    for (code, expected) in [
        (0, 0),
        (1, 1),
        (2, 2),
        (124, 124),
        (125, 126),
        (126, 126),
        (256 + 125, 126),
        (256, 0),
        (u32::MAX, 255),
    ] {
        let program = file(&format!("exit-{code}.elf"), &exits_with(code));
        let program = program.to_str().unwrap();
        let output = tranche(&["run", program]);
        assert_eq!(output.status.code(), Some(expected));
        let line = format!("exit code {code}, ");
        assert!(stderr(&output).contains(&line), "{}", stderr(&output));
        let output = tranche(&["run", program, "--json"]);
        assert_eq!(output.status.code(), Some(expected));
        let report = json(&output);
        assert_eq!(report["exit_code"], code);
        assert!(report["error"].is_null());
    }
    let spin = guest("spin");
    for args in [
        &["run"][..],
        &["run", "no such file"],
        &["run", &spin, "--max-cycles", "9"],
        &["run", &spin, "--dance"],
        &["run", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")],
    ] {
        assert_eq!(tranche(args).status.code(), Some(125), "{args:?}");
        let output = tranche(&[args, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(125), "{args:?}");
        let report = json(&output);
        has_keys(&report, &["error"]);
        assert!(report["exit_code"].is_null());
    }
    for help in [&["run", "--help"][..], &["--help"]] {
        let output = tranche(help);
        assert_eq!(output.status.code(), Some(0));
        assert!(String::from_utf8_lossy(&output.stdout).contains("Exit codes:"));
    }
}

/// What cannot be read is bad usage, not a refused bundle.
#[test]
fn a_folder_is_no_bundle() {
    for args in [
        &["verify", &guest("spin"), "/"][..],
        &["verify", "/", "/"],
        &["info", "/"],
        &["digest", "/"],
    ] {
        let output = tranche(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(
            stderr(&output).starts_with("tranche: /: "),
            "{}",
            stderr(&output)
        );
    }
}

/// README and `--help` name the same codes, and each case of theirs has its own.
#[test]
fn exit_codes_are_the_documented_ones() {
    let (spin, file_of_text) = (
        guest("spin"),
        file("text.txt", b"neither program nor bundle"),
    );
    let (text, input) = (file_of_text.to_str().unwrap(), file("exit-codes.txt", b"7"));
    let input = input.to_str().unwrap();
    let bundle = format!("{input}.bundle");
    let prove = [
        "prove",
        &spin,
        "-i",
        input,
        "--epoch-log2",
        "8",
        "--workers",
        "1",
        "-o",
    ];
    let into = |output| tranche(&[&prove[..], &[output]].concat());
    assert_eq!(into(&bundle).status.code(), Some(0));
    let tranche = |args: &[&str]| tranche(args);
    let other = guest("sha256");
    let codes: [(i32, &[(&str, Vec<Output>)]); 2] = [
        (
            1,
            &[
                (
                    "a refused proof",
                    vec![tranche(&["verify", &other, &bundle])],
                ),
                (
                    "a file that is no program or bundle",
                    vec![
                        tranche(&["prove", text]),
                        tranche(&["digest", text]),
                        tranche(&["verify", text, &bundle]),
                        tranche(&["verify", &spin, text]),
                        tranche(&["info", text]),
                    ],
                ),
                (
                    "an execution that cannot be proved",
                    vec![
                        tranche(&["prove", &spin, "--max-cycles", "9"]),
                        tranche(&["prove", &spin, "--memory", "9"]),
                    ],
                ),
                (
                    "an output that cannot be written to its end",
                    vec![into("/dev/full")],
                ),
            ],
        ),
        (
            2,
            &[
                (
                    "bad usage",
                    vec![
                        tranche(&["--dance"]),
                        into(&spin),
                        tranche(&["verify", "-", "-"]),
                    ],
                ),
                (
                    "a file that cannot be opened or read",
                    vec![
                        tranche(&["digest", "no such file"]),
                        tranche(&["info", "/"]),
                        into("/no/such/folder/bundle"),
                        into("/"),
                    ],
                ),
            ],
        ),
    ];
    let readme = include_str!("../../../README.md").to_owned();
    let help = String::from_utf8(tranche(&["--help"]).stdout).unwrap();
    let [readme, help] = [readme, help].map(|text| words(&text));
    for (code, cases) in codes {
        for (case, outputs) in cases {
            for output in outputs {
                assert_eq!(
                    output.status.code(),
                    Some(code),
                    "{case}: {}",
                    stderr(output)
                );
            }
        }
        let cases: Vec<_> = cases.iter().map(|&(case, _)| case).collect();
        let line = format!("{code} {}", cases.join(", "));
        assert!(readme.contains(&line), "README.md lacks: {line}");
        assert!(help.contains(&line), "--help lacks: {line}");
    }
}

/// A text with one space between any two words.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
