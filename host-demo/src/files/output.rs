//! The output: a stream where its name leads to one, else a file that is replaced when it is whole.
//!
//! A regular file, or one that is not there yet, is written under a temporary name beside it and
//! renamed once it is complete and on the disk, so that its name leads to all of the old contents
//! or all of the new ones at any time. Links are followed, and kept. A device, a pipe, a socket or
//! an open descriptor (`/dev/stdout`, `/dev/fd/3`) is written as the bytes come, and never removed.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, BufReader, Read, Seek, Write, stdout};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{Identity, Source, Unfinished, descriptor, is_stdout, name};
use crate::error::Error;

/// Permissions of a new file, of which the system takes those off that the user's mask names.
const NEW_FILE_MODE: u32 = 0o666;
/// Links that one name may lead through, as on Linux.
const MAX_LINKS: usize = 40;

/// Where a bundle is written.
#[derive(Debug)]
pub struct Output {
    /// As messages name it.
    name: PathBuf,
    /// What is written into; of a file that is replaced, there once it has been begun.
    file: Option<File>,
    /// The file that is replaced; `None` for a stream.
    target: Option<Target>,
    unfinished: Unfinished,
}

/// A file that is replaced.
#[derive(Debug)]
struct Target {
    path: PathBuf,
    /// Permissions of the one that is there.
    mode: Option<u32>,
}

