//! The coordinator of a run: executes it, makes its jobs, and looks at every proof before it is taken.
//!
//! All that it knows is in the database, or follows from the program and the input. Another one that takes its place
//! executes the run again, which is fast, and passes over what is there. A lock of the session keeps two from doing the
//! same at once; every statement goes over that session, so that one who has lost the lock can write nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use deadpool_postgres::{GenericClient, Object};
use tokio::time::sleep;
use tranche::answer::say;
use tranche::prove::remote::{Judge, Place, Planned, Planner, judge};
use tranche_machine::Program;
use tranche_machine::setup::{Setup, SetupError};

use crate::blobs;
use crate::database::{Database, Link};
use crate::error::Error;
use crate::job::{Job, Kind};
use crate::run::Run;

/// Epochs that are planned, and not yet accepted, at most.
const WINDOW: usize = 256;
/// Offers that are looked at between two looks at all else.
const OFFERS: i64 = 64;
/// First namespace of the locks: the second is the run.
const LOCK: i32 = 0x5472_6e63;
/// How long is waited for an offer, at least and at most; twice as long each time that there is none.
const WAIT: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(200)];
/// Between two looks for jobs that are lost.
const RECONCILE: Duration = Duration::from_secs(2);
/// How long is waited for a database that is not there, or for a lock.
const AGAIN: Duration = Duration::from_secs(1);

/// What a coordinator has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Epochs that were planned.
    pub planned: u32,
    /// Proofs that were accepted here.
    pub accepted: u64,
    /// Workers that were refused here.
    pub refused: u64,
}

/// Sees a run to its end, through restarts of the database.
///
/// # Errors
/// [`Error::Closed`] for a run that was cancelled, has failed or was fetched; the database's, unless it passes.
pub async fn coordinate(
    database: &Database,
    run: i64,
    progress: &mut dyn FnMut(&Progress),
) -> Result<(), Error> {
    let mut done = Progress::default();
    loop {
        match attempt(database, run, &mut done, progress).await {
            Err(error) if error.is_passing() => {
                say(format_args!(
                    "tranche-fleet: run {run}: {error}; trying again"
                ));
                sleep(AGAIN).await;
            }
            other => return other,
        }
    }
}

/// As [`coordinate`], in one session.
async fn attempt(
    database: &Database,
    id: i64,
    done: &mut Progress,
    progress: &mut dyn FnMut(&Progress),
) -> Result<(), Error> {
    let link = database.connect_checked().await?;
    let mut session = Session(Some(link));
    let session = session.link()?;
    let run = loop {
        let run = Run::find(session, id).await?;
        if is_over(&run)? {
            return Ok(());
        }
        let lock = "select pg_try_advisory_lock($1, $2)";
        let row = session.query_one(lock, &[&LOCK, &(id as i32)]).await?;
        if row.get(0) {
            break run;
        }
        sleep(AGAIN).await;
    };
    let loaded = run.load(session).await?;
    let program = Program::parse(&loaded.elf)?
        .with_blocks(run.header.blocks)
        .decoded();
    let setup = Setup::new(&program, run.header.settings).map_err(SetupError::from)?;
    let mut desk = Desk {
        run: id,
        jobs: jobs(session, id).await?,
        planner: Planner::new(&setup, &loaded.input, &loaded.execution)?,
        judge: judge(&setup, &loaded.execution)?,
        open: BTreeMap::new(),
        done,
    };
    let (mut wait, mut reconciled) = (WAIT[0], std::time::Instant::now());
    loop {
        let planned = desk.plan(session).await?;
        if is_over(&Run::find(session, id).await?)? {
            return Ok(());
        }
        let looked = desk.look(session).await?;
        progress(desk.done);
        if desk.planner.finished() && desk.open.is_empty() {
            let close = "select tranche.close($1, 'done', null)";
            session.execute(close, &[&id]).await?;
            return Ok(());
        }
        if reconciled.elapsed() >= RECONCILE {
            reconciled = std::time::Instant::now();
            desk.reconcile(session).await?;
        }
        if planned || looked {
            wait = WAIT[0];
        } else {
            sleep(wait).await;
            wait = (wait * 2).min(WAIT[1]);
        }
    }
}

