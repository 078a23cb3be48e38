//! Large bytes, in pieces that are streamed: no statement has more than one.

use std::time::Duration;

use deadpool_postgres::GenericClient;
use tokio::time::sleep;

use crate::database::Database;
use crate::error::Error;

/// Bytes of a piece.
pub const PIECE_BYTES: usize = 1 << 18;

/// How long is waited for a database that is not there.
const AGAIN: Duration = Duration::from_secs(1);

/// Puts bytes of a run into the database, within the transaction of `link`; returns their number.
///
/// # Errors
/// The database's.
pub async fn put(link: &impl GenericClient, run: i64, bytes: &[u8]) -> Result<i64, Error> {
    let blob = link
        .prepare_cached("insert into tranche.blobs (run, bytes) values ($1, $2) returning id")
        .await?;
    let row = link
        .query_one(&blob, &[&run, &(bytes.len() as i64)])
        .await?;
    let blob: i64 = row.get(0);
    put_from(link, blob, bytes, 0).await?;
    Ok(blob)
}

/// As [`put`], where the blob and its first piece are there.
///
/// # Errors
/// The database's.
pub async fn put_rest(link: &impl GenericClient, blob: i64, bytes: &[u8]) -> Result<(), Error> {
    put_from(link, blob, bytes, 1).await
}

/// Puts the pieces of a blob from the `first`-th into the database.
async fn put_from(
    link: &impl GenericClient,
    blob: i64,
    bytes: &[u8],
    first: usize,
) -> Result<(), Error> {
    let pieces = (0_i32..).zip(bytes.chunks(PIECE_BYTES)).skip(first);
    for (n, data) in pieces {
        let piece = link
            .prepare_cached("insert into tranche.pieces (blob, n, data) values ($1, $2, $3)")
            .await?;
        link.execute(&piece, &[&blob, &n, &data]).await?;
    }
    Ok(())
}

/// Bytes that are in the database.
///
/// # Errors
/// [`Error::Missing`], or the database's.
pub async fn get(link: &impl GenericClient, blob: Option<i64>) -> Result<Vec<u8>, Error> {
    let blob = blob.ok_or(Error::Missing)?;
    let head = link
        .prepare_cached("select bytes from tranche.blobs where id = $1")
        .await?;
    let row = link.query_opt(&head, &[&blob]).await?;
    let len: i64 = row.ok_or(Error::Missing)?.get(0);
    let piece = link
        .prepare_cached("select data from tranche.pieces where blob = $1 and n = $2")
        .await?;
    let (mut bytes, mut n) = (Vec::new(), 0_i32);
    while (bytes.len() as i64) < len {
        let row = link.query_opt(&piece, &[&blob, &n]).await?;
        bytes.extend_from_slice(row.ok_or(Error::Missing)?.get(0));
        n += 1;
    }
    Ok(bytes)
}

/// The bytes of a job that `worker` has taken: of its program, or its task.
///
/// # Errors
/// The database's, also when it refuses the worker.
pub async fn taken(link: &impl GenericClient, worker: i64, blob: i64) -> Result<Vec<u8>, Error> {
    pieces(link, worker, blob, Vec::new(), 0).await
}

/// As [`taken`], where the first piece is known.
///
/// # Errors
/// As [`taken`].
pub async fn rest(
    link: &impl GenericClient,
    worker: i64,
    blob: i64,
    first: Option<&[u8]>,
) -> Result<Vec<u8>, Error> {
    let first = first.ok_or(Error::Missing)?;
    if first.len() < PIECE_BYTES {
        return Ok(first.to_vec());
    }
    pieces(link, worker, blob, first.to_vec(), 1).await
}

/// Bytes of a blob, whose pieces before the `n`-th are known.
async fn pieces(
    link: &impl GenericClient,
    worker: i64,
    blob: i64,
    mut bytes: Vec<u8>,
    mut n: i32,
) -> Result<Vec<u8>, Error> {
    let piece = link
        .prepare_cached("select tranche.piece($1, $2, $3)")
        .await?;
    loop {
        let row = link.query_one(&piece, &[&worker, &blob, &n]).await?;
        let Some(data) = row.get::<_, Option<&[u8]>>(0) else {
            return Ok(bytes);
        };
        bytes.extend_from_slice(data);
        if data.len() < PIECE_BYTES {
            return Ok(bytes);
        }
        n += 1;
    }
}

/// As [`get`], through restarts of the database.
///
/// # Errors
/// As [`get`], but for what passes.
pub async fn get_again(database: &Database, blob: Option<i64>) -> Result<Vec<u8>, Error> {
    loop {
        let got = async { get(&database.connect().await?, blob).await };
        match got.await {
            Err(error) if error.is_passing() => sleep(AGAIN).await,
            got => return got,
        }
    }
}
