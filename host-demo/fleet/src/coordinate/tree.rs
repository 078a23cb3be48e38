//! A run of epochs and merges: planned epoch by epoch, each with what its proof has to say.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use deadpool_postgres::GenericClient;
use tranche::bundle::Header;
use tranche::prove::remote::{Place, Planned, Planner};
use tranche_machine::setup::{Setup, SetupError};

use super::LEASE;
use super::watch::{Watch, close, is_over};
use crate::blobs::{self, PIECE_BYTES};
use crate::database::Link;
use crate::error::Error;
use crate::job::{Job, Kind};
use crate::judge::Judges;
use crate::offers::milliseconds;
use crate::run::Loaded;
use crate::spent::{Part, Spent};

/// Jobs that are planned, and not yet accepted, at most.
const WINDOW: usize = 256;
/// Jobs that are put into the database at once, at most, and how long others are planned besides.
const AT_ONCE: (usize, Duration) = (16, Duration::from_millis(50));
/// Offers that are judged here between two looks at all else.
const OFFERS: usize = 16;

/// Sees a run to its end in one session.
pub async fn coordinate(
    session: &mut Link,
    id: i64,
    (header, loaded): (&Header, &Loaded),
    judges: &Judges,
    spent: &Spent,
) -> Result<(), Error> {
    let program = loaded.guest.program()?;
    let program = header.program_of(&program).decoded();
    let setup = Setup::new(&program, header.settings).map_err(SetupError::from)?;
    let mut desk = Desk {
        run: id,
        known: places(session, id).await?,
        planner: Planner::new(&setup, &loaded.input, &loaded.execution)?,
        spent,
    };
    let mut watch = Watch::default();
    loop {
        let Some(look) = look(session, id).await? else {
            return Ok(());
        };
        let planned = desk.plan(session, look.open).await?;
        if !planned && look.open == 0 {
            return close(session, id, "done", None).await;
        }
        let mut judged = 0;
        while !look.judges && judged < OFFERS && judges.judge_next(session, Some(id), &[]).await? {
            judged += 1;
        }
        watch.pass(session, id, planned || judged > 0).await?;
    }
}

/// What the database has of a run that is open.
struct Look {
    /// Jobs that are not accepted.
    open: usize,
    /// Whether somebody else judges.
    judges: bool,
}

/// Looks at a run; nothing when nothing is left to do of it.
async fn look(link: &impl GenericClient, run: i64) -> Result<Option<Look>, Error> {
    let look = link
        .prepare_cached(
            "select (select count(*) from tranche.jobs j where j.run = r.id and j.state in ('waiting', 'ready')), \
             exists (select from tranche.judges where until > now() and r.id <> all (left_out)) \
             from tranche.runs r where r.id = $1 and r.state = 'open'",
        )
        .await?;
    let Some(row) = link.query_opt(&look, &[&run]).await? else {
        is_over(link, run).await?;
        return Ok(None);
    };
    Ok(Some(Look {
        open: row.get::<_, i64>(0) as usize,
        judges: row.get(1),
    }))
}

/// The jobs that a run has.
async fn places(link: &impl GenericClient, run: i64) -> Result<BTreeSet<Place>, Error> {
    let find = "select level, index from tranche.jobs where run = $1";
    let rows = link.query(find, &[&run]).await?;
    let places = rows.iter().map(|row| {
        let (level, index) = (row.get(0), row.get(1));
        let job = Job {
            run,
            kind: Kind::at(level),
            level,
            index,
        };
        job.place()
    });
    Ok(places.collect())
}

/// What a coordinator has before it.
struct Desk<'a, 'p> {
    run: i64,
    /// The jobs that were there before it came.
    known: BTreeSet<Place>,
    planner: Planner<'a>,
    spent: &'p Spent,
}

impl Desk<'_, '_> {
    /// Plans epochs as long as there is room for them besides so many jobs; whether there was.
    async fn plan(&mut self, session: &mut Link, mut open: usize) -> Result<bool, Error> {
        let mut planned = false;
        while !self.planner.finished() && open + AT_ONCE.0 <= WINDOW {
            planned = true;
            let fresh = self.next()?;
            if !fresh.is_empty() && !self.put(session, &fresh).await? {
                break;
            }
            open += fresh.len();
        }
        Ok(planned)
    }

    /// The next jobs that are not in the database.
    fn next(&mut self) -> Result<Vec<Planned>, Error> {
        let (mut fresh, start) = (Vec::new(), Instant::now());
        while !self.planner.finished() && fresh.len() < AT_ONCE.0 && start.elapsed() < AT_ONCE.1 {
            let tasks = self.spent.on(Part::Plan, || self.planner.next_epoch())?;
            let tasks = tasks.into_iter();
            fresh.extend(tasks.filter(|task| !self.known.contains(&task.place)));
        }
        Ok(fresh)
    }

    /// Puts jobs into the database, and into the queue when nothing has to come before; false when the run is no longer
    /// open.
    async fn put(&self, session: &mut Link, tasks: &[Planned]) -> Result<bool, Error> {
        let transaction = session.transaction().await?;
        let plan = transaction
            .prepare_cached("select tranche.plan($1, $2, $3, $4)")
            .await?;
        let cycles = self.planner.cycles() as i64;
        let finished = self.planner.finished();
        let epochs = finished.then(|| self.planner.epochs() as i32);
        let row = transaction
            .query_one(&plan, &[&self.run, &cycles, &epochs, &milliseconds(LEASE)])
            .await?;
        if !row.get::<_, bool>(0) {
            return Ok(false);
        }
        for task in tasks {
            put_job(&transaction, self.run, task).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }
}

async fn put_job(link: &impl GenericClient, run: i64, planned: &Planned) -> Result<(), Error> {
    let put = link
        .prepare_cached(
            "select task, claim from tranche.put_job($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .await?;
    let Job {
        kind, level, index, ..
    } = Job::at(run, planned.place);
    let [task, claim] = [&planned.task, &planned.said];
    let first = |bytes: &[u8]| bytes[..bytes.len().min(PIECE_BYTES)].to_vec();
    let row = link
        .query_one(
            &put,
            &[
                &run,
                &kind.name(),
                &level,
                &index,
                &(planned.kind as i16),
                &planned.fixed,
                &(planned.children as i32),
                &(task.len() as i64),
                &first(task),
                &(claim.len() as i64),
                &first(claim),
            ],
        )
        .await?;
    for (at, bytes) in [task, claim].into_iter().enumerate() {
        if let Some(blob) = row.get(at) {
            blobs::put_rest(link, blob, bytes).await?;
        }
    }
    Ok(())
}
