//! The forked order of prove-and-retire: honest runs, attacks, and what decoupled coefficients would allow.

mod attacks;
mod decoupling;
mod honest;
mod runs;
