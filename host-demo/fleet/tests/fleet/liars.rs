//! Workers that return what they should not: each is found out, named, and its job done by another.

use tokio::runtime::Runtime;
use tokio_postgres::types::ToSql;
use tranche::bundle::Reader;
use tranche::prove::Options;
use tranche::prove::remote::{Work, work};
use tranche_fleet::blobs;
use tranche_fleet::database::Link;
use tranche_machine::Program;
use tranche_machine::setup::Setup;

use crate::cluster::Cluster;
use crate::serve::{assert_same, judge, submit_and_wait, worker};

/// What a liar offers for the first epoch.
enum Lie {
    WrongBytes,
    /// The proof of an epoch of this index, honestly made.
    Epoch(i32),
}

/// A worker that offers what it likes.
pub struct Liar {
    runtime: Runtime,
    link: Link,
    me: i64,
}

/// What a worker is given for a job.
pub struct Given {
    pub header: Vec<u8>,
    pub elf: Vec<u8>,
    pub task: Vec<u8>,
    pub shared: Vec<Vec<u8>>,
}

impl Liar {
    pub fn register(cluster: &Cluster) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        let (link, me) = runtime.block_on(async {
            let link = cluster.database("worker").connect().await.unwrap();
            let register = "select tranche.register('liar', 1, null)";
            let me = link.query_one(register, &[]).await.unwrap().get(0);
            (link, me)
        });
        Self { runtime, link, me }
    }

    /// Its number.
    pub const fn number(&self) -> i64 {
        self.me
    }

    /// Executes a statement about itself in a transaction that it does not end.
    pub fn begin(&mut self, statement: &str) {
        self.runtime.block_on(async {
            self.link.batch_execute("rollback; begin").await.unwrap();
            self.link.query(statement, &[&self.me]).await.unwrap();
        });
    }

    /// Takes a job of the first run.
    pub fn take(&self, kind: &str, index: i32) -> Given {
        self.runtime.block_on(async {
            let (link, me) = (&self.link, self.me);
            let take = "select header, program, task, shared from tranche.take($1, 1, $2, 0, $3)";
            let row = link.query_one(take, &[&me, &kind, &index]).await.unwrap();
            let mut shared = Vec::new();
            for blob in row.get::<_, Vec<i64>>(3) {
                shared.push(blobs::taken(link, me, blob).await.unwrap());
            }
            Given {
                header: row.get(0),
                elf: blobs::taken(link, me, row.get(1)).await.unwrap(),
                task: blobs::taken(link, me, row.get(2)).await.unwrap(),
                shared,
            }
        })
    }

    /// Offers something for a job that it has taken.
    pub fn offer(&mut self, kind: &str, index: i32, bytes: &[u8]) {
        let (link, me) = (&mut self.link, self.me);
        self.runtime.block_on(async {
            let transaction = link.transaction().await.unwrap();
            let room = "select tranche.room($1, 1, $2)";
            let length = bytes.len() as i64;
            let row = transaction.query_one(room, &[&me, &length]).await;
            let blob: i64 = row.unwrap().get(0);
            for (n, piece) in (0_i32..).zip(bytes.chunks(blobs::PIECE_BYTES)) {
                let fill = "select tranche.fill($1, $2, $3, $4)";
                let values: [&(dyn ToSql + Sync); 4] = [&me, &blob, &n, &piece];
                transaction.query_one(fill, &values).await.unwrap();
            }
            let offer = "select tranche.offer($1, 1, $2, 0, $3, $4, 0, 0)";
            let values: [&(dyn ToSql + Sync); 4] = [&me, &kind, &index, &blob];
            transaction.query_one(offer, &values).await.unwrap();
            transaction.commit().await.unwrap();
        });
    }
}

