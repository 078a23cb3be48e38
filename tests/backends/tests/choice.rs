//! The choice of this build's programs.

use p3_field::{Field, PackedValue};
use tranche_backend::{Chosen, NAME};
use tranche_core::{Backend, F};

#[test]
fn programs_are_built_with_the_backend_of_their_target() {
    type Lanes<B> = <B as Backend>::P;
    // Plonky3's packing has a lane for every element that the build's instructions take at once.
    let (lanes, least) = (Lanes::<Chosen>::WIDTH, <F as Field>::Packing::WIDTH);
    assert!(lanes >= least, "{NAME} has {lanes} of {least} lanes");
    // The legs that build for other features say which backend they mean to test.
    if let Some(meant) = option_env!("TRANCHE_EXPECT_BACKEND") {
        assert_eq!(NAME, meant);
    }
    println!("backend: {NAME}");
}
