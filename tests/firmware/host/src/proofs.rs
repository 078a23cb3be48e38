//! The host's own proofs, made with its own backend, and the verification of any.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::mem::MaybeUninit;

use tranche::epoch::{epoch_key, public_values};
use tranche::execute::Io;
use tranche_backend::Chosen;
use tranche_core::shape::Profile;
use tranche_machine::settings::SECURITY_FLOOR_BITS;
use tranche_machine::{
    Cell, EpochTables, Machine, Program, RecordProver, RecordStorage, Settings, Setup, Span,
};

use crate::Failure;
use crate::case::Case;

/// A proof of the host's.
#[derive(Clone, Debug)]
pub struct Expected {
    /// What it says of the epoch.
    pub span: Span,
    /// Its bytes.
    pub bytes: Vec<u8>,
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
}

fn key(case: &Case) -> Case {
    let compact = false;
    Case { compact, ..*case }
}

/// Hands a proof to Plonky3's verifier.
pub fn verify(case: &Case, number: u32, span: &Span, proof: &[u8]) -> Result<(), Failure> {
    let program = Program::parse(case.elf())?;
    let tables = EpochTables::new(&setup(case, &program)?);
    let publics = public_values(&tables, number, span);
    let statement = tables.setup().epoch_statement(number);
    epoch_key(&tables)?.verify(proof, Some(&statement), &publics)?;
    Ok(())
}

/// The setup at the default parameters.
fn setup<'a>(case: &Case, program: &'a Program<'a>) -> Result<Setup<'a>, Failure> {
    let log2_cycles = case.log2_cycles;
    let settings = Settings {
        log2_cycles,
        ..Settings::default()
    };
    Ok(Setup::secure(program, settings, SECURITY_FLOOR_BITS)?)
}

fn prove(case: &Case) -> Result<Vec<Expected>, Failure> {
    let program = Program::parse(case.elf())?;
    let setup = setup(case, &program)?;
    let tables = EpochTables::new(&setup);
    let plan = tables.plan_in::<Chosen>(Profile::Fast)?;
    let mut workspace = vec![MaybeUninit::uninit(); plan.workspace_len()];
    let mut prover = RecordProver::<Chosen>::new(&tables, &plan, &mut workspace)?;
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
            bytes,
        });
    }
    Ok(proofs)
}
