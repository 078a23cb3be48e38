//! The host's own proofs, made with its own backend, and what images sent against them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs;
use std::mem::MaybeUninit;

use p3_field::PrimeField32;
use tranche::epoch::{epoch_key, public_values};
use tranche::execute::Io;
use tranche::suite::HostSuite;
use tranche_backend::Chosen;
use tranche_core::hash::blake3::Blake3;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::shape::Profile;
use tranche_core::verifier::{CarvedConfig, MAX_PROOF_BYTES, VerifierAir, decode};
use tranche_core::{Hashes, Params};
use tranche_machine::hash::{Hash, MachineSuite};
use tranche_machine::settings::SECURITY_FLOOR_BITS;
use tranche_machine::{
    Cell, EpochTable, EpochTables, Machine, Program, RecordProver, RecordStorage, Settings, Setup,
    Span,
};

use crate::Failure;
use crate::case::{Case, EXAMPLE};

/// A proof of the host's.
#[derive(Clone, Debug)]
pub struct Expected {
    /// What it says of the epoch.
    pub span: Span,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Candidates that its proofs of work took, less those that they take on average: luck.
    pub luck: i64,
}

/// The host's proofs of every case.
#[derive(Debug)]
pub struct Proofs {
    made: HashMap<Case, Vec<Expected>>,
}

impl Proofs {
    /// Makes the proofs of `cases`; a proof's bytes do not depend on the profile.
    pub fn of(cases: &[Case]) -> Result<Self, Failure> {
        let mut made = HashMap::new();
        for case in cases {
            if let Entry::Vacant(missing) = made.entry(key(case)) {
                missing.insert(prove(case)?);
            }
        }
        Ok(Self { made })
    }

    /// The proofs of one of those cases.
    pub fn expected(&self, case: &Case) -> &[Expected] {
        &self.made[&key(case)]
    }

    /// Checks that `sent` is the proofs of one of those cases, one after another, in the host's bytes,
    /// and that Plonky3's verifier accepts them.
    ///
    /// # Errors
    /// What is not so.
    pub fn check(&self, case: &Case, sent: &[u8]) -> Result<(), Failure> {
        match self.check_first(case, sent)?.len() {
            0 => Ok(()),
            more => Err(format!("{more} bytes after the last epoch").into()),
        }
    }

    /// Checks that `sent` begins with the proofs of one of those cases, as [`Proofs::check`] does; returns
    /// what comes after them.
    ///
    /// # Errors
    /// What is not so.
    pub fn check_first<'s>(&self, case: &Case, sent: &'s [u8]) -> Result<&'s [u8], Failure> {
        match case.hash {
            Hash::Poseidon2 => self.check_with::<Poseidon2>(case, sent),
            Hash::Blake3 => self.check_with::<Blake3>(case, sent),
        }
    }

    fn check_with<'s, S: HostSuite>(&self, case: &Case, sent: &'s [u8]) -> Result<&'s [u8], Failure>
    where
        for<'a> EpochTable<'a>: VerifierAir<CarvedConfig<S>>,
    {
        let program = Program::parse(case.elf())?;
        let tables = EpochTables::new(&setup(case, &program)?);
        let key = epoch_key::<S>(&tables)?;
        let mut rest = sent;
        for (Expected { span, bytes, .. }, number) in self.expected(case).iter().zip(1..) {
            let (proof, after) = rest
                .split_at_checked(bytes.len())
                .ok_or_else(|| format!("epoch {number} is cut short"))?;
            if proof != bytes {
                return Err(format!("epoch {number} has other bytes than the host's").into());
            }
            let statement = tables.setup().epoch_statement(number);
            let publics = public_values(&tables, number, span);
            key.verify(proof, Some(&statement), &publics)
                .map_err(|error| format!("epoch {number} is refused: {error}"))?;
            rest = after;
        }
        Ok(rest)
    }
}

