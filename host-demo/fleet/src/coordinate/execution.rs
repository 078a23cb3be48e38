//! An execution in batches: planned, joined, and made again where a record is in doubt.

use tokio::runtime::Handle;
use tranche::retire::remote::judge::{self, Argument, Next, Verdict};
use tranche::retire::remote::{Fingerprint, Joined, Source, Task, join, work};
use tranche::retire::{Header, Options, Surveyed};
use tranche_core::retire::Order;
use tranche_core::shape::Profile;
use tranche_machine::Program;
use tranche_machine::batches::RunShape;

use crate::blobs;
use crate::database::Database;
use crate::error::Error;
use crate::run::Loaded;

/// What a coordinator knows of a run in batches before any is made.
#[derive(Debug)]
pub struct Execution {
    /// The header of its bundle.
    pub header: Header,
    /// What it is executed from.
    pub loaded: Loaded,
}

impl Execution {
    /// Its batches.
    pub const fn batches(&self) -> usize {
        self.header.spans.len() + 1
    }

    fn program(&self) -> Result<Program<'_>, Error> {
        self.loaded.guest.program()
    }

    /// Executes it, and hands each batch to `each`, in order: what it is made from, and the fingerprint of its traces.
    ///
    /// # Errors
    /// [`Error::Diverged`], and when the execution cannot go on.
    pub fn plan(&self, each: impl FnMut(usize, Source, Fingerprint)) -> Result<(), Error> {
        let (
            header,
            Loaded {
                input, execution, ..
            },
        ) = (&self.header, &self.loaded);
        let program = self.program()?.with_blocks(header.blocks).decoded();
        let body = RunShape::body_of(&header.body, program.rom_log2());
        let run = Surveyed::with_body(&program, input, execution, body)?;
        let options = Options {
            hash: header.hash,
            params: header.params,
            ..Options::new(Order::Forked, body.cpu as u8)
        };
        if run.header(header.order, options.params, options.hash) != *header {
            return Err(Error::Diverged);
        }
        Ok(run.sources(&options, each)?)
    }

    /// Makes a batch.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make(&self, task: Task) -> Result<Vec<u8>, Error> {
        let (mut task, mut made) = (Some(task), None);
        let mut done = |result| made = Some(result);
        let program = self.program()?;
        work(
            &program,
            &self.header,
            Profile::Fast,
            &mut || task.take(),
            &mut done,
        )?;
        Ok(made.ok_or(Error::Missing)??.record)
    }

    /// Joins the batches that left these commitments and arguments.
    ///
    /// # Errors
    /// When they do not fit.
    pub fn join(
        &self,
        commitments: &[Vec<u8>],
        argument: &mut Argument<'_>,
    ) -> Result<Joined, Error> {
        let program = self.program()?;
        let joined = join(&program, &self.header, Profile::Fast, commitments, argument);
        Ok(joined.map_err(judge::JudgeError::from)?)
    }

    /// As [`judge::commitments`].
    pub fn judge_commitments(
        &self,
        fingerprints: &[Fingerprint],
        next: &mut Next<'_>,
        verdict: &mut Verdict<'_>,
    ) -> Result<(), Error> {
        let program = self.program()?;
        let judged = judge::commitments(&program, &self.header, fingerprints, next, verdict);
        Ok(judged?)
    }

    /// As [`judge::arguments`].
    pub fn judge_arguments(
        &self,
        commitments: &[Vec<u8>],
        next: &mut Next<'_>,
        verdict: &mut Verdict<'_>,
    ) -> Result<(), Error> {
        let program = self.program()?;
        let judged = judge::arguments(&program, &self.header, commitments, next, verdict);
        Ok(judged?)
    }

    /// As [`judge::openings`].
    pub fn judge_openings(
        &self,
        joined: &Joined,
        argument: &mut Argument<'_>,
        next: &mut Next<'_>,
        verdict: &mut Verdict<'_>,
    ) -> Result<(), Error> {
        let program = self.program()?;
        let judged = judge::openings(&program, &self.header, joined, argument, next, verdict);
        Ok(judged?)
    }
}

/// Records of arguments in the database, for a thread that waits for them.
#[derive(Clone, Debug)]
pub struct Arguments {
    pub database: Database,
    pub runtime: Handle,
    pub blobs: Vec<Option<i64>>,
}

impl Arguments {
    /// The record of a batch, through restarts of the database.
    ///
    /// # Errors
    /// The database's, unless it passes.
    pub fn read(&self, batch: usize) -> std::io::Result<Vec<u8>> {
        let blob = self.blobs.get(batch).copied().flatten();
        let read = blobs::get_again(&self.database, blob);
        self.runtime.block_on(read).map_err(std::io::Error::other)
    }
}
