//! What the transcript of a run absorbs beside roots and claims.
//!
//! A tag is 30 bytes, three to an element, little-endian: ten elements. Every other length is fixed by what
//! was absorbed before it, so no two runs absorb the same sequence.

use p3_field::PrimeCharacteristicRing;

use crate::F;
use crate::hash::Transcript;
use crate::shape::{BatchShape, Params};

/// Bytes of a tag.
const TAG_BYTES: usize = 30;
/// Bytes in an absorbed element: as many as always stay below the field's order.
const ELEMENT_BYTES: usize = 3;

/// Begins the main line of a run in forked order.
pub(super) const RUN: &str = "tranche/retire/forked/run/1";
/// Begins the fork of a batch.
pub(super) const FORK: &str = "tranche/retire/forked/batch/1";
/// Goes on with the main line when all forks are known.
pub(super) const JOIN: &str = "tranche/retire/forked/join/1";

/// Observes a tag.
pub(super) fn observe_tag(challenger: &mut impl Transcript, tag: &str) {
    let mut bytes = [0; TAG_BYTES];
    bytes[..tag.len()].copy_from_slice(tag.as_bytes());
    for element in bytes.as_chunks::<ELEMENT_BYTES>().0 {
        let [low, middle, high] = *element;
        challenger.observe(F::from_u32(u32::from_le_bytes([low, middle, high, 0])));
    }
}

/// Observes the parameters, in the order of their table.
pub(super) fn observe_params(challenger: &mut impl Transcript, params: &Params) {
    for (_, value) in params.entries() {
        challenger.observe(F::from_u16(value));
    }
}

/// Observes the tables of a batch, behind their number.
pub(super) fn observe_tables(challenger: &mut impl Transcript, shape: BatchShape<'_>) {
    challenger.observe(F::from_usize(shape.tables().len()));
    for table in shape.tables() {
        let layout = &table.layout;
        for value in [
            table.log_height(),
            layout.main_width,
            layout.preprocessed_width,
            layout.num_public_values,
            layout.permutation_width(),
            layout.log_chunks,
        ] {
            challenger.observe(F::from_usize(value));
        }
    }
}
