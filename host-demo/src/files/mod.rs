//! Files that the command line names: sources, read whole, and the output, which is written whole
//! or not at all.
//!
//! `-` is standard input or standard output; a file of that name is `./-`.

mod output;
pub mod partial;
mod refused;
mod unfinished;

use std::fs::{File, Metadata};
use std::io::{self, IsTerminal, Read, stdin, stdout};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::error::Error;

pub use output::Output;
pub use partial::Partial;
pub use refused::PartialError;
pub use unfinished::Unfinished;

/// Whether a path stands for standard input or output.
pub fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// A path as messages name it.
fn name(path: &Path, standard: &str) -> PathBuf {
    if is_standard(path) {
        standard.into()
    } else {
        path.to_owned()
    }
}

/// What tells a file from all others, under whatever names it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }

    /// That of a file whose contents a write would destroy; devices, pipes and terminals have none.
    fn of_contents(metadata: &Metadata) -> Option<Self> {
        let kind = metadata.file_type();
        (kind.is_file() || kind.is_block_device()).then(|| Self::of(metadata))
    }
}

/// A file that was read.
#[derive(Debug)]
pub struct Source {
    /// All of it.
    pub bytes: Vec<u8>,
    identity: Option<Identity>,
}

impl Source {
    /// An input of no bytes.
    pub const EMPTY: Self = Self {
        bytes: Vec::new(),
        identity: None,
    };

    /// Reads a file, or standard input, to its end.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        let mut file = open(path)?;
        let mut bytes = Vec::new();
        let metadata = file.read_to_end(&mut bytes).and_then(|_| file.metadata());
        let identity = Identity::of_contents(&metadata.map_err(|error| failed(path, error))?);
        Ok(Self { bytes, identity })
    }
}

/// Opens a file, or standard input, to be read.
///
/// # Errors
/// [`Error::File`].
pub fn open(path: &Path) -> Result<File, Error> {
    let file = if is_standard(path) {
        stdin().as_fd().try_clone_to_owned().map(File::from)
    } else {
        File::open(path)
    };
    file.map_err(|error| failed(path, error))
}

/// A source that cannot be read.
pub fn failed(path: &Path, error: io::Error) -> Error {
    let path = name(path, "standard input");
    Error::File { path, error }
}

/// Whether an output goes to standard output, by the name `-` or any other, so that reports have to
/// go elsewhere.
pub fn is_stdout(path: &Path) -> bool {
    let same = || {
        let stdout = descriptor(&stdout())?.metadata()?;
        // What goes to /dev/null or the like is told apart by nobody.
        let told_apart = !stdout.file_type().is_char_device() || io::stdout().is_terminal();
        let named = path.metadata()?;
        io::Result::Ok(told_apart && Identity::of(&stdout) == Identity::of(&named))
    };
    is_standard(path) || same().unwrap_or(false)
}

/// A standard stream as a file without a buffer.
fn descriptor(stream: &impl AsFd) -> io::Result<File> {
    stream.as_fd().try_clone_to_owned().map(File::from)
}
