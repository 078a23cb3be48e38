//! A proof and its check in processes of their own, so that memory is that of one proof alone.

use std::io::{self, Read};
use std::mem::forget;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::system::resident_bytes;

/// Time between two looks at a process's memory.
const STEP: Duration = Duration::from_millis(20);

/// Resident memory of a process while it ran: seconds since its start, bytes.
pub type Samples = Vec<(f64, u64)>;

/// The process at work, if there is one: shared with who ends it when the program is asked to end.
#[derive(Clone, Debug, Default)]
pub struct Running(Arc<Mutex<Option<Child>>>);

impl Running {
    /// Ends the process, and keeps other threads from starting one: the program ends.
    pub fn kill_for_good(&self) {
        let mut slot = self.lock();
        if let Some(child) = &mut *slot {
            // One that has ended needs no signal.
            let _ = child.kill();
            let _ = child.wait();
        }
        forget(slot);
    }

    /// Runs this program with `args`, and returns the object that it prints, with its memory meanwhile.
    ///
    /// # Errors
    /// When it cannot be run. What it refuses is in the object, under `error` or `reason`.
    pub fn run(&self, args: &[&str]) -> io::Result<(Value, Samples)> {
        let start = Instant::now();
        // With no moment in which it runs and is not known here.
        let mut slot = self.lock();
        let mut child = Command::new(std::env::current_exe()?)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let process = child.id();
        let mut stdout = child.stdout.take();
        let reader = thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = stdout.as_mut().map(|stdout| stdout.read_to_end(&mut bytes));
            read.transpose().map(|_| bytes)
        });
        *slot = Some(child);
        drop(slot);
        let mut samples = Samples::new();
        loop {
            let ended = match &mut *self.lock() {
                Some(child) => child.try_wait()?.is_some(),
                None => true,
            };
            if ended {
                break;
            }
            if let Some(bytes) = resident_bytes(process) {
                samples.push((start.elapsed().as_secs_f64(), bytes));
            }
            thread::sleep(STEP);
        }
        *self.lock() = None;
        let bytes = reader.join().unwrap_or_else(|_| Ok(Vec::new()))?;
        let report = serde_json::from_slice(&bytes);
        // A process that was killed says nothing.
        Ok((report.unwrap_or(Value::Null), samples))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Child>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
