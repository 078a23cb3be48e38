//! The partial file of a run that can be resumed: what it has finished, in order, each record on the disk
//! before the next is begun.
//!
//! | part | bytes |
//! |---|---|
//! | head | magic (8), format version (2), digests of this program's version, of the guest, its input and the options (32 each), checksum (32) |
//! | record | kind (1), place (4, 4), length of the payload (8), payload, checksum (32) |
//!
//! Integers are little-endian. A checksum is the BLAKE3 of the checksum before it, if there is one, and of its
//! part, so a record holds in its place alone. What follows the last whole record was torn or damaged; it
//! is dropped, and made again. Nothing here decides whether a bundle is true: who resumes a run verifies it.
//!
//! The file is locked while it is open, so that two processes never write one.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::refused::{PartialError, VERSION};
use super::{Identity, Source};
use crate::error::Error;

/// First bytes of a partial file.
pub const MAGIC: [u8; 8] = *b"tranche\x02";
/// Bytes of a digest, and of a checksum.
const DIGEST_BYTES: usize = blake3::OUT_LEN;
/// Bytes of the head.
pub const HEAD_BYTES: usize = MAGIC.len() + 2 + 5 * DIGEST_BYTES;
/// Bytes of a record besides its payload.
pub const RECORD_BYTES: usize = PREFIX_BYTES + DIGEST_BYTES;
/// Bytes before a record's payload.
const PREFIX_BYTES: usize = 1 + 4 + 4 + 8;
/// What follows the name of the output in that of its partial file.
const SUFFIX: &str = ".partial";
/// Bytes that are checked at a time.
const PIECE_BYTES: usize = 1 << 16;

type Digest = [u8; DIGEST_BYTES];

/// The run that a partial file belongs to, by digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Of the version of this program.
    pub version: Digest,
    /// Of the guest.
    pub program: Digest,
    /// Of its input.
    pub input: Digest,
    /// Of all else that decides the bytes of the records.
    pub options: Digest,
}

impl Binding {
    /// The run of `program`, by its digest, on `input`, by this version and with these options.
    pub fn new(program: Digest, input: &[u8], options: &[u8]) -> Self {
        let of = |bytes: &[u8]| *blake3::hash(bytes).as_bytes();
        Self {
            version: of(env!("CARGO_PKG_VERSION").as_bytes()),
            program,
            input: of(input),
            options: of(options),
        }
    }

    fn digests(&self) -> [Digest; 4] {
        [self.version, self.program, self.input, self.options]
    }

    /// The head of its partial file.
    fn head(&self) -> Vec<u8> {
        let mut head = Vec::from(MAGIC);
        head.extend(VERSION.to_le_bytes());
        head.extend(self.digests().as_flattened());
        let checksum = blake3::hash(&head);
        head.extend(checksum.as_bytes());
        head
    }

    /// Whether a whole head is that of this run.
    fn check(&self, head: &[u8; HEAD_BYTES]) -> Result<(), PartialError> {
        if head[..MAGIC.len()] != MAGIC {
            return Err(PartialError::Magic);
        }
        let (version, digests) = head[MAGIC.len()..].split_at(2);
        if version != VERSION.to_le_bytes() {
            let got = u16::from_le_bytes([version[0], version[1]]);
            return Err(PartialError::Version { got });
        }
        let (bytes, checksum) = head.split_at(HEAD_BYTES - DIGEST_BYTES);
        if checksum != blake3::hash(bytes).as_bytes() {
            return Err(PartialError::Head);
        }
        let names = [
            "version of tranche",
            "program",
            "input",
            "choice of options",
        ];
        let digests = digests.chunks(DIGEST_BYTES);
        let mut pairs = names.into_iter().zip(self.digests()).zip(digests);
        match pairs.find(|((_, expected), got)| expected != got) {
            Some(((what, _), _)) => Err(PartialError::Other { what }),
            None => Ok(()),
        }
    }
}

/// A finished part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// What it is of.
    pub kind: u8,
    /// Which one.
    pub place: [u32; 2],
    /// Bytes of its payload.
    pub len: u64,
    /// Where its payload stands.
    at: u64,
    /// Checksum of all up to it.
    checksum: Digest,
}

/// A partial file, open and locked.
#[derive(Debug)]
pub struct Partial {
    path: PathBuf,
    file: File,
    head: Vec<u8>,
    records: Vec<Record>,
    /// Bytes after the last whole record when it was opened.
    dropped: u64,
    /// Whether it is this process's to remove when it holds nothing.
    ours: bool,
}

