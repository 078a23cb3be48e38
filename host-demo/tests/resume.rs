//! `--resume`: a run that was killed, or asked to end, goes on from its partial file, to the same bytes; what
//! is no file of that run is refused and stays, and what is damaged is never in a bundle.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tranche::files::Partial;

#[path = "resume/file.rs"]
mod file;
#[path = "resume/kills.rs"]
mod kills;
#[path = "resume/refused.rs"]
mod refused;
#[path = "resume/signals.rs"]
mod signals;

/// The ways to prove a run.
const APPROACHES: [&[&str]; 3] = [
    &["--epoch-log2", "8", "--arity", "3"],
    &["--epoch-log2", "8", "--approach", "retire"],
    &[
        "--epoch-log2",
        "8",
        "--approach",
        "retire",
        "--challenges",
        "shared",
    ],
];

/// A folder of one test's own, empty but for an input of `spin` of some dozen epochs.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("resume-{name}"));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("input"), b"300").unwrap();
    path
}

/// What a folder holds besides the input, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name != "input").collect();
    names.sort();
    names
}

fn guest(name: &str) -> String {
    format!("{}/guests/prebuilt/{name}.elf", env!("CARGO_MANIFEST_DIR"))
}

/// A proof of `spin` into `bundle`, with these arguments besides.
fn prove(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tranche"));
    command
        .current_dir(folder)
        .args(["prove", &guest("spin"), "-i", "input", "-o", "bundle"])
        .args(args);
    command
}

/// A proof that can be resumed, under way.
fn start(folder: &Path, args: &[&str]) -> Child {
    let mut command = prove(folder, args);
    let command = command.arg("--resume").stdout(Stdio::piped());
    command.stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until the partial file has so many bytes, or the proof ended.
fn wait_for(child: &mut Child, folder: &Path, bytes: u64) {
    let partial = folder.join("bundle.partial");
    while child.try_wait().unwrap().is_none() {
        if fs::metadata(&partial).is_ok_and(|it| it.len() >= bytes) {
            return;
        }
        std::thread::yield_now();
    }
}

/// What a run leaves that nothing interrupts.
struct Whole {
    /// Its bundle.
    bundle: Vec<u8>,
    /// Bytes of its partial file, when it was longest.
    partial: u64,
}

impl Whole {
    /// Proves to the end.
    fn of(folder: &Path, args: &[&str]) -> Self {
        let mut child = start(folder, args);
        let (path, mut partial) = (folder.join("bundle.partial"), 0);
        while child.try_wait().unwrap().is_none() {
            partial = fs::metadata(&path).map_or(partial, |it| it.len().max(partial));
            std::thread::yield_now();
        }
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success(), "{}", text(&ended.stderr));
        let bundle = fs::read(folder.join("bundle")).unwrap();
        fs::remove_file(folder.join("bundle")).unwrap();
        assert!(partial > 0 && names(folder).is_empty());
        Self { bundle, partial }
    }
}

/// Goes on to the end; returns the report.
fn resumed(folder: &Path, args: &[&str], whole: &Whole) -> Value {
    let output = prove(folder, args).args(["--resume", "--json"]).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(
        fs::read(folder.join("bundle")).unwrap() == whole.bundle,
        "other bytes"
    );
    assert!(!folder.join("bundle.partial").exists());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Ends a proof in the middle; returns its partial file's bytes.
fn half(folder: &Path, args: &[&str], whole: &Whole) -> Vec<u8> {
    let mut child = start(folder, args);
    wait_for(&mut child, folder, whole.partial / 2);
    child.kill().unwrap();
    child.wait().unwrap();
    let bytes = fs::read(Partial::path_for(&folder.join("bundle"))).unwrap();
    assert!(
        bytes.len() as u64 >= whole.partial / 2,
        "it ended too early"
    );
    bytes
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The reason of a refusal with exit code 2.
fn reason(output: &Output) -> String {
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    stderr
}

/// Numbers that look random, the same for one seed: splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31) % bound
    }
}
