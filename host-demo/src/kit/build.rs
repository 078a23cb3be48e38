//! The build of a project.

use std::path::{Path, PathBuf};

use super::{KitError, c, rust};

/// Builds the project in `folder`, in whichever language it is, and returns the paths of its programs.
///
/// # Errors
/// [`KitError`]: what is missing, or that the compiler refused the program.
pub fn build(folder: &Path) -> Result<Vec<PathBuf>, KitError> {
    if folder.join(rust::MANIFEST).is_file() {
        return rust::build(folder);
    }
    match c::mark(folder) {
        Some(flags) => c::build(folder, flags).map(|program| vec![program]),
        None => Err(KitError::NoProject {
            path: folder.to_owned(),
        }),
    }
}
