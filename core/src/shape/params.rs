//! Parameters of the low-degree test and of every grinding site, declared once.
//!
//! [`with_params!`](crate::with_params) is the table, with an entry for each. [`Params`] and the settings of the
//! C interface take their fields from it; plan, verifier, settings, plan digest and bundle header go through
//! [`Params::TABLE`], in its order. What a parameter means stands where it is used.
//!
//! The names are short for those of `p3_fri::FriParameters`. Nothing here panics.

use crate::hash::paths::MAX_QUERIES;

/// log2 of the largest extended height: the field's two-adicity.
pub const MAX_LOG_HEIGHT: usize = 27;
/// log2 of the largest folding arity.
pub const MAX_LOG_ARITY: usize = 4;
/// Most bits of a grinding site: they are low bits of one field element, and 2^31 is above the field's order.
pub const MAX_POW_BITS: u16 = 30;

/// Hands the table of parameters to a macro: of each a doc comment, name, type, and in braces its ranges (as in
/// [`Param`](crate::shape::params::Param)) and its value in [`Params::DEFAULT`](crate::Params::DEFAULT) and
/// [`Params::BENCHMARK`](crate::Params::BENCHMARK).
///
/// For what needs fields, such as a struct in another language's layout; values and ranges are in
/// [`Params::TABLE`](crate::Params::TABLE). The order is that of bundle headers and of the C interface.
#[macro_export]
macro_rules! with_params {
    ($callback:ident) => {
        $callback! {
            /// log2 of the blowup factor.
            log_blowup: u8 { min 1, max 8, verified 27, untrusted 3, default 1, benchmark 1 }
            /// log2 of the number of coefficients of the final polynomial.
            log_final_poly_len: u8 { min 0, max MAX_LOG_HEIGHT as u16, verified 26, untrusted 3, default 0, benchmark 0 }
            /// log2 of the largest folding arity.
            max_log_arity: u8 { min 1, max MAX_LOG_ARITY as u16, verified 27, untrusted 3, default 1, benchmark 1 }
            /// log2 of the digests of a Merkle cap.
            cap_height: u8 { min 0, max MAX_LOG_HEIGHT as u16, verified 255, untrusted 4, default 0, benchmark 0 }
            /// Number of queries.
            num_queries: u16 { min 1, max MAX_QUERIES as u16, verified u16::MAX, untrusted MAX_QUERIES as u16, default 203, benchmark 100 }
            /// Grinding bits before the query indices are drawn.
            query_pow_bits: u8 { min 0, max MAX_POW_BITS, verified MAX_POW_BITS, untrusted MAX_POW_BITS, default 16, benchmark 16 }
            /// Grinding bits before the openings are batched.
            batch_pow_bits: u8 { min 0, max MAX_POW_BITS, verified MAX_POW_BITS, untrusted MAX_POW_BITS, default 10, benchmark 0 }
            /// Grinding bits before the lookup challenges are drawn.
            lookup_pow_bits: u8 { min 0, max MAX_POW_BITS, verified MAX_POW_BITS, untrusted MAX_POW_BITS, default 8, benchmark 0 }
            /// Grinding bits before each folding challenge is drawn.
            commit_pow_bits: u8 { min 0, max MAX_POW_BITS, verified MAX_POW_BITS, untrusted MAX_POW_BITS, default 4, benchmark 0 }
            /// Grinding bits before the out-of-domain point is drawn.
            ood_pow_bits: u8 { min 0, max MAX_POW_BITS, verified MAX_POW_BITS, untrusted MAX_POW_BITS, default 4, benchmark 0 }
        }
    };
}

/// What is known of a parameter before its value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    /// Its name in [`Params`].
    pub name: &'static str,
    /// Bytes of its type.
    pub bytes: usize,
    /// Its smallest value.
    pub min: u16,
    /// Its largest value in a plan.
    pub max: u16,
    /// The largest value that Plonky3's verifier is defined on.
    pub max_verified: u16,
    /// The largest value to take from a file or a caller that is not trusted: it bounds what a verifier spends.
    pub max_untrusted: u16,
}

