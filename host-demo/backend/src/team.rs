//! Threads of one program that help each other with a proof.

use std::cell::RefCell;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Builder};
use std::vec::Vec;

use core::marker::PhantomData;
use p3_field::PrimeCharacteristicRing;
use tranche_core::hash::{blake3, poseidon2};
use tranche_core::kernels::ntt::Twiddles;
use tranche_core::{Backend, D, EF, F};

std::thread_local! {
    /// The team that this thread works in.
    static TEAM: RefCell<Option<Arc<Team>>> = const { RefCell::new(None) };
}

/// So many threads, of which those that have nothing to do work on pieces of the others' proofs.
///
/// It owns no thread: who works says so, and a piece that is handed over has a thread of its own while it is worked on.
#[derive(Debug)]
pub struct Team {
    /// Threads that have nothing to do; below zero when more work than the team has.
    idle: AtomicIsize,
    /// Pieces that were handed over.
    handed_over: AtomicUsize,
}

impl Team {
    /// A team of so many threads, none of which works yet.
    pub fn new(threads: usize) -> Arc<Self> {
        Arc::new(Self {
            idle: AtomicIsize::new(threads.try_into().unwrap_or(isize::MAX)),
            handed_over: AtomicUsize::new(0),
        })
    }

    /// Works on this thread, one of the team's.
    pub fn work<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> T {
        self.idle.fetch_sub(1, Ordering::Relaxed);
        let _place = Place(self);
        self.within(work)
    }

    /// Waits on this thread, which works in the team: the others' pieces may be worked on meanwhile.
    pub fn wait<T>(&self, wait: impl FnOnce() -> T) -> T {
        self.idle.fetch_add(1, Ordering::Relaxed);
        let waited = wait();
        self.idle.fetch_sub(1, Ordering::Relaxed);
        waited
    }

    /// Pieces that were handed over so far.
    pub fn handed_over(&self) -> usize {
        self.handed_over.load(Ordering::Relaxed)
    }

    fn within<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> T {
        let before = TEAM.replace(Some(self.clone()));
        let _back = Back(before);
        work()
    }

    /// A place of a thread that has nothing to do.
    fn take(self: &Arc<Self>) -> Option<Place<'_>> {
        let less = |idle| (idle > 0).then_some(idle - 1);
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        self.idle.fetch_update(set, fetch, less).ok()?;
        Some(Place(self))
    }
}

/// One thread of a team that works; it is idle when this is dropped.
struct Place<'t>(&'t Team);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.idle.fetch_add(1, Ordering::Relaxed);
    }
}

/// What a thread worked in before.
struct Back(Option<Arc<Team>>);

impl Drop for Back {
    fn drop(&mut self) {
        TEAM.set(self.0.take());
    }
}

/// The same arithmetic, by the threads of a [`Team`] if the caller's works in one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Threaded<B>(PhantomData<B>);

impl<B: Backend> Backend for Threaded<B> {
    type P = B::P;

    const NAME: &'static str = B::NAME;

    fn threads() -> usize {
        TEAM.with_borrow(|team| {
            let idle = team.as_ref().map(|team| team.idle.load(Ordering::Relaxed));
            1 + idle.and_then(|idle| idle.try_into().ok()).unwrap_or(0)
        })
    }

    fn join(
        scratch: &mut [F],
        first: impl FnOnce(&mut [F]) + Send,
        second: impl FnOnce(&mut [F]) + Send,
    ) {
        let team = TEAM.with_borrow(Clone::clone);
        let place = team.as_ref().and_then(|team| Some((team, team.take()?)));
        let mut own = Vec::new();
        let (Some((team, place)), Ok(())) = (place, own.try_reserve_exact(scratch.len())) else {
            first(scratch);
            return second(scratch);
        };
        own.resize(scratch.len(), F::ZERO);
        // Whoever takes it works on it: the caller's thread, if no other could be started.
        let second = Mutex::new(Some(second));
        let take = || second.lock().unwrap_or_else(PoisonError::into_inner).take();
        thread::scope(|scope| {
            let help = move || {
                let _place = place;
                if let Some(second) = take() {
                    team.within(|| second(&mut own));
                }
            };
            if Builder::new().spawn_scoped(scope, help).is_ok() {
                team.handed_over.fetch_add(1, Ordering::Relaxed);
                first(scratch);
            } else {
                first(scratch);
                if let Some(second) = take() {
                    second(scratch);
                }
            }
        });
    }

    fn lane_table_len(log_column: usize) -> usize {
        B::lane_table_len(log_column)
    }

