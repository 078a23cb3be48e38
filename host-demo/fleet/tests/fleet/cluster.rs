//! A database in a folder of its own, of a user without rights.

use std::fs;
use std::io::Write;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;
use tranche_fleet::database::Database;

/// The user that a database runs as where these tests are root, which PostgreSQL refuses.
const NOBODY: [&str; 3] = ["--reuid=nobody", "--regid=nogroup", "--clear-groups"];

/// What a database is started with.
#[derive(Clone, Debug)]
pub struct Server {
    /// Connections that it takes.
    pub connections: u32,
    /// Whether what it has said is there survives a crash of the machine.
    pub durable: bool,
    /// A disk of its own, of so many MiB. Needs root.
    pub disk_mib: Option<u32>,
    /// Where it is reached besides its socket, over TLS alone.
    pub network: Option<Addresses>,
    /// Whether it counts statements, and the time that each takes.
    pub counts: bool,
}

/// Addresses of the database, which its certificate names.
#[derive(Clone, Debug)]
pub struct Addresses {
    pub hosts: Vec<Ipv4Addr>,
    pub port: u16,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            connections: 60,
            durable: false,
            disk_mib: None,
            network: None,
            counts: false,
        }
    }
}

/// A running database with a fleet in it, and two users without passwords.
pub struct Cluster {
    folder: TempDir,
    server: Server,
}

impl Cluster {
    pub fn start() -> Self {
        Self::of(Server::default())
    }

    pub fn of(server: Server) -> Self {
        let folder = TempDir::with_prefix("tranche-fleet-").unwrap();
        // Others may look into it, PostgreSQL's user among them.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let cluster = Self { folder, server };
        let data = cluster.data();
        if let Some(mib) = cluster.server.disk_mib {
            fs::create_dir(&data).unwrap();
            let options = format!("size={mib}m,uid=nobody,gid=nogroup,mode=700");
            let mut mount = Command::new("mount");
            mount.args(["-t", "tmpfs", "-o", &options, "tmpfs"]);
            run(mount.arg(&data));
        }
        run(cluster
            .tool("initdb")
            .args(["--auth=trust", "--username=admin", "--no-sync", "--pgdata"])
            .arg(&data));
        if let Some(network) = &cluster.server.network {
            cluster.certify(network);
        }
        cluster.resume();
        let socket = cluster.folder.path().display().to_string();
        run(cluster
            .tool("createdb")
            .args(["--host", &socket, "--username=admin"])
            .args(["--port", &cluster.port().to_string(), "fleet"]));
        if cluster.server.counts {
            cluster.sql("create extension pg_stat_statements");
        }
        let init = cluster.fleet("admin").arg("init").output().unwrap();
        assert!(init.status.success(), "{init:?}");
        cluster.sql("create role coordinator login in role tranche_coordinator");
        cluster.sql("create role worker login in role tranche_worker");
        cluster
    }

