//! Random shapes.

use proptest::prelude::*;
use tranche_core::Params;

use super::{BUSES, ProviderShape, Shape, TableShape};
use crate::air::{Form, Part};

/// Shapes of up to three tables of up to 32 rows, before the tables that balance them.
pub fn shapes() -> impl Strategy<Value = Shape> {
    (
        prop::collection::vec(tables(), 1..4),
        [providers(), providers(), providers(), providers()],
        params(),
        (
            0..8_usize,
            any::<u8>(),
            any::<bool>(),
            any::<bool>(),
            any::<bool>(),
            any::<u64>(),
        ),
    )
        .prop_map(|(tables, providers, params, rest)| {
            let (rotation, carved, split, seeded, own_constants, seed) = rest;
            let carved = if split { carved } else { 0 };
            Shape {
                tables,
                providers,
                rotation,
                carved,
                params,
                seeded,
                own_constants,
                seed,
            }
        })
}

/// FRI parameters and grinding over the ranges that the core supports.
pub fn params() -> impl Strategy<Value = Params> {
    (
        1..=3_u8,
        0..=3_u8,
        1..=3_u8,
        0..=2_u8,
        1..=6_u16,
        [0..=3_u8, 0..=3, 0..=3, 0..=3, 0..=3],
    )
        .prop_map(
            |(log_blowup, log_final_poly_len, max_log_arity, cap_height, num_queries, pow)| {
                let [query, batch, lookup, commit, ood] = pow;
                Params {
                    log_blowup,
                    log_final_poly_len,
                    max_log_arity,
                    cap_height,
                    num_queries,
                    query_pow_bits: query,
                    batch_pow_bits: batch,
                    lookup_pow_bits: lookup,
                    commit_pow_bits: commit,
                    ood_pow_bits: ood,
                }
            },
        )
}

fn tables() -> impl Strategy<Value = TableShape> {
    (
        0..=5_usize,
        prop::collection::vec(parts(), 1..5),
        prop::option::of(1..=9_usize),
    )
        .prop_map(|(log_height, parts, max_constraint_degree)| TableShape {
            log_height,
            parts,
            max_constraint_degree,
        })
}

fn providers() -> impl Strategy<Value = ProviderShape> {
    (
        1..=3_usize,
        any::<bool>(),
        0..=2_usize,
        prop::option::of(1..=5_usize),
    )
        .prop_map(
            |(slots, fixed, slack, max_constraint_degree)| ProviderShape {
                slots,
                fixed,
                slack,
                max_constraint_degree,
            },
        )
}

fn parts() -> impl Strategy<Value = Part> {
    let bus = || prop::sample::select(&BUSES[..]);
    let form = prop::sample::select(vec![Form::Column, Form::Square, Form::Next]);
    let times = prop::sample::select(vec![1_i8, 1, 2, -1, -3]);
    prop_oneof![
        (2..=9_usize).prop_map(|degree| Part::Power { degree }),
        (1..=9_usize, any::<bool>())
            .prop_map(|(degree, public)| Part::Recurrence { degree, public }),
        any::<bool>().prop_map(|next| Part::Fixed { next }),
        (bus(), 1..=4_usize, times, any::<bool>(), form).prop_map(
            |(bus, messages, times, gated, form)| Part::Send {
                bus,
                messages,
                times,
                gated,
                form
            }
        ),
        (1..=4_usize, 1..=7_usize).prop_map(|(width, queries)| Part::Local { width, queries }),
        (bus(), 1..=4_usize).prop_map(|(bus, branches)| Part::Exclusive { bus, branches }),
        bus().prop_map(|bus| Part::Announce { bus }),
    ]
}
