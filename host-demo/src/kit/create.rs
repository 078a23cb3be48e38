//! A new project.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::files::{KIT, Language, NAME};
use super::{KitError, rust};

/// Makes the folder `project`, which is named as the program will be, and writes a project in `language` into it.
/// Returns the files, by their paths in it.
///
/// # Errors
/// [`KitError`]; a folder that could not be filled is gone again.
pub fn create(project: &Path, language: Language) -> Result<Vec<&'static str>, KitError> {
    let name = name(project)?;
    fs::create_dir(project).map_err(|error| {
        let path = project.to_owned();
        match error.kind() {
            ErrorKind::AlreadyExists => KitError::Exists { path },
            _ => KitError::File { path, error },
        }
    })?;
    let written = write(project, &name, language);
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_dir_all(project);
    }
    written
}

/// The last part of a path, if a package can have it as its name.
fn name(project: &Path) -> Result<String, KitError> {
    let name = project.file_name().unwrap_or_default().to_string_lossy();
    let rest = name.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if rest.len() == name.len() || !rest.chars().all(known) || name == KIT {
        return Err(KitError::Name { name: name.into() });
    }
    Ok(name.into_owned())
}

fn write(project: &Path, name: &str, language: Language) -> Result<Vec<&'static str>, KitError> {
    language
        .files()
        .map(|(path, contents)| {
            let to = project.join(path);
            let filled = if path == rust::MANIFEST {
                contents.replacen(NAME, name, 1)
            } else {
                contents.to_owned()
            };
            let folder = to.parent().map_or(Ok(()), fs::create_dir_all);
            folder
                .and_then(|()| fs::write(&to, filled))
                .map_err(|error| KitError::File { path: to, error })?;
            Ok(path)
        })
        .collect()
}
