//! Parameters of the low-degree test and of every grinding site.
//!
//! The names are those of `p3_fri::FriParameters`, so that a reader can compare them line by line.

/// FRI parameters and proof-of-work difficulties of a batch.
///
/// All sizes are base-2 logarithms, all difficulties are bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Params {
    /// log2 of the blowup factor, 1 to 8.
    pub log_blowup: u8,
    /// log2 of the number of coefficients of the final polynomial.
    pub log_final_poly_len: u8,
    /// log2 of the largest folding arity.
    pub max_log_arity: u8,
    /// Height of the Merkle cap: 2^cap_height digests are published instead of one root.
    pub cap_height: u8,
    /// Number of FRI queries.
    pub num_queries: u16,
    /// Grinding before the query indices are drawn.
    pub query_pow_bits: u8,
    /// Grinding before the opening-batching challenge is drawn.
    pub batch_pow_bits: u8,
    /// Grinding before the LogUp challenges are drawn.
    pub lookup_pow_bits: u8,
    /// Grinding before each folding challenge is drawn.
    pub commit_pow_bits: u8,
    /// Grinding before the out-of-domain point is drawn.
    pub ood_pow_bits: u8,
}

impl Params {
    /// 203 queries at blowup 2: 100 proven bits for a machine epoch (see [`crate::security`]).
    pub const DEFAULT: Self = Self {
        log_blowup: 1,
        log_final_poly_len: 0,
        max_log_arity: 1,
        cap_height: 0,
        num_queries: 203,
        query_pow_bits: 16,
        batch_pow_bits: 10,
        lookup_pow_bits: 8,
        commit_pow_bits: 4,
        ood_pow_bits: 4,
    };

    /// Plonky3's customary benchmark parameters: to compare speed with, not a default.
    ///
    /// They prove 57.5 bits (unique decoding).
    pub const BENCHMARK: Self = Self {
        log_blowup: 1,
        log_final_poly_len: 0,
        max_log_arity: 1,
        cap_height: 0,
        num_queries: 100,
        query_pow_bits: 16,
        batch_pow_bits: 0,
        lookup_pow_bits: 0,
        commit_pow_bits: 0,
        ood_pow_bits: 0,
    };
}

impl Default for Params {
    fn default() -> Self {
        Self::DEFAULT
    }
}
