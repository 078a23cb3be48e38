//! Sessions as C has them, below the pointers: exact sizes, the host's bytes, and every way to end.

use std::mem::MaybeUninit;
use std::num::NonZeroUsize;

use tranche::bundle::Reader;
use tranche::execute;
use tranche::prove::{Options, prove};
use tranche_ffi::error::TrancheError;
use tranche_ffi::plan::{default_request, plan};
use tranche_ffi::session::{FIXED_BYTES, Session};
use tranche_ffi::suite::BUILT;
use tranche_ffi::types::{TranchePlan, TrancheProfile, TrancheRequest};
use tranche_machine::hash::Hash;
use tranche_machine::{GuestIo, Program, Settings, Setup};

const SPIN: &[u8] = include_bytes!("../../../guests/prebuilt/spin.elf");
const INPUT: &[u8] = b"9";
const MAX_CYCLES: u64 = 1 << 20;
/// What a buffer holds before: nothing that any code could mistake for its own.
const DIRT: u8 = 0xa5;

// As `docs/embedding.md` says.
const _: () = assert!(FIXED_BYTES < 16 << 10);

/// Short epochs at few queries, so that the test is quick.
fn request() -> TrancheRequest {
    let mut request = default_request();
    request.settings.epoch_log2 = 8;
    request.settings.arity = 32; // so that no merge stands between the epochs
    request.settings.num_queries = 5;
    request.settings.query_pow_bits = 2;
    request.security_floor_bits = 0;
    request
}

/// The same that hashes with a suite.
fn hashed_with(hash: Hash) -> TrancheRequest {
    let mut request = request();
    request.settings.hash = hash.number();
    request
}

fn planned(request: &TrancheRequest) -> TranchePlan {
    let (plan, fits) = plan(SPIN, request).unwrap();
    assert!(fits);
    plan
}

/// The guest's world, and what it wrote.
struct World {
    input: &'static [u8],
    output: Vec<u8>,
}

impl World {
    fn new() -> Self {
        Self {
            input: INPUT,
            output: Vec::new(),
        }
    }
}

impl GuestIo for World {
    fn read(&mut self) -> Option<u8> {
        let (&byte, rest) = self.input.split_first()?;
        self.input = rest;
        Some(byte)
    }

    fn write(&mut self, byte: u8) {
        self.output.push(byte);
    }
}

fn buffer(len: usize) -> Vec<MaybeUninit<u8>> {
    vec![MaybeUninit::new(DIRT); len]
}

#[test]
fn the_hosts_bytes_in_exactly_the_planned_buffer_at_any_alignment() {
    let program = Program::parse(SPIN).unwrap();
    let execution = execute(&program, INPUT, MAX_CYCLES).unwrap();
    let profiles = [TrancheProfile::Fast, TrancheProfile::Compact];
    for (hash, profile) in BUILT
        .iter()
        .flat_map(|&hash| profiles.map(|profile| (hash, profile)))
    {
        let plan = planned(&TrancheRequest {
            profile: profile as u32,
            ..hashed_with(hash)
        });
        let settings = Settings::try_from(plan.settings).unwrap();
        assert_eq!(settings.hash, hash);
        let setup = Setup::new(&program, settings).unwrap();
        let options = Options {
            workers: NonZeroUsize::MIN,
            floor: 0.0,
            ..Options::default()
        };
        let mut bundle = Vec::new();
        let proved = prove(&setup, INPUT, &execution, &options, &mut bundle, |_| {}).unwrap();
        for offset in [0, 1, 7, 63] {
            let mut memory = buffer(offset + plan.bytes);
            let session = Session::begin(SPIN, &plan, MAX_CYCLES, &mut memory[offset..]).unwrap();
            let (mut world, mut numbers) = (World::new(), 0);
            let (mut reader, _) = Reader::new(&bundle[..]).unwrap();
            loop {
                let mut sent = Vec::new();
                let take = |bytes: &[u8]| {
                    assert!((1..=1024).contains(&bytes.len()));
                    sent.extend_from_slice(bytes);
                    true
                };
                let epoch = session.prove_next(&mut world, take).unwrap();
                numbers += 1;
                let (span, proof) = reader.epoch(plan.max_proof_bytes).unwrap();
                assert_eq!((epoch.number, epoch.span), (numbers, span));
                assert!(
                    sent == proof,
                    "epoch {numbers}, {hash:?}, {profile:?}, {offset}"
                );
                assert_eq!(epoch.proof_bytes, proof.len() as u64);
                assert!(proof.len() <= plan.max_proof_bytes);
                if epoch.exit_code == Some(0) {
                    break;
                }
            }
            assert_eq!(numbers, proved.epochs);
            assert_eq!(world.output, execution.output);
            let over = session.prove_next(&mut world, |_| true);
            assert_eq!(over.unwrap_err(), TrancheError::SessionOver);
        }
    }
}

