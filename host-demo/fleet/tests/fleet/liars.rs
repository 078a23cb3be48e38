//! Workers that return what they should not: each is found out, named, and its job done by another.

use tranche::bundle::Reader;
use tranche::prove::Options;
use tranche::prove::remote::{Work, work};
use tranche_fleet::blobs;
use tranche_machine::Program;
use tranche_machine::setup::Setup;

use crate::cluster::Cluster;
use crate::serve::{assert_same, submit_and_wait, worker};

/// What a liar offers for the first epoch.
enum Lie {
    WrongBytes,
    /// The proof of an epoch of this index, honestly made.
    Epoch(i32),
}

/// A worker that takes a job and offers something; its number.
fn lie(cluster: &Cluster, lie: &Lie) -> i64 {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut link = cluster.database("worker").connect().await.unwrap();
        let register = "select tranche.register('liar', 1, null)";
        let me: i64 = link.query_one(register, &[]).await.unwrap().get(0);
        let take = "select header, program, task from tranche.take($1, 1, 'epoch', 0, $2)";
        link.query_one(take, &[&me, &0]).await.unwrap();
        let proof = match lie {
            Lie::WrongBytes => vec![1; 300_000],
            Lie::Epoch(index) => {
                let row = link.query_one(take, &[&me, index]).await.unwrap();
                let (_, header) = Reader::new(row.get::<_, &[u8]>(0)).unwrap();
                let elf = blobs::taken(&link, me, row.get(1)).await.unwrap();
                let task = blobs::taken(&link, me, row.get(2)).await.unwrap();
                let program = Program::parse(&elf).unwrap();
                let setup = Setup::new(&program, header.settings).unwrap();
                let (mut task, mut proof) = (Some(Work::Epoch(task)), Vec::new());
                let options = Options::default();
                work(&setup, &options, &mut || task.take(), &mut |made| {
                    proof = made.unwrap()
                })
                .unwrap();
                proof
            }
        };
        let transaction = link.transaction().await.unwrap();
        let room = "select tranche.room($1, 1, $2)";
        let blob: i64 = transaction
            .query_one(room, &[&me, &(proof.len() as i64)])
            .await
            .unwrap()
            .get(0);
        for (n, piece) in (0_i32..).zip(proof.chunks(blobs::PIECE_BYTES)) {
            let fill = "select tranche.fill($1, $2, $3, $4)";
            transaction
                .query_one(fill, &[&me, &blob, &n, &piece])
                .await
                .unwrap();
        }
        let offer = "select tranche.offer($1, 1, 'epoch', 0, 0, $2, 0, 0)";
        transaction.query_one(offer, &[&me, &blob]).await.unwrap();
        transaction.commit().await.unwrap();
        me
    })
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn a_false_proof_is_refused_and_made_by_another() {
    for (false_proof, why) in [
        (Lie::WrongBytes, "epoch 0/0: "),
        (Lie::Epoch(1), "epoch 0/0: "),
    ] {
        let cluster = Cluster::start();
        let submitted = submit_and_wait(&cluster);
        cluster.wait_until("(select count(*) from tranche.jobs where state = 'ready') > 3");
        let liar = lie(&cluster, &false_proof);
        cluster.wait_until("exists (select from tranche.workers where refused is not null)");
        let said = cluster.sql(&format!(
            "select refused from tranche.workers where id = {liar}"
        ));
        assert!(said.starts_with(why), "{said}");
        // Under its name it is not let in again.
        let again = cluster.sql_as("worker", "select tranche.register('liar', 1, null)");
        assert!(again.unwrap_err().contains("refused: epoch 0/0"));
        let process = worker(&cluster, "liar").wait();
        assert_eq!(process.status.code(), Some(3));
        let _honest = worker(&cluster, "honest");
        assert_same(&cluster, submitted);
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
    let register = "select tranche.register('idle', 1, null)";
    let idle = cluster.sql_as("worker", register).unwrap();
    let take = format!("select task is null from tranche.take({idle}, 1, 'epoch', 0, 0)");
    // What it amounts to that a worker says it is done.
    let done = "delete from graphile_worker._private_jobs where key = '1/epoch/0/0'";
    for _ in 0..5 {
        assert_eq!(cluster.sql_as("worker", &take).as_deref(), Ok("f"));
        cluster.sql_as("worker", done).unwrap();
        cluster.wait_until(
            "exists (select from graphile_worker._private_jobs where key = '1/epoch/0/0')",
        );
    }
    // It is given no more jobs then.
    assert_eq!(cluster.sql_as("worker", &take).as_deref(), Ok("t"));
    let refused = cluster.sql_as("worker", &take).unwrap_err();
    assert!(refused.contains("nothing was returned"), "{refused}");
    let _honest = worker(&cluster, "honest");
    assert_same(&cluster, submitted);
}
