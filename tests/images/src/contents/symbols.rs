//! Which symbols are allocators, which belong to a hash suite, and which functions may panic, by their names.

use tranche_machine::hash::Hash;

/// A symbol's name as its source has it, without a hash.
pub fn demangled(symbol: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(symbol))
}

/// Names of C's allocator.
const C_ALLOCATORS: [&str; 6] = [
    "malloc",
    "calloc",
    "realloc",
    "aligned_alloc",
    "posix_memalign",
    "free",
];

/// Parts of the names of Rust's allocator functions, and of the one that the library's own ends in.
const RUST_ALLOCATORS: [&str; 5] = [
    "__rust_alloc",
    "__rust_realloc",
    "__rust_dealloc",
    "__rust_no_alloc_shim",
    "tranche_heap_reached",
];

/// Whether a symbol (as it is in the file) belongs to an allocator, or to the crate of what uses one.
pub fn is_allocator(symbol: &str) -> bool {
    let name = demangled(symbol);
    C_ALLOCATORS.contains(&symbol)
        || RUST_ALLOCATORS.iter().any(|part| symbol.contains(part))
        || ["__rg_", "__rdl_"].iter().any(|part| name.contains(part))
        || ["alloc::", "<alloc::"]
            .iter()
            .any(|start| name.starts_with(start))
}

/// The hash suites that a symbol (as it is in the file) is of. What names programs and statements, the `blake3`
/// crate, is of none.
pub fn suites(symbol: &str) -> impl Iterator<Item = Hash> {
    let name = demangled(symbol).to_lowercase();
    Hash::ALL.into_iter().filter(move |hash| match hash {
        Hash::Poseidon2 => name.contains("poseidon2"),
        Hash::Blake3 => name.contains("hash::blake3"),
    })
}

/// Whether a function is the standard library's.
pub fn is_standard(name: &str) -> bool {
    ["core::", "<core::", "alloc::", "<alloc::"]
        .iter()
        .any(|start| name.starts_with(start))
}

/// Whether a function is one that all panics end in.
pub fn is_panic(name: &str) -> bool {
    name.starts_with("core::panicking::")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_and_the_crate_that_names_things() {
        let of = |symbol| suites(symbol).collect::<Vec<_>>();
        let lanes = "<tranche_core::hash::blake3::hasher::Lanes<F> as Hasher<F>>::hash_rows";
        assert_eq!(of(lanes), [Hash::Blake3]);
        assert_eq!(
            of("tranche_machine::hash::instance::POSEIDON2"),
            [Hash::Poseidon2]
        );
        assert_eq!(
            of("<p3_poseidon2::external::Layer as Clone>::clone"),
            [Hash::Poseidon2]
        );
        assert_eq!(of("blake3::portable::compress_in_place"), []);
        assert_eq!(of("tranche_begin"), []);
    }

    #[test]
    fn allocators_and_what_sounds_like_them() {
        for allocator in [
            "malloc",
            "free",
            "__rust_alloc",
            "_RNvCsfLfy6EI15iL_7___rustc12___rust_alloc",
            "_RNvCsfLfy6EI15iL_7___rustc19___rust_alloc_zeroed",
            "_RNvCsfLfy6EI15iL_7___rustc14___rust_realloc",
            "_RNvCsfLfy6EI15iL_7___rustc35___rust_no_alloc_shim_is_unstable_v2",
            "_RNvCsfLfy6EI15iL_7___rustc10___rg_alloc",
            "tranche_heap_reached",
            "_ZN5alloc7raw_vec12handle_error17h0123456789abcdefE",
        ] {
            assert!(is_allocator(allocator), "{allocator}");
        }
        for other in [
            "freeze",
            "tranche_begin",
            "_ZN12tranche_core5alloc5carve17h0123456789abcdefE",
        ] {
            assert!(!is_allocator(other), "{other}");
        }
    }
}
