//! The ways in which a run is proved to be compared.

use std::num::NonZeroUsize;
use std::thread;

use tranche_machine::shape::{MAX_LOG2_CYCLES, MIN_LOG2_CYCLES};

/// Epoch lengths that are compared unless the command line names some: this many, two apart.
const LENGTHS: u32 = 4;
/// log2 of a batch's cycles at most, unless the command line says otherwise.
const BATCH_LOG2: u32 = 16;
/// log2 of the batches that a run is cut into at least, where it is long enough.
const LOG2_BATCHES: u32 = 4;

/// What batches may keep between walks: its name, and its options.
const KEPT: [(&str, &[&str]); 4] = [
    ("", &[]),
    (", all nodes", &["--trees", "all"]),
    (", no nodes", &["--trees", "root"]),
    (", no codewords", &["--codewords", "rebuilt"]),
];

/// A way to prove a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its name in tables and plots.
    pub name: String,
    /// What tells it apart on the command line of `tranche prove`.
    pub args: Vec<String>,
    /// Threads that prove.
    pub workers: usize,
}

impl Case {
    /// A way with a choice of workers.
    fn cut(name: String, args: &[&str], workers: usize) -> Self {
        let workers_text = workers.to_string();
        let last = ["--workers", &workers_text];
        let args = args.iter().chain(&last);
        Self {
            name,
            args: args.map(ToString::to_string).collect(),
            workers,
        }
    }
}

/// The ways to compare on a run of so many cycles: one batch; epochs of these lengths, or of four that fit
/// the run; batches in both orders, with what is kept by default, with all inner nodes of the trees that a workspace has,
/// with none, and without codewords; all but the first with one worker and with as many as the machine runs at once.
pub fn cases(cycles: u64, lengths: &[u8], batch_log2: Option<u8>) -> Vec<Case> {
    let all = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let workers = if all > 1 { vec![1, all] } else { vec![1] };
    let run = cycles.max(1).next_power_of_two().ilog2();
    let lengths = match lengths {
        [] => epoch_lengths(run),
        lengths => lengths.to_vec(),
    };
    let shortest = MIN_LOG2_CYCLES..=BATCH_LOG2;
    let batch = run.saturating_sub(LOG2_BATCHES);
    let batch = batch_log2.map_or(batch.clamp(*shortest.start(), *shortest.end()), u32::from);

    let mut cases = vec![Case {
        name: "monolithic".to_owned(),
        args: ["--approach", "monolithic"].map(str::to_owned).into(),
        workers: 1,
    }];
    for &workers in &workers {
        for length in &lengths {
            let length = length.to_string();
            let args = ["--approach", "epochs", "--epoch-log2", &length];
            cases.push(Case::cut(format!("epochs 2^{length}"), &args, workers));
        }
        let batch = batch.to_string();
        for order in ["forked", "shared"] {
            for (text, more) in KEPT {
                if order == "shared" && more.contains(&"--codewords") {
                    continue;
                }
                let mut args = vec!["--approach", "retire", "--challenges", order];
                args.extend(["--epoch-log2", &batch]);
                args.extend(more);
                let name = format!("{order} 2^{batch}{text}");
                cases.push(Case::cut(name, &args, workers));
            }
        }
    }
    cases
}

/// Four lengths, two apart, of which the longest holds a run of 2^`run` cycles if an epoch can.
fn epoch_lengths(run: u32) -> Vec<u8> {
    let least = MIN_LOG2_CYCLES + 2 * (LENGTHS - 1);
    let top = run.clamp(least, MAX_LOG2_CYCLES);
    (0..LENGTHS)
        .rev()
        .map(|step| (top - 2 * step) as u8)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_fit_the_run() {
        assert_eq!(epoch_lengths(22), [14, 16, 18, 20]);
        assert_eq!(epoch_lengths(15), [9, 11, 13, 15]);
        assert_eq!(epoch_lengths(3), [6, 8, 10, 12]);
    }

    #[test]
    fn a_run_is_cut_into_sixteen_batches_at_least() {
        let of = |cycles, batch: &str| {
            let cases = cases(cycles, &[], None);
            let name = format!("forked 2^{batch}");
            cases.iter().any(|case| case.name == name)
        };
        assert!(of(1 << 22, "16") && of(1 << 14, "10") && of(7, "6"));
        let named = cases(1 << 22, &[12], Some(17));
        assert!(named.iter().any(|case| case.name == "epochs 2^12"));
        assert!(
            named
                .iter()
                .any(|case| case.name == "shared 2^17, no nodes")
        );
    }
}
