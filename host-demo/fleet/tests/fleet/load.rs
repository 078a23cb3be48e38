//! What a fleet costs besides proving, and where it bends: figures, printed. `tests/fleet/run --load` runs these.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tranche_fleet::bench::Context;
use tranche_fleet::job::Job;
use tranche_fleet::prover::{Prover, Proving, Work};
use tranche_fleet::worker::{Settings, run_with};
use tranche_fleet::{blobs, database::Database};

use crate::cluster::{Cluster, Server};
use crate::network::{Namespace, reached_by, worker_in};
use crate::serve::{Process, coordinator, judge, worker};

/// Ticks of a processor's time in a second, as Linux counts them.
const TICKS: f64 = 100.0;

/// A run of a guest, put into the database.
fn submit(cluster: &Cluster, guest: &str, input: &[u8], args: &[&str]) {
    std::fs::write(cluster.folder().join("input"), input).unwrap();
    let prebuilt = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guests/prebuilt");
    let mut submit = cluster.fleet("coordinator");
    submit
        .arg("submit")
        .arg(prebuilt.join(guest))
        .args(["-i", "input"]);
    let submitted = submit.args(args).output().unwrap();
    assert!(submitted.status.success(), "{submitted:?}");
}

/// Waits for the end of the newest run; its epochs, or batches.
fn finish(cluster: &Cluster) -> f64 {
    // Whoever asks is a process of the database's, and counts.
    while cluster.sql("select state from tranche.runs order by id desc limit 1") != "done" {
        sleep(Duration::from_secs(1));
    }
    number(
        cluster,
        "(select epochs from tranche.runs order by id desc limit 1)",
    )
}

fn number(cluster: &Cluster, expression: &str) -> f64 {
    cluster
        .sql(&format!("select {expression}"))
        .parse()
        .unwrap()
}

