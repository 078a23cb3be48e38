//! `tranche-fleet judge`: looks at the proofs of epochs and merges that workers offer, so that a coordinator does not have to.
//!
//! A proof is judged by its claim, which whoever planned its job has put into the database; nothing is executed here. While
//! one is judged, its offer is locked by that transaction: who is killed leaves nothing behind, and nobody else waits.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deadpool_postgres::{GenericClient, Transaction};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tranche::answer::say;
use tranche::prove::remote::{Claim, judge};
use tranche::verify::Check;
use tranche_machine::setup::{Setup, SetupError};

use crate::bench::{Bench, Context, Contexts, Give, Take};
use crate::blobs;
use crate::database::{Database, Link};
use crate::error::Error;
use crate::job::{Job, Kind};
use crate::offers::{Judged, Offer, milliseconds};
use crate::run::{Head, Run};
use crate::spent::{Part, Spent};

/// How long is waited for an offer, at least and at most for each thread; twice as long each time that there is none.
const WAIT: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(200)];
/// How long is waited for a database that is not there.
const AGAIN: Duration = Duration::from_secs(1);

/// A proof with its claim.
#[derive(Debug)]
struct Case {
    job: Job,
    claim: Vec<u8>,
    proof: Vec<u8>,
}

/// Threads that judge proofs, each that of any run.
#[derive(Debug)]
pub struct Judges {
    bench: Bench<Case, Result<(), Check>>,
    contexts: Contexts,
    lease: Duration,
}

impl Judges {
    /// Threads, started when they are needed; who has an offer in hand and does nothing for a lease loses it.
    pub fn new(lease: Duration, spent: Spent) -> Self {
        Self {
            bench: Bench::new(move |context, give, take| judge_run(context, &spent, give, take)),
            contexts: Contexts::default(),
            lease,
        }
    }

    /// Judges the earliest offer of a run in epochs, or of any but some, that nobody else has in hand; false when there is
    /// none.
    ///
    /// # Errors
    /// [`Error::Unjudged`] when nothing can be said of it, as what it is judged by is no claim of its run; the database's.
    pub async fn judge_next(
        &self,
        link: &mut Link,
        run: Option<i64>,
        left_out: &[i64],
    ) -> Result<bool, Error> {
        let transaction = link.transaction().await?;
        let next = Offer::next(&transaction, run, left_out, self.lease);
        let Some((offer, by)) = next.await? else {
            return Ok(false);
        };
        let run = offer.job.run;
        let judged = self.judge(transaction, offer, by).await;
        let refused = judged.map_err(|error| match error.is_passing() {
            true => error,
            false => Error::Unjudged {
                run,
                why: Box::new(error),
            },
        })?;
        // All that the worker has offered is dropped; others may have some of it in hand, and wait until this is let go of.
        if let Some((offer, why)) = refused {
            offer.refuse(link, &why).await?;
        }
        Ok(true)
    }

    /// Judges an offer in the transaction that has it in hand; returns it with the reason when it is refused.
    async fn judge(
        &self,
        transaction: Transaction<'_>,
        mut offer: Offer,
        by: Judged,
    ) -> Result<Option<(Offer, String)>, Error> {
        offer.read(&transaction, by.proof).await?;
        let why = match offer.is_known(&transaction).await? {
            Some(true) => {
                offer.repeat(&transaction).await?;
                transaction.commit().await?;
                return Ok(None);
            }
            Some(false) => "another proof of the job was accepted".to_owned(),
            None => match self.verdict(&transaction, &mut offer, by).await? {
                Ok(()) => {
                    offer.accept(&transaction).await?;
                    transaction.commit().await?;
                    return Ok(None);
                }
                Err(check) => check.to_string(),
            },
        };
        transaction.rollback().await?;
        Ok(Some((offer, why)))
    }

    async fn verdict(
        &self,
        link: &impl GenericClient,
        offer: &mut Offer,
        by: Judged,
    ) -> Result<Result<(), Check>, Error> {
        let key = by.program.ok_or(Error::Missing)?;
        let context = match self.contexts.known(key) {
            Some(context) => context,
            None => {
                let run = Run::find(link, offer.job.run).await?;
                self.contexts.keep(Context {
                    key,
                    guest: run.guest(link).await?,
                    header: run.header,
                })
            }
        };
        let case = Case {
            job: offer.job.clone(),
            claim: blobs::get(link, by.claim).await?,
            proof: std::mem::take(&mut offer.bytes),
        };
        Ok(self.bench.request(context, case).await?.0)
    }
}

