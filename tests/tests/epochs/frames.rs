//! Frames by themselves: how long the writer lets each kind be, and a bundle that is passed over.

use std::io;

use tranche::bundle::{FRAME_BYTES, FormatError, HEADER_BYTES, Header, Kind, Reader, Writer};
use tranche::merge::MAX_HOLES;
use tranche_core::verifier::MAX_PROOF_BYTES;
use tranche_machine::cells::MAX_OUTPUT_BYTES;
use tranche_machine::setup::Setup;

use crate::bundles::*;

#[test]
fn a_frame_is_as_long_as_its_kind_may_be() {
    let setup = Setup::new(&SPIN, SMALL).unwrap();
    let head = Header::of(&setup);
    for (kind, limit) in [
        (Kind::Epoch, 12 + MAX_PROOF_BYTES),
        (Kind::Merge, 1 + MAX_PROOF_BYTES),
        (Kind::Result, 8 + MAX_OUTPUT_BYTES as usize),
        (Kind::Root, 1 + MAX_HOLES + MAX_PROOF_BYTES),
    ] {
        let payload = vec![0; limit + 1];
        let (fixed, rest) = payload.split_at(8);
        let mut writer = Writer::new(io::sink(), &head).unwrap();
        let longer = writer.frame(kind, fixed, rest).unwrap_err();
        assert_eq!(longer.kind(), io::ErrorKind::InvalidInput, "{kind:?}");
        writer.frame(kind, fixed, &rest[1..]).expect("the control");
        let written = HEADER_BYTES + FRAME_BYTES + limit;
        assert_eq!(writer.finish().unwrap(), written as u64, "{kind:?}");
    }
}

#[test]
fn a_bundle_is_passed_over_frame_by_frame() {
    let bundle = bundle(&SPIN, SMALL, "10");
    let parts = Parts::of(&bundle);
    let skim = |reader: &mut Reader<&[u8]>| {
        let (mut kinds, mut payload) = (Vec::new(), Vec::new());
        reader
            .skim(|kind, piece| {
                kinds.push(kind);
                payload.extend(piece);
            })
            .map(|(kind, len)| {
                assert!(kinds.iter().all(|&seen| seen == kind));
                assert_eq!(payload.len(), len as usize);
                (kind as u8, payload)
            })
    };
    let (mut reader, _) = Reader::new(&bundle[..]).unwrap();
    for frame in &parts.frames {
        assert_eq!(skim(&mut reader).as_ref(), Ok(frame));
    }
    assert_eq!(reader.end(), Ok(()));

    // A payload's byte, and the checksum's.
    let (_, payload) = &parts.frames[0];
    for at in [5, payload.len() + FRAME_BYTES - 1] {
        let mut damaged = bundle.clone();
        damaged[HEADER_BYTES + at] ^= 1;
        let (mut reader, _) = Reader::new(&damaged[..]).unwrap();
        assert_eq!(skim(&mut reader), Err(FormatError::Checksum));
    }
    // Nothing is no frame, and no frame has an unknown kind.
    let (mut reader, _) = Reader::new(&bundle[..HEADER_BYTES]).unwrap();
    assert_eq!(skim(&mut reader), Err(FormatError::Truncated));
    let mut unknown = bundle;
    unknown[HEADER_BYTES] = 9;
    let (mut reader, _) = Reader::new(&unknown[..]).unwrap();
    assert_eq!(skim(&mut reader), Err(FormatError::UnknownKind { got: 9 }));
}

#[test]
fn kinds_have_names() {
    let names = ["epoch", "merge", "result", "root"];
    assert_eq!(Kind::ALL.map(Kind::name), names);
    let (expected, got) = (Kind::Merge, Kind::Epoch);
    let text = FormatError::Kind { expected, got }.to_string();
    assert_eq!(text, "a frame of kind epoch, expected merge");
}
