//! One batch's fork: its argument read and checked up to the batching challenge.
//!
//! Claims are combined as soon as the batching challenge is drawn, so what stays of a batch is its roots and
//! two extension elements a height. Nothing here panics.

use alloc::vec;
use alloc::vec::Vec;

use embedded_io::Read;
use p3_air::RowWindow;
use p3_batch_stark::folder::VerifierConstraintFolderWithLookups;
use p3_challenger::{CanObserve, FieldChallenger, GrindingChallenger};
use p3_commit::PolynomialSpace;
use p3_field::coset::TwoAdicMultiplicativeCoset;
use p3_field::{BasedVectorSpace, Field, PrimeCharacteristicRing, TwoAdicField, dot_product};
use p3_lookup::{LogUpGadget, LookupProtocol};
use p3_matrix::dense::RowMajorMatrixView;
use p3_matrix::stack::VerticalPair;
use p3_uni_stark::{VerifierConstraintFolder, recompose_quotient_from_chunks};

use super::error::{ForkedError, Part, Site};
use super::kind::{Kind, ROUNDS, Table};
use super::source::Source;
use crate::verifier::config::{Configured, PlainConfig};
use crate::verifier::error::CommitmentName;
use crate::verifier::suite::{Plonky3Suite, Root};
use crate::verifier::tables::VerifierAir;
use crate::{D, EF, F, Params};

/// What stays of a batch when its fork is checked.
pub struct Forked<S: Plonky3Suite> {
    /// Roots of its rounds, in opening order.
    pub roots: Vec<Root<S>>,
    /// The out-of-domain point.
    pub zeta: EF,
    /// The batching challenge.
    pub lambda: EF,
    /// For each height, the combination of the claims at zeta and at the next row's point.
    pub claims: Vec<[EF; 2]>,
    /// The sum of its terminals.
    pub terminals: EF,
}

/// Refuses a witness that does not pass; at 0 bits nothing is absorbed, and it is zero.
pub fn check_witness(
    challenger: &mut impl GrindingChallenger<Witness = F>,
    bits: u8,
    witness: F,
    site: Site,
) -> Result<(), ForkedError> {
    let passes = match bits {
        0 => witness == F::ZERO,
        bits => challenger.check_witness(bits.into(), witness),
    };
    passes
        .then_some(())
        .ok_or(ForkedError::ProofOfWork { site })
}

/// A batch whose fork is to be checked.
pub struct Fork<'k, A, S: Plonky3Suite> {
    /// Its kind.
    pub kind: &'k Kind<A, S>,
    /// Its place in the run.
    pub batch: usize,
    /// Its public values, table by table.
    pub publics: &'k [Vec<F>],
    /// Prefix and combiner of the buses of each table's lookups.
    pub challenges: Vec<Vec<EF>>,
    /// The parameters.
    pub params: &'k Params,
}

/// Claims of one table.
#[derive(Default)]
struct Claims {
    main: [Vec<EF>; 2],
    preprocessed: [Vec<EF>; 2],
    chunks: Vec<Vec<EF>>,
    permutation: [Vec<EF>; 2],
}

