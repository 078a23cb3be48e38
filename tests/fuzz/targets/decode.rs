//! libFuzzer's entry to [`tranche_fuzz::decode`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tranche_fuzz::decode::check(data));
