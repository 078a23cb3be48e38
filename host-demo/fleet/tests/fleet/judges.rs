//! Judges beside coordinators: what they accept is what a coordinator would, and whatever becomes of one, others go on.

use std::sync::Arc;
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::runtime::Runtime;
use tranche_fleet::database::Link;

use crate::cluster::Cluster;
use crate::liars::Liar;
use crate::serve::{
    LEASE, Process, assert_same, coordinator, judge, judge_with, local, submit, submit_and_wait,
    worker,
};

fn status(cluster: &Cluster) -> Value {
    let mut status = cluster.fleet("coordinator");
    let status = status.args(["status", "--json"]).output().unwrap();
    serde_json::from_slice(&status.stdout).unwrap()
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn judges_verify_what_a_coordinator_would() {
    let cluster = Cluster::start();
    let judges = ["one", "two"].map(|name| judge(&cluster, name));
    let submitted = submit(&cluster, &[]).output().unwrap();
    assert!(submitted.status.success(), "{submitted:?}");
    let coordinating = coordinator(&cluster);
    let _workers = ["one", "two"].map(|name| worker(&cluster, name));
    cluster.wait_until("(select state = 'done' from tranche.runs)");
    let jobs = "(select count(*) from tranche.jobs)";
    cluster.wait_until(&format!(
        "(select sum(judged) from tranche.judges) = {jobs}"
    ));
    let status = status(&cluster);
    assert_eq!(status["judges"].as_array().unwrap().len(), 2);
    // All were there before the first proof was.
    coordinating.signal("TERM");
    let said = String::from_utf8(coordinating.wait().stderr).unwrap();
    assert!(
        said.contains("planning") && !said.contains("judging"),
        "{said}"
    );
    let mut fetch = cluster.fleet("coordinator");
    let fetched = fetch.args(["fetch", "1", "-o", "-"]).output().unwrap();
    assert!(fetched.stdout == local(), "{:?}", fetched.stderr);
    for judge in judges {
        judge.signal("TERM");
        assert!(judge.wait().status.success());
    }
    // Who has ended is not waited for.
    assert_eq!(
        cluster.sql("select count(*) from tranche.judges where until > now()"),
        "0"
    );
    assert_same(&cluster, submit_and_wait(&cluster));
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn judges_go_on_without_a_coordinator() {
    let cluster = Cluster::start();
    let _judge = judge(&cluster, "judge");
    let submitted = submit_and_wait(&cluster);
    cluster.wait_until("(select epochs is not null from tranche.runs)");
    submitted.kill();
    let _worker = worker(&cluster, "worker");
    cluster.wait_until("not exists (select from tranche.jobs where state <> 'accepted')");
    assert_eq!(cluster.sql("select state from tranche.runs"), "open");
    let _coordinator = coordinator(&cluster);
    let mut fetch = cluster.fleet("coordinator");
    let fetched = fetch.args(["fetch", "1", "-o", "-"]).output().unwrap();
    assert!(fetched.stdout == local(), "{:?}", fetched.stderr);
    cluster.assert_empty();
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn judges_are_killed_and_stopped() {
    let cluster = Cluster::start();
    let _workers = ["one", "two"].map(|name| worker(&cluster, name));
    let judge = |name: &str| judge_with(&cluster, name, &["--lease", LEASE]);
    let stopped = judge("stopped");
    let submitted = submit_and_wait(&cluster);
    for (accepted, name) in [(2, "first"), (5, "second"), (8, "third")] {
        let accepted = format!("where state = 'accepted') > {accepted}");
        cluster.wait_until(&format!("(select count(*) from tranche.jobs {accepted}"));
        judge(name).kill();
    }
    // Coordinators judge when its lease has ended.
    stopped.signal("STOP");
    assert_same(&cluster, submitted);
    drop(stopped);
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn what_cannot_be_judged_is_left_to_its_coordinator_and_said() {
    let cluster = Cluster::start();
    let judging = judge(&cluster, "judge");
    let submitted = submit_and_wait(&cluster);
    let claim = "(select claim from tranche.jobs where kind = 'epoch' and index = 0)";
    cluster.wait_until(&format!("{claim} is not null"));
    cluster.sql(&format!(
        "update tranche.pieces set data = set_byte(data, 80, get_byte(data, 80) # 1) where blob = {claim}"
    ));
    let _worker = worker(&cluster, "worker");
    let ended = submitted.wait();
    assert_eq!(ended.status.code(), Some(1));
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.contains("cut off, or damaged"), "{said}");
    // Nobody is blamed for it, and the judge goes on with other runs.
    assert_eq!(
        cluster.sql("select count(*) from tranche.workers where refused is not null"),
        "0"
    );
    assert_eq!(cluster.sql("select left_out from tranche.judges"), "{1}");
    let judged = "(select judged from tranche.judges)";
    let before = cluster.sql(&format!("select {judged}"));
    let second = submit_and_wait(&cluster).wait();
    assert!(second.status.success(), "{second:?}");
    assert!(std::fs::read(cluster.folder().join("bundle")).unwrap() == local());
    cluster.wait_until(&format!("{judged} > {before} + 10"));
    judging.signal("TERM");
    let said = String::from_utf8(judging.wait().stderr).unwrap();
    let expected = "run 1 is left to its coordinator: the task is cut off, or damaged";
    assert_eq!(said.matches(expected).count(), 1, "{said}");
}

/// Connections of a coordinator's, whose statements are told in what order to come.
struct Hands {
    runtime: Arc<Runtime>,
    links: Vec<Link>,
}

impl Hands {
    fn new(cluster: &Cluster) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = Arc::new({ runtime }.enable_all().build().unwrap());
        let database = cluster.database("coordinator");
        let links = runtime.block_on(async {
            vec![
                database.connect().await.unwrap(),
                database.connect().await.unwrap(),
            ]
        });
        Self { runtime, links }
    }

    fn run(&self, hand: usize, statements: &str) {
        let done = self.links[hand].batch_execute(statements);
        self.runtime.block_on(done).unwrap();
    }

    /// Takes an offer into a hand; its number.
    fn take(&self, hand: usize) -> Option<i64> {
        self.run(hand, "begin");
        let take = "select offer from tranche.hand(null, '{}', 60000)";
        let row = self.runtime.block_on(self.links[hand].query_opt(take, &[]));
        row.unwrap().map(|row| row.get(0))
    }

    /// Executes something in the second hand that has to wait for the first.
    fn waiting(&mut self, cluster: &Cluster, statements: String) -> JoinHandle<()> {
        let link = self.links.pop().unwrap();
        let runtime = self.runtime.clone();
        let waiting = spawn(move || {
            runtime.block_on(link.batch_execute(&statements)).unwrap();
        });
        cluster.wait_until(
            "exists (select from pg_stat_activity where usename = 'coordinator' and wait_event_type = 'Lock')",
        );
        waiting
    }
}

/// A run with offers for its first epochs, and nobody who judges.
fn offered(cluster: &Cluster, epochs: i32) -> Liar {
    let submitted = submit_and_wait(cluster);
    cluster.wait_until("(select epochs is not null from tranche.runs)");
    submitted.kill();
    let mut liar = Liar::register(cluster);
    for index in 0..epochs {
        liar.take("epoch", index);
        liar.offer("epoch", index, b"not looked at");
    }
    liar
}

fn merge_is(cluster: &Cluster, state: &str) {
    let found = "select state from tranche.jobs where kind = 'merge' and level = 1 and index = 0";
    assert_eq!(cluster.sql(found), state);
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn the_last_children_of_a_merge_are_accepted_at_once() {
    let cluster = Cluster::start();
    let _liar = offered(&cluster, 3);
    let mut hands = Hands::new(&cluster);
    let offer = hands.take(0).unwrap();
    hands.run(0, &format!("select tranche.accept({offer}); commit"));
    let offers = [hands.take(0).unwrap(), hands.take(1).unwrap()];
    // What is in a hand is in no other.
    assert_eq!(offers, [offer + 1, offer + 2]);
    hands.run(0, &format!("select tranche.accept({})", offers[0]));
    let accept = format!("select tranche.accept({}); commit", offers[1]);
    let waiting = hands.waiting(&cluster, accept);
    hands.run(0, "commit");
    waiting.join().unwrap();
    merge_is(&cluster, "ready");
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn jobs_are_made_while_their_children_are_accepted() {
    let cluster = Cluster::start();
    let _liar = offered(&cluster, 3);
    let mut hands = Hands::new(&cluster);
    // As if the merge was not yet planned.
    let merge = "kind = 'merge' and level = 1 and index = 0";
    cluster.sql(&format!(
        "create table merge as select * from tranche.jobs where {merge}; \
         delete from tranche.jobs where {merge}; grant select on merge to coordinator"
    ));
    for _ in 0..2 {
        let offer = hands.take(0).unwrap();
        hands.run(0, &format!("select tranche.accept({offer}); commit"));
    }
    let offer = hands.take(0).unwrap();
    hands.run(0, &format!("select tranche.accept({offer})"));
    let put = "begin; select tranche.plan(1, 1, null, 60000); insert into tranche.jobs select * from merge; \
               select tranche.promote(1, 'merge', 1, 0); commit";
    let waiting = hands.waiting(&cluster, put.to_owned());
    hands.run(0, "commit");
    waiting.join().unwrap();
    merge_is(&cluster, "ready");
    // What was planned before is not forgotten.
    let known = "select epochs > 0 and planned_cycles > 1 from tranche.runs";
    assert_eq!(cluster.sql(known), "t");
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn a_run_is_cancelled_while_an_offer_is_judged_and_jobs_are_made() {
    let cluster = Cluster::start();
    let _liar = offered(&cluster, 1);
    let mut hands = Hands::new(&cluster);
    let offer = hands.take(0).unwrap();
    let mut cancel = cluster.fleet("coordinator");
    let cancelled = Process::spawn(cancel.args(["cancel", "1"]));
    let waits = "select count(*) from pg_stat_activity where usename = 'coordinator' and wait_event_type = 'Lock'";
    cluster.wait_until(&format!("({waits}) = 1"));
    let plan = "select tranche.plan(1, 1, null, 60000)".to_owned();
    let waiting = hands.waiting(&cluster, plan);
    cluster.wait_until(&format!("({waits}) = 2"));
    hands.run(0, &format!("select tranche.accept({offer}); commit"));
    waiting.join().unwrap();
    assert!(cancelled.wait().status.success());
    cluster.assert_empty();
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn a_worker_that_hands_in_slowly_holds_up_nobody() {
    let cluster = Cluster::start();
    let mut liar = offered(&cluster, 2);
    // Not seen for a while, and in the middle of handing in.
    cluster.sql("update tranche.workers set seen = now() - interval '1 minute'");
    liar.begin("select tranche.room($1, 1, 1000)");
    let hands = Hands::new(&cluster);
    let offer = hands.take(0).unwrap();
    hands.run(
        0,
        &format!("set local lock_timeout = 100; select tranche.accept({offer}); commit"),
    );
    // One that holds its own row on purpose is dropped, and marked another time.
    liar.begin("select tranche.beat($1)");
    let refused = "select refused is not null from tranche.workers";
    cluster
        .sql_as(
            "coordinator",
            &format!("select tranche.refuse({}, 'false')", offer + 1),
        )
        .unwrap();
    let one = |statement: &str| cluster.sql(statement);
    assert_eq!(
        (
            one(refused).as_str(),
            one("select count(*) from tranche.offers").as_str()
        ),
        ("f", "0")
    );
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn nothing_is_offered_but_what_the_same_transaction_has_made() {
    let cluster = Cluster::start();
    let liar = offered(&cluster, 1);
    let me = liar.number();
    let offer = |blob: &str, seconds: &str| {
        let offer = format!("select tranche.offer({me}, 1, 'epoch', 0, 0, {blob}, {seconds}, 1)");
        cluster.sql_as("worker", &offer)
    };
    let program = cluster.sql("select program from tranche.runs");
    let offered = cluster.sql("select proof from tranche.offers");
    let room = format!("(select tranche.room({me}, 1, 3))");
    for (blob, seconds) in [
        (program.as_str(), "1"),
        (&offered, "1"),
        (&room, "-1"),
        (&room, "'infinity'"),
        (&room, "'nan'"),
        (&room, "1e308"),
    ] {
        let refused = offer(blob, seconds).unwrap_err();
        assert!(
            refused.contains("no proof of this transaction"),
            "{refused}"
        );
    }
    assert_eq!(cluster.sql("select count(*) from tranche.offers"), "1");
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn a_worker_is_refused_while_another_offer_of_its_is_judged() {
    let cluster = Cluster::start();
    let _liar = offered(&cluster, 2);
    let mut hands = Hands::new(&cluster);
    let offer = hands.take(0).unwrap();
    let refuse = format!("select tranche.refuse({}, 'false')", offer + 1);
    let waiting = hands.waiting(&cluster, refuse);
    hands.run(0, &format!("select tranche.accept({offer}); commit"));
    waiting.join().unwrap();
    let one = |statement: &str| cluster.sql(&format!("select {statement}"));
    assert_eq!(one("count(*) from tranche.offers"), "0");
    assert_eq!(one("refused from tranche.workers"), "false");
    // What is gone is not taken.
    assert_eq!(one(&format!("tranche.accept({})", offer + 1)), "f");
    let state = one(
        "string_agg(state, ' ' order by index) from tranche.jobs where kind = 'epoch' and index < 2",
    );
    assert_eq!(state, "accepted ready");
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn who_does_nothing_with_an_offer_loses_it() {
    let cluster = Cluster::start();
    let liar = offered(&cluster, 1);
    let hands = Hands::new(&cluster);
    let start = Instant::now();
    hands.run(0, "begin; select tranche.hand(null, '{}', 1000)");
    assert_eq!(hands.take(1), None);
    hands.run(1, "rollback");
    let _coordinator = coordinator(&cluster);
    let refused = format!(
        "(select refused is not null from tranche.workers where id = {})",
        liar.number()
    );
    cluster.wait_until(&refused);
    assert!(start.elapsed() >= Duration::from_secs(1));
    let lost = hands
        .runtime
        .block_on(hands.links[0].batch_execute("commit"));
    lost.unwrap_err();
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn epochs_of_an_earlier_version_are_planned_anew() {
    let cluster = Cluster::start();
    let submitted = submit_and_wait(&cluster);
    {
        let _worker = worker(&cluster, "early");
        cluster.wait_until("(select count(*) from tranche.jobs where state = 'accepted') > 3");
    }
    submitted.kill();
    // What version 3 had.
    cluster.sql(
        "alter table tranche.jobs drop column claim; drop table tranche.judges, tranche.job_locks, tranche.tallies; \
         alter table tranche.workers add accepted int not null default 0, add repeated int not null default 0, \
         add proving_seconds float8 not null default 0, add job_seconds float8 not null default 0; \
         drop function tranche.plan, tranche.put, tranche.put_job, tranche.hand, tranche.sit, tranche.stay, \
         tranche.lease, tranche.tally, tranche.admit; update tranche.meta set version = 3",
    );
    let init = cluster.fleet("admin").arg("init").output().unwrap();
    assert!(init.status.success(), "{init:?}");
    let kept = "from tranche.jobs";
    assert_eq!(
        cluster.sql(&format!("select distinct state {kept}")),
        "accepted"
    );
    let _judge = judge(&cluster, "judge");
    let _coordinator = coordinator(&cluster);
    let _worker = worker(&cluster, "late");
    let mut fetch = cluster.fleet("coordinator");
    let fetched = fetch.args(["fetch", "1", "-o", "-"]).output().unwrap();
    assert!(fetched.stdout == local(), "{:?}", fetched.stderr);
    cluster.assert_empty();
}
