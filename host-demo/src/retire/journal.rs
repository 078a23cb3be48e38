//! The journal of a run on the disk: a partial file has what each batch leaves in each walk.

use std::cell::RefCell;
use std::io::{self, Write};

use tranche_core::retire::{Journal, Made, Stopped};

use crate::files::Partial;
use crate::files::partial::Record;

/// The kind of a batch's records. Their place is walk and batch.
pub(super) const KIND: u8 = 16;

/// What a proof's bytes go through on their way out: the last of them are at hand.
pub(super) struct Tee<'t, W> {
    out: W,
    recent: &'t RefCell<Vec<u8>>,
    /// As many at least as a batch writes.
    most: usize,
}

impl<'t, W> Tee<'t, W> {
    /// To `out`, and to what a journal takes from: the last `most` bytes at least.
    pub const fn new(out: W, recent: &'t RefCell<Vec<u8>>, most: usize) -> Self {
        Self { out, recent, most }
    }
}

impl<W: Write> Write for Tee<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        let mut recent = self.recent.borrow_mut();
        if recent.len() > 2 * self.most {
            let old = recent.len() - self.most;
            recent.drain(..old);
        }
        recent.extend(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A run's journal, if it has one, and what is told of each batch.
pub(super) struct OnDisk<'p, P> {
    file: Option<&'p mut Partial>,
    /// Records that were there.
    known: usize,
    /// Those of them that were found.
    passed: usize,
    /// The one that was found last.
    payload: Vec<u8>,
    /// The last bytes of the proof.
    recent: &'p RefCell<Vec<u8>>,
    walks: usize,
    progress: P,
    /// Why the file failed.
    failed: Option<io::Error>,
}

impl<'p, P: FnMut(usize, usize)> OnDisk<'p, P> {
    /// The journal in a partial file.
    pub fn new(file: Option<&'p mut Partial>, recent: &'p RefCell<Vec<u8>>, progress: P) -> Self {
        Self {
            known: file.as_ref().map_or(0, |file| file.records().len()),
            file,
            passed: 0,
            payload: Vec::new(),
            recent,
            walks: 0,
            progress,
            failed: None,
        }
    }

    /// Batches that were not made again, over all walks.
    pub const fn passed(&self) -> usize {
        self.passed
    }

    /// Walks that were begun.
    pub const fn walks(&self) -> usize {
        self.walks
    }

    /// Why the file failed, if it did.
    pub fn failed(&mut self) -> Option<io::Error> {
        self.failed.take()
    }

    fn tell(&mut self, walk: usize, batch: usize) {
        self.walks = walk + 1;
        (self.progress)(walk, batch);
    }

    fn put(&mut self, made: &Made<'_>) -> io::Result<()> {
        let mut recent = self.recent.borrow_mut();
        if let (Some(file), Some(left)) = (&mut self.file, made.left) {
            // A record that is not the next one's of this run ends what is known.
            if self.passed < self.known {
                file.keep(self.passed);
                self.known = self.passed;
            }
            let before = recent.len().saturating_sub(made.wrote as usize);
            let wrote = &recent[before..];
            let payload = [left, &[wrote]].concat();
            file.append(KIND, place(made.walk, made.batch), &payload)?;
        }
        recent.clear();
        Ok(())
    }
}

impl<P: FnMut(usize, usize)> Journal for OnDisk<'_, P> {
    fn made(&mut self, made: Made<'_>) -> Result<(), Stopped> {
        match self.put(&made) {
            Ok(()) => {
                self.tell(made.walk, made.batch);
                Ok(())
            }
            Err(error) => {
                self.failed = Some(error);
                Err(Stopped)
            }
        }
    }

    fn find(&mut self, walk: usize, batch: usize) -> Result<Option<&[u8]>, Stopped> {
        let Some(file) = &mut self.file else {
            return Ok(None);
        };
        let known = file.records()[..self.known].get(self.passed).copied();
        let is_next = |record: &Record| (record.kind, record.place) == (KIND, place(walk, batch));
        let Some(record) = known.filter(is_next) else {
            return Ok(None);
        };
        match file.read(&record) {
            Ok(payload) => self.payload = payload,
            Err(error) => {
                self.failed = Some(error);
                return Err(Stopped);
            }
        }
        self.passed += 1;
        self.tell(walk, batch);
        Ok(Some(&self.payload))
    }
}

const fn place(walk: usize, batch: usize) -> [u32; 2] {
    [walk as u32, batch as u32]
}
