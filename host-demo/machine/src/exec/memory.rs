//! Where a machine keeps its cells: registers in an array of its own, the others in a [`CellStore`].
//!
//! [`Slots`] needs no heap: an open-addressing hash table over the caller's slice (linear probing,
//! Knuth volume 3, section 6.4), from which nothing is removed before the end. A host has
//! `Pages` (feature `alloc`), which grow.

use zeroize::Zeroize;

use crate::cells::{OUT, REGISTERS};
use crate::public::PublicInput;

/// A touched cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Its id; see [`crate::cells`].
    pub id: u32,
    /// Its value.
    pub value: u32,
    /// The epoch that touched it last; 0 for none.
    pub epoch: u32,
    /// Timestamp of its last access within that epoch.
    pub timestamp: u32,
}

impl Cell {
    /// A free slot: what the caller fills the machine's memory with.
    pub const FREE: Self = Self {
        id: u32::MAX,
        value: 0,
        epoch: 0,
        timestamp: 0,
    };

    /// Slots in which `cells` cells of memory and output fit, and not one more than that takes;
    /// [`usize::MAX`] when there are not that many.
    pub const fn slots_for(cells: usize) -> usize {
        let slots = Self::slots_for_64(cells as u64);
        if slots > usize::MAX as u64 {
            usize::MAX
        } else {
            slots as usize
        }
    }

    /// The same in 64 bits, below 2^61 cells.
    pub(crate) const fn slots_for_64(cells: u64) -> u64 {
        cells
            .saturating_mul(SHARE.1 as u64)
            .div_ceil(SHARE.0 as u64)
    }

    const fn is_free(&self) -> bool {
        self.id == u32::MAX
    }

    /// Whether it holds the cell `id`, or is free for it.
    const fn takes(&self, id: u32) -> bool {
        self.id == id || self.is_free()
    }
}

impl Zeroize for Cell {
    fn zeroize(&mut self) {
        let Self {
            id,
            value,
            epoch,
            timestamp,
        } = self;
        for word in [id, value, epoch, timestamp] {
            word.zeroize();
        }
    }
}

/// Why a cell is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoom {
    /// The store holds as many bytes of cells as it may: four a cell.
    Limit {
        /// Those.
        bytes: u64,
    },
    /// The host has no memory for so many bytes more.
    Allocation {
        /// Those.
        bytes: u64,
    },
}

/// Keeps the cells of memory and output, and for each the epoch that touched it last.
///
/// Epochs are numbered upwards from 1. A machine that records nothing stays in epoch 0, in which
/// timestamps mean nothing and need not be kept.
pub trait CellStore {
    /// Begins an epoch. Only timestamps of cells that the current epoch touched are asked for.
    fn start_epoch(&mut self, epoch: u32);

    /// Calls `access` with the cell `id`, and keeps what it leaves. A cell that was never touched
    /// has the value of `initial` and epoch 0.
    ///
    /// # Errors
    /// [`NoRoom`], and then `access` was not called.
    fn with<R>(
        &mut self,
        id: u32,
        initial: impl Fn(u32) -> u32,
        access: impl FnOnce(&mut Cell) -> R,
    ) -> Result<R, NoRoom>;

    /// The cell `id`, if it is kept.
    fn get(&self, id: u32) -> Option<Cell>;
}

/// Slots in use at most, as a share of all: one in eight stays free, so that probes stay short.
const SHARE: (usize, usize) = (7, 8);

/// Registers and hidden cells, which every program has.
const FIXED_CELLS: usize = (OUT - REGISTERS) as usize;

/// A hash table of cells over the caller's slice.
#[derive(Debug)]
pub struct Slots<'a> {
    slots: &'a mut [Cell],
    used: usize,
}

impl<'a> Slots<'a> {
    /// Empties `slots`.
    pub fn new(slots: &'a mut [Cell]) -> Self {
        let mut slots = Self { slots, used: 0 };
        slots.clear();
        slots
    }

    /// The slot where the search for `id` starts.
    fn start(&self, id: u32) -> usize {
        let hash = id.wrapping_mul(0x9e37_79b1);
        ((u64::from(hash) * self.slots.len() as u64) >> 32) as usize
    }

    fn limit(&self) -> NoRoom {
        NoRoom::Limit {
            bytes: 4 * (self.slots.len() * SHARE.0 / SHARE.1) as u64,
        }
    }

    /// Forgets all cells.
    fn clear(&mut self) {
        self.slots.fill(Cell::FREE);
        self.used = 0;
    }

