//! Whole programs: every epoch's traces satisfy every constraint, and every bus balances.

use crate::asm::{A0, A1, A2, A7, DATA, ECALL, branch, elf, exit, immediate, li, load};
use crate::oracle::run_epochs;

#[test]
fn a_program_that_exits_at_once() {
    let mut code = vec![immediate("addi", A0, 0, 7)];
    code.extend(exit());
    let run = run_epochs(&elf(&code, &[]), &[], 6, |_, traces| {
        traces.check().unwrap()
    })
    .unwrap();
    assert_eq!((run.exit_code, run.epochs, run.cycles), (7, 1, 3));
}

/// Both halves of a0 are the exit code's.
#[test]
fn an_exit_code_of_32_bits() {
    let code = [&li(A0, 0x8765_4321)[..], &exit()].concat();
    let run = run_epochs(&elf(&code, &[]), &[], 6, |_, traces| {
        traces.check().unwrap()
    })
    .unwrap();
    assert_eq!(run.exit_code, 0x8765_4321);
}

/// An epoch of 2^6 cycles has room for 2^5 loads, stores and indirect jumps.
#[test]
fn epochs_end_where_the_table_of_memory_is_full() {
    let code = [&li(5, DATA)[..], &[load("lw", A0, 5, 0); 100], &exit()].concat();
    let run = run_epochs(&elf(&code, &[]), &[], 6, |_, traces| {
        traces.check().unwrap()
    })
    .unwrap();
    assert_eq!((run.exit_code, run.epochs), (0, 4));
}

/// A cell that more than 2^8 epochs leave alone.
#[test]
fn a_cell_is_found_hundreds_of_epochs_later() {
    let code = [
        &li(5, DATA)[..],
        &[load("lw", A0, 5, 0)],
        &li(6, 10_000),
        &[immediate("addi", 6, 6, -1), branch("bne", 6, 0, -4)],
        &[load("lw", A0, 5, 0)],
        &exit(),
    ];
    let run = run_epochs(&elf(&code.concat(), &[]), &[], 6, |epoch, traces| {
        if epoch > 620 {
            traces.check().unwrap();
        }
    })
    .unwrap();
    assert_eq!((run.exit_code, run.epochs), (0, 625));
}

/// read(0, DATA, wanted), write(1, DATA, result), exit(result).
fn echo(wanted: i32) -> Vec<u8> {
    let mut code = Vec::new();
    code.extend([immediate("addi", A7, 0, 63), immediate("addi", A0, 0, 0)]);
    code.extend(li(A1, DATA));
    code.extend([immediate("addi", A2, 0, wanted), ECALL]);
    code.extend([immediate("addi", A7, 0, 64), immediate("addi", A2, A0, 0)]);
    code.extend([immediate("addi", A0, 0, 1), ECALL]);
    code.extend(exit());
    elf(&code, &[])
}

#[test]
fn input_comes_out_again() {
    for input in [&b""[..], b"abc", b"more than eight"] {
        let run = run_epochs(&echo(8), input, 6, |_, traces| traces.check().unwrap()).unwrap();
        let got = input.len().min(8);
        assert_eq!(run.output, &input[..got]);
        assert_eq!(run.exit_code as usize, got);
        assert_eq!(run.instructions, 12);
    }
}

/// An epoch of 2^6 cycles has room for 2^4 steps of system calls.
#[test]
fn epochs_end_inside_system_calls() {
    let input: Vec<u8> = (0..100).collect();
    let run = run_epochs(&echo(90), &input, 6, |_, traces| traces.check().unwrap()).unwrap();
    assert_eq!(run.output, &input[..90]);
    assert_eq!(run.exit_code, 90);
    assert_eq!(run.instructions, 12);
    assert_eq!(
        run.epochs, 4,
        "22 words, 2 bytes and an end, twice, and an exit, 16 to an epoch"
    );
}

const GUESTS: [&str; 3] = ["sha256", "json", "sort"];

pub fn guest(name: &str) -> Vec<u8> {
    let root = env!("CARGO_MANIFEST_DIR");
    std::fs::read(format!("{root}/../host-demo/guests/prebuilt/{name}.elf")).expect(name)
}

#[test]
fn guests_run_in_epochs_of_every_size() {
    for name in GUESTS {
        for log2_cycles in [6, 9, 12] {
            // Checking is slower than proving: the first epochs, and every twentieth.
            let run = run_epochs(&guest(name), b"[1, 2, 30]", log2_cycles, |epoch, traces| {
                if epoch <= 3 || epoch % 20 == 0 {
                    traces
                        .check()
                        .unwrap_or_else(|why| panic!("{name} epoch {epoch}: {why}"));
                }
            })
            .unwrap();
            assert_eq!(run.exit_code, 0, "{name}");
            assert!(!run.output.is_empty(), "{name}");
        }
    }
}

/// A clock of three bytes: an epoch of more than 2^14 cycles.
#[test]
fn a_long_epoch() {
    let mut epochs = 0;
    let run = run_epochs(&guest("sha256"), &[7; 300], 15, |_, traces| {
        traces.check().unwrap();
        epochs += 1;
    })
    .unwrap();
    assert_eq!(run.exit_code, 0);
    assert_eq!(run.epochs, epochs);
    assert!(run.cycles > 1 << 14);
}
