//! The host program's choice, for each build.

use p3_field::PackedValue;
use tranche_core::Backend;

/// The name and the lanes that a build with these target features has to choose.
const EXPECTED: (&str, usize) = if cfg!(all(target_arch = "x86_64", target_feature = "avx512f")) {
    ("avx512", 16)
} else if cfg!(all(target_arch = "aarch64", target_feature = "neon")) {
    ("neon", 4)
} else if cfg!(target_feature = "avx2") {
    ("p3-avx2", 8)
} else if cfg!(any(target_feature = "sse2", target_feature = "simd128")) {
    ("portable", 8)
} else {
    ("scalar", 1)
};

#[test]
fn the_program_is_built_with_the_backend_of_its_target() {
    type Chosen = tranche::backend::Backend;
    assert_eq!(tranche::backend::name(), EXPECTED.0);
    assert_eq!(<Chosen as Backend>::NAME, EXPECTED.0);
    assert_eq!(<<Chosen as Backend>::P as PackedValue>::WIDTH, EXPECTED.1);
    // The legs that build for other features say which backend they mean to test.
    if let Some(meant) = option_env!("TRANCHE_EXPECT_BACKEND") {
        assert_eq!(EXPECTED.0, meant);
    }
    println!("backend: {}", EXPECTED.0);
}
