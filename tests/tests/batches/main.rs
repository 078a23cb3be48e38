//! Runs in batches: all tables of all batches as one batch of Plonky3's, and what cheating provers can do.

mod forged;
mod honest;
mod programs;
mod proved;
mod public;
mod refused;
mod walks;
mod witness;

use tranche_machine::Program;

/// A guest program of the repository.
fn guest(name: &str) -> &'static Program<'static> {
    let root = env!("CARGO_MANIFEST_DIR");
    let path = format!("{root}/../host-demo/guests/prebuilt/{name}.elf");
    program(std::fs::read(path).expect(name))
}

/// A program that is kept.
fn program(elf: Vec<u8>) -> &'static Program<'static> {
    Box::leak(Box::new(Program::parse(elf.leak()).expect("a program")))
}
