//! Runs without faults, and what is refused.

use std::process::Command;

use serde_json::Value;
use tranche_machine::{Program, PublicInput};

use crate::asm::echo_public;
use crate::cluster::Cluster;
use crate::serve::{
    Case, Process, assert_same, coordinator, local, submit, submit_and_wait, worker,
};

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn the_bundle_is_that_of_one_machine() {
    let cluster = Cluster::start();
    for case in [Case::Epochs, Case::Batches] {
        for workers in [1, 2, 4] {
            let submitted = case.submit_and_wait(&cluster);
            let workers: Vec<_> = (0..workers)
                .map(|i| worker(&cluster, &format!("worker-{i}")))
                .collect();
            case.assert_same(&cluster, submitted);
            for worker in workers {
                worker.signal("TERM");
                assert!(worker.wait().status.success());
            }
        }
    }
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn a_public_input_is_part_of_what_is_proved() {
    let cluster = Cluster::start();
    let file = |name: &str| cluster.folder().join(name);
    std::fs::write(file("echo.elf"), echo_public()).unwrap();
    std::fs::write(file("public"), b"public input").unwrap();
    let elf = echo_public();
    let public = PublicInput::new(b"public input").unwrap();
    let program = Program::parse(&elf).unwrap().with_public(public).decoded();
    let _worker = worker(&cluster, "worker");
    for case in [Case::Epochs, Case::Batches] {
        let args = ["--public", "public", "--wait", "-o", "bundle"];
        let submitted = case
            .submit_program(&cluster, &file("echo.elf"), &args)
            .output();
        let submitted = submitted.unwrap();
        assert!(submitted.status.success(), "{submitted:?}");
        assert!(std::fs::read(file("bundle")).unwrap() == case.prove(&program, b""));
        cluster.assert_empty();
    }
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn only_a_few_workers_are_told_of_jobs() {
    let cluster = Cluster::start();
    let listening = "(select count(*) from pg_stat_activity where query like 'LISTEN%')";
    let mut wide = cluster.fleet("worker");
    let wide = Process::spawn(wide.args(["worker", "--threads", "8", "--name", "wide"]));
    cluster.wait_until(&format!("{listening} = 1"));
    let late = worker(&cluster, "late");
    cluster.wait_until("(select count(*) = 2 from tranche.workers)");
    wide.kill();
    // As one that is still there.
    let seen = |when: &str| format!("update tranche.workers set seen = {when} where name = 'wide'");
    cluster.sql(&seen("now() + interval '1 hour'"));
    // Who is not told finds jobs all the same.
    assert_same(&cluster, submit_and_wait(&cluster));
    cluster.wait_until(&format!("{listening} = 0"));
    cluster.sql(&seen("now() - interval '1 hour'"));
    cluster.wait_until(&format!("{listening} = 1"));
    late.kill();
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn a_run_is_submitted_coordinated_and_fetched_apart() {
    let cluster = Cluster::start();
    let submitted = submit(&cluster, &["--json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&submitted.stdout).unwrap();
    assert_eq!(
        (&report["run"], &report["exit_code"]),
        (&1.into(), &0.into())
    );
    let _worker = worker(&cluster, "worker");
    // Two at once: one of them waits for the other.
    let _coordinators = [coordinator(&cluster), coordinator(&cluster)];
    let fetch = |args: &[&str]| {
        let mut fetch = cluster.fleet("coordinator");
        fetch
            .args(["fetch", "1", "-o"])
            .args(args)
            .output()
            .unwrap()
    };
    // As it comes, through a pipe.
    let fetched = fetch(&["-", "--keep"]);
    assert!(fetched.status.success(), "{fetched:?}");
    assert!(fetched.stdout == local());
    let fetched = fetch(&["bundle"]);
    assert!(fetched.status.success(), "{fetched:?}");
    assert!(std::fs::read(cluster.folder().join("bundle")).unwrap() == local());
    cluster.assert_empty();
    let again = fetch(&["bundle"]);
    assert_eq!(again.status.code(), Some(1));
    let status = cluster
        .fleet("coordinator")
        .args(["status", "--json"])
        .output()
        .unwrap();
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(status["runs"][0]["state"], "fetched");
    assert_eq!(status["workers"][0]["refused"], Value::Null);
    // No job was done twice for the two coordinators.
    assert_eq!(status["workers"][0]["repeated"], 0);
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn a_run_ends_when_it_is_cancelled_or_expires() {
    let cluster = Cluster::start();
    let waiting = submit_and_wait(&cluster);
    cluster.wait_until("exists (select from tranche.jobs)");
    let cancel = || {
        cluster
            .fleet("coordinator")
            .args(["cancel", "1"])
            .output()
            .unwrap()
    };
    assert!(cancel().status.success());
    let ended = waiting.wait();
    assert_eq!(ended.status.code(), Some(1));
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.contains("run 1 was cancelled"), "{said}");
    assert!(!cluster.folder().join("bundle").exists());
    cluster.assert_empty();
    assert_eq!(cancel().status.code(), Some(1));

    let submitted = submit(&cluster, &["--days", "0"]).output().unwrap();
    assert!(submitted.status.success());
    let gc = cluster.fleet("coordinator").arg("gc").output().unwrap();
    assert_eq!(gc.stdout, b"1 runs had expired\n");
    cluster.assert_empty();
    let fetch = cluster
        .fleet("coordinator")
        .args(["fetch", "2", "-o", "bundle"])
        .output()
        .unwrap();
    assert_eq!(fetch.status.code(), Some(2));
    assert_eq!(fetch.stderr, b"tranche-fleet: there is no run 2\n");
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn each_role_has_the_rights_that_it_needs() {
    let cluster = Cluster::start();
    let _submitted = submit_and_wait(&cluster);
    cluster.wait_until("exists (select from tranche.jobs where state = 'ready')");
    for table in [
        "runs", "jobs", "blobs", "pieces", "workers", "takes", "offers", "judges", "tallies",
    ] {
        let refused = cluster.sql_as("worker", &format!("select * from tranche.{table}"));
        assert!(
            refused.unwrap_err().contains("permission denied"),
            "{table}"
        );
    }
    for call in [
        "accept(1)",
        "refuse(1, '')",
        "close(1, 'done', null)",
        "forget(1)",
        "enqueue(1, 'epoch', 0, 0)",
        "retract(1, 'commit', 0, '')",
        "redo(1, 1)",
        "hand(null, '{}', 1)",
        "plan(1, 1, null, 1)",
        "tally(1, 1, 1, 1, 1)",
        "sit('judge', 1, 1)",
        "stay(1, 1, '{}', 1)",
    ] {
        let refused = cluster.sql_as("worker", &format!("select tranche.{call}"));
        assert!(refused.unwrap_err().contains("permission denied"), "{call}");
    }
    for statement in [
        "delete from tranche.runs",
        "update tranche.workers set refused = null",
        "drop schema tranche cascade",
    ] {
        cluster.sql_as("coordinator", statement).unwrap_err();
    }
    // A worker sees nothing that it has not taken, and speaks for itself alone.
    let worker = cluster
        .sql_as("worker", "select tranche.register('one', 1, null)")
        .unwrap();
    let piece = |blob: &str| {
        cluster.sql_as(
            "worker",
            &format!("select tranche.piece({worker}, {blob}, 0) is null"),
        )
    };
    let task = cluster.sql("select task from tranche.jobs where level = 0 and index = 0");
    let input = cluster.sql("select input from tranche.runs");
    assert_eq!(piece(&task).as_deref(), Ok("t"));
    let take = format!("select count(*) from tranche.take({worker}, 1, 'epoch', 0, 0)");
    assert_eq!(cluster.sql_as("worker", &take).as_deref(), Ok("1"));
    assert_eq!(piece(&task).as_deref(), Ok("f"));
    assert_eq!(piece(&input).as_deref(), Ok("t"));
    cluster.sql("create role other login in role tranche_worker");
    let refused = cluster.sql_as("other", &take).unwrap_err();
    assert!(refused.contains("no such worker"), "{refused}");
    let fill = format!("select tranche.fill({worker}, {task}, 1, 'x')");
    assert!(
        cluster
            .sql_as("worker", &fill)
            .unwrap_err()
            .contains("a piece of no proof")
    );
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn what_cannot_be_done_is_said() {
    let cluster = Cluster::start();
    let said = |command: &mut Command, code| {
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    for (args, option) in [
        (&["--approach", "monolithic"][..], "--approach monolithic"),
        (
            &["--approach", "retire", "--challenges", "shared"],
            "--challenges shared",
        ),
        (
            &["--challenges", "forked"],
            "--challenges forked without --approach retire",
        ),
    ] {
        let refused = said(&mut submit(&cluster, args), 2);
        let expected = format!("{option}: the fleet proves in epochs");
        assert!(refused.contains(&expected), "{refused}");
    }
    let mut nowhere = cluster.fleet("worker");
    let nowhere = said(nowhere.arg("status").env_remove("TRANCHE_DATABASE_URL"), 2);
    assert!(nowhere.contains("no database"), "{nowhere}");
    let file = cluster.folder().join("url");
    std::fs::write(&file, cluster.url("coordinator") + "\n").unwrap();
    let mut named = cluster.fleet("coordinator");
    let named = named
        .args(["status", "--database-file", "url"])
        .env_remove("TRANCHE_DATABASE_URL");
    assert!(named.output().unwrap().status.success());
    let mut other = cluster.fleet("admin");
    let other = said(
        other.arg("status").env(
            "TRANCHE_DATABASE_URL",
            cluster.url("admin").replace("/fleet", "/postgres"),
        ),
        1,
    );
    assert!(other.contains("the database has no fleet"), "{other}");
    cluster.crash();
    let gone = said(cluster.fleet("coordinator").arg("status"), 1);
    assert!(gone.contains("the database cannot be reached"), "{gone}");
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn a_worker_leaves_what_does_not_fit() {
    let cluster = Cluster::start();
    let submitted = submit_and_wait(&cluster);
    let mut small = cluster.fleet("worker");
    small.args([
        "worker",
        "--name",
        "small",
        "--memory",
        "1MB",
        "--threads",
        "1",
        "--poll",
        "0.05",
    ]);
    let small = Process::spawn(&mut small);
    cluster.wait_until("(select count(*) from tranche.jobs where state = 'ready') > 10");
    let _large = worker(&cluster, "large");
    assert_same(&cluster, submitted);
    assert_eq!(
        cluster.sql(
            "select string_agg(name, ' ') from tranche.workers join tranche.tallies on worker = id"
        ),
        "large"
    );
    drop(small);
}
