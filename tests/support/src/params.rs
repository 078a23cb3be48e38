//! Parameters of tests, and parameters by name.

use tranche_core::Params;

/// Few queries: what is tested is the argument, not its security.
pub const PARAMS: Params = Params {
    num_queries: 6,
    query_pow_bits: 1,
    batch_pow_bits: 0,
    lookup_pow_bits: 1,
    commit_pow_bits: 0,
    ood_pow_bits: 0,
    ..Params::DEFAULT
};

/// Parameters with another value of the one of that name.
///
/// # Panics
/// When there is none, or its type does not hold the value.
pub fn with(params: &Params, name: &str, value: u16) -> Params {
    let at = Params::TABLE.iter().position(|param| param.name == name);
    let (before, rest) = Params::TABLE.split_at(at.expect(name));
    let start: usize = before.iter().map(|param| param.bytes).sum();
    let mut bytes = params.to_bytes();
    let (stored, _) = bytes[start..].split_at_mut(rest[0].bytes);
    let value = value.to_le_bytes();
    let (value, above) = value.split_at(stored.len());
    stored.copy_from_slice(value);
    assert!(above.iter().all(|&byte| byte == 0), "{name}");
    Params::from_bytes(&bytes)
}
