//! Runs of one proof: workers and coordinators killed in each step of a batch, and databases of an earlier version.

use serde_json::Value;

use crate::cluster::Cluster;
use crate::faults::holds;
use crate::serve::{Case, assert_same, coordinator, submit_and_wait, worker};

/// Whether a step of some batch is accepted, and not of all.
fn is_within(kind: &str) -> String {
    format!(
        "exists (select from tranche.jobs where kind = '{kind}' and state = 'accepted') \
         and exists (select from tranche.jobs where kind = '{kind}' and state = 'ready')"
    )
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn a_worker_is_killed_in_each_step_of_a_batch() {
    for kind in ["commit", "argue", "open"] {
        let cluster = Cluster::start();
        let submitted = Case::Batches.submit_and_wait(&cluster);
        let killed = worker(&cluster, "killed");
        cluster.wait_until(&holds("killed", kind));
        killed.kill();
        let _other = worker(&cluster, "other");
        Case::Batches.assert_same(&cluster, submitted);
    }
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn a_coordinator_is_killed_in_each_step() {
    let cluster = Cluster::start();
    let submitted = Case::Batches.submit_and_wait(&cluster);
    let _worker = worker(&cluster, "worker");
    cluster.wait_until(&is_within("commit"));
    submitted.kill();
    assert!(!cluster.folder().join("bundle").exists());
    for kind in ["argue", "open"] {
        let next = coordinator(&cluster);
        cluster.wait_until(&is_within(kind));
        next.kill();
    }
    let _last = coordinator(&cluster);
    let fetch = |args: &[&str]| {
        let mut fetch = cluster.fleet("coordinator");
        let fetch = fetch.args(["fetch", "1", "-o"]).args(args);
        fetch.output().unwrap()
    };
    // As it comes, through a pipe.
    let fetched = fetch(&["-", "--keep"]);
    assert!(fetched.status.success(), "{fetched:?}");
    assert!(fetched.stdout == Case::Batches.local());
    let status = cluster
        .fleet("coordinator")
        .args(["status", "--json"])
        .output()
        .unwrap();
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    let run = &status["runs"][0];
    assert_eq!(
        (&run["approach"], &run["state"]),
        (&"retire".into(), &"done".into())
    );
    let batches = &run["epochs"];
    for steps in ["committed", "argued", "accepted_epochs"] {
        assert_eq!(run[steps], *batches, "{steps}");
    }
    assert_eq!(status["workers"][0]["refused"], Value::Null);
    let fetched = fetch(&["bundle"]);
    assert!(fetched.status.success(), "{fetched:?}");
    assert!(std::fs::read(cluster.folder().join("bundle")).unwrap() == Case::Batches.local());
    cluster.assert_empty();
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn a_database_of_an_earlier_version_is_brought_up_to_this() {
    let cluster = Cluster::start();
    cluster.sql(
        "drop schema tranche cascade; \
         do $$ declare t text; begin \
         for t in select tablename from pg_policies where policyname = 'tranche_worker' loop \
         execute format('drop policy tranche_worker on graphile_worker.%I', t); \
         end loop; end $$",
    );
    cluster.sql(include_str!("../../src/schema/1.sql"));
    let run = |user: &str, command: &str| cluster.fleet(user).arg(command).output().unwrap();
    let early = run("coordinator", "status");
    let said = String::from_utf8(early.stderr).unwrap();
    assert!(said.contains("a fleet of version 1"), "{said}");
    let made = run("admin", "init");
    assert_eq!(made.stdout, b"the database has a fleet now\n", "{made:?}");
    let again = run("admin", "init");
    assert_eq!(again.stdout, b"the database has a fleet of this version\n");
    let _worker = worker(&cluster, "worker");
    assert_same(&cluster, submit_and_wait(&cluster));
    Case::Batches.assert_same(&cluster, Case::Batches.submit_and_wait(&cluster));
}