/// What is left of the bound are queries that fall less evenly than they could.
#[test]
fn a_secure_proof_is_nearly_as_long_as_it_can_be() {
    for (hash, epoch_log2) in BUILT.iter().flat_map(|&hash| [(hash, 6), (hash, 9)]) {
        let mut request = default_request();
        request.settings.epoch_log2 = epoch_log2;
        request.settings.hash = hash.number();
        let plan = planned(&request);
        let mut memory = buffer(plan.bytes);
        let session = Session::begin(SPIN, &plan, MAX_CYCLES, &mut memory).unwrap();
        let epoch = session.prove_next(&mut World::new(), |_| true).unwrap();
        let (len, longest) = (epoch.proof_bytes, plan.max_proof_bytes as u64);
        println!("{hash:?}, 2^{epoch_log2} cycles: {len} bytes of at most {longest}");
        assert!(len <= longest && 100 * longest <= 115 * len);
    }
}

#[test]
fn one_byte_fewer_is_refused() {
    for (hash, offset) in BUILT
        .iter()
        .flat_map(|&hash| (0..16).map(move |offset| (hash, offset)))
    {
        let plan = planned(&hashed_with(hash));
        let mut memory = buffer(offset + plan.bytes - 1);
        let refused = Session::begin(SPIN, &plan, MAX_CYCLES, &mut memory[offset..]);
        assert_eq!(refused.unwrap_err(), TrancheError::BufferTooSmall);
        // A plan that says less than it takes is not believed.
        let lying = TranchePlan { bytes: 1, ..plan };
        let refused = Session::begin(SPIN, &lying, MAX_CYCLES, &mut memory[offset..]);
        assert_eq!(refused.unwrap_err(), TrancheError::BufferTooSmall);
    }
}

#[test]
fn two_sessions_take_turns() {
    let plan = planned(&request());
    let mut memories = [buffer(plan.bytes), buffer(plan.bytes)];
    let mut sent = [Vec::new(), Vec::new()];
    let mut worlds = [World::new(), World::new()];
    let [first, second] = &mut memories;
    let sessions =
        [first, second].map(|memory| Session::begin(SPIN, &plan, MAX_CYCLES, memory).unwrap());
    for _ in 0..2 {
        for i in 0..2 {
            let take = |bytes: &[u8]| {
                sent[i].extend_from_slice(bytes);
                true
            };
            sessions[i].prove_next(&mut worlds[i], take).unwrap();
        }
    }
    assert!(sent[0] == sent[1] && !sent[0].is_empty());
}

#[test]
fn a_sink_that_stops_ends_the_session() {
    let plan = planned(&request());
    let mut memory = buffer(plan.bytes);
    let session = Session::begin(SPIN, &plan, MAX_CYCLES, &mut memory).unwrap();
    let (mut world, mut calls) = (World::new(), 0);
    let stopped = session.prove_next(&mut world, |_| {
        calls += 1;
        calls < 3
    });
    assert_eq!(stopped.unwrap_err(), TrancheError::Stopped);
    assert_eq!(calls, 3, "not called again");
    let over = session.prove_next(&mut world, |_| true);
    assert_eq!(over.unwrap_err(), TrancheError::SessionOver);
}

