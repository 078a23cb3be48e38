//! `tranche-fleet submit`: a program is executed where it is, and what proves it is put into the database.

use std::num::NonZeroUsize;

use deadpool_postgres::GenericClient;
use tranche::bundle::{Header, header};
use tranche::execute::{Execution, Limits, execute_within};
use tranche::mix::Sizing;
use tranche::prove::remote::task_bytes;
use tranche::prove::{Surveyed, metered, secure, soonest};
use tranche::retire::{self, DEFAULT_LOG2_CYCLES, remote as batches};
use tranche_core::retire::Order;
use tranche_core::shape::Profile;
use tranche_machine::Program;
use tranche_machine::settings::{SECURITY_FLOOR_BITS, Settings};

use crate::blobs;
use crate::database::Database;
use crate::error::Error;
use crate::run::program;

/// How a run is proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// In epochs and merges.
    Epochs,
    /// As one proof of batches, with challenges of their own.
    Retire,
}

/// What is submitted.
#[derive(Clone, Debug)]
pub struct Submission<'a> {
    /// What the run is called.
    pub name: &'a str,
    /// The program, an ELF file.
    pub elf: &'a [u8],
    /// Its input.
    pub input: &'a [u8],
    /// Its public input, a part of what is proved.
    pub public: &'a [u8],
    /// How it is proved.
    pub way: Way,
    /// Settings of its proofs; the length of its epochs counts only where `log2_cycles` says nothing else.
    pub settings: Settings,
    /// log2 of the cycles of an epoch or a batch; without it the length of epochs with which the workers of now are done
    /// soonest, and of batches the one that one machine takes.
    pub log2_cycles: Option<u8>,
    /// What the heights of tables follow.
    pub sizing: Sizing,
    /// What bounds the execution.
    pub limits: Limits,
    /// Days after which the run is removed, whatever became of it.
    pub days: f64,
}

/// What was submitted.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// The run's number.
    pub run: i64,
    /// log2 of the cycles of an epoch or a batch.
    pub log2_cycles: u8,
    /// What the execution came to.
    pub execution: Execution,
}

/// Executes a program and puts its run into the database. What no proof can be made of is refused before.
///
/// # Errors
/// When the execution cannot go on, or a proof of the run could not be made; the database's.
pub async fn submit(database: &Database, what: &Submission<'_>) -> Result<Submitted, Error> {
    let mut link = database.connect_checked().await?;
    let program = program(what.elf, what.public)?.decoded();
    let mut messages = std::io::stderr();
    let execution = execute_within(
        &program,
        what.input,
        what.limits.cycles,
        what.limits.memory,
        &mut messages,
        |_| (),
    )?;
    let log2_cycles = match (what.log2_cycles, what.way) {
        (Some(given), _) => given,
        (None, Way::Epochs) => soonest(execution.cycles, threads(&link).await?) as u8,
        (None, Way::Retire) => DEFAULT_LOG2_CYCLES,
    };
    let program = what.sizing.program(&program, &execution);
    let (head, needed) = match what.way {
        Way::Epochs => {
            let settings = Settings {
                log2_cycles,
                ..what.settings
            };
            let run = surveyed(&program, what, &execution, settings)?;
            let head = header(&Header::of(&run.setup));
            (head.to_vec(), task_bytes(&run.setup, Profile::Compact)?)
        }
        Way::Retire => {
            let header = in_batches(&program, what, &execution, log2_cycles)?;
            let needed = batches::task_bytes(&program, &header, Profile::Fast)?;
            (header.to_bytes(), needed)
        }
    };
    let class = needed.next_power_of_two().ilog2() as i32;
    let approach = match what.way {
        Way::Epochs => "epochs",
        Way::Retire => "retire",
    };

    let transaction = link.transaction().await?;
    let row = transaction
        .query_one(
            "insert into tranche.runs (name, header, arity, exit_code, cycles, instructions, memory, class, expires, approach) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, now() + $9 * interval '1 day', $10) returning id",
            &[
                &what.name,
                &&head[..],
                &i32::from(what.settings.arity),
                &i64::from(execution.exit_code),
                &(execution.cycles as i64),
                &(execution.instructions as i64),
                &(execution.memory as i64),
                &class,
                &what.days,
                &approach,
            ],
        )
        .await?;
    let run: i64 = row.get(0);
    let program = blobs::put(&transaction, run, what.elf).await?;
    let input = blobs::put(&transaction, run, what.input).await?;
    let output = blobs::put(&transaction, run, &execution.output).await?;
    let public = match what.public {
        [] => None,
        public => Some(blobs::put(&transaction, run, public).await?),
    };
    transaction
        .execute(
            "update tranche.runs set program = $2, input = $3, output = $4, public = $5 where id = $1",
            &[&run, &program, &input, &output, &public],
        )
        .await?;
    transaction.commit().await?;
    Ok(Submitted {
        run,
        log2_cycles,
        execution,
    })
}

/// The run at the settings that one machine would prove it with.
fn surveyed<'a>(
    program: &'a Program<'a>,
    what: &Submission<'a>,
    execution: &'a Execution,
    settings: Settings,
) -> Result<Surveyed<'a>, Error> {
    let settings = match what.sizing {
        Sizing::Common => settings,
        Sizing::Metered => metered(program, what.input, execution, settings)?,
    };
    Ok(secure(
        program,
        what.input,
        execution,
        settings,
        SECURITY_FLOOR_BITS,
    )?)
}

/// The header of the run in batches, as one machine would prove it.
fn in_batches(
    program: &Program<'_>,
    what: &Submission<'_>,
    execution: &Execution,
    log2_cycles: u8,
) -> Result<retire::Header, Error> {
    let options = retire::Options {
        sizing: what.sizing,
        hash: what.settings.hash,
        params: what.settings.params,
        ..retire::Options::new(Order::Forked, log2_cycles)
    };
    let run = retire::Surveyed::cut(program, what.input, execution, &options)?;
    let options = run.secure(&options)?;
    Ok(run.header(Some(options.order), options.params, options.hash))
}

/// Threads of the workers that are there, at least one.
async fn threads(link: &impl GenericClient) -> Result<NonZeroUsize, Error> {
    let row = link
        .query_one(
            "select coalesce(sum(threads), 0) from tranche.workers \
             where seen > now() - interval '1 minute' and refused is null",
            &[],
        )
        .await?;
    let threads: i64 = row.get(0);
    Ok(NonZeroUsize::new(threads as usize).unwrap_or(NonZeroUsize::MIN))
}
