//! Records of batches made elsewhere, each looked at before it is taken.
//!
//! | record | is compared with | what is left |
//! |---|---|---|
//! | commitment | the fingerprint of the traces | its roots |
//! | argument | its fork, the degree of its codewords; all of them with constraints and buses, when they are joined | low codewords of other columns |
//! | openings | the roots; the codewords of the argument | – |
//!
//! So a record that was taken may still be false, and is found to be by what follows it: then the batch is made once more,
//! and the bytes that differ are the false ones.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};

use embedded_io_adapters::std::FromStd;
use p3_field::{BasedVectorSpace, PrimeCharacteristicRing};
use thiserror::Error;
use tranche_backend::Chosen;
use tranche_core::retire::Misfit;
use tranche_core::shape::Profile;
use tranche_core::verifier::{ForkedError, ForkedKeyError, Part, PlainConfig, Site, VerifierAir};
use tranche_core::{EF, F, Hashes};
use tranche_machine::Program;
use tranche_machine::batches::RunTable;

use super::super::error::RetireProveError;
use super::super::header::Header;
use super::super::verify::{forked_batches, forked_key};
use super::join::{JoinError, Joined, with_join};
use super::trace::Fingerprint;
use super::with_plan;
use crate::suite::{HostSuite, with_suite};

/// A batch and the record of it.
pub type Record = (usize, Vec<u8>);

/// Why records are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It is none that a batch of the run leaves.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// A commitment to other traces than the batch has.
    #[error("batch {batch} is committed to with other traces")]
    Traces {
        /// The batch.
        batch: usize,
    },
    /// The verifier of the bundle refuses it, or what it is opened under.
    #[error(transparent)]
    Proof(#[from] ForkedError),
    /// The codewords of an argument are not those of the rows that are opened.
    #[error("the codewords of batch {batch} are not those of its rows")]
    Codewords {
        /// The batch.
        batch: usize,
    },
}

impl Refusal {
    /// The batch where it is found, if it is one.
    pub const fn batch(&self) -> Option<usize> {
        match *self {
            Self::Misfit(Misfit { batch, .. })
            | Self::Traces { batch }
            | Self::Codewords { batch } => Some(batch),
            Self::Proof(ForkedError::Encoding { part } | ForkedError::Length { part, .. }) => {
                match part {
                    Part::Cap { batch, .. }
                    | Part::Terminals { batch }
                    | Part::Claims { batch }
                    | Part::Rows { batch } => Some(batch),
                    _ => None,
                }
            }
            Self::Proof(ForkedError::ProofOfWork { site }) => match site {
                Site::OutOfDomain { batch } | Site::Batching { batch } => Some(batch),
                _ => None,
            },
            Self::Proof(
                ForkedError::Point { batch }
                | ForkedError::Constraints { batch, .. }
                | ForkedError::Rows { batch, .. },
            ) => Some(batch),
            Self::Proof(_) => None,
        }
    }
}

