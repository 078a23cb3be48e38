//! What a verifier knows of a run besides its result: its public input, and the blocks of the ROM.

use std::sync::LazyLock;

use tranche::bundle::FormatError;
use tranche::merge::{image, merge_statement};
use tranche::prove::ProveError;
use tranche::verify::{Check, Place, Refusal};
use tranche_core::verifier::VerifyError;
use tranche_machine::merge::MergeTable;
use tranche_machine::setup::Setup;
use tranche_machine::{ExecError, Program, PublicInput, RomBlocks};
use tranche_test_support::machine::asm::{A0, A1, A2, A7, DATA, ECALL, elf, exit, immediate, li};

use crate::bundles::*;
use crate::forger::{Forger, put_merge};

/// Reads ten bytes of public input, and two of private input; puts out the first five, and exits with 7.
static READER: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let call = |number, descriptor, bytes| {
        let set = |register, value| immediate("addi", register, 0, value);
        let registers = [set(A7, number), set(A0, descriptor), set(A2, bytes)];
        [&registers[..], &li(A1, DATA), &[ECALL]].concat()
    };
    let calls = [
        call(63, 3, 3),
        call(63, 3, 7),
        call(64, 1, 5),
        call(63, 0, 2),
    ];
    let code = [&calls.concat()[..], &[immediate("addi", A0, 0, 7)], &exit()].concat();
    elf(&code, &[])
});

/// The same program with this public input.
fn reader(public: &'static [u8]) -> Program<'static> {
    let input = PublicInput::new(public).expect("a short input");
    Program::parse(&READER)
        .expect("a program")
        .with_public(input)
}

fn refused(program: &Program<'_>, parts: &Parts) -> Refusal {
    check(program, &parts.sealed()).expect_err("a forged bundle is accepted")
}

#[test]
fn a_run_is_proved_with_its_public_input() {
    for settings in [SMALL, BLAKE3] {
        let program = reader(b"twelve bytes");
        let bundle = bundle(&program, settings, "ab");
        let proven = check(&program, &bundle).expect("an honest bundle");
        assert_eq!((proven.exit_code, &*proven.output), (7, &b"lve b"[..]));
        let named = program.public().digest();
        for other in [&b"twelve bytez"[..], b"twelve byte", b"twelve bytes\0", b""] {
            let other = reader(other);
            let refusal = check(&other, &bundle).expect_err("another input");
            let expected = other.public().digest();
            assert_eq!(refusal.place, Place::Header);
            assert_eq!(
                refusal.check,
                Check::Public {
                    expected,
                    got: named
                }
            );
            // A header that names it does not make it true.
            let mut forged = Parts::of(&bundle);
            forged.name_public(&other);
            let refusal = refused(&other, &forged);
            // Epochs of a run without one have a table less.
            let shorter = matches!(refusal.check, Check::Format(FormatError::TooLong { .. }));
            assert!(
                matches!(refusal.check, Check::Proof(_)) || shorter && other.public().is_empty(),
                "{refusal}"
            );
        }
    }
}

/// The root merge is made for another input than the one that was read, whose statement seeds it: the image's tokens
/// are others.
#[test]
fn an_input_that_was_not_read() {
    let read = reader(b"twelve bytes");
    let execution = run(&read, "ab");
    let honest = Parts::of(&bundle(&read, SMALL, "ab"));
    let forge = |claimed: &Program<'_>| {
        let mut forger = Forger::new(&read, SMALL, "ab", &execution);
        let mut merges = forger.merges(|_, fewest| fewest);
        let root = merges.last_mut().expect("a root");
        let setup = Setup::new(claimed, SMALL).expect("settings");
        for air in &mut root.batch.airs {
            if let MergeTable::Image(_) = air {
                *air = MergeTable::Image(image(&setup));
            }
        }
        let statement = merge_statement(&setup, &root.node, Some(&forger.result()));
        root.batch.statement = Some(statement);
        let mut forged = honest.clone();
        put_merge(&mut forged, root, 0);
        forged.name_public(claimed);
        forged
    };
    assert_eq!(forge(&read), honest, "the control");
    // A byte that was read, one that was not but lies in traces, and other lengths.
    for other in [
        &b"twelve Bytes"[..],
        b"twelve byteS",
        b"twelve byte\0s",
        b"twelve byte",
    ] {
        let claimed = reader(other);
        let refusal = refused(&claimed, &forge(&claimed));
        assert!(
            matches!(refusal.place, Place::Merge(node) if node.root),
            "{refusal}"
        );
        assert_eq!(refusal.check, Check::Proof(VerifyError::Buses), "{refusal}");
    }
}

#[test]
fn a_run_is_proved_on_the_blocks_that_it_executes() {
    let whole = reader(b"0123456789");
    let execution = run(&whole, "ab");
    let short = whole.with_blocks(execution.blocks);
    let bundle = bundle(&short, SMALL, "ab");
    // The verifier is told the program, and finds the blocks in the header.
    assert!(check(&whole, &bundle).is_ok());
}

#[test]
fn a_block_that_is_executed_and_left_out() {
    let execution = run(&SPIN, "1");
    let mut bytes = execution.blocks.to_bytes();
    let last = bytes.iter().rposition(|&byte| byte != 0).expect("a block");
    bytes[last] &= bytes[last] - 1;
    let short = SPIN.with_blocks(RomBlocks::from_bytes(&bytes));
    let error = prove_claim(&short, SMALL, "1", &execution, 1).unwrap_err();
    let left_out = matches!(error, ProveError::Execution(ExecError::LeftOut { .. }));
    assert!(left_out, "{error}");
}

/// Blocks of as many rows, of which none that is executed is left out: the ROM's columns are others, whatever seeds
/// the proofs.
#[test]
fn a_proof_under_other_blocks() {
    let execution = run(&SPIN, "1");
    let executed = execution.blocks.to_bytes();
    let mut fewer = RomBlocks::ALL.to_bytes();
    let at = executed
        .iter()
        .position(|&byte| byte != 0xff)
        .expect("a block that is not executed");
    fewer[at] = executed[at];
    let short = SPIN.with_blocks(RomBlocks::from_bytes(&fewer));
    assert_eq!(short.rom_log2(), SPIN.rom_log2());
    let [setup, other] = [&*SPIN, &short].map(|program| Setup::new(program, SMALL).unwrap());
    assert_ne!(setup.plan_digest, other.plan_digest);

    let forger = Forger::new(&SPIN, SMALL, "1", &execution);
    let honest = Parts::of(&bundle(&SPIN, SMALL, "1"));
    let seeded = |by: &Setup<'_>| {
        let mut batch = forger.epoch(1);
        batch.statement = Some(by.epoch_statement(1));
        let mut forged = honest.clone();
        let at = forged.find(EPOCH, 0);
        forged.frames[at].1.splice(12.., batch.prove());
        forged
    };
    assert_eq!(seeded(&setup), honest, "the control");
    for mut forged in [honest.clone(), seeded(&other)] {
        let blocks = forged.header.len() - 128;
        // The frequent ones are all of them.
        forged.header[blocks..][..64].copy_from_slice([fewer; 2].as_flattened());
        let refusal = refused(&SPIN, &forged);
        assert_eq!(refusal.place, Place::Epoch(1));
        assert!(matches!(refusal.check, Check::Proof(_)), "{refusal}");
    }
    assert!(check(&SPIN, &bundle(&short, SMALL, "1")).is_ok());
}
