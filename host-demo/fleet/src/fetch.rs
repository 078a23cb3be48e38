//! `tranche-fleet fetch`: the bundle of a run, each part as soon as it is there.

use std::cell::RefCell;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use deadpool_postgres::GenericClient;
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use tokio::time::sleep;
use tranche::answer::say;
use tranche::bundle::{Kind as Frame, Writer};
use tranche::files::{Output, Unfinished};
use tranche::prove::remote::Place;
use tranche::retire;
use tranche::retire::remote::{Joined, bundle, decode};
use tranche_machine::merge::Tree;

use crate::blobs;
use crate::database::Database;
use crate::error::Error;
use crate::job::{Job, Kind};
use crate::run::{Head, Run};

/// Between two looks for the next part.
const WAIT: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(500)];
/// How long is waited for a database that is not there.
const AGAIN: Duration = Duration::from_secs(1);

/// A frame of a bundle, but for its payload.
struct Part {
    frame: i16,
    fixed: Vec<u8>,
    proof: Option<i64>,
}

/// Writes the bundle of a run to a file, or a stream, as its parts come, and removes the run's bytes from the database
/// unless they are to be kept. Returns the bundle's bytes.
///
/// # Errors
/// [`Error::Closed`] for a run that is cancelled, fails or was fetched; what fails with the output; the database's.
pub async fn fetch(
    database: &Database,
    run: i64,
    path: &Path,
    unfinished: &Unfinished,
    keep: bool,
) -> Result<u64, Error> {
    let link = database.connect_checked().await?;
    Run::find(&link, run).await?.check()?;
    drop(link);
    let mut output = Output::open(path, &[], unfinished)?;
    let mut failed = None;
    let written = write(database, run, &mut BufWriter::new(&mut output), &mut failed).await;
    if let Some(error) = failed {
        return Err(output.write_error(error).into());
    }
    let bytes = written?;
    output.finish()?;
    if !keep {
        forget(database, run).await?;
    }
    Ok(bytes)
}

/// Removes the bytes of a run whose bundle is elsewhere.
async fn forget(database: &Database, run: i64) -> Result<(), Error> {
    let mut link = database.connect().await?;
    let transaction = link.transaction().await?;
    // The last proof is there a moment before the run is done.
    transaction
        .execute("select tranche.close($1, 'done', null)", &[&run])
        .await?;
    let fetched = "update tranche.runs set state = 'fetched' where id = $1 and state = 'done'";
    transaction.execute(fetched, &[&run]).await?;
    transaction
        .execute("select tranche.forget($1)", &[&run])
        .await?;
    transaction.commit().await?;
    Ok(())
}

/// What follows from a failure to write is told apart from one of the database.
macro_rules! written {
    ($result:expr, $failed:expr) => {
        match $result {
            Ok(value) => value,
            Err(error) => {
                *$failed = Some(error);
                return Ok(0);
            }
        }
    };
}

async fn write<W: Write>(
    database: &Database,
    run: i64,
    out: &mut W,
    failed: &mut Option<std::io::Error>,
) -> Result<u64, Error> {
    let source = Source { database, run };
    let head = source.run().await?;
    let header = match head.header {
        Head::Epochs(ref header) => header,
        Head::Retire(ref header) => return write_batches(&source, header, out, failed).await,
    };
    let mut writer = written!(Writer::new(out, header), failed);
    let arity = header.settings.arity.into();
    let mut number = 0;
    loop {
        number += 1;
        let (part, proof) = source.part(Place::of_epoch(number)).await?;
        written!(writer.frame(frame(&part)?, &part.fixed, &proof), failed);
        // Its job and the number of epochs were written at once.
        let last = source.run().await?.epochs == Some(number);
        let tree = Tree::new(number + u32::from(!last), arity);
        let tree = tree.map_err(tranche::prove::ProveError::from)?;
        for node in tree.completed_by(number) {
            let (part, proof) = source.part(Place::of_merge(&node)).await?;
            if node.root {
                let output = source.output().await?;
                written!(writer.result(number, head.exit_code, &output), failed);
            }
            written!(writer.frame(frame(&part)?, &part.fixed, &proof), failed);
            if node.root {
                return Ok(written!(writer.finish(), failed));
            }
        }
    }
}

