//! Stopwatches: laps of a proof, and short blocks of two or more sides in turns.
//!
//! Proofs are compared by their medians, kernels by the least processor time: a block of a kernel is
//! short enough that some of many go undisturbed even on a busy machine.

use std::time::Instant;

use cpu_time::ProcessTime;

/// A stopwatch for several runs of `N` laps each.
pub struct Laps<const N: usize> {
    started: Instant,
    last: ProcessTime,
    runs: Vec<f64>,
    laps: [Vec<f64>; N],
}

impl<const N: usize> Default for Laps<N> {
    /// A stopwatch that has not run.
    fn default() -> Self {
        Self {
            started: Instant::now(),
            last: ProcessTime::now(),
            runs: Vec::new(),
            laps: std::array::from_fn(|_| Vec::new()),
        }
    }
}

impl<const N: usize> Laps<N> {
    /// Starts a run.
    pub fn start(&mut self) {
        (self.started, self.last) = (Instant::now(), ProcessTime::now());
    }

    /// Ends lap `lap` of this run.
    pub fn lap(&mut self, lap: usize) {
        let now = ProcessTime::now();
        self.laps[lap].push(now.duration_since(self.last).as_secs_f64());
        self.last = now;
    }

    /// Ends this run.
    pub fn stop(&mut self) {
        self.runs.push(self.started.elapsed().as_secs_f64());
    }

    /// Elapsed seconds of a run: the median.
    pub fn seconds(&self) -> f64 {
        median(&self.runs)
    }

    /// Processor seconds of a run, all laps together: the least.
    pub fn least_processor_seconds(&self) -> f64 {
        let runs = 0..self.laps[0].len();
        let of_run = |run: usize| self.laps.iter().map(|lap| lap[run]).sum();
        runs.map(of_run).fold(f64::INFINITY, f64::min)
    }

    /// Processor seconds of each lap: the least.
    pub fn least_of_each(&self) -> [f64; N] {
        let least = |lap: &Vec<f64>| lap.iter().copied().fold(f64::INFINITY, f64::min);
        std::array::from_fn(|lap| least(&self.laps[lap]))
    }

    /// Processor seconds of each lap: their medians.
    pub fn processor_seconds(&self) -> [f64; N] {
        std::array::from_fn(|lap| median(&self.laps[lap]))
    }
}

/// The median: of an even number, the mean of the middle two.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) {
        (sorted[middle - 1] + sorted[middle]) / 2.0
    } else {
        sorted[middle]
    }
}

/// Runs every side `rounds` times, in turns, and returns the least seconds that each took.
///
/// A side times itself: it returns the seconds of what it wants to be timed.
pub fn least<const N: usize>(rounds: usize, mut sides: [&mut dyn FnMut() -> f64; N]) -> [f64; N] {
    let mut least = [f64::INFINITY; N];
    for _ in 0..rounds {
        for (least, side) in least.iter_mut().zip(sides.iter_mut()) {
            *least = least.min(side());
        }
    }
    least
}

/// Elapsed seconds of one call.
pub fn elapsed<T>(call: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let result = call();
    (start.elapsed().as_secs_f64(), result)
}

/// Processor seconds of one call, this process having one thread.
pub fn processor<T>(call: impl FnOnce() -> T) -> (f64, T) {
    let start = ProcessTime::now();
    let result = call();
    (start.elapsed().as_secs_f64(), result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_is_the_middle_value() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), 2.5);
    }

    #[test]
    fn sides_take_turns_and_the_least_counts() {
        let (mut calls, mut i) = (Vec::new(), 0.0);
        let calls = std::cell::RefCell::new(&mut calls);
        let mut first = || {
            calls.borrow_mut().push('a');
            i += 1.0;
            5.0 - i
        };
        let mut second = || {
            calls.borrow_mut().push('b');
            7.0
        };
        let times = least(3, [&mut first, &mut second]);
        assert_eq!(times, [2.0, 7.0]);
        assert_eq!(calls.borrow().iter().collect::<String>(), "ababab");
    }
}