impl<A: VerifierAir<PlainConfig<S>>, S: Configured> Fork<'_, A, S> {
    /// Reads and checks the fork, whose transcript has absorbed its number. `main` is the batch's main root.
    pub fn check<R: Read>(
        self,
        source: &mut Source<R>,
        fork: &mut S::Challenger,
        main: &Root<S>,
    ) -> Result<Forked<S>, ForkedError> {
        let batch = self.batch;
        let has_lookups = self.kind.has_lookups();
        source.option(self.cap(CommitmentName::Permutation), has_lookups)?;
        let permutation = match self.kind.round(CommitmentName::Permutation) {
            Some(_) => Some(self.read_cap(source, CommitmentName::Permutation)?),
            None => None,
        };
        let terminals = self.read_terminals(source)?;
        if let Some(root) = &permutation {
            fork.observe(root.clone());
        }
        for &terminal in terminals.iter().flatten() {
            fork.observe_algebra_element(terminal);
        }
        let alpha: EF = fork.sample_algebra_element();

        let quotient = self.read_cap(source, CommitmentName::Quotient)?;
        fork.observe(quotient.clone());
        let part = Part::Claims { batch };
        let witness = source.field(part)?;
        let site = Site::OutOfDomain { batch };
        check_witness(fork, self.params.ood_pow_bits, witness, site)?;
        let zeta: EF = fork.sample_algebra_element();

        let claims = self.read_claims(source)?;
        self.check_constraints(&claims, &terminals, alpha, zeta)?;
        let claims = in_opening_order(claims);
        for &claim in claims.iter().flatten().flatten().flatten() {
            fork.observe_algebra_element(claim);
        }
        let witness = source.field(part)?;
        let site = Site::Batching { batch };
        check_witness(fork, self.params.batch_pow_bits, witness, site)?;
        let lambda = fork.sample_algebra_element();

        let root = |name| match name {
            CommitmentName::Main => Some(main.clone()),
            CommitmentName::Quotient => Some(quotient.clone()),
            CommitmentName::Preprocessed => self.kind.preprocessed.clone(),
            _ => permutation.clone(),
        };
        Ok(Forked {
            roots: ROUNDS.into_iter().filter_map(root).collect(),
            zeta,
            lambda,
            claims: self.combine(&claims, lambda),
            terminals: terminals.into_iter().flatten().sum(),
        })
    }

    const fn cap(&self, round: CommitmentName) -> Part {
        let batch = self.batch;
        Part::Cap { batch, round }
    }

    fn read_cap<R: Read>(
        &self,
        source: &mut Source<R>,
        name: CommitmentName,
    ) -> Result<Root<S>, ForkedError> {
        let round = self.kind.round(name);
        let log_digests = round.map_or(0, |round| round.log_digests(self.params));
        source.cap(self.cap(name), log_digests)
    }

    /// One terminal for each table with lookups.
    fn read_terminals<R: Read>(
        &self,
        source: &mut Source<R>,
    ) -> Result<Vec<Option<EF>>, ForkedError> {
        let part = Part::Terminals { batch: self.batch };
        source.length(part, self.kind.tables.len())?;
        let tables = self.kind.tables.iter();
        tables
            .map(|table| {
                let expected = !table.lookups.is_empty();
                source.option(part, expected)?;
                expected.then(|| source.ext(part)).transpose()
            })
            .collect()
    }

    /// `BatchOpenedValues` of the batch.
    fn read_claims<R: Read>(&self, source: &mut Source<R>) -> Result<Vec<Claims>, ForkedError> {
        let part = Part::Claims { batch: self.batch };
        source.length(part, self.kind.tables.len())?;
        let tables = self.kind.tables.iter();
        tables
            .map(|table| read_table(source, table, part))
            .collect()
    }

    /// The quotient of every table at zeta is what its constraints are there.
    fn check_constraints(
        &self,
        claims: &[Claims],
        terminals: &[Option<EF>],
        alpha: EF,
        zeta: EF,
    ) -> Result<(), ForkedError> {
        let batch = self.batch;
        for (t, (table, claims)) in self.kind.tables.iter().zip(claims).enumerate() {
            let domain = domain(table.log_height);
            if domain.vanishing_poly_at_point(zeta).is_zero() {
                return Err(ForkedError::Point { batch });
            }
            let selectors = domain.selectors_at_point(zeta);
            let chunks = table.committed.quotient_chunks;
            let quotient_domain = domain.create_disjoint_domain(chunks << table.log_height);
            let quotient = recompose_quotient_from_chunks::<PlainConfig<S>>(
                &quotient_domain.split_domains(chunks),
                &claims.chunks,
                zeta,
            );
            let permutation = [0, 1].map(|p| recompose(&claims.permutation[p]));
            let main_next = padded(&claims.main);
            let preprocessed_next = padded(&claims.preprocessed);
            let preprocessed =
                RowWindow::from_two_rows(&claims.preprocessed[0], &preprocessed_next);
            let mut folder = VerifierConstraintFolderWithLookups::<PlainConfig<S>> {
                inner: VerifierConstraintFolder {
                    main: rows(&claims.main[0], &main_next),
                    preprocessed: rows(&claims.preprocessed[0], &preprocessed_next),
                    preprocessed_window: preprocessed,
                    periodic_values: &[],
                    public_values: &self.publics[t],
                    is_first_row: selectors.is_first_row,
                    is_last_row: selectors.is_last_row,
                    is_transition: selectors.is_transition,
                    alpha,
                    accumulator: EF::ZERO,
                },
                permutation: rows(&permutation[0], &permutation[1]),
                permutation_challenges: &self.challenges[t],
                permutation_values: terminals[t].as_slice(),
            };
            LogUpGadget::new().eval_air_and_lookups(&table.air, &mut folder, &table.lookups);
            if folder.inner.accumulator * selectors.inv_vanishing != quotient {
                return Err(ForkedError::Constraints { batch, table: t });
            }
        }
        Ok(())
    }

    /// `sum lambda^i claim_i` for each height and point.
    fn combine(&self, claims: &[Vec<[Vec<EF>; 2]>; 4], lambda: EF) -> Vec<[EF; 2]> {
        let powers = lambda.powers().collect_n(self.kind.powers());
        let mut combined = vec![[EF::ZERO; 2]; self.kind.log_rows.len()];
        for round in &self.kind.rounds {
            let of_round = ROUNDS.iter().zip(claims);
            let of_round = of_round.filter(|(name, _)| **name == round.name);
            let of_round = of_round.flat_map(|(_, claims)| claims);
            for (matrix, claims) in round.matrices.iter().zip(of_round) {
                for (point, claims) in claims.iter().enumerate() {
                    let powers = powers[matrix.power + point * matrix.width..].iter();
                    combined[matrix.height][point] +=
                        dot_product::<EF, _, _>(claims.iter().copied(), powers.copied());
                }
            }
        }
        combined
    }
}

