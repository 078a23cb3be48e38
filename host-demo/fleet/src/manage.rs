//! `tranche-fleet cancel` and `gc`.

use crate::database::Database;
use crate::error::Error;
use crate::run::Run;

/// Ends a run that is open; what was proved of it is removed.
///
/// # Errors
/// [`Error::NoRun`], [`Error::Closed`], or the database's.
pub async fn cancel(database: &Database, run: i64) -> Result<(), Error> {
    let mut link = database.connect_checked().await?;
    let found = Run::find(&link, run).await?;
    let transaction = link.transaction().await?;
    let close = "select tranche.close($1, 'cancelled', null)";
    let closed = transaction.query_one(close, &[&run]).await?;
    if !closed.get::<_, bool>(0) {
        return Err(Error::Closed {
            run,
            state: format!("is {}", found.state),
            why: found.error,
        });
    }
    transaction
        .execute("select tranche.forget($1)", &[&run])
        .await?;
    transaction.commit().await?;
    Ok(())
}

/// Removes the runs that have expired; returns how many.
///
/// # Errors
/// The database's.
pub async fn gc(database: &Database) -> Result<u64, Error> {
    let link = database.connect_checked().await?;
    let row = link.query_one("select tranche.sweep()", &[]).await?;
    Ok(row.get::<_, i64>(0) as u64)
}
