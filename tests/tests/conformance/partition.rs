//! One list of digests, cut into roots in two ways.
//!
//! A carved commitment is absorbed as the number of its roots and all their digests, flat. If caps
//! may have any length, `[[a], [x, y], [g]]` and `[[a, x], [y], [g]]` are one transcript and commit
//! to different tables (a Merkle path ends at one entry of a cap and says nothing of the others), so
//! a prover picks the table after the LogUp challenges. Plonky3's prover is made to do that here.

use p3_batch_stark::{BatchProof, ProverData, StarkInstance, prove_batch};
use p3_commit::{BatchOpening, BatchOpeningRef, ExtensionMmcs, Mmcs};
use p3_dft::Radix2DitParallel;
use p3_fri::{FriParameters, TwoAdicFriPcs};
use p3_matrix::{Dimensions, Matrix};
use p3_uni_stark::StarkConfig;
use tranche_core::verifier::{
    CarvedConfig, Carving, Challenger, CommitmentName, Compress, Configuration, Hash,
    MAX_PROOF_BYTES, Root, Roots, SplitMmcs, Tree, VerifyError, decode, permutation,
};
use tranche_core::{EF, F, Params};
use tranche_test_support::air::{Part, TestAir};
use tranche_test_support::reference::Batch;
use tranche_test_support::shapes::{QUICK, Shape, TableShape};

/// [`SplitMmcs`] that publishes a main commitment of the prover's choice.
#[derive(Clone)]
struct Repartitioned {
    honest: SplitMmcs<Tree>,
    main: Roots<Root>,
}

impl Mmcs<F> for Repartitioned {
    type ProverData<M> = <SplitMmcs<Tree> as Mmcs<F>>::ProverData<M>;
    type Commitment = Roots<Root>;
    type Proof = <SplitMmcs<Tree> as Mmcs<F>>::Proof;
    type MultiProof = <SplitMmcs<Tree> as Mmcs<F>>::MultiProof;
    type Error = <SplitMmcs<Tree> as Mmcs<F>>::Error;

    fn commit<M: Matrix<F>>(&self, inputs: Vec<M>) -> (Roots<Root>, Self::ProverData<M>) {
        let (roots, trees) = self.honest.commit(inputs);
        // Only the main round has more than one group.
        let published = if roots.0.len() > 1 {
            self.main.clone()
        } else {
            roots
        };
        (published, trees)
    }

    fn open_batch<M: Matrix<F>>(
        &self,
        index: usize,
        trees: &Self::ProverData<M>,
    ) -> BatchOpening<F, Self> {
        let (rows, proof) = self.honest.open_batch(index, trees).unpack();
        BatchOpening::new(rows, proof)
    }

    fn get_matrices<'a, M: Matrix<F>>(&self, trees: &'a Self::ProverData<M>) -> Vec<&'a M> {
        self.honest.get_matrices(trees)
    }

    fn verify_batch(
        &self,
        commit: &Roots<Root>,
        dimensions: &[Dimensions],
        index: usize,
        opening: BatchOpeningRef<'_, F, Self>,
    ) -> Result<(), Self::Error> {
        let (rows, proof) = opening.unpack();
        let opening = BatchOpeningRef::new(rows, proof);
        self.honest.verify_batch(commit, dimensions, index, opening)
    }

    fn open_multi_batch<M: Matrix<F>>(
        &self,
        indices: &[usize],
        trees: &Self::ProverData<M>,
    ) -> (Vec<Vec<Vec<F>>>, Self::MultiProof) {
        self.honest.open_multi_batch(indices, trees)
    }

    fn verify_multi_batch<R: AsRef<[F]> + PartialEq>(
        &self,
        commit: &Roots<Root>,
        dimensions: &[Dimensions],
        indices: &[usize],
        opened_values: &[Vec<R>],
        proofs: &Self::MultiProof,
    ) -> Result<(), Self::Error> {
        self.honest
            .verify_multi_batch(commit, dimensions, indices, opened_values, proofs)
    }
}

type FriTree = ExtensionMmcs<F, EF, Tree>;
type ForgedPcs = TwoAdicFriPcs<F, Radix2DitParallel<F>, Repartitioned, FriTree>;
type ForgedConfig = StarkConfig<ForgedPcs, EF, Challenger>;

fn carving(batch: &Batch<TestAir>) -> Carving {
    let widths = batch.traces.iter().map(Matrix::width).collect();
    Carving::new(widths, &batch.carved)
}