macro_rules! declare {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident: $int:ident {
            min $min:expr,
            max $max:expr,
            verified $verified:expr,
            untrusted $untrusted:expr,
            default $default:expr,
            benchmark $benchmark:expr
        }
    )+) => {
        /// FRI parameters and proof-of-work difficulties of a batch.
        ///
        /// All sizes are base-2 logarithms, all difficulties are bits.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct Params {
            $($(#[doc = $doc])+ pub $name: $int,)+
        }

        impl Params {
            /// 203 queries at blowup 2: 100 proven bits for a machine epoch (see [`crate::security`]).
            pub const DEFAULT: Self = Self { $($name: $default,)+ };

            /// Plonky3's customary benchmark parameters: to compare speed with, not a default.
            ///
            /// They prove 57.5 bits (unique decoding).
            pub const BENCHMARK: Self = Self { $($name: $benchmark,)+ };

            /// Every parameter, in order.
            pub const TABLE: [Param; [$(stringify!($name)),+].len()] = [$(Param {
                name: stringify!($name),
                bytes: size_of::<$int>(),
                min: $min,
                max: $max,
                max_verified: $verified,
                max_untrusted: $untrusted,
            }),+];

            /// Bytes of [`Self::to_bytes`].
            pub const BYTES: usize = 0 $(+ size_of::<$int>())+;

            /// Every parameter with its value, in the order of the table.
            pub fn entries(&self) -> impl Iterator<Item = (&'static Param, u16)> {
                const { &Self::TABLE }.iter().zip([$(u16::from(self.$name)),+])
            }

            /// Parameters from their bytes, as [`Self::to_bytes`] writes them; nothing is checked.
            pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
                let mut bytes = bytes.iter().copied();
                let mut next = |_| bytes.next().unwrap_or_default();
                Self { $($name: $int::from_le_bytes(core::array::from_fn(&mut next)),)+ }
            }
        }
    };
}

with_params!(declare);

impl Params {
    /// The values in the order of the table, little-endian, each in as many bytes as its type has.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = self
            .entries()
            .flat_map(|(param, value)| value.to_le_bytes().into_iter().take(param.bytes));
        core::array::from_fn(|_| bytes.next().unwrap_or_default())
    }

    /// The first parameter that is below its smallest value or above `max` of it.
    pub fn out_of_range(&self, max: impl Fn(&Param) -> u16) -> Option<(&'static Param, u16)> {
        self.entries()
            .find(|(param, value)| !(param.min..=max(param)).contains(value))
    }
}

impl Default for Params {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a stranger may ask for is planned and verified; the constants may be asked for.
    #[test]
    fn ranges_lie_in_each_other() {
        for param in Params::TABLE {
            assert!(param.min <= param.max_untrusted, "{}", param.name);
            assert!(param.max_untrusted <= param.max, "{}", param.name);
            assert!(param.max_untrusted <= param.max_verified, "{}", param.name);
        }
        for params in [Params::DEFAULT, Params::BENCHMARK] {
            assert_eq!(params.out_of_range(|param| param.max_untrusted), None);
        }
    }

    #[test]
    fn bytes_there_and_back() {
        let bytes: [u8; Params::BYTES] = core::array::from_fn(|i| i as u8 + 1);
        let params = Params::from_bytes(&bytes);
        assert_eq!(
            params,
            Params {
                log_blowup: 1,
                log_final_poly_len: 2,
                max_log_arity: 3,
                cap_height: 4,
                num_queries: 0x0605,
                query_pow_bits: 7,
                batch_pow_bits: 8,
                lookup_pow_bits: 9,
                commit_pow_bits: 10,
                ood_pow_bits: 11,
            }
        );
        assert_eq!(params.to_bytes(), bytes);
    }

    #[test]
    fn values_out_of_range() {
        for (i, param) in Params::TABLE.iter().enumerate() {
            let at = Params::TABLE[..i]
                .iter()
                .map(|before| before.bytes)
                .sum::<usize>();
            let with = |value: u16| {
                let mut bytes = Params::DEFAULT.to_bytes();
                bytes[at..][..param.bytes].copy_from_slice(&value.to_le_bytes()[..param.bytes]);
                Params::from_bytes(&bytes)
            };
            let named = |params: Params| {
                params
                    .out_of_range(|p| p.max)
                    .map(|(p, value)| (p.name, value))
            };
            assert_eq!(named(with(param.min)), None);
            assert_eq!(named(with(param.max)), None);
            assert_eq!(
                named(with(param.max + 1)),
                Some((param.name, param.max + 1))
            );
            if let Some(below) = param.min.checked_sub(1) {
                assert_eq!(named(with(below)), Some((param.name, below)));
            }
        }
    }
}
