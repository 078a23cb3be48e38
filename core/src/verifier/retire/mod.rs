//! Runs of prove-and-retire in the forked order: a verifier of one proof about many batches.
//!
//! Batches share one transcript up to the LogUp challenges and one low-degree test; between the two each has a
//! fork, with a constraint challenge, an out-of-domain point and a batching challenge of its own. The order of
//! things, what each challenge binds, and the bytes are in `docs/retire.md`.
//!
//! The proof is a stream ([`embedded_io::Read`]): what is kept of a batch is its roots and a few extension
//! elements, never its claims or rows. The pieces are Plonky3's: lookups and constraint folders, Merkle trees,
//! and of FRI the transcript, the schedule and the fold of a query.
//!
//! | what `commitments_with_opening_points` lists for its caller | here |
//! |---|---|
//! | counts of instances, public values, terminals; widths, next rows, chunks, presence of every part | [`ForkedError::Length`], [`ForkedError::PublicValues`]: each is read against the kind of batch |
//! | no randomisation | [`ForkedError::Length`] |
//! | multiplicities below the field's order, over the run | [`ForkedError::Multiplicities`] |
//! | one width a bus, over the run | [`ForkedKeyError::Bus`] |
//! | periodic columns | [`ForkedKeyError::PeriodicColumns`] |
//!
//! **Panics.** As for a [`VerifyingKey`](super::VerifyingKey): tables are trusted, no bytes make
//! [`ForkedKey::verify`] panic.

mod buses;
mod error;
mod fork;
mod join;
mod kind;
mod lowdegree;
mod source;

use alloc::string::ToString;
use alloc::vec::Vec;

use embedded_io::Read;
use p3_challenger::{CanObserve, FieldChallenger};
use p3_field::{Field, PrimeCharacteristicRing, PrimeField32};
use p3_lookup::check_bus_widths;

pub use error::{ForkedError, ForkedKeyError, Part, Site};
pub use join::{Join, Joined};

use buses::Buses;
use fork::{Fork, Forked, check_witness};
use kind::Kind;
use lowdegree::{LowDegree, Queried};
use source::Source;

use super::config::{Configured, PlainConfig};
use super::error::CommitmentName;
use super::suite::Plonky3Suite;
use super::tables::{VerifierAir, check_params};
use crate::hash::poseidon2::Poseidon2;
use crate::{D, EF, F, Params, Statement};

/// Bytes of a tag, three to an element.
const TAG_BYTES: usize = 30;
/// Names the main line.
const RUN: &[u8] = b"tranche/retire/forked/run/1";
/// Names a fork.
const BATCH: &[u8] = b"tranche/retire/forked/batch/1";
/// Names the main line where the forks come back.
const JOIN: &[u8] = b"tranche/retire/forked/join/1";

/// A run whose arguments are checked; its openings are still to come.
pub struct Argued<'k, A, S: Plonky3Suite = Poseidon2> {
    batches: Vec<&'k Kind<A, S>>,
    forks: Vec<Forked<S>>,
    coefficients: Vec<EF>,
    test: Queried<'k, S>,
}

impl<A, S: Plonky3Suite> Argued<'_, A, S> {
    /// The queries, as places in the tallest extension of the run.
    pub fn indices(&self) -> &[usize] {
        self.test.indices()
    }

    /// Checks the openings of a batch, each once and in any order. Returns what its codewords are at the queries: query by
    /// query, tallest first.
    ///
    /// # Errors
    /// When they are refused or go on; they count as not given then.
    pub fn verify_openings(
        &mut self,
        batch: usize,
        openings: impl Read,
    ) -> Result<Vec<Vec<EF>>, ForkedError> {
        let mut source = Source::new(openings);
        let values = self.read(&mut source, batch)?;
        source.finish()?;
        self.test
            .add(self.batches[batch], &values, self.coefficients[batch]);
        Ok(values)
    }

    /// Checks what follows the openings, when those of all batches were given.
    ///
    /// # Errors
    /// When the proof is refused.
    pub fn finish(self, folds: impl Read) -> Result<(), ForkedError> {
        let mut source = Source::new(folds);
        self.test.finish(&mut source)?;
        source.finish()
    }

    fn read<R: Read>(
        &self,
        source: &mut Source<R>,
        batch: usize,
    ) -> Result<Vec<Vec<EF>>, ForkedError> {
        let (kind, forked) = self
            .batches
            .get(batch)
            .zip(self.forks.get(batch))
            .ok_or(ForkedError::Kind { batch })?;
        self.test.read_batch(source, batch, kind, forked)
    }

    fn add<R: Read>(&mut self, source: &mut Source<R>, batch: usize) -> Result<(), ForkedError> {
        let values = self.read(source, batch)?;
        self.test
            .add(self.batches[batch], &values, self.coefficients[batch]);
        Ok(())
    }
}

/// What a verifier keeps of the kinds of batches that its runs have.
pub struct ForkedKey<A, S: Plonky3Suite = Poseidon2> {
    kinds: Vec<Kind<A, S>>,
    params: Params,
    suite: S,
    tree: S::Tree,
    widest: Vec<usize>,
}

