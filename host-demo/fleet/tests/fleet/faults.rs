//! Processes killed, stopped and cut off, each in the middle of its work.

use std::thread::sleep;
use std::time::Duration;

use crate::cluster::{Cluster, fleet_at};
use crate::relay::Relay;
use crate::serve::{
    Case, Process, assert_same, coordinator, local, submit_and_wait, worker, worker_of,
};

/// Longer than a lease and the look for those that have ended.
pub const OVER: Duration = Duration::from_millis(3500);

/// Whether a worker has a job of a kind in hand.
pub fn holds(worker: &str, kind: &str) -> String {
    format!(
        "exists (select from tranche.takes t join tranche.workers w on w.id = t.worker \
         where w.name = '{worker}' and t.kind = '{kind}' and not t.offered)"
    )
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn a_worker_is_killed_in_each_kind_of_job() {
    for kind in ["epoch", "merge"] {
        let cluster = Cluster::start();
        let submitted = submit_and_wait(&cluster);
        let killed = worker(&cluster, "killed");
        if kind == "merge" {
            cluster.wait_until(
                "exists (select from tranche.jobs where kind = 'merge' and state = 'ready')",
            );
        }
        cluster.wait_until(&holds("killed", kind));
        killed.kill();
        let _other = worker(&cluster, "other");
        assert_same(&cluster, submitted);
    }
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn a_coordinator_is_killed() {
    let cluster = Cluster::start();
    let submitted = submit_and_wait(&cluster);
    let _worker = worker(&cluster, "worker");
    cluster.wait_until("(select count(*) from tranche.jobs where state = 'accepted') > 3");
    submitted.kill();
    assert!(!cluster.folder().join("bundle").exists());
    let second = coordinator(&cluster);
    cluster.wait_until("(select count(*) from tranche.jobs where state = 'accepted') > 12");
    second.kill();
    let _third = coordinator(&cluster);
    let fetched = cluster
        .fleet("coordinator")
        .args(["fetch", "1", "-o", "-"])
        .output()
        .unwrap();
    assert!(fetched.status.success(), "{fetched:?}");
    assert!(fetched.stdout == local());
    cluster.assert_empty();
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn the_database_crashes() {
    for case in [Case::Epochs, Case::Batches] {
        let cluster = Cluster::start();
        let submitted = case.submit_and_wait(&cluster);
        let _workers = [worker(&cluster, "one"), worker(&cluster, "two")];
        for accepted in [3, 12] {
            cluster.wait_until(&format!(
                "(select count(*) from tranche.jobs where state = 'accepted') > {accepted}"
            ));
            cluster.crash();
            cluster.resume();
        }
        case.assert_same(&cluster, submitted);
    }
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn a_worker_is_slower_than_its_lease() {
    let cluster = Cluster::start();
    let submitted = submit_and_wait(&cluster);
    let slow = worker(&cluster, "slow");
    cluster.wait_until(&holds("slow", "epoch"));
    slow.signal("STOP");
    let _fast = worker(&cluster, "fast");
    sleep(OVER);
    slow.signal("CONT");
    assert_same(&cluster, submitted);
    assert_eq!(
        cluster.sql("select count(*) from tranche.workers where refused is not null"),
        "0"
    );
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn a_link_is_cut_for_longer_than_a_lease() {
    let cluster = Cluster::start();
    let relay = Relay::start(&cluster.socket());
    let submitted = submit_and_wait(&cluster);
    let fleet = fleet_at(&relay.url("worker"), cluster.folder());
    let _far = Process::spawn(&mut worker_of(fleet, "far"));
    cluster.wait_until(&holds("far", "epoch"));
    relay.cut();
    let _near = worker(&cluster, "near");
    sleep(OVER);
    relay.mend();
    assert_same(&cluster, submitted);
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn workers_are_killed_again_and_again() {
    let cluster = Cluster::start();
    let submitted = submit_and_wait(&cluster);
    for i in 0..4 {
        let killed = worker(&cluster, &format!("killed-{i}"));
        cluster.wait_until(&format!(
            "(select count(*) from tranche.jobs where state = 'accepted') > {}",
            4 * i
        ));
        killed.kill();
    }
    let _last = worker(&cluster, "last");
    assert_same(&cluster, submitted);
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn a_job_that_fails_ten_times_ends_the_run() {
    let alone: &[_] = &["one"];
    for (case, kind, workers) in [
        (Case::Epochs, "epoch", alone),
        (Case::Epochs, "epoch", &["one", "two", "three"]),
        (Case::Batches, "commit", alone),
    ] {
        let cluster = Cluster::start();
        let submitted = case.submit_and_wait(&cluster);
        let name = format!("1/{kind}/0/1");
        let task = format!("(select task from tranche.jobs where kind = '{kind}' and index = 1)");
        cluster.wait_until(&format!("{task} is not null"));
        // Nobody can do anything with it.
        cluster.sql(&format!(
            "update tranche.pieces set data = 'none' where blob = {task}"
        ));
        let workers = workers.iter().map(|name| worker(&cluster, name));
        let _workers: Vec<_> = workers.collect();
        while cluster.sql("select state from tranche.runs") == "open" {
            // They would wait longer from time to time.
            let again =
                "update graphile_worker._private_jobs set run_at = now() where run_at > now()";
            cluster.sql(again);
            sleep(Duration::from_millis(50));
        }
        let output = submitted.wait();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        let expected = format!("run 1 has failed: job {name} failed 10 times: ");
        assert!(said.contains(&expected), "{said}");
        assert!(!cluster.folder().join("bundle").exists());
        // It is the job that is bad.
        let refused = "select count(*) from tranche.workers where refused is not null";
        assert_eq!(cluster.sql(refused), "0");
    }
}
