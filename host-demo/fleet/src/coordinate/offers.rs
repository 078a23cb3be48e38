//! What workers offer, and what becomes of it.

use std::time::{Duration, Instant};

use deadpool_postgres::GenericClient;
use tokio::time::sleep;
use tranche::answer::say;

use crate::blobs;
use crate::error::Error;
use crate::job::{Job, Kind};
use crate::run::Run;

/// Offers that are looked at between two looks at all else.
const OFFERS: i64 = 64;
/// How long is waited for an offer, at least and at most; twice as long each time that there is none.
const WAIT: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(200)];
/// Between two looks for jobs that are lost.
const RECONCILE: Duration = Duration::from_secs(2);

/// What a coordinator has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Epochs or batches that were planned.
    pub planned: u32,
    /// Results that were accepted here.
    pub accepted: u64,
    /// Workers that were refused here.
    pub refused: u64,
}

/// What a worker offers for a job.
pub struct Offer {
    pub id: i64,
    pub job: Job,
    pub worker: i64,
    pub bytes: Vec<u8>,
    /// What was accepted for the job before.
    pub known: Option<i64>,
}

/// What is offered for jobs of a run, the earliest first.
pub async fn offers(link: &impl GenericClient, run: i64) -> Result<Vec<(Offer, i64)>, Error> {
    let find = link
        .prepare_cached(
            "select o.id, o.kind, o.level, o.index, o.worker, o.proof, j.proof \
             from tranche.offers o join tranche.jobs j using (run, kind, level, index) \
             where o.run = $1 order by o.id limit $2",
        )
        .await?;
    let rows = link.query(&find, &[&run, &OFFERS]).await?;
    let offers = rows.iter().map(|row| {
        let offer = Offer {
            id: row.get(0),
            job: Job {
                run,
                kind: Kind::named(row.get(1)).ok_or(Error::Missing)?,
                level: row.get(2),
                index: row.get(3),
            },
            worker: row.get(4),
            bytes: Vec::new(),
            known: row.get(6),
        };
        Ok((offer, row.get(5)))
    });
    offers.collect()
}

impl Offer {
    /// Reads what is offered. Fewer bytes than were announced are as wrong as others.
    pub async fn read(&mut self, link: &impl GenericClient, blob: i64) -> Result<(), Error> {
        self.bytes = match blobs::get(link, Some(blob)).await {
            Err(Error::Missing) => Vec::new(),
            bytes => bytes?,
        };
        Ok(())
    }

    /// Whether the same was accepted before; nothing where nothing was.
    pub async fn is_known(&self, link: &impl GenericClient) -> Result<Option<bool>, Error> {
        match self.known {
            Some(known) => Ok(Some(blobs::get(link, Some(known)).await? == self.bytes)),
            None => Ok(None),
        }
    }

    /// Drops it, as it is there already.
    pub async fn repeat(&self, link: &impl GenericClient) -> Result<(), Error> {
        let repeat = link.prepare_cached("select tranche.repeat($1)").await?;
        link.execute(&repeat, &[&self.id]).await?;
        Ok(())
    }

    /// Takes it.
    pub async fn accept(
        &self,
        link: &impl GenericClient,
        done: &mut Progress,
    ) -> Result<(), Error> {
        let accept = link.prepare_cached("select tranche.accept($1)").await?;
        link.execute(&accept, &[&self.id]).await?;
        done.accepted += 1;
        Ok(())
    }

    /// Drops it, and marks its worker.
    pub async fn refuse(
        &self,
        link: &impl GenericClient,
        why: &str,
        done: &mut Progress,
    ) -> Result<(), Error> {
        let Job {
            run,
            kind,
            level,
            index,
        } = &self.job;
        let (worker, kind) = (self.worker, kind.name());
        let why = format!("{kind} {level}/{index}: {why}");
        say(format_args!(
            "tranche-fleet: run {run}: worker {worker} is refused: {why}"
        ));
        let refuse = link.prepare_cached("select tranche.refuse($1, $2)").await?;
        link.execute(&refuse, &[&self.id, &why]).await?;
        done.refused += 1;
        Ok(())
    }
}

/// What a coordinator does while it waits for offers.
pub struct Watch {
    wait: Duration,
    reconciled: Instant,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            wait: WAIT[0],
            reconciled: Instant::now(),
        }
    }
}

impl Watch {
    /// Puts lost jobs of a run back now and then, and ends the run when one was given up; waits when nothing is done, the
    /// longer the more often.
    pub async fn pass(
        &mut self,
        link: &impl GenericClient,
        run: i64,
        is_busy: bool,
    ) -> Result<(), Error> {
        if self.reconciled.elapsed() >= RECONCILE {
            self.reconciled = Instant::now();
            let row = link
                .query_one("select tranche.reconcile($1)", &[&run])
                .await?;
            if let Some(why) = row.get::<_, Option<String>>(0) {
                close(link, run, "failed", Some(&why)).await?;
            }
        }
        if is_busy {
            self.wait = WAIT[0];
        } else {
            sleep(self.wait).await;
            self.wait = (self.wait * 2).min(WAIT[1]);
        }
        Ok(())
    }
}

/// Ends a run.
pub async fn close(
    link: &impl GenericClient,
    run: i64,
    becomes: &str,
    why: Option<&str>,
) -> Result<(), Error> {
    let close = "select tranche.close($1, $2, $3)";
    link.execute(close, &[&run, &becomes, &why]).await?;
    Ok(())
}

/// Whether nothing is left to do of a run.
pub async fn is_over(link: &impl GenericClient, run: i64) -> Result<bool, Error> {
    let run = Run::find(link, run).await?;
    match run.state.as_str() {
        "done" | "fetched" => Ok(true),
        _ => run.check().map(|()| false),
    }
}
