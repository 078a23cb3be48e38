//! The machine: executor against an oracle, traces against Plonky3's checkers, attacks on witnesses.

mod asm;
mod guests;
mod oracle;