/// Checks that each file holds the proofs of the C example's epochs, of one suite after the other.
///
/// # Errors
/// What is not so.
pub fn check(files: &[&str]) -> Result<(), Failure> {
    let proofs = Proofs::of(&EXAMPLE)?;
    for file in files {
        let sent = fs::read(file)?;
        let mut rest = &sent[..];
        for case in &EXAMPLE {
            let (hash, epochs) = (case.hash.name(), proofs.expected(case).len());
            let checked = proofs.check_first(case, rest);
            rest = checked.map_err(|failure| format!("{file}, {hash}: {failure}"))?;
            println!("{file}, {hash}: {epochs} epochs, the host's bytes, verified");
        }
        if !rest.is_empty() {
            return Err(format!("{file}: {} bytes after the last epoch", rest.len()).into());
        }
    }
    Ok(())
}

fn key(case: &Case) -> Case {
    let compact = false;
    Case { compact, ..*case }
}

/// The setup at the default parameters.
fn setup<'a>(case: &Case, program: &'a Program<'a>) -> Result<Setup<'a>, Failure> {
    let log2_cycles = case.log2_cycles;
    let settings = Settings {
        log2_cycles,
        hash: case.hash,
        ..Settings::default()
    };
    Ok(Setup::secure(program, settings, SECURITY_FLOOR_BITS)?)
}

/// [`Expected::luck`] of a proof. A search starts at zero, and a candidate passes with a chance of 2^-bits.
fn luck(proof: &[u8], hash: Hash, params: &Params) -> Result<i64, Failure> {
    macro_rules! witnesses {
        ($suite:ty) => {{
            let proof = decode::<CarvedConfig<$suite>>(proof, MAX_PROOF_BYTES)?;
            let fri = proof.opening_proof;
            let folds = fri.commit_pow_witnesses.into_iter();
            let lookup = proof.lookup_pow_witness.into_iter();
            let others = [
                (params.ood_pow_bits, proof.ood_pow_witness),
                (params.batch_pow_bits, fri.batch_pow_witness),
                (params.query_pow_bits, fri.query_pow_witness),
            ];
            let searches = folds.map(|witness| (params.commit_pow_bits, witness));
            let searches = searches.chain(lookup.map(|witness| (params.lookup_pow_bits, witness)));
            searches.chain(others).collect::<Vec<_>>()
        }};
    }
    let searches = match hash {
        Hash::Poseidon2 => witnesses!(Poseidon2),
        Hash::Blake3 => witnesses!(Blake3),
    };
    let searches = searches.into_iter().filter(|&(bits, _)| bits > 0);
    let luck = searches.map(|(bits, witness)| {
        let tries = i64::from(witness.as_canonical_u32()) + 1;
        tries - (1 << bits)
    });
    Ok(luck.sum())
}

fn prove(case: &Case) -> Result<Vec<Expected>, Failure> {
    match case.hash {
        Hash::Poseidon2 => prove_with::<Poseidon2>(case),
        Hash::Blake3 => prove_with::<Blake3>(case),
    }
}

fn prove_with<S: MachineSuite>(case: &Case) -> Result<Vec<Expected>, Failure>
where
    Chosen: Hashes<S>,
{
    let program = Program::parse(case.elf())?;
    let setup = setup(case, &program)?;
    let tables = EpochTables::new(&setup);
    let plan = tables.plan_in::<Chosen, S>(Profile::Fast)?;
    let mut workspace = vec![MaybeUninit::uninit(); plan.workspace_len()];
    let mut prover = RecordProver::<Chosen, S>::new(&tables, &plan, &mut workspace[..])?;
    let mut cells = vec![Cell::FREE; 1 << 16];
    let mut machine = Machine::new(&program, &mut cells, u64::MAX);
    let mut storage = RecordStorage::new(setup.shape);
    let mut record = storage.record();
    let mut io = Io::new(case.input.as_bytes());
    let mut proofs = Vec::new();
    while machine.exit_code().is_none() && machine.epochs() < case.epochs {
        machine.run_epoch(&mut io, &mut record)?;
        let mut bytes = Vec::new();
        prover.prove(&mut record, &mut bytes)?;
        proofs.push(Expected {
            span: Span::of(&record),
            luck: luck(&bytes, case.hash, &setup.settings.params)?,
            bytes,
        });
    }
    Ok(proofs)
}
