//! What the batches of a run leave while it is proved, so that a run that was stopped can go on.
//!
//! The store is the state of a run between two batches, and all of it but challenges and sums is written when a batch is
//! done. So what a batch leaves in a walk is some of its part of the store, and the bytes of the proof that it
//! writes. A run that goes on is proved from its beginning: the first walk fills all traces again, and compares their
//! fingerprints, but commits no batch whose record is there; later walks pass over such batches. Challenges are
//! drawn again, from the same roots and claims. Walks that only add up are made anew.

use super::store::{Leaves, Slot};
use crate::hash::Suite;
use crate::shape::BatchShape;
use crate::sink::FIELD_BYTES;
use crate::workspace::{self, words};
use crate::{D, DIGEST, Digest, EF, F};

/// A batch that a walk is done with, in order.
#[derive(Clone, Copy, Debug)]
pub struct Made<'m> {
    /// The walk, from 0.
    pub walk: usize,
    /// The batch, from 0.
    pub batch: usize,
    /// Bytes of the proof that have been written.
    pub written: u64,
    /// Bytes that the batch wrote of it: the last ones.
    pub wrote: u64,
    /// What it leaves; nothing where the walk only adds up, and is made anew.
    pub left: Option<&'m [&'m [u8]]>,
}

/// The journal has no room for a record, or cannot be read. It knows why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// Keeps what batches leave.
pub trait Journal {
    /// Takes the record of a batch: [`Made::left`], if there is any, in order, then the [`Made::wrote`] bytes that
    /// went to the sink last.
    ///
    /// # Errors
    /// When it cannot be kept: the run stops.
    fn made(&mut self, made: Made<'_>) -> Result<(), Stopped>;

    /// The record of a batch in a walk, if there is one: those of a walk are asked for in order, up to the first that
    /// is not there.
    ///
    /// Its bytes are to be those that were [taken](Self::made): a journal has to find damage. What is altered on purpose
    /// is refused where it does not fit the plan, the execution or the roots, and by the verifier otherwise.
    ///
    /// # Errors
    /// When it cannot be read: the run stops.
    fn find(&mut self, walk: usize, batch: usize) -> Result<Option<&[u8]>, Stopped>;
}

/// Is told, and keeps nothing.
pub(super) struct Watch<F>(pub F);

impl<F: FnMut(Made<'_>)> Journal for Watch<F> {
    fn made(&mut self, made: Made<'_>) -> Result<(), Stopped> {
        (self.0)(made);
        Ok(())
    }

    fn find(&mut self, _: usize, _: usize) -> Result<Option<&[u8]>, Stopped> {
        Ok(None)
    }
}

/// A batch whose record is there.
pub(super) struct Again<'t> {
    pub batch: usize,
    pub shape: BatchShape<'t>,
    /// Its part of the store, as the record has it.
    pub store: &'t mut [F],
    /// Where what is kept of it is there.
    pub slot: &'t Slot,
    /// Its claims, in opening order (argument).
    pub claims: &'t [u8],
    /// What it wrote.
    pub proof: &'t [u8],
}

/// Copies a record's parts into a batch's part of the store; returns what follows them, and nothing for parts that no
/// batch of the plan leaves.
pub(super) fn restore<'r, S: Suite>(
    slot: &Slot,
    leaves: Leaves,
    mut record: &'r [u8],
    store: &mut [F],
) -> Option<&'r [u8]> {
    for part in slot.left(leaves) {
        let to = &mut store[part];
        let bytes;
        (bytes, record) = record.split_at_checked(FIELD_BYTES * to.len())?;
        workspace::bytes_mut(to).copy_from_slice(bytes);
    }
    let digests = slot.roots.iter().chain(&slot.trees);
    let fields = [
        &slot.codewords,
        &slot.quotients,
        &slot.terminals,
        &slot.claims,
    ];
    let left = slot.left(leaves);
    let whole = fields
        .into_iter()
        .filter(|part| left.contains(part))
        .all(|part| {
            words(&store[part.clone()])
                .iter()
                .all(|&word| is_reduced(word))
        })
        && digests
            .filter(|part| left.contains(part))
            .all(|part| S::are_digests(words(&store[part.clone()])));
    let fits = |paths: &core::ops::Range<usize>| match words(&store[paths.clone()]) {
        [length, bytes @ ..] => *length as usize <= FIELD_BYTES * bytes.len(),
        [] => true,
    };
    let paths = leaves != Leaves::Openings || slot.paths.iter().all(fits);
    (whole && paths).then_some(record)
}

/// Proof bytes that are read again. Everything is nothing where they are others than a batch of the plan writes.
pub(super) struct Written<'b>(pub &'b [u8]);

impl Written<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }

    /// The tag of an option.
    pub fn tag(&mut self, expected: bool) -> Option<()> {
        (self.array()? == [u8::from(expected)]).then_some(())
    }

    /// A length.
    pub fn length(&mut self, expected: usize) -> Option<()> {
        let (mut value, mut shift) = (0_u64, 0);
        loop {
            let [byte] = self.array()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            shift += 7;
            if byte & 0x80 == 0 {
                return (value == expected as u64).then_some(());
            }
        }
    }

    /// A field element.
    pub fn field(&mut self) -> Option<F> {
        field(self.array()?)
    }

    /// An extension element.
    pub fn ext(&mut self) -> Option<EF> {
        let mut coordinates = [[0; FIELD_BYTES]; D];
        for coordinate in &mut coordinates {
            *coordinate = self.array()?;
        }
        let [a, b, c, d] = coordinates.map(field);
        Some(crate::kernels::ext::challenge([a?, b?, c?, d?]))
    }

    /// A digest.
    pub fn digest<S: Suite>(&mut self) -> Option<Digest> {
        let mut digest = [0; DIGEST];
        for word in &mut digest {
            *word = u32::from_le_bytes(self.array()?);
        }
        S::are_digests(&digest).then_some(digest)
    }
}

/// The element of these bytes, as a sink writes it.
pub(super) fn field(bytes: [u8; FIELD_BYTES]) -> Option<F> {
    let word = u32::from_le_bytes(bytes);
    let elements = [word];
    is_reduced(word).then(|| workspace::elements(&elements)[0])
}

/// Whether a word stands for an element.
pub(super) const fn is_reduced(word: u32) -> bool {
    use p3_field::PrimeField32;
    word < F::ORDER_U32
}
