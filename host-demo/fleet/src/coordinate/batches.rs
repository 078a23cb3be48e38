//! A run of one proof: its batches are committed, argued when all are committed, and opened when all are joined.
//!
//! A record is judged before it is taken, and may still be false ([`judge`](tranche::retire::remote::judge)). What comes after
//! it shows that; then the batch is made here once more, and whoever gave other bytes is refused. His records are made by
//! others, and what followed them is done again.

use std::collections::BTreeSet;
use std::sync::Arc;

use deadpool_postgres::GenericClient;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tranche::answer::say;
use tranche::retire::Header;
use tranche::retire::remote::judge::{JudgeError, Next, Refusal, Verdict};
use tranche::retire::remote::{
    Fingerprint, JoinError, Joined, Queries, Step, Task, decode, encode,
};

use super::execution::{Arguments, Execution};
use super::thread::{Court, apart};
use super::watch::{Watch, close, is_over};
use crate::blobs;
use crate::database::{Database, Link};
use crate::error::Error;
use crate::job::Kind;
use crate::offers::offers;
use crate::run::{Loaded, Run, Shared};
use crate::spent::{Part, Spent};

/// Batches that are executed and not yet in the database, at most.
const AHEAD: usize = 4;

/// Sees a run to its end in one session.
pub async fn coordinate(
    database: &Database,
    session: &mut Link,
    run: i64,
    (header, loaded): (Header, Loaded),
    spent: &Spent,
) -> Result<(), Error> {
    let mut desk = Desk {
        run,
        database,
        execution: Arc::new(Execution { header, loaded }),
        spent: spent.clone(),
    };
    let fingerprints = desk.plan(session).await?;
    loop {
        match desk.steps(session, &fingerprints).await {
            Ok(()) => return close(session, run, "done", None).await,
            Err(Halt::Over) => return Ok(()),
            Err(Halt::Again) => {}
            Err(Halt::Failed(error)) => return Err(error),
        }
    }
}

/// Why the steps of a run are not done one after another.
enum Halt {
    /// Nothing is left to do of the run.
    Over,
    /// Records were taken back.
    Again,
    Failed(Error),
}

impl<E: Into<Error>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// The refusal of records that were taken, where an error is one.
const fn refusal_of(error: &Error) -> Option<Refusal> {
    match error {
        Error::Judge(JudgeError::Refused(refusal)) => Some(*refusal),
        Error::Judge(JudgeError::Join(JoinError::Record(misfit))) => Some(Refusal::Misfit(*misfit)),
        _ => None,
    }
}

/// What a coordinator has before it.
struct Desk<'d> {
    run: i64,
    database: &'d Database,
    execution: Arc<Execution>,
    spent: Spent,
}