/// The proof of `batch` whose main commitment is `main`.
fn forge(batch: &Batch<TestAir>, main: Roots<Root>) -> Vec<u8> {
    let permutation = permutation(&batch.suite);
    let tree = Tree::new(
        Hash::new(permutation.clone()),
        Compress::new(permutation.clone()),
        batch.params.cap_height.into(),
    );
    let fri = FriParameters {
        log_blowup: batch.params.log_blowup.into(),
        log_final_poly_len: batch.params.log_final_poly_len.into(),
        max_log_arity: batch.params.max_log_arity.into(),
        num_queries: batch.params.num_queries.into(),
        batch_proof_of_work_bits: 0,
        commit_proof_of_work_bits: 0,
        query_proof_of_work_bits: 0,
        mmcs: FriTree::new(tree.clone()),
    };
    let honest = SplitMmcs::new(tree, carving(batch));
    let mmcs = Repartitioned { honest, main };
    let config = ForgedConfig::new(
        ForgedPcs::new(Radix2DitParallel::default(), mmcs, fri),
        Challenger::new(permutation),
    );
    let traces: Vec<_> = batch.traces.iter().collect();
    let instances = StarkInstance::new_multiple(&batch.airs, &traces, &batch.publics);
    let data = ProverData::from_instances(&config, &instances).expect("preprocessed columns");
    let proof = prove_batch(&config, &instances, &data).expect("tables that can be proved");
    postcard::to_allocvec(&proof).expect("a proof is always encodable")
}

/// What `p3_batch_stark::verify_batch` says of a proof: the verifier without the check of caps.
fn plonky3_accepts(batch: &Batch<TestAir>, bytes: &[u8]) -> bool {
    let config =
        <CarvedConfig as Configuration>::new(&batch.params, &batch.suite, &carving(batch), None);
    let data = ProverData::from_airs_and_degrees(&config, &batch.airs, &batch.log_heights())
        .expect("preprocessed columns");
    let proof = decode::<CarvedConfig>(bytes, MAX_PROOF_BYTES).expect("an encoding");
    p3_batch_stark::verify_batch(&config, &batch.airs, &proof, &batch.publics, &data.common).is_ok()
}

/// Two carved tables before others that talk over buses.
fn batch() -> Batch<TestAir> {
    let table = |log_height| TableShape {
        log_height,
        parts: vec![
            Part::Recurrence {
                degree: 2,
                public: true,
            },
            Part::Power { degree: 3 },
        ],
        max_constraint_degree: None,
    };
    let mut shape = Shape {
        carved: 0b11,
        ..Shape::everything(QUICK)
    };
    shape.tables.splice(0..0, [table(4), table(3)]);
    shape.batch()
}

/// The same statement about another second table: an odd power keeps the sign.
fn with_another_table() -> Batch<TestAir> {
    let mut batch = batch();
    let row = &mut batch.traces[1].values[1..3];
    row.iter_mut().for_each(|x| *x = -*x);
    batch
}

fn main_roots(bytes: &[u8]) -> Vec<Root> {
    let proof = decode::<CarvedConfig>(bytes, MAX_PROOF_BYTES).expect("an encoding");
    proof.commitments.main.0
}

/// All digests of some roots in one root.
fn joined(roots: &[&Root]) -> Root {
    let digests = roots.iter().flat_map(|root| root.roots());
    <Root>::new(digests.copied().collect())
}

/// The proof of `forged` with one of its commitments changed.
fn changed(bytes: &[u8], change: impl FnOnce(&mut BatchProof<CarvedConfig>)) -> Vec<u8> {
    let mut proof = decode::<CarvedConfig>(bytes, MAX_PROOF_BYTES).expect("an encoding");
    change(&mut proof);
    postcard::to_allocvec(&proof).expect("a proof is always encodable")
}

#[test]
fn a_commitment_has_one_partition() {
    let (first, second) = (batch(), with_another_table());
    let key = first
        .key::<CarvedConfig>()
        .expect("a plan that can be verified");
    let verify = |bytes: &[u8]| key.verify(bytes, None, &first.publics);

    let honest = [first.prove(), second.prove()];
    let [a, x, rest] = &main_roots(&honest[0])[..] else {
        panic!("three groups")
    };
    let y = &main_roots(&honest[1])[1];
    assert_ne!(x, y, "two tables");
    let x_first = Roots(vec![a.clone(), joined(&[x, y]), rest.clone()]);
    let y_second = Roots(vec![joined(&[a, x]), y.clone(), rest.clone()]);
    let flat = |roots: &Roots<Root>| joined(&roots.0.iter().collect::<Vec<_>>());
    assert_eq!(flat(&x_first), flat(&y_second), "one transcript");

    for honest in &honest {
        assert!(plonky3_accepts(&first, honest));
        verify(honest).expect("honest");
    }
    for (batch, main, group) in [(&first, x_first, 1), (&second, y_second, 0)] {
        let forged = forge(batch, main);
        assert!(plonky3_accepts(&first, &forged), "nothing else refuses it");
        let (expected, got) = (1, 2);
        let round = CommitmentName::Main;
        let error = VerifyError::Cap {
            round,
            group,
            expected,
            got,
        };
        assert_eq!(verify(&forged), Err(error));
    }
}