impl<A: VerifierAir<PlainConfig<S>>, S: Configured> ForkedKey<A, S> {
    /// The key of runs whose batches are of these kinds: the tables of each with the base-2 logarithms of
    /// their heights. Preprocessed columns are committed here.
    ///
    /// # Errors
    /// When a kind lies outside what can be verified; see [`ForkedKeyError`].
    ///
    /// # Panics
    /// When an AIR contradicts itself, as in a local interaction with messages of two widths.
    pub fn new(
        kinds: Vec<(Vec<A>, Vec<usize>)>,
        params: Params,
        suite: S,
    ) -> Result<Self, ForkedKeyError> {
        check_params(&params).map_err(ForkedKeyError::Params)?;
        let kinds = kinds.into_iter().enumerate();
        let kinds: Vec<_> = kinds
            .map(|(kind, (airs, heights))| Kind::new(airs, &heights, &params, &suite, kind))
            .collect::<Result<_, _>>()?;
        let tables = kinds.iter().flat_map(|kind| &kind.tables);
        let lookups: Vec<_> = tables.map(|table| table.lookups.clone()).collect();
        check_bus_widths(&lookups).map_err(|error| ForkedKeyError::Bus {
            detail: error.to_string(),
        })?;
        let widest = |kind: &Kind<A, S>| buses::widest(kind.tables.iter().map(|t| &t.lookups));
        Ok(Self {
            widest: kinds.iter().map(widest).collect(),
            kinds,
            tree: suite.tree(params.cap_height.into()),
            params,
            suite,
        })
    }

    /// Checks the proof of a run whose batch b is of kind `sequence[b]` and has, table by table, the public
    /// values `publics[b]`.
    ///
    /// # Errors
    /// When the proof is refused; see [`ForkedError`].
    pub fn verify(
        &self,
        proof: impl Read,
        statement: Option<&Statement>,
        sequence: &[usize],
        publics: &[Vec<Vec<F>>],
    ) -> Result<(), ForkedError> {
        self.verify_with(Joined, proof, statement, sequence, publics)
    }

    /// [`Self::verify`] with coefficients from another rule; sound with [`Joined`] only.
    #[doc(hidden)]
    pub fn verify_with(
        &self,
        join: impl Join<S::Challenger>,
        proof: impl Read,
        statement: Option<&Statement>,
        sequence: &[usize],
        publics: &[Vec<Vec<F>>],
    ) -> Result<(), ForkedError> {
        let mut source = Source::new(proof);
        let mut argued = self.argued(join, &mut source, statement, sequence, publics)?;
        for batch in 0..sequence.len() {
            argued.add(&mut source, batch)?;
        }
        argued.test.finish(&mut source)?;
        source.finish()
    }