impl Desk<'_> {
    /// Executes the run, and has all batches committed that are not; returns the fingerprints of their traces.
    async fn plan(&mut self, session: &mut Link) -> Result<Vec<Fingerprint>, Error> {
        let known = jobs(session, self.run, Kind::Commit).await?;
        let known: BTreeSet<_> = known.iter().map(|job| job.batch).collect();
        let (batches, cycles) = {
            let execution = &self.execution;
            (execution.batches(), execution.loaded.execution.cycles)
        };
        let (send, planned) = mpsc::channel(AHEAD);
        let (execution, spent) = (self.execution.clone(), self.spent.clone());
        let planning = apart(move || {
            let each = |batch, source, print| {
                // Who does not listen any more has failed.
                let _ = send.blocking_send((batch, encode(&source), print));
            };
            spent.on(Part::Plan, || execution.plan(each))
        });
        let putting = async {
            // It ends with this, so that nobody waits for room in it.
            let (mut planned, mut fingerprints) = (planned, Vec::new());
            while let Some((batch, source, print)) = planned.recv().await {
                fingerprints.push(print);
                if known.contains(&batch) {
                    continue;
                }
                let transaction = session.transaction().await?;
                let cycles = cycles * (batch as u64 + 1) / batches as u64;
                let last = (batch + 1 == batches).then_some(batches as i32);
                // The row is locked, so that nothing of a run that was just closed is left behind.
                let going_on = "update tranche.runs set planned_cycles = $2, epochs = $3 \
                                where id = $1 and state = 'open'";
                let going_on = transaction
                    .execute(going_on, &[&self.run, &(cycles as i64), &last])
                    .await?;
                if going_on == 0 {
                    break;
                }
                let source = blobs::put(&transaction, self.run, &source).await?;
                put(&transaction, (self.run, Kind::Commit, 0), batch, source).await?;
                transaction.commit().await?;
            }
            Ok(fingerprints)
        };
        let (planned, fingerprints) = tokio::join!(planning, putting);
        planned?;
        fingerprints
    }

    /// Commits, argues and opens what is not.
    async fn steps(
        &mut self,
        session: &mut Link,
        fingerprints: &[Fingerprint],
    ) -> Result<(), Halt> {
        let (execution, prints) = (self.execution.clone(), fingerprints.to_vec());
        let court =
            self.court(move |next, verdict| execution.judge_commitments(&prints, next, verdict));
        self.gather(session, Kind::Commit, court.await?).await?;

        let commitments = self.commitments(session).await?;
        let (execution, known) = (self.execution.clone(), commitments.clone());
        let court =
            self.court(move |next, verdict| execution.judge_arguments(&known, next, verdict));
        self.gather(session, Kind::Argue, court.await?).await?;

        let court = match self.joined(session, commitments).await {
            Err(Halt::Failed(error)) => return Err(self.in_doubt(session, error).await?),
            court => court?,
        };
        for job in jobs(session, self.run, Kind::Open).await? {
            let Some(proof) = job.proof else { continue };
            let record = blobs::get(session, Some(proof)).await?;
            if let Err(refusal) = court.ask((job.batch, record)).await? {
                let error = JudgeError::from(refusal).into();
                return Err(self.in_doubt(session, error).await?);
            }
        }
        match self.gather(session, Kind::Open, court).await {
            Err(Halt::Failed(error)) => Err(self.in_doubt(session, error).await?),
            gathered => gathered,
        }
    }

    /// A thread that judges records.
    async fn court(
        &self,
        judge: impl FnOnce(&mut Next<'_>, &mut Verdict<'_>) -> Result<(), Error> + Send + 'static,
    ) -> Result<Court, Error> {
        let spent = self.spent.clone();
        Court::open(move |next, verdict| spent.on(Part::Judge, || judge(next, verdict))).await
    }

    /// Takes the records of a step, until those of all batches are there.
    async fn gather(&mut self, session: &mut Link, kind: Kind, court: Court) -> Result<(), Halt> {
        let mut watch = Watch::default();
        loop {
            if is_over(session, self.run).await? {
                return Err(Halt::Over);
            }
            let jobs = jobs(session, self.run, kind).await?;
            if jobs.iter().filter(|job| job.proof.is_some()).count() == self.execution.batches() {
                return Ok(court.close().await?);
            }
            let looked = self.look(session, kind, &court).await?;
            watch.pass(session, self.run, looked).await?;
        }
    }

    /// Looks at what was offered; whether anything was decided.
    async fn look(&mut self, session: &mut Link, kind: Kind, court: &Court) -> Result<bool, Halt> {
        let mut decided = false;
        for (mut offer, blob) in offers(session, self.run).await? {
            offer.read(session, blob).await?;
            let batch = offer.job.index as usize;
            let why = match offer.is_known(session).await? {
                Some(true) => {
                    offer.repeat(session).await?;
                    decided = true;
                    continue;
                }
                // One of them is false.
                Some(false) => {
                    self.audit(session, &[(offer.job.kind, batch)]).await?;
                    "another record of the job was accepted".to_owned()
                }
                None if offer.job.kind != kind => continue,
                None => match court.ask((batch, std::mem::take(&mut offer.bytes))).await? {
                    Ok(()) => {
                        if !offer.accept(session).await? {
                            // What was judged is part of what is judged together.
                            return Err(Halt::Again);
                        }
                        decided = true;
                        continue;
                    }
                    Err(refusal) => {
                        if kind == Kind::Open {
                            // What it is compared with may be false too.
                            let before = [(Kind::Commit, batch), (Kind::Argue, batch)];
                            self.audit(session, &before).await?;
                        }
                        refusal.to_string()
                    }
                },
            };
            offer.refuse(session, &why).await?;
            // What else its worker gave may be taken back with it.
            return Err(Halt::Again);
        }
        Ok(decided)
    }

    /// The records of all commitments; batches are argued when they are there.
    async fn commitments(&self, session: &mut Link) -> Result<Vec<Vec<u8>>, Halt> {
        if let Some(blob) = self.shared(session).await?.commitments {
            let bytes = blobs::get(session, Some(blob)).await?;
            return Ok(decode(&bytes).map_err(Error::from)?);
        }
        let mut records = Vec::new();
        for job in jobs(session, self.run, Kind::Commit).await? {
            records.push(blobs::get(session, job.proof).await?);
        }
        let parts = [Some(encode(&records)), None, None];
        self.begin(session, Kind::Argue, parts).await?;
        Ok(records)
    }

    /// Who judges the openings of all batches, which are opened when their arguments are joined and good.
    async fn joined(&self, session: &mut Link, commitments: Vec<Vec<u8>>) -> Result<Court, Halt> {
        let arguments = jobs(session, self.run, Kind::Argue).await?;
        let arguments = Arguments {
            database: self.database.clone(),
            runtime: Handle::current(),
            blobs: arguments.iter().map(|job| job.proof).collect(),
        };
        let stored = self.shared(session).await?.joined;
        let joined: Joined = match stored {
            Some(blob) => {
                let bytes = blobs::get(session, Some(blob)).await?;
                decode(&bytes).map_err(Error::from)?
            }
            None => {
                let (execution, arguments) = (self.execution.clone(), arguments.clone());
                let spent = self.spent.clone();
                apart(move || {
                    let mut argument = |batch| arguments.read(batch);
                    spent.on(Part::Join, || execution.join(&commitments, &mut argument))
                })
                .await?
            }
        };
        let (execution, known) = (self.execution.clone(), joined.clone());
        let court = self
            .court(move |next, verdict| {
                let mut argument = |batch| arguments.read(batch);
                execution.judge_openings(&known, &mut argument, next, verdict)
            })
            .await?;
        if stored.is_none() {
            let parts = [None, Some(encode(&joined.queries)), Some(encode(&joined))];
            self.begin(session, Kind::Open, parts).await?;
        }
        Ok(court)
    }

    /// Puts the jobs of a step into the database, with what the batches share from then on: commitments, queries, and what
    /// stands between records.
    async fn begin(
        &self,
        session: &mut Link,
        kind: Kind,
        parts: [Option<Vec<u8>>; 3],
    ) -> Result<(), Halt> {
        let sources = jobs(session, self.run, Kind::Commit).await?;
        let transaction = session.transaction().await?;
        let mut ids = [None; 3];
        for (id, part) in ids.iter_mut().zip(parts) {
            if let Some(part) = part {
                *id = Some(blobs::put(&transaction, self.run, &part).await?);
            }
        }
        let share = "update tranche.runs set commitments = coalesce($2, commitments), \
                     queries = coalesce($3, queries), joined = coalesce($4, joined) \
                     where id = $1 and state = 'open' returning round";
        let [commitments, queries, joined] = ids;
        let row = transaction
            .query_opt(share, &[&self.run, &commitments, &queries, &joined])
            .await?;
        let round: i32 = row.ok_or(Halt::Over)?.get(0);
        for job in sources {
            put(&transaction, (self.run, kind, round), job.batch, job.task).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    async fn shared(&self, link: &impl GenericClient) -> Result<Shared, Error> {
        Ok(Run::find(link, self.run).await?.shared)
    }

    /// Makes batches once more whose records were taken; takes the first back that is false, and marks its worker.
    async fn audit(&mut self, session: &mut Link, suspects: &[(Kind, usize)]) -> Result<(), Halt> {
        for &(kind, batch) in suspects {
            let find = "select j.proof, j.task, r.commitments, r.queries \
                        from tranche.jobs j join tranche.runs r on r.id = j.run \
                        where j.run = $1 and j.kind = $2 and j.index = $3 and j.state = 'accepted'";
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
                [&self.run, &kind.name(), &(batch as i32)];
            let Some(row) = session.query_opt(find, &values).await? else {
                continue;
            };
            let record = blobs::get(session, row.get(0)).await?;
            let source = decode(&blobs::get(session, row.get(1)).await?).map_err(Error::from)?;
            let step = match kind {
                Kind::Commit => Step::Commit,
                _ => {
                    let commitments = blobs::get(session, row.get(2)).await?;
                    let commitments = decode(&commitments).map_err(Error::from)?;
                    if kind == Kind::Argue {
                        Step::Argue(commitments)
                    } else {
                        let queries = blobs::get(session, row.get(3)).await?;
                        let mut queries: Vec<Queries> = decode(&queries).map_err(Error::from)?;
                        Step::Open(commitments, queries.swap_remove(batch))
                    }
                }
            };
            let (execution, task) = (self.execution.clone(), Task::new(batch, source, step));
            if apart(move || execution.make(task)).await? == record {
                continue;
            }
            let (run, kind) = (self.run, kind.name());
            let why =
                format!("{kind} of batch {batch}: the record is another when it is made again");
            say(format_args!(
                "tranche-fleet: run {run}: a worker is refused: {why}"
            ));
            let retract = "select tranche.retract($1, $2, $3, $4)";
            session
                .execute(retract, &[&run, &kind, &(batch as i32), &why])
                .await?;
            return Err(Halt::Again);
        }
        Ok(())
    }

    /// What follows when records that were taken make no proof: the one that is false is looked for, first where the
    /// error says. Returns why the run does not go on, where none is.
    async fn in_doubt(&mut self, session: &mut Link, error: Error) -> Result<Halt, Halt> {
        let Some(refusal) = refusal_of(&error) else {
            return Ok(Halt::Failed(error));
        };
        let kinds = [Kind::Commit, Kind::Argue, Kind::Open];
        let named = refusal.batch().into_iter();
        let named = named.flat_map(|batch| kinds.map(|kind| (kind, batch)));
        let batches = self.execution.batches();
        let all = kinds.into_iter().rev();
        let all = all.flat_map(|kind| (0..batches).map(move |batch| (kind, batch)));
        let suspects: Vec<_> = named.chain(all).collect();
        self.audit(session, &suspects).await?;
        close(session, self.run, "failed", Some(&error.to_string())).await?;
        Ok(Halt::Over)
    }
}

/// A step of a batch as the database has it.
struct BatchJob {
    batch: usize,
    task: Option<i64>,
    /// Its record, once it is accepted.
    proof: Option<i64>,
}

/// A step of all batches of a run, in order.
async fn jobs(link: &impl GenericClient, run: i64, kind: Kind) -> Result<Vec<BatchJob>, Error> {
    let find = link
        .prepare_cached(
            "select index, task, proof from tranche.jobs where run = $1 and kind = $2 order by index",
        )
        .await?;
    let rows = link.query(&find, &[&run, &kind.name()]).await?;
    let jobs = rows.iter().map(|row| BatchJob {
        batch: row.get::<_, i32>(0) as usize,
        task: row.get(1),
        proof: row.get(2),
    });
    Ok(jobs.collect())
}

/// Puts a step of a batch into the database and the queue.
async fn put(
    link: &impl GenericClient,
    (run, kind, round): (i64, Kind, i32),
    batch: usize,
    task: impl Into<Option<i64>>,
) -> Result<(), Error> {
    let put = link
        .prepare_cached("select tranche.put_batch($1, $2, $3, $4, $5)")
        .await?;
    let task = task.into();
    link.execute(&put, &[&run, &kind.name(), &round, &(batch as i32), &task])
        .await?;
    Ok(())
}
