//! `tranche-fleet worker`: takes jobs from the queue and returns their proofs, or the records of batches.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use graphile_worker::{
    Database, IntoTaskHandlerResult, TaskHandler, Worker, WorkerContext, WorkerOptions,
    WorkerRecoveryConfig, WorkerShutdownConfig,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_postgres::types::ToSql;
use tranche::answer::say;
use tranche::prove::remote as tree;
use tranche::retire::remote::{Queries, Source, Step, Task, decode};
use tranche_backend::Team;

use crate::bench::{Context, Contexts};
use crate::blobs::{self, PIECE_BYTES};
use crate::database::{self, Link};
use crate::error::Error;
use crate::init::QUEUE;
use crate::job::{Job, Kind};
use crate::prover::{Prover, Work, provers};
use crate::run::{Guest, Head};
use crate::wake::{Driver, Wake};

/// How long a worker waits before it goes back to a database that was not there.
const AGAIN: Duration = Duration::from_secs(1);
/// Blobs that all batches of a run share, and that are kept: those of four runs.
const SHARED: usize = 8;
/// log2 of the most bytes that a job may ask for.
const CLASSES: u32 = 48;
/// Tries to hand in a proof that is made, while the database is not there.
const TRIES: u32 = 30;
/// Pieces of a proof that are under way to the database at once.
const PIECES: usize = 4;
/// How often a worker says that it is there, at least: who was not seen for a minute is counted no more.
const BEAT: Duration = Duration::from_secs(20);
/// Between two looks of the queue's own, besides those of [`Wake`].
const SELDOM: Duration = Duration::from_secs(3600);

/// How a worker works.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What it is called.
    pub name: String,
    /// Threads that prove, each a job; those that have none help.
    pub threads: NonZeroUsize,
    /// Bytes that all of them may take.
    pub memory: Option<u64>,
    /// How long a worker that is not heard of keeps its jobs.
    pub lease: Duration,
    /// Between two looks for a job by a worker that has nothing to do, and was not told of any, where there are few workers.
    pub poll: Duration,
}

impl Settings {
    /// Bytes that one thread may take.
    fn each(&self) -> Option<u64> {
        self.memory.map(|bytes| bytes / self.threads.get() as u64)
    }
}

/// What the handlers of jobs share.
#[derive(Debug)]
struct Shared {
    database: database::Database,
    worker: i64,
    prover: Box<dyn Prover>,
    contexts: Contexts,
    /// What batches of a run share, by their blobs.
    parts: Mutex<VecDeque<(i64, Arc<Vec<u8>>)>>,
    /// When to look for a job.
    wake: Arc<Wake>,
    /// Why nothing more is taken from this worker.
    refused: Mutex<Option<Error>>,
    stop: Notify,
}

/// A job as the queue has it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct Prove(Job);

impl TaskHandler for Prove {
    const IDENTIFIER: &'static str = "tranche_prove";

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let Some(shared) = context.get_ext::<Arc<Shared>>().cloned() else {
            return Err("a worker without its own".to_owned());
        };
        let _doing = shared.wake.doing();
        shared.attempt(&self.0).await.map_err(|error| {
            let text = error.to_string();
            shared.notice(error);
            text
        })
    }
}

/// Works until it is asked to end.
///
/// # Errors
/// When the database cannot be reached at first, or refuses the worker.
pub async fn run(database: &database::Database, settings: &Settings) -> Result<(), Error> {
    let team = Team::new(settings.threads.get());
    let prover = Box::new(provers(settings.each(), team));
    run_with(database, settings, prover).await
}

/// As [`run`], with proofs that come from elsewhere.
///
/// # Errors
/// As [`run`].
pub async fn run_with(
    database: &database::Database,
    settings: &Settings,
    prover: Box<dyn Prover>,
) -> Result<(), Error> {
    let link = database.connect_checked().await?;
    let (threads, memory) = (settings.threads.get(), settings.memory);
    let register = "select tranche.register($1, $2, $3)";
    let row = link
        .query_one(
            register,
            &[
                &settings.name,
                &(threads as i32),
                &memory.map(|bytes| bytes as i64),
            ],
        )
        .await?;
    drop(link);
    let shared = Arc::new(Shared {
        database: database.clone(),
        worker: row.get(0),
        prover,
        contexts: Contexts::default(),
        parts: Mutex::default(),
        wake: Arc::new(Wake::new(threads, settings.poll)),
        refused: Mutex::default(),
        stop: Notify::new(),
    });
    shared.beat().await?;
    let interval = BEAT.min(settings.lease / 3);
    let beats = tokio::spawn(beat(shared.clone(), interval));
    let worked = work(&shared, settings).await;
    beats.abort();
    match shared.refusal().take() {
        Some(refused) => Err(refused),
        None => worked,
    }
}

