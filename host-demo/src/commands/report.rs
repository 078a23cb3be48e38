//! What the subcommands share in reporting: peak memory, progress, sizes.

use std::fs;
use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressStyle};
use tranche_core::plan::Profile;

/// Largest resident memory of this process so far, in bytes; `None` where the system does not tell.
pub fn peak_rss_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// A bar over `cycles` on a terminal's stderr; elsewhere it shows nothing.
pub fn progress_bar(cycles: u64) -> ProgressBar {
    if !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = "{bar:40} {human_pos}/{human_len} cycles, {elapsed} of about {duration}, {msg}";
    let style = ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar());
    ProgressBar::new(cycles).with_style(style)
}

/// Bytes in a unit that reads well.
pub fn size(bytes: u64) -> String {
    const KIB: f64 = 1024.0;
    let bytes = bytes as f64;
    if bytes < KIB * KIB {
        format!("{:.1} KiB", bytes / KIB)
    } else {
        format!("{:.1} MiB", bytes / (KIB * KIB))
    }
}

/// A profile as the command line calls it.
pub const fn profile_name(profile: Profile) -> &'static str {
    match profile {
        Profile::Fast => "fast",
        Profile::Compact => "compact",
    }
}

/// Guest output as text where it is printable, else nothing.
pub fn printable(output: &[u8]) -> Option<&str> {
    let text = str::from_utf8(output).ok()?;
    let plain = |c: char| !c.is_control() || c == '\n' || c == '\t';
    text.chars().all(plain).then_some(text)
}