    /// The folder of the database's own files.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The certificate that users have to trust.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("server.crt")
    }

    /// Makes a certificate for the addresses, and lets in who comes over TLS.
    fn certify(&self, network: &Addresses) {
        let names: Vec<_> = network.hosts.iter().map(|ip| format!("IP:{ip}")).collect();
        let mut openssl = self.as_owner(Path::new("openssl"));
        openssl.args([
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
        ]);
        openssl.args(["-subj", "/CN=fleet", "-addext", "basicConstraints=CA:FALSE"]);
        openssl.args(["-addext", &format!("subjectAltName={}", names.join(","))]);
        openssl.args(["-keyout", "server.key", "-out", "server.crt"]);
        run(&mut openssl);
        let rules = self.data().join("pg_hba.conf");
        let mut rules = fs::OpenOptions::new().append(true).open(rules).unwrap();
        for host in &network.hosts {
            writeln!(rules, "hostssl all all {host}/24 trust").unwrap();
        }
    }

    /// Its folder, for what a test writes.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A program of PostgreSQL.
    fn tool(&self, name: &str) -> Command {
        self.as_owner(&tools().join(name))
    }

    /// A program, run by the user that the database runs as.
    fn as_owner(&self, program: &Path) -> Command {
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(NOBODY).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(self.folder.path());
        command
    }

    fn control(&self, action: &[&str]) {
        run(self
            .tool("pg_ctl")
            .args(["--wait", "--silent", "--pgdata"])
            .arg(self.data())
            .args(action));
    }

    /// What the database has said.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Starts the database, on a socket in its folder.
    pub fn resume(&self) {
        let folder = self.folder.path().display();
        let Server {
            connections,
            durable,
            disk_mib,
            network,
            counts,
        } = &self.server;
        let mut options = format!(
            "-c unix_socket_directories={folder} -c fsync={durable} -c max_connections={connections}"
        );
        match network {
            None => options += " -c listen_addresses=''",
            Some(Addresses { hosts, port }) => {
                let hosts: Vec<_> = hosts.iter().map(Ipv4Addr::to_string).collect();
                options += &format!(
                    " -c listen_addresses={} -c port={port} -c ssl=on \
                     -c ssl_cert_file={folder}/server.crt -c ssl_key_file={folder}/server.key",
                    hosts.join(",")
                );
            }
        }
        if disk_mib.is_some() {
            options += " -c min_wal_size=32MB -c max_wal_size=32MB";
        }
        if *counts {
            options += " -c shared_preload_libraries=pg_stat_statements -c pg_stat_statements.track_planning=on";
        }
        let log = self.log().display().to_string();
        self.control(&["--log", &log, "--options", &options, "start"]);
    }

    /// Ends the database as a crash does.
    pub fn crash(&self) {
        self.control(&["--mode=immediate", "stop"]);
    }

    /// Starts the database, if it has ended.
    pub fn resume_if_ended(&self) {
        let mut status = self.tool("pg_ctl");
        status.arg("--pgdata").arg(self.data()).arg("status");
        if !status.output().unwrap().status.success() {
            self.resume();
        }
    }

    /// The process that all others of the database descend from.
    pub fn process(&self) -> u32 {
        let file = fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        file.lines().next().unwrap().trim().parse().unwrap()
    }

    fn port(&self) -> u16 {
        let network = self.server.network.as_ref();
        network.map_or(5432, |network| network.port)
    }

    /// The database's socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join(format!(".s.PGSQL.{}", self.port()))
    }

    /// What names the database to a user.
    pub fn url(&self, user: &str) -> String {
        let host = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://{user}@{host}:{}/fleet", self.port())
    }

    /// `tranche-fleet` as a user of the database.
    pub fn fleet(&self, user: &str) -> Command {
        fleet_at(&self.url(user), self.folder.path())
    }

    /// The database as a user of it.
    pub fn database(&self, user: &str) -> Database {
        Database::at(&self.url(user), 2).unwrap()
    }

    /// What a statement of the database's owner returns, a value or nothing.
    pub fn sql(&self, statement: &str) -> String {
        self.sql_as("admin", statement)
            .unwrap_or_else(|error| panic!("{statement}: {error}"))
    }

    /// What a user's statement returns, or why it is refused.
    pub fn sql_as(&self, user: &str, statement: &str) -> Result<String, String> {
        let psql = Command::new(tools().join("psql"))
            .args([
                "--no-psqlrc",
                "--quiet",
                "--tuples-only",
                "--no-align",
                "--dbname",
            ])
            .arg(self.url(user))
            .args(["--command", statement])
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if psql.status.success() {
            Ok(text(&psql.stdout))
        } else {
            Err(text(&psql.stderr))
        }
    }

    /// Waits until a condition of the database's holds.
    pub fn wait_until(&self, condition: &str) {
        let statement = format!("select {condition}");
        while self.sql_as("admin", &statement).as_deref() != Ok("t") {
            sleep(Duration::from_millis(20));
        }
    }

    /// Fails unless all large bytes and all jobs are gone.
    pub fn assert_empty(&self) {
        for table in [
            "tranche.pieces",
            "tranche.blobs",
            "tranche.jobs",
            "tranche.offers",
            "tranche.takes",
        ] {
            assert_eq!(
                self.sql(&format!("select count(*) from {table}")),
                "0",
                "{table}"
            );
        }
        // What a worker holds goes when it comes back, or its lease ends.
        self.wait_until("not exists (select from graphile_worker._private_jobs)");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut stop = self.tool("pg_ctl");
        stop.args(["--mode=immediate", "--silent", "--wait", "--pgdata"]);
        let _ = stop.arg(self.data()).arg("stop").status();
        if self.server.disk_mib.is_some() {
            let _ = Command::new("umount").arg(self.data()).status();
        }
    }
}

/// `tranche-fleet` on the database at a URL.
pub fn fleet_at(url: &str, folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tranche-fleet"));
    command
        .env("TRANCHE_DATABASE_URL", url)
        .current_dir(folder)
        .stdin(Stdio::null());
    command
}

fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {output:?}");
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout == b"0\n"
}

/// The folder of PostgreSQL's programs: of the newest version, as Debian has them, or else in the path.
fn tools() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut tools: Vec<_> = versions
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .filter(|tools| tools.join("initdb").exists())
        .collect();
    tools.sort();
    tools.pop().unwrap_or_default()
}
