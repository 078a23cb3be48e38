//! The arithmetic of this program, chosen in this one place when it is built.

use tranche_core::Backend as _;

/// The backend for the processor that this program is built for.
pub type Backend = tranche_core::DefaultBackend;

/// The name of [`Backend`], as reports give it.
pub const fn name() -> &'static str {
    Backend::NAME
}
