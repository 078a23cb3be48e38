//! What takes long is done on threads of its own: making batches, joining them, judging records.

use std::sync::mpsc::{Sender, channel};
use std::thread;

use tokio::sync::oneshot;
use tranche::retire::remote::judge::{Next, Record, Refusal, Verdict};

use crate::error::Error;

/// Does something on a thread.
///
/// # Errors
/// What it fails with; [`Error::Start`] or [`Error::Thread`].
pub async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    started(work)?.await.map_err(|_| Error::Thread)?
}

fn started<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<oneshot::Receiver<Result<T, Error>>, Error> {
    let (reply, done) = oneshot::channel();
    let work = move || {
        // Where nobody waits any more, nothing is lost.
        let _ = reply.send(work());
    };
    let thread = thread::Builder::new().name("coordinator".to_owned());
    thread.spawn(work).map_err(Error::Start)?;
    Ok(done)
}

type Asked = (Record, oneshot::Sender<Result<(), Refusal>>);

/// A thread that judges records of a run.
pub struct Court {
    records: Sender<Asked>,
    end: oneshot::Receiver<Result<(), Error>>,
}

impl Court {
    /// Begins to judge, when `judge` asks for the first record.
    ///
    /// # Errors
    /// What it fails with before.
    pub async fn open(
        judge: impl FnOnce(&mut Next<'_>, &mut Verdict<'_>) -> Result<(), Error> + Send + 'static,
    ) -> Result<Self, Error> {
        let (records, asked) = channel::<Asked>();
        let (begin, begun) = oneshot::channel();
        let end = started(move || {
            let (mut begin, waiting) = (Some(begin), std::cell::RefCell::new(None));
            let mut next = || {
                begin.take().map(|begin| begin.send(()));
                let (record, reply) = asked.recv().ok()?;
                waiting.replace(Some(reply));
                Some(record)
            };
            judge(&mut next, &mut |verdict| {
                waiting.take().map(|reply| reply.send(verdict));
            })
        })?;
        match begun.await {
            Ok(()) => Ok(Self { records, end }),
            Err(_) => match end.await.map_err(|_| Error::Thread)? {
                Ok(()) => Err(Error::Thread),
                Err(error) => Err(error),
            },
        }
    }

    /// Whether a record may be taken.
    ///
    /// # Errors
    /// [`Error::Thread`].
    pub async fn ask(&self, record: Record) -> Result<Result<(), Refusal>, Error> {
        let (reply, verdict) = oneshot::channel();
        let asked = self.records.send((record, reply));
        asked.map_err(|_| Error::Thread)?;
        verdict.await.map_err(|_| Error::Thread)
    }

    /// Whether all that was taken is good together.
    ///
    /// # Errors
    /// What is said against it.
    pub async fn close(self) -> Result<(), Error> {
        drop(self.records);
        self.end.await.map_err(|_| Error::Thread)?
    }
}
