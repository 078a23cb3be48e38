//! Which symbols are allocators, and which functions may panic, by their names.

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
