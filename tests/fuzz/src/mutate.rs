//! Changes to bytes, to decoded proofs and to bundles, each by choices of the fuzzer's.

use arbitrary::{Arbitrary, Result, Unstructured};
use p3_batch_stark::BatchProof;
use p3_field::PrimeCharacteristicRing;
use tranche_core::verifier::{CarvedConfig, Root, decode};
use tranche_core::{EF, F};

use crate::bundles::{EPOCH, MERGE, Parts, ROOT};

type Proof = BatchProof<CarvedConfig>;

/// Changes a few bytes, or the length.
pub fn bytes(u: &mut Unstructured<'_>, bytes: &mut Vec<u8>, other: &[u8]) -> Result<()> {
    if bytes.is_empty() {
        bytes.push(u.arbitrary()?);
        return Ok(());
    }
    let at = u.choose_index(bytes.len())?;
    match u.int_in_range(0..=7)? {
        0 | 1 => bytes[at] ^= 1 << u.int_in_range(0..=7)?,
        2 => bytes[at] = *u.choose(&[0, 1, 0x7f, 0x80, 0xff])?,
        3 => bytes[at] = u.arbitrary()?,
        4 => bytes.truncate(at),
        5 => bytes.insert(at, u.arbitrary()?),
        6 => {
            let len = u.int_in_range(1..=64.min(bytes.len() - at))?;
            bytes.drain(at..at + len);
        }
        _ => {
            // The same place of another proof.
            let len = u.int_in_range(1..=256)?;
            let end = (at + len).min(bytes.len()).min(other.len());
            if at < end {
                bytes[at..end].copy_from_slice(&other[at..end]);
            }
        }
    }
    Ok(())
}