    /// Checks what stands before the openings in such a proof.
    ///
    /// # Errors
    /// When it is refused, or goes on.
    pub fn verify_arguments(
        &self,
        proof: impl Read,
        statement: Option<&Statement>,
        sequence: &[usize],
        publics: &[Vec<Vec<F>>],
    ) -> Result<Argued<'_, A, S>, ForkedError> {
        let mut source = Source::new(proof);
        let argued = self.argued(Joined, &mut source, statement, sequence, publics)?;
        source.finish()?;
        Ok(argued)
    }

    fn argued<R: Read>(
        &self,
        mut join: impl Join<S::Challenger>,
        source: &mut Source<R>,
        statement: Option<&Statement>,
        sequence: &[usize],
        publics: &[Vec<Vec<F>>],
    ) -> Result<Argued<'_, A, S>, ForkedError> {
        let batches = self.batches(sequence, publics)?;
        let mut main = self.suite.challenger();
        if let Some(statement) = statement {
            main.observe_slice(&statement.elements());
        }
        self.observe_shape(&mut main, &batches);
        publics
            .iter()
            .flatten()
            .for_each(|values| main.observe_slice(values));

        // Roots, and the challenges that all of them are bound by.
        source.length(Part::Batches, batches.len())?;
        let mut roots = Vec::with_capacity(batches.len());
        for (batch, kind) in batches.iter().enumerate() {
            let round = CommitmentName::Main;
            let log_digests = kind.round(round).map_or(0, |r| r.log_digests(&self.params));
            roots.push(source.cap(Part::Cap { batch, round }, log_digests)?);
        }
        roots.iter().for_each(|root| main.observe(root.clone()));
        for root in batches.iter().filter_map(|kind| kind.preprocessed.as_ref()) {
            main.observe(root.clone());
        }
        let mut buses = self.draw_buses(source, &mut main, &batches, sequence)?;

        // Forks.
        let line = main.clone();
        main.observe_slice(&tag(JOIN));
        let mut forks: Vec<Forked<S>> = Vec::with_capacity(batches.len());
        for (batch, ((&kind, publics), root)) in batches.iter().zip(publics).zip(&roots).enumerate()
        {
            let mut transcript = line.clone();
            transcript.observe_slice(&tag(BATCH));
            transcript.observe(F::from_usize(batch));
            let tables = kind.tables.iter();
            let fork = Fork {
                kind,
                batch,
                publics,
                challenges: tables.map(|t| buses.next_table(&t.lookups)).collect(),
                params: &self.params,
            };
            forks.push(fork.check(source, &mut transcript, root)?);
            join.leave(&mut transcript, &mut main);
        }
        drop(roots);
        if !forks
            .iter()
            .map(|fork| fork.terminals)
            .sum::<EF>()
            .is_zero()
        {
            return Err(ForkedError::Buses);
        }

        // One low-degree test.
        let coefficients = join.coefficients(&mut main, forks.len());
        let mut log_rows: Vec<_> = batches
            .iter()
            .flat_map(|kind| &kind.log_rows)
            .copied()
            .collect();
        log_rows.sort_unstable_by(|a, b| b.cmp(a));
        log_rows.dedup();
        let test = LowDegree::<S>::new(&self.params, &self.tree, log_rows);
        Ok(Argued {
            test: test.query(source, &mut main)?,
            batches,
            forks,
            coefficients,
        })
    }

    /// The kind of each batch, when kinds, public values and multiplicities are those of a run.
    fn batches(
        &self,
        sequence: &[usize],
        publics: &[Vec<Vec<F>>],
    ) -> Result<Vec<&Kind<A, S>>, ForkedError> {
        let batches: Result<Vec<_>, _> = sequence
            .iter()
            .enumerate()
            .map(|(batch, &kind)| self.kinds.get(kind).ok_or(ForkedError::Kind { batch }))
            .collect();
        let batches = batches?;
        if batches.is_empty() {
            return Err(ForkedError::Kind { batch: 0 });
        }
        let batch = batches.len();
        if publics.len() != batch {
            return Err(ForkedError::PublicValues { batch });
        }
        for (batch, (kind, publics)) in batches.iter().zip(publics).enumerate() {
            let expected = kind
                .tables
                .iter()
                .map(|table| table.air.num_public_values());
            if !publics.iter().map(Vec::len).eq(expected) {
                return Err(ForkedError::PublicValues { batch });
            }
        }
        // A weight has 64 bits and a height 27: only the number of tables could overflow the sum.
        let weight = |table: &kind::Table<A>| {
            u128::from(table.lookups.total_count_weight()) << table.log_height
        };
        let tables = batches.iter().flat_map(|kind| &kind.tables);
        let sum = tables.fold(0_u128, |sum, table| sum.saturating_add(weight(table)));
        if sum >= F::ORDER_U32.into() {
            return Err(ForkedError::Multiplicities);
        }
        Ok(batches)
    }

    /// Tag, parameters, and the shape of every table.
    fn observe_shape(&self, main: &mut S::Challenger, batches: &[&Kind<A, S>]) {
        main.observe_slice(&tag(RUN));
        let params = self.params.entries();
        params.for_each(|(_, value)| main.observe(F::from_u16(value)));
        main.observe(F::from_usize(batches.len()));
        for kind in batches {
            main.observe(F::from_usize(kind.tables.len()));
            for table in &kind.tables {
                let of = &table.committed;
                let shape = [
                    table.log_height,
                    of.main_width,
                    of.preprocessed_width,
                    table.air.num_public_values(),
                    of.permutation_width / D,
                    of.quotient_chunks.ilog2() as usize,
                ];
                main.observe_slice(&shape.map(F::from_usize));
            }
        }
    }

    /// Checks the grinding before the LogUp challenges and draws them, if some table takes part in a bus.
    fn draw_buses<'k, R: Read>(
        &self,
        source: &mut Source<R>,
        main: &mut S::Challenger,
        batches: &[&'k Kind<A, S>],
        sequence: &[usize],
    ) -> Result<Buses<'k>, ForkedError> {
        let part = Part::LookupWitness;
        let has_lookups = batches.iter().any(|kind| kind.has_lookups());
        source.option(part, has_lookups)?;
        if !has_lookups {
            return Ok(Buses::new(EF::ZERO, EF::ZERO, 1));
        }
        let witness = source.field(part)?;
        check_witness(main, self.params.lookup_pow_bits, witness, Site::Lookup)?;
        let (alpha, beta) = (main.sample_algebra_element(), main.sample_algebra_element());
        let widest = sequence.iter().map(|&kind| self.widest[kind]).max();
        Ok(Buses::new(alpha, beta, widest.unwrap_or(1)))
    }
}

/// A tag as elements: padded with zeros, three bytes an element, little-endian.
fn tag(text: &[u8]) -> [F; TAG_BYTES / 3] {
    let byte = |i: usize| u32::from(text.get(i).copied().unwrap_or(0));
    core::array::from_fn(|i| {
        F::from_u32(byte(3 * i) | byte(3 * i + 1) << 8 | byte(3 * i + 2) << 16)
    })
}