impl Partial {
    /// The name of the partial file of an output.
    pub fn path_for(output: &Path) -> PathBuf {
        let mut path = OsString::from(output);
        path.push(SUFFIX);
        path.into()
    }

    /// Opens and locks a partial file that may be none of `sources`, or makes an empty one; [`Self::bind`]
    /// looks into it.
    ///
    /// # Errors
    /// [`Error::Partial`], [`Error::SameFile`]; [`Error::File`] when it cannot be read and written.
    pub fn open(path: PathBuf, sources: &[(&'static str, &Source)]) -> Result<Self, Error> {
        loop {
            if let Some(partial) = Self::try_open(&path, sources)? {
                return Ok(partial);
            }
        }
    }

    /// As [`Self::open`]; nothing when the file lost its name before it was locked: its owner had finished.
    fn try_open(path: &Path, sources: &[(&'static str, &Source)]) -> Result<Option<Self>, Error> {
        let failed = |error| file_error(path, error);
        let refused = |error| refused(path, error);
        match fs::symlink_metadata(path) {
            Ok(found) if !found.is_file() => return Err(refused(PartialError::Kind)),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(refused(PartialError::Busy)),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let metadata = file.metadata().map_err(failed)?;
        let identity = Some(Identity::of(&metadata));
        match fs::symlink_metadata(path) {
            Ok(named) if Some(Identity::of(&named)) == identity => {}
            _ => return Ok(None),
        }
        let same = |source: &Source| source.identity == identity;
        if let Some(&(what, _)) = sources.iter().find(|(_, source)| same(source)) {
            let path = path.to_owned();
            return Err(Error::SameFile { path, what });
        }
        Ok(Some(Self {
            path: path.to_owned(),
            file,
            head: Vec::new(),
            records: Vec::new(),
            dropped: 0,
            ours: metadata.len() == 0,
        }))
    }

    /// Finds the records of a run; an empty file, and one whose head was torn, becomes that of the run.
    ///
    /// # Errors
    /// [`Error::Partial`] when it is another run's, [`Error::File`].
    pub fn bind(&mut self, binding: &Binding) -> Result<(), Error> {
        let found = self.read_head().map_err(|error| self.failed(error))?;
        self.head = binding.head();
        match <&[u8; HEAD_BYTES]>::try_from(found.as_slice()) {
            Ok(head) => binding.check(head).map_err(|error| self.refused(error))?,
            Err(_) if self.head.starts_with(&found) => {
                let begun = self.begin();
                return begun.map_err(|error| self.write_error(error));
            }
            Err(_) if found.starts_with(&MAGIC) => return Err(self.refused(PartialError::Head)),
            Err(_) => return Err(self.refused(PartialError::Magic)),
        }
        self.ours = true;
        self.scan().map_err(|error| self.failed(error))
    }

    /// The first bytes, as many as a head has at most.
    fn read_head(&mut self) -> io::Result<Vec<u8>> {
        let mut head = Vec::new();
        self.file.rewind()?;
        Read::by_ref(&mut self.file)
            .take(HEAD_BYTES as u64)
            .read_to_end(&mut head)?;
        Ok(head)
    }

    /// Writes the head, and sees to it that the file's name is on the disk.
    fn begin(&mut self) -> io::Result<()> {
        self.ours = true;
        self.file.rewind()?;
        self.file.write_all(&self.head)?;
        self.file.sync_all()?;
        let folder = match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        File::open(folder)?.sync_all()
    }

    /// Finds all records up to the first that is not whole.
    fn scan(&mut self) -> io::Result<()> {
        let len = self.file.metadata()?.len();
        while let Some(record) = self.scan_record(len)? {
            self.records.push(record);
        }
        self.dropped = len - self.end();
        Ok(())
    }

    /// The record that follows the last known one, if it is whole, in a file of `len` bytes.
    fn scan_record(&mut self, len: u64) -> io::Result<Option<Record>> {
        let start = self.end();
        let Some(room) = (len - start).checked_sub(RECORD_BYTES as u64) else {
            return Ok(None);
        };
        let mut prefix = [0; PREFIX_BYTES];
        self.file.seek(SeekFrom::Start(start))?;
        self.file.read_exact(&mut prefix)?;
        let (kind, place, payload) = split_prefix(&prefix);
        if payload > room {
            return Ok(None);
        }
        let mut hasher = self.hasher();
        hasher.update(&prefix);
        let (mut piece, mut left) = (vec![0; PIECE_BYTES], payload);
        while left > 0 {
            let piece = &mut piece[..left.min(PIECE_BYTES as u64) as usize];
            self.file.read_exact(piece)?;
            hasher.update(piece);
            left -= piece.len() as u64;
        }
        let mut checksum = Digest::default();
        self.file.read_exact(&mut checksum)?;
        Ok((hasher.finalize() == checksum).then_some(Record {
            kind,
            place,
            len: payload,
            at: start + PREFIX_BYTES as u64,
            checksum,
        }))
    }

    /// Where the last record ends.
    fn end(&self) -> u64 {
        match self.records.last() {
            Some(last) => last.at + last.len + DIGEST_BYTES as u64,
            None => HEAD_BYTES as u64,
        }
    }

    /// What a record's checksum begins with.
    fn hasher(&self) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new();
        match self.records.last() {
            Some(last) => hasher.update(&last.checksum),
            None => hasher.update(&self.head[HEAD_BYTES - DIGEST_BYTES..]),
        };
        hasher
    }

    /// The records, in order.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Bytes that were no whole record when the file was opened.
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// As messages name it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The payload of a record.
    ///
    /// # Errors
    /// As the file fails.
    pub fn read(&mut self, record: &Record) -> io::Result<Vec<u8>> {
        let mut payload = Vec::new();
        self.file.seek(SeekFrom::Start(record.at))?;
        Read::by_ref(&mut self.file)
            .take(record.len)
            .read_to_end(&mut payload)?;
        if payload.len() as u64 != record.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(payload)
    }

    /// Forgets all records but the first `count`.
    pub fn keep(&mut self, count: usize) {
        self.records.truncate(count);
    }

    /// Adds a record, of a payload in several parts; it is on the disk when this returns.
    ///
    /// # Errors
    /// As the file fails.
    pub fn append(&mut self, kind: u8, place: [u32; 2], payload: &[&[u8]]) -> io::Result<()> {
        let len: usize = payload.iter().map(|part| part.len()).sum();
        let len = len as u64;
        let prefix = prefix(kind, place, len);
        let start = self.end();
        let mut hasher = self.hasher();
        // Nothing stands behind the last record, so that no old one can come after a new one.
        self.file.set_len(start)?;
        self.file.seek(SeekFrom::Start(start))?;
        for part in [&[&prefix[..]], payload].concat() {
            hasher.update(part);
            self.file.write_all(part)?;
        }
        let checksum = *hasher.finalize().as_bytes();
        self.file.write_all(&checksum)?;
        self.file.sync_data()?;
        let at = start + PREFIX_BYTES as u64;
        self.records.push(Record {
            kind,
            place,
            len,
            at,
            checksum,
        });
        Ok(())
    }

    /// Removes the file: the bundle is whole and has its name.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn remove(mut self) -> Result<(), Error> {
        self.ours = false;
        fs::remove_file(&self.path).map_err(|error| self.failed(error))
    }

    /// A failure to read it.
    pub fn failed(&self, error: io::Error) -> Error {
        file_error(&self.path, error)
    }

    /// A failure to write it.
    pub fn write_error(&self, error: io::Error) -> Error {
        let path = self.path.clone();
        Error::Write { path, error }
    }

    fn refused(&self, error: PartialError) -> Error {
        refused(&self.path, error)
    }
}

/// A file in which nothing was finished says nothing.
impl Drop for Partial {
    fn drop(&mut self) {
        if self.ours && self.records.is_empty() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn file_error(path: &Path, error: io::Error) -> Error {
    let path = path.to_owned();
    Error::File { path, error }
}

fn refused(path: &Path, error: PartialError) -> Error {
    let path = path.to_owned();
    Error::Partial { path, error }
}

/// What stands before a record's payload.
fn prefix(kind: u8, [major, minor]: [u32; 2], len: u64) -> [u8; PREFIX_BYTES] {
    let mut prefix = [kind; PREFIX_BYTES];
    prefix[1..5].copy_from_slice(&major.to_le_bytes());
    prefix[5..9].copy_from_slice(&minor.to_le_bytes());
    prefix[9..].copy_from_slice(&len.to_le_bytes());
    prefix
}

/// Kind, place and length of a record.
fn split_prefix(prefix: &[u8; PREFIX_BYTES]) -> (u8, [u32; 2], u64) {
    let words = prefix[1..].as_chunks::<4>().0;
    let word = |i: usize| u32::from_le_bytes(words[i]);
    let len = u64::from(word(2)) | u64::from(word(3)) << 32;
    (prefix[0], [word(0), word(1)], len)
}
