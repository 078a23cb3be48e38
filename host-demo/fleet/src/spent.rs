//! What a coordinator spends its processor time on.

use std::fmt::{Display, Formatter, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use cpu_time::ThreadTime;

/// A part of its work. Reading and writing the database is none: that is what is left of the process's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Executing a run, and making its jobs.
    Plan,
    /// Looking at what is offered.
    Judge,
    /// Joining the arguments of batches.
    Join,
}

impl Part {
    const ALL: [(Self, &'static str); 3] = [
        (Self::Plan, "planning"),
        (Self::Judge, "judging"),
        (Self::Join, "joining"),
    ];
}

/// Processor time of each part, on all threads.
#[derive(Clone, Debug, Default)]
pub struct Spent(Arc<[AtomicU64; Part::ALL.len()]>);

impl Spent {
    /// Does something on this thread, as a part.
    pub fn on<T>(&self, part: Part, work: impl FnOnce() -> T) -> T {
        let start = ThreadTime::now();
        let done = work();
        self.0[part as usize].fetch_add(start.elapsed().as_nanos() as u64, Relaxed);
        done
    }
}

impl Display for Spent {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        let mut separator = "";
        for (part, name) in Part::ALL {
            let nanoseconds = self.0[part as usize].load(Relaxed);
            if nanoseconds > 0 {
                let seconds = Duration::from_nanos(nanoseconds).as_secs_f64();
                write!(formatter, "{separator}{name} {seconds:.3} s")?;
                separator = ", ";
            }
        }
        Ok(())
    }
}
