//! Tells the benchmarks what they were built with.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let version = std::env::var_os("RUSTC")
        .and_then(|rustc| Command::new(rustc).arg("--version").output().ok())
        .and_then(|output| String::from_utf8(output.stdout).ok());
    let version = version.as_deref().unwrap_or("rustc of an unknown version");
    println!("cargo::rustc-env=TRANCHE_RUSTC={}", version.trim());
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let flags = flags.replace('\u{1f}', " ");
    println!("cargo::rustc-env=TRANCHE_RUSTFLAGS={flags}");
}