/// Seconds of processor time of a process and of those that it has started.
fn processor(process: u32) -> f64 {
    // The second field, a name in parentheses, may have spaces.
    let times = |stat: &str, of: std::ops::Range<usize>| -> f64 {
        let fields = stat.rsplit(')').next().unwrap().split_whitespace();
        let fields: Vec<&str> = fields.collect();
        fields[of]
            .iter()
            .map(|ticks| ticks.parse::<f64>().unwrap())
            .sum()
    };
    let parent = |stat: &str| -> u32 {
        let fields = stat.rsplit(')').next().unwrap();
        fields.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let mut ticks = 0.0;
    for entry in std::fs::read_dir("/proc").unwrap() {
        let path = entry.unwrap().path();
        let Ok(number) = path.file_name().unwrap().to_str().unwrap().parse::<u32>() else {
            continue;
        };
        let Ok(stat) = std::fs::read_to_string(path.join("stat")) else {
            continue;
        };
        if number == process {
            // Of its own, and of its children that have ended.
            ticks += times(&stat, 11..15);
        } else if parent(&stat) == process {
            ticks += times(&stat, 11..13);
        }
    }
    ticks / TICKS
}

#[test]
#[ignore = "needs PostgreSQL: tests/fleet/run --load"]
fn an_epoch_costs_little_besides_its_proof() {
    for judges in [0, 1] {
        print_costs("epochs", &["--epoch-log2", "16"], judges);
    }
}

#[test]
#[ignore = "needs PostgreSQL: tests/fleet/run --load"]
fn a_batch_costs_little_besides_its_proof() {
    let args = ["--approach", "retire", "--epoch-log2", "16"];
    print_costs("batches", &args, 0);
}

/// Prints what a run costs that is submitted with these arguments, where so many judges are.
fn print_costs(parts: &str, args: &[&str], judges: usize) {
    let namespaces = [Namespace::new(0)];
    let server = Server {
        durable: true,
        ..Server::default()
    };
    let (cluster, port) = reached_by(&namespaces, server);
    submit(&cluster, "sha256.elf", &vec![1; 30_000], args);
    let database = processor(cluster.process());
    let judging = (0..judges).map(|i| judge(&cluster, &format!("judge-{i}")));
    let judging: Vec<_> = judging.collect();
    let coordinating = coordinator(&cluster);
    let _worker = worker_in(&namespaces[0], &cluster, port, &cluster.certificate());
    let number_of_parts = finish(&cluster);
    let [up, down] = namespaces[0]
        .bytes()
        .map(|bytes| bytes as f64 / number_of_parts);
    let each = |seconds: f64| 1e3 * seconds / number_of_parts;
    let database = each(processor(cluster.process()) - database);
    let coordinated = each(processor(coordinating.id()));
    let judged: f64 = judging.iter().map(|judge| processor(judge.id())).sum();
    let judged = each(judged);
    let outside = number(
        &cluster,
        "(select 1 - sum(proving_seconds) / sum(job_seconds) from tranche.tallies)",
    );
    coordinating.signal("TERM");
    let said = String::from_utf8(coordinating.wait().stderr).unwrap();
    println!(
        "sha256 in {number_of_parts} {parts} of 2^16 cycles, one worker of one thread, over TLS, {judges} judges; of each:"
    );
    println!("  bytes on the wire: {up:.0} up, {down:.0} down");
    println!(
        "  of a job's time outside proving: {:.1} %",
        100.0 * outside
    );
    println!(
        "  processor time: database {database:.2} ms, coordinator {coordinated:.2} ms, judges {judged:.2} ms"
    );
    print!("  of all together: {said}");
}

#[test]
#[ignore = "needs PostgreSQL: tests/fleet/run --load"]
fn a_thousand_epochs_survive_a_worker_killed_every_five_seconds() {
    let cluster = Cluster::of(Server {
        durable: true,
        ..Server::default()
    });
    submit(&cluster, "spin.elf", b"330000", &["--epoch-log2", "12"]);
    let _coordinator = coordinator(&cluster);
    let _steady = worker(&cluster, "steady");
    let mut killed = 0;
    let mut fetch = cluster.fleet("coordinator");
    let fetched = Process::spawn(fetch.args(["fetch", "1", "-o", "bundle", "--keep"]));
    while cluster.sql("select state from tranche.runs") == "open" {
        let victim = worker(&cluster, &format!("killed-{killed}"));
        sleep(Duration::from_secs(5));
        victim.kill();
        killed += 1;
    }
    let epochs = finish(&cluster);
    assert!(fetched.wait().status.success());
    let prebuilt = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guests/prebuilt/spin.elf");
    let jobs = number(&cluster, "(select count(*) from tranche.jobs)");
    let accepted = number(
        &cluster,
        "(select count(*) from tranche.jobs where state = 'accepted')",
    );
    // Whoever was given a job has begun its proof.
    let given = number(&cluster, "(select count(*) from tranche.takes)");
    println!(
        "{epochs} epochs and {} merges, {killed} workers killed: {} accepted, {} begun twice ({:.1} %)",
        jobs - epochs,
        accepted,
        given - jobs,
        100.0 * (given - jobs) / jobs
    );
    assert!(epochs >= 1000.0 && accepted == jobs);
    assert!(given <= 1.1 * jobs);
    let bundle = std::fs::read(cluster.folder().join("bundle")).unwrap();
    verify(&std::fs::read(prebuilt).unwrap(), &bundle);
}

/// Fails unless a bundle proves an execution of a program.
fn verify(elf: &[u8], bundle: &[u8]) {
    let program = tranche_machine::Program::parse(elf).unwrap();
    tranche::verify::verify(&program, bundle).unwrap();
}

/// Proofs that were made before, after a while.
#[derive(Debug)]
struct Replay {
    proofs: Arc<HashMap<(i32, i32), Vec<u8>>>,
    after: Duration,
}

impl Prover for Replay {
    fn prove<'a>(&'a self, job: &'a Job, _: Arc<Context>, _: Work) -> Proving<'a> {
        Box::pin(async {
            tokio::time::sleep(self.after).await;
            Ok((self.proofs[&(job.level, job.index)].clone(), self.after))
        })
    }
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().build().unwrap()
}

/// All proofs of the run that was made first.
async fn proofs(database: &Database) -> HashMap<(i32, i32), Vec<u8>> {
    let link = database.connect().await.unwrap();
    let jobs = "select level, index, proof from tranche.jobs where run = 1";
    let mut proofs = HashMap::new();
    for row in link.query(jobs, &[]).await.unwrap() {
        let proof = blobs::get(&link, row.get(2)).await.unwrap();
        proofs.insert((row.get(0), row.get(1)), proof);
    }
    proofs
}

#[test]
#[ignore = "needs PostgreSQL: tests/fleet/run --load"]
fn two_hundred_workers() {
    const CONNECTIONS: usize = 6;
    let simulated = [
        (1, 0.1),
        (20, 1.0),
        (200, 8.0),
        (200, 4.0),
        (200, 2.0),
        (200, 1.0),
        (200, 0.5),
    ];
    let most = simulated.iter().map(|&(workers, _)| workers).max();
    let cluster = Cluster::of(Server {
        durable: true,
        connections: (most.unwrap() * CONNECTIONS) as u32 + 100,
        counts: true,
        ..Server::default()
    });
    let args = ["--epoch-log2", "12"];
    let mut coordinating = coordinator(&cluster);
    let judging = judge(&cluster, "judge");
    let mut command = cluster.fleet("worker");
    command.args(["worker", "--name", "first"]);
    let first = Process::spawn(&mut command);
    submit(&cluster, "spin.elf", b"160000", &args);
    let epochs = finish(&cluster);
    drop(first);
    let proofs = Arc::new(runtime().block_on(proofs(&cluster.database("admin"))));
    let bytes: usize = proofs.values().map(Vec::len).sum();
    let bytes = bytes / proofs.len();
    println!("{epochs} epochs and their merges by simulated workers, {bytes} bytes a proof:");
    for (workers, after) in simulated {
        coordinating = {
            drop(coordinating);
            coordinator(&cluster)
        };
        let runtime = runtime();
        for i in 0..workers {
            let database = Database::at(&cluster.url("worker"), CONNECTIONS).unwrap();
            let replay = Replay {
                proofs: proofs.clone(),
                after: Duration::from_secs_f64(after),
            };
            runtime.spawn(async move {
                let settings = Settings {
                    name: format!("simulated-{workers}-{after}-{i}"),
                    threads: NonZeroUsize::MIN,
                    memory: None,
                    lease: Duration::from_secs(60),
                    poll: Duration::from_millis(500),
                };
                run_with(&database, &settings, Box::new(replay)).await
            });
        }
        cluster.wait_until(&format!(
            "(select count(*) = {workers} from tranche.workers where name like 'simulated-{workers}-{after}-%')"
        ));
        let server = cluster.process();
        cluster.sql("select pg_stat_statements_reset()");
        let spent = || [server, coordinating.id(), judging.id()].map(processor);
        let before = spent();
        let start = Instant::now();
        submit(&cluster, "spin.elf", b"160000", &args);
        finish(&cluster);
        let wall = start.elapsed().as_secs_f64();
        let spent = spent();
        let rate = number(
            &cluster,
            "(select count(*) / extract(epoch from max(accepted) - min(accepted)) from tranche.jobs \
             where run = (select max(id) from tranche.runs))",
        );
        let jobs = proofs.len() as f64;
        let [database, coordinator, judge] = [0, 1, 2].map(|i| 1e3 * (spent[i] - before[i]) / jobs);
        println!(
            "  {workers} workers, {after} s a proof, {:.0} a second possible: {rate:.1} a second, {database:.2} ms of the \
             database, {coordinator:.2} ms of the coordinator and {judge:.2} ms of the judge a job, {wall:.1} s in all",
            workers as f64 / after,
        );
        print_statements(&cluster, jobs);
        // Whatever the workers have started ends with them, links included.
        drop(runtime);
        cluster.wait_until("not exists (select from pg_stat_activity where usename = 'worker')");
    }
}

/// Prints the statements that the database has spent most time on, a job.
fn print_statements(cluster: &Cluster, jobs: f64) {
    let said = cluster.sql(&format!(
        "select format('    %s calls, %s ms: %s', round((calls / {jobs})::numeric, 1), \
         round(((total_exec_time + total_plan_time) / {jobs})::numeric, 2), \
         left(regexp_replace(query, '[[:space:]]+', ' ', 'g'), 70)) \
         from pg_stat_statements order by total_exec_time + total_plan_time desc limit 6"
    ));
    println!("{said}");
}