/// Writes the bundle of a run in batches: a record at a time, when all are known to be good together.
async fn write_batches<W: Write>(
    source: &Source<'_>,
    header: &retire::Header,
    out: &mut W,
    failed: &mut Option<std::io::Error>,
) -> Result<u64, Error> {
    let mut wait = WAIT[0];
    let joined = loop {
        let run = source.run().await?;
        if run.state == "done" {
            break run.shared.joined;
        }
        sleep(wait).await;
        wait = (wait * 2).min(WAIT[1]);
    };
    let joined: Joined = decode(&blobs::get_again(source.database, joined).await?)?;
    let runtime = Handle::current();
    let missing = RefCell::new(None);
    let record = |kind, batch| {
        let read = runtime.block_on(source.record(kind, batch));
        read.map_err(|error| {
            missing.replace(Some(error));
            std::io::ErrorKind::Other.into()
        })
    };
    let mut out = Counting { out, bytes: 0 };
    let written = block_in_place(|| {
        let mut argument = |batch| record(Kind::Argue, batch);
        let mut opening = |batch| record(Kind::Open, batch);
        bundle(header, &joined, &mut argument, &mut opening, &mut out)?;
        out.flush()
    });
    if let Some(error) = missing.take() {
        return Err(error);
    }
    written!(written, failed);
    Ok(out.bytes)
}

/// A writer that counts.
struct Counting<'w, W> {
    out: &'w mut W,
    bytes: u64,
}

impl<W: Write> Write for Counting<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

fn frame(part: &Part) -> Result<Frame, Error> {
    let kind = Frame::ALL
        .into_iter()
        .find(|&kind| kind as i16 == part.frame);
    kind.ok_or(Error::Missing)
}

/// A run whose parts are read through restarts of the database.
struct Source<'d> {
    database: &'d Database,
    run: i64,
}

/// Does it again as long as what it fails with passes.
macro_rules! patiently {
    ($work:expr) => {
        loop {
            match $work.await {
                Err(error) if error.is_passing() => {
                    say(format_args!("tranche-fleet: {error}; trying again"));
                    sleep(AGAIN).await;
                }
                other => break other,
            }
        }
    };
}

impl Source<'_> {
    /// The run, of which there will be a bundle.
    async fn run(&self) -> Result<Run, Error> {
        patiently!(async {
            let link = self.database.connect().await?;
            let run = Run::find(&link, self.run).await?;
            run.check()?;
            Ok::<_, Error>(run)
        })
    }

    /// The record of a step of a batch.
    async fn record(&self, kind: Kind, batch: usize) -> Result<Vec<u8>, Error> {
        patiently!(async {
            let link = self.database.connect().await?;
            let find = link
                .prepare_cached(
                    "select proof from tranche.jobs where run = $1 and kind = $2 and index = $3",
                )
                .await?;
            let row = link
                .query_opt(&find, &[&self.run, &kind.name(), &(batch as i32)])
                .await?;
            blobs::get(&link, row.ok_or(Error::Missing)?.get(0)).await
        })
    }

    async fn output(&self) -> Result<Vec<u8>, Error> {
        patiently!(async {
            let link = self.database.connect().await?;
            Run::find(&link, self.run).await?.output(&link).await
        })
    }

    /// A part and its proof, once it is accepted.
    async fn part(&self, place: Place) -> Result<(Part, Vec<u8>), Error> {
        let mut wait = WAIT[0];
        loop {
            let found = patiently!(async {
                let link = self.database.connect().await?;
                let Some(part) = accepted(&link, &Job::at(self.run, place)).await? else {
                    Run::find(&link, self.run).await?.check()?;
                    return Ok(None);
                };
                let proof = blobs::get(&link, part.proof).await?;
                Ok::<_, Error>(Some((part, proof)))
            });
            if let Some(found) = found? {
                return Ok(found);
            }
            sleep(wait).await;
            wait = (wait * 2).min(WAIT[1]);
        }
    }
}

async fn accepted(link: &impl GenericClient, job: &Job) -> Result<Option<Part>, Error> {
    let find = link
        .prepare_cached(
            "select frame, fixed, proof from tranche.jobs \
             where run = $1 and kind = $2 and level = $3 and index = $4 and state = 'accepted'",
        )
        .await?;
    let (run, kind) = (job.run, job.kind.name());
    let row = link
        .query_opt(&find, &[&run, &kind, &job.level, &job.index])
        .await?;
    Ok(row.map(|row| Part {
        frame: row.get(0),
        fixed: row.get(1),
        proof: row.get(2),
    }))
}