/// A connection that does not go back to the others: the lock ends with it.
struct Session(Option<Link>);

impl Session {
    fn link(&mut self) -> Result<&mut Link, Error> {
        self.0.as_mut().ok_or(Error::Missing)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        drop(self.0.take().map(Object::take));
    }
}

/// Whether nothing is left to do of a run.
fn is_over(run: &Run) -> Result<bool, Error> {
    match run.state.as_str() {
        "done" | "fetched" => Ok(true),
        _ => run.check().map(|()| false),
    }
}

/// The jobs that a run has, and whether each is accepted.
async fn jobs(link: &impl GenericClient, run: i64) -> Result<BTreeMap<Place, bool>, Error> {
    let rows = link
        .query(
            "select level, index, state = 'accepted' from tranche.jobs where run = $1",
            &[&run],
        )
        .await?;
    let jobs = rows.iter().map(|row| {
        let (level, index) = (row.get(0), row.get(1));
        let job = Job {
            run,
            kind: Kind::at(level),
            level,
            index,
        };
        (job.place(), row.get(2))
    });
    Ok(jobs.collect())
}

/// What a coordinator has before it.
struct Desk<'a, 'p> {
    run: i64,
    /// The jobs that were there before it came.
    jobs: BTreeMap<Place, bool>,
    planner: Planner<'a>,
    judge: Box<dyn Judge + 'a>,
    /// What is planned and not yet accepted.
    open: BTreeMap<Place, Planned>,
    done: &'p mut Progress,
}

impl Desk<'_, '_> {
    /// Plans epochs as long as there is room for them; whether there was.
    async fn plan(&mut self, session: &mut Link) -> Result<bool, Error> {
        let mut planned = false;
        while !self.planner.finished() && self.open.len() < WINDOW {
            planned = true;
            let tasks = self.planner.next_epoch()?;
            self.done.planned = self.planner.epochs();
            let fresh = tasks
                .iter()
                .any(|task| !self.jobs.contains_key(&task.place));
            if fresh {
                let transaction = session.transaction().await?;
                // The row is locked, so that nothing of a run that was just closed is left behind.
                let going_on = transaction
                    .prepare_cached(
                        "update tranche.runs set planned_cycles = $2, epochs = $3 where id = $1 and state = 'open'",
                    )
                    .await?;
                let epochs = self
                    .planner
                    .finished()
                    .then(|| self.planner.epochs() as i32);
                let cycles = self.planner.cycles() as i64;
                if transaction
                    .execute(&going_on, &[&self.run, &cycles, &epochs])
                    .await?
                    == 0
                {
                    return Ok(true);
                }
                for task in &tasks {
                    if !self.jobs.contains_key(&task.place) {
                        put_job(&transaction, self.run, task).await?;
                    }
                }
                transaction.commit().await?;
            }
            for mut task in tasks {
                if self.jobs.get(&task.place) != Some(&true) {
                    // It is in the database now.
                    task.task = Vec::new();
                    self.open.insert(task.place, task);
                }
            }
        }
        Ok(planned)
    }

    /// Looks at what was offered; whether anything was decided.
    async fn look(&mut self, link: &impl GenericClient) -> Result<bool, Error> {
        let find = link
            .prepare_cached(
                "select o.id, o.level, o.index, o.worker, o.proof, j.proof \
                 from tranche.offers o join tranche.jobs j using (run, kind, level, index) \
                 where o.run = $1 order by o.id limit $2",
            )
            .await?;
        let mut decided = false;
        for row in link.query(&find, &[&self.run, &OFFERS]).await? {
            let (offer, level, index): (i64, i32, i32) = (row.get(0), row.get(1), row.get(2));
            let (worker, proof, known): (i64, i64, Option<i64>) =
                (row.get(3), row.get(4), row.get(5));
            let job = Job {
                run: self.run,
                kind: Kind::at(level),
                level,
                index,
            };
            let place = job.place();
            // Fewer than were announced are as wrong as others.
            let proof = match blobs::get(link, Some(proof)).await {
                Err(Error::Missing) => Vec::new(),
                proof => proof?,
            };
            let verdict = match (known, self.open.get(&place)) {
                (Some(known), _) if blobs::get(link, Some(known)).await? == proof => {
                    let repeat = link.prepare_cached("select tranche.repeat($1)").await?;
                    link.execute(&repeat, &[&offer]).await?;
                    decided = true;
                    continue;
                }
                (Some(_), _) => Err("another proof of the job was accepted".to_owned()),
                // Planned by the one before, and not yet here.
                (None, None) => continue,
                (None, Some(planned)) => {
                    let checked = self.judge.check(&planned.expected, &proof);
                    checked.map_err(|check| check.to_string())
                }
            };
            decided = true;
            match verdict {
                Ok(()) => {
                    let accept = link.prepare_cached("select tranche.accept($1)").await?;
                    link.execute(&accept, &[&offer]).await?;
                    self.open.remove(&place);
                    self.done.accepted += 1;
                }
                Err(why) => {
                    let why = format!("{} {level}/{index}: {why}", job.kind.name());
                    say(format_args!(
                        "tranche-fleet: run {}: worker {worker} is refused: {why}",
                        self.run
                    ));
                    let refuse = link.prepare_cached("select tranche.refuse($1, $2)").await?;
                    link.execute(&refuse, &[&offer, &why]).await?;
                    self.done.refused += 1;
                }
            }
        }
        Ok(decided)
    }

