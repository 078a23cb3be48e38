//! Links every image with its board's memory map, and with the section of log messages.

fn main() {
    let boards = concat!(env!("CARGO_MANIFEST_DIR"), "/boards");
    println!("cargo::rerun-if-changed=boards");
    println!("cargo::rustc-link-arg-bins=-L{boards}");
    println!("cargo::rustc-link-arg-bins=-Tdefmt.x");
    for board in ["thumbv7em", "cortex-m4", "aarch64", "riscv32", "x86_64"] {
        println!("cargo::rustc-link-arg-bin={board}=-T{boards}/{board}.x");
    }
}
