//! The output is written whole or not at all, and nothing else is lost for it.

use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use super::{guest, json};

/// A folder of one test's own, empty.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

/// What a folder holds, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A short proof of `spin`, in a folder: what follows `--output` is left to the arguments.
fn prove(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tranche"));
    command
        .current_dir(folder)
        .args([
            "prove",
            &guest("spin"),
            "--epoch-log2",
            "8",
            "--workers",
            "1",
        ])
        .args(args);
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Whether `bundle` in `folder` is one of a run of `spin`.
fn verifies(folder: &Path, bundle: &str) -> bool {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tranche"));
    command.current_dir(folder);
    let output = command.args(["verify", &guest("spin"), bundle]).output();
    output.unwrap().status.success()
}

fn refused(output: &Output, reason: &str) {
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains(reason), "{stderr}");
}

/// An input for which `spin` runs for minutes.
fn long_input(folder: &Path) -> &'static str {
    fs::write(folder.join("long"), b"100000000").unwrap();
    "long"
}

/// Starts a proof that takes minutes and waits until its output has been begun.
fn start(folder: &Path, args: &[&str]) -> (Child, PathBuf) {
    let input = long_input(folder);
    let mut command = prove(folder, args);
    command.args(["--input", input]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    loop {
        let part = |name: &String| name.ends_with(".part");
        if let Some(name) = names(folder).into_iter().find(part) {
            return (child, folder.join(name));
        }
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "it ended before it wrote: {ended:?}");
        std::thread::yield_now();
    }
}

fn kill(child: &Child, signal: &str) {
    let pid = child.id().to_string();
    let status = Command::new("kill").args(["-s", signal, &pid]).status();
    assert!(status.unwrap().success());
}

#[test]
fn programs_and_inputs_are_no_outputs() {
    let here = folder("same");
    let program = here.join("spin.elf");
    fs::copy(guest("spin"), &program).unwrap();
    let (elf, input) = (fs::read(&program).unwrap(), b"1");
    fs::write(here.join("input"), input).unwrap();
    fs::hard_link(&program, here.join("hard")).unwrap();
    symlink("spin.elf", here.join("soft")).unwrap();
    symlink("soft", here.join("softer")).unwrap();
    fs::hard_link(&program, here.join("spin.bundle")).unwrap();
    let prove = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tranche"));
        let command = command.current_dir(&here).arg("prove").args(args);
        command.output().unwrap()
    };

    for output in [
        "spin.elf",
        "./spin.elf",
        "../same/spin.elf",
        "hard",
        "soft",
        "softer",
    ] {
        refused(
            &prove(&["spin.elf", "-o", output]),
            "the output is the program",
        );
    }
    refused(
        &prove(&["soft", "-o", "spin.elf"]),
        "the output is the program",
    );
    refused(
        &prove(&["spin.elf"]),
        "spin.bundle: the output is the program",
    );
    let output = prove(&["spin.elf", "-i", "input", "-o", "input", "--json"]);
    refused(&output, "input: the output is the input");
    let error = json(&output);
    assert!(error["error"].as_str().unwrap().contains("is the input"));

    // Through a redirection of the shell, as one descriptor and as another.
    let shell = |script: &str| {
        let mut command = Command::new("sh");
        let tranche = env!("CARGO_BIN_EXE_tranche");
        let command = command.current_dir(&here).env("TRANCHE", tranche);
        command.args(["-c", script]).output().unwrap()
    };
    let output = shell("exec \"$TRANCHE\" prove spin.elf -o - >> spin.elf");
    refused(&output, "standard output: the output is the program");
    let output = shell("exec \"$TRANCHE\" prove spin.elf -i - -o input < input");
    refused(&output, "input: the output is the input");

    assert_eq!(fs::read(&program).unwrap(), elf);
    assert_eq!(fs::read(here.join("input")).unwrap(), input);
    let left = ["hard", "input", "soft", "softer", "spin.bundle", "spin.elf"];
    assert_eq!(names(&here), left);
}

