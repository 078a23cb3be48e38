//! The image for a Cortex-M7: QEMU's `mps2-an500`, with 16 MiB of external RAM.
#![no_std]
#![no_main]
// Symbols that the linker is told of.
#![allow(unsafe_code)]

mod armv7em;
