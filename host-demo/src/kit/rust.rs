//! Projects in Rust: by the first compiler that has the machine's target, or else the standard library's source.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::files::TARGET;
use super::{KitError, tools};

/// What marks a project in Rust.
pub const MANIFEST: &str = "Cargo.toml";

const CARGO: &str = "cargo";
const CARGO_PACKAGE: &str = "cargo-web";
/// GNU's linker, where the compiler brings none for the target.
const LINKER: &str = "riscv64-unknown-elf-ld";
const LINKER_PACKAGE: &str = "binutils-riscv64-unknown-elf";

/// A compiler and its package manager: whatever is in the path, and Debian's.
#[derive(Clone, Copy, Debug)]
struct Toolchain {
    cargo: &'static str,
    rustc: &'static str,
}

const TOOLCHAINS: [Toolchain; 2] = [
    Toolchain {
        cargo: CARGO,
        rustc: "rustc",
    },
    Toolchain {
        cargo: "/usr/bin/cargo",
        rustc: "/usr/bin/rustc",
    },
];

impl Toolchain {
    /// A folder that the compiler names, as it is chosen in `folder`.
    fn folder(self, folder: &Path, arguments: &[&str]) -> Option<PathBuf> {
        let mut rustc = Command::new(self.rustc);
        tools::ask(rustc.current_dir(folder).args(arguments)).map(PathBuf::from)
    }

    /// Whether it has the target's standard library.
    fn has_target(self, folder: &Path) -> bool {
        let libraries = ["--print", "target-libdir", "--target", TARGET];
        self.folder(folder, &libraries)
            .is_some_and(|libraries| libraries.is_dir())
    }

    /// Whether it has the source of the standard library, and can build it for the target.
    fn has_source(self, folder: &Path) -> bool {
        let sysroot = self.folder(folder, &["--print", "sysroot"]);
        sysroot.is_some_and(|root| root.join("lib/rustlib/src/rust/library/core").is_dir())
    }

    /// A release build in `folder`, with the target's library, or with one made of its source.
    fn cargo(self, folder: &Path, has_target: bool) -> Command {
        let mut cargo = Command::new(self.cargo);
        cargo
            .current_dir(folder)
            .args(["build", "--release", "--target", TARGET]);
        cargo.arg("--message-format=json-render-diagnostics");
        // What a program is built for this machine with is no matter of the guest's.
        for host in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
            cargo.env_remove(host);
        }
        cargo.env("RUSTC", self.rustc);
        if !has_target {
            // Building the library is no stable feature.
            cargo.env("RUSTC_BOOTSTRAP", "1");
            cargo.args([
                "-Zbuild-std=core,alloc,compiler_builtins",
                "-Zbuild-std-features=compiler-builtins-mem",
            ]);
            let flags = r#"["-Clinker-flavor=ld","-Clink-arg=-melf32lriscv"]"#;
            for (key, value) in [
                ("linker", format!("{LINKER:?}")),
                ("rustflags", flags.into()),
            ] {
                cargo
                    .arg("--config")
                    .arg(format!("target.{TARGET}.{key}={value}"));
            }
        }
        cargo
    }
}

/// Builds the programs of the package in `folder`.
///
/// # Errors
/// [`KitError`].
pub fn build(folder: &Path) -> Result<Vec<PathBuf>, KitError> {
    let with = |has: fn(Toolchain, &Path) -> bool| {
        TOOLCHAINS.into_iter().find(|tools| has(*tools, folder))
    };
    let mut cargo = if let Some(tools) = with(Toolchain::has_target) {
        tools.cargo(folder, true)
    } else if let Some(tools) = with(Toolchain::has_source) {
        if tools::ask(Command::new(LINKER).arg("--version")).is_none() {
            return Err(KitError::NoTool {
                tool: LINKER,
                package: LINKER_PACKAGE,
            });
        }
        tools.cargo(folder, false)
    } else {
        return Err(KitError::NoTarget);
    };
    let output = tools::run(&mut cargo, CARGO, CARGO_PACKAGE)?;
    let programs: Vec<_> = output
        .stdout
        .split(|&byte| byte == b'\n')
        .filter_map(executable)
        .collect();
    if programs.is_empty() {
        return Err(KitError::Nothing {
            path: folder.to_owned(),
            what: "program in the package",
        });
    }
    Ok(programs)
}

/// The program that a line of cargo's messages tells of.
fn executable(line: &[u8]) -> Option<PathBuf> {
    let message: Value = serde_json::from_slice(line).ok()?;
    let artifact = message["reason"] == "compiler-artifact";
    let path = message["executable"].as_str().filter(|_| artifact)?;
    Some(PathBuf::from(path))
}
