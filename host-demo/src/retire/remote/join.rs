//! Records into a bundle: what stands between arguments and openings, and the bytes in order.

use std::io::{self, Write};

use p3_field::{BasedVectorSpace, PrimeField32};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tranche_backend::Chosen;
use tranche_core::retire::{Join, Misfit};
use tranche_core::shape::Profile;
use tranche_core::{EF, F, Hashes};
use tranche_machine::Program;
use tranche_machine::batches::{DetachError, Detached, DetachedStorage, MAX_TABLES, RunTable};

use super::super::error::RetireProveError;
use super::super::header::Header;
use super::task::Queries;
use super::with_plan;
use crate::suite::{HostSuite, with_suite};
use crate::workspace::Workspace;

/// Why records do not join.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JoinError {
    /// A record is none that a batch of the run leaves.
    #[error(transparent)]
    Record(#[from] Misfit),
    /// The record of an argument cannot be had.
    #[error("the record of a batch cannot be read: {0}")]
    Read(#[from] io::Error),
    /// The run has no public values.
    #[error(transparent)]
    Detached(#[from] DetachError),
    /// The run cannot be planned, or its test cannot be set up.
    #[error(transparent)]
    Run(#[from] RetireProveError),
}

/// What follows from the records of all commitments and arguments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// Bytes of the proof before the arguments.
    pub head: Vec<u8>,
    /// Bytes of each argument's record that are not the proof's.
    pub kept: Vec<usize>,
    /// What each batch is opened at.
    pub queries: Vec<Queries>,
    /// Bytes of the proof between arguments and openings.
    pub folds: Vec<u8>,
    /// Bytes of the proof behind the openings.
    pub tail: Vec<u8>,
}

/// Adds the codewords of a run's batches and folds them. `argument` reads the record of a batch; it is asked for all of
/// them in order, twice.
///
/// # Errors
/// [`JoinError`]; of several records that do not fit, the first.
pub fn join(
    program: &Program<'_>,
    header: &Header,
    profile: Profile,
    commitments: &[Vec<u8>],
    argument: &mut dyn FnMut(usize) -> io::Result<Vec<u8>>,
) -> Result<Joined, JoinError> {
    with_suite!(header.hash, S => {
        join_with::<S>(program, header, profile, commitments, argument)
    })
}

fn join_with<S: HostSuite>(
    program: &Program<'_>,
    header: &Header,
    profile: Profile,
    commitments: &[Vec<u8>],
    argument: &mut dyn FnMut(usize) -> io::Result<Vec<u8>>,
) -> Result<Joined, JoinError>
where
    Chosen: Hashes<S>,
{
    with_join::<S, _>(
        program,
        header,
        profile,
        commitments,
        |batches, mut join| {
            let (mut kept, mut alphas) = (Vec::new(), Vec::new());
            for batch in 0..batches {
                let (alpha, before) = join.absorb(&argument(batch)?)?;
                kept.push(before);
                alphas.push(coordinates(alpha));
            }
            for batch in 0..batches {
                join.add(&argument(batch)?)?;
            }
            let (mut head, mut folds, mut tail) = (Vec::new(), Vec::new(), Vec::new());
            // Vectors take what they are given, and all batches are added.
            let Ok(()) = join.write_head(commitments, &mut head);
            let refused = |_| JoinError::Run(RetireProveError::Refused);
            let indices = join.fold(&mut folds).map_err(refused)?.to_vec();
            join.write_tail(&mut tail).map_err(refused)?;
            let queries = alphas.into_iter().map(|alpha| Queries {
                alpha,
                indices: indices.clone(),
            });
            Ok(Joined {
                head,
                kept,
                queries: queries.collect(),
                folds,
                tail,
            })
        },
    )
}

/// Shows the join of a run to `then`, with the number of its batches.
pub(super) fn with_join<S: HostSuite, T>(
    program: &Program<'_>,
    header: &Header,
    profile: Profile,
    commitments: &[Vec<u8>],
    then: impl for<'p> FnOnce(
        usize,
        Join<'p, 'p, Chosen, RunTable<'p>, MAX_TABLES, S>,
    ) -> Result<T, JoinError>,
) -> Result<T, JoinError>
where
    Chosen: Hashes<S>,
{
    with_plan::<S, _, _>(program, header, profile, |tables, plan| {
        let mut storage = DetachedStorage::new(&tables.shape().body);
        let run = Detached::new(tables, &header.spans, &mut storage)?;
        let (mut store, mut workspace) = (Workspace::default(), Workspace::default());
        let store = store
            .reserve(plan.join_store_len())
            .map_err(RetireProveError::from)?;
        let workspace = workspace
            .reserve(plan.join_workspace_len())
            .map_err(RetireProveError::from)?;
        let join = Join::<Chosen, _, MAX_TABLES, S>::new(
            plan,
            S::instance(),
            &run,
            commitments,
            store,
            workspace,
        );
        then(plan.batches(), join.map_err(RetireProveError::from)?)
    })
}

fn coordinates(value: EF) -> [u32; 4] {
    let coordinates: &[F] = value.as_basis_coefficients_slice();
    core::array::from_fn(|i| coordinates[i].as_canonical_u32())
}

/// Writes the bundle of a run: `argument` and `opening` are asked for the record of each batch in order. What is written
/// has to be [verified](super::super::verify()), since nobody has looked at the openings.
///
/// # Errors
/// As the writer and the readers fail.
pub fn bundle(
    header: &Header,
    joined: &Joined,
    argument: &mut dyn FnMut(usize) -> io::Result<Vec<u8>>,
    opening: &mut dyn FnMut(usize) -> io::Result<Vec<u8>>,
    out: &mut dyn Write,
) -> io::Result<()> {
    out.write_all(&header.to_bytes())?;
    out.write_all(&joined.head)?;
    for (batch, &kept) in joined.kept.iter().enumerate() {
        let record = argument(batch)?;
        out.write_all(record.get(kept..).unwrap_or_default())?;
    }
    out.write_all(&joined.folds)?;
    for batch in 0..joined.kept.len() {
        out.write_all(&opening(batch)?)?;
    }
    out.write_all(&joined.tail)
}
