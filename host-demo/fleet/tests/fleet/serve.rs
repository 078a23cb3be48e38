//! Processes of a fleet, ended when a test ends.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

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

/// A guest, its input and its options, and the bundle that one machine writes.
pub const EPOCHS: &[&str] = &["--epoch-log2", "11", "--arity", "3"];

fn guest() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../guests/prebuilt/sha256.elf")
}

/// What is proved: an input that the guest reads across epochs.
fn input() -> Vec<u8> {
    (0..601_u32).map(|i| (i * i) as u8).collect()
}

/// The bundle of that run as one machine writes it.
pub fn local() -> &'static [u8] {
    static LOCAL: OnceLock<Vec<u8>> = OnceLock::new();
    LOCAL.get_or_init(|| {
        use tranche::prove::{Options, metered, secure};
        use tranche_machine::settings::{SECURITY_FLOOR_BITS, Settings};
        let (elf, input) = (std::fs::read(guest()).unwrap(), input());
        let program = tranche_machine::Program::parse(&elf).unwrap().decoded();
        let execution = tranche::execute(&program, &input, 1 << 30).unwrap();
        let settings = Settings {
            log2_cycles: 11,
            arity: 3,
            hash: tranche::cli::Hash::default().into(),
            ..Settings::default()
        };
        let settings = metered(&program, &input, &execution, settings).unwrap();
        let run = secure(&program, &input, &execution, settings, SECURITY_FLOOR_BITS).unwrap();
        let mut bundle = Vec::new();
        run.prove(&Options::default(), &mut bundle, |_| ()).unwrap();
        bundle
    })
}

/// `submit` of that run.
pub fn submit(cluster: &Cluster, args: &[&str]) -> Command {
    std::fs::write(cluster.folder().join("input"), input()).unwrap();
    let mut command = cluster.fleet("coordinator");
    command.arg("submit").arg(guest()).args(["-i", "input"]);
    command.args(EPOCHS).args(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// `submit` that sees the run to its end, into `bundle`.
pub fn submit_and_wait(cluster: &Cluster) -> Process {
    Process::spawn(&mut submit(cluster, &["--wait", "-o", "bundle"]))
}

/// A coordinator of all runs.
pub fn coordinator(cluster: &Cluster) -> Process {
    let mut command = cluster.fleet("coordinator");
    Process::spawn(command.arg("coordinator").stderr(Stdio::piped()))
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

/// Fails unless a process has ended well, and the bundle that it wrote is that of one machine.
pub fn assert_same(cluster: &Cluster, submitted: Process) {
    let output = submitted.wait();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let bundle = std::fs::read(cluster.folder().join("bundle")).unwrap();
    assert!(bundle == local(), "the bundle is another one");
    cluster.assert_empty();
}
