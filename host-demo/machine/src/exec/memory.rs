//! Sparse storage of cells: registers in an array, the others in an open-addressing hash table over
//! the caller's slice (linear probing, Knuth volume 3, section 6.4). Nothing is ever removed before
//! the end.

use crate::cells::{OUT, REGISTERS};

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

    /// Slots in which `cells` cells of memory and output fit, and not one more than that takes.
    pub const fn slots_for(cells: usize) -> usize {
        (cells * SHARE.1).div_ceil(SHARE.0)
    }

    const fn is_free(&self) -> bool {
        self.id == u32::MAX
    }
}

/// Slots in use at most, as a share of all: one in eight stays free, so that probes stay short.
const SHARE: (usize, usize) = (7, 8);

/// Registers and hidden cells, which every program has.
const FIXED_CELLS: usize = (OUT - REGISTERS) as usize;

/// All cells of a machine.
#[derive(Debug)]
pub(super) struct Memory<'a> {
    fixed: [Cell; FIXED_CELLS],
    slots: &'a mut [Cell],
    used: usize,
}

impl<'a> Memory<'a> {
    /// Empties `slots`.
    pub fn new(slots: &'a mut [Cell]) -> Self {
        slots.fill(Cell::FREE);
        let fixed = core::array::from_fn(|i| Cell {
            id: REGISTERS + i as u32,
            ..Cell::FREE
        });
        Self {
            fixed,
            slots,
            used: 0,
        }
    }

    /// The cell `id`, created with the value of `initial`; `None` when there is no room for it.
    pub fn cell(&mut self, id: u32, initial: impl FnOnce() -> u32) -> Option<&mut Cell> {
        if (REGISTERS..OUT).contains(&id) {
            return Some(&mut self.fixed[(id - REGISTERS) as usize]);
        }
        let at = self.slot(id)?;
        let full = (self.used + 1) * SHARE.1 > self.slots.len() * SHARE.0;
        let cell = &mut self.slots[at];
        if cell.is_free() {
            if full {
                return None;
            }
            self.used += 1;
            *cell = Cell {
                id,
                value: initial(),
                ..Cell::FREE
            };
        }
        Some(cell)
    }

    /// The cell `id` if it was touched, or is a register.
    pub fn get(&self, id: u32) -> Option<&Cell> {
        if (REGISTERS..OUT).contains(&id) {
            return Some(&self.fixed[(id - REGISTERS) as usize]);
        }
        let at = self.slots.get(self.slot(id)?)?;
        (!at.is_free()).then_some(at)
    }

    /// Index of the slot that holds `id`, or of the free one where it would go.
    fn slot(&self, id: u32) -> Option<usize> {
        let len = self.slots.len();
        let hash = id.wrapping_mul(0x9e37_79b1);
        let start = ((u64::from(hash) * len as u64) >> 32) as usize;
        (start..len)
            .chain(0..start)
            .find(|&i| self.slots[i].id == id || self.slots[i].is_free())
    }

    /// Compacts the touched cells to the front of the slots, ascending by id.
    ///
    /// Registers and hidden cells are not among them: the second slice holds those, all of them.
    pub fn into_cells(self) -> (&'a mut [Cell], [Cell; FIXED_CELLS]) {
        self.slots.sort_unstable_by_key(|cell| cell.id);
        let slots: &'a mut [Cell] = self.slots;
        (&mut slots[..self.used], self.fixed)
    }
}
