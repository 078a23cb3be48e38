//! When a worker looks for a job: when it has done one, when it is told of one, and now and then.
//!
//! Whoever listens is told of every job, and asks for it. Of hundreds of workers all but one would ask in vain, so only
//! those listen that have been there longest and have a few threads together; and all that have nothing to do look, taken
//! together, as often as a few would.

use std::any::Any;
use std::future::pending;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use graphile_worker::tokio_postgres::TokioPostgresDatabase;
use graphile_worker::{
    BoxFuture, DatabaseDriver, DbError, DbExecutor, DbParams, DbRow, DbTransaction, Notification,
    NotificationStream,
};
use tokio::sync::Notify;
use tokio::time::sleep;

/// Threads whose workers are told of jobs.
const TOLD: i64 = 8;
/// Threads that look as often as is asked for. Of more, each looks less often.
const LOOKING: i64 = 16;

/// What a worker looks for jobs by.
#[derive(Debug)]
pub struct Wake {
    /// Its threads.
    own: usize,
    /// Those that have a job.
    busy: AtomicUsize,
    /// One of them has done it.
    done: Notify,
    /// Threads of workers that were there before.
    before: AtomicI64,
    /// Threads of all workers.
    all: AtomicI64,
    /// Between two looks, where there are few.
    poll: Duration,
}

/// A job that is being done.
#[derive(Debug)]
pub struct Doing<'w>(&'w Wake);

impl Drop for Doing<'_> {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Relaxed);
        self.0.done.notify_one();
    }
}

impl Wake {
    /// Of a worker with so many threads that is alone, as far as it knows.
    pub fn new(own: usize, poll: Duration) -> Self {
        Self {
            own,
            busy: AtomicUsize::new(0),
            done: Notify::new(),
            before: AtomicI64::new(0),
            all: AtomicI64::new(0),
            poll,
        }
    }

    /// Tells how many threads the workers have that were there before, and all.
    pub fn among(&self, before: i64, all: i64) {
        self.before.store(before, Relaxed);
        self.all.store(all, Relaxed);
    }

    /// Begins a job.
    pub fn doing(&self) -> Doing<'_> {
        self.busy.fetch_add(1, Relaxed);
        Doing(self)
    }

    fn is_told(&self) -> bool {
        self.before.load(Relaxed) < TOLD
    }

    fn is_idle(&self) -> bool {
        self.busy.load(Relaxed) < self.own
    }

    /// How long to wait for the next look: from half to three halves of the mean, lest all look at once.
    fn pause(&self) -> Duration {
        let crowd = self.all.load(Relaxed).max(LOOKING) as f64 / LOOKING as f64;
        let random = RandomState::new().hash_one(0) as u32;
        let spread = 0.5 + f64::from(random) / f64::from(u32::MAX);
        self.poll.mul_f64(crowd * spread)
    }
}

/// The database as the queue has it, which wakes a worker when it is time.
#[derive(Clone, Debug)]
pub struct Driver {
    /// The database.
    pub database: TokioPostgresDatabase,
    /// When to look.
    pub wake: Arc<Wake>,
}

impl DbExecutor for Driver {
    fn execute<'a>(
        &'a self,
        sql: &'a str,
        params: DbParams,
    ) -> BoxFuture<'a, Result<u64, DbError>> {
        self.database.execute(sql, params)
    }

    fn fetch_all<'a>(
        &'a self,
        sql: &'a str,
        params: DbParams,
    ) -> BoxFuture<'a, Result<Vec<DbRow>, DbError>> {
        self.database.fetch_all(sql, params)
    }
}

impl DatabaseDriver for Driver {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn begin<'a>(&'a self) -> BoxFuture<'a, Result<DbTransaction, DbError>> {
        self.database.begin()
    }

    fn listen<'a>(
        &'a self,
        channel: &'a str,
    ) -> BoxFuture<'a, Result<Option<NotificationStream>, DbError>> {
        Box::pin(async move {
            let told = match self.wake.is_told() {
                true => self.database.listen(channel).await?,
                false => None,
            };
            let looks = Looks {
                driver: self.clone(),
                channel: channel.to_owned(),
                told,
            };
            let looks = stream::unfold(looks, |mut looks| async {
                let look = looks.next().await;
                Some((Ok(look), looks))
            });
            Ok(Some(Box::pin(looks) as NotificationStream))
        })
    }
}

/// Times to look for a job.
struct Looks {
    driver: Driver,
    channel: String,
    told: Option<NotificationStream>,
}

impl Looks {
    async fn next(&mut self) -> Notification {
        let wake = &self.driver.wake;
        loop {
            if self.told.is_none() && wake.is_told() {
                // Where it cannot listen it looks now and then.
                let told = self.driver.database.listen(&self.channel).await;
                self.told = told.ok().flatten();
            }
            let told = async {
                match &mut self.told {
                    Some(told) => told.next().await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = wake.done.notified() => break,
                told = told => if told.is_none() {
                    self.told = None;
                },
                () = sleep(wake.pause()) => {}
            }
            // Who has no thread for a job looks when it has.
            if wake.is_idle() {
                break;
            }
        }
        Notification {
            channel: self.channel.clone(),
            payload: String::new(),
        }
    }
}
