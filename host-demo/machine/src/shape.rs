//! Heights of an epoch's tables.

/// Smallest epoch, as log2 of its cycles.
pub const MIN_LOG2_CYCLES: u32 = 6;
/// Largest epoch, as log2 of its cycles.
pub const MAX_LOG2_CYCLES: u32 = 20;

/// log2 of the height of every table of an epoch.
///
/// [`EpochShape::new`] sizes the tables for a common mix of instructions; an epoch ends when the
/// first of them is full, so other heights are as sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochShape {
    /// CPU: cycles.
    pub cpu: u32,
    /// Loads, stores, indirect jumps, bytes of system calls.
    pub mem: u32,
    /// Comparisons and branches.
    pub cmp: u32,
    /// And, or, xor.
    pub bit: u32,
    /// Shifts.
    pub shift: u32,
    /// Steps of system calls.
    pub sys: u32,
    /// Touched cells.
    pub l2g: u32,
    /// Words of the program.
    pub rom: u32,
}

impl EpochShape {
    /// The shape of an epoch of at most 2^`log2_cycles` cycles of a program whose ROM table has
    /// 2^`rom_log2` rows; `None` outside of [`MIN_LOG2_CYCLES`] to [`MAX_LOG2_CYCLES`].
    pub const fn new(log2_cycles: u32, rom_log2: u32) -> Option<Self> {
        if log2_cycles < MIN_LOG2_CYCLES || log2_cycles > MAX_LOG2_CYCLES {
            return None;
        }
        let n = log2_cycles;
        Some(Self {
            cpu: n,
            mem: n - 1,
            cmp: n - 2,
            bit: n - 2,
            shift: n - 2,
            sys: if n < 8 { 4 } else { n - 4 },
            // The floor holds what a handful of cycles can touch, whatever they are.
            l2g: if n < 9 { 6 } else { n - 3 },
            rom: rom_log2,
        })
    }
}