/// The domain of a trace.
pub fn domain(log_height: usize) -> TwoAdicMultiplicativeCoset<F> {
    // A plan's heights are below the field's two-adicity, and the shift is not zero.
    TwoAdicMultiplicativeCoset::new(F::ONE, log_height.min(F::TWO_ADICITY))
        .expect("a subgroup of the field")
}

fn read_table<A, R: Read>(
    source: &mut Source<R>,
    table: &Table<A>,
    part: Part,
) -> Result<Claims, ForkedError> {
    let of = &table.committed;
    let mut claims = Claims::default();
    let option = |source: &mut Source<R>, width: usize, there: bool| {
        source.option(part, there)?;
        let claims = there.then(|| source.exts(part, width)).transpose();
        claims.map(Option::unwrap_or_default)
    };
    claims.main[0] = source.exts(part, of.main_width)?;
    claims.main[1] = option(source, of.main_width, table.main_next)?;
    let there = of.preprocessed_width > 0;
    claims.preprocessed[0] = option(source, of.preprocessed_width, there)?;
    let there = there && table.preprocessed_next;
    claims.preprocessed[1] = option(source, of.preprocessed_width, there)?;
    source.length(part, of.quotient_chunks)?;
    for _ in 0..of.quotient_chunks {
        claims.chunks.push(source.exts(part, D)?);
    }
    // No randomisation.
    source.option(part, false)?;
    for row in &mut claims.permutation {
        *row = source.exts(part, of.permutation_width)?;
    }
    Ok(claims)
}

/// The claims round by round, matrix by matrix; none where a matrix or a point is not opened.
fn in_opening_order(tables: Vec<Claims>) -> [Vec<[Vec<EF>; 2]>; 4] {
    let mut rounds: [Vec<[Vec<EF>; 2]>; 4] = Default::default();
    let [main, quotient, preprocessed, permutation] = &mut rounds;
    for table in tables {
        main.push(table.main);
        let chunks = table.chunks.into_iter();
        quotient.extend(chunks.map(|chunk| [chunk, Vec::new()]));
        for (round, claims) in [
            (&mut *preprocessed, table.preprocessed),
            (&mut *permutation, table.permutation),
        ] {
            if !claims[0].is_empty() {
                round.push(claims);
            }
        }
    }
    rounds
}

/// Extension elements from the claims of their coordinates.
fn recompose(claims: &[EF]) -> Vec<EF> {
    let (coordinates, _) = claims.as_chunks::<D>();
    let element = |coordinates: &[EF; D]| {
        let basis = |i| <EF as BasedVectorSpace<F>>::ith_basis_element(i).unwrap_or_default();
        let terms = coordinates.iter().enumerate();
        terms.map(|(i, &c)| basis(i) * c).sum()
    };
    coordinates.iter().map(element).collect()
}

/// The next row, or zeros in place of one that is not opened.
fn padded(claims: &[Vec<EF>; 2]) -> Vec<EF> {
    let mut next = claims[1].clone();
    next.resize(claims[0].len(), EF::ZERO);
    next
}

fn rows<'a>(
    local: &'a [EF],
    next: &'a [EF],
) -> VerticalPair<RowMajorMatrixView<'a, EF>, RowMajorMatrixView<'a, EF>> {
    VerticalPair::new(
        RowMajorMatrixView::new_row(local),
        RowMajorMatrixView::new_row(next),
    )
}
