//! Backend.
#![no_std]
