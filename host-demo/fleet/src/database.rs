//! Connections. What names the database is never on the command line, where everybody sees it.

use std::env;
use std::fs;
use std::path::Path;
use std::time::Duration;

use graphile_worker::tokio_postgres::TokioPostgresDatabase;
use tokio_postgres::Config;

use crate::error::Error;

/// The variable of the environment that names the database.
pub const VARIABLE: &str = "TRANCHE_DATABASE_URL";
/// Version of the schema.
pub const SCHEMA_VERSION: i32 = 4;
/// A link on which nothing comes back for so long is given up.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection, which goes back to the others when it is dropped.
pub type Link = deadpool_postgres::Object;

/// A database, and how many connections to it there may be.
#[derive(Clone, Debug)]
pub struct Database(TokioPostgresDatabase);

impl Database {
    /// The database that `file` names, or else the environment; connections are made when they are asked for. TLS is used
    /// where the server has it; `sslmode=require` in the URL insists on it, and the variable `PGSSLROOTCERT` names
    /// the certificates to trust besides the public ones.
    ///
    /// # Errors
    /// When nothing names a database, or it is no URL.
    pub fn named(file: Option<&Path>, connections: usize) -> Result<Self, Error> {
        let url = match file {
            Some(path) => fs::read_to_string(path).map_err(|error| Error::DatabaseFile {
                path: path.to_owned(),
                error,
            })?,
            None => env::var(VARIABLE).map_err(|_| Error::NoDatabase)?,
        };
        Self::at(url.trim(), connections)
    }

    /// The database at a URL.
    ///
    /// # Errors
    /// When it is none.
    pub fn at(url: &str, connections: usize) -> Result<Self, Error> {
        let mut config: Config = url
            .parse()
            .map_err(|error: tokio_postgres::Error| Error::Url(error.to_string()))?;
        config
            .connect_timeout(PATIENCE / 2)
            .keepalives_idle(PATIENCE / 2)
            .keepalives_interval(PATIENCE / 4)
            .keepalives_retries(2)
            .tcp_user_timeout(PATIENCE)
            .application_name("tranche-fleet");
        let database = TokioPostgresDatabase::from_config(config, connections);
        Ok(Self(
            database.map_err(|error| Error::Url(error.to_string()))?,
        ))
    }

    /// As the queue takes it.
    pub const fn queue(&self) -> &TokioPostgresDatabase {
        &self.0
    }

    /// A connection, which goes back when it is dropped.
    ///
    /// # Errors
    /// [`Error::Unreachable`].
    pub async fn connect(&self) -> Result<Link, Error> {
        let link = self.0.pool().get().await;
        link.map_err(|error| Error::Unreachable(causes(&error)))
    }

    /// A connection to a database that has the fleet of this version.
    ///
    /// # Errors
    /// [`Error::Unreachable`] or [`Error::Schema`].
    pub async fn connect_checked(&self) -> Result<Link, Error> {
        let link = self.connect().await?;
        let expected = SCHEMA_VERSION;
        let got = match link
            .query_one("select version from tranche.meta", &[])
            .await
        {
            Ok(row) => Some(row.get(0)),
            Err(error) if error.as_db_error().is_some() => None,
            Err(error) => return Err(error.into()),
        };
        if got == Some(expected) {
            Ok(link)
        } else {
            Err(Error::Schema { expected, got })
        }
    }
}

/// An error and what it came from.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
