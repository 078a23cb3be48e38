//! A minimal RV32IM assembler and ELF writer for generated programs.

/// Address of the code of a generated program.
pub const CODE: u32 = 0x0001_0000;
/// Address of its data segment: zeros, read-write.
pub const DATA: u32 = 0x0002_0000;
/// Bytes of the data segment.
pub const DATA_BYTES: u32 = 0x1000;

const PAGE: u32 = 0x1000;

/// Register that is always zero.
pub const ZERO: u32 = 0;
/// Register of the return address.
pub const RA: u32 = 1;
/// Register of the first argument.
pub const A0: u32 = 10;
/// Register of the second argument.
pub const A1: u32 = 11;
/// Register of the third argument.
pub const A2: u32 = 12;
/// Register of the number of a system call.
pub const A7: u32 = 17;

fn r_type(funct7: u32, rs2: u32, rs1: u32, funct3: u32, rd: u32, opcode: u32) -> u32 {
    funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode
}

fn i_type(imm: i32, rs1: u32, funct3: u32, rd: u32, opcode: u32) -> u32 {
    assert!((-2048..2048).contains(&imm));
    (imm as u32) << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode
}

/// Register operations by mnemonic: funct7, funct3.
pub const REGISTER: [(&str, u32, u32); 18] = [
    ("add", 0, 0),
    ("sub", 0x20, 0),
    ("sll", 0, 1),
    ("slt", 0, 2),
    ("sltu", 0, 3),
    ("xor", 0, 4),
    ("srl", 0, 5),
    ("sra", 0x20, 5),
    ("or", 0, 6),
    ("and", 0, 7),
    ("mul", 1, 0),
    ("mulh", 1, 1),
    ("mulhsu", 1, 2),
    ("mulhu", 1, 3),
    ("div", 1, 4),
    ("divu", 1, 5),
    ("rem", 1, 6),
    ("remu", 1, 7),
];
/// Operations with a 12-bit immediate: funct3.
pub const IMMEDIATE: [(&str, u32); 6] = [
    ("addi", 0),
    ("slti", 2),
    ("sltiu", 3),
    ("xori", 4),
    ("ori", 6),
    ("andi", 7),
];
/// Shifts by an immediate: funct7, funct3.
pub const SHIFT: [(&str, u32, u32); 3] = [("slli", 0, 1), ("srli", 0, 5), ("srai", 0x20, 5)];
/// Branches: funct3.
pub const BRANCH: [(&str, u32); 6] = [
    ("beq", 0),
    ("bne", 1),
    ("blt", 4),
    ("bge", 5),
    ("bltu", 6),
    ("bgeu", 7),
];
/// Loads: funct3, bytes.
pub const LOAD: [(&str, u32, u32); 5] = [
    ("lb", 0, 1),
    ("lh", 1, 2),
    ("lw", 2, 4),
    ("lbu", 4, 1),
    ("lhu", 5, 2),
];
/// Stores: funct3, bytes.
pub const STORE: [(&str, u32, u32); 3] = [("sb", 0, 1), ("sh", 1, 2), ("sw", 2, 4)];

/// The register operation of this name.
pub fn register(name: &str, rd: u32, rs1: u32, rs2: u32) -> u32 {
    let (_, funct7, funct3) = REGISTER.into_iter().find(|op| op.0 == name).expect(name);
    r_type(funct7, rs2, rs1, funct3, rd, 0x33)
}

/// The immediate operation of this name.
pub fn immediate(name: &str, rd: u32, rs1: u32, imm: i32) -> u32 {
    let (_, funct3) = IMMEDIATE.into_iter().find(|op| op.0 == name).expect(name);
    i_type(imm, rs1, funct3, rd, 0x13)
}

/// The immediate shift of this name.
pub fn shift(name: &str, rd: u32, rs1: u32, amount: u32) -> u32 {
    let (_, funct7, funct3) = SHIFT.into_iter().find(|op| op.0 == name).expect(name);
    r_type(funct7, amount, rs1, funct3, rd, 0x13)
}

/// The branch of this name, by a multiple of two bytes.
pub fn branch(name: &str, rs1: u32, rs2: u32, offset: i32) -> u32 {
    let (_, funct3) = BRANCH.into_iter().find(|op| op.0 == name).expect(name);
    let at = |bit: i32, count: u32| (offset >> bit) as u32 & ((1 << count) - 1);
    let high = at(12, 1) << 31 | at(5, 6) << 25;
    high | rs2 << 20 | rs1 << 15 | funct3 << 12 | at(1, 4) << 8 | at(11, 1) << 7 | 0x63
}

/// The load of this name.
pub fn load(name: &str, rd: u32, rs1: u32, offset: i32) -> u32 {
    let (_, funct3, _) = LOAD.into_iter().find(|op| op.0 == name).expect(name);
    i_type(offset, rs1, funct3, rd, 0x03)
}

/// The store of this name.
pub fn store(name: &str, rs2: u32, rs1: u32, offset: i32) -> u32 {
    let (_, funct3, _) = STORE.into_iter().find(|op| op.0 == name).expect(name);
    let offset = offset as u32;
    r_type(offset >> 5 & 0x7f, rs2, rs1, funct3, offset & 31, 0x23)
}

