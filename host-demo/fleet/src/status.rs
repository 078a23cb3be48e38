//! `tranche-fleet status`: runs, workers, judges, rates.

use serde::Serialize;
use tranche::table::{Form, draw};

use crate::database::Database;
use crate::error::Error;

/// Runs that were closed longer ago are not shown.
const SHOWN_HOURS: i32 = 24;

/// What the database has.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// Runs, the newest first.
    pub runs: Vec<RunStatus>,
    /// Workers that were seen within a minute, and those that are refused.
    pub workers: Vec<WorkerStatus>,
    /// Judges that are there.
    pub judges: Vec<JudgeStatus>,
    /// Bytes of all runs in the database.
    pub bytes: i64,
}

/// A run.
#[derive(Clone, Debug, Serialize)]
pub struct RunStatus {
    /// Its number.
    pub run: i64,
    /// What it is called.
    pub name: String,
    /// What became of it.
    pub state: String,
    /// Why it failed.
    pub error: Option<String>,
    /// How it is proved: epochs or retire.
    pub approach: String,
    /// Its epochs, or batches, once all are planned.
    pub epochs: Option<i32>,
    /// Share of its cycles that are planned.
    pub planned: f64,
    /// Epochs that are accepted, or batches that are opened.
    pub accepted_epochs: i64,
    /// Merges that are accepted.
    pub accepted_merges: i64,
    /// Batches that are committed.
    pub committed: i64,
    /// Batches that are argued.
    pub argued: i64,
    /// Jobs that were given to somebody and have not come back.
    pub taken: i64,
    /// Epochs that were accepted a second, or batches opened, in the last minute.
    pub epochs_per_second: f64,
    /// Seconds until all are, at that rate.
    pub eta_seconds: Option<f64>,
}

/// A worker.
#[derive(Clone, Debug, Serialize)]
pub struct WorkerStatus {
    /// Its number.
    pub worker: i64,
    /// What it is called.
    pub name: String,
    /// The database's name of whoever runs it.
    pub login: String,
    /// Threads that prove.
    pub threads: i32,
    /// Proofs of it that were accepted.
    pub accepted: i32,
    /// Proofs of it that were there already.
    pub repeated: i32,
    /// Share of the time of its jobs in which it proved.
    pub proving: Option<f64>,
    /// Seconds since it was seen.
    pub seen_seconds: f64,
    /// Why nothing more is taken from it.
    pub refused: Option<String>,
}

/// A judge.
#[derive(Clone, Debug, Serialize)]
pub struct JudgeStatus {
    /// Its number.
    pub judge: i64,
    /// What it is called.
    pub name: String,
    /// Threads that verify.
    pub threads: i32,
    /// Offers that it has judged.
    pub judged: i64,
    /// Seconds since it was seen.
    pub seen_seconds: f64,
}

impl Status {
    /// As tables for a reader.
    pub fn text(&self) -> String {
        let runs = self.runs.iter().map(|run| {
            vec![
                run.run.to_string(),
                run.name.clone(),
                run.state.clone(),
                match run.epochs {
                    Some(epochs) => format!("{} of {epochs}", run.accepted_epochs),
                    None => format!(
                        "{}, {:.0} % planned",
                        run.accepted_epochs,
                        100.0 * run.planned
                    ),
                },
                if run.approach == "retire" {
                    format!("{} committed, {} argued", run.committed, run.argued)
                } else {
                    run.accepted_merges.to_string()
                },
                run.taken.to_string(),
                format!("{:.2}", run.epochs_per_second),
                run.eta_seconds
                    .map_or_else(String::new, |eta| format!("{eta:.0} s")),
                run.error.clone().unwrap_or_default(),
            ]
        });
        let head = [
            "run", "name", "state", "done", "besides", "taken", "a second", "left", "why",
        ];
        let runs = draw(Form::Text, head, &[1, 2, 8], runs);
        let workers = self.workers.iter().map(|worker| {
            vec![
                worker.worker.to_string(),
                worker.name.clone(),
                worker.login.clone(),
                worker.threads.to_string(),
                worker.accepted.to_string(),
                worker.repeated.to_string(),
                worker
                    .proving
                    .map_or_else(String::new, |share| format!("{:.1} %", 100.0 * share)),
                format!("{:.0} s", worker.seen_seconds),
                worker.refused.clone().unwrap_or_default(),
            ]
        });
        let head = [
            "worker", "name", "login", "threads", "accepted", "repeated", "proving", "seen",
            "refused",
        ];
        let workers = draw(Form::Text, head, &[1, 2, 8], workers);
        let judges = self.judges.iter().map(|judge| {
            vec![
                judge.judge.to_string(),
                judge.name.clone(),
                judge.threads.to_string(),
                judge.judged.to_string(),
                format!("{:.0} s", judge.seen_seconds),
            ]
        });
        let head = ["judge", "name", "threads", "judged", "seen"];
        let judges = draw(Form::Text, head, &[1], judges);
        let bytes = self.bytes;
        format!("{runs}\n{workers}\n{judges}\n{bytes} bytes in the database\n")
    }
}

