//! The executor against `qemu-riscv32`, register by register after every instruction; and the
//! traces of the same executions against Plonky3's checkers.

use std::path::PathBuf;
use std::process::{Command, Output};

use tranche_machine::{Cell, Machine, Program};

use crate::asm::{
    A0, A1, A2, A7, BRANCH, DATA, ECALL, FENCE, IMMEDIATE, LOAD, REGISTER, SHIFT, STORE, auipc,
    branch, elf, exit, immediate, jal, jalr, li, load, lui, register, shift, store,
};
use crate::oracle::{Io, run_epochs};

/// Registers 1 to 29 are operands and destinations, 30 is scratch, 31 is the base of memory
/// accesses.
const OPERANDS: u32 = 30;
const SCRATCH: u32 = 30;
const BASE: u32 = 31;

const EDGES: [u32; 16] = [
    0,
    1,
    2,
    31,
    32,
    0x7f,
    0x80,
    0x7fff,
    0x8000,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    0x8000_0001,
    0xffff_0000,
    0xffff_ffff,
];

/// A small deterministic generator (xorshift, Marsaglia 2003).
struct Random(u32);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    fn below(&mut self, bound: u32) -> u32 {
        ((u64::from(self.next()) * u64::from(bound)) >> 32) as u32
    }

    fn value(&mut self) -> u32 {
        if self.below(3) == 0 {
            self.next()
        } else {
            EDGES[self.below(16) as usize]
        }
    }

    /// A register to read: any.
    fn source(&mut self) -> u32 {
        self.below(32)
    }

    /// A register to write: x0 too.
    fn target(&mut self) -> u32 {
        self.below(OPERANDS)
    }

    fn imm12(&mut self) -> i32 {
        const EDGES: [i32; 8] = [0, 1, -1, 2047, -2048, 255, -256, 31];
        if self.below(2) == 0 {
            EDGES[self.below(8) as usize]
        } else {
            self.below(4096) as i32 - 2048
        }
    }

    /// An offset from the base that is a multiple of `bytes`.
    fn offset(&mut self, bytes: u32) -> i32 {
        const EDGES: [i32; 4] = [0, 2044, -2048, -4];
        let offset = if self.below(4) == 0 {
            EDGES[self.below(4) as usize]
        } else {
            self.imm12().min(2044)
        };
        offset & !(bytes as i32 - 1)
    }
}

/// Every instruction once, in an order and with operands of the generator's.
fn every_instruction(random: &mut Random) -> Vec<Vec<u32>> {
    let mut blocks = Vec::new();
    for (name, _, _) in REGISTER {
        blocks.push(vec![register(
            name,
            random.target(),
            random.source(),
            random.source(),
        )]);
    }
    for (name, _) in IMMEDIATE {
        blocks.push(vec![immediate(
            name,
            random.target(),
            random.source(),
            random.imm12(),
        )]);
    }
    for (name, _, _) in SHIFT {
        blocks.push(vec![shift(
            name,
            random.target(),
            random.source(),
            random.below(32),
        )]);
    }
    for (name, _) in BRANCH {
        // Taken or not, what it may skip changes a register.
        let equal = random.below(4) == 0;
        let rs1 = random.source();
        let rs2 = if equal { rs1 } else { random.source() };
        let target = random.target();
        blocks.push(vec![
            branch(name, rs1, rs2, 8),
            immediate("addi", target, target, 1),
        ]);
    }
    for (name, _, bytes) in LOAD {
        blocks.push(vec![load(
            name,
            random.target(),
            BASE,
            random.offset(bytes),
        )]);
    }
    for (name, _, bytes) in STORE {
        let offset = random.offset(bytes);
        // Read back a part of what was stored.
        let back = load("lbu", random.target(), BASE, offset);
        blocks.push(vec![store(name, random.source(), BASE, offset), back]);
    }
    blocks.push(vec![lui(random.target(), random.next())]);
    blocks.push(vec![auipc(random.target(), random.next())]);
    blocks.push(vec![FENCE]);
    blocks.push(li(random.target().max(1), random.value()).to_vec());
    // Forward, back, forward again.
    blocks.push(vec![
        jal(random.target(), 8),
        jal(0, 8),
        jal(random.target(), -4),
    ]);
    // To the fifth instruction, by an even or odd sum.
    let offset = random.imm12().min(2000);
    let sum = 16 + random.below(2) as i32;
    blocks.push(vec![
        auipc(SCRATCH, 0),
        immediate("addi", SCRATCH, SCRATCH, (sum - offset).clamp(-2048, 2047)),
        jalr(
            random.target(),
            SCRATCH,
            sum - (sum - offset).clamp(-2048, 2047),
        ),
        immediate("addi", random.target(), 0, 99),
    ]);
    // A loop of three.
    blocks.push(vec![
        immediate("addi", SCRATCH, 0, 3),
        immediate("addi", SCRATCH, SCRATCH, -1),
        branch("bne", SCRATCH, 0, -4),
    ]);
    for i in (1..blocks.len()).rev() {
        blocks.swap(i, random.below(i as u32 + 1) as usize);
    }
    blocks
}

