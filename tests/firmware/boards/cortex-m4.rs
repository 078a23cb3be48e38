//! The image for a Cortex-M4: QEMU's `mps2-an386`, of whose RAM it has 256 KiB.
#![no_std]
#![no_main]
// Symbols that the linker is told of.
#![allow(unsafe_code)]

mod armv7em;