/// What the database has now.
///
/// # Errors
/// The database's.
pub async fn status(database: &Database) -> Result<Status, Error> {
    let link = database.connect_checked().await?;
    let runs = link
        .query(
            "select r.id, r.name, r.state, r.error, r.epochs, \
             r.planned_cycles::float8 / greatest(r.cycles, 1), \
             count(*) filter (where j.state = 'accepted' and j.kind in ('epoch', 'open')), \
             count(*) filter (where j.state = 'accepted' and j.kind = 'merge'), \
             count(*) filter (where j.state = 'ready' and exists (select from tranche.takes t where not t.offered \
                 and (t.run, t.kind, t.level, t.index) = (j.run, j.kind, j.level, j.index))), \
             count(*) filter (where j.kind in ('epoch', 'open') and j.accepted > now() - interval '1 minute') \
                 / least(60, greatest(1, extract(epoch from now() - r.created)))::float8, \
             count(*) filter (where j.state = 'accepted' and j.kind = 'commit'), \
             count(*) filter (where j.state = 'accepted' and j.kind = 'argue'), r.approach \
             from tranche.runs r left join tranche.jobs j on j.run = r.id \
             where r.state in ('open', 'done') or r.finished > now() - $1 * interval '1 hour' \
             group by r.id order by r.id desc",
            &[&f64::from(SHOWN_HOURS)],
        )
        .await?;
    let runs = runs.iter().map(|row| {
        let (epochs, planned): (Option<i32>, f64) = (row.get(4), row.get(5));
        let (accepted, rate): (i64, f64) = (row.get(6), row.get(9));
        // Where not all are planned, as many as the cycles so far make likely.
        let jobs = epochs.map(f64::from);
        let left = jobs.map(|epochs| epochs - accepted as f64);
        let state: String = row.get(2);
        RunStatus {
            run: row.get(0),
            name: row.get(1),
            eta_seconds: left
                .filter(|_| rate > 0.0 && state == "open")
                .map(|left| left / rate),
            state,
            error: row.get(3),
            approach: row.get(12),
            epochs,
            planned,
            accepted_epochs: accepted,
            accepted_merges: row.get(7),
            committed: row.get(10),
            argued: row.get(11),
            taken: row.get(8),
            epochs_per_second: rate,
        }
    });
    let runs = runs.collect();
    let workers = link
        .query(
            "select id, name, login::text, threads, coalesce(accepted, 0), coalesce(repeated, 0), \
             proving_seconds / nullif(job_seconds, 0), extract(epoch from now() - seen)::float8, refused \
             from tranche.workers left join tranche.tallies on worker = id \
             where seen > now() - interval '1 minute' or refused is not null order by id",
            &[],
        )
        .await?;
    let workers = workers.iter().map(|row| WorkerStatus {
        worker: row.get(0),
        name: row.get(1),
        login: row.get(2),
        threads: row.get(3),
        accepted: row.get(4),
        repeated: row.get(5),
        proving: row.get(6),
        seen_seconds: row.get(7),
        refused: row.get(8),
    });
    let workers = workers.collect();
    let judges = link
        .query(
            "select id, name, threads, judged, extract(epoch from now() - seen)::float8 \
             from tranche.judges where until > now() order by id",
            &[],
        )
        .await?;
    let judges = judges.iter().map(|row| JudgeStatus {
        judge: row.get(0),
        name: row.get(1),
        threads: row.get(2),
        judged: row.get(3),
        seen_seconds: row.get(4),
    });
    let judges = judges.collect();
    let row = link
        .query_one(
            "select coalesce(sum(bytes), 0)::bigint from tranche.blobs",
            &[],
        )
        .await?;
    Ok(Status {
        runs,
        workers,
        judges,
        bytes: row.get(0),
    })
}