    /// Puts lost jobs back; ends the run when one was given up.
    async fn reconcile(&self, link: &impl GenericClient) -> Result<(), Error> {
        let row = link
            .query_one("select tranche.reconcile($1)", &[&self.run])
            .await?;
        if let Some(why) = row.get::<_, Option<String>>(0) {
            let close = "select tranche.close($1, 'failed', $2)";
            link.execute(close, &[&self.run, &why]).await?;
        }
        Ok(())
    }
}

/// Puts a job into the database, and into the queue when nothing has to come before it.
async fn put_job(link: &impl GenericClient, run: i64, task: &Planned) -> Result<(), Error> {
    let Job {
        kind, level, index, ..
    } = Job::at(run, task.place);
    let kind = kind.name();
    let blob = blobs::put(link, run, &task.task).await?;
    let insert = link
        .prepare_cached(
            "insert into tranche.jobs (run, kind, level, index, frame, fixed, children, task) \
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .await?;
    let (frame, children) = (task.kind as i16, task.children as i32);
    link.execute(
        &insert,
        &[
            &run,
            &kind,
            &level,
            &index,
            &frame,
            &task.fixed,
            &children,
            &blob,
        ],
    )
    .await?;
    let promote = link
        .prepare_cached("select tranche.promote($1, $2, $3, $4)")
        .await?;
    link.execute(&promote, &[&run, &kind, &level, &index])
        .await?;
    Ok(())
}

/// Sees all open runs to their ends, until it is ended itself.
///
/// # Errors
/// The database's, unless it passes.
pub async fn coordinate_all(database: &Database) -> Result<(), Error> {
    let runtime = tokio::runtime::Handle::current();
    let mut active: BTreeMap<i64, std::thread::JoinHandle<()>> = BTreeMap::new();
    drop(database.connect_checked().await?);
    loop {
        match open_runs(database).await {
            Ok(runs) => {
                active.retain(|_, thread| !thread.is_finished());
                for run in runs {
                    if active.contains_key(&run) {
                        continue;
                    }
                    let (database, runtime) = (database.clone(), runtime.clone());
                    // A run is executed and verified on a thread of its own.
                    let work = move || {
                        if let Err(error) =
                            runtime.block_on(coordinate(&database, run, &mut |_| ()))
                        {
                            say(format_args!("tranche-fleet: {error}"));
                        }
                    };
                    let thread = std::thread::Builder::new().spawn(work);
                    active.insert(run, thread.map_err(Error::Start)?);
                }
                let link = database.connect().await;
                if let Ok(link) = link {
                    let _ = link.execute("select tranche.sweep()", &[]).await;
                }
            }
            Err(error) if error.is_passing() => {
                say(format_args!("tranche-fleet: {error}; trying again"))
            }
            Err(error) => return Err(error),
        }
        sleep(AGAIN).await;
    }
}

async fn open_runs(database: &Database) -> Result<Vec<i64>, Error> {
    let link = database.connect().await?;
    let rows = link
        .query(
            "select id from tranche.runs where state = 'open' order by id",
            &[],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
