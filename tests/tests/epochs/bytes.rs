//! Every byte of a small bundle flipped, and the bundle cut everywhere.

use tranche::bundle::{FormatError, HEADER_BYTES, Reader};
use tranche::verify::{Check, Refusal};
use tranche_core::verifier::{CarvedConfig, MAX_PROOF_BYTES, VerifyError, decode};
use tranche_machine::settings::Settings;

use crate::bundles::*;

/// One epoch and the root merge of two tables, 27 cycles.
fn small() -> Vec<u8> {
    let bundle = bundle(
        &SPIN,
        Settings {
            arity: 2,
            log2_cycles: 6,
            ..SMALL
        },
        "none",
    );
    assert!(check(&SPIN, &bundle).is_ok(), "the control");
    assert_eq!(Parts::of(&bundle).frames.len(), 3);
    bundle
}

/// Reads all of a small bundle and looks at no proof.
fn read(bundle: &[u8]) -> Result<(), FormatError> {
    let (mut reader, _) = Reader::new(bundle)?;
    reader.epoch(MAX_PROOF_BYTES)?;
    reader.result(0)?;
    reader.root()?.1.read(MAX_PROOF_BYTES)?;
    reader.end()
}

#[test]
fn every_byte_flipped() {
    let mut bundle = small();
    assert_eq!(read(&bundle), Ok(()));
    for at in 0..bundle.len() {
        let bit = 1 << (at % 8);
        bundle[at] ^= bit;
        assert!(read(&bundle).is_err(), "byte {at}");
        // The verifier gives the reader's reason; all it has to do before is to verify an epoch.
        if at % 997 == 0 || at < HEADER_BYTES {
            let refusal = check(&SPIN, &bundle).unwrap_err();
            assert!(
                matches!(refusal.check, Check::Format(_)),
                "byte {at}: {refusal}"
            );
        }
        bundle[at] ^= bit;
    }
    assert_eq!(read(&bundle), Ok(()));
}

#[test]
fn bytes_flipped_under_a_right_checksum() {
    let parts = Parts::of(&small());
    let refused =
        |forged: &Parts, what: &str| -> Refusal { check(&SPIN, &forged.sealed()).expect_err(what) };
    for at in 0..parts.header.len() {
        for bit in 0..8 {
            let mut forged = parts.clone();
            forged.header[at] ^= 1 << bit;
            refused(&forged, "a header");
        }
    }
    // Whatever is before the proofs, and a part of these. Neighbouring bytes play the same role.
    for frame in 0..parts.frames.len() {
        let len = parts.frames[frame].1.len();
        let fixed = len.min(16);
        for at in (0..fixed).chain((fixed..len).step_by(len / 150 + 1)) {
            let mut forged = parts.clone();
            forged.frames[frame].1[at] ^= 1 << (at % 8);
            let refusal = refused(&forged, "a payload");
            // Checksums are right, so something else refused it.
            let format = Check::Format(FormatError::Checksum);
            assert_ne!(refusal.check, format, "frame {frame}, byte {at}");
        }
    }
}

#[test]
fn cut_everywhere() {
    let bundle = small();
    let truncated = Check::Format(FormatError::Truncated);
    // At every byte of the stream the reader knows that more has to come.
    for len in 0..bundle.len() {
        assert_eq!(
            read(&bundle[..len]),
            Err(FormatError::Truncated),
            "{len} bytes"
        );
    }
    // At every frame, and within the frames' heads, so does the verifier.
    let parts = Parts::of(&bundle);
    for kept in 0..parts.frames.len() {
        let mut cut = parts.clone();
        cut.frames.truncate(kept);
        let sealed = cut.sealed();
        for len in sealed.len().saturating_sub(2)..=sealed.len() {
            let refusal = check(&SPIN, &bundle[..len]).unwrap_err();
            assert_eq!(refusal.check, truncated, "{kept} frames");
        }
        for len in sealed.len() + 1..sealed.len() + 7 {
            let refusal = check(&SPIN, &bundle[..len]).unwrap_err();
            assert_eq!(refusal.check, truncated, "{kept} frames and a part");
        }
    }
    // Payloads may be cut as well, where the frame says so.
    for frame in 0..parts.frames.len() {
        let len = parts.frames[frame].1.len();
        for kept in (0..len).step_by(len / 40 + 1).chain([len - 1]) {
            let mut cut = parts.clone();
            cut.frames[frame].1.truncate(kept);
            let refusal = check(&SPIN, &cut.sealed()).unwrap_err();
            let cut_short = Check::Format(FormatError::Short);
            assert!(
                refusal.check == cut_short || matches!(refusal.check, Check::Proof(_)),
                "frame {frame}, {kept} bytes: {refusal}"
            );
        }
    }
}

#[test]
fn decoding_takes_memory_in_proportion() {
    let proof = Parts::of(&small()).payload(EPOCH, 0)[12..].to_vec();
    let len = proof.len();
    assert!(decode::<CarvedConfig>(&proof, len).is_ok(), "the control");
    let got = len;
    let limit = len - 1;
    let error = decode::<CarvedConfig>(&proof, limit).err();
    assert_eq!(error, Some(VerifyError::TooLong { limit, got }));

    // No roots in any round, then instances without anything in them: eight bytes each.
    let mut empty = vec![0; len];
    empty[4] = 100;
    assert_eq!(
        decode::<CarvedConfig>(&empty, len).err(),
        Some(VerifyError::Encoding),
        "few of them are decoded, and other bytes follow"
    );
    let instances = len / 12;
    assert!((128..1 << 14).contains(&instances), "two bytes of a length");
    empty[4..6].copy_from_slice(&[instances as u8 | 0x80, (instances >> 7) as u8]);
    let limit = 8 * len;
    assert_eq!(
        decode::<CarvedConfig>(&empty, len).err(),
        Some(VerifyError::TooLarge { limit })
    );
}

#[test]
fn a_length_that_claims_gigabytes() {
    let bundle = small();
    let mut forged = bundle[..HEADER_BYTES].to_vec();
    forged.extend([EPOCH, 0xff, 0xff, 0xff, 0xff]);
    let refusal = check(&SPIN, &forged).unwrap_err();
    assert!(
        matches!(refusal.check, Check::Format(FormatError::TooLong { .. })),
        "{refusal}"
    );
    forged.truncate(HEADER_BYTES);
    forged.extend([EPOCH, 0, 0x10, 0, 0]);
    let refusal = check(&SPIN, &forged).unwrap_err();
    assert_eq!(refusal.check, Check::Format(FormatError::Truncated));
}
