//! A generalised birthday search: one element of each of 256 lists, which add up to zero.
//!
//! Elements are of the challenge field, that is four coordinates of 31 bits. Lists are merged in pairs, eight
//! levels deep; each level keeps the sums in which 14 more bits are zero, so that the lists stay as long as
//! they are, 2^14, and the last one, with 26 bits to go, leaves a few. A window `|x| < 2^w` of a coordinate
//! that is uniform in one of `2^W` values has 2^(w+1-W) of the sums.
//!
//! Source: D. Wagner, A Generalized Birthday Problem, CRYPTO 2002, section 3, for additions modulo p.

use p3_field::{BasedVectorSpace, PrimeField32};
use tranche_core::{EF, F};

/// log2 of the number of lists.
pub const LOG_LISTS: usize = 8;
/// log2 of the length of each.
pub const LOG_LENGTH: usize = 14;

const P: u32 = F::ORDER_U32;

/// A coordinate has to be less than this away from zero.
#[derive(Clone, Copy)]
struct Window {
    coordinate: usize,
    below: u32,
}

const fn window(coordinate: usize, log_below: u32) -> Window {
    Window {
        coordinate,
        below: 1 << log_below,
    }
}

/// What the sums of each level satisfy: what they are found by, and what is left.
const LEVELS: [[Window; 2]; LOG_LISTS] = [
    [window(0, 16), window(1, 31)],
    [window(0, 2), window(1, 31)],
    [window(1, 19), window(0, 0)],
    [window(1, 5), window(0, 31)],
    [window(2, 22), window(1, 0)],
    [window(2, 8), window(0, 31)],
    [window(2, 0), window(3, 25)],
    [window(3, 0), window(2, 0)],
];

/// A sum, and the elements of the two lists below that it is of.
#[derive(Clone, Copy)]
struct Sum {
    value: [u32; 4],
    parts: [u32; 2],
}

/// Which parts each element of a merged list has.
type Parts = Vec<[u32; 2]>;

/// A search under way.
pub struct Search<L> {
    /// Makes a list.
    leaf: L,
    /// For each level, the parts of each of its lists.
    merged: [Vec<Parts>; LOG_LISTS],
    /// Most elements that lists which are not merged yet have had.
    pub live: usize,
}

impl<L: FnMut(usize) -> Vec<EF>> Search<L> {
    /// A search in the lists that `leaf` makes by their number.
    pub const fn new(leaf: L) -> Self {
        Self {
            leaf,
            merged: [const { Vec::new() }; LOG_LISTS],
            live: 0,
        }
    }

    /// Places of one element in each list, which add up to zero.
    pub fn run(&mut self) -> Option<Vec<usize>> {
        let sums = self.list(LOG_LISTS, 0, 0);
        let mut places = vec![u32::try_from(sums.len().checked_sub(1)?).ok()?];
        for lists in self.merged.iter().rev() {
            let parts = places.iter().zip(lists);
            places = parts
                .flat_map(|(&place, parts)| parts[place as usize])
                .collect();
        }
        Some(places.into_iter().map(|place| place as usize).collect())
    }

    /// Bytes that the parts of all merged lists take, and the lists that were live.
    pub fn bytes(&self) -> usize {
        let merged = self.merged.iter().flatten().map(Vec::len).sum::<usize>();
        merged * size_of::<[u32; 2]>() + self.live * size_of::<Sum>()
    }

    /// The list of this number on a level; `live` elements are kept meanwhile.
    fn list(&mut self, level: usize, number: usize, live: usize) -> Vec<Sum> {
        let Some(below) = level.checked_sub(1) else {
            let leaf = (self.leaf)(number).into_iter();
            return leaf
                .zip(0..)
                .map(|(value, place)| sum_of(value, place))
                .collect();
        };
        let left = self.list(below, 2 * number, live);
        let right = self.list(below, 2 * number + 1, live + left.len());
        let sums = merge(&left, right, LEVELS[below]);
        self.live = self.live.max(live + left.len() + 2 * sums.len());
        self.merged[below].push(sums.iter().map(|sum| sum.parts).collect());
        sums.into_iter()
            .zip(0..)
            .map(|(sum, place)| Sum {
                parts: [place, place],
                ..sum
            })
            .collect()
    }
}

fn sum_of(value: EF, place: u32) -> Sum {
    let coordinates: &[F] = value.as_basis_coefficients_slice();
    Sum {
        value: core::array::from_fn(|i| coordinates[i].as_canonical_u32()),
        parts: [place, place],
    }
}

/// The sums of one element each that lie in both windows, as many as a list may have.
fn merge(left: &[Sum], mut right: Vec<Sum>, [first, second]: [Window; 2]) -> Vec<Sum> {
    let limit = 1 << LOG_LENGTH;
    let at = first.coordinate;
    right.sort_unstable_by_key(|sum| sum.value[at]);
    let from = |value: u32| right.partition_point(|sum| sum.value[at] < value);
    let mut sums = Vec::with_capacity(limit);
    for a in left {
        // Partners have this coordinate in `lowest..lowest + 2 below - 1`, around zero at p.
        let span = 2 * u64::from(first.below) - 1;
        let lowest = (u64::from(P - a.value[at]) + u64::from(P - (first.below - 1))) % u64::from(P);
        let end = lowest + span;
        let within = from(lowest as u32)..from(end.min(P.into()) as u32);
        let around = 0..from(end.saturating_sub(P.into()) as u32);
        for b in within.chain(around).map(|place| &right[place]) {
            let value = core::array::from_fn(|i| add(a.value[i], b.value[i]));
            if inside(value, second) {
                sums.push(Sum {
                    value,
                    parts: [a.parts[0], b.parts[0]],
                });
                if sums.len() == limit {
                    return sums;
                }
            }
        }
    }
    sums
}

const fn add(a: u32, b: u32) -> u32 {
    let sum = a + b;
    if sum < P { sum } else { sum - P }
}

fn inside(value: [u32; 4], window: Window) -> bool {
    let x = value[window.coordinate];
    x.min(P - x) < window.below
}