/// Serves the queue, through restarts of the database.
async fn work(shared: &Arc<Shared>, settings: &Settings) -> Result<(), Error> {
    loop {
        let served = match serve(shared, settings).await {
            Ok(worker) => worker
                .run()
                .await
                .map_err(|error| Error::Serve(error.to_string())),
            Err(error) => Err(error),
        };
        match served {
            Ok(()) => return Ok(()),
            Err(_) if shared.refusal().is_some() => return Ok(()),
            Err(error) => {
                say(format_args!("tranche-fleet: {error}; trying again"));
                tokio::select! {
                    () = sleep(AGAIN) => {}
                    _ = tokio::signal::ctrl_c() => return Ok(()),
                }
            }
        }
    }
}

/// A worker of the queue, whose jobs go back when nothing is heard of it for a lease.
async fn serve(shared: &Arc<Shared>, settings: &Settings) -> Result<Worker, Error> {
    let recovery = WorkerRecoveryConfig::default()
        .heartbeat_interval(settings.lease / 4)
        .sweep_interval(settings.lease / 4)
        .sweep_threshold(settings.lease)
        .recovery_delay(Duration::ZERO);
    let stop = shared.clone();
    let shutdown = WorkerShutdownConfig::default()
        .interrupted_job_retry_delay(Duration::ZERO)
        .shutdown_signal(async move { stop.stop.notified().await });
    let mut options = WorkerOptions::default()
        .schema(QUEUE)
        .database(Database::new(Driver {
            database: shared.database.queue().clone(),
            wake: shared.wake.clone(),
        }))
        .concurrency(settings.threads.get())
        .poll_interval(SELDOM)
        .worker_recovery(recovery)
        .worker_shutdown(shutdown)
        .add_extension(shared.clone())
        .define_job::<Prove>();
    for class in 0..CLASSES {
        if settings.each().is_some_and(|bytes| 1 << class > bytes) {
            options = options.add_forbidden_flag(&format!("bytes_2^{class}"));
        }
    }
    options
        .init()
        .await
        .map_err(|error| Error::Serve(error.to_string()))
}

/// Says again and again that the worker is there.
async fn beat(shared: Arc<Shared>, interval: Duration) {
    loop {
        sleep(interval).await;
        match shared.beat().await {
            Err(error) if !error.is_passing() => shared.notice(error),
            _ => {}
        }
    }
}

impl Shared {
    fn refusal(&self) -> std::sync::MutexGuard<'_, Option<Error>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops the worker when the error is that it is refused.
    fn notice(&self, error: Error) {
        if error.is_refusal() {
            self.refusal().get_or_insert(error);
            self.stop.notify_one();
        } else {
            say(format_args!("tranche-fleet: {error}"));
        }
    }

    /// Says that the worker is there, and learns who else is.
    async fn beat(&self) -> Result<(), Error> {
        let link = self.database.connect().await?;
        let beat = link
            .prepare_cached("select before, threads from tranche.beat($1)")
            .await?;
        let row = link.query_one(&beat, &[&self.worker]).await?;
        self.wake.among(row.get(0), row.get(1));
        Ok(())
    }

    /// Does a job, or says why it cannot be done. What passes is left to the queue, which tries again.
    async fn attempt(&self, job: &Job) -> Result<(), Error> {
        let error = match self.job(job).await {
            Err(error) if !error.is_passing() && !error.is_refusal() => error,
            other => return other,
        };
        let link = self.database.connect().await?;
        let fail = link
            .prepare_cached("select tranche.fail($1, $2, $3, $4, $5, $6)")
            .await?;
        let (kind, why) = (job.kind.name(), error.to_string());
        link.execute(
            &fail,
            &[&self.worker, &job.run, &kind, &job.level, &job.index, &why],
        )
        .await?;
        self.notice(error);
        Ok(())
    }

