//! What workers offer, and what becomes of it.

use std::time::Duration;

use deadpool_postgres::GenericClient;
use tranche::answer::say;

use crate::blobs;
use crate::error::Error;
use crate::job::{Job, Kind};

/// Offers of a run that are looked at between two looks at all else.
const OFFERS: i64 = 64;

/// What a worker offers for a job.
#[derive(Debug)]
pub struct Offer {
    /// Its number.
    pub id: i64,
    /// The job.
    pub job: Job,
    /// The worker.
    pub worker: i64,
    /// What is offered, once it is read.
    pub bytes: Vec<u8>,
    /// What was accepted for the job before.
    pub known: Option<i64>,
}

/// Blobs that an offer is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Judged {
    /// What is offered.
    pub proof: i64,
    /// What it has to say.
    pub claim: Option<i64>,
    /// The run's program.
    pub program: Option<i64>,
}

/// What is offered for jobs of a run, the earliest first.
///
/// # Errors
/// The database's.
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
    /// The earliest offer of a run in epochs, or of any but some, that is in nobody's hand; it is in that of the transaction then,
    /// for so long at most as nothing is done with it.
    ///
    /// # Errors
    /// The database's.
    pub async fn next(
        link: &impl GenericClient,
        run: Option<i64>,
        left_out: &[i64],
        lease: Duration,
    ) -> Result<Option<(Self, Judged)>, Error> {
        let hand = link
            .prepare_cached(
                "select offer, run, kind, level, index, worker, proof, known, claim, program from tranche.hand($1, $2, $3)",
            )
            .await?;
        let lease = milliseconds(lease);
        let row = link.query_opt(&hand, &[&run, &left_out, &lease]).await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let offer = Self {
            id: row.get(0),
            job: Job {
                run: row.get(1),
                kind: Kind::named(row.get(2)).ok_or(Error::Missing)?,
                level: row.get(3),
                index: row.get(4),
            },
            worker: row.get(5),
            bytes: Vec::new(),
            known: row.get(7),
        };
        let by = Judged {
            proof: row.get(6),
            claim: row.get(8),
            program: row.get(9),
        };
        Ok(Some((offer, by)))
    }

    /// Reads what is offered. Fewer bytes than were announced are as wrong as others.
    ///
    /// # Errors
    /// The database's.
    pub async fn read(&mut self, link: &impl GenericClient, blob: i64) -> Result<(), Error> {
        self.bytes = match blobs::get(link, Some(blob)).await {
            Err(Error::Missing) => Vec::new(),
            bytes => bytes?,
        };
        Ok(())
    }

    /// Whether the same was accepted before; nothing where nothing was.
    ///
    /// # Errors
    /// As [`blobs::get`].
    pub async fn is_known(&self, link: &impl GenericClient) -> Result<Option<bool>, Error> {
        match self.known {
            Some(known) => Ok(Some(blobs::get(link, Some(known)).await? == self.bytes)),
            None => Ok(None),
        }
    }

    /// Drops it, as it is there already.
    ///
    /// # Errors
    /// The database's.
    pub async fn repeat(&self, link: &impl GenericClient) -> Result<(), Error> {
        let repeat = link.prepare_cached("select tranche.repeat($1)").await?;
        link.execute(&repeat, &[&self.id]).await?;
        Ok(())
    }

    /// Takes it; false when it is gone, as its worker was marked meanwhile.
    ///
    /// # Errors
    /// The database's.
    pub async fn accept(&self, link: &impl GenericClient) -> Result<bool, Error> {
        let accept = link.prepare_cached("select tranche.accept($1)").await?;
        Ok(link.query_one(&accept, &[&self.id]).await?.get(0))
    }

    /// Drops it, and marks its worker.
    ///
    /// # Errors
    /// The database's.
    pub async fn refuse(&self, link: &impl GenericClient, why: &str) -> Result<(), Error> {
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
        Ok(())
    }
}

/// A lease as the database takes it.
pub fn milliseconds(lease: Duration) -> i32 {
    lease.as_millis().try_into().unwrap_or(i32::MAX)
}