/// Instructions that set registers 1 to 31, two each.
const SETUP: usize = 62;

fn program(seed: u32) -> Vec<u8> {
    let mut random = Random(seed);
    let mut code = Vec::new();
    for register in 1..BASE {
        code.extend(li(register, random.value()));
    }
    code.extend(li(BASE, DATA + 0x800));
    for _ in 0..6 {
        code.extend(every_instruction(&mut random).concat());
        // New edges, so that operands do not wash out.
        for _ in 0..4 {
            code.extend(li(1 + random.below(OPERANDS - 1), random.value()));
        }
    }
    code.push(immediate("andi", A0, A0, 0x7f));
    code.extend(exit());
    let data: Vec<u8> = (0..0x1000).map(|_| random.next() as u8).collect();
    elf(&code, &data)
}

/// Operands of products and quotients: 0, the least and largest of both kinds, their neighbours, powers of two and
/// words of which every byte carries.
pub const FACTORS: [u32; 26] = [
    0,
    1,
    2,
    3,
    10,
    0x7f,
    0xff,
    0x100,
    0x7fff,
    0x8000,
    0xffff,
    0x1_0000,
    0x1_0001,
    0x00ff_ffff,
    0x4000_0000,
    0x5555_5555,
    0x7fff_ffff,
    0x8000_0000,
    0x8000_0001,
    0xaaaa_aaaa,
    0xff00_00ff,
    0xffff_0000,
    0xffff_8000,
    0xffff_fffd,
    0xffff_fffe,
    0xffff_ffff,
];

/// The M extension's operations.
fn extension() -> impl Iterator<Item = &'static str> {
    REGISTER
        .into_iter()
        .filter_map(|(name, funct7, _)| (funct7 == 1).then_some(name))
}

/// Every operation of the M extension on any two of the factors of `firsts` and all, then on every choice of
/// registers that are the same or zero.
fn products_and_quotients(firsts: &[u32]) -> Vec<u8> {
    // QEMU starts with a stack pointer of its own.
    let mut code = vec![immediate("addi", 2, 0, 0)];
    for &a in firsts {
        for b in FACTORS {
            code.extend([li(5, a), li(6, b)].concat());
            code.extend(extension().map(|name| register(name, 7, 5, 6)));
        }
    }
    for name in extension() {
        for registers in 0..64 {
            code.extend([li(5, 0x8765_4321), li(6, 0xffff_8001)].concat());
            let [rd, rs1, rs2] = [0, 2, 4].map(|bit| [0, 5, 6, 7][registers >> bit & 3]);
            code.push(register(name, rd, rs1, rs2));
        }
    }
    code.push(immediate("addi", A0, 0, 7));
    code.extend(exit());
    elf(&code, &[])
}

/// read(0, DATA, 4), writes to descriptors 1 and 2, exit by 94.
fn calls() -> Vec<u8> {
    let call = |number: i32, descriptor: i32, from: u32, bytes: i32| {
        let mut code = li(A1, from).to_vec();
        code.extend([
            immediate("addi", A7, 0, number),
            immediate("addi", A0, 0, descriptor),
        ]);
        code.extend([immediate("addi", A2, 0, bytes), ECALL]);
        code
    };
    // All registers are zero at the entry but the stack pointer.
    let mut code = li(2, DATA).to_vec();
    code.extend(call(63, 0, DATA, 4));
    code.extend(call(64, 2, DATA + 1, 5));
    code.extend(call(64, 1, DATA, 3));
    code.extend(call(64, 2, DATA, 0));
    code.extend(call(64, 2, DATA + 3, 2));
    code.extend([
        immediate("addi", A0, A0, 40),
        immediate("addi", A7, 0, 94),
        ECALL,
    ]);
    elf(&code, b"01234567")
}

/// Program counter and registers before one instruction.
type State = (u32, [u32; 32]);

/// A file of the tests of this module.
fn file(name: &str, suffix: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("machine-{name}.{suffix}"))
}

/// How QEMU, with these options, ends `elf`.
pub fn run(name: &str, options: &[&str], elf: &[u8], input: &[u8]) -> Output {
    let [path, input_path] = ["elf", "in"].map(|suffix| file(name, suffix));
    std::fs::write(&path, elf).unwrap();
    std::fs::write(&input_path, input).unwrap();
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    Command::new("qemu-riscv32")
        .args(options)
        .arg(&path)
        .stdin(std::fs::File::open(&input_path).unwrap())
        .output()
        .expect("qemu-riscv32 of Debian's qemu-user")
}

