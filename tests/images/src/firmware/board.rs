//! The emulated boards, and how a job gets to an image and its log and proofs back.
//!
//! QEMU counts one nanosecond of virtual time an instruction (`-icount shift=0`), which is what the
//! images' clocks show. Figures are therefore the same on every host.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::image::Image;
use super::log::Log;
use crate::Failure;
use crate::case::{CASES, Case, SMALLEST};

/// An emulated board.
#[derive(Debug)]
pub struct Board {
    /// Its name: that of its image.
    pub name: &'static str,
    /// What it proves.
    cases: &'static [Case],
    /// The emulator and its options.
    command: &'static [&'static str],
    /// How the image talks to the host.
    link: Link,
}

/// How an image gets its job, and sends log and proofs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// Files of the host, by semihosting.
    Semihosting,
    /// The command line, and ports that QEMU writes to files.
    Ports,
}

impl Link {
    /// The emulator's options for it.
    fn options(self, job: &str) -> Vec<&str> {
        match self {
            Self::Semihosting => vec!["-semihosting-config", "enable=on,target=native"],
            Self::Ports => vec![
                "-debugcon",
                "file:log",
                "-chardev",
                "file,id=proofs,path=proofs",
                "-device",
                "isa-debugcon,iobase=0xe8,chardev=proofs",
                "-device",
                "isa-debug-exit,iobase=0xf4",
                "-append",
                job,
            ],
        }
    }
}

/// Status of an emulator that an image has ended with success through its exit device.
const PORT_SUCCESS: i32 = 33;

/// The board whose memory is that of a microcontroller.
pub const SMALL_BOARD: &str = "cortex-m4";

/// The board that proves long epochs too whenever it is run: the one that takes the fewest instructions for them.
const LONG_BOARD: &str = "aarch64";
/// log2 of the cycles of epochs that every board proves whenever it is run.
const SHORT_LOG2: u8 = 10;

/// All boards.
pub const BOARDS: &[Board] = &[
    Board {
        name: "thumbv7em",
        cases: CASES,
        command: &["qemu-system-arm", "-M", "mps2-an500"],
        link: Link::Semihosting,
    },
    Board {
        name: SMALL_BOARD,
        cases: SMALLEST,
        command: &["qemu-system-arm", "-M", "mps2-an386"],
        link: Link::Semihosting,
    },
    Board {
        name: "aarch64",
        cases: CASES,
        command: &["qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a53"],
        link: Link::Semihosting,
    },
    Board {
        name: "riscv32",
        cases: CASES,
        command: &["qemu-system-riscv32", "-M", "virt", "-bios", "none"],
        link: Link::Semihosting,
    },
    Board {
        name: "x86_64",
        cases: CASES,
        // A fault without handlers resets the machine: that ends it too.
        command: &[
            "qemu-system-x86_64",
            "-M",
            "pc",
            "-cpu",
            "max",
            "-no-reboot",
        ],
        link: Link::Ports,
    },
];

/// Longest that a job may take: a hung image must not hang the tests.
const PATIENCE: Duration = Duration::from_secs(300);

impl Board {
    /// What it proves: all, or no long epochs but on one board.
    pub fn cases(&self, all: bool) -> impl Iterator<Item = &'static Case> {
        let long = all || self.name == LONG_BOARD;
        let is_asked = move |case: &&Case| long || case.log2_cycles <= SHORT_LOG2;
        self.cases.iter().filter(is_asked)
    }

    /// Runs an image that reads the line `job`; returns its log and the bytes of its proofs.
    pub fn job(&self, path: &Path, image: &Image, job: &str) -> Result<(Log, Vec<u8>), Failure> {
        let folder =
            std::env::temp_dir().join(format!("tranche-{}-{}", self.name, std::process::id()));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("job"), job)?;
        let outcome = self.emulate(&path.canonicalize()?, &folder, job);
        let files = ["log", "proofs"].map(|name| fs::read(folder.join(name)));
        fs::remove_dir_all(&folder)?;
        let [log, proofs] = files;
        let log = Log::decode(&image.bytes, &log?)?;
        outcome.map_err(|failure| format!("{failure}; its log:\n{log}"))?;
        Ok((log, proofs?))
    }

    fn emulate(&self, image: &Path, folder: &Path, job: &str) -> Result<(), Failure> {
        let [program, options @ ..] = self.command else {
            return Err("a board without an emulator".into());
        };
        let mut child = Command::new(program)
            .args(options)
            .args(["-display", "none", "-monitor", "none", "-serial", "none"])
            .args(["-icount", "shift=0"])
            .args(self.link.options(job))
            .arg("-kernel")
            .arg(image)
            .current_dir(folder)
            .stdin(Stdio::null())
            .spawn()
            .map_err(|error| format!("{program}: {error}"))?;
        let start = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if start.elapsed() > PATIENCE {
                child.kill()?;
                child.wait()?;
                return Err(format!("not done in {} s", PATIENCE.as_secs()).into());
            }
            sleep(Duration::from_millis(20));
        };
        let success = match self.link {
            Link::Semihosting => 0,
            Link::Ports => PORT_SUCCESS,
        };
        if status.code() == Some(success) {
            Ok(())
        } else {
            Err(format!("the image ended with {status}").into())
        }
    }
}