#[test]
fn a_failure_leaves_what_was_there() {
    let here = folder("failure");
    fs::write(here.join("bundle"), b"the last good one").unwrap();
    symlink("bundle", here.join("link")).unwrap();
    for output in ["bundle", "link"] {
        // Found before anything is executed, while it is, and when workspaces are planned.
        let fail = |args: &[&str], code| {
            let args = [&["-o", output], args].concat();
            let output = prove(&here, &args).output().unwrap();
            assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        };
        fail(&["--input", "no such file"], 2);
        fail(&["--max-cycles", "10"], 1);
    }
    let budget = ["prove", &guest("spin"), "--memory", "1000", "-o", "bundle"];
    let output = Command::new(env!("CARGO_BIN_EXE_tranche"))
        .current_dir(&here)
        .args(budget)
        .output();
    assert_eq!(output.unwrap().status.code(), Some(1));
    assert_eq!(fs::read(here.join("bundle")).unwrap(), b"the last good one");
    assert_eq!(names(&here), ["bundle", "link"]);
    assert!(here.join("link").is_symlink());
}

#[test]
fn links_are_kept_and_followed() {
    let here = folder("links");
    fs::create_dir(here.join("far")).unwrap();
    fs::write(here.join("far/old"), b"old").unwrap();
    symlink("far/old", here.join("old")).unwrap();
    symlink("far/new", here.join("new")).unwrap();
    for link in ["old", "new"] {
        assert!(prove(&here, &["-o", link]).status().unwrap().success());
        assert!(here.join(link).is_symlink());
        assert!(verifies(&here, link));
    }
    assert_eq!(names(&here), ["far", "new", "old"]);
    assert_eq!(names(&here.join("far")), ["new", "old"]);

    symlink("loop", here.join("loop")).unwrap();
    refused(&prove(&here, &["-o", "loop"]).output().unwrap(), "loop: ");
}

#[test]
fn folders_and_empty_names_are_refused_at_once() {
    let here = folder("folders");
    fs::create_dir(here.join("folder")).unwrap();
    for output in ["folder", ".", "..", "", "/", "no/such"] {
        // The run would take minutes.
        let args = ["-o", output, "--input", long_input(&here)];
        refused(&prove(&here, &args).output().unwrap(), output);
    }
    assert_eq!(names(&here), ["folder", "long"]);
}

#[test]
fn permissions_are_those_of_any_new_file_or_of_the_old_one() {
    let here = folder("permissions");
    let mode = |name: &str| fs::metadata(here.join(name)).unwrap().mode() & 0o7777;
    fs::write(here.join("old"), b"").unwrap();
    fs::set_permissions(here.join("old"), Permissions::from_mode(0o640)).unwrap();
    let tranche = env!("CARGO_BIN_EXE_tranche");
    let guest = guest("spin");
    for (mask, output, expected) in [
        ("022", "new", 0o644),
        ("027", "guarded", 0o640),
        ("077", "private", 0o600),
        ("077", "old", 0o640),
    ] {
        let script =
            format!("umask {mask}; exec {tranche} prove {guest} --epoch-log2 8 -o {output}");
        let mut shell = Command::new("sh");
        let shell = shell.current_dir(&here).args(["-c", &script]);
        assert!(shell.output().unwrap().status.success());
        assert_eq!(mode(output), expected, "{output}");
    }
}

/// To a pipe, by any name that it has: the bytes are the bundle's, the pipe stays.
#[test]
fn pipes_are_streams() {
    let here = folder("pipes");
    assert!(
        prove(&here, &["-o", "bundle"])
            .output()
            .unwrap()
            .status
            .success()
    );
    let bundle = fs::read(here.join("bundle")).unwrap();

    for stdout in ["-", "/dev/stdout", "/proc/self/fd/1"] {
        for json in [false, true] {
            let flag = if json { &["--json"][..] } else { &[] };
            let args = [&["-o", stdout], flag].concat();
            let output = prove(&here, &args).output().unwrap();
            assert!(output.status.success());
            assert!(
                output.stdout == bundle,
                "{stdout}: the bundle and nothing else"
            );
            if json {
                let report: Value = serde_json::from_slice(&output.stderr).unwrap();
                assert_eq!(report["bundle_bytes"], bundle.len());
            } else {
                let name = if stdout == "-" {
                    "standard output"
                } else {
                    stdout
                };
                let line = format!("bundle     {name}, ");
                assert!(text(&output.stderr).contains(&line), "{stdout}");
            }
        }
    }
    // An error's object too.
    let args = ["-o", "-", "--json", "--max-cycles", "1"];
    let output = prove(&here, &args).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    assert!(text(&output.stderr).contains("{\"error\":"));

    let fifo = here.join("fifo");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    symlink("fifo", here.join("link")).unwrap();
    for (output, args) in [
        ("fifo", &[][..]),
        ("link", &[]),
        ("fifo", &["--max-cycles", "1"]),
    ] {
        let args = [&["-o", output], args].concat();
        let mut child = prove(&here, &args);
        let child = child.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = child.spawn().unwrap();
        let mut bytes = Vec::new();
        File::open(&fifo).unwrap().read_to_end(&mut bytes).unwrap();
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.success(), bytes == bundle);
        assert_eq!(ended.status.success(), args.len() == 2);
    }
    assert_eq!(names(&here), ["bundle", "fifo", "link"]);
    assert!(here.join("link").is_symlink());
}

