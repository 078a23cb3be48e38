//! A heap-free RISC-V machine.
#![no_std]
