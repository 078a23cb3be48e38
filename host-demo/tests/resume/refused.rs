//! Partial files of other runs, damaged ones, and outputs that are no files.

use std::fs;
use std::os::unix::fs::symlink;

use tranche::files::partial::{HEAD_BYTES, MAGIC};

use super::{APPROACHES, Random, Whole, folder, guest, half, names, prove, reason, resumed, text};

/// Another program, input, length, version: each is named, and the file stays as it was.
#[test]
fn partial_files_of_other_runs_are_refused_and_stay() {
    for (approach, args) in APPROACHES.into_iter().enumerate() {
        let here = folder(&format!("other-{approach}"));
        let whole = Whole::of(&here, args);
        let bytes = half(&here, args, &whole);
        let partial = here.join("bundle.partial");
        let refused = |args: &[&str], what: &str| {
            let said = reason(&prove(&here, args).arg("--resume").output().unwrap());
            assert!(
                said.contains(what) && said.contains("nothing was changed"),
                "{said}"
            );
            assert!(fs::read(&partial).unwrap() == bytes, "it stays as it was");
        };
        fs::write(here.join("input"), b"301").unwrap();
        refused(args, "of another input");
        fs::write(here.join("input"), b"300").unwrap();
        // The last of two wins.
        refused(
            &[args, &["--epoch-log2", "9"][..]].concat()[2..],
            "of another choice of options",
        );

        let mut other = prove(&here, args);
        other.args(["--resume"]);
        let args_of: Vec<_> = other.get_args().map(|it| it.to_owned()).collect();
        let mut other = std::process::Command::new(other.get_program());
        other.current_dir(&here).args(args_of.iter().map(|arg| {
            if arg.to_str() == Some(&guest("spin")) {
                guest("sha256").into()
            } else {
                arg.clone()
            }
        }));
        let said = reason(&other.output().unwrap());
        assert!(said.contains("of another program"), "{said}");
        assert!(fs::read(&partial).unwrap() == bytes);
        resumed(&here, args, &whole);
    }
}

/// With a head that says so: of another version of the format or of the program, damaged, or none at all.
#[test]
fn heads_of_other_versions_and_damaged_heads_are_refused() {
    let here = folder("heads");
    let args = APPROACHES[0];
    let whole = Whole::of(&here, args);
    let honest = half(&here, args, &whole);
    let partial = here.join("bundle.partial");
    // A head with another digest in it, whose checksum is right.
    let mut version = honest.clone();
    version[MAGIC.len() + 2] ^= 1;
    let (head, checksum) = version[..HEAD_BYTES].split_at_mut(HEAD_BYTES - 32);
    checksum.copy_from_slice(blake3::hash(head).as_bytes());
    let flipped = |at: usize| {
        let mut bytes = honest.clone();
        bytes[at] ^= 1;
        bytes
    };
    for (bytes, what) in [
        (version, "of another version of tranche"),
        (flipped(0), "not a partial file"),
        (flipped(MAGIC.len()), "of version 0, not 1"),
        (
            flipped(MAGIC.len() + 2),
            "the head of the partial file is damaged",
        ),
        (
            flipped(HEAD_BYTES - 1),
            "the head of the partial file is damaged",
        ),
        (b"notes of mine".to_vec(), "not a partial file"),
        (
            MAGIC.to_vec().repeat(2),
            "the head of the partial file is damaged",
        ),
    ] {
        fs::write(&partial, &bytes).unwrap();
        let said = reason(&prove(&here, args).arg("--resume").output().unwrap());
        assert!(said.contains(what), "{what}: {said}");
        assert!(
            fs::read(&partial).unwrap() == bytes,
            "{what}: it stays as it was"
        );
    }
    // A head that was torn says nothing yet.
    for len in [0, 1, MAGIC.len(), HEAD_BYTES - 1, HEAD_BYTES] {
        fs::write(&partial, &honest[..len]).unwrap();
        let report = resumed(&here, args, &whole);
        assert_eq!(report["resumed_epochs"], 0);
    }
}

/// A flipped byte anywhere, and a file cut anywhere: refused, or made again from there.
#[test]
fn damage_is_refused_or_made_again() {
    for (approach, args) in APPROACHES.into_iter().enumerate() {
        let here = folder(&format!("damage-{approach}"));
        let whole = Whole::of(&here, args);
        let honest = half(&here, args, &whole);
        let partial = here.join("bundle.partial");
        let mut random = Random(approach as u64);
        let mut again = 0;
        for round in 0..6 {
            let at = random.below(honest.len() as u64) as usize;
            let mut bytes = honest.clone();
            match round % 2 {
                0 => bytes[at] ^= 1 << random.below(8),
                _ => bytes.truncate(at),
            }
            fs::write(&partial, &bytes).unwrap();
            let output = prove(&here, args).arg("--resume").output().unwrap();
            if output.status.success() {
                again += 1;
                assert!(
                    fs::read(here.join("bundle")).unwrap() == whole.bundle,
                    "at {at}"
                );
                assert!(!partial.exists());
                if at >= HEAD_BYTES && round % 2 == 0 {
                    let said = text(&output.stderr);
                    assert!(
                        said.contains("bytes are no whole record, and are made again"),
                        "{said}"
                    );
                }
            } else {
                assert!(at < HEAD_BYTES, "{}", text(&output.stderr));
                assert!(fs::read(&partial).unwrap() == bytes);
            }
        }
        assert!(again > 0);
    }
}

#[test]
fn only_files_can_be_resumed() {
    let here = folder("streams");
    for output in ["-", "/dev/null", "/dev/stdout"] {
        let ended = prove(&here, &["--resume", "--output", output]);
        let args: Vec<_> = ended
            .get_args()
            .filter(|&arg| arg != "-o" && arg != "bundle")
            .collect();
        let mut ended = std::process::Command::new(ended.get_program());
        let said = reason(&ended.current_dir(&here).args(args).output().unwrap());
        assert!(
            said.contains("--resume: ") && said.contains("is no file"),
            "{said}"
        );
    }
    // One proof of one batch has nothing to go on from.
    let said = reason(
        &prove(&here, &["--resume", "--approach", "monolithic"])
            .output()
            .unwrap(),
    );
    assert!(said.contains("--resume: "), "{said}");
    // A link, a folder in the place of the partial file, or the input itself.
    symlink("elsewhere", here.join("bundle.partial")).unwrap();
    let said = reason(&prove(&here, &["--resume"]).output().unwrap());
    assert!(said.contains("not a regular file"), "{said}");
    fs::remove_file(here.join("bundle.partial")).unwrap();
    fs::create_dir(here.join("bundle.partial")).unwrap();
    let said = reason(&prove(&here, &["--resume"]).output().unwrap());
    assert!(said.contains("not a regular file"), "{said}");
    fs::remove_dir(here.join("bundle.partial")).unwrap();
    fs::hard_link(here.join("input"), here.join("bundle.partial")).unwrap();
    let said = reason(&prove(&here, &["--resume"]).output().unwrap());
    assert!(said.contains("the output is the input"), "{said}");
    assert_eq!(fs::read(here.join("input")).unwrap(), b"300");
    assert_eq!(names(&here), ["bundle.partial"]);
}
