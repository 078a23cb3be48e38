//! Everything that a plan, a prover or a batch is refused for, each beside what is just accepted.

mod contracts;
mod layout;
mod next_rows;
mod odd;
mod plan;
mod prover;
