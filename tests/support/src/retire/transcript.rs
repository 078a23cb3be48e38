//! What the main line and the forks absorb, naively.

use std::collections::HashMap;

use p3_air::symbolic::AirLayout;
use p3_batch_stark::symbolic::get_log_num_quotient_chunks;
use p3_challenger::FieldChallenger;
use p3_field::{BasedVectorSpace, PrimeCharacteristicRing};
use p3_lookup::{Challenges, Kind, LogUpGadget, Lookups};
use p3_matrix::Matrix;
use tranche_core::verifier::Configured;
use tranche_core::{EF, F, Params};

use super::Batch;
use crate::reference::ReferenceAir;

/// A text of 30 bytes as ten elements.
pub fn tag(text: &str) -> Vec<F> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(30, 0);
    let element = |b: &[u8]| F::from_u32(u32::from_le_bytes([b[0], b[1], b[2], 0]));
    bytes.chunks(3).map(element).collect()
}

/// The parameters as elements.
pub fn params(p: &Params) -> [F; 10] {
    let shape = [
        p.log_blowup,
        p.log_final_poly_len,
        p.max_log_arity,
        p.cap_height,
    ];
    let bits = [
        p.query_pow_bits,
        p.batch_pow_bits,
        p.lookup_pow_bits,
        p.commit_pow_bits,
        p.ood_pow_bits,
    ];
    let [a, b, c, d] = shape.map(F::from_u8);
    let [e, f, g, h, i] = bits.map(F::from_u8);
    [a, b, c, d, F::from_u16(p.num_queries), e, f, g, h, i]
}

/// The shape of a batch's tables as elements, behind their number.
pub fn shape<A: ReferenceAir<S>, S: Configured>(
    batch: &Batch<A>,
    lookups: &[Lookups<F>],
) -> Vec<F> {
    let mut elements = vec![batch.airs.len()];
    for ((air, log_height), lookups) in batch.airs.iter().zip(batch.log_heights()).zip(lookups) {
        elements.extend([
            log_height,
            air.width(),
            layout::<A, S>(air).preprocessed_width,
            air.num_public_values(),
            if lookups.is_empty() {
                0
            } else {
                lookups.len() + 1
            },
            log_chunks::<A, S>(air, log_height, lookups),
        ]);
    }
    elements.into_iter().map(F::from_usize).collect()
}

/// What Plonky3 wants to know of an AIR.
pub fn layout<A: ReferenceAir<S>, S: Configured>(air: &A) -> AirLayout {
    AirLayout {
        preprocessed_width: air.preprocessed_trace().map_or(0, |trace| trace.width()),
        main_width: air.width(),
        num_public_values: air.num_public_values(),
        ..AirLayout::default()
    }
}

/// log2 of a table's quotient chunks.
pub fn log_chunks<A: ReferenceAir<S>, S: Configured>(
    air: &A,
    log_height: usize,
    lookups: &Lookups<F>,
) -> usize {
    get_log_num_quotient_chunks::<F, EF, A, _>(
        air,
        layout::<A, S>(air),
        1 << log_height,
        lookups,
        0,
        &LogUpGadget::new(),
    )
}

/// The challenges of each lookup of each table, as Plonky3 lays them out for the tables of all batches in
/// one list; the tables' lookups in, one list per table out.
pub fn lookup_challenges(tables: &[&Lookups<F>], alpha: EF, beta: EF) -> Vec<Vec<EF>> {
    let mut named = HashMap::new();
    let (mut buses, mut widest) = (0, 1);
    let mut ids = Vec::new();
    for table in tables {
        let mut of_table = Vec::new();
        for lookup in table.iter() {
            widest = widest.max(lookup.elements.first().map_or(0, Vec::len));
            let fresh = buses;
            let id = match &lookup.kind {
                Kind::Global(name) => *named.entry(name.clone()).or_insert(fresh),
                Kind::Local => fresh,
            };
            buses += usize::from(id == fresh);
            of_table.push(id);
        }
        ids.push(of_table);
    }
    let challenges = Challenges::new(alpha, beta, widest, buses);
    let pairs = |ids: Vec<usize>| {
        let pair = |id: usize| [challenges.bus_prefix[id], beta];
        ids.into_iter().flat_map(pair).collect()
    };
    ids.into_iter().map(pairs).collect()
}

/// Absorbs an extension element.
pub fn observe(challenger: &mut impl FieldChallenger<F>, value: EF) {
    let coordinates: &[F] = value.as_basis_coefficients_slice();
    challenger.observe_slice(coordinates);
}

/// Draws an extension element.
pub fn sample(challenger: &mut impl FieldChallenger<F>) -> EF {
    challenger.sample_algebra_element()
}
