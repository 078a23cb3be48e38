//! Signals, limits and second processes.

use std::fs;
use std::process::Command;

use super::{
    APPROACHES, Whole, folder, half, names, prove, reason, resumed, start, text, wait_for,
};

#[test]
fn signals_leave_what_is_finished_and_say_how_to_go_on() {
    for (approach, args) in APPROACHES.into_iter().enumerate() {
        for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
            let here = folder(&format!("signal-{approach}-{signal}"));
            let whole = Whole::of(&here, args);
            let mut child = start(&here, args);
            wait_for(&mut child, &here, whole.partial / 2);
            let pid = child.id().to_string();
            let sent = Command::new("kill").args(["-s", signal, &pid]).status();
            assert!(sent.unwrap().success());
            let ended = child.wait_with_output().unwrap();
            let said = text(&ended.stderr);
            assert_eq!(ended.status.code(), Some(code), "{said}");
            let way_on = format!("ended by SIG{signal}; what was finished stays in bundle.partial");
            assert!(said.contains(&way_on), "{said}");
            assert_eq!(names(&here), ["bundle.partial"]);
            resumed(&here, args, &whole);
            assert_eq!(names(&here), ["bundle"]);
        }
    }
}

/// The bundle that was there stays until the new one is whole.
#[test]
fn the_last_good_bundle_stays_until_then() {
    for (approach, args) in APPROACHES.into_iter().enumerate() {
        let here = folder(&format!("last-{approach}"));
        let whole = Whole::of(&here, args);
        fs::write(here.join("bundle"), b"the last good one").unwrap();
        half(&here, args, &whole);
        assert_eq!(fs::read(here.join("bundle")).unwrap(), b"the last good one");
        resumed(&here, args, &whole);
    }
}

#[test]
fn two_processes_never_write_one_partial_file() {
    for (approach, args) in APPROACHES.into_iter().enumerate() {
        let here = folder(&format!("two-{approach}"));
        let whole = Whole::of(&here, args);
        let mut child = start(&here, args);
        wait_for(&mut child, &here, 1);
        let second = prove(&here, args).arg("--resume").output().unwrap();
        if child.try_wait().unwrap().is_none() {
            let said = reason(&second);
            assert!(
                said.contains("bundle.partial: another process writes it"),
                "{said}"
            );
        }
        assert!(child.wait().unwrap().success());
        assert!(fs::read(here.join("bundle")).unwrap() == whole.bundle);
        assert_eq!(names(&here), ["bundle"]);
    }
}

/// A limit on the length of files stands for a full disk. What was finished before it is not made again.
#[test]
fn a_disk_that_fills_up_loses_nothing() {
    for (approach, args) in APPROACHES.into_iter().enumerate() {
        let here = folder(&format!("full-{approach}"));
        let whole = Whole::of(&here, args);
        // In units of 512 or of 1,024 bytes, as the shell has it.
        let blocks = whole.partial / 2048;
        let script = format!("ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        let proof = prove(&here, args);
        command.current_dir(&here).arg("-c").arg(script);
        command.arg(proof.get_program()).args(proof.get_args());
        let ended = command.arg("--resume").output().unwrap();
        let said = text(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(
            said.contains("bundle.partial: cannot be written: File too large"),
            "{said}"
        );
        assert!(
            said.contains("what was finished stays in bundle.partial"),
            "{said}"
        );
        assert_eq!(names(&here), ["bundle.partial"]);
        resumed(&here, args, &whole);
    }
}

/// Without records there is nothing to go on from.
#[test]
fn a_run_that_finishes_nothing_leaves_nothing() {
    let here = folder("nothing");
    let ended = prove(&here, &["--resume", "--max-cycles", "10"])
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(names(&here).is_empty());
}
