//! Memory that proofs are made in: pages of 2 MiB where the system has such, ordinary ones elsewhere.

use std::collections::TryReserveError;

#[cfg(target_os = "linux")]
use memmap2::Advice;
use memmap2::MmapMut;
use tranche_core::workspace::Buffer;

/// Bytes of a large page.
const PAGE_BYTES: usize = 2 << 20;

/// A buffer that is used again and again, and never shrunk.
#[derive(Debug, Default)]
pub struct Workspace {
    place: Place,
    len: usize,
}

#[derive(Debug)]
enum Place {
    /// A vector of no bytes: what it has room for is the workspace.
    Heap(Vec<u8>),
    /// From the first large page on.
    Map(MmapMut),
}

impl Default for Place {
    fn default() -> Self {
        Self::Heap(Vec::new())
    }
}

impl Workspace {
    /// A buffer of at least `len` bytes.
    ///
    /// # Errors
    /// When there is no memory for it; the buffer is gone then.
    pub fn reserve(&mut self, len: usize) -> Result<Buffer<'_>, TryReserveError> {
        if self.len < len {
            // The old one goes first, so that there are never two.
            *self = Self::default();
            self.place = match map(len) {
                Some(map) => Place::Map(map),
                None => {
                    let mut heap = Vec::new();
                    heap.try_reserve_exact(len)?;
                    Place::Heap(heap)
                }
            };
            self.len = len;
        }
        Ok(match &mut self.place {
            Place::Heap(heap) => Buffer::from(&mut heap.spare_capacity_mut()[..self.len]),
            Place::Map(map) => {
                let first = first_page(map);
                Buffer::from(&mut map[first..first + self.len])
            }
        })
    }

    /// Bytes of the buffer.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }
}

/// A map of `len` bytes from its [`first_page`] on; `None` for less than a page, and where there is no such map.
///
/// What is left over of `len` lies in ordinary pages, and nothing else is ever touched: nothing is resident but
/// `len` bytes.
fn map(len: usize) -> Option<MmapMut> {
    if len < PAGE_BYTES {
        return None;
    }
    let map = MmapMut::map_anon(len.checked_add(PAGE_BYTES)?).ok()?;
    // A kernel without large pages refuses, and all pages are ordinary ones.
    #[cfg(target_os = "linux")]
    let _ = map.advise_range(Advice::HugePage, first_page(&map), len - len % PAGE_BYTES);
    Some(map)
}

/// Where the first large page of a map begins.
fn first_page(map: &MmapMut) -> usize {
    map.as_ptr().align_offset(PAGE_BYTES)
}

#[cfg(test)]
mod tests {
    use p3_field::PrimeCharacteristicRing;
    use tranche_core::F;
    use tranche_core::workspace::{bytes_for, carve};

    use super::*;

    /// Lengths about a page, in elements: from the heap, and from a map.
    const ELEMENTS: [usize; 4] = [1, (1 << 19) - 16, 1 << 19, (5 << 17) + 3];

    #[test]
    fn every_byte_can_be_used_again_and_again() {
        let mut workspace = Workspace::default();
        for elements in ELEMENTS.into_iter().chain([1]) {
            let most = workspace.len().max(bytes_for(elements));
            for _ in 0..2 {
                let buffer = workspace.reserve(bytes_for(elements)).unwrap();
                let body = carve(buffer, elements).unwrap();
                assert!(body.iter().all(|&x| x == F::ZERO));
                body.fill(F::NEG_ONE);
            }
            assert_eq!(workspace.len(), most);
        }
    }

    #[test]
    fn it_begins_with_a_page_where_it_has_one() {
        for elements in ELEMENTS {
            let mut workspace = Workspace::default();
            let buffer = workspace.reserve(bytes_for(elements)).unwrap();
            let start = carve(buffer, elements).unwrap().as_ptr().addr();
            let large = bytes_for(elements) >= PAGE_BYTES;
            assert_eq!(matches!(workspace.place, Place::Map(_)), large);
            assert!(!large || start.is_multiple_of(PAGE_BYTES));
        }
    }

    #[test]
    fn what_there_is_no_memory_for_is_an_error() {
        let mut workspace = Workspace::default();
        for len in [usize::MAX, isize::MAX as usize] {
            workspace.reserve(len).unwrap_err();
            assert_eq!(workspace.len(), 0);
        }
        workspace.reserve(1).unwrap();
    }
}
