//! The coordinator of a run: executes it, makes its jobs, and looks at every result before it is taken, unless judges do.
//!
//! All that it knows is in the database, or follows from the program and the input. Another one that takes its place
//! executes the run again, which is fast, and passes over what is there. A lock of the session keeps two from doing the
//! same at once; every statement that writes goes over that session, so that one who has lost the lock can write nothing.

mod batches;
mod execution;
mod thread;
mod tree;
mod watch;

use std::collections::BTreeMap;
use std::time::Duration;

use deadpool_postgres::Object;
use tokio::time::sleep;
use tranche::answer::say;

use self::watch::is_over;
use crate::database::{Database, Link};
use crate::error::Error;
use crate::judge::Judges;
use crate::run::{Head, Run};
use crate::spent::Spent;

/// First namespace of the locks: the second is the run.
const LOCK: i32 = 0x5472_6e63;
/// How long is waited for a database that is not there, or for a lock.
const AGAIN: Duration = Duration::from_secs(1);
/// How long a coordinator that does nothing keeps an offer in hand, or the locks of a run whose jobs it makes.
const LEASE: Duration = Duration::from_secs(60);

/// Sees a run to its end, through restarts of the database.
///
/// # Errors
/// [`Error::Closed`] for a run that was cancelled, has failed or was fetched; the database's, unless it passes.
pub async fn coordinate(database: &Database, run: i64) -> Result<(), Error> {
    let spent = Spent::default();
    let judges = Judges::new(LEASE, spent.clone());
    loop {
        match attempt(database, run, &judges, &spent).await {
            Err(error) if error.is_passing() => {
                say(format_args!(
                    "tranche-fleet: run {run}: {error}; trying again"
                ));
                sleep(AGAIN).await;
            }
            Ok(true) => {
                say(format_args!(
                    "tranche-fleet: run {run}: processor time here: {spent}"
                ));
                return Ok(());
            }
            other => return other.map(|_| ()),
        }
    }
}

/// As [`coordinate`], in one session; whether anything was done here.
async fn attempt(
    database: &Database,
    id: i64,
    judges: &Judges,
    spent: &Spent,
) -> Result<bool, Error> {
    let link = database.connect_checked().await?;
    let mut session = Session(Some(link));
    let session = session.link()?;
    loop {
        if is_over(session, id).await? {
            return Ok(false);
        }
        let lock = "select pg_try_advisory_lock($1, $2)";
        let row = session.query_one(lock, &[&LOCK, &(id as i32)]).await?;
        if row.get(0) {
            break;
        }
        sleep(AGAIN).await;
    }
    let run = Run::find(session, id).await?;
    let loaded = run.load(session).await?;
    match run.header {
        Head::Epochs(header) => {
            tree::coordinate(session, id, (&header, &loaded), judges, spent).await?;
        }
        Head::Retire(header) => {
            let known = (*header, loaded);
            batches::coordinate(database, session, id, known, spent).await?;
        }
    }
    Ok(true)
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
                        if let Err(error) = runtime.block_on(coordinate(&database, run)) {
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