/// Judges proofs of a run.
fn judge_run(
    context: &Context,
    spent: &Spent,
    give: &mut Give<'_, Case>,
    take: &mut Take<'_, Result<(), Check>>,
) -> Result<(), Error> {
    let Head::Epochs(header) = &context.header else {
        return Err(Error::Missing);
    };
    let program = context.guest.program()?;
    let program = header.program_of(&program).decoded();
    let setup = Setup::new(&program, header.settings).map_err(SetupError::from)?;
    let mut judge = spent.on(Part::Judge, || judge(&setup))?;
    while let Some(case) = give() {
        let claim = match case.job.kind {
            Kind::Epoch => Claim::Epoch(&case.claim),
            _ => Claim::Merge(&case.claim),
        };
        let place = case.job.place();
        let verdict = spent.on(Part::Judge, || judge.check(place, claim, &case.proof));
        take(verdict.map_err(Error::from));
    }
    Ok(())
}

/// How a judge works.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What it is called.
    pub name: String,
    /// Threads that judge.
    pub threads: NonZeroUsize,
    /// How long one that nothing is heard of counts as one that is there, and keeps what it has in hand.
    pub lease: Duration,
}

/// What the threads of a judge share.
#[derive(Debug)]
struct Shared {
    database: Database,
    judges: Judges,
    judged: AtomicI64,
    /// Runs of whose offers nothing can be said here.
    left_out: Mutex<Vec<i64>>,
    me: i64,
    lease: Duration,
    /// Told when there was an offer: others may follow it.
    busy: Notify,
    /// The longest wait of a thread.
    longest: Duration,
}

/// Judges until it is asked to end. Where nothing can be said of an offer, all of that run are left to its coordinator.
///
/// # Errors
/// The database's, unless it passes.
pub async fn run(database: &Database, settings: &Settings) -> Result<(), Error> {
    let threads = settings.threads.get();
    let lease = milliseconds(settings.lease);
    let link = database.connect_checked().await?;
    let sit = "select tranche.sit($1, $2, $3)";
    let row = link
        .query_one(sit, &[&settings.name, &(threads as i32), &lease])
        .await?;
    let me = row.get(0);
    drop(link);
    let shared = Arc::new(Shared {
        database: database.clone(),
        judges: Judges::new(settings.lease, Spent::default()),
        judged: AtomicI64::new(0),
        left_out: Mutex::default(),
        me,
        lease: settings.lease,
        busy: Notify::new(),
        longest: WAIT[1] * threads as u32,
    });
    let mut seats = JoinSet::new();
    for _ in 0..threads {
        let shared = shared.clone();
        seats.spawn(async move { shared.sit().await });
    }
    let ended = async {
        let mut terminated = signal(SignalKind::terminate()).map_err(Error::Start)?;
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated.recv() => {}
        }
        Ok(())
    };
    let beats = async {
        loop {
            sleep(settings.lease / 4).await;
            match shared.stay(settings.lease).await {
                Err(error) if !error.is_passing() => return Err(error),
                _ => {}
            }
        }
    };
    let result = tokio::select! {
        ended = ended => ended,
        failed = beats => failed,
        Some(seat) = seats.join_next() => seat.unwrap_or(Err(Error::Thread)),
    };
    // What is in hand is let go of.
    seats.shutdown().await;
    let _ = shared.stay(Duration::ZERO).await;
    result
}

impl Shared {
    /// Judges one offer after another.
    async fn sit(&self) -> Result<(), Error> {
        let mut wait = WAIT[0];
        loop {
            let looked = async {
                let mut link = self.database.connect().await?;
                let left_out = self.left_out().clone();
                self.judges.judge_next(&mut link, None, &left_out).await
            };
            match looked.await {
                Ok(true) => {
                    self.judged.fetch_add(1, Relaxed);
                    wait = WAIT[0];
                    self.busy.notify_one();
                }
                Ok(false) => {
                    tokio::select! {
                        () = sleep(wait) => wait = (2 * wait).min(self.longest),
                        () = self.busy.notified() => {}
                    }
                }
                Err(error) if error.is_passing() => {
                    say(format_args!("tranche-fleet: {error}; trying again"));
                    sleep(AGAIN).await;
                }
                Err(Error::Unjudged { run, why }) => {
                    if self.leave_out(run) {
                        say(format_args!(
                            "tranche-fleet: run {run} is left to its coordinator: {why}"
                        ));
                    }
                    let _ = self.stay(self.lease).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Leaves a run to its coordinator; false when another thread has done so.
    fn leave_out(&self, run: i64) -> bool {
        let mut left_out = self.left_out();
        let is_new = !left_out.contains(&run);
        left_out.extend(is_new.then_some(run));
        is_new
    }

    fn left_out(&self) -> MutexGuard<'_, Vec<i64>> {
        self.left_out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that the judge is there for a lease from now.
    async fn stay(&self, lease: Duration) -> Result<(), Error> {
        let link = self.database.connect().await?;
        let (judged, left_out) = (self.judged.load(Relaxed), self.left_out().clone());
        let stay = "select tranche.stay($1, $2, $3, $4)";
        link.execute(stay, &[&self.me, &judged, &left_out, &milliseconds(lease)])
            .await?;
        Ok(())
    }
}
