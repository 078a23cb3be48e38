//! libFuzzer's entry to [`tranche_fuzz::bundle`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tranche_fuzz::bundle::check(data));
