//! libFuzzer's entry to [`tranche_fuzz::elf`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tranche_fuzz::elf::check(data));
