"""Checks the small guest programs under qemu-riscv32 against independent implementations.

    check.py FOLDER...    each FOLDER holds their *.elf; exits with 1 at the first difference

For every program: a strict reading of the ELF file; every word of its code is a user-level RV32I
instruction, of modexp an RV32IM instruction, some of them of the extension; output and exit code are the expected ones on many inputs, delivered at once and byte by
byte. The figures in README.md and spin.c must hold for the programs in prebuilt/.
"""

import hashlib
import json
import os
import random
import re
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
GUESTS = ("sha256", "json", "sort", "spin", "modexp")
QEMU = "qemu-riscv32"
MASK = 0xFFFFFFFF
IO_ERROR = 2  # GUEST_IO_ERROR
ELF_BYTES_MAX = 8192


def require(condition, message):
    if not condition:
        sys.exit(f"check.py: {message}")


# ---- the ELF file


def is_rv32i(word):
    """Whether `word` encodes a user-level RV32I instruction other than FENCE and EBREAK."""
    opcode, funct3, funct7 = word & 0x7F, word >> 12 & 7, word >> 25
    if opcode in (0x37, 0x17, 0x6F):  # LUI, AUIPC, JAL
        return True
    if opcode == 0x67:  # JALR
        return funct3 == 0
    if opcode == 0x63:  # branches
        return funct3 not in (2, 3)
    if opcode == 0x03:  # loads
        return funct3 in (0, 1, 2, 4, 5)
    if opcode == 0x23:  # stores
        return funct3 in (0, 1, 2)
    if opcode == 0x13:  # with an immediate
        return funct3 not in (1, 5) or funct7 == 0 or (funct3 == 5 and funct7 == 0x20)
    if opcode == 0x33:  # between registers
        return funct7 == 0 or (funct7 == 0x20 and funct3 in (0, 5))
    return word == 0x73  # ECALL


def multiplies(word):
    """Whether `word` encodes an instruction of the M extension."""
    return word & 0xFE00007F == 0x02000033


# FENCE, EBREAK, CSRRW, MUL, two compressed NOPs, zeros.
for refused in (0x0FF0000F, 0x00100073, 0x34011073, 0x02B50533, 0x00010001, 0):
    assert not is_rv32i(refused)
assert multiplies(0x02B50533) and not multiplies(0x00B50533)


