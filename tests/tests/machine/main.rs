//! The machine: executor against an oracle, traces against Plonky3's checkers, attacks on witnesses.

mod asm;
mod errors;
mod guests;
mod oracle;
mod qemu;
