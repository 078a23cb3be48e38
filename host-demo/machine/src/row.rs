//! A row of the ROM. [`tables::rom`](crate::tables::rom) makes it of an instruction, and a program may keep its own.

/// A row of the ROM table: an instruction as the CPU table sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RomRow {
    /// Word index of the instruction.
    pub pc: u32,
    /// Cell written.
    pub rd: u32,
    /// Cell read as operand a.
    pub rs1: u32,
    /// Cell read as operand b, where the flag [`READS_RS2`](crate::tables::rom::READS_RS2) is set.
    pub rs2: u32,
    /// Operand b, where it is not set.
    pub imm: u32,
    /// Target (word index) of branches and jumps, offset (bytes) of memory accesses and `jalr`.
    pub aux: i32,
    /// Operation on the exec bus, 0 for none.
    pub op: u32,
    /// Sum of flags.
    pub flags: u32,
}