impl Output {
    /// Opens the output that `path` names, which may be none of `sources`; each comes with what it
    /// is called. A file is begun.
    ///
    /// # Errors
    /// [`Error::SameFile`]; [`Error::File`] when it cannot be written.
    pub fn open(
        path: &Path,
        sources: &[(&'static str, &Source)],
        unfinished: &Unfinished,
    ) -> Result<Self, Error> {
        let mut output = Self::find(path, unfinished)?;
        output.refuse(sources)?;
        let begun = output.begin().map(drop);
        begun.map_err(|error| output.file_error(error))?;
        Ok(output)
    }

    /// As [`Self::open`] for a file that is written at last, when its parts are whole elsewhere: it is begun
    /// with its first byte.
    ///
    /// # Errors
    /// As [`Self::open`], and [`Error::NoFile`] for a stream.
    pub fn late(
        path: &Path,
        sources: &[(&'static str, &Source)],
        unfinished: &Unfinished,
    ) -> Result<Self, Error> {
        let output = Self::find(path, unfinished)?;
        output.refuse(sources)?;
        match output.target {
            Some(_) => Ok(output),
            None => Err(Error::NoFile {
                path: output.name.clone(),
            }),
        }
    }

    /// As [`Self::open`] for what is written as it comes, and stays as far as it came. Standard output is refused: it is
    /// the guest's.
    ///
    /// # Errors
    /// As [`Self::open`], and [`Error::GuestsOutput`].
    pub fn as_it_comes(path: &Path, sources: &[(&'static str, &Source)]) -> Result<Self, Error> {
        if is_stdout(path) {
            return Err(Error::GuestsOutput);
        }
        let mut output = Self::find(path, &Unfinished::default())?;
        output.refuse(sources)?;
        if let Some(target) = output.target.take() {
            let file = File::create(target.path);
            output.file = Some(file.map_err(|error| output.file_error(error))?);
        }
        Ok(output)
    }

    /// What the name leads to; a stream is open.
    fn find(path: &Path, unfinished: &Unfinished) -> Result<Self, Error> {
        let mut output = Self {
            name: name(path, "standard output"),
            file: None,
            target: None,
            unfinished: unfinished.clone(),
        };
        let found = if is_stdout(path) {
            descriptor(&stdout()).map(|file| (Some(file), None))
        } else {
            Self::place(path)
        };
        (output.file, output.target) = found.map_err(|error| output.file_error(error))?;
        Ok(output)
    }

    /// The stream to write into, or the file to replace.
    fn place(path: &Path) -> io::Result<(Option<File>, Option<Target>)> {
        let path = match Place::of(path)? {
            Place::Stream => {
                // A regular file behind a descriptor goes on where its owner left it.
                let append = path.metadata().is_ok_and(|it| it.is_file());
                let file = OpenOptions::new().write(true).append(append).open(path)?;
                return Ok((Some(file), None));
            }
            Place::File(target) => target,
        };
        // What may not be written may not be replaced either.
        let mode = match OpenOptions::new().write(true).open(&path) {
            Ok(file) => Some(file.metadata()?.permissions().mode() & 0o777),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok((None, Some(Target { path, mode })))
    }

    /// The file to write into: that of a target is made when it is not there.
    fn begin(&mut self) -> io::Result<&mut File> {
        let file = match (self.file.take(), &self.target) {
            (Some(file), _) => file,
            (None, Some(target)) => target.begin(&self.unfinished)?,
            (None, None) => return Err(io::ErrorKind::NotFound.into()),
        };
        Ok(self.file.insert(file))
    }

    /// Refuses a file that was read: the same one, whatever it is called.
    fn refuse(&self, sources: &[(&'static str, &Source)]) -> Result<(), Error> {
        let metadata: Option<Metadata> = match (&self.target, &self.file) {
            (Some(target), _) => target.path.metadata().ok(),
            (None, file) => file.as_ref().and_then(|file| file.metadata().ok()),
        };
        let identity = metadata.and_then(|it| Identity::of_contents(&it));
        let same = |source: &Source| identity.is_some() && source.identity == identity;
        match sources.iter().find(|(_, source)| same(source)) {
            Some(&(what, _)) => Err(Error::SameFile {
                path: self.name.clone(),
                what,
            }),
            None => Ok(()),
        }
    }

    /// As messages name it.
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// A file without a name on the disk of an output that is a file: nothing stays of it.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn scratch(&self) -> Result<File, Error> {
        let folder = self.target.as_ref().map_or(Path::new("."), Target::folder);
        tempfile::tempfile_in(folder).map_err(|error| self.write_error(error))
    }

    /// What was written so far, from its beginning, of an output that is a file.
    ///
    /// # Errors
    /// As the file fails.
    pub fn written(&mut self) -> io::Result<impl Read + use<>> {
        let mut file = self.begin()?.try_clone()?;
        file.rewind()?;
        Ok(BufReader::new(file))
    }

    /// Ends the output: a file is on the disk and has its name when this returns.
    ///
    /// # Errors
    /// [`Error::Write`], [`Error::Rename`].
    pub fn finish(mut self) -> Result<(), Error> {
        if self.target.is_none() {
            return Ok(());
        }
        let synced = self.begin().and_then(|file| file.sync_all());
        synced.map_err(|error| self.write_error(error))?;
        let Some(target) = &self.target else {
            return Ok(());
        };
        let renamed = self.unfinished.rename(&target.path);
        renamed.map_err(|(error, kept)| {
            let path = self.name.clone();
            Error::Rename { path, kept, error }
        })
    }

    /// A failure to write to it.
    pub fn write_error(&self, error: io::Error) -> Error {
        let path = self.name.clone();
        Error::Write { path, error }
    }

    /// A failure to open it.
    fn file_error(&self, error: io::Error) -> Error {
        let path = self.name.clone();
        Error::File { path, error }
    }
}

impl Target {
    /// Where it is.
    fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        }
    }

    /// A temporary file beside it, with its permissions.
    fn begin(&self, unfinished: &Unfinished) -> io::Result<File> {
        let file = unfinished.create(|| {
            let temporary = tempfile::Builder::new()
                .prefix(".tranche-")
                .suffix(".part")
                .permissions(Permissions::from_mode(self.mode.unwrap_or(NEW_FILE_MODE)))
                .tempfile_in(self.folder())?;
            Ok(temporary.into_parts())
        })?;
        if let Some(mode) = self.mode {
            file.set_permissions(Permissions::from_mode(mode))?;
        }
        Ok(file)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.begin()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.begin()?.flush()
    }
}

/// An output that was not finished leaves nothing.
impl Drop for Output {
    fn drop(&mut self) {
        self.unfinished.discard();
    }
}

/// What an output's name leads to.
enum Place {
    /// A regular file, there or not: its own name, behind all links.
    File(PathBuf),
    /// Anything else that can be written.
    Stream,
}

impl Place {
    fn of(path: &Path) -> io::Result<Self> {
        let mut path = path.to_owned();
        for _ in 0..=MAX_LINKS {
            match fs::symlink_metadata(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    // A name with a slash at its end is a folder's, and there is none.
                    let folder = path.as_os_str().as_encoded_bytes().ends_with(b"/");
                    return match path.file_name() {
                        Some(_) if !folder => Ok(Self::File(path)),
                        _ => Err(error),
                    };
                }
                Err(error) => return Err(error),
                Ok(metadata) if metadata.is_symlink() => {
                    if is_descriptor(&path) {
                        return Ok(Self::Stream);
                    }
                    let link = fs::read_link(&path)?;
                    path = path.parent().unwrap_or(Path::new("")).join(link);
                }
                Ok(metadata) if metadata.is_file() => return Ok(Self::File(path)),
                Ok(metadata) if metadata.is_dir() => {
                    return Err(io::ErrorKind::IsADirectory.into());
                }
                Ok(_) => return Ok(Self::Stream),
            }
        }
        // The system says so in its own words.
        fs::metadata(&path).and(Err(io::ErrorKind::InvalidInput.into()))
    }
}

/// Whether a link is an open descriptor of a process, which is its owner's to truncate or replace.
fn is_descriptor(link: &Path) -> bool {
    let folder = link.parent().and_then(|folder| folder.canonicalize().ok());
    folder.is_some_and(|folder| folder.starts_with("/proc") && folder.ends_with("fd"))
}
