//! Processes of a fleet, ended when a test ends.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use tranche::cli::{Hash, Size};
use tranche::execute::Execution;
use tranche::mix::Sizing;
use tranche::prove::{Options, metered, secure};
use tranche::retire;
use tranche_core::retire::Order;
use tranche_machine::Program;
use tranche_machine::settings::{SECURITY_FLOOR_BITS, Settings};

use crate::cluster::Cluster;

/// Seconds of a lease: a test waits for some.
pub const LEASE: &str = "2";

/// A process that is killed when it goes out of scope.
pub struct Process(Child);

impl Process {
    pub fn spawn(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let pid = self.id().to_string();
        let sent = Command::new("kill")
            .args(["-s", name, &pid])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Kills it, without a chance to clean up.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Waits for its end.
    pub fn wait(self) -> Output {
        let mut this = self;
        let stdout = this.0.stdout.take();
        let stderr = this.0.stderr.take();
        let read = |stream: Option<Box<dyn std::io::Read + Send>>| {
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                if let Some(mut stream) = stream {
                    stream.read_to_end(&mut bytes).unwrap();
                }
                bytes
            })
        };
        let stdout = read(stdout.map(|it| Box::new(it) as _));
        let stderr = read(stderr.map(|it| Box::new(it) as _));
        let status = this.0.wait().unwrap();
        Output {
            status,
            stdout: stdout.join().unwrap(),
            stderr: stderr.join().unwrap(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Options of a run of a guest in epochs.
pub const EPOCHS: &[&str] = &["--epoch-log2", "11", "--arity", "3"];
/// The same run as one proof.
const BATCHES: &[&str] = &["--approach", "retire", "--epoch-log2", "10"];

fn guest() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../guests/prebuilt/sha256.elf")
}

/// What is proved: an input that the guest reads across epochs.
fn input() -> Vec<u8> {
    (0..601_u32).map(|i| (i * i) as u8).collect()
}

/// A way to prove that run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    Epochs,
    Batches,
}

impl Case {
    fn options(self) -> &'static [&'static str] {
        match self {
            Self::Epochs => EPOCHS,
            Self::Batches => BATCHES,
        }
    }

    /// The bundle of a run in this way as one machine writes it.
    pub fn prove(self, program: &Program<'_>, input: &[u8]) -> Vec<u8> {
        let execution = tranche::execute(program, input, 1 << 30).unwrap();
        let mut bundle = Vec::new();
        match self {
            Self::Epochs => prove_epochs(program, input, &execution, &mut bundle),
            Self::Batches => prove_batches(program, input, &execution, &mut bundle),
        }
        bundle
    }

    /// The bundle of that run as one machine writes it.
    pub fn local(self) -> &'static [u8] {
        static LOCAL: [OnceLock<Vec<u8>>; 2] = [OnceLock::new(), OnceLock::new()];
        LOCAL[self as usize].get_or_init(|| {
            let elf = std::fs::read(guest()).unwrap();
            self.prove(&Program::parse(&elf).unwrap().decoded(), &input())
        })
    }

    /// `submit` of a program in this way.
    pub fn submit_program(self, cluster: &Cluster, program: &Path, args: &[&str]) -> Command {
        let mut command = cluster.fleet("coordinator");
        command.arg("submit").arg(program).args(self.options());
        command.args(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// `submit` of that run.
    pub fn submit(self, cluster: &Cluster, args: &[&str]) -> Command {
        std::fs::write(cluster.folder().join("input"), input()).unwrap();
        self.submit_program(cluster, &guest(), &[&["-i", "input"], args].concat())
    }

    /// `submit` that sees the run to its end, into `bundle`.
    pub fn submit_and_wait(self, cluster: &Cluster) -> Process {
        Process::spawn(&mut self.submit(cluster, &["--wait", "-o", "bundle"]))
    }

    /// Fails unless a process has ended well, and the bundle that it wrote is that of one machine.
    pub fn assert_same(self, cluster: &Cluster, submitted: Process) {
        let output = submitted.wait();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let bundle = std::fs::read(cluster.folder().join("bundle")).unwrap();
        assert!(bundle == self.local(), "the bundle is another one");
        cluster.assert_empty();
    }
}

fn prove_epochs(program: &Program<'_>, input: &[u8], execution: &Execution, bundle: &mut Vec<u8>) {
    let settings = Settings {
        log2_cycles: 11,
        arity: 3,
        hash: Hash::default().into(),
        ..Settings::default()
    };
    let settings = metered(program, input, execution, settings).unwrap();
    let run = secure(program, input, execution, settings, SECURITY_FLOOR_BITS).unwrap();
    run.prove(&Options::default(), bundle, |_| ()).unwrap();
}

fn prove_batches(program: &Program<'_>, input: &[u8], execution: &Execution, bundle: &mut Vec<u8>) {
    let options = retire::Options {
        sizing: Sizing::Metered,
        hash: Hash::default().into(),
        params: Size::default().params(),
        ..retire::Options::new(Order::Forked, 10)
    };
    let program = options.sizing.program(program, execution);
    retire::prove(&program, input, execution, &options, bundle, |_, _| ()).unwrap();
}

/// `submit` of that run in epochs.
pub fn submit(cluster: &Cluster, args: &[&str]) -> Command {
    Case::Epochs.submit(cluster, args)
}

/// As [`submit`], to the run's end, into `bundle`.
pub fn submit_and_wait(cluster: &Cluster) -> Process {
    Case::Epochs.submit_and_wait(cluster)
}

/// The bundle of that run in epochs as one machine writes it.
pub fn local() -> &'static [u8] {
    Case::Epochs.local()
}

/// As [`Case::assert_same`], of that run in epochs.
pub fn assert_same(cluster: &Cluster, submitted: Process) {
    Case::Epochs.assert_same(cluster, submitted);
}

/// A coordinator of all runs.
pub fn coordinator(cluster: &Cluster) -> Process {
    let mut command = cluster.fleet("coordinator");
    Process::spawn(command.arg("coordinator").stderr(Stdio::piped()))
}

/// A judge of two threads.
pub fn judge(cluster: &Cluster, name: &str) -> Process {
    judge_with(cluster, name, &[])
}

/// As [`judge`], with more arguments.
pub fn judge_with(cluster: &Cluster, name: &str, args: &[&str]) -> Process {
    let mut judge = cluster.fleet("coordinator");
    judge.args(["judge", "--threads", "2", "--name", name]);
    judge.args(args);
    let judge = Process::spawn(judge.stderr(Stdio::piped()));
    let there = format!("from tranche.judges where name = '{name}' and until > now()");
    cluster.wait_until(&format!("exists (select {there})"));
    judge
}

/// A worker of one thread.
pub fn worker(cluster: &Cluster, name: &str) -> Process {
    Process::spawn(&mut worker_of(cluster.fleet("worker"), name))
}

pub fn worker_of(mut fleet: Command, name: &str) -> Command {
    fleet.args(["worker", "--threads", "1", "--name", name]);
    fleet.args(["--lease", LEASE, "--poll", "0.05"]);
    fleet.stderr(Stdio::piped());
    fleet
}