#[test]
fn errors_of_the_execution_have_codes() {
    let few = planned(&TrancheRequest {
        max_cells: 20,
        ..request()
    });
    let cases = [
        (few, MAX_CYCLES, TrancheError::ExecCellsFull),
        (planned(&request()), 100, TrancheError::ExecCycleLimit),
    ];
    for (plan, max_cycles, expected) in cases {
        let mut memory = buffer(plan.bytes);
        let session = Session::begin(SPIN, &plan, max_cycles, &mut memory).unwrap();
        let mut world = World::new();
        let error = loop {
            if let Err(error) = session.prove_next(&mut world, |_| true) {
                break error;
            }
        };
        assert_eq!(error, expected);
        let over = session.prove_next(&mut world, |_| true);
        assert_eq!(over.unwrap_err(), TrancheError::SessionOver);
    }
}

#[test]
fn what_a_plan_is_refused_for() {
    let refused = |elf: &[u8], request: &TrancheRequest| plan(elf, request).unwrap_err();
    assert_eq!(refused(b"text", &request()), TrancheError::ElfMalformed);
    let mut other = SPIN.to_vec();
    other[18] = 62; // e_machine: x86-64
    assert_eq!(refused(&other, &request()), TrancheError::ElfMachine);
    let unknown = TrancheRequest {
        profile: 3,
        ..request()
    };
    assert_eq!(refused(SPIN, &unknown), TrancheError::UnknownProfile);
    for epoch_log2 in [5, 21] {
        let mut range = request();
        range.settings.epoch_log2 = epoch_log2;
        assert_eq!(refused(SPIN, &range), TrancheError::SettingRange);
    }
    let floor = TrancheRequest {
        security_floor_bits: 200,
        ..request()
    };
    assert_eq!(refused(SPIN, &floor), TrancheError::SecurityFloor);

    let unknown = Hash::ALL.len() as u8;
    let mut other = planned(&request());
    other.settings.hash = unknown;
    let error = Session::begin(SPIN, &other, MAX_CYCLES, &mut []).unwrap_err();
    assert_eq!(error, TrancheError::UnknownHash);
    for hash in (0..=unknown).chain([u8::MAX]) {
        let mut request = request();
        request.settings.hash = hash;
        match Hash::of_number(hash) {
            None => assert_eq!(refused(SPIN, &request), TrancheError::UnknownHash),
            Some(hash) if BUILT.contains(&hash) => _ = planned(&request),
            Some(_) => assert_eq!(refused(SPIN, &request), TrancheError::HashNotBuilt),
        }
    }

    let mut best = planned(&request());
    best.profile = TrancheProfile::Best as u32;
    let error = Session::begin(SPIN, &best, MAX_CYCLES, &mut []).unwrap_err();
    assert_eq!(error, TrancheError::UnknownProfile);
}

#[test]
fn a_budget_buys_the_best_that_fits_and_not_a_byte_more() {
    let fast = planned(&request());
    assert_eq!(
        fast.profile,
        TrancheProfile::Fast as u32,
        "without a budget"
    );
    let of = |budget| {
        plan(
            SPIN,
            &TrancheRequest {
                budget,
                ..request()
            },
        )
        .unwrap()
    };
    assert_eq!(of(fast.bytes), (fast, true));
    let (compact, fits) = of(fast.bytes - 1);
    assert!(fits && compact.profile == TrancheProfile::Compact as u32);
    assert!(compact.bytes < fast.bytes);
    assert_eq!(of(compact.bytes), (compact, true));
    assert_eq!(of(compact.bytes - 1), (compact, false), "what would do");
    assert_eq!(of(1), (compact, false));

    let mut any = request();
    any.settings.epoch_log2 = 0;
    any.budget = 2 << 20;
    let best = planned(&any);
    assert!(best.bytes <= any.budget && best.settings.epoch_log2 > 8);
}
