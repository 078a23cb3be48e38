//! Workers in network namespaces of their own, which reach the database over TLS. Needs root.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, id};
use std::thread::sleep;

use crate::cluster::{Addresses, Cluster, Server, fleet_at};
use crate::faults::{OVER, holds};
use crate::serve::{Process, assert_same, submit_and_wait, worker, worker_of};

/// A network namespace with a link to this one.
pub struct Namespace {
    name: String,
    /// This side of the link.
    link: String,
    /// The address of this side.
    pub host: Ipv4Addr,
}

impl Namespace {
    /// The `i`th of this process.
    pub fn new(i: u8) -> Self {
        let name = format!("tranche-{}-{i}", id());
        let link = format!("tr{}-{i}", id());
        // Two test runs on one machine hardly ever have the same numbers.
        let third = [100 + (id() % 100) as u8, i];
        let host = Ipv4Addr::new(10, third[0], third[1], 1);
        let this = Self { name, link, host };
        let ns = ["netns", "exec", &this.name, "ip"];
        let peer = Ipv4Addr::new(10, third[0], third[1], 2);
        ip(&["netns", "add", &this.name]);
        let pair = [
            "link", "add", &this.link, "type", "veth", "peer", "name", "eth0",
        ];
        ip(&[&pair[..], &["netns", &this.name]].concat());
        ip(&["address", "add", &format!("{host}/24"), "dev", &this.link]);
        ip(&["link", "set", &this.link, "up"]);
        let address = ["address", "add", &format!("{peer}/24"), "dev", "eth0"];
        ip(&[&ns[..], &address].concat());
        ip(&[&ns[..], &["link", "set", "eth0", "up"]].concat());
        this
    }

    /// Cuts the link, or mends it.
    pub fn set(&self, state: &str) {
        ip(&["link", "set", &self.link, state]);
    }

    /// Bytes that have come from the namespace and gone to it, with all headers.
    pub fn bytes(&self) -> [u64; 2] {
        ["rx_bytes", "tx_bytes"].map(|counter| {
            let path = format!("/sys/class/net/{}/statistics/{counter}", self.link);
            let text = std::fs::read_to_string(path).unwrap();
            text.trim().parse().unwrap()
        })
    }

    /// `tranche-fleet` in the namespace, as a user of the database.
    pub fn fleet(&self, cluster: &Cluster, port: u16, user: &str) -> Command {
        let url = format!(
            "postgres://{user}@{}:{port}/fleet?sslmode=require",
            self.host
        );
        let outside = fleet_at(&url, cluster.folder());
        let mut inside = Command::new("ip");
        inside.args(["netns", "exec", &self.name]);
        inside.arg(outside.get_program());
        inside.envs(
            outside
                .get_envs()
                .filter_map(|(key, value)| Some((key, value?))),
        );
        inside.current_dir(cluster.folder());
        inside
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // The link goes with it.
        let _ = Command::new("ip")
            .args(["netns", "delete", &self.name])
            .status();
    }
}

fn ip(args: &[&str]) {
    let output = Command::new("ip").args(args).output().unwrap();
    assert!(output.status.success(), "ip {args:?}: {output:?}");
}

/// A database that namespaces reach, and the port.
pub fn reached_by(namespaces: &[Namespace], server: Server) -> (Cluster, u16) {
    let free = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let hosts = namespaces.iter().map(|it| it.host).collect();
    let network = Some(Addresses { hosts, port });
    (Cluster::of(Server { network, ..server }), port)
}

/// A worker in a namespace, which trusts a certificate.
pub fn worker_in(namespace: &Namespace, cluster: &Cluster, port: u16, trusted: &Path) -> Process {
    let mut command = namespace.fleet(cluster, port, "worker");
    command.env("PGSSLROOTCERT", trusted);
    Process::spawn(&mut worker_of(command, &namespace.name))
}

#[test]
#[ignore = "needs PostgreSQL and root: tests/run fleet"]
fn each_worker_has_a_network_of_its_own() {
    let namespaces: Vec<_> = (0..4).map(Namespace::new).collect();
    let (cluster, port) = reached_by(&namespaces, Server::default());
    // Without the certificate, nothing is said to whoever answers.
    let stranger = worker_of(namespaces[0].fleet(&cluster, port, "worker"), "stranger");
    let stranger = { stranger }.output().unwrap();
    let said = String::from_utf8_lossy(&stranger.stderr);
    assert_eq!(stranger.status.code(), Some(1), "{said}");
    assert!(said.contains("UnknownIssuer"), "{said}");
    let mut registered = 0;
    for workers in [1, 2, 4] {
        let submitted = submit_and_wait(&cluster);
        let workers: Vec<_> = namespaces[..workers]
            .iter()
            .map(|it| worker_in(it, &cluster, port, &cluster.certificate()))
            .collect();
        registered += workers.len();
        cluster.wait_until(&format!(
            "(select count(*) = {registered} from tranche.workers)"
        ));
        let links =
            "from pg_stat_ssl s join pg_stat_activity a using (pid) where a.usename = 'worker'";
        assert_eq!(cluster.sql(&format!("select bool_and(s.ssl) {links}")), "t");
        assert_same(&cluster, submitted);
        drop(workers);
    }
}

#[test]
#[ignore = "needs PostgreSQL and root: tests/run fleet"]
fn a_network_is_down_for_longer_than_a_lease() {
    let namespaces = [Namespace::new(9)];
    let (cluster, port) = reached_by(&namespaces, Server::default());
    let submitted = submit_and_wait(&cluster);
    let _far = worker_in(&namespaces[0], &cluster, port, &cluster.certificate());
    cluster.wait_until(&holds(&namespaces[0].name, "epoch"));
    namespaces[0].set("down");
    let _near = worker(&cluster, "near");
    sleep(OVER);
    namespaces[0].set("up");
    assert_same(&cluster, submitted);
}