/// A descriptor that the shell opened is written where it stands, not replaced.
#[test]
fn descriptors_are_streams() {
    let here = folder("descriptors");
    assert!(
        prove(&here, &["-o", "bundle"])
            .output()
            .unwrap()
            .status
            .success()
    );
    let bundle = fs::read(here.join("bundle")).unwrap();
    for (output, redirection) in [
        ("-", "> log"),
        ("/dev/stdout", "> log"),
        ("/dev/fd/1", ">> log"),
        ("/dev/fd/3", "3> log"),
        ("/dev/fd/3", "3>> log"),
        ("/dev/stderr", "2>> log"),
    ] {
        fs::write(here.join("log"), b"before").unwrap();
        let inode = fs::metadata(here.join("log")).unwrap().ino();
        let (tranche, guest) = (env!("CARGO_BIN_EXE_tranche"), guest("spin"));
        let script = format!(
            "exec {tranche} prove {guest} --epoch-log2 8 --workers 1 -o {output} {redirection}"
        );
        let mut shell = Command::new("sh");
        let shell = shell.current_dir(&here).args(["-c", &script]);
        assert!(shell.output().unwrap().status.success(), "{script}");
        let log = fs::read(here.join("log")).unwrap();
        let before = if redirection.contains(">>") {
            &b"before"[..]
        } else {
            b""
        };
        assert!(log == [before, &bundle].concat(), "{script}");
        assert_eq!(fs::metadata(here.join("log")).unwrap().ino(), inode);
    }
    assert_eq!(names(&here), ["bundle", "log"]);
}

#[test]
fn devices_stay() {
    let here = folder("devices");
    symlink("/dev/full", here.join("full")).unwrap();
    symlink("/dev/null", here.join("null")).unwrap();
    for output in ["/dev/null", "null"] {
        assert!(
            prove(&here, &["-o", output])
                .output()
                .unwrap()
                .status
                .success()
        );
    }
    for output in ["/dev/full", "full"] {
        let ended = prove(&here, &["-o", output, "--json"]).output().unwrap();
        assert_eq!(ended.status.code(), Some(1));
        let error = json(&ended);
        let error = error["error"].as_str().unwrap();
        assert!(
            error.starts_with(&format!("{output}: cannot be written")),
            "{error}"
        );
        assert!(error.contains("No space left"), "{error}");
    }
    // With more epochs to come than there are records: nobody waits for those that were refused.
    fs::write(here.join("many"), b"20000").unwrap();
    let ended = prove(&here, &["-o", "full", "--input", "many"]).output();
    assert_eq!(ended.unwrap().status.code(), Some(1));
    fs::remove_file(here.join("many")).unwrap();
    assert!(here.join("full").is_symlink() && Path::new("/dev/full").exists());
    assert_eq!(names(&here), ["full", "null"]);
}

/// A limit on the length of files stands for a full disk: no privilege is needed to set one.
#[test]
fn a_disk_that_fills_up_leaves_the_last_good_bundle() {
    let here = folder("limit");
    fs::write(here.join("bundle"), b"the last good one").unwrap();
    let (tranche, guest) = (env!("CARGO_BIN_EXE_tranche"), guest("spin"));
    let script =
        format!("ulimit -f 100; exec {tranche} prove {guest} --epoch-log2 8 --json -o bundle");
    let mut shell = Command::new("sh");
    let ended = shell.current_dir(&here).args(["-c", &script]).output();
    let ended = ended.unwrap();
    assert_eq!(ended.status.code(), Some(1), "{}", text(&ended.stderr));
    let error = json(&ended);
    let error = error["error"].as_str().unwrap();
    assert!(
        error.starts_with("bundle: cannot be written: File too large"),
        "{error}"
    );
    assert_eq!(fs::read(here.join("bundle")).unwrap(), b"the last good one");
    assert_eq!(names(&here), ["bundle"]);
}

