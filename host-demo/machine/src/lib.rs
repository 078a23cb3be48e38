//! A heap-free RV32 machine: executor, tables and traces.
#![no_std]

pub mod cells;
pub mod tables;

#[cfg(feature = "alloc")]
extern crate alloc;

pub mod merge;