/// A worker that takes the first epoch and offers something; its number.
fn lie(cluster: &Cluster, lie: &Lie) -> i64 {
    let mut liar = Liar::register(cluster);
    liar.take("epoch", 0);
    let proof = match lie {
        Lie::WrongBytes => vec![1; 300_000],
        Lie::Epoch(index) => {
            let given = liar.take("epoch", *index);
            let (_, header) = Reader::new(&given.header[..]).unwrap();
            let program = Program::parse(&given.elf).unwrap();
            let setup = Setup::new(&program, header.settings).unwrap();
            let (mut task, mut proof) = (Some(Work::Epoch(given.task)), Vec::new());
            let options = Options::default();
            work(&setup, &options, &mut || task.take(), &mut |made| {
                proof = made.unwrap()
            })
            .unwrap();
            proof
        }
    };
    liar.offer("epoch", 0, &proof);
    liar.number()
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn a_false_proof_is_refused_and_made_by_another() {
    for (false_proof, judged_apart) in [
        (Lie::WrongBytes, false),
        (Lie::WrongBytes, true),
        (Lie::Epoch(1), false),
        (Lie::Epoch(1), true),
    ] {
        let cluster = Cluster::start();
        let judge = judged_apart.then(|| judge(&cluster, "judge"));
        let submitted = submit_and_wait(&cluster);
        cluster.wait_until("(select count(*) from tranche.jobs where state = 'ready') > 3");
        let liar = lie(&cluster, &false_proof);
        cluster.wait_until("exists (select from tranche.workers where refused is not null)");
        let said = cluster.sql(&format!(
            "select refused from tranche.workers where id = {liar}"
        ));
        assert!(said.starts_with("epoch 0/0: "), "{said}");
        // Under its name it is not let in again.
        let again = cluster.sql_as("worker", "select tranche.register('liar', 1, null)");
        assert!(again.unwrap_err().contains("refused: epoch 0/0"));
        let process = worker(&cluster, "liar").wait();
        assert_eq!(process.status.code(), Some(3));
        let _honest = worker(&cluster, "honest");
        assert_same(&cluster, submitted);
        drop(judge);
    }
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn another_proof_of_an_accepted_job_marks_its_worker() {
    let cluster = Cluster::start();
    let submitted = submit_and_wait(&cluster);
    cluster.wait_until("(select count(*) from tranche.jobs where state = 'ready') > 3");
    // Taken before, returned after: as one whose lease has ended.
    let register = "select tranche.register('late', 1, null)";
    let late = cluster.sql_as("worker", register).unwrap();
    let take = format!("select count(*) from tranche.take({late}, 1, 'epoch', 0, 0)");
    cluster.sql_as("worker", &take).unwrap();
    // Somebody holds another job, so that the run is open meanwhile.
    let key = "where key = '1/epoch/0/2'";
    let hold = "set locked_by = 'somebody', locked_at = now() + interval '1 hour'";
    cluster.sql(&format!(
        "update graphile_worker._private_jobs {hold} {key}"
    ));
    let _honest = worker(&cluster, "honest");
    cluster.wait_until(
        "exists (select from tranche.jobs where level = 0 and index = 0 and state = 'accepted')",
    );
    let offer = format!(
        "with b as (select tranche.room({late}, 1, 3) as id) \
         select tranche.offer({late}, 1, 'epoch', 0, 0, id, 0, 0) from b"
    );
    // Room without its pieces: bytes are missing, and nothing is taken for a proof.
    cluster.sql_as("worker", &offer).unwrap();
    cluster.wait_until(
        "exists (select from tranche.workers where name = 'late' and refused is not null)",
    );
    let free = "set locked_by = null, locked_at = null";
    cluster.sql(&format!(
        "update graphile_worker._private_jobs {free} {key}"
    ));
    assert_same(&cluster, submitted);
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn a_job_that_nothing_was_returned_for_goes_to_another() {
    let cluster = Cluster::start();
    let submitted = submit_and_wait(&cluster);
    cluster.wait_until("(select count(*) from tranche.jobs where state = 'ready') > 3");
    return_nothing(&cluster, "epoch");
    let _honest = worker(&cluster, "honest");
    assert_same(&cluster, submitted);
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn who_fails_a_job_that_another_does_is_refused() {
    let cluster = Cluster::start();
    let submitted = submit_and_wait(&cluster);
    cluster.wait_until("(select count(*) from tranche.jobs where state = 'ready') > 3");
    let as_worker = |statement: &str| cluster.sql_as("worker", statement).unwrap();
    let broken = as_worker("select tranche.register('broken', 1, null)");
    let take = format!("select count(*) from tranche.take({broken}, 1, 'epoch', 0, 0)");
    let fail = format!("select tranche.fail({broken}, 1, 'epoch', 0, 0, 'no memory')");
    let failed = || cluster.sql("select failed from tranche.jobs where level = 0 and index = 0");
    // What it was not given it cannot fail.
    as_worker(&fail);
    assert_eq!(failed(), "0");
    for _ in 0..5 {
        assert_eq!(as_worker(&take), "1");
        as_worker(&fail);
    }
    // Alone it may go on.
    assert_eq!((failed().as_str(), as_worker(&take).as_str()), ("5", "1"));
    as_worker("select tranche.register('other', 1, null)");
    assert_eq!(as_worker(&take), "0");
    as_worker(&fail);
    assert_eq!(failed(), "5");
    let again = "update graphile_worker._private_jobs set run_at = now() where run_at > now()";
    cluster.sql(again);
    let _honest = worker(&cluster, "honest");
    let refused = format!("(select refused from tranche.workers where id = {broken})");
    cluster.wait_until(&format!("{refused} is not null"));
    assert_eq!(
        cluster.sql(&refused[1..refused.len() - 1]),
        "epoch 0/0 failed five times, and another did it"
    );
    assert_same(&cluster, submitted);
}

/// Takes the first job of a kind until no more are given, and returns nothing.
pub fn return_nothing(cluster: &Cluster, kind: &str) {
    let register = "select tranche.register('idle', 1, null)";
    let idle = cluster.sql_as("worker", register).unwrap();
    let take = format!("select task is null from tranche.take({idle}, 1, '{kind}', 0, 0)");
    let of_job = format!("from graphile_worker._private_jobs where key = '1/{kind}/0/0'");
    for _ in 0..5 {
        assert_eq!(cluster.sql_as("worker", &take).as_deref(), Ok("f"));
        // What it amounts to that a worker says it is done.
        let done = format!("delete {of_job}");
        cluster.sql_as("worker", &done).unwrap();
        cluster.wait_until(&format!("exists (select {of_job})"));
    }
    // It is given no more jobs then.
    assert_eq!(cluster.sql_as("worker", &take).as_deref(), Ok("t"));
    let refused = cluster.sql_as("worker", &take).unwrap_err();
    assert!(refused.contains("nothing was returned"), "{refused}");
}
