//! Where the frames of a bundle go: into it as they come, or first into a partial file, which a killed run is
//! resumed from.

use std::io::Write;

use tranche_machine::merge::{Node, Step, Tree};

use super::error::ProveError;
use crate::bundle::{Header, Kind, Writer};
use crate::files::Partial;
use crate::files::partial::Record;

/// The place of the result among the records of a partial file: there is one.
pub(super) const ONCE: [u32; 2] = [0; 2];

/// The place of a merge among them.
pub(super) const fn place(node: &Node) -> [u32; 2] {
    [node.level, node.index]
}

/// The frames of one run, in order.
pub(super) enum Frames<'p, W> {
    /// Straight into the bundle.
    Bundle(Writer<W>),
    /// Each is on the disk before the next is made; the bundle is written in the end.
    Partial {
        file: &'p mut Partial,
        /// Records that were there and have been passed.
        passed: usize,
        /// Records that were there.
        known: usize,
        header: Box<Header>,
        out: W,
    },
}

impl<'p, W: Write> Frames<'p, W> {
    /// The frames of a bundle with this header. Those in `partial`, if it is given, are known.
    pub fn new(
        header: Header,
        partial: Option<&'p mut Partial>,
        out: W,
    ) -> Result<Self, ProveError> {
        Ok(match partial {
            None => Self::Bundle(Writer::new(out, &header)?),
            Some(file) => Self::Partial {
                passed: 0,
                known: file.records().len(),
                file,
                header: Box::new(header),
                out,
            },
        })
    }

    /// Passes over the next frame, if it is known.
    pub fn pass(&mut self, kind: Kind, place: [u32; 2]) -> Option<Record> {
        let Self::Partial {
            file,
            passed,
            known,
            ..
        } = self
        else {
            return None;
        };
        let next = file.records()[..*known].get(*passed).copied()?;
        if (next.kind, next.place) != (kind as u8, place) {
            return None;
        }
        *passed += 1;
        Some(next)
    }

    /// The payload of a frame that was passed.
    pub fn payload(&mut self, record: &Record) -> Result<Vec<u8>, ProveError> {
        match self {
            Self::Bundle(_) => Ok(Vec::new()),
            Self::Partial { file, .. } => file.read(record).map_err(ProveError::Partial),
        }
    }

    /// Adds a frame whose payload is `fixed`, then `rest`.
    pub fn put(
        &mut self,
        kind: Kind,
        place: [u32; 2],
        fixed: &[u8],
        rest: &[u8],
    ) -> Result<(), ProveError> {
        match self {
            Self::Bundle(writer) => Ok(writer.frame(kind, fixed, rest)?),
            Self::Partial { file, .. } => {
                let added = file.append(kind as u8, place, &[fixed, rest]);
                added.map_err(ProveError::Partial)
            }
        }
    }

    /// Ends the bundle; returns its bytes.
    pub fn finish(self) -> Result<u64, ProveError> {
        let (file, header, out) = match self {
            Self::Bundle(writer) => return Ok(writer.finish()?),
            Self::Partial {
                file, header, out, ..
            } => (file, header, out),
        };
        let mut writer = Writer::new(out, &header)?;
        for record in file.records().to_vec() {
            let payload = file.read(&record).map_err(ProveError::Partial)?;
            let kind = Kind::from_byte(record.kind).ok_or(ProveError::Unfinished)?;
            writer.frame(kind, &payload, &[])?;
        }
        Ok(writer.finish()?)
    }
}

/// The number of epochs in a partial file. Records that are not those of a run with this tree, in order, are
/// forgotten.
pub(super) fn known_epochs(file: &mut Partial, tree: &Tree) -> u32 {
    let expected = tree.steps().flat_map(|step| {
        let steps = match step {
            Step::Epoch(number) => [Some((Kind::Epoch, [number, 0])), None],
            Step::Merge(node) if node.root => {
                [Some((Kind::Result, ONCE)), Some((Kind::Root, place(&node)))]
            }
            Step::Merge(node) => [Some((Kind::Merge, place(&node))), None],
        };
        steps.into_iter().flatten()
    });
    let records = file.records().iter();
    let known = records
        .zip(expected)
        .take_while(|(record, (kind, place))| (record.kind, record.place) == (*kind as u8, *place));
    let (mut count, mut epochs) = (0, 0);
    for (_, (kind, _)) in known {
        count += 1;
        epochs += u32::from(kind == Kind::Epoch);
    }
    file.keep(count);
    epochs
}
