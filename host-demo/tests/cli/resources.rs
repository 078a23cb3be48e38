//! What a run takes of the machine, what it says of it, and what happens when there is not enough.

use std::process::{Command, Output};

use super::{bare, file, guest, json, tranche};

/// Runs a script of the shell with the program's path in `$TRANCHE` and the guest's in `$SPIN`.
fn shell(script: &str) -> Output {
    let mut command = Command::new("sh");
    command.env("TRANCHE", env!("CARGO_BIN_EXE_tranche"));
    command.env("SPIN", guest("spin")).args(["-c", script]);
    command.output().unwrap()
}

fn fails(output: &Output, reason: &str) {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let error = json(output);
    assert!(error["error"].as_str().unwrap().contains(reason), "{error}");
}

#[test]
fn there_are_no_more_workers_than_epochs() {
    for workers in ["1000", "18446744073709551615"] {
        let spin = guest("spin");
        let args = [
            "prove",
            &spin,
            "-o",
            "/dev/null",
            "--json",
            "--workers",
            workers,
        ];
        let output = tranche(&[&args[..], &["--epoch-log2", "10"]].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let report = json(&output);
        assert_eq!(report["workers"], report["epochs"]);
    }
}

/// A budget counts the workers that there will be.
#[test]
fn a_budget_holds_no_more_workers_than_epochs() {
    let needed = |workers: &str| {
        let args = [
            "prove",
            &guest("spin"),
            "--memory",
            "1",
            "--workers",
            workers,
        ];
        let output = tranche(&[&args[..], &["--json"]].concat());
        let error = json(&output)["error"].as_str().unwrap().to_owned();
        let mut words = error.split(|c: char| !c.is_ascii_digit());
        let needed = words.rfind(|word| !word.is_empty()).unwrap();
        needed.parse::<u64>().unwrap()
    };
    assert_eq!(needed("1000"), needed("18446744073709551615"));
    assert!(needed("1") <= needed("1000"));
}

/// A thread's stack of 2^60 bytes is refused by any system.
#[test]
fn a_thread_that_cannot_be_spawned_is_an_error() {
    let script = "RUST_MIN_STACK=1152921504606846976 \
                  exec \"$TRANCHE\" prove \"$SPIN\" -o /dev/null --json --workers 1";
    fails(&shell(script), "a thread cannot be started: ");
}

/// Under a limit on address space epochs of 2^20 cycles find no room.
#[test]
fn an_allocation_that_fails_is_an_error() {
    for (epoch, kib) in [(20, 1 << 20), (20, 1 << 19)] {
        let script = format!(
            "ulimit -v {kib}; \
             exec \"$TRANCHE\" prove \"$SPIN\" -o /dev/null --json --workers 1 --epoch-log2 {epoch}"
        );
        fails(&shell(&script), "memory allocation failed");
    }
}

/// addi a7, x0, 93; ecall
const EXIT: [u32; 2] = [0x05d0_0893, 0x73];

/// A program that runs through sixteen words of `body` in each of forty rounds, and exits.
fn rounds(start: &[u32], body: &[u32]) -> Vec<u8> {
    let mut words = start.to_vec();
    words.push(0x0280_0293); // addi t0, x0, 40
    words.extend(body.iter().cycle().take(16));
    // addi t0, t0, -1; bne t0, x0, to the first of the sixteen
    words.extend([0xfff2_8293, 0xfa02_9ee3]);
    words.extend(EXIT);
    bare(&words)
}

/// Sixteen of one kind in a row fill the table of that kind first.
#[test]
fn reports_say_which_table_ended_how_many_epochs() {
    // t1 += 1; t1 &= 1; t1 <<= 1; t1 = t1 < 1
    let [add, and, shift, less] = [0x0013_0313, 0x0013_7313, 0x0013_1313, 0x0013_2313];
    // lui t2, 0x100; lw t1, 0(t2); sw x0, 0(t2); t2 += 4
    let [far, load, store, next] = [0x0010_03b7, 0x0003_a303, 0x0003_a023, 0x0043_8393];
    // lui a1, 0x10; addi a2, x0, 400; addi a0, x0, 1; addi a7, x0, 64; ecall
    let write = [0x0001_05b7, 0x1900_0613, 0x0010_0513, 0x0400_0893, 0x73];
    for (table, program) in [
        ("cpu", rounds(&[], &[add])),
        ("bit", rounds(&[], &[and])),
        ("shift", rounds(&[], &[shift])),
        ("cmp", rounds(&[], &[less])),
        ("mem", rounds(&[far], &[load])),
        ("l2g", rounds(&[far], &[store, next])),
        ("sys", bare(&[&write[..], &EXIT].concat())),
    ] {
        let path = file(&format!("full-{table}.elf"), &program);
        let args = [
            "prove",
            path.to_str().unwrap(),
            "-o",
            "/dev/null",
            "--epoch-log2",
            "8",
        ];
        // Heights of the run's own would be such that no table but the cycles' is full.
        let more = ["--heights", "common", "--workers", "1", "--json"];
        let output = tranche(&[&args[..], &more].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let report = json(&output);
        let ends = report["epochs_ended_by"].as_object().unwrap();
        let count = |what: &str| ends[what].as_u64().unwrap();
        let epochs = report["epochs"].as_u64().unwrap();
        assert!(epochs > 2, "{report}");
        assert_eq!((count(table), count("exit")), (epochs - 1, 1), "{report}");
        let counted = ends.values().map(|n| n.as_u64().unwrap());
        assert_eq!(counted.sum::<u64>(), epochs);
    }
    let args = ["prove", &guest("spin"), "-o", "/dev/null", "--workers", "1"];
    let text = String::from_utf8(tranche(&args).stdout).unwrap();
    assert!(text.contains("ended by   exit: 1\n"), "{text}");
}

/// What a command shows when its streams are a terminal: `script` gives it one.
fn on_a_terminal(command: &str) -> String {
    let mut script = Command::new("script");
    let script = script.args(["-q", "-e", "-c", command, "/dev/null"]);
    let output = script.output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn executions_show_progress_on_a_terminal_only() {
    // addi t0, t0, 1; j to it: a loop that never ends, and is no jump to itself.
    let endless = file("endless.elf", &bare(&[0x0012_8293, 0xffdf_f06f]));
    let endless = endless.to_str().unwrap();
    let tranche_path = env!("CARGO_BIN_EXE_tranche");
    for command in ["run", "prove"] {
        let args = [command, endless, "--max-cycles", "50000000"];
        let shown = on_a_terminal(&format!("{tranche_path} {}", args.join(" ")));
        assert!(shown.contains("executing: "), "{shown}");
        assert!(shown.contains("cycle limit"), "{shown}");
        let output = tranche(&args);
        assert!(output.stdout.is_empty());
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!stderr.contains("executing"), "{stderr}");
    }
}

/// Without a length and a budget, run and workers decide how long epochs are, and the report says so.
#[test]
fn an_epoch_is_chosen() {
    let input = file("chosen.txt", b"7"); // some 2,000 cycles
    let prove = |more: &[&str]| {
        let spin = guest("spin");
        let args = [
            "prove",
            &spin,
            "-o",
            "/dev/null",
            "-i",
            input.to_str().unwrap(),
        ];
        let output = tranche(&[&args[..], more].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        output
    };
    for (workers, log2) in [("1", 11), ("4", 9)] {
        let report = json(&prove(&["--workers", workers, "--json"]));
        assert_eq!(report["epoch_log2"], log2, "{workers} workers");
        assert!(report["memory_budget_bytes"].as_u64() > Some(0));
    }
    let text = String::from_utf8(prove(&["--workers", "1"]).stdout).unwrap();
    let chosen = "chosen     2^11: all workers are done soonest; half of the memory left is ";
    assert!(text.contains(chosen), "{text}");

    let given = json(&prove(&["--epoch-log2", "8", "--json"]));
    assert_eq!(given["epoch_log2"], 8);
    assert!(given["memory_budget_bytes"].is_null());
}

/// Heights are the run's own, unless common ones are asked for, and a bundle says which.
#[test]
fn heights_are_the_runs_own() {
    let (spin, input) = (guest("spin"), file("heights.txt", b"400"));
    let bundle = file("heights.bundle", b"");
    let prove = |approach: &str, more: &[&str]| {
        let (input, bundle) = (input.to_str().unwrap(), bundle.to_str().unwrap());
        let args = ["prove", &spin, "-i", input, "-o", bundle, "--json"];
        let args = [&args[..], &["--epoch-log2", "9", "--approach", approach]].concat();
        let proved = tranche(&[&args[..], more].concat());
        assert_eq!(proved.status.code(), Some(0), "{proved:?}");
        let verified = tranche(&["verify", &spin, bundle]);
        assert_eq!(verified.status.code(), Some(0), "{verified:?}");
        (json(&proved), json(&tranche(&["info", bundle, "--json"])))
    };
    for approach in ["epochs", "retire"] {
        let (common, _) = prove(approach, &["--heights", "common"]);
        let (metered, _) = prove(approach, &[]);
        let padding = |report: &serde_json::Value| report["padding"].as_f64().unwrap();
        assert!(
            padding(&metered) < padding(&common) - 0.05,
            "{metered} {common}"
        );
    }
    let (_, common) = prove("epochs", &["--heights", "common"]);
    assert!(common["heights"].is_null());
    let (_, metered) = prove("epochs", &["--heights", "metered"]);
    assert_eq!(metered["heights"]["cpu"], 9);
    assert!(metered["heights"]["mul"].is_null());
}

/// A bundle that is to be small is smaller, in each approach, and has the bits that any has.
#[test]
fn small_bundles() {
    let (spin, input) = (guest("spin"), file("small.txt", b"40"));
    let bundle = file("small.bundle", b"");
    let bytes = |more: &[&str]| {
        let (input, bundle) = (input.to_str().unwrap(), bundle.to_str().unwrap());
        let args = ["prove", &spin, "-i", input, "-o", bundle, "--json"];
        let proved = tranche(&[&args[..], more].concat());
        assert_eq!(proved.status.code(), Some(0), "{proved:?}");
        let verified = tranche(&["verify", &spin, bundle, "--json"]);
        assert!(json(&verified)["security_bits"].as_f64() > Some(100.0));
        json(&proved)["bundle_bytes"].as_u64().unwrap()
    };
    for approach in ["epochs", "retire", "monolithic"] {
        let approach = ["--approach", approach];
        let small = bytes(&[&approach[..], &["--size", "small"]].concat());
        let fast = bytes(&[&approach[..], &["--size", "fast"]].concat());
        assert!(
            small * 5 < fast * 4,
            "{approach:?}: {small} and {fast} bytes"
        );
    }
}
