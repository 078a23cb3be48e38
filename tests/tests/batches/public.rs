//! What a verifier of a run that is one proof knows besides its result: its public input, and the blocks of the ROM.

use std::io::Write;

use tranche::execute::execute;
use tranche::retire::header::MAGIC;
use tranche::retire::{Header, Options, RetireCheck, WholeOptions, prove, prove_whole, verify};
use tranche_core::retire::Order;
use tranche_machine::{Program, PublicInput, RomBlocks};
use tranche_test_support::machine::asm::{A0, A1, A2, A7, DATA, ECALL, elf, exit, immediate, li};
use tranche_test_support::params::PARAMS;

/// Reads a hundred bytes of public input and puts out the first five, with the code of a jump over 200 words.
fn reader(public: &'static [u8]) -> Program<'static> {
    let call = |number, descriptor, bytes| {
        let set = |register, value| immediate("addi", register, 0, value);
        let registers = [set(A7, number), set(A0, descriptor), set(A2, bytes)];
        [&registers[..], &li(A1, DATA), &[ECALL]].concat()
    };
    let calls = [call(63, 3, 100), call(64, 1, 5)].concat();
    let code = [
        &calls[..],
        &[immediate("addi", A0, 0, 7)],
        &exit(),
        &[0; 200],
    ]
    .concat();
    let program = Program::parse(elf(&code, &[]).leak()).expect("a program");
    program.with_public(PublicInput::new(public).expect("a short input"))
}

/// A bundle of a run of `program`; without an order as a single batch.
fn bundle(program: &Program<'_>, order: Option<Order>) -> Vec<u8> {
    let execution = execute(program, b"", 1 << 20).expect("an execution");
    let mut bundle = Vec::new();
    let Some(order) = order else {
        let options = WholeOptions {
            params: PARAMS,
            floor: 0.0,
            ..WholeOptions::default()
        };
        prove_whole(program, b"", &execution, &options, &mut bundle).expect("a proof");
        return bundle;
    };
    let options = Options {
        params: PARAMS,
        floor: 0.0,
        ..Options::new(order, 6)
    };
    prove(program, b"", &execution, &options, &mut bundle, |_, _| {}).expect("a proof");
    bundle
}

#[test]
fn a_run_is_proved_with_its_public_input() {
    let whole = reader(b"twelve bytes");
    let blocks = execute(&whole, b"", 1 << 20).expect("an execution").blocks;
    let short = whole.shortened(blocks);
    assert!(short.rom_log2() < whole.rom_log2());
    for order in [Some(Order::Forked), Some(Order::Shared), None] {
        let bundle = bundle(&short, order);
        let verdict =
            |program: &Program<'_>, bundle: &[u8]| verify(program, &bundle[MAGIC.len()..], 0.0);
        let proven = verdict(&whole, &bundle).expect("an honest bundle");
        assert_eq!((proven.exit_code, &*proven.output), (7, &b"twelv"[..]));

        let mut rest = &bundle[MAGIC.len()..];
        let honest = Header::read(&mut rest).expect("a header");
        let named = |header: Header| {
            let mut bundle = header.to_bytes();
            bundle.write_all(rest).expect("memory");
            bundle
        };
        assert!(
            verdict(&whole, &named(honest.clone())).is_ok(),
            "the control"
        );
        for other in [&b"twelve bytez"[..], b"twelve byte", b"twelve bytes\0", b""] {
            let other = reader(other);
            let expected = other.public().digest();
            let got = honest.public;
            let refused = verdict(&other, &bundle);
            assert_eq!(refused, Err(RetireCheck::Public { expected, got }));
            let public = expected;
            let forged = named(Header {
                public,
                ..honest.clone()
            });
            assert!(
                verdict(&other, &forged).is_err(),
                "a header does not make it true"
            );
        }
        let mut more = honest.blocks.to_bytes();
        more[20] ^= 1;
        for blocks in [RomBlocks::ALL, RomBlocks::from_bytes(&more)] {
            let forged = named(Header {
                blocks,
                ..honest.clone()
            });
            assert!(verdict(&whole, &forged).is_err(), "{order:?}: other blocks");
        }
    }
}
