//! The machine: executor against an oracle, traces against Plonky3's checkers, attacks on
//! witnesses.

mod asm;
mod attacks;
mod audit;
mod columns;
mod errors;
mod guests;
mod oracle;
mod pages;
mod proofs;
mod qemu;
