//! A database in a folder of its own, of a user without rights.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;
use tranche_fleet::database::Database;

/// The user that a database runs as where these tests are root, which PostgreSQL refuses.
const NOBODY: [&str; 3] = ["--reuid=nobody", "--regid=nogroup", "--clear-groups"];

/// A running database with a fleet in it, and two users without passwords.
pub struct Cluster {
    folder: TempDir,
}

impl Cluster {
    pub fn start() -> Self {
        let folder = TempDir::with_prefix("tranche-fleet-").unwrap();
        // Others may look into it, PostgreSQL's user among them.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let cluster = Self { folder };
        let data = cluster.data();
        run(cluster
            .tool("initdb")
            .args(["--auth=trust", "--username=admin", "--no-sync", "--pgdata"])
            .arg(&data));
        cluster.resume();
        let socket = cluster.folder.path().display().to_string();
        run(cluster
            .tool("createdb")
            .args(["--host", &socket, "--username=admin", "fleet"]));
        let init = cluster.fleet("admin").arg("init").output().unwrap();
        assert!(init.status.success(), "{init:?}");
        cluster.sql("create role coordinator login in role tranche_coordinator");
        cluster.sql("create role worker login in role tranche_worker");
        cluster
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Its folder, for what a test writes.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A program of PostgreSQL.
    fn tool(&self, name: &str) -> Command {
        let tool = tools().join(name);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(NOBODY).arg(tool);
            command
        } else {
            Command::new(tool)
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

    /// Starts the database, on a socket in its folder.
    pub fn resume(&self) {
        let folder = self.folder.path();
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories={} -c fsync=off -c max_connections=60",
            folder.display()
        );
        let log = folder.join("log").display().to_string();
        self.control(&["--log", &log, "--options", &options, "start"]);
    }

    /// Ends the database as a crash does.
    pub fn crash(&self) {
        self.control(&["--mode=immediate", "stop"]);
    }

    /// The database's socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join(".s.PGSQL.5432")
    }

    /// What names the database to a user.
    pub fn url(&self, user: &str) -> String {
        let host = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://{user}@{host}/fleet")
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
