//! A run of epochs and merges: planned epoch by epoch, each proof verified against what it has to say.

use std::collections::BTreeMap;

use deadpool_postgres::GenericClient;
use tranche::bundle::Header;
use tranche::prove::remote::{Judge, Place, Planned, Planner, judge};
use tranche_machine::setup::{Setup, SetupError};

use super::offers::{Progress, Watch, close, is_over, offers};
use super::spent::{Part, Spent};
use crate::blobs;
use crate::database::Link;
use crate::error::Error;
use crate::job::{Job, Kind};
use crate::run::Loaded;

/// Epochs that are planned, and not yet accepted, at most.
const WINDOW: usize = 256;

/// Sees a run to its end in one session.
pub async fn coordinate(
    session: &mut Link,
    id: i64,
    (header, loaded): (&Header, &Loaded),
    spent: &Spent,
    done: &mut Progress,
    progress: &mut dyn FnMut(&Progress),
) -> Result<(), Error> {
    let program = loaded.guest.program()?;
    let program = header.program_of(&program).decoded();
    let setup = Setup::new(&program, header.settings).map_err(SetupError::from)?;
    let mut desk = Desk {
        run: id,
        jobs: jobs(session, id).await?,
        planner: Planner::new(&setup, &loaded.input, &loaded.execution)?,
        judge: judge(&setup, &loaded.execution)?,
        open: BTreeMap::new(),
        spent,
        done,
    };
    let mut watch = Watch::default();
    loop {
        let planned = desk.plan(session).await?;
        if is_over(session, id).await? {
            return Ok(());
        }
        let looked = desk.look(session).await?;
        progress(desk.done);
        if desk.planner.finished() && desk.open.is_empty() {
            return close(session, id, "done", None).await;
        }
        watch.pass(session, id, planned || looked).await?;
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
    spent: &'p Spent,
    done: &'p mut Progress,
}

impl Desk<'_, '_> {
    /// Plans epochs as long as there is room for them; whether there was.
    async fn plan(&mut self, session: &mut Link) -> Result<bool, Error> {
        let mut planned = false;
        while !self.planner.finished() && self.open.len() < WINDOW {
            planned = true;
            let tasks = self.spent.on(Part::Plan, || self.planner.next_epoch())?;
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
        let mut decided = false;
        for (mut offer, blob) in offers(link, self.run).await? {
            let place = offer.job.place();
            offer.read(link, blob).await?;
            let verdict = match (offer.is_known(link).await?, self.open.get(&place)) {
                (Some(true), _) => {
                    offer.repeat(link).await?;
                    decided = true;
                    continue;
                }
                (Some(false), _) => Err("another proof of the job was accepted".to_owned()),
                // Planned by the one before, and not yet here.
                (None, None) => continue,
                (None, Some(planned)) => {
                    let judge = || self.judge.check(&planned.expected, &offer.bytes);
                    let checked = self.spent.on(Part::Judge, judge);
                    checked.map_err(|check| check.to_string())
                }
            };
            decided = true;
            match verdict {
                Ok(()) => {
                    offer.accept(link, self.done).await?;
                    self.open.remove(&place);
                }
                Err(why) => offer.refuse(link, &why, self.done).await?,
            }
        }
        Ok(decided)
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