    fn fill_lane_table(table: &mut [u32], roots: &[F]) {
        B::fill_lane_table(table, roots);
    }

    #[inline]
    fn prefetch(values: &[F]) {
        B::prefetch(values);
    }

    #[inline]
    fn prefetch_mut(values: &mut [F]) {
        B::prefetch_mut(values);
    }

    fn coset_ntt(twiddles: &Twiddles<'_>, column: &mut [F], shift: F) {
        B::coset_ntt(twiddles, column, shift);
    }

    fn intt(twiddles: &Twiddles<'_>, column: &mut [F]) {
        B::intt(twiddles, column);
    }

    fn extend(twiddles: &Twiddles<'_>, slot: &mut [F], log_blowup: usize, shift: F) {
        B::extend(twiddles, slot, log_blowup, shift);
    }

    fn batch_invert(values: &mut [[B::P; D]], prefix: &mut [[B::P; D]]) {
        B::batch_invert(values, prefix);
    }

    #[inline]
    fn combine_columns<const T: usize>(
        columns: &[F],
        stride: usize,
        row: usize,
        powers: [&[F]; D],
        sums: &mut [[B::P; D]; T],
    ) {
        B::combine_columns(columns, stride, row, powers, sums);
    }

    fn fri_fold(codeword: &[F], out: &mut [F], inverse_twiddles: &[F], beta: EF) {
        B::fri_fold(codeword, out, inverse_twiddles, beta);
    }
}

impl<B: poseidon2::Kernels> poseidon2::Kernels for Threaded<B> {
    type Permutation<'p> = B::Permutation<'p>;
}

impl<B: blake3::Kernels> blake3::Kernels for Threaded<B> {
    type Vector = B::Vector;
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::thread::ThreadId;

    use super::*;
    use crate::Lanes;

    type B = Threaded<Lanes>;

    /// Who works on either piece, and whether each had scratch of its own.
    fn workers() -> [ThreadId; 2] {
        let ids = [Mutex::new(None), Mutex::new(None)];
        let mut scratch = [F::ONE; 7];
        let work = |i: usize| {
            let ids = &ids;
            move |scratch: &mut [F]| {
                assert_eq!(scratch.len(), 7);
                scratch.fill(F::TWO);
                *ids[i].lock().unwrap() = Some(thread::current().id());
            }
        };
        B::join(&mut scratch, work(0), work(1));
        assert_eq!(scratch, [F::TWO; 7]);
        ids.map(|id| {
            id.into_inner()
                .unwrap()
                .expect("a piece that was worked on")
        })
    }

    #[test]
    fn who_works_alone_does_all_of_it() {
        let own = thread::current().id();
        assert_eq!((B::threads(), workers()), (1, [own; 2]), "no team");
        let team = Team::new(1);
        team.work(|| assert_eq!((B::threads(), workers()), (1, [own; 2])));
        assert_eq!(team.handed_over(), 0);
    }

    #[test]
    fn a_thread_with_nothing_to_do_takes_a_piece() {
        let (own, team) = (thread::current().id(), Team::new(3));
        team.work(|| {
            assert_eq!(B::threads(), 3);
            let [first, second] = workers();
            assert!(first == own && second != own);
            assert_eq!(B::threads(), 3, "it is idle again");
            // Pieces of pieces too, as long as there is somebody.
            B::join(
                &mut [],
                |_| assert_eq!(B::threads(), 2),
                |_| team.work(|| assert_eq!(B::threads(), 1)),
            );
        });
        assert_eq!((B::threads(), team.handed_over()), (1, 2), "outside");
    }

    #[test]
    fn who_waits_is_idle() {
        let team = Team::new(1);
        team.work(|| {
            team.wait(|| assert_eq!(B::threads(), 2));
            assert_eq!(B::threads(), 1);
            // More than the team has are no helpers.
            team.work(|| team.wait(|| assert_eq!(B::threads(), 1)));
        });
    }

    #[test]
    fn a_piece_that_panics_is_seen() {
        let team = Team::new(2);
        for which in 0..2 {
            let panics = |piece: usize| move |_: &mut [F]| assert_ne!(piece, which, "on purpose");
            let joined = || team.work(|| B::join(&mut [], panics(0), panics(1)));
            assert!(catch_unwind(AssertUnwindSafe(joined)).is_err());
            team.work(|| assert_eq!(B::threads(), 2, "both are there again"));
        }
        assert_eq!(B::threads(), 1);
    }
}
