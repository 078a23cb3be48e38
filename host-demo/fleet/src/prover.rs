//! Proofs of jobs: made on threads here, or come from elsewhere.

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;

use tranche::bundle::Header;
use tranche::prove::Options;
use tranche::prove::remote::{self as tree, task_bytes, work};
use tranche::retire::{self, remote as batches};
use tranche_backend::Team;
use tranche_core::shape::Profile;
use tranche_machine::Program;
use tranche_machine::setup::{Setup, SetupError};

use crate::bench::{Bench, Context, Give, Take, Timed};
use crate::error::Error;
use crate::job::Job;
use crate::run::Head;

/// The task of a job.
#[derive(Debug)]
pub enum Work {
    /// An epoch or a merge.
    Tree(tree::Work),
    /// A step of a batch.
    Batch(Box<batches::Task>),
}

/// A proof that is being made, and how long it took.
pub type Proving<'a> = Pin<Box<dyn Future<Output = Result<Timed<Vec<u8>>, Error>> + Send + 'a>>;

/// What a worker has its proofs from.
pub trait Prover: Debug + Send + Sync {
    /// Proves the task of a job.
    fn prove<'a>(&'a self, job: &'a Job, context: Arc<Context>, work: Work) -> Proving<'a>;
}

impl Prover for Bench<Work, Vec<u8>> {
    /// # Errors
    /// [`Error::Work`] or [`Error::Memory`]; [`Error::Thread`] when the thread is gone.
    fn prove<'a>(&'a self, _: &'a Job, context: Arc<Context>, work: Work) -> Proving<'a> {
        Box::pin(self.request(context, work))
    }
}

/// Threads of a team that prove, each of which may take so many bytes; who waits for a job helps the others with theirs.
pub fn provers(memory: Option<u64>, team: Arc<Team>) -> Bench<Work, Vec<u8>> {
    Bench::new(move |context, give, take| {
        let mut give = || team.wait(&mut *give);
        team.work(|| prove_run(context, memory, &mut give, take))
    })
}

/// Proves what `give` gives of a run, in so many bytes.
fn prove_run(
    context: &Context,
    memory: Option<u64>,
    give: &mut Give<'_, Work>,
    take: &mut Take<'_, Vec<u8>>,
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

#[cfg(test)]
mod tests {
    use tranche::execute::execute;
    use tranche::prove::remote::Planner;
    use tranche_machine::settings::Settings;

    use super::*;
    use crate::run::Guest;

    #[test]
    fn who_waits_for_a_job_helps_with_another() {
        let elf = include_bytes!("../../guests/prebuilt/spin.elf").to_vec();
        let program = Program::parse(&elf).unwrap().decoded();
        let execution = execute(&program, b"300", 1 << 20).unwrap();
        let settings = Settings {
            log2_cycles: 11,
            ..Settings::default()
        };
        let setup = Setup::new(&program, settings).unwrap();
        let mut planner = Planner::new(&setup, b"300", &execution).unwrap();
        let task = planner.next_epoch().unwrap().remove(0).task;
        let context = Arc::new(Context {
            key: 1,
            guest: Guest {
                elf: elf.clone(),
                public: Vec::new(),
            },
            header: Head::Epochs(Box::new(Header::of(&setup))),
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let proof = |team: &Arc<Team>| {
            let provers = provers(None, team.clone());
            let task = || Work::Tree(tree::Work::Epoch(task.clone()));
            let prove = || runtime.block_on(provers.request(context.clone(), task()));
            let first = prove().unwrap().0;
            // Who has waited works in the team again.
            assert!(prove().unwrap().0 == first);
            first
        };
        let [alone, together] = [Team::new(1), Team::new(3)];
        assert!(proof(&alone) == proof(&together));
        assert_eq!(alone.handed_over(), 0);
        assert!(together.handed_over() > 0);
    }
}
