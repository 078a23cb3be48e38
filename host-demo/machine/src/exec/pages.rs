//! Cells on the heap, for hosts: pages that are made when they are touched, so that memory follows
//! the guest and no execution starts over.
//!
//! A page is 1 KiB of the guest's memory. A run without records keeps its values: 1 byte for a byte.
//! A recording one keeps a tag of three bytes with each cell, 1.75 bytes in all: the epoch that
//! touched it last, or, for a cell that the current epoch touched, its place in the list of those,
//! which has its timestamp. Which of the two a tag is, the list itself says (Briggs and Torczon, An
//! efficient representation for sparse sets, 1993). An index over all cells has 4 bytes a page, and
//! the system backs only what is written of it.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use super::memory::{Cell, CellStore, NoRoom};
use crate::cells::CELLS_END;
use crate::tables::l2g::EPOCH_BITS;

/// Cells of a page.
const PAGE_CELLS: usize = 1 << 8;
/// Bytes of the guest's memory on a page: what the limit of [`Pages`] counts in.
pub const PAGE_BYTES: u64 = 4 * PAGE_CELLS as u64;
/// Pages of all cells that there are.
const ALL_PAGES: usize = CELLS_END as usize / PAGE_CELLS + 1;

/// The epoch of a cell, or its place among those of the current epoch.
type Tag = [u8; 3];

const _: () = assert!(EPOCH_BITS <= 8 * size_of::<Tag>() as u32);

#[derive(Debug)]
struct Page {
    values: Box<[u32; PAGE_CELLS]>,
    /// Made when an epoch touches the page.
    tags: Option<Box<[Tag; PAGE_CELLS]>>,
}

/// A cell that the current epoch touched.
#[derive(Clone, Copy, Debug)]
struct Touched {
    id: u32,
    timestamp: u32,
}

/// Cells in pages, as many as the guest touches.
#[derive(Debug)]
pub struct Pages {
    /// For each page that there may be, one more than its place in `pages`; 0 for none.
    index: Vec<u32>,
    pages: Vec<Page>,
    max_bytes: u64,
    epoch: u32,
    /// What the current epoch touched.
    current: Vec<Touched>,
}

impl Pages {
    /// No pages yet, and at most `max_bytes` of the guest's memory in those to come.
    pub fn new(max_bytes: u64) -> Self {
        Self {
            index: vec![0; ALL_PAGES],
            pages: Vec::new(),
            max_bytes,
            epoch: 0,
            current: Vec::new(),
        }
    }

    /// Bytes of the guest's memory on the pages so far.
    pub const fn bytes(&self) -> u64 {
        self.pages.len() as u64 * PAGE_BYTES
    }

    /// The cells that the current epoch touched, ascending.
    pub(crate) fn touched(&self) -> Vec<Cell> {
        let ids = self.current.iter().map(|touched| touched.id);
        let mut cells: Vec<_> = ids.filter_map(|id| self.get(id)).collect();
        cells.sort_unstable_by_key(|cell| cell.id);
        cells
    }

    /// The place of a page, which is made if it is not there.
    fn page(&mut self, number: usize, initial: impl Fn(u32) -> u32) -> Result<usize, NoRoom> {
        match self.index[number] {
            0 => self.add(number, initial),
            at => Ok(at as usize - 1),
        }
    }

    #[cold]
    fn add(&mut self, number: usize, initial: impl Fn(u32) -> u32) -> Result<usize, NoRoom> {
        if self.bytes() + PAGE_BYTES > self.max_bytes {
            let bytes = self.max_bytes;
            return Err(NoRoom::Limit { bytes });
        }
        let first = (number * PAGE_CELLS) as u32;
        let values = boxed((first..).take(PAGE_CELLS).map(initial))?;
        reserve(&mut self.pages)?;
        self.pages.push(Page { values, tags: None });
        self.index[number] = self.pages.len() as u32;
        Ok(self.pages.len() - 1)
    }

    /// The place of a cell among those of the current epoch, if it is one, by its tag.
    fn place(&self, id: u32, tag: u32) -> Option<usize> {
        let touched = self.current.get(tag as usize)?;
        (touched.id == id).then_some(tag as usize)
    }

