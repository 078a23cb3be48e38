//! The numbers of the design and of the documents, and the corners of the formulas.

use tranche_core::Params;
use tranche_core::Suite;
use tranche_core::hash::blake3::Blake3;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::security::{Bits, FIELD_BITS, SecurityShape, grinding_bits};

use crate::reference::agree;
use crate::{EPOCH, NO_GRINDING};

fn rounded(bits: f64) -> String {
    format!("{bits:.1}")
}

#[test]
fn the_design_s_epoch_without_grinding() {
    let bits = Bits::unique(&EPOCH, &NO_GRINDING);
    agree(&EPOCH, &NO_GRINDING).unwrap();
    assert_eq!(format!("{:.3}", bits.query.bits / 203.0), "0.415");
    assert_eq!(rounded(bits.ali.bits), "114.8");
    assert_eq!(rounded(bits.deep.bits), "105.0");
    assert_eq!(rounded(bits.folding.bits), "106.0");
    assert_eq!(rounded(bits.batching.unwrap().bits), "97.4");
    assert_eq!(rounded(bits.logup.unwrap().bits), "99.2");
    assert_eq!(bits.binding().0, "query");
}

/// Queries alone never reach 100 bits: batching, then LogUp stand in the way.
#[test]
fn queries_alone_do_not_reach_the_floor() {
    let many = Params {
        num_queries: 1000,
        query_pow_bits: 16,
        ..NO_GRINDING
    };
    let bits = Bits::unique(&EPOCH, &many);
    assert_eq!(bits.binding().0, "batching");
    assert!(bits.total() < 100.0);
    let bits = Bits::unique(
        &EPOCH,
        &Params {
            batch_pow_bits: 10,
            ..many
        },
    );
    assert_eq!(bits.binding().0, "logup");
    assert!(bits.total() < 100.0);
    let bits = Bits::unique(
        &EPOCH,
        &Params {
            batch_pow_bits: 10,
            lookup_pow_bits: 8,
            ..many
        },
    );
    assert!(bits.total() >= 100.0);
}

#[test]
fn the_default_reaches_100_bits() {
    let bits = Bits::unique(&EPOCH, &Params::DEFAULT);
    agree(&EPOCH, &Params::DEFAULT).unwrap();
    assert!(bits.total() >= 100.0, "{bits:?}");
    assert_eq!(bits.binding().0, "query");
    // No query, and no bit of grinding at the sites that need it, is to spare.
    for weaker in [
        Params {
            num_queries: 202,
            ..Params::DEFAULT
        },
        Params {
            query_pow_bits: 15,
            ..Params::DEFAULT
        },
        Params {
            batch_pow_bits: 2,
            ..Params::DEFAULT
        },
        Params {
            lookup_pow_bits: 0,
            ..Params::DEFAULT
        },
    ] {
        assert!(Bits::unique(&EPOCH, &weaker).total() < 100.0, "{weaker:?}");
    }
}

#[test]
fn plonky3_s_customary_parameters_prove_57_5() {
    agree(&EPOCH, &Params::BENCHMARK).unwrap();
    let bits = Bits::unique(&EPOCH, &Params::BENCHMARK);
    assert_eq!(rounded(bits.total()), "57.5");
    assert_eq!(bits.binding().0, "query");
    // The Johnson regime proves more, but leaves a commitment several meanings.
    assert!(Bits::johnson(&EPOCH, &Params::BENCHMARK).unwrap().total() > bits.total());
}

/// The tables of docs/security.md are the module's own numbers.
#[test]
fn documented_numbers() {
    let page = include_str!("../../../docs/security.md");
    let has = |row: String| assert!(page.contains(&row), "docs/security.md lacks {row}");

    let bits = Bits::unique(&EPOCH, &Params::DEFAULT);
    for (name, term) in bits.terms() {
        has(format!(
            "| {name} | {:.2} | {} | {:.2} |",
            term.bits,
            term.grinding,
            term.total()
        ));
    }
    for log_height in 6..=10 {
        let shape = SecurityShape {
            log_height,
            messages: 25 << log_height,
            ..EPOCH
        };
        let total = |num_queries| {
            Bits::unique(
                &shape,
                &Params {
                    num_queries,
                    ..Params::DEFAULT
                },
            )
            .total()
        };
        let queries = (1..).find(|&queries| total(queries) >= 100.0).unwrap();
        has(format!(
            "| 2^{log_height} | {:.2} | {queries} |",
            total(203)
        ));
    }
    for log_proofs in [0, 6, 10, 16] {
        let many = bits.with_proofs(1 << log_proofs);
        has(format!("| {} | {:.2} |", 1 << log_proofs, many.total()));
    }
    let johnson = Bits::johnson(&EPOCH, &Params::BENCHMARK).unwrap();
    has(format!("{:.1} bits in the Johnson regime", johnson.total()));
}

