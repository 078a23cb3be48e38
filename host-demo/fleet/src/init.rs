//! `tranche-fleet init`: the queue's tables, the fleet's, and the roles of those who use them.

use graphile_worker::WorkerUtils;

use crate::database::{Database, SCHEMA_VERSION};
use crate::error::Error;

/// The schema that the queue has in the database.
pub const QUEUE: &str = "graphile_worker";
/// Roles without a login, which those of coordinators and of workers are members of.
pub const ROLES: [&str; 2] = ["tranche_coordinator", "tranche_worker"];
/// The fleet's tables, functions and rights: each makes its version of the one before.
const VERSIONS: [&str; SCHEMA_VERSION as usize] = [
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
];

/// Makes what is not there yet, of a fleet of an earlier version what it lacks; returns whether anything was made. It takes a role that may make roles and schemas.
///
/// # Errors
/// [`Error::Schema`] for a fleet of a later version; the database's.
pub async fn init(database: &Database) -> Result<bool, Error> {
    let lacking = match database.connect_checked().await {
        Ok(_) => return Ok(false),
        Err(Error::Schema { expected, got }) => {
            let known = VERSIONS.get(got.unwrap_or(0) as usize..);
            known.ok_or(Error::Schema { expected, got })?
        }
        Err(error) => return Err(error),
    };
    WorkerUtils::new(database.queue().clone(), QUEUE)
        .migrate()
        .await
        .map_err(|error| Error::Queue(error.to_string()))?;
    let mut link = database.connect().await?;
    let transaction = link.transaction().await?;
    for role in ROLES {
        let known = "select from pg_roles where rolname = $1";
        if transaction.query_opt(known, &[&role]).await?.is_none() {
            let make = format!("create role {role} nologin");
            transaction.batch_execute(&make).await?;
        }
    }
    for version in lacking {
        transaction.batch_execute(version).await?;
    }
    let version = transaction
        .query_one("select version from tranche.meta", &[])
        .await?;
    let (expected, got) = (SCHEMA_VERSION, version.get(0));
    if expected != got {
        let got = Some(got);
        return Err(Error::Schema { expected, got });
    }
    transaction.commit().await?;
    Ok(true)
}
