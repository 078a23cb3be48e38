//! A file that is being written, and what becomes of it when the program is asked to end.

use std::io;
use std::mem::forget;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tempfile::{PathPersistError, TempPath};

/// The temporary file that is written, if there is one: shared by the thread that writes and the
/// one that waits for signals.
#[derive(Clone, Debug, Default)]
pub struct Unfinished(Arc<Mutex<Option<TempPath>>>);

impl Unfinished {
    /// Creates the file, with no moment in which it is there and not known here.
    pub(super) fn create<T>(
        &self,
        create: impl FnOnce() -> io::Result<(T, TempPath)>,
    ) -> io::Result<T> {
        let mut slot = self.lock();
        let (file, path) = create()?;
        *slot = Some(path);
        Ok(file)
    }

    /// Gives the file its final name, in one step. What cannot be renamed is kept: it is whole.
    ///
    /// # Errors
    /// The system's reason, and where the file is, if it is anywhere.
    pub(super) fn rename(&self, target: &Path) -> Result<(), (io::Error, Option<PathBuf>)> {
        let Some(path) = self.lock().take() else {
            return Err((io::ErrorKind::NotFound.into(), None));
        };
        path.persist(target)
            .map_err(|PathPersistError { error, path }| {
                let kept = path.exists().then(|| path.keep().ok()).flatten();
                (error, kept)
            })
    }

    /// Removes the file.
    pub(super) fn discard(&self) {
        drop(self.lock().take());
    }

    /// Removes the file, and keeps other threads from finishing or starting one: the program ends.
    pub fn discard_for_good(&self) {
        let mut slot = self.lock();
        drop(slot.take());
        forget(slot);
    }

    fn lock(&self) -> MutexGuard<'_, Option<TempPath>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