/// A trace whose code has no distance left proves nothing, and grinding does not hide it.
#[test]
fn no_distance_no_bits() {
    for log_height in [0, 1] {
        let shape = SecurityShape {
            log_height,
            ..EPOCH
        };
        agree(&shape, &Params::DEFAULT).unwrap();
        assert_eq!(Bits::unique(&shape, &Params::DEFAULT).total(), 0.0);
        assert!(Bits::johnson(&shape, &Params::DEFAULT).is_none());
    }
    let shape = SecurityShape {
        log_height: 2,
        ..EPOCH
    };
    assert!(Bits::unique(&shape, &Params::DEFAULT).total() > 0.0);
}

/// A proof of work is worth `-log2` of the chance that a try passes it, at every site.
#[test]
fn grinding_is_worth_its_chance() {
    const P: u64 = 2_013_265_921;
    for difficulty in 0..=40u8 {
        // Elements whose low bits are zero: 0, 2^b, 2 * 2^b, ...
        let passing = (P - 1) / (1 << difficulty) + 1;
        let worth = grinding_bits(difficulty);
        assert!((worth - (P as f64 / passing as f64).log2()).abs() < 1e-12);
        // Never more than the difficulty, and less by what one more element makes of the chance.
        let less = f64::from(difficulty) - worth;
        let bound = 2f64.powi(i32::from(difficulty) - 30);
        assert!((0.0..=bound).contains(&less), "{difficulty} bits: {less}");
    }
    assert_eq!(grinding_bits(0), 0.0);
    assert_eq!(format!("{:.2}", grinding_bits(27)), "26.91");
    assert_eq!(grinding_bits(31), (P as f64).log2());
    assert_eq!(grinding_bits(u8::MAX), (P as f64).log2());

    let params = Params {
        query_pow_bits: 27,
        batch_pow_bits: 28,
        lookup_pow_bits: 29,
        commit_pow_bits: 30,
        ood_pow_bits: 30,
        ..NO_GRINDING
    };
    let (plain, ground) = (
        Bits::unique(&EPOCH, &NO_GRINDING),
        Bits::unique(&EPOCH, &params),
    );
    for ((name, plain), (_, ground)) in plain.terms().zip(ground.terms()) {
        let worth = grinding_bits(ground.grinding);
        assert_eq!(ground.total(), plain.bits + worth, "{name}");
        let credited = f64::from(ground.grinding);
        assert_eq!(worth < credited, ground.grinding > 0, "{name}");
    }
}

/// Bits that are no number are no bits, so that only the grinding counts.
#[test]
fn no_number_is_no_bits() {
    let mut bits = Bits::unique(&EPOCH, &Params::DEFAULT);
    bits.deep.bits = f64::NAN;
    let ground = grinding_bits(Params::DEFAULT.ood_pow_bits);
    assert_eq!(bits.binding().0, "deep");
    assert_eq!(bits.total(), ground);
    assert_eq!(bits.with_proofs(2).total(), ground);
}

/// The challenge field has 123 whole bits, and so has half of a digest of eight elements; of eight words 128.
#[test]
fn field_and_digest_sizes() {
    let p = 2_013_265_921f64;
    assert_eq!(FIELD_BITS, (4.0 * p.log2()).floor() as u32);
    assert_eq!(
        Poseidon2::COLLISION_BITS,
        (8.0 * p.log2() / 2.0).floor() as u32
    );
    assert_eq!(Blake3::COLLISION_BITS, 8 * 32 / 2);
}
