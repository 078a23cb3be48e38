//! What a coordinator looks at besides its run, and the run's end.

use std::time::{Duration, Instant};

use deadpool_postgres::GenericClient;
use tokio::time::sleep;

use crate::error::Error;
use crate::run::Run;

/// How long is waited for an offer, at least and at most; twice as long each time that there is none.
const WAIT: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(200)];
/// Between two looks for jobs that are lost.
const RECONCILE: Duration = Duration::from_secs(2);

/// What a coordinator does while it waits for offers.
pub struct Watch {
    wait: Duration,
    reconciled: Instant,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            wait: WAIT[0],
            reconciled: Instant::now(),
        }
    }
}

impl Watch {
    /// Puts lost jobs of a run back now and then, and ends the run when one was given up; waits when nothing is done, the
    /// longer the more often.
    pub async fn pass(
        &mut self,
        link: &impl GenericClient,
        run: i64,
        is_busy: bool,
    ) -> Result<(), Error> {
        if self.reconciled.elapsed() >= RECONCILE {
            self.reconciled = Instant::now();
            let row = link
                .query_one("select tranche.reconcile($1)", &[&run])
                .await?;
            if let Some(why) = row.get::<_, Option<String>>(0) {
                close(link, run, "failed", Some(&why)).await?;
            }
        }
        if is_busy {
            self.wait = WAIT[0];
        } else {
            sleep(self.wait).await;
            self.wait = (self.wait * 2).min(WAIT[1]);
        }
        Ok(())
    }
}

/// Ends a run.
pub async fn close(
    link: &impl GenericClient,
    run: i64,
    becomes: &str,
    why: Option<&str>,
) -> Result<(), Error> {
    let close = "select tranche.close($1, $2, $3)";
    link.execute(close, &[&run, &becomes, &why]).await?;
    Ok(())
}

/// Whether nothing is left to do of a run.
pub async fn is_over(link: &impl GenericClient, run: i64) -> Result<bool, Error> {
    let run = Run::find(link, run).await?;
    match run.state.as_str() {
        "done" | "fetched" => Ok(true),
        _ => run.check().map(|()| false),
    }
}
