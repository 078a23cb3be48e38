//! Workers that return false records of batches: each is found out, whether or not its record was taken before, named, and
//! what it did is done again.

use tranche::retire::Header;
use tranche::retire::remote::{Made, Queries, Source, Step, Task, decode, work};
use tranche_core::shape::Profile;
use tranche_machine::Program;
use tranche_machine::batches::{BODY, RunTables};

use crate::cluster::Cluster;
use crate::liars::{Given, Liar, return_nothing};
use crate::serve::{Case, worker};

/// Makes an honest record a false one.
type Forge = fn(&mut Vec<u8>, &Given);

/// The steps of a batch.
const STEPS: [&str; 3] = ["commit", "argue", "open"];

/// Keeps a step of some batches from all workers, from the moment that it is there.
fn hold(cluster: &Cluster, step: &str, batches: &[i32]) {
    let keys = batches.iter().map(|batch| format!("'1/{step}/0/{batch}'"));
    let keys = keys.collect::<Vec<_>>().join(", ");
    cluster.sql(&format!(
        "create function public.hold() returns trigger language plpgsql as $$ begin \
         if new.key in ({keys}) then \
         new.locked_by := 'somebody'; new.locked_at := now() + interval '1 hour'; \
         end if; return new; end $$; \
         create trigger hold before insert on graphile_worker._private_jobs \
         for each row execute function public.hold()"
    ));
}

/// Lets it go again.
fn release(cluster: &Cluster) {
    // What was put in place of a job that is held has its name.
    cluster.sql(
        "drop function public.hold() cascade; \
         delete from graphile_worker._private_jobs where locked_by = 'somebody' and key is null; \
         update graphile_worker._private_jobs set locked_by = null, locked_at = null \
         where locked_by = 'somebody'",
    );
}

/// Waits until a step of a batch is there to be taken.
fn wait_for(cluster: &Cluster, step: &str, batch: i32) {
    cluster.wait_until(&format!(
        "exists (select from tranche.jobs where kind = '{step}' and index = {batch})"
    ));
}

/// Whom a run is of.
fn of(given: &Given) -> (Header, Program<'_>) {
    let header = Header::read(&mut &given.header[8..]).unwrap();
    (header, Program::parse(&given.elf).unwrap())
}

/// The honest record of a step.
fn honest(step: &str, batch: i32, given: &Given) -> Vec<u8> {
    let (header, program) = of(given);
    let source: Source = decode(&given.task).unwrap();
    let commitments = || decode(&given.shared[0]).unwrap();
    let step = match step {
        "commit" => Step::Commit,
        "argue" => Step::Argue(commitments()),
        _ => {
            let queries: Vec<Queries> = decode(&given.shared[1]).unwrap();
            Step::Open(commitments(), queries[batch as usize].clone())
        }
    };
    let mut task = Some(Task::new(batch as usize, source, step));
    let mut record = Vec::new();
    let mut done = |made: Result<Made, _>| record = made.unwrap().record;
    let mut next = || task.take();
    work(&program, &header, Profile::Fast, &mut next, &mut done).unwrap();
    record
}

/// Bytes of the tallest codeword of a body: an extension element a place.
fn tallest_bytes(given: &Given) -> usize {
    let (header, program) = of(given);
    let program = program.with_blocks(header.blocks);
    let shape = header.shape(&program);
    let (params, output) = (header.params, &header.output);
    let tables = RunTables::new(
        &program,
        &shape,
        params,
        header.hash,
        header.exit_code,
        output,
    );
    let tables = tables.unwrap();
    let heights = tables.specs(BODY).iter().map(|spec| spec.log_height);
    16 << (heights.max().unwrap() + params.log_blowup)
}