    /// The cell `id` on a page, and its place among those of the current epoch.
    #[inline]
    fn load(&self, id: u32, page: usize) -> (Cell, Option<usize>) {
        let page = &self.pages[page];
        let at = id as usize % PAGE_CELLS;
        let tag = page.tags.as_ref().map_or(0, |tags| tag_value(tags[at]));
        let place = self.place(id, tag);
        let (epoch, timestamp) = match place {
            Some(place) => (self.epoch, self.current[place].timestamp),
            None => (tag, 0),
        };
        let value = page.values[at];
        (
            Cell {
                id,
                value,
                epoch,
                timestamp,
            },
            place,
        )
    }

    /// Lists a cell that the current epoch touches for the first time; returns its place.
    fn list(&mut self, page: usize, cell: &Cell) -> Result<usize, NoRoom> {
        let place = self.current.len();
        if place >> (8 * size_of::<Tag>()) != 0 {
            let bytes = 4 * place as u64;
            return Err(NoRoom::Limit { bytes });
        }
        reserve(&mut self.current)?;
        let tags = &mut self.pages[page].tags;
        let tags = match tags {
            Some(tags) => tags,
            None => tags.insert(boxed(core::iter::repeat_n(Tag::default(), PAGE_CELLS))?),
        };
        tags[cell.id as usize % PAGE_CELLS] = tag_of(place as u32);
        let Cell { id, timestamp, .. } = *cell;
        self.current.push(Touched { id, timestamp });
        Ok(place)
    }
}

const fn tag_value([a, b, c]: Tag) -> u32 {
    u32::from_le_bytes([a, b, c, 0])
}

const fn tag_of(value: u32) -> Tag {
    let [a, b, c, _] = value.to_le_bytes();
    [a, b, c]
}

fn reserve<T>(list: &mut Vec<T>) -> Result<(), NoRoom> {
    let bytes = size_of::<T>() as u64;
    list.try_reserve(1)
        .map_err(|_| NoRoom::Allocation { bytes })
}

/// As many items as a page has cells.
fn boxed<T>(items: impl Iterator<Item = T>) -> Result<Box<[T; PAGE_CELLS]>, NoRoom> {
    let bytes = size_of::<[T; PAGE_CELLS]>() as u64;
    let failed = NoRoom::Allocation { bytes };
    let mut list = Vec::new();
    list.try_reserve_exact(PAGE_CELLS).map_err(|_| failed)?;
    list.extend(items);
    list.into_boxed_slice().try_into().map_err(|_| failed)
}

impl CellStore for Pages {
    fn start_epoch(&mut self, epoch: u32) {
        for Touched { id, .. } in self.current.drain(..) {
            let id = id as usize;
            let page = self.index[id / PAGE_CELLS] as usize - 1;
            if let Some(tags) = &mut self.pages[page].tags {
                tags[id % PAGE_CELLS] = tag_of(self.epoch);
            }
        }
        self.epoch = epoch;
    }

    #[inline]
    fn with<R>(
        &mut self,
        id: u32,
        initial: impl Fn(u32) -> u32,
        access: impl FnOnce(&mut Cell) -> R,
    ) -> Result<R, NoRoom> {
        let page = self.page(id as usize / PAGE_CELLS, initial)?;
        if self.epoch == 0 {
            let value = &mut self.pages[page].values[id as usize % PAGE_CELLS];
            let mut cell = Cell {
                id,
                value: *value,
                epoch: 0,
                timestamp: 0,
            };
            let result = access(&mut cell);
            *value = cell.value;
            return Ok(result);
        }
        let (mut cell, place) = self.load(id, page);
        let place = match place {
            Some(place) => place,
            None => self.list(page, &cell)?,
        };
        let result = access(&mut cell);
        self.pages[page].values[id as usize % PAGE_CELLS] = cell.value;
        self.current[place].timestamp = cell.timestamp;
        Ok(result)
    }

    fn get(&self, id: u32) -> Option<Cell> {
        let page = self.index.get(id as usize / PAGE_CELLS)?.checked_sub(1)?;
        Some(self.load(id, page as usize).0)
    }
}