/// A digest too many or too few in each commitment of a proof, and a root too many or too few.
#[test]
fn every_commitment_has_its_length() {
    for cap_height in 0..4 {
        let params = Params {
            cap_height,
            ..QUICK
        };
        let mut shape = Shape {
            carved: 0b1,
            ..Shape::everything(params)
        };
        // The last layers of the low-degree test are lower than the cap.
        shape.tables[1].log_height = 0;
        let batch = shape.batch();
        let key = batch
            .key::<CarvedConfig>()
            .expect("a plan that can be verified");
        let verify = |bytes: &[u8]| key.verify(bytes, None, &batch.publics).map(|_| ());
        let honest = batch.prove();
        assert_eq!(verify(&honest), Ok(()), "the control");

        let layers = decode::<CarvedConfig>(&honest, MAX_PROOF_BYTES).expect("an encoding");
        let layers = layers.opening_proof.commit_phase_commits.len();
        type At = fn(&mut BatchProof<CarvedConfig>, usize) -> &mut Root;
        let main: At = |proof, i| &mut proof.commitments.main.0[i];
        let permutation: At = |proof, i| {
            let roots = proof.commitments.permutation.as_mut();
            &mut roots.expect("there are buses").0[i]
        };
        let quotient: At = |proof, i| &mut proof.commitments.quotient_chunks.0[i];
        let fri: At = |proof, i| &mut proof.opening_proof.commit_phase_commits[i];
        for (round, roots, at) in [
            (CommitmentName::Main, 2, main),
            (CommitmentName::Permutation, 1, permutation),
            (CommitmentName::Quotient, 1, quotient),
            (CommitmentName::Fri, layers, fri),
        ] {
            for group in 0..roots {
                let mut expected = 0;
                for doubled in [true, false] {
                    let mut got = 0;
                    let forged = changed(&honest, |proof| {
                        let root = at(proof, group);
                        expected = root.num_roots();
                        *root = if doubled {
                            joined(&[root, root])
                        } else {
                            <Root>::new(root.roots()[..expected.div_ceil(2)].to_vec())
                        };
                        got = root.num_roots();
                    });
                    let error = VerifyError::Cap {
                        round,
                        group,
                        expected,
                        got,
                    };
                    let refused = if got == expected { Ok(()) } else { Err(error) };
                    assert_eq!(verify(&forged), refused, "cap height {cap_height}");
                }
            }
        }
        // A cap that is doubled is what Plonky3's verifier never looks at.
        let last = changed(&honest, |proof| {
            let root = fri(proof, layers - 1);
            *root = joined(&[root, root]);
        });
        assert!(!plonky3_accepts(&batch, &last), "but absorbs");

        let counted = |change: fn(&mut BatchProof<CarvedConfig>), round, expected, got| {
            let error = VerifyError::RootCount {
                round,
                expected,
                got,
            };
            assert_eq!(verify(&changed(&honest, change)), Err(error));
        };
        counted(
            |p| drop(p.commitments.main.0.pop()),
            CommitmentName::Main,
            2,
            1,
        );
        counted(
            |p| p.commitments.main.0.extend_from_within(..1),
            CommitmentName::Main,
            2,
            3,
        );
        counted(
            |p| p.commitments.permutation = None,
            CommitmentName::Permutation,
            1,
            0,
        );
        counted(
            |p| p.commitments.quotient_chunks.0.extend_from_within(..1),
            CommitmentName::Quotient,
            1,
            2,
        );
        counted(
            |p| p.commitments.random = Some(p.commitments.main.clone()),
            CommitmentName::Random,
            0,
            2,
        );
        counted(
            |p| drop(p.opening_proof.commit_phase_commits.pop()),
            CommitmentName::Fri,
            layers,
            layers - 1,
        );
    }
}
