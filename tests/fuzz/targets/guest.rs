//! libFuzzer's entry to [`tranche_fuzz::guest`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tranche_fuzz::guest::check(data));