/// Loads the upper 20 bits.
pub fn lui(rd: u32, imm: u32) -> u32 {
    imm & 0xffff_f000 | rd << 7 | 0x37
}

/// Adds the upper 20 bits to the program counter.
pub fn auipc(rd: u32, imm: u32) -> u32 {
    imm & 0xffff_f000 | rd << 7 | 0x17
}

/// Jumps by a multiple of two bytes.
pub fn jal(rd: u32, offset: i32) -> u32 {
    let at = |bit: i32, count: u32| (offset >> bit) as u32 & ((1 << count) - 1);
    at(20, 1) << 31 | at(1, 10) << 21 | at(11, 1) << 20 | at(12, 8) << 12 | rd << 7 | 0x6f
}

/// Jumps to a register's value plus an offset.
pub fn jalr(rd: u32, rs1: u32, offset: i32) -> u32 {
    i_type(offset, rs1, 0, rd, 0x67)
}

/// Calls the system.
pub const ECALL: u32 = 0x73;
/// Orders memory.
pub const FENCE: u32 = 0x0ff0_000f;

/// Sets a register to any value, in two instructions.
pub fn li(rd: u32, value: u32) -> [u32; 2] {
    let low = (value as i32) << 20 >> 20;
    [
        lui(rd, value.wrapping_sub(low as u32)),
        immediate("addi", rd, rd, low),
    ]
}

/// Exits with the code in a0.
pub fn exit() -> [u32; 2] {
    [immediate("addi", A7, ZERO, 93), ECALL]
}

/// The bytes of words.
pub fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A segment to be loaded.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// Its first byte's address.
    pub address: u32,
    /// What the file has of it.
    pub bytes: &'a [u8],
    /// Its bytes in memory.
    pub memory: u32,
    /// Its flags: 4 to read, 2 to write, 1 to execute.
    pub flags: u32,
}

/// An ELF file with `code` at [`CODE`], where it starts, and `data` at [`DATA`], filled up with
/// zeros to [`DATA_BYTES`].
pub fn elf(code: &[u32], data: &[u8]) -> Vec<u8> {
    let code = words(code);
    let segments = [
        Segment {
            address: CODE,
            bytes: &code,
            memory: code.len() as u32,
            flags: 5,
        },
        Segment {
            address: DATA,
            bytes: data,
            memory: DATA_BYTES,
            flags: 6,
        },
    ];
    file(CODE, &segments)
}

/// An ELF file of `code` at [`CODE`], where it starts, and nothing else.
pub fn bare(code: &[u32]) -> Vec<u8> {
    let bytes = &words(code)[..];
    let segment = Segment {
        address: CODE,
        bytes,
        memory: bytes.len() as u32,
        flags: 5,
    };
    file(CODE, &[segment])
}

/// An ELF file of these segments, without sections. The bytes of the last end the file.
pub fn file(entry: u32, segments: &[Segment<'_>]) -> Vec<u8> {
    let (header, segment) = (52u32, 32u32);
    let mut out = vec![0x7f, b'E', b'L', b'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let half = |out: &mut Vec<u8>, v: u16| out.extend(v.to_le_bytes());
    half(&mut out, 2); // executable
    half(&mut out, 243); // RISC-V
    // Version, entry, program headers, no sections, flags.
    out.extend(words(&[1, entry, header, 0, 0]));
    for v in [
        header as u16,
        segment as u16,
        segments.len() as u16,
        40,
        0,
        0,
    ] {
        half(&mut out, v);
    }
    // File offsets and addresses agree modulo the page, or QEMU cannot map them.
    let mut end = header + segment * segments.len() as u32;
    for segment in segments {
        let len = segment.bytes.len() as u32;
        // What has no bytes is beyond the end.
        let at = end.next_multiple_of(PAGE) + segment.address % PAGE;
        let (address, memory) = (segment.address, segment.memory);
        out.extend(words(&[
            1,
            at,
            address,
            address,
            len,
            memory,
            segment.flags,
            4,
        ]));
        end = if len == 0 { end } else { at + len };
    }
    for segment in segments.iter().filter(|s| !s.bytes.is_empty()) {
        let at = out.len().next_multiple_of(PAGE as usize);
        out.resize(at + (segment.address % PAGE) as usize, 0);
        out.extend(segment.bytes);
    }
    out
}

/// A program that puts out up to 16 bytes of public input, and exits with 0: an ELF file.
pub fn echo_public() -> Vec<u8> {
    let call = |number, descriptor| {
        let set = |register, value| immediate("addi", register, 0, value);
        let registers = [set(A7, number), set(A0, descriptor)];
        [&registers[..], &li(A1, DATA), &[ECALL]].concat()
    };
    let copy = immediate("addi", A2, A0, 0);
    let code = [
        &[immediate("addi", A2, 0, 16)][..],
        &call(63, 3),
        &[copy],
        &call(64, 1),
        &[immediate("addi", A0, 0, 0)],
        &exit(),
    ];
    elf(&code.concat(), &[])
}