def check_elf(path):
    """Reads the file at `path` strictly; returns the number of instructions in its code segment."""
    image = path.read_bytes()
    require(len(image) <= ELF_BYTES_MAX, f"{path}: {len(image)} bytes")
    ident, *header = struct.unpack_from("<16sHHIIIIIHHHHHH", image)
    kind, machine, version, entry, phoff, shoff, flags, ehsize, phentsize, phnum = header[:10]
    shentsize, shnum, _ = header[10:]
    require(ident == b"\x7fELF\x01\x01\x01" + bytes(9), f"{path}: not a little-endian ELF32 file")
    require((kind, machine, version, flags) == (2, 243, 1, 0), f"{path}: not an RV32I executable")
    require((ehsize, phentsize, phnum, shentsize) == (52, 32, 2, 40), f"{path}: header sizes")
    require(phoff + 32 * phnum <= len(image), f"{path}: program headers outside of the file")
    require(shoff + 40 * shnum == len(image), f"{path}: section headers are not the file's end")

    end_of_previous = 0
    for index, access in enumerate((5, 6)):  # code: read, execute; data: read, write
        fields = struct.unpack_from("<8I", image, phoff + 32 * index)
        kind, offset, address, physical, filesz, memsz, segment_flags, align = fields
        name = f"{path}: segment {index}"
        require(kind == 1 and segment_flags == access, f"{name}: type or access rights")
        require(physical == address and align == 4096, f"{name}: addresses")
        require(offset % align == address % align, f"{name}: offset and address do not agree")
        require(filesz <= memsz and offset + filesz <= len(image), f"{name}: sizes")
        require(address // align * align >= end_of_previous, f"{name}: pages overlap")
        end_of_previous = address + memsz
        require(end_of_previous <= 1 << 20, f"{name}: address of a mebibyte and more")
        if index == 0:
            require(entry == address == 0x10000, f"{path}: entry point")
            require(filesz == memsz and filesz % 4 == 0, f"{path}: code of {filesz} bytes")
            code = struct.unpack_from(f"<{filesz // 4}I", image, offset)
    extended = path.stem == "modexp"
    for index, word in enumerate(code):
        known = is_rv32i(word) or extended and multiplies(word)
        require(known, f"{path}: {word:08x} at {0x10000 + 4 * index:x} is no instruction of its set")
    require(any(map(multiplies, code)) == extended, f"{path}: products and quotients")
    return len(code)


# ---- what each guest should do: input to (exit code, output)


def expect_sha256(data):
    return 0, hashlib.sha256(data).digest()


def fold(words, checksum):
    for word in words:
        checksum = ((checksum << 5 | checksum >> 27) + word) & MASK
    return checksum


def xorshift(x):
    x ^= x << 13 & MASK
    x ^= x >> 17
    return x ^ (x << 5 & MASK)


def expect_sort(data):
    data = data[: 4 * 16384]
    words = [word for (word,) in struct.iter_unpack("<I", data[: len(data) // 4 * 4])]
    if not data:
        words = [2463534242]
        for _ in range(1024):
            words.append(xorshift(words[-1]))
        del words[0]
    return 0, struct.pack("<II", fold(sorted(words), 0), len(words))


def expect_spin(data):
    if not re.fullmatch(rb"[0-9]{1,9}\n?", data):
        return 1, b""
    table, x = [0] * 256, 1
    for _ in range(int(data)):
        x = xorshift(x)
        table[x // 4 % 256] = (table[x // 4 % 256] + x) & MASK
    return 0, struct.pack("<I", fold(table, x))


def expect_modexp(data):
    base, exponent, modulus = (int.from_bytes(data[at : at + 32], "little") for at in (0, 32, 64))
    if len(data) != 96 or modulus == 0:
        return 1, b""
    return 0, pow(base, exponent, modulus).to_bytes(32, "little")


JSON_NAMES = ("objects", "arrays", "strings", "keys", "numbers", "booleans", "nulls")


def expect_json(data):
    """The whole output for a well-formed text; of an error only how it starts."""
    count = dict.fromkeys(JSON_NAMES, 0)

    def measure(value):
        """Counts `value` and what it holds; returns how deep it is nested."""
        inner = []
        if isinstance(value, tuple):  # an object's pairs
            count["objects"] += 1
            count["keys"] += len(value)
            inner = [member for _, member in value]
        elif isinstance(value, list):
            count["arrays"] += 1
            inner = value
        else:
            names = {str: "strings", float: "numbers", bool: "booleans", type(None): "nulls"}
            count[names[type(value)]] += 1
            return 0
        return 1 + max(map(measure, inner), default=0)

    def refuse(name):
        raise ValueError(f"{name} is no JSON")

    try:
        value = json.loads(
            data.decode("utf-8", "surrogateescape"),
            object_pairs_hook=tuple,
            parse_constant=refuse,
            parse_int=float,
        )
    except ValueError:
        return 1, b"error at byte "
    depth = measure(value)
    lines = [*count.items(), ("depth", depth), ("bytes", len(data))]
    return 0, "".join(f"{name}: {number}\n" for name, number in lines).encode()


# ---- inputs

RANDOM = random.Random(20)


def random_bytes(length):
    return RANDOM.randbytes(length)


def sha256_inputs():
    lengths = (0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 1000, 70000)
    return [random_bytes(length) for length in lengths]


def sort_inputs():
    def pack(words):
        return b"".join(struct.pack("<I", word) for word in words)

    lengths = (0, 1, 3, 4, 7, 8, 9, 12, 400, 4 * 16384 - 1, 4 * 16384, 4 * 16384 + 9)
    inputs = [random_bytes(length) for length in lengths]
    inputs += [pack(range(1000)), pack(range(1000, 0, -1)), pack([7] * 1000)]
    inputs += [pack([0x80000000, 0x7FFFFFFF, 0, MASK]), pack(n * n % 5 for n in range(777))]
    inputs += [pack([*range(500), *range(500, 0, -1)])]
    return inputs


def spin_inputs():
    accepted = [b"0", b"1", b"7\n", b"255", b"000001000", b"4096\n"]
    refused = [b"", b"\n", b"x", b"-1", b"1 ", b"1\n\n", b"12:", b"1/", b"1234567890", b"1" * 20]
    return accepted + refused


def modexp_inputs():
    def pack(*numbers):
        return b"".join(number.to_bytes(32, "little") for number in numbers)

    top = (1 << 256) - 1
    inputs = [b"", pack(3, 4), pack(3, 4, 0), pack(3, 4, 5) + b"x"]
    inputs += [pack(7, exponent, 1) for exponent in (0, 1, top)]
    inputs += [pack(base, 65537, m) for base in (0, 1, top) for m in (2, 3, 0xFFFF, 0x10000, top)]
    inputs += [pack(top, top, top - 188), pack(1 << 255, 3, (1 << 240) + 1), pack(5, 0, top)]
    # Digits that are one too large, in Knuth's example of the rarest case.
    inputs += [pack(0x8000_0000_0000_FFFE, 2, 0x8000_0000_FFFF)]
    for bits in (1, 16, 17, 31, 64, 100, 128, 200, 255, 256):
        for _ in range(4):
            base, exponent = RANDOM.getrandbits(256), RANDOM.getrandbits(40)
            inputs.append(pack(base, exponent, RANDOM.getrandbits(bits) | 1 << bits - 1))
    return inputs


# Texts that are not JSON, with the output they must give.
JSON_ERRORS = (
    (b"", "0: unexpected end"),
    (b" \n", "2: unexpected end"),
    (b"\xef\xbb\xbf1", "0: unexpected byte"),
    (b"[1,]", "3: unexpected byte"),
    (b"[,1]", "1: unexpected byte"),
    (b"[1}", "2: unexpected byte"),
    (b'{"a":1]', "6: unexpected byte"),
    (b'{"a",1}', "4: unexpected byte"),
    (b'{"a":1,}', "7: unexpected byte"),
    (b"{1:2}", "1: unexpected byte"),
    (b"[1] 2", "4: unexpected byte"),
    (b"1]", "1: unexpected byte"),
    (b"[[]", "3: unexpected end"),
    (b"tru", "3: unexpected end"),
    (b"trUe", "2: unexpected byte"),
    (b"nulll", "4: unexpected byte"),
    (b"01", "1: unexpected byte"),
    (b"-", "1: unexpected end"),
    (b"-a", "1: unexpected byte"),
    (b"+1", "0: unexpected byte"),
    (b"1.", "2: unexpected end"),
    (b"1.e5", "2: unexpected byte"),
    (b"1.5.", "3: unexpected byte"),
    (b"1e+", "3: unexpected end"),
    (b"1e5e", "3: unexpected byte"),
    (b"1e5.0", "3: unexpected byte"),
    (b'"a', "2: unexpected end"),
    (b'"a\n"', "2: unexpected byte"),
    (b'"\\x"', "2: unexpected byte"),
    (b'"\\u12g4"', "5: unexpected byte"),
    (b'"\\u123"', "6: unexpected byte"),
    (b"NaN", "0: unexpected byte"),
    (b"[" * 1025 + b"]" * 1025, "1024: nested too deep"),
)

JSON_SAMPLE = rb""" { "name" : "tranche \"\\\/\b\f\n\r\t\u00E9\ud800", "n":[0,-0,1.5,-20e3,6E-2,7e+1,0.0e0],
 "flags": [true,false,null , {} , [ ] ], "nested": {"a":{"b":[[[{"c":"\u0000"}]]]}}, "": "" }
"""


def json_inputs():
    inputs = [b"0", b" -12.5e-3 ", b'""', b"true", b"[]", b"{}\n", b'"\xff\xc3\x28"', JSON_SAMPLE]
    inputs += [b"[" * 1024 + b"1" + b"]" * 1024, json.dumps([JSON_SAMPLE.decode()] * 300).encode()]
    inputs += [text for text, _ in JSON_ERRORS[:-1]]  # Python has no limit of its own at 1024
    for _ in range(60):  # most of these are refused, by both
        text = bytearray(JSON_SAMPLE)
        text[RANDOM.randrange(len(text))] = RANDOM.choice(b'{}[],:"\\ 0159.eE+-tfnu\x00\x1f\xff')
        inputs.append(bytes(text))
    return inputs


# ---- runs


def run(program, data):
    done = subprocess.run([QEMU, program], input=data, capture_output=True)
    require(not done.stderr, f"{program}: {done.stderr!r}")
    return done.returncode, done.stdout


def run_bytewise(program, data):
    """As `run`, but every read gets one byte only: one packet of a socket that keeps their bounds."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen([QEMU, program], stdin=theirs, stdout=subprocess.PIPE)
    theirs.close()
    try:
        for byte in data:
            ours.send(bytes([byte]))
    except (BrokenPipeError, ConnectionResetError):
        pass  # the guest has seen enough
    ours.close()
    output = process.communicate()[0]
    return process.returncode, output


def check_runs(guest, program):
    inputs = globals()[f"{guest}_inputs"]()
    for data in inputs:
        code, output = globals()[f"expect_{guest}"](data)
        runs = [run(program, data)]
        if len(data) < 600:
            runs.append(run_bytewise(program, data))
        for got_code, got_output in runs:
            if guest == "json" and code == 1:  # the position is checked with JSON_ERRORS
                got_output = got_output[: len(output)]
            shown = data if len(data) < 100 else f"{len(data)} bytes"
            got, expected = (got_code, got_output), (code, output)
            require(got == expected, f"{program} on {shown}: {got}, expected {expected}")
    return len(inputs)


def check_json_errors(program):
    for text, reason in JSON_ERRORS:
        expected = 1, f"error at byte {reason}\n".encode()
        got = run(program, text)
        require(got == expected, f"{program} on {text[:40]}: {got}, expected {expected}")


def check_io_errors(guest, program):
    """A read or a write that the host refuses ends the guest; the machine's own never fail."""
    folder = os.open(HERE, os.O_RDONLY)
    code = subprocess.run([QEMU, program], stdin=folder, stdout=subprocess.DEVNULL).returncode
    os.close(folder)
    require(code == IO_ERROR, f"{program}: exit code {code} after a read that failed")
    data = modexp_inputs()[-1] if guest == "modexp" else b"1"
    with open("/dev/full", "wb") as full:
        code = subprocess.run([QEMU, program], input=data, stdout=full).returncode
    require(code == IO_ERROR, f"{program}: exit code {code} after a write that failed")


def count_instructions(program, data):
    with tempfile.NamedTemporaryFile() as log:
        options = ["-singlestep", "-d", "nochain,exec", "-D", log.name]
        subprocess.run([QEMU, *options, program], input=data, capture_output=True, check=True)
        return sum(line.startswith(b"Trace") for line in log)


def spin_slope(program):
    """Instructions per iteration, which have to be the same number all along."""
    counts = [count_instructions(program, data) for data in (b"1000", b"2000", b"4000")]
    slope, rest = divmod(counts[1] - counts[0], 1000)
    require(rest == 0 and counts[2] - counts[1] == 2000 * slope, f"{program}: counts {counts}")
    return slope


def check_documents(instructions, slope):
    """The figures that README.md and spin.c state for the committed programs."""
    table = (HERE / "README.md").read_text()
    for guest, count in instructions.items():
        row = re.search(rf"^\| `{guest}` .*\| ([0-9]+) \| ([0-9]+) \|$", table, re.MULTILINE)
        require(row, f"README.md: no row for {guest}")
        rows = 1 << (count - 1).bit_length()
        stated = int(row[1]), int(row[2])
        require(stated == (count, rows), f"README.md: {guest} has {count} instructions, {rows} rows")
    stated = re.search(r"exactly ([0-9]+) cycles", (HERE / "spin.c").read_text())
    require(stated and int(stated[1]) == slope, f"spin.c: an iteration is {slope} cycles")


def main(folders):
    require(folders, "usage: check.py FOLDER...")
    sys.setrecursionlimit(10000)  # the deepest JSON text
    for folder in folders:
        instructions, runs = {}, 0
        for guest in GUESTS:
            program = folder / f"{guest}.elf"
            instructions[guest] = check_elf(program)
            runs += check_runs(guest, program)
            check_io_errors(guest, program)
        check_json_errors(folder / "json.elf")
        slope = spin_slope(folder / "spin.elf")
        if folder == HERE / "prebuilt":
            check_documents(instructions, slope)
        print(f"{folder.name}: {len(GUESTS)} programs agree on {runs + len(JSON_ERRORS)} inputs")


main([Path(argument).resolve() for argument in sys.argv[1:]])
