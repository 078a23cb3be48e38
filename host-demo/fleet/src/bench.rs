//! Threads that prove. Each keeps the plan and the workspaces of the run that it proved last.

use std::cell::RefCell;
use std::fmt::Debug;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tranche::bundle::Header;
use tranche::prove::Options;
use tranche::prove::remote::{self as tree, task_bytes, work};
use tranche::retire::{self, remote as batches};
use tranche_core::shape::Profile;
use tranche_machine::Program;
use tranche_machine::setup::{Setup, SetupError};

use crate::error::Error;
use crate::job::Job;
use crate::run::{Guest, Head};

/// What all tasks of a run have in common.
#[derive(Debug)]
pub struct Context {
    /// What tells it from others: the blob of its program.
    pub key: i64,
    /// The program.
    pub guest: Guest,
    /// The header of its bundle.
    pub header: Head,
}

/// The task of a job.
#[derive(Debug)]
pub enum Work {
    /// An epoch or a merge.
    Tree(tree::Work),
    /// A step of a batch.
    Batch(Box<batches::Task>),
}

/// A proof, and how long it took.
pub type Proved = (Vec<u8>, Duration);

/// A proof that is being made.
pub type Proving<'a> = Pin<Box<dyn Future<Output = Result<Proved, Error>> + Send + 'a>>;

/// What a worker has its proofs from.
pub trait Prover: Debug + Send + Sync {
    /// Proves the task of a job.
    fn prove<'a>(&'a self, job: &'a Job, context: Arc<Context>, work: Work) -> Proving<'a>;
}

struct Request {
    context: Arc<Context>,
    work: Work,
    reply: oneshot::Sender<Result<Proved, Error>>,
}

/// Threads that prove.
#[derive(Debug)]
pub struct Bench {
    /// Those that have nothing to do, and what each was made ready for.
    idle: Mutex<Vec<(i64, Sender<Request>)>>,
    /// Bytes that one of them may take.
    memory: Option<u64>,
}

impl Bench {
    /// Threads, started when they are needed, each of which may take so many bytes.
    pub const fn new(memory: Option<u64>) -> Self {
        Self {
            idle: Mutex::new(Vec::new()),
            memory,
        }
    }

    /// Proves a task of a run on a thread.
    async fn request(&self, context: Arc<Context>, work: Work) -> Result<Proved, Error> {
        let key = context.key;
        let thread = self.thread(key)?;
        let (reply, proved) = oneshot::channel();
        let request = Request {
            context,
            work,
            reply,
        };
        thread.send(request).map_err(|_| Error::Thread)?;
        let proved = proved.await.map_err(|_| Error::Thread)?;
        self.lock().push((key, thread));
        proved
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(i64, Sender<Request>)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A thread that is ready for a run, or else any, or else a new one.
    fn thread(&self, key: i64) -> Result<Sender<Request>, Error> {
        let mut idle = self.lock();
        let ready = idle.iter().position(|(known, _)| *known == key);
        if let Some(at) = ready.or(idle.len().checked_sub(1)) {
            return Ok(idle.swap_remove(at).1);
        }
        let (sender, requests) = channel();
        let memory = self.memory;
        thread::Builder::new()
            .name("prover".to_owned())
            .spawn(move || serve(&requests, memory))
            .map_err(Error::Start)?;
        Ok(sender)
    }
}

impl Prover for Bench {
    /// # Errors
    /// [`Error::Work`] or [`Error::Memory`]; [`Error::Thread`] when the thread is gone.
    fn prove<'a>(&'a self, _: &'a Job, context: Arc<Context>, work: Work) -> Proving<'a> {
        Box::pin(self.request(context, work))
    }
}

/// Serves requests, run after run, until nobody asks any more.
fn serve(requests: &Receiver<Request>, memory: Option<u64>) {
    let mut next = requests.recv().ok();
    while let Some(first) = next.take() {
        next = serve_run(first, requests, memory);
    }
}

/// Serves requests of one run; returns the first of another.
fn serve_run(first: Request, requests: &Receiver<Request>, memory: Option<u64>) -> Option<Request> {
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
    let mut take = |proof: Result<Vec<u8>, Error>| {
        if let Some((reply, start)) = begun.take() {
            let proved = proof.map(|proof| (proof, start.elapsed()));
            // A job whose lease has ended is waited for by nobody.
            let _ = reply.send(proved);
        }
    };
    let served = serve_context(&context, memory, &mut give, &mut take);
    if let Err(error) = served {
        // Nothing of the run can be proved here.
        let request = pending.take().map(|request| request.reply);
        let waiting = begun.take().map(|(reply, _)| reply);
        if let Some(reply) = request.or(waiting) {
            let _ = reply.send(Err(error));
        }
    }
    other.into_inner()
}

/// Proves what `give` gives of a run, in so many bytes.
fn serve_context(
    context: &Context,
    memory: Option<u64>,
    give: &mut dyn FnMut() -> Option<Work>,
    take: &mut dyn FnMut(Result<Vec<u8>, Error>),
) -> Result<(), Error> {
    let program = context.guest.program()?;
    match &context.header {
        Head::Epochs(header) => {
            let program = header.program_of(&program).decoded();
            let (setup, options) = setup(&program, header, memory)?;
            let mut give = || match give()? {
                Work::Tree(work) => Some(work),
                Work::Batch(_) => None,
            };
            work(&setup, &options, &mut give, &mut |proof| {
                take(proof.map_err(Error::from));
            })?;
        }
        Head::Retire(header) => {
            check_memory(&program, header, memory)?;
            let mut give = || match give()? {
                Work::Batch(task) => Some(*task),
                Work::Tree(_) => None,
            };
            batches::work(&program, header, Profile::Fast, &mut give, &mut |made| {
                take(made.map(|made| made.record).map_err(Error::from));
            })?;
        }
    }
    Ok(())
}

/// What the epochs of a run are proved with in so many bytes.
fn setup<'a>(
    program: &'a Program<'a>,
    header: &Header,
    memory: Option<u64>,
) -> Result<(Setup<'a>, Options), Error> {
    let setup = Setup::new(program, header.settings).map_err(SetupError::from)?;
    let mut options = Options::default();
    if let Some(bytes) = memory {
        let fast = task_bytes(&setup, Profile::Fast)?;
        let mut needed = fast;
        if fast > bytes {
            options.profile = Profile::Compact;
            needed = task_bytes(&setup, Profile::Compact)?;
        }
        if needed > bytes {
            return Err(Error::Memory { needed, bytes });
        }
        options.fast_merge_bytes = (bytes - needed) as usize;
    }
    Ok((setup, options))
}

/// Refuses a run whose batches do not fit. All are made in one profile: in another they leave other records.
fn check_memory(
    program: &Program<'_>,
    header: &retire::Header,
    memory: Option<u64>,
) -> Result<(), Error> {
    let needed = batches::task_bytes(program, header, Profile::Fast)?;
    match memory {
        Some(bytes) if needed > bytes => Err(Error::Memory { needed, bytes }),
        _ => Ok(()),
    }
}