/// What QEMU logs for `elf`, and how it ends.
fn qemu(name: &str, elf: &[u8], input: &[u8]) -> (Vec<State>, Output) {
    let log = file(name, "log");
    let log_name = log.to_str().expect("a folder of ours");
    let options = ["-singlestep", "-d", "nochain,cpu", "-D", log_name];
    let output = run(name, &options, elf, input);
    let mut states: Vec<State> = Vec::new();
    for line in std::fs::read_to_string(&log).unwrap().lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let hex = |word: &str| u32::from_str_radix(word, 16).unwrap();
        if let ["pc", value] = words[..] {
            states.push((hex(value), [0; 32]));
            continue;
        }
        for pair in words.chunks(2) {
            if let ([name, value], Some(state)) = (pair, states.last_mut()) {
                let Some(Ok(i)) = name
                    .strip_prefix('x')
                    .and_then(|n| n.split('/').next())
                    .map(str::parse::<usize>)
                else {
                    continue;
                };
                state.1[i] = hex(value);
            }
        }
    }
    (states, output)
}

/// Compares from instruction `from` on, when all registers are set; returns the number of them.
pub fn compare(name: &str, elf: &[u8], input: &[u8], from: usize) -> usize {
    let (states, output) = qemu(name, elf, input);
    let program = Program::parse(elf).unwrap();
    let mut cells = vec![Cell::FREE; 1 << 14];
    let mut machine = Machine::new(&program, &mut cells, 1 << 20);
    let mut io = Io::new(input);
    for (at, (pc, registers)) in states.iter().enumerate() {
        assert_eq!(machine.pc(), *pc, "{name}: instruction {at}");
        if at >= from {
            let ours: [u32; 32] = std::array::from_fn(|i| machine.register(i as u32));
            assert_eq!(
                ours, *registers,
                "{name}: before instruction {at} at {pc:#x}"
            );
        }
        // A system call takes several steps at one program counter.
        let done = machine.instructions();
        while machine.instructions() == done {
            machine.run_for(&mut io, 1).unwrap();
        }
    }
    let code = output.status.code().expect("an exit code");
    assert_eq!(machine.exit_code(), Some(code as u32), "{name}");
    assert_eq!(io.output, output.stdout, "{name}");
    assert_eq!(io.messages, output.stderr, "{name}");
    states.len()
}

#[test]
fn every_instruction_agrees_with_qemu() {
    for seed in 1..=24 {
        let elf = program(seed * 0x9e37);
        let compared = compare(&format!("seed-{seed}"), &elf, &[], SETUP);
        assert!(
            compared > 350,
            "only {compared} instructions in seed {seed}"
        );
    }
}

#[test]
fn products_and_quotients_agree_with_qemu() {
    let elf = products_and_quotients(&FACTORS);
    let compared = compare("factors", &elf, &[], 1);
    assert_eq!(compared, 1 + 26 * 26 * 12 + 8 * 64 * 5 + 3);
}

#[test]
fn products_and_quotients_satisfy_every_constraint() {
    for (i, firsts) in FACTORS.chunks(7).enumerate() {
        let elf = products_and_quotients(firsts);
        run_epochs(&elf, &[], 10 + i as u32 % 3, |epoch, traces| {
            traces
                .check()
                .unwrap_or_else(|why| panic!("{firsts:x?}, epoch {epoch}: {why}"));
        })
        .unwrap();
    }
}

#[test]
fn system_calls_agree_with_qemu() {
    assert_eq!(compare("calls", &calls(), b"abcdefgh", 2), 35);
}

#[test]
fn guests_agree_with_qemu() {
    for name in ["sha256", "json", "sort"] {
        let input = b"{\"a\": [1, 2.5, -3], \"b\": \"text\"}";
        // The prologue sets the stack pointer, which QEMU starts at an address of its own.
        let compared = compare(name, &crate::guests::guest(name), input, 5);
        assert!(compared > 400, "only {compared} instructions in {name}");
    }
    let input = crate::extensions::power(3);
    let compared = compare("modexp", &crate::guests::guest("modexp"), &input, 5);
    assert!(compared > 10_000, "only {compared} instructions");
}

#[test]
fn traces_of_generated_programs_satisfy_every_constraint() {
    for seed in 1..=6 {
        let elf = program(seed * 0x9e37);
        for log2_cycles in [6, 8, 10] {
            run_epochs(&elf, &[], log2_cycles, |epoch, traces| {
                traces.check().unwrap_or_else(|why| {
                    panic!("seed {seed}, 2^{log2_cycles} cycles, epoch {epoch}: {why}")
                });
            })
            .unwrap();
        }
    }
}
