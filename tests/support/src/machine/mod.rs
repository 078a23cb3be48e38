//! The machine's epochs: programs for it, their traces, and what is wrong with forged ones.

pub mod asm;
pub mod audit;
pub mod oracle;
pub mod run;
