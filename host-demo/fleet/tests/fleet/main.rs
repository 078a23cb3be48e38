//! The fleet on a database of each test's own: the bundle is the one that one machine writes, whatever is killed, cut or
//! lied about, or else the error says why; nothing is left behind.
//!
//! PostgreSQL has to be there, as Debian's package `postgresql` installs it; `tests/run fleet` runs these.

#[allow(dead_code)]
#[path = "../../../../tests/support/src/machine/asm.rs"]
mod asm;
mod batches;
mod cluster;
mod disk;
mod faults;
mod judges;
mod liars;
mod load;
mod network;
mod perjury;
mod relay;
mod runs;
mod serve;