/// Changes the number or the order of a list's items, or one of them by `change`.
fn list<T>(
    u: &mut Unstructured<'_>,
    list: &mut Vec<T>,
    copy: impl Fn(&T) -> T,
    change: impl FnOnce(&mut Unstructured<'_>, &mut T) -> Result<()>,
) -> Result<()> {
    if list.is_empty() {
        return Ok(());
    }
    let at = u.choose_index(list.len())?;
    match u.int_in_range(0..=7)? {
        0 => drop(list.remove(at)),
        1 => list.insert(at, copy(&list[at])),
        2 => {
            let to = u.choose_index(list.len())?;
            list.swap(at, to);
        }
        3 => {
            let from = u.choose_index(list.len())?;
            list[at] = copy(&list[from]);
        }
        _ => change(u, &mut list[at])?,
    }
    Ok(())
}

fn element(u: &mut Unstructured<'_>, value: &mut F) -> Result<()> {
    *value = match u.int_in_range(0..=3)? {
        0 => F::ZERO,
        1 => *value + F::ONE,
        2 => -*value,
        _ => F::from_u32(u.arbitrary()?),
    };
    Ok(())
}

fn extension(u: &mut Unstructured<'_>, value: &mut EF) -> Result<()> {
    *value = match u.int_in_range(0..=3)? {
        0 => EF::ZERO,
        1 => *value + EF::ONE,
        2 => -*value,
        _ => *value + EF::from(F::from_u32(u.arbitrary()?)),
    };
    Ok(())
}

fn elements(u: &mut Unstructured<'_>, values: &mut Vec<F>) -> Result<()> {
    list(u, values, |v| *v, element)
}

fn extensions(u: &mut Unstructured<'_>, values: &mut Vec<EF>) -> Result<()> {
    list(u, values, |v| *v, extension)
}

/// Changes digests within caps, and how they are shared out among roots.
fn roots(u: &mut Unstructured<'_>, roots: &mut Vec<Root>) -> Result<()> {
    if roots.len() > 1 && u.ratio(1, 3)? {
        // One digest more here, one root fewer there: the same digests in the same order.
        let at = u.choose_index(roots.len() - 1)?;
        let mut digests = roots[at].roots().to_vec();
        digests.extend(roots[at + 1].roots());
        if digests.len().is_power_of_two() {
            roots[at] = <Root>::new(digests);
            roots.remove(at + 1);
        }
        return Ok(());
    }
    list(u, roots, Clone::clone, |u, root| {
        let mut digests = root.roots().to_vec();
        let at = u.choose_index(digests.len())?;
        match u.int_in_range(0..=2)? {
            0 => digests.extend(digests.clone()),
            1 => digests.truncate(digests.len().div_ceil(2)),
            _ => {
                let i = u.choose_index(digests[at].len())?;
                element(u, &mut digests[at][i])?;
            }
        }
        *root = <Root>::new(digests);
        Ok(())
    })
}

/// Changes one field of a decoded proof; `other` is another proof to take fields from.
fn field(u: &mut Unstructured<'_>, proof: &mut Proof, other: &[u8]) -> Result<()> {
    let fri = &mut proof.opening_proof;
    match u.int_in_range(0..=19)? {
        0 => roots(u, &mut proof.commitments.main.0)?,
        1 => roots(u, &mut proof.commitments.quotient_chunks.0)?,
        2 => match &mut proof.commitments.permutation {
            Some(permutation) if u.ratio(7, 8)? => roots(u, &mut permutation.0)?,
            permutation => *permutation = None,
        },
        3 => proof.commitments.random = Some(proof.commitments.main.clone()),
        4 => {
            let (main, chunks) = (
                &mut proof.commitments.main,
                &mut proof.commitments.quotient_chunks,
            );
            std::mem::swap(main, chunks);
        }
        5 => list(
            u,
            &mut proof.degree_bits,
            |v| *v,
            |u, bits| {
                *bits = match u.int_in_range(0..=2)? {
                    0 => bits.wrapping_add(1),
                    1 => bits.wrapping_sub(1),
                    _ => u.arbitrary()?,
                };
                Ok(())
            },
        )?,
        6 => list(
            u,
            &mut proof.lookup_terminals,
            |v| *v,
            |u, terminal| {
                match terminal {
                    Some(value) if u.ratio(7, 8)? => extension(u, &mut value.0)?,
                    terminal => *terminal = None,
                }
                Ok(())
            },
        )?,
        7 => match &mut proof.lookup_pow_witness {
            Some(witness) if u.ratio(3, 4)? => element(u, witness)?,
            witness => *witness = None,
        },
        8 => element(u, &mut proof.ood_pow_witness)?,
        9 | 10 => {
            let instances = &mut proof.opened_values.instances;
            if u.ratio(1, 8)? {
                drop(instances.pop());
                return Ok(());
            }
            let at = u.choose_index(instances.len())?;
            let values = &mut instances[at];
            let base = &mut values.base_opened_values;
            match u.int_in_range(0..=6)? {
                0 => extensions(u, &mut base.trace_local)?,
                1 => match &mut base.trace_next {
                    Some(next) => extensions(u, next)?,
                    None => base.trace_next = Some(base.trace_local.clone()),
                },
                2 => base.preprocessed = None,
                3 => list(u, &mut base.quotient_chunks, Clone::clone, extensions)?,
                4 => extensions(u, &mut values.permutation_local)?,
                5 => extensions(u, &mut values.permutation_next)?,
                _ => {
                    let to = u.choose_index(instances.len())?;
                    instances.swap(at, to);
                }
            }
        }
        11 => {
            let mut caps = std::mem::take(&mut fri.commit_phase_commits);
            roots(u, &mut caps)?;
            fri.commit_phase_commits = caps;
        }
        12 => elements(u, &mut fri.commit_pow_witnesses)?,
        13 => element(u, &mut fri.batch_pow_witness)?,
        14 => element(u, &mut fri.query_pow_witness)?,
        15 => extensions(u, &mut fri.final_poly)?,
        16 | 17 => list(u, &mut fri.input_openings, Clone::clone, |u, opening| {
            list(u, &mut opening.opened_values, Clone::clone, |u, query| {
                list(u, query, Clone::clone, elements)
            })
        })?,
        18 => list(
            u,
            &mut fri.commit_phase_openings,
            Clone::clone,
            |u, step| list(u, &mut step.sibling_values, Clone::clone, extensions),
        )?,
        _ => {
            if let Ok(other) = decode::<CarvedConfig>(other, other.len()) {
                match u.int_in_range(0..=3)? {
                    0 => proof.commitments = other.commitments,
                    1 => proof.opened_values = other.opened_values,
                    2 => proof.lookup_terminals = other.lookup_terminals,
                    _ => proof.opening_proof = other.opening_proof,
                }
            }
        }
    }
    Ok(())
}

/// Changes a proof: its bytes, or a few fields of what they say.
pub fn proof(u: &mut Unstructured<'_>, encoded: &mut Vec<u8>, other: &[u8]) -> Result<()> {
    if u.ratio(1, 4)? {
        return bytes(u, encoded, other);
    }
    let Ok(mut decoded) = decode::<CarvedConfig>(encoded, encoded.len()) else {
        return bytes(u, encoded, other);
    };
    for _ in 0..u.int_in_range(1..=2)? {
        field(u, &mut decoded, other)?;
    }
    if let Ok(changed) = postcard::to_allocvec(&decoded) {
        *encoded = changed;
    }
    Ok(())
}

/// Bytes of a frame's payload before its proof; `None` for a frame without one.
fn proof_at(kind: u8, payload: &[u8]) -> Option<usize> {
    match kind {
        EPOCH => Some(12),
        MERGE => Some(1),
        ROOT => Some(1 + usize::from(*payload.first()?)),
        _ => None,
    }
    .filter(|&at| at <= payload.len())
}

/// Changes a bundle that was taken apart; `other` is another to take frames from.
pub fn parts(u: &mut Unstructured<'_>, parts: &mut Parts, other: &Parts) -> Result<()> {
    if parts.frames.is_empty() {
        return Ok(());
    }
    let at = u.choose_index(parts.frames.len())?;
    let from = &other.frames[u.choose_index(other.frames.len())?];
    match u.int_in_range(0..=11)? {
        0 => {
            let at = u.choose_index(parts.header.len())?;
            parts.header[at] = match u.ratio(1, 2)? {
                true => parts.header[at] ^ 1 << u.int_in_range(0..=7)?,
                false => u.arbitrary()?,
            };
        }
        1 => parts.header = other.header.clone(),
        2 => drop(parts.frames.remove(at)),
        3 => parts.frames.insert(at, parts.frames[at].clone()),
        4 => parts.frames.insert(at, from.clone()),
        5 => parts.frames[at] = from.clone(),
        6 => {
            let to = u.choose_index(parts.frames.len())?;
            parts.frames.swap(at, to);
        }
        7 => parts.frames[at].0 = u.int_in_range(0..=5)?,
        8 => {
            // Entry, exit and cycles of an epoch; epochs and exit code of a result; heights.
            let payload = &mut parts.frames[at].1;
            let at = u.choose_index(payload.len().clamp(1, 16))?;
            if let Some(byte) = payload.get_mut(at) {
                *byte = match u.ratio(1, 2)? {
                    true => *byte ^ 1 << u.int_in_range(0..=7)?,
                    false => u.arbitrary()?,
                };
            }
        }
        9 => {
            // More of anything: up to 4 MiB.
            let len = parts.frames[at].1.len() + (1 << u.int_in_range(0..=22)?);
            parts.frames[at].1.resize(len, u.arbitrary()?);
        }
        _ => {
            let (kind, payload) = &mut parts.frames[at];
            let (Some(start), Some(other)) = (proof_at(*kind, payload), proof_at(from.0, &from.1))
            else {
                return bytes(u, payload, &from.1);
            };
            let mut encoded = payload.split_off(start);
            let changed = proof(u, &mut encoded, &from.1[other..]);
            payload.extend(encoded);
            changed?;
        }
    }
    Ok(())
}

/// One of `files` with changes that `choices` make: mostly to its headers.
pub fn file(choices: &[u8], files: &[Vec<u8>]) -> Vec<u8> {
    let u = &mut Unstructured::new(choices);
    let mut file = u.choose(files).cloned().unwrap_or_default();
    let _ = (|| -> Result<()> {
        let other: &[u8] = u.choose(files)?;
        for _ in 0..u.int_in_range(1..=4)? {
            // The file's header and two program headers.
            const HEADERS: usize = 52 + 2 * 32;
            if file.len() < HEADERS || u.ratio(1, 4)? {
                bytes(u, &mut file, other)?;
                continue;
            }
            let at = 4 * u.choose_index(HEADERS / 4)?;
            let word = match u.int_in_range(0..=3)? {
                0 => 1 << u.int_in_range(0..=31)?,
                1 => u32::arbitrary(u)?,
                2 => 0_u32.wrapping_sub(u.int_in_range(0..=64)?),
                _ => u.int_in_range(0..=0x0004_0000)?,
            };
            file[at..at + 4].copy_from_slice(&word.to_le_bytes());
        }
        Ok(())
    })();
    file
}