    /// Does a job, if it is wanted.
    async fn job(&self, job: &Job) -> Result<(), Error> {
        let start = Instant::now();
        let link = self.database.connect().await?;
        let take = link
            .prepare_cached(
                "select header, program, task, shared, public, first_piece from tranche.take($1, $2, $3, $4, $5)",
            )
            .await?;
        let kind = job.kind.name();
        let row = link
            .query_opt(
                &take,
                &[&self.worker, &job.run, &kind, &job.level, &job.index],
            )
            .await?;
        let Some(row) = row else { return Ok(()) };
        let (header, program): (&[u8], i64) = (row.get(0), row.get(1));
        let Some(task) = row.get::<_, Option<i64>>(2) else {
            // Why, the next beat tells.
            return Err(Error::Missing);
        };
        let context = match self.contexts.known(program) {
            Some(context) => context,
            None => {
                let elf = blobs::taken(&link, self.worker, program).await?;
                let public = match row.get(4) {
                    Some(public) => blobs::taken(&link, self.worker, public).await?,
                    None => Vec::new(),
                };
                self.contexts.keep(Context {
                    key: program,
                    guest: Guest { elf, public },
                    header: Head::read(header)?,
                })
            }
        };
        let task = blobs::rest(&link, self.worker, task, row.get(5)).await?;
        let mut shared = Vec::new();
        for blob in row.get::<_, Vec<Option<i64>>>(3) {
            let blob = blob.ok_or(Error::Missing)?;
            shared.push(self.part(&link, blob).await?);
        }
        drop(link);
        let work = work_of(job, task, &shared)?;
        let (proof, proving) = self.prover.prove(job, context, work).await?;
        let mut tries = 1;
        loop {
            match self.offer(job, &proof, proving, start).await {
                Err(error) if error.is_passing() && tries < TRIES => {
                    tries += 1;
                    sleep(AGAIN).await;
                }
                other => return other,
            }
        }
    }

    /// What all batches of a run share.
    async fn part(&self, link: &Link, blob: i64) -> Result<Arc<Vec<u8>>, Error> {
        let parts = || self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let known = parts().iter().find(|(known, _)| *known == blob).cloned();
        if let Some((_, part)) = known {
            return Ok(part);
        }
        let part = Arc::new(blobs::taken(link, self.worker, blob).await?);
        let mut parts = parts();
        parts.truncate(SHARED - 1);
        parts.push_front((blob, part.clone()));
        Ok(part)
    }

    /// Hands in a proof: all of it, or nothing.
    async fn offer(
        &self,
        job: &Job,
        proof: &[u8],
        proving: Duration,
        start: Instant,
    ) -> Result<(), Error> {
        let mut link = self.database.connect().await?;
        let transaction = link.transaction().await?;
        let room = transaction
            .prepare_cached("select tranche.room($1, $2, $3)")
            .await?;
        let row = transaction
            .query_one(&room, &[&self.worker, &job.run, &(proof.len() as i64)])
            .await?;
        let Some(blob) = row.get::<_, Option<i64>>(0) else {
            return Ok(());
        };
        let fill = transaction
            .prepare_cached("select tranche.fill($1, $2, $3, $4)")
            .await?;
        // Some are under way at once: not each waits until the one before is written.
        let pieces = (0_i32..).zip(proof.chunks(PIECE_BYTES));
        let filled: Vec<_> = pieces
            .map(|(n, piece)| {
                let (transaction, fill) = (&transaction, &fill);
                async move {
                    let values: [&(dyn ToSql + Sync); 4] = [&self.worker, &blob, &n, &piece];
                    transaction.execute(fill, &values).await
                }
            })
            .collect();
        let mut filled = stream::iter(filled).buffered(PIECES);
        while filled.next().await.transpose()?.is_some() {}
        drop(filled);
        let offer = transaction
            .prepare_cached("select tranche.offer($1, $2, $3, $4, $5, $6, $7, $8)")
            .await?;
        let (kind, proving, whole) = (
            job.kind.name(),
            proving.as_secs_f64(),
            start.elapsed().as_secs_f64(),
        );
        let row = transaction
            .query_one(
                &offer,
                &[
                    &self.worker,
                    &job.run,
                    &kind,
                    &job.level,
                    &job.index,
                    &blob,
                    &proving,
                    &whole,
                ],
            )
            .await?;
        if row.get(0) {
            transaction.commit().await?;
        }
        Ok(())
    }
}

/// What is to be done for a job, from its own bytes and those that it shares with others.
fn work_of(job: &Job, task: Vec<u8>, shared: &[Arc<Vec<u8>>]) -> Result<Work, Error> {
    let shared = |number: usize| shared.get(number).ok_or(Error::Missing);
    let commitments = || Ok::<_, Error>(decode::<Vec<Vec<u8>>>(shared(0)?)?);
    let step = match job.kind {
        Kind::Epoch => return Ok(Work::Tree(tree::Work::Epoch(task))),
        Kind::Merge => return Ok(Work::Tree(tree::Work::Merge(task))),
        Kind::Commit => Step::Commit,
        Kind::Argue => Step::Argue(commitments()?),
        Kind::Open => {
            let mut queries: Vec<Queries> = decode(shared(1)?)?;
            let batch = job.index as usize;
            if batch >= queries.len() {
                return Err(Error::Missing);
            }
            Step::Open(commitments()?, queries.swap_remove(batch))
        }
    };
    let source: Source = decode(&task)?;
    Ok(Work::Batch(Box::new(Task::new(
        job.index as usize,
        source,
        step,
    ))))
}
