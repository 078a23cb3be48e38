//! Records that are judged one by one, as they come: honest ones are taken in any order, of false ones the batch is named.

use p3_field::{PrimeCharacteristicRing, PrimeField32, PrimeField64, TwoAdicField};
use tranche::retire::remote::judge::{self, JudgeError, Next, Refusal, Verdict};
use tranche::retire::remote::{Fingerprint, Joined};
use tranche_core::F;
use tranche_core::retire::Misfit;
use tranche_core::verifier::{CommitmentName, ForkedError};
use tranche_machine::hash::Hash;

use super::with_run;

/// What a judge says of records, and at the end.
fn judged(
    records: &[(usize, &[u8])],
    judge: impl FnOnce(&mut Next<'_>, &mut Verdict<'_>) -> Result<(), JudgeError>,
) -> (Vec<Result<(), Refusal>>, Result<(), JudgeError>) {
    let (mut verdicts, mut records) = (Vec::new(), records.iter());
    let end = judge(
        &mut || {
            records
                .next()
                .map(|&(batch, record)| (batch, record.to_vec()))
        },
        &mut |verdict| verdicts.push(verdict),
    );
    (verdicts, end)
}

/// The records of all batches from the last to the first.
fn backwards(records: &[Vec<u8>]) -> Vec<(usize, &[u8])> {
    let records = records.iter().map(Vec::as_slice).enumerate();
    records.rev().collect()
}

/// Adds `x^(n + 1) - x^(n + 2)`, where `n` coefficients are allowed, to the tallest codeword of a record: the first column of
/// words there, at the powers of a root of unity in bit-reversed order.
fn add_high_coefficients(record: &mut [u8], log_codeword: usize, log_blowup: u8) {
    let n = 1_u64 << (log_codeword - usize::from(log_blowup));
    let root = F::two_adic_generator(log_codeword);
    let words = record.as_chunks_mut::<4>().0[..1 << log_codeword].iter_mut();
    for (i, bytes) in words.enumerate() {
        let x = root.exp_u64((i.reverse_bits() >> (usize::BITS as usize - log_codeword)) as u64);
        let added = x.exp_u64(n + 1) - x.exp_u64(n + 2);
        // Words are Montgomery's.
        let added = (u64::from(added.as_canonical_u32()) << 32) % F::ORDER_U64;
        let word = (u64::from(u32::from_le_bytes(*bytes)) + added) % F::ORDER_U64;
        *bytes = (word as u32).to_le_bytes();
    }
}

