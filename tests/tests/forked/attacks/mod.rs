//! Attacks, each with the honest control beside it and the exact refusal.

mod altered;
mod batches;
mod buses;
mod bytes;
mod keys;
mod order;
mod suite;