    /// Overwrites all slots with zeros. There is nothing to go on with afterwards.
    fn wipe(&mut self) {
        self.slots.iter_mut().zeroize();
    }

    /// Compacts the touched cells to the front of the slots, ascending by id.
    fn into_cells(self) -> &'a mut [Cell] {
        self.slots.sort_unstable_by_key(|cell| cell.id);
        let slots: &'a mut [Cell] = self.slots;
        &mut slots[..self.used]
    }
}

impl CellStore for Slots<'_> {
    fn start_epoch(&mut self, _: u32) {}

    fn with<R>(
        &mut self,
        id: u32,
        initial: impl Fn(u32) -> u32,
        access: impl FnOnce(&mut Cell) -> R,
    ) -> Result<R, NoRoom> {
        let (start, limit) = (self.start(id), self.limit());
        let is_full = (self.used + 1) * SHARE.1 > self.slots.len() * SHARE.0;
        let (before, after) = self.slots.split_at_mut_checked(start).ok_or(limit)?;
        let mut slots = after.iter_mut().chain(before);
        let cell = slots.find(|cell| cell.takes(id)).ok_or(limit)?;
        if cell.is_free() {
            if is_full {
                return Err(limit);
            }
            self.used += 1;
            *cell = Cell {
                id,
                value: initial(id),
                ..Cell::FREE
            };
        }
        Ok(access(cell))
    }

    fn get(&self, id: u32) -> Option<Cell> {
        let (before, after) = self.slots.split_at_checked(self.start(id))?;
        let cell = after.iter().chain(before).find(|cell| cell.takes(id))?;
        (!cell.is_free()).then_some(*cell)
    }
}

/// Registers and hidden cells as they are before a run on a public input.
fn untouched(public: PublicInput<'_>) -> [Cell; FIXED_CELLS] {
    core::array::from_fn(|i| {
        let id = REGISTERS + i as u32;
        Cell {
            id,
            value: public.initial(id),
            ..Cell::FREE
        }
    })
}

/// All cells of a machine.
#[derive(Debug)]
pub(super) struct Memory<S> {
    fixed: [Cell; FIXED_CELLS],
    store: S,
}

impl<S: CellStore> Memory<S> {
    pub fn new(store: S, public: PublicInput<'_>) -> Self {
        let fixed = untouched(public);
        Self { fixed, store }
    }

    pub fn start_epoch(&mut self, epoch: u32) {
        self.store.start_epoch(epoch);
    }

    /// As [`CellStore::with`], registers included.
    #[inline]
    pub fn with<R>(
        &mut self,
        id: u32,
        initial: impl Fn(u32) -> u32,
        access: impl FnOnce(&mut Cell) -> R,
    ) -> Result<R, NoRoom> {
        match self.fixed.get_mut(id.wrapping_sub(REGISTERS) as usize) {
            Some(cell) => Ok(access(cell)),
            None => self.store.with(id, initial, access),
        }
    }

    /// The cell of a register or a hidden cell, by its id.
    #[inline]
    pub const fn register(&mut self, id: u32) -> &mut Cell {
        // Ids are below OUT: nothing is masked, and no bound is checked.
        &mut self.fixed[id.wrapping_sub(REGISTERS) as usize % FIXED_CELLS]
    }

    /// The cell `id` if it was touched, or is a register.
    pub fn get(&self, id: u32) -> Option<Cell> {
        match self.fixed.get(id.wrapping_sub(REGISTERS) as usize) {
            Some(&cell) => Some(cell),
            None => self.store.get(id),
        }
    }

    pub const fn store(&self) -> &S {
        &self.store
    }

    /// Registers and hidden cells.
    #[cfg(feature = "alloc")]
    pub const fn fixed(&self) -> &[Cell; FIXED_CELLS] {
        &self.fixed
    }
}

impl<'a> Memory<Slots<'a>> {
    /// Back to how [`Memory::new`] makes it.
    pub fn restart(&mut self, public: PublicInput<'_>) {
        self.fixed = untouched(public);
        self.store.clear();
    }

    /// Overwrites everything with zeros.
    pub fn wipe(&mut self) {
        self.fixed.iter_mut().zeroize();
        self.store.wipe();
    }

    /// The touched cells of the slots, ascending by id, and registers and hidden cells.
    pub fn into_cells(self) -> (&'a mut [Cell], [Cell; FIXED_CELLS]) {
        (self.store.into_cells(), self.fixed)
    }
}