#[test]
fn each_record_is_judged_before_it_is_taken() {
    with_run(Hash::Blake3, |run| {
        let mut prints: Vec<Fingerprint> = Vec::new();
        let mut sources = Vec::new();
        let each = |batch, source, print| {
            assert_eq!(batch, sources.len());
            sources.push(source);
            prints.push(print);
        };
        run.run.sources(&run.options, each).unwrap();
        let (bodies, owed) = run.commit_bodies();
        let committed = run.close(bodies, owed);
        assert!(sources == committed.sources);
        let (program, header, roots) = (&run.program, &run.header, &committed.records);

        // Honest ones, in any order.
        let commitments = |records: &[(usize, &[u8])]| {
            judged(records, |next, verdict| {
                judge::commitments(program, header, &prints, next, verdict)
            })
        };
        let good = |(verdicts, end): (Vec<_>, Result<_, _>)| {
            assert!(verdicts.iter().all(Result::is_ok), "{verdicts:?}");
            end.unwrap();
            verdicts.len()
        };
        assert_eq!(good(commitments(&backwards(roots))), roots.len());
        let arguments = run.argue(&committed);
        let argued = |records: &[(usize, &[u8])]| {
            judged(records, |next, verdict| {
                judge::arguments(program, header, roots, next, verdict)
            })
        };
        assert_eq!(good(argued(&backwards(&arguments))), roots.len());
        let joined = run.join(&committed, &arguments).unwrap();
        let openings = run.open(&committed, &joined);
        let opened = |joined: &Joined, arguments: &[Vec<u8>], records: &[(usize, &[u8])]| {
            judged(records, |next, verdict| {
                let mut argument = |batch: usize| Ok(arguments[batch].clone());
                judge::openings(program, header, joined, &mut argument, next, verdict)
            })
        };
        let all = backwards(&openings);
        assert_eq!(good(opened(&joined, &arguments, &all)), roots.len());

        // Commitments: another batch's, one cut short, of no batch.
        let misfit = |walk, batch| Err(Refusal::Misfit(Misfit { walk, batch }));
        let (verdicts, _) = commitments(&[
            (1, &roots[2]),
            (1, &roots[1][1..]),
            (roots.len(), &roots[1]),
            (1, &roots[1]),
        ]);
        let traces = Err(Refusal::Traces { batch: 1 });
        assert_eq!(verdicts[..2], [traces, misfit(0, 1)]);
        assert_eq!(verdicts[2..], [misfit(0, roots.len()), Ok(())]);

        // Arguments: another batch's, a codeword altered at one place, one cut short.
        let mut altered = arguments[3].clone();
        altered[0] ^= 1;
        let (verdicts, _) = argued(&[
            (1, &arguments[2]),
            (3, &altered),
            (3, &arguments[3][..100]),
            (3, &arguments[3]),
        ]);
        assert_eq!(verdicts[..2], [misfit(1, 1), misfit(1, 3)]);
        assert_eq!(verdicts[2..], [misfit(1, 3), Ok(())]);

        // Two coefficients above the degree that cancel wherever two folds have one challenge.
        let mut forged = arguments[3].clone();
        let tallest = *run.log_codewords().last().unwrap();
        add_high_coefficients(&mut forged, tallest, run.header.params.log_blowup);
        let (verdicts, _) = argued(&[(3, &forged), (3, &arguments[3])]);
        assert_eq!(verdicts, [misfit(1, 3), Ok(())]);

        // A claim altered where the proof has it, but not where it is absorbed.
        let mut forged = arguments.clone();
        let last = forged[3].len() - 8;
        forged[3][last] ^= 1;
        assert_eq!(good(argued(&[(3, &forged[3])])), 1);
        let (_, end) = opened(&joined, &forged, &[]);
        let Err(JudgeError::Refused(refusal)) = end else {
            panic!("{end:?}");
        };
        assert_eq!(refusal.batch(), Some(3));

        // Codewords of low degree that are not the batch's.
        let mut forged = arguments.clone();
        let codewords = run.codewords_bytes();
        forged[4][..codewords].fill(0);
        assert_eq!(good(argued(&[(4, &forged[4])])), 1);
        let joined_so = run.join(&committed, &forged).unwrap();
        let openings_so = run.open(&committed, &joined_so);
        let (verdicts, _) = opened(&joined_so, &forged, &backwards(&openings_so));
        let codewords = Err(Refusal::Codewords { batch: 4 });
        assert_eq!(
            verdicts.iter().filter(|verdict| verdict.is_err()).count(),
            1
        );
        assert_eq!(verdicts[roots.len() - 1 - 4], codewords);

        // Openings: another batch's, altered, none, and then the batch's.
        let mut altered = openings[4].clone();
        *altered.last_mut().unwrap() ^= 1;
        let (verdicts, end) = opened(
            &joined,
            &arguments,
            &[
                (1, &openings[2]),
                (4, &altered),
                (4, &[]),
                (4, &openings[4]),
            ],
        );
        let rows = |batch, round| Err(Refusal::Proof(ForkedError::Rows { batch, round }));
        assert_eq!(verdicts[0], rows(1, CommitmentName::Main));
        assert_eq!(verdicts[1], rows(4, CommitmentName::Permutation));
        assert_eq!(verdicts[2], Err(Refusal::Proof(ForkedError::Truncated)));
        assert_eq!(verdicts[3], Ok(()));
        // Not all are there.
        assert!(matches!(end, Err(JudgeError::Refused(Refusal::Proof(_)))));
    });
}
