//! The forked order of prove-and-retire: attacks, and what decoupled coefficients would allow. Honest runs of every
//! shape are in the suite `retire`.

mod attacks;
mod decoupling;
mod runs;
