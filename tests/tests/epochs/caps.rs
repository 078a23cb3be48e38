//! What a header, a frame and a result may be at most, each cap by itself.

use tranche::bundle::FormatError;
use tranche::verify::{Check, Place};
use tranche_core::Params;
use tranche_core::verifier::VerifyError;
use tranche_machine::settings::OutOfRange;

use crate::bundles::*;
use crate::forged::{honest, is_merge, refused};

#[test]
fn header_integers_outside_of_their_caps() {
    let parts = honest("10");
    let at = |i: usize| 10 + i; // after magic and version
    let out_of_caps = [
        (0, 5, "log2_cycles"),
        (0, 21, "log2_cycles"),
        (1, 1, "arity"),
        (1, 33, "arity"),
        (3, 0, "log_blowup"),
        (3, 4, "log_blowup"),
        (4, 4, "log_final_poly_len"),
        (5, 0, "max_log_arity"),
        (5, 4, "max_log_arity"),
        (6, 5, "cap_height"),
        (8, 3, "num_queries"),
        (9, 31, "query_pow_bits"),
        (10, 31, "batch_pow_bits"),
        (11, 31, "lookup_pow_bits"),
        (12, 31, "commit_pow_bits"),
        (13, 31, "ood_pow_bits"),
    ];
    let named = |name| out_of_caps.iter().any(|&(.., capped)| capped == name);
    assert!(Params::TABLE.iter().all(|param| named(param.name)));
    for (i, got, name) in out_of_caps {
        let mut forged = parts.clone();
        forged.header[at(i)] = got;
        let refusal = refused(&forged);
        assert_eq!(refusal.place, Place::Header);
        let Check::Format(FormatError::Setting(error)) = refusal.check else {
            panic!("{name}: {refusal}")
        };
        assert_eq!(error.name, name);
    }
    let mut forged = parts.clone();
    forged.header[at(2)] = 2;
    let check = refused(&forged).check;
    assert_eq!(check, Check::Format(FormatError::Hash { got: 2 }));

    let mut forged = parts.clone();
    forged.header[at(7)] = 0;
    let refusal = refused(&forged);
    let none = matches!(
        refusal.check,
        Check::Format(FormatError::Setting(OutOfRange { got: 0, .. }))
    );
    assert!(none, "no queries: {refusal}");

    let mut forged = parts.clone();
    forged.header[0] ^= 1;
    assert_eq!(refused(&forged).check, Check::Format(FormatError::Magic));
    let mut forged = parts;
    forged.header[8] ^= 0x80;
    let check = refused(&forged).check;
    assert!(
        matches!(check, Check::Format(FormatError::Version { .. })),
        "{check}"
    );
}

#[test]
fn frames_longer_than_the_plans_proofs() {
    let parts = honest("10");
    // The longest proof is at most a little longer than an honest one, whose paths share nodes.
    for kind in [EPOCH, MERGE, ROOT] {
        let mut forged = parts.clone();
        let payload = forged.payload(kind, 0);
        let longer = 2 * payload.len();
        payload.resize(longer, 0);
        let check = refused(&forged).check;
        let Check::Format(FormatError::TooLong { limit, got }) = check else {
            panic!("{check}")
        };
        // What precedes the proof is not counted, so the honest one has this many bytes.
        let honest = got - longer / 2;
        assert!((honest..got).contains(&limit), "{honest}, {limit}, {got}");
    }
    // A cycle puts out at most four bytes.
    let mut forged = parts.clone();
    let epochs = forged.word(RESULT, 0, 0) as usize;
    let cycles: u32 = (0..epochs).map(|n| forged.word(EPOCH, n, 2)).sum();
    let limit = 4 * cycles as usize;
    for (len, too_long) in [(limit, false), (limit + 1, true)] {
        forged.payload(RESULT, 0).resize(8 + len, 0);
        let refusal = refused(&forged);
        if too_long {
            assert_eq!(refusal.place, Place::Result);
        } else {
            // Another height than the proof's result table has: nothing is built for it.
            let height = matches!(refusal.check, Check::Proof(VerifyError::Height { .. }));
            assert!(height && is_merge(refusal.place, true), "{refusal}");
        }
    }
}
