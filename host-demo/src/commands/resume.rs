//! `tranche prove --resume`: what both approaches do with a partial file.

use std::fmt::Display;
use std::io::Read;
use std::path::Path;

use crate::answer::say;
use crate::error::Error;
use crate::files::partial::Binding;
use crate::files::{Output, Partial};

/// How a run goes on that ended before its bundle was whole.
pub fn way_on(kept: &Path) -> String {
    format!(
        "what was finished stays in {}, and the same command goes on from there",
        kept.display()
    )
}

/// Says so after an error, if something was finished.
pub fn say_way_on(partial: Option<&Partial>) {
    if let Some(partial) = partial.filter(|partial| !partial.records().is_empty()) {
        say(format_args!("tranche: {}", way_on(partial.path())));
    }
}

/// Finds what a partial file has of a run, and says what of it is lost.
///
/// # Errors
/// When it is another run's, or cannot be read.
pub fn bind(partial: &mut Partial, binding: &Binding) -> Result<(), Error> {
    partial.bind(binding)?;
    let (path, dropped) = (partial.path().display(), partial.dropped());
    if dropped > 0 {
        say(format_args!(
            "tranche: {path}: the last {dropped} bytes are no whole record, and are made again"
        ));
    }
    Ok(())
}

/// Ends an output and removes its partial file. Where a partial file had a part of the bundle, the bundle is
/// verified before it has its name.
///
/// # Errors
/// [`Error::Resumed`] when the verifier refuses it; when a file cannot be read, written or renamed.
pub fn finish<E: Display>(
    mut output: Output,
    partial: Option<Partial>,
    resumed: bool,
    verdict: impl FnOnce(&mut dyn Read) -> Result<(), E>,
) -> Result<(), Error> {
    if let Some(partial) = partial.as_ref().filter(|_| resumed) {
        let written = output.written();
        let mut bundle = written.map_err(|error| {
            say_way_on(Some(partial));
            output.write_error(error)
        })?;
        verdict(&mut bundle).map_err(|error| Error::Resumed {
            path: partial.path().to_owned(),
            reason: error.to_string(),
        })?;
    }
    output
        .finish()
        .inspect_err(|_| say_way_on(partial.as_ref()))?;
    partial.map_or(Ok(()), Partial::remove)
}
