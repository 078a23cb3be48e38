//! The workspace as its regions: what a phase may touch, and nothing else.

use super::{Phase, RegionName, Regions};
use crate::F;

/// Regions that are taken at once, at most.
const MOST: usize = 8;

/// The words of a workspace, handed out region by region.
///
/// In debug builds a region that does not live in the current phase is refused, since its place may be
/// another's by now; two regions that overlap are refused in every build.
#[derive(Debug)]
pub(crate) struct Places<'a> {
    regions: &'a Regions,
    words: &'a mut [F],
    phase: Phase,
}

impl<'a> Places<'a> {
    /// `words` has at least as many elements as the regions need.
    pub fn new(regions: &'a Regions, words: &'a mut [F]) -> Self {
        Self {
            regions,
            words,
            phase: Phase::Commit,
        }
    }

    /// Begins a phase.
    pub fn enter(&mut self, phase: Phase) {
        self.phase = phase;
    }

    /// All words.
    pub fn words(&mut self) -> &mut [F] {
        self.words
    }

    /// Gives all words back.
    pub fn into_words(self) -> &'a mut [F] {
        self.words
    }

    /// A region, read only.
    ///
    /// # Panics
    /// In debug builds, when it is dead in this phase.
    pub fn read(&self, name: RegionName) -> &[F] {
        self.check(name);
        &self.words[self.regions.get(name).range()]
    }

    /// Takes some regions at once.
    ///
    /// # Panics
    /// When two of them overlap, which regions of one phase never do; in debug builds, when one is dead
    /// in this phase, or is taken twice.
    pub fn take<const K: usize>(&mut self, names: [RegionName; K]) -> [&mut [F]; K] {
        self.take_both(names, []).0
    }

    /// Takes some regions, and some others.
    ///
    /// # Panics
    /// As [`Places::take`].
    pub fn take_both<const K: usize, const L: usize>(
        &mut self,
        some: [RegionName; K],
        others: [RegionName; L],
    ) -> ([&mut [F]; K], [&mut [F]; L]) {
        const { assert!(K + L <= MOST) };
        let mut names = some.into_iter().chain(others);
        let names: [Option<RegionName>; MOST] = core::array::from_fn(|_| names.next());
        for (i, name) in names.into_iter().enumerate() {
            if let Some(name) = name {
                self.check(name);
                debug_assert!(!names[..i].contains(&Some(name)), "{name:?} is taken twice");
            }
        }
        let ranges = names.map(|name| name.map_or(0..0, |name| self.regions.get(name).range()));
        let taken = self.words.get_disjoint_mut(ranges);
        let mut taken = taken
            .expect("regions of one phase are disjoint")
            .into_iter();
        let mut next = |_| taken.next().unwrap_or_default();
        (
            core::array::from_fn(&mut next),
            core::array::from_fn(&mut next),
        )
    }

    fn check(&self, name: RegionName) {
        let region = self.regions.get(name);
        debug_assert!(
            region.len == 0 || (region.first..=region.last).contains(&self.phase),
            "{name:?} is dead in {:?}",
            self.phase
        );
    }
}

#[cfg(test)]
mod tests {
    use p3_field::PrimeCharacteristicRing;

    use super::*;

    fn regions() -> Regions {
        let mut regions = Regions::default();
        regions.place(RegionName::Twiddles, 16, Phase::Commit, Phase::Open);
        regions.place(RegionName::Trace, 16, Phase::Commit, Phase::Argue);
        regions.place(RegionName::Codewords, 16, Phase::Reduce, Phase::Open);
        regions
    }

    #[test]
    fn what_lives_is_given() {
        let (regions, mut words) = (regions(), [F::ZERO; 32]);
        let mut places = Places::new(&regions, &mut words);
        let [twiddles, trace] = places.take([RegionName::Twiddles, RegionName::Trace]);
        assert_eq!((twiddles.len(), trace.len()), (16, 16));
        places.enter(Phase::Reduce);
        let [codewords] = places.take([RegionName::Codewords]);
        codewords.fill(F::ONE);
        assert_eq!(places.read(RegionName::Codewords), [F::ONE; 16]);
        assert!(places.read(RegionName::Main).is_empty());
    }

    #[test]
    #[should_panic(expected = "Trace is dead in Reduce")]
    fn what_is_dead_is_refused() {
        let (regions, mut words) = (regions(), [F::ZERO; 32]);
        let mut places = Places::new(&regions, &mut words);
        places.enter(Phase::Reduce);
        places.take([RegionName::Trace]);
    }

    #[test]
    #[should_panic(expected = "Codewords is dead in Commit")]
    fn what_does_not_live_yet_is_not_read() {
        let (regions, mut words) = (regions(), [F::ZERO; 32]);
        Places::new(&regions, &mut words).read(RegionName::Codewords);
    }

    #[test]
    #[should_panic(expected = "Twiddles is taken twice")]
    fn nothing_is_taken_twice() {
        let (regions, mut words) = (regions(), [F::ZERO; 32]);
        Places::new(&regions, &mut words).take([RegionName::Twiddles, RegionName::Twiddles]);
    }
}
