//! Threads that prove or judge. Each keeps what it made ready for the run that it served last.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt::{self, Debug, Formatter};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::error::Error;
use crate::run::{Guest, Head};

/// Runs whose programs are kept.
const CONTEXTS: usize = 4;

/// What all jobs of a run have in common.
#[derive(Debug)]
pub struct Context {
    /// What tells it from others: the blob of its program.
    pub key: i64,
    /// The program.
    pub guest: Guest,
    /// The header of its bundle.
    pub header: Head,
}

/// The runs that were served last.
#[derive(Debug, Default)]
pub struct Contexts(Mutex<VecDeque<Arc<Context>>>);

impl Contexts {
    /// A run by the blob of its program.
    pub fn known(&self, key: i64) -> Option<Arc<Context>> {
        self.lock()
            .iter()
            .find(|context| context.key == key)
            .cloned()
    }

    /// Keeps a run, in place of the one that was kept longest.
    pub fn keep(&self, context: Context) -> Arc<Context> {
        let context = Arc::new(context);
        let mut contexts = self.lock();
        contexts.truncate(CONTEXTS - 1);
        contexts.push_front(context.clone());
        context
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Context>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves one run: works off what is given until nothing more is, and hands on what each comes to.
pub type Serve<W, T> =
    dyn Fn(&Context, &mut Give<'_, W>, &mut Take<'_, T>) -> Result<(), Error> + Send + Sync;
/// What is to be done next.
pub type Give<'a, W> = dyn FnMut() -> Option<W> + 'a;
/// What became of it.
pub type Take<'a, T> = dyn FnMut(Result<T, Error>) + 'a;

/// What something came to, and how long it took.
pub type Timed<T> = (T, Duration);

struct Request<W, T> {
    context: Arc<Context>,
    work: W,
    reply: oneshot::Sender<Result<Timed<T>, Error>>,
}

/// Threads that turn a `W` of a run into a `T`.
pub struct Bench<W, T> {
    /// Those that have nothing to do, and what each was made ready for.
    idle: Mutex<Vec<(i64, Sender<Request<W, T>>)>>,
    serve: Arc<Serve<W, T>>,
}

impl<W, T> Debug for Bench<W, T> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Bench").finish_non_exhaustive()
    }
}

impl<W: Send + 'static, T: Send + 'static> Bench<W, T> {
    /// Threads, started when they are needed.
    pub fn new(
        serve: impl Fn(&Context, &mut Give<'_, W>, &mut Take<'_, T>) -> Result<(), Error>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self {
            idle: Mutex::default(),
            serve: Arc::new(serve),
        }
    }

    /// Does something of a run on a thread.
    ///
    /// # Errors
    /// What it fails with; [`Error::Thread`] when the thread is gone.
    pub async fn request(&self, context: Arc<Context>, work: W) -> Result<Timed<T>, Error> {
        let key = context.key;
        let thread = self.thread(key)?;
        let (reply, done) = oneshot::channel();
        let request = Request {
            context,
            work,
            reply,
        };
        thread.send(request).map_err(|_| Error::Thread)?;
        let done = done.await.map_err(|_| Error::Thread)?;
        self.lock().push((key, thread));
        done
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(i64, Sender<Request<W, T>>)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A thread that is ready for a run, or else any, or else a new one.
    fn thread(&self, key: i64) -> Result<Sender<Request<W, T>>, Error> {
        let mut idle = self.lock();
        let ready = idle.iter().position(|(known, _)| *known == key);
        if let Some(at) = ready.or(idle.len().checked_sub(1)) {
            return Ok(idle.swap_remove(at).1);
        }
        let (sender, requests) = channel();
        let serve = self.serve.clone();
        thread::Builder::new()
            .name("bench".to_owned())
            .spawn(move || serve_all(&requests, &*serve))
            .map_err(Error::Start)?;
        Ok(sender)
    }
}

/// Serves requests, run after run, until nobody asks any more.
fn serve_all<W, T>(requests: &Receiver<Request<W, T>>, serve: &Serve<W, T>) {
    let mut next = requests.recv().ok();
    while let Some(first) = next.take() {
        // A run that cannot be served leaves nobody waiting.
        next = serve_run(first, requests, serve).or_else(|| requests.recv().ok());
    }
}

/// Serves requests of one run; returns the first of another.
fn serve_run<W, T>(
    first: Request<W, T>,
    requests: &Receiver<Request<W, T>>,
    serve: &Serve<W, T>,
) -> Option<Request<W, T>> {
    let context = first.context.clone();
    // The request in hand: not yet begun, or the one who waits for it and when it was begun.
    let pending = RefCell::new(Some(first));
    let begun = RefCell::new(None);
    let other = RefCell::new(None);
    let mut give = || {
        let request = match pending.take() {
            Some(request) => request,
            None => requests.recv().ok()?,
        };
        if request.context.key != context.key {
            other.replace(Some(request));
            return None;
        }
        begun.replace(Some((request.reply, Instant::now())));
        Some(request.work)
    };
    let mut take = |done: Result<T, Error>| {
        if let Some((reply, start)) = begun.take() {
            let done = done.map(|done| (done, start.elapsed()));
            // A job whose lease has ended is waited for by nobody.
            let _ = reply.send(done);
        }
    };
    if let Err(error) = serve(&context, &mut give, &mut take) {
        // Nothing of the run can be done here.
        let request = pending.take().map(|request| request.reply);
        let waiting = begun.take().map(|(reply, _)| reply);
        if let Some(reply) = request.or(waiting) {
            let _ = reply.send(Err(error));
        }
    }
    other.into_inner()
}
