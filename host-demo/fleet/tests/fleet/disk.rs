//! A database whose disk is full. Needs root.

use std::fs;
use std::io::Write;

use crate::cluster::{Cluster, Server};
use crate::serve::{assert_same, submit_and_wait, worker};

/// Room for the database, its log of changes, and a few proofs.
const DISK_MIB: u32 = 160;

#[test]
#[ignore = "needs PostgreSQL and root: tests/run fleet"]
fn the_disk_of_the_database_is_full() {
    let cluster = Cluster::of(Server {
        disk_mib: Some(DISK_MIB),
        ..Server::default()
    });
    let submitted = submit_and_wait(&cluster);
    let _workers = [worker(&cluster, "one"), worker(&cluster, "two")];
    cluster.wait_until("(select count(*) from tranche.jobs where state = 'accepted') > 2");
    let filler = cluster.data().join("filler");
    let mut file = fs::File::create(&filler).unwrap();
    while file.write_all(&[0; 1 << 12]).is_ok() {}
    let said = || fs::read_to_string(cluster.log()).unwrap();
    while !said().contains("No space left on device") {
        // What was freed since is taken, too.
        while file.write_all(&[0; 1 << 12]).is_ok() {}
    }
    fs::remove_file(filler).unwrap();
    drop(file);
    cluster.resume_if_ended();
    assert_same(&cluster, submitted);
    assert_eq!(
        cluster.sql("select count(*) from tranche.workers where refused is not null"),
        "0"
    );
}