/// Why the liar is refused, once it is.
fn refusal(cluster: &Cluster, liar: &Liar) -> String {
    let number = liar.number();
    cluster.wait_until(&format!(
        "exists (select from tranche.workers where id = {number} and refused is not null)"
    ));
    cluster.sql(&format!(
        "select refused from tranche.workers where id = {number}"
    ))
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn a_false_record_is_refused_in_each_step() {
    for step in STEPS {
        for other in [false, true] {
            let cluster = Cluster::start();
            hold(&cluster, step, &[0, 1]);
            let submitted = Case::Batches.submit_and_wait(&cluster);
            let _honest = worker(&cluster, "honest");
            wait_for(&cluster, step, 1);
            let mut liar = Liar::register(&cluster);
            liar.take(step, 0);
            let record = if other {
                honest(step, 1, &liar.take(step, 1))
            } else {
                vec![1; 300_000]
            };
            liar.offer(step, 0, &record);
            let said = refusal(&cluster, &liar);
            assert!(said.starts_with(&format!("{step} 0/0: ")), "{said}");
            release(&cluster);
            Case::Batches.assert_same(&cluster, submitted);
        }
    }
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn a_false_record_that_was_taken_is_found_by_what_follows() {
    // A root of no traces, codewords of no columns, and claims that are none in the proof.
    let root: Forge = |record, _| record[8] ^= 1;
    let codewords: Forge = |record, given| record[..tallest_bytes(given)].fill(0);
    let claims: Forge = |record, _| {
        let length = record.len();
        record[length - 8] ^= 1;
    };
    for (step, forge) in [("commit", root), ("argue", codewords), ("argue", claims)] {
        let cluster = Cluster::start();
        hold(&cluster, step, &[2]);
        let submitted = Case::Batches.submit_and_wait(&cluster);
        let _honest = worker(&cluster, "honest");
        wait_for(&cluster, step, 2);
        let mut liar = Liar::register(&cluster);
        let given = liar.take(step, 2);
        let mut record = honest(step, 2, &given);
        forge(&mut record, &given);
        liar.offer(step, 2, &record);
        let number = liar.number();
        cluster.wait_until(&format!(
            "(select accepted = 1 from tranche.tallies where worker = {number})"
        ));
        release(&cluster);
        let said = refusal(&cluster, &liar);
        let expected = format!("{step} of batch 2: the record is another when it is made again");
        assert_eq!(said, expected);
        Case::Batches.assert_same(&cluster, submitted);
        assert_eq!(
            cluster.sql("select count(*) from tranche.workers where refused is not null"),
            "1"
        );
    }
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn a_step_that_nothing_was_returned_for_goes_to_another() {
    for step in STEPS {
        let cluster = Cluster::start();
        hold(&cluster, step, &[0]);
        let submitted = Case::Batches.submit_and_wait(&cluster);
        let _honest = worker(&cluster, "honest");
        wait_for(&cluster, step, 0);
        return_nothing(&cluster, step);
        release(&cluster);
        Case::Batches.assert_same(&cluster, submitted);
    }
}

#[test]
#[ignore = "needs PostgreSQL: tests/run fleet"]
fn of_two_records_that_differ_the_false_one_is_found() {
    for false_first in [false, true] {
        let cluster = Cluster::start();
        hold(&cluster, "commit", &[2]);
        let submitted = Case::Batches.submit_and_wait(&cluster);
        wait_for(&cluster, "commit", 2);
        let (mut liar, mut other) = (Liar::register(&cluster), Liar::register(&cluster));
        let given = [&liar, &other].map(|worker| worker.take("commit", 2));
        let record = honest("commit", 2, &given[0]);
        let mut forged = record.clone();
        forged[8] ^= 1;
        let offer_first = |worker: &mut Liar, record: &[u8]| {
            worker.offer("commit", 2, record);
            let number = worker.number();
            cluster.wait_until(&format!(
                "exists (select from tranche.jobs where worker = {number} and state = 'accepted')"
            ));
        };
        if false_first {
            offer_first(&mut liar, &forged);
            other.offer("commit", 2, &record);
        } else {
            offer_first(&mut other, &record);
            liar.offer("commit", 2, &forged);
        }
        let said = refusal(&cluster, &liar);
        assert!(said.starts_with("commit"), "{said}");
        release(&cluster);
        let _honest = worker(&cluster, "honest");
        Case::Batches.assert_same(&cluster, submitted);
        assert_eq!(
            cluster.sql("select count(*) from tranche.workers where refused is not null"),
            "1"
        );
    }
}