#[test]
fn signals_leave_nothing() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let here = folder(&format!("signal-{signal}"));
        fs::write(here.join("bundle"), b"the last good one").unwrap();
        let (child, _) = start(&here, &["-o", "bundle", "--json"]);
        kill(&child, signal);
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(code), "{}", text(&ended.stderr));
        let error = json(&ended);
        assert_eq!(error["error"], format!("ended by SIG{signal}"));
        assert_eq!(fs::read(here.join("bundle")).unwrap(), b"the last good one");
        assert_eq!(names(&here), ["bundle", "long"]);
    }
}

/// Whoever starts a program with a signal ignored wants it to go on.
#[test]
fn ignored_signals_stay_ignored() {
    let here = folder("ignored");
    let tranche = env!("CARGO_BIN_EXE_tranche");
    let script = format!(
        "trap '' HUP; exec {tranche} prove {} --epoch-log2 8 -i long -o bundle",
        guest("spin")
    );
    long_input(&here);
    let mut shell = Command::new("sh");
    let shell = shell.current_dir(&here).args(["-c", &script]);
    let child = shell.stderr(Stdio::piped()).spawn().unwrap();
    while !names(&here).iter().any(|name| name.ends_with(".part")) {
        std::thread::yield_now();
    }
    kill(&child, "HUP");
    kill(&child, "TERM");
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(143), "{}", text(&ended.stderr));
    assert_eq!(names(&here), ["long"]);
}

/// The first signal's way out is blocked: nobody reads its last words.
#[test]
fn a_second_signal_ends_at_once() {
    let here = folder("twice");
    let (reader, mut writer) = std::io::pipe().unwrap();
    let input = long_input(&here);
    let mut command = prove(&here, &["-o", "bundle", "--json", "--input", input]);
    command.stdout(writer.try_clone().unwrap());
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    // A pipe holds 64 KiB on Linux.
    writer.write_all(&[0; 1 << 16]).unwrap();
    let part = || names(&here).iter().any(|name| name.ends_with(".part"));
    while !part() {
        std::thread::yield_now();
    }
    kill(&child, "TERM");
    while part() {
        std::thread::yield_now();
    }
    assert!(child.try_wait().unwrap().is_none(), "it waits for a reader");
    kill(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert_eq!(names(&here), ["long"]);
    drop(reader);
}

/// Nobody hears the last words: whoever started it hung up.
#[test]
fn a_signal_ends_a_program_that_nobody_hears() {
    let here = folder("unheard");
    let (mut child, _) = start(&here, &["-o", "bundle", "--json"]);
    drop((child.stdout.take(), child.stderr.take()));
    kill(&child, "HUP");
    assert_eq!(child.wait().unwrap().code(), Some(129));
    assert_eq!(names(&here), ["long"]);
}

/// What cannot be caught leaves a part, but never under the name of the bundle.
#[test]
fn a_kill_leaves_the_name_alone() {
    let here = folder("kill");
    fs::write(here.join("bundle"), b"the last good one").unwrap();
    let (mut child, part) = start(&here, &["-o", "bundle"]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(fs::read(here.join("bundle")).unwrap(), b"the last good one");
    assert!(part.exists());
}

/// Each bundle is whole, and the last one stays.
#[test]
fn provers_do_not_mix() {
    let here = folder("four");
    fs::write(here.join("one"), b"1").unwrap();
    fs::write(here.join("two"), b"2").unwrap();
    let inputs = ["one", "two", "one", "two"];
    let children = inputs.map(|input| {
        let mut command = prove(&here, &["-o", "bundle", "--input", input]);
        command.stdout(Stdio::null()).spawn().unwrap()
    });
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert!(verifies(&here, "bundle"));
    assert_eq!(names(&here), ["bundle", "one", "two"]);
}

/// A bundle that cannot have its name is kept under the one that it has.
#[test]
fn a_whole_bundle_is_never_thrown_away() {
    let here = folder("rename");
    let mut command = prove(&here, &["-o", "bundle"]);
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    while names(&here).is_empty() {
        std::thread::yield_now();
    }
    // The name becomes a folder's before the proof is there.
    fs::create_dir(here.join("bundle")).unwrap();
    let ended = child.wait_with_output().unwrap();
    let reason = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{reason}");
    let (before, kept) = reason.trim().split_once("; the bundle is ").unwrap();
    assert!(
        before.starts_with("tranche: bundle: cannot be replaced: "),
        "{reason}"
    );
    assert!(verifies(&here, kept), "{kept}");
}
