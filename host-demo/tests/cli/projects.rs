//! Projects of guests: what a new one holds, and what is said where one cannot be made or built. The leg `guests` of
//! `tests/run` builds them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{command, json, tranche};

const LANGUAGES: [&str; 3] = ["rust", "c", "picolibc"];
const KIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/guests");

/// Where a test may make a project.
fn place(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    path
}

fn files_below(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(Path::new(KIT).join(folder)).unwrap();
    let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
    let names = entries.map(|entry| format!("{folder}/{}", name(entry.unwrap())));
    names.collect()
}

#[test]
fn new_projects_hold_the_kit() {
    let mut kit = BTreeSet::new();
    for language in LANGUAGES {
        let project = place(&format!("new-{language}"));
        let path = project.to_str().unwrap();
        let output = tranche(&["new", path, "--lang", language, "--json"]);
        assert_eq!(output.status.code(), Some(0));
        let report = json(&output);
        assert_eq!(report["project"], path);
        for file in report["files"].as_array().unwrap() {
            let file = file.as_str().unwrap();
            let written = fs::read(project.join(file)).unwrap();
            if [".cargo/", "runtime/", "tranche-guest/"]
                .iter()
                .any(|folder| file.starts_with(folder))
            {
                assert_eq!(
                    written,
                    fs::read(Path::new(KIT).join(file)).unwrap(),
                    "{file}"
                );
                kit.insert(file.to_owned());
            } else if file == "Cargo.toml" {
                let text = String::from_utf8(written).unwrap();
                assert!(text.contains("name = \"new-rust\""), "{text}");
            }
        }
    }
    let mut all = files_below("runtime");
    all.extend(files_below("tranche-guest/src"));
    all.extend([".cargo/config.toml", "tranche-guest/Cargo.toml"].map(str::to_owned));
    // The memory map of programs older than the kit.
    assert!(all.remove("runtime/link.ld"));
    assert_eq!(kit, all);
}

#[test]
fn nothing_is_overwritten() {
    let project = place("new-there");
    fs::create_dir(&project).unwrap();
    fs::write(project.join("main.c"), "mine").unwrap();
    let output = tranche(&["new", project.to_str().unwrap(), "--lang", "c", "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let error = json(&output)["error"].as_str().unwrap().to_owned();
    assert!(error.contains("exists already"), "{error}");
    assert_eq!(fs::read_dir(&project).unwrap().count(), 1);
    assert_eq!(fs::read(project.join("main.c")).unwrap(), b"mine");
}

#[test]
fn names_that_no_package_can_have() {
    for name in ["1st", "a b", "caf\u{e9}", "..", "/", "tranche-guest"] {
        let project = place("names").join(name);
        let output = tranche(&["new", project.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{name}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("no name of a project"), "{said}");
    }
    let nowhere = place("no folder").join("project");
    let output = tranche(&["new", nowhere.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!nowhere.exists());
}

#[test]
fn what_is_missing_is_named() {
    let empty = place("no-project");
    fs::create_dir(&empty).unwrap();
    let output = tranche(&["build", empty.to_str().unwrap(), "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let error = json(&output)["error"].as_str().unwrap().to_owned();
    assert!(error.contains("no project"), "{error}");

    for language in ["c", "picolibc"] {
        let project = place(&format!("no-compiler-{language}"));
        let path = project.to_str().unwrap();
        assert!(tranche(&["new", path, "--lang", language]).status.success());
        let output = command(&["build", path])
            .env("PATH", &empty)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            said.contains("Debian has it in gcc-riscv64-unknown-elf"),
            "{said}"
        );
    }

    let project = place("no-source");
    let path = project.to_str().unwrap();
    assert!(tranche(&["new", path, "--lang", "c"]).status.success());
    fs::remove_file(project.join("main.c")).unwrap();
    let output = tranche(&["build", path]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("no *.c"), "{said}");
}
