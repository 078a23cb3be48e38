//! Quotient chunks of a table: as they are made, and as a table with a violated row would have them.

use p3_batch_stark::prover::quotient_values;
use p3_commit::{PolynomialSpace, UnivariateStarkPcs};
use p3_dft::{NaiveDft, TwoAdicSubgroupDft};
use p3_field::{BasedVectorSpace, Field, PrimeCharacteristicRing, TwoAdicField};
use p3_lookup::{LogUpGadget, Lookups};
use p3_matrix::Matrix;
use p3_matrix::bitrev::BitReversibleMatrix;
use p3_matrix::dense::RowMajorMatrix;
use tranche_core::{EF, F};

use super::commit::{Challenger, Config, Data, Domain, NaiveAir, NaiveSuite, PlainPcs, domain};
use super::transcript::{layout, log_chunks};

/// A committed matrix: the round's data and the matrix's place in it.
pub type Committed<'a, S> = (&'a Data<S>, usize);

/// All that a table's quotient depends on.
pub struct Constraints<'a, A, S: NaiveSuite> {
    pub pcs: &'a PlainPcs<S>,
    pub air: &'a A,
    pub log_height: usize,
    pub publics: &'a [F],
    pub lookups: &'a Lookups<F>,
    pub challenges: &'a [EF],
    pub terminal: Option<EF>,
    pub main: Committed<'a, S>,
    pub permutation: Option<Committed<'a, S>>,
    pub preprocessed: Option<Committed<'a, S>>,
    pub alpha: EF,
}

impl<A: NaiveAir<S>, S: NaiveSuite> Constraints<'_, A, S> {
    fn domain(&self) -> Domain {
        domain::<S>(self.pcs, self.log_height)
    }

    fn on_coset<'a>(
        &'a self,
        (data, index): Committed<'a, S>,
        coset: Domain,
    ) -> <PlainPcs<S> as UnivariateStarkPcs<EF, Challenger<S>>>::EvaluationsOnDomain<'a> {
        <PlainPcs<S> as UnivariateStarkPcs<EF, Challenger<S>>>::get_evaluations_on_domain(
            self.pcs, data, index, coset,
        )
    }

    /// The quotient on the coset of `2^log_size` points, in natural order.
    fn values(&self, log_size: usize) -> Vec<EF> {
        let coset = self.domain().create_disjoint_domain(1 << log_size);
        let permutation = self.permutation.map(|matrix| self.on_coset(matrix, coset));
        let preprocessed = self.preprocessed.map(|matrix| self.on_coset(matrix, coset));
        quotient_values::<Config<S>, A, _, LogUpGadget>(
            self.pcs,
            self.air,
            self.publics,
            layout::<A, S>(self.air),
            self.domain(),
            coset,
            &self.on_coset(self.main, coset),
            permutation.as_ref(),
            self.lookups,
            self.terminal.as_slice(),
            &LogUpGadget::new(),
            self.challenges,
            preprocessed.as_ref(),
            self.alpha,
        )
    }

    /// The extensions of the chunks, rows bit-reversed.
    pub fn chunks(&self) -> Vec<RowMajorMatrix<F>> {
        let log_size =
            self.log_height + log_chunks::<A, S>(self.air, self.log_height, self.lookups);
        let chunks = 1 << (log_size - self.log_height);
        let values = RowMajorMatrix::new_col(self.values(log_size)).flatten_to_base();
        let coset = self.domain().create_disjoint_domain(1 << log_size);
        let evaluations = coset.split_domains(chunks).into_iter();
        let evaluations = evaluations.zip(coset.split_evals(chunks, values));
        <PlainPcs<S> as UnivariateStarkPcs<EF, Challenger<S>>>::get_quotient_ldes(
            self.pcs,
            evaluations,
            chunks,
        )
        .expect("a plain quotient")
    }

    /// The quotient of a table with one chunk whose constraints row `row` breaks, as the rational function
    /// that it is: its values on the extension (`log_blowup` bits more), and its residue at the row's point.
    pub fn rational(&self, row: usize, log_blowup: usize) -> (RowMajorMatrix<F>, EF) {
        let log_size = self.log_height + log_blowup;
        let values = self.values(log_size);
        let pole = F::two_adic_generator(self.log_height).exp_u64(row as u64);
        let coset = self.domain().create_disjoint_domain(1 << log_size);
        let simple = poles(pole, coset.iter());
        // Both have one coefficient too many to be polynomials below the height; they cancel in one way.
        let top = |values: Vec<EF>| {
            let matrix = RowMajorMatrix::new_col(values).flatten_to_base();
            let coefficients = NaiveDft.coset_idft_batch(matrix, F::GENERATOR);
            EF::from_basis_coefficients_slice(coefficients.values.rchunks(4).next().expect("one"))
                .expect("four")
        };
        let simple = simple.into_iter().map(EF::from).collect();
        let residue = top(values.clone()) * top(simple).inverse();
        let matrix = RowMajorMatrix::new_col(values).flatten_to_base();
        (matrix.bit_reverse_rows().to_row_major_matrix(), residue)
    }
}

/// `1 / (x - pole)` at each point.
fn poles(pole: F, points: impl Iterator<Item = F>) -> Vec<F> {
    points.map(|x| (x - pole).inverse()).collect()
}
