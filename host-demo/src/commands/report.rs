//! What the subcommands share in reporting: progress, sizes, names.

use std::io::{self, IsTerminal, Write, stderr};

use indicatif::{ProgressBar, ProgressStyle};
use tranche_core::shape::Profile;
use tranche_machine::Program;

use crate::hex::{digest_hex, hex};

/// A bar over `cycles` on a terminal's stderr; elsewhere it shows nothing.
pub fn progress_bar(cycles: u64) -> ProgressBar {
    if !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = "{bar:40} {human_pos}/{human_len} cycles, {elapsed} of about {duration}, {msg}";
    let style = ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar());
    ProgressBar::new(cycles).with_style(style)
}

/// The cycles of an execution whose length nobody knows, on a terminal's stderr; elsewhere it shows
/// nothing.
pub fn spinner() -> ProgressBar {
    if !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = "{spinner} executing: {human_pos} cycles in {elapsed}, {per_sec}";
    let style = ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_spinner());
    ProgressBar::new_spinner().with_style(style)
}

/// Stderr beside a bar, which makes way for what is written.
pub struct Messages<'a>(pub &'a ProgressBar);

impl Write for Messages<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        stderr().flush()
    }
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

/// The line of a public input, unless it is empty.
pub fn public_text(program: &Program<'_>) -> String {
    let public = program.public();
    if public.is_empty() {
        return String::new();
    }
    let (bytes, digest) = (public.len(), digest_hex(&public.digest()));
    format!("public     {bytes} bytes of input, {digest}\n")
}

/// Guest output as text where it is printable, else in hexadecimal.
pub fn shown(output: &[u8]) -> String {
    let plain = |c: char| !c.is_control() || c == '\n' || c == '\t';
    match str::from_utf8(output) {
        Ok(text) if text.chars().all(plain) => text.trim_end().to_owned(),
        _ => hex(output.iter().copied()),
    }
}