/// Why records cannot be judged, or those that were taken make no proof.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JudgeError {
    /// Some record that was taken is false.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The run has no key.
    #[error(transparent)]
    Key(#[from] ForkedKeyError),
    /// The run cannot be planned, or a record cannot be had.
    #[error(transparent)]
    Join(#[from] JoinError),
}

impl From<RetireProveError> for JudgeError {
    fn from(error: RetireProveError) -> Self {
        Self::Join(error.into())
    }
}

/// Gives the next record, or nothing more.
pub type Next<'n> = dyn FnMut() -> Option<Record> + 'n;
/// Is told of each record, whether it may be taken.
pub type Verdict<'v> = dyn FnMut(Result<(), Refusal>) + 'v;
/// Reads the record of an argument.
pub type Argument<'r> = dyn FnMut(usize) -> io::Result<Vec<u8>> + 'r;

/// Looks at commitments of batches whose traces have these fingerprints.
///
/// # Errors
/// When the run cannot be planned.
pub fn commitments(
    program: &Program<'_>,
    header: &Header,
    fingerprints: &[Fingerprint],
    next: &mut Next<'_>,
    verdict: &mut Verdict<'_>,
) -> Result<(), JudgeError> {
    with_suite!(header.hash, S => {
        with_plan::<S, _, JudgeError>(program, header, Profile::Fast, |_, plan| {
            while let Some((batch, record)) = next() {
                let begins = |print: &Fingerprint| {
                    record.starts_with(print.map(u32::to_le_bytes).as_flattened())
                };
                verdict(if batch >= plan.batches() || !plan.is_commitment(batch, &record) {
                    Err(Misfit { walk: 0, batch }.into())
                } else if !fingerprints.get(batch).is_some_and(begins) {
                    Err(Refusal::Traces { batch })
                } else {
                    Ok(())
                });
            }
            Ok(())
        })
    })
}

/// Looks at arguments of batches that left these records of their commitments.
///
/// # Errors
/// When the run cannot be planned, or a commitment does not fit the plan.
pub fn arguments(
    program: &Program<'_>,
    header: &Header,
    commitments: &[Vec<u8>],
    next: &mut Next<'_>,
    verdict: &mut Verdict<'_>,
) -> Result<(), JudgeError> {
    with_suite!(header.hash, S => {
        with_join::<S, _>(program, header, Profile::Fast, commitments, |_, mut join| {
            while let Some((batch, record)) = next() {
                let examined = join.examine(batch, &record, random);
                verdict(examined.map_err(Refusal::from));
            }
            Ok(())
        })
    })?;
    Ok(())
}

/// An element that nobody else can know.
fn random() -> EF {
    let random = RandomState::new();
    EF::from_basis_coefficients_fn(|i| F::from_u64(random.hash_one(i)))
}

/// Looks at openings, in any order, each batch's once that is taken; `next` is asked for the first when all arguments are
/// found good, and openings of all batches make the proof whole.
///
/// # Errors
/// [`JudgeError`]; [`Refusal`] when records that were taken before make no proof.
pub fn openings(
    program: &Program<'_>,
    header: &Header,
    joined: &Joined,
    argument: &mut Argument<'_>,
    next: &mut Next<'_>,
    verdict: &mut Verdict<'_>,
) -> Result<(), JudgeError> {
    with_suite!(header.hash, S => {
        openings_with::<S>(program, header, joined, argument, next, verdict)
    })
}

fn openings_with<S: HostSuite>(
    program: &Program<'_>,
    header: &Header,
    joined: &Joined,
    argument: &mut Argument<'_>,
    next: &mut Next<'_>,
    verdict: &mut Verdict<'_>,
) -> Result<(), JudgeError>
where
    Chosen: Hashes<S>,
    for<'t> RunTable<'t>: VerifierAir<PlainConfig<S>>,
{
    with_plan::<S, _, JudgeError>(program, header, Profile::Fast, |tables, plan| {
        let key = forked_key::<S>(tables)?;
        let (sequence, publics) = forked_batches(tables, header);
        // What the codewords of each argument are at the queries.
        let mut codewords = Vec::new();
        let mut failed = None;
        let mut part = |number: usize| {
            if number == 0 {
                return Ok(Some(joined.head.clone()));
            }
            let Some((queries, &kept)) = joined
                .queries
                .get(number - 1)
                .zip(joined.kept.get(number - 1))
            else {
                return Ok((number == joined.kept.len() + 1).then(|| joined.folds.clone()));
            };
            let mut record = argument(number - 1)?;
            let mut values = vec![Vec::new(); queries.indices.len()];
            let _ = plan.codewords_at(number - 1, &record, &queries.indices, |query, value| {
                values[query].push(value);
            });
            codewords.push(values);
            Ok(Some(record.split_off(kept.min(record.len()))))
        };
        let parts = Parts {
            part: &mut part,
            number: 0,
            left: VecDeque::new(),
            failed: &mut failed,
        };
        let argued = key.verify_arguments(
            FromStd::new(parts),
            Some(&tables.statement()),
            &sequence,
            &publics,
        );
        if let Some(error) = failed {
            return Err(JoinError::Read(error).into());
        }
        let mut argued = argued.map_err(Refusal::from)?;
        while let Some((batch, record)) = next() {
            let values = argued.verify_openings(batch, &record[..]);
            verdict(match values {
                Ok(values) if codewords.get(batch) == Some(&values) => Ok(()),
                Ok(_) => Err(Refusal::Codewords { batch }),
                Err(error) => Err(error.into()),
            });
        }
        Ok(argued.finish(&joined.tail[..]).map_err(Refusal::from)?)
    })
}

/// Parts of a proof, one after another, as one stream.
struct Parts<'p> {
    part: &'p mut dyn FnMut(usize) -> io::Result<Option<Vec<u8>>>,
    number: usize,
    left: VecDeque<u8>,
    failed: &'p mut Option<io::Error>,
}

impl Read for Parts<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.left.is_empty() {
            match (self.part)(self.number) {
                Ok(Some(part)) => self.left = part.into(),
                Ok(None) => return Ok(0),
                Err(error) => {
                    let kind = error.kind();
                    self.failed.get_or_insert(error);
                    return Err(kind.into());
                }
            }
            self.number += 1;
        }
        self.left.read(to)
    }
}
