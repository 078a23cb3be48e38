//! Plonky3's verifier.
