//! No two proofs, and no two statements of a plan, have one transcript (`docs/security.md`).
//!
//! Plonky3's verifier runs over a challenger that writes down what it absorbs and where it draws.
//! Each field of an honest proof is changed in turn. A change of another length has to be refused
//! for its shape, by this crate's check or before the transcript is complete; every other change
//! has to give a sequence of its own. What is not absorbed has to be refused as an opening.

use p3_batch_stark::{BatchCommitments, BatchProof};
use p3_field::PrimeCharacteristicRing;
use p3_fri::FriProof;
use tranche_core::verifier::{CarvedConfig, MAX_PROOF_BYTES, Root, VerifyError, decode};
use tranche_core::{EF, F, Params};
use tranche_test_support::air::TestAir;
use tranche_test_support::reference::Batch;
use tranche_test_support::shapes::{QUICK, Shape};

use crate::recorder::{Proof, Step, recorded};

/// A proof with one thing changed, by name.
struct Change {
    name: String,
    kind: Kind,
    apply: Box<dyn Fn(&mut Proof)>,
}

/// What a change touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A value that is absorbed.
    Absorbed,
    /// The length or the presence of something.
    Shape,
    /// Rows and paths, which commitments bind.
    Opened,
}

/// Collects changes.
#[derive(Default)]
struct Changes(Vec<Change>);

impl Changes {
    fn add(&mut self, kind: Kind, name: impl Into<String>, apply: impl Fn(&mut Proof) + 'static) {
        let (name, apply) = (name.into(), Box::new(apply));
        self.0.push(Change { name, kind, apply });
    }

    /// A list of field elements: each element, one more, one fewer.
    fn list<T: PrimeCharacteristicRing + 'static>(
        &mut self,
        name: &str,
        len: usize,
        list: fn(&mut Proof, usize) -> &mut Vec<T>,
        at: usize,
    ) {
        for i in 0..len {
            self.add(
                Kind::Absorbed,
                format!("{name} {at}: element {i}"),
                move |p| {
                    list(p, at)[i] += T::ONE;
                },
            );
        }
        self.add(Kind::Shape, format!("{name} {at}: longer"), move |p| {
            list(p, at).push(T::ONE);
        });
        if len > 0 {
            self.add(Kind::Shape, format!("{name} {at}: shorter"), move |p| {
                list(p, at).pop();
            });
        }
    }

    /// A commitment's root: each element of its digests, twice the digests, half of them.
    fn root(
        &mut self,
        name: &str,
        digests: usize,
        root: fn(&mut Proof, usize) -> &mut Root,
        at: usize,
    ) {
        for (digest, element) in (0..digests).flat_map(|d| (0..8).map(move |e| (d, e))) {
            let name = format!("{name} {at}: digest {digest}, element {element}");
            self.add(Kind::Absorbed, name, move |p| {
                let root = root(p, at);
                let mut digests = root.roots().to_vec();
                digests[digest][element] += F::ONE;
                *root = <Root>::new(digests);
            });
        }
        self.add(Kind::Shape, format!("{name} {at}: longer"), move |p| {
            let root = root(p, at);
            *root = <Root>::new([root.roots(), root.roots()].concat());
        });
        if digests > 1 {
            self.add(Kind::Shape, format!("{name} {at}: shorter"), move |p| {
                let root = root(p, at);
                *root = <Root>::new(root.roots()[..digests / 2].to_vec());
            });
        }
    }
}

/// Changes of every field of a proof. Destructured without `..`, so that no field is forgotten.
fn changes(proof: &Proof) -> Vec<Change> {
    let BatchProof {
        commitments,
        opened_values,
        opening_proof,
        lookup_terminals,
        degree_bits,
        lookup_pow_witness: _,
        ood_pow_witness: _,
    } = proof;
    let BatchCommitments {
        main,
        permutation,
        quotient_chunks,
        random,
    } = commitments;
    let FriProof {
        batch_pow_witness: _,
        commit_phase_commits,
        commit_pow_witnesses,
        input_openings,
        commit_phase_openings,
        final_poly,
        query_pow_witness: _,
    } = opening_proof;
    use Kind::{Absorbed, Opened, Shape};
    let mut all = Changes::default();

    for (i, root) in main.0.iter().enumerate() {
        all.root(
            "main",
            root.num_roots(),
            |p, i| &mut p.commitments.main.0[i],
            i,
        );
    }
    all.add(Absorbed, "main: swapped roots", |p| {
        p.commitments.main.0.swap(0, 2)
    });
    all.add(Shape, "main: a root more", |p| {
        p.commitments.main.0.extend_from_within(..1);
    });
    all.add(Shape, "main: a root fewer", |p| {
        drop(p.commitments.main.0.pop())
    });
    let permutation = permutation.as_ref().expect("there are buses");
    fn permutation_root(p: &mut Proof, i: usize) -> &mut Root {
        &mut p
            .commitments
            .permutation
            .as_mut()
            .expect("there are buses")
            .0[i]
    }
    all.root(
        "permutation",
        permutation.0[0].num_roots(),
        permutation_root,
        0,
    );
    all.add(Shape, "permutation: absent", |p| {
        p.commitments.permutation = None
    });
    let digests = quotient_chunks.0[0].num_roots();
    all.root(
        "quotient",
        digests,
        |p, i| &mut p.commitments.quotient_chunks.0[i],
        0,
    );
    assert!(random.is_none());
    all.add(Shape, "random: present", |p| {
        p.commitments.random = Some(p.commitments.main.clone());
    });
    for (i, root) in commit_phase_commits.iter().enumerate() {
        let digests = root.num_roots();
        all.root(
            "layer",
            digests,
            |p, i| &mut p.opening_proof.commit_phase_commits[i],
            i,
        );
    }
    all.add(Shape, "layers: one more", |p| {
        p.opening_proof.commit_phase_commits.extend_from_within(..1);
    });
    all.add(Shape, "layers: one fewer", |p| {
        p.opening_proof.commit_phase_commits.pop();
    });

    for (t, table) in opened_values.instances.iter().enumerate() {
        let base = &table.base_opened_values;
        all.list(
            "trace",
            base.trace_local.len(),
            |p, t| &mut p.opened_values.instances[t].base_opened_values.trace_local,
            t,
        );
        if let Some(next) = &base.trace_next {
            all.list(
                "next trace",
                next.len(),
                |p, t| {
                    let base = &mut p.opened_values.instances[t].base_opened_values;
                    base.trace_next.as_mut().expect("opened")
                },
                t,
            );
        }
        all.add(Shape, format!("next trace {t}: present or not"), move |p| {
            let base = &mut p.opened_values.instances[t].base_opened_values;
            base.trace_next = match base.trace_next.take() {
                Some(_) => None,
                None => Some(base.trace_local.clone()),
            };
        });
        if let Some(preprocessed) = &base.preprocessed {
            all.list(
                "preprocessed",
                preprocessed.local.len(),
                |p, t| {
                    let base = &mut p.opened_values.instances[t].base_opened_values;
                    &mut base.preprocessed.as_mut().expect("opened").local
                },
                t,
            );
        }
        for (c, chunk) in base.quotient_chunks.iter().enumerate() {
            for i in 0..chunk.len() {
                all.add(
                    Absorbed,
                    format!("chunk {c} of {t}: element {i}"),
                    move |p| {
                        let base = &mut p.opened_values.instances[t].base_opened_values;
                        base.quotient_chunks[c][i] += EF::ONE;
                    },
                );
            }
        }
        all.add(Shape, format!("chunks {t}: one more"), move |p| {
            let base = &mut p.opened_values.instances[t].base_opened_values;
            base.quotient_chunks.extend_from_within(..1);
        });
        all.list(
            "permutation",
            table.permutation_local.len(),
            |p, t| &mut p.opened_values.instances[t].permutation_local,
            t,
        );
        all.list(
            "next permutation",
            table.permutation_next.len(),
            |p, t| &mut p.opened_values.instances[t].permutation_next,
            t,
        );
        if lookup_terminals[t].is_some() {
            all.add(Absorbed, format!("terminal {t}"), move |p| {
                p.lookup_terminals[t].as_mut().expect("a terminal").0 += EF::ONE;
            });
        }
        all.add(Shape, format!("terminal {t}: present or not"), move |p| {
            let other = p.lookup_terminals.iter().flatten().next().copied();
            let terminal = &mut p.lookup_terminals[t];
            *terminal = if terminal.is_some() { None } else { other };
        });
    }
    for t in 0..degree_bits.len() {
        all.add(Shape, format!("height {t}"), move |p| p.degree_bits[t] += 1);
        // The same field element as the height.
        all.add(Shape, format!("height {t} plus p"), move |p| {
            p.degree_bits[t] += 0x7800_0001;
        });
    }

    all.add(Absorbed, "lookup witness", |p| {
        *p.lookup_pow_witness.as_mut().expect("there are buses") += F::ONE;
    });
    all.add(Shape, "lookup witness: absent", |p| {
        p.lookup_pow_witness = None
    });
    all.add(Absorbed, "out-of-domain witness", |p| {
        p.ood_pow_witness += F::ONE
    });
    all.add(Absorbed, "batching witness", |p| {
        p.opening_proof.batch_pow_witness += F::ONE;
    });
    all.list(
        "folding witnesses",
        commit_pow_witnesses.len(),
        |p, _| &mut p.opening_proof.commit_pow_witnesses,
        0,
    );
    all.list(
        "final polynomial",
        final_poly.len(),
        |p, _| &mut p.opening_proof.final_poly,
        0,
    );
    all.add(Absorbed, "query witness", |p| {
        p.opening_proof.query_pow_witness += F::ONE;
    });

    for round in 0..input_openings.len() {
        all.add(Opened, format!("a row of round {round}"), move |p| {
            p.opening_proof.input_openings[round].opened_values[0][0][0] += F::ONE;
        });
        all.add(
            Opened,
            format!("a query fewer in round {round}"),
            move |p| {
                p.opening_proof.input_openings[round].opened_values.pop();
            },
        );
    }
    for layer in 0..commit_phase_openings.len() {
        all.add(Opened, format!("a sibling of layer {layer}"), move |p| {
            p.opening_proof.commit_phase_openings[layer].sibling_values[0][0] += EF::ONE;
        });
    }
    all.0
}

/// Grinding at every site, so that every witness is absorbed.
const GROUND: Params = Params {
    cap_height: 1,
    log_final_poly_len: 1,
    max_log_arity: 2,
    query_pow_bits: 1,
    batch_pow_bits: 1,
    lookup_pow_bits: 1,
    commit_pow_bits: 1,
    ood_pow_bits: 1,
    ..QUICK
};

fn batch(params: Params) -> Batch<TestAir> {
    Shape {
        carved: 0b101,
        seeded: true,
        ..Shape::everything(params)
    }
    .batch()
}

/// A proof is read back from its bytes for each change, since it cannot be cloned.
fn fresh(bytes: &[u8]) -> Proof {
    decode::<CarvedConfig>(bytes, MAX_PROOF_BYTES).expect("honest")
}

fn is_shape(error: &VerifyError) -> bool {
    matches!(
        error,
        VerifyError::Cap { .. }
            | VerifyError::RootCount { .. }
            | VerifyError::Height { .. }
            | VerifyError::TableCount { .. }
            | VerifyError::Shape { .. }
    )
}

#[test]
fn no_two_proofs_are_absorbed_alike() {
    let batch = batch(GROUND);
    let key = batch
        .key::<CarvedConfig>()
        .expect("a plan that can be verified");
    let bytes = batch.prove();
    let verify =
        |proof: &Proof| key.verify_decoded(proof, batch.statement.as_ref(), &batch.publics);
    assert_eq!(verify(&fresh(&bytes)), Ok(()), "the control");
    let (honest, accepted) = recorded(&batch, &fresh(&bytes));
    assert!(accepted, "the recorder is the verifier's challenger");

    let mut known: Vec<(String, Vec<Step>)> = vec![("honest".into(), honest.clone())];
    for Change { name, kind, apply } in changes(&fresh(&bytes)) {
        let mut proof = fresh(&bytes);
        apply(&mut proof);
        let error = verify(&proof).expect_err(&name);
        match kind {
            Kind::Absorbed => {
                assert!(!is_shape(&error), "{name}: {error}");
                let (steps, _) = recorded(&batch, &proof);
                assert!(
                    !honest.starts_with(&steps),
                    "{name}: nothing new is absorbed"
                );
                for (other, known) in &known {
                    assert_ne!(&steps, known, "{name} is absorbed like {other}");
                }
                known.push((name, steps));
            }
            // Lengths inside the low-degree test are compared after the claims are absorbed, by
            // Plonky3, and no query is drawn.
            Kind::Shape
                if matches!(
                    error,
                    VerifyError::Opening { .. } | VerifyError::ProofOfWork { .. }
                ) =>
            {
                let (steps, _) = recorded(&batch, &proof);
                let cut = steps.len() < honest.len() && honest.starts_with(&steps);
                assert!(cut, "{name}: {error}");
            }
            Kind::Shape => assert!(is_shape(&error), "{name}: {error}"),
            Kind::Opened => {
                let (steps, _) = recorded(&batch, &proof);
                assert_eq!(steps, honest, "{name} is absorbed");
                assert!(
                    matches!(error, VerifyError::Opening { .. }),
                    "{name}: {error}"
                );
            }
        }
    }
    println!("{} sequences, all different", known.len());
}

/// The check of caps is what keeps two partitions of one list of digests apart.
#[test]
fn two_partitions_are_absorbed_alike_and_refused() {
    let batch = batch(GROUND);
    let key = batch
        .key::<CarvedConfig>()
        .expect("a plan that can be verified");
    let bytes = batch.prove();
    let partition = |first: usize| {
        let mut proof = fresh(&bytes);
        let roots = &mut proof.commitments.main.0;
        let mut flat = [roots[0].roots(), roots[1].roots()].concat();
        flat.resize(6, flat[0]);
        (roots[0], roots[1]) = (
            <Root>::new(flat[..first].to_vec()),
            <Root>::new(flat[first..].to_vec()),
        );
        proof
    };
    let absorbed = |proof: &Proof| recorded(&batch, proof).0;
    let (four, two) = (partition(4), partition(2));
    assert_eq!(absorbed(&four), absorbed(&two), "one transcript");
    for proof in [four, two] {
        let refused = key.verify_decoded(&proof, batch.statement.as_ref(), &batch.publics);
        assert!(
            matches!(refused, Err(VerifyError::Cap { .. })),
            "{refused:?}"
        );
    }
}

/// Without grinding no witness is absorbed, and only zero is one.
#[test]
fn a_witness_that_is_not_absorbed_is_zero() {
    let batch = batch(QUICK);
    let key = batch
        .key::<CarvedConfig>()
        .expect("a plan that can be verified");
    let bytes = batch.prove();
    let verify =
        |proof: &Proof| key.verify_decoded(proof, batch.statement.as_ref(), &batch.publics);
    assert_eq!(verify(&fresh(&bytes)), Ok(()), "the control");
    let witnesses: [fn(&mut Proof) -> &mut F; 5] = [
        |p| p.lookup_pow_witness.as_mut().expect("there are buses"),
        |p| &mut p.ood_pow_witness,
        |p| &mut p.opening_proof.batch_pow_witness,
        |p| &mut p.opening_proof.commit_pow_witnesses[0],
        |p| &mut p.opening_proof.query_pow_witness,
    ];
    for witness in witnesses {
        let mut proof = fresh(&bytes);
        assert_eq!(*witness(&mut proof), F::ZERO);
        *witness(&mut proof) = F::ONE;
        let refused = verify(&proof);
        assert!(
            matches!(
                refused,
                Err(VerifyError::ProofOfWork { .. } | VerifyError::Opening { .. })
            ),
            "{refused:?}"
        );
    }
}

/// Statements of one plan: every byte of tag and digest, every public value, and none at all.
#[test]
fn no_two_statements_are_absorbed_alike() {
    let honest = batch(QUICK);
    let bytes = honest.prove();
    let mut others = vec![honest.clone()];
    let change = |apply: &dyn Fn(&mut Batch<TestAir>)| {
        let mut other = honest.clone();
        apply(&mut other);
        other
    };
    others.push(change(&|batch| batch.statement = None));
    for i in 0..24 {
        others.push(change(&|batch| {
            batch.statement.as_mut().unwrap().tag[i] ^= 1
        }));
    }
    for i in 0..32 {
        others.push(change(&|batch| {
            batch.statement.as_mut().unwrap().digest[i] ^= 0x80
        }));
    }
    for (table, values) in honest.publics.iter().enumerate() {
        for i in 0..values.len() {
            others.push(change(&|batch| batch.publics[table][i] += F::ONE));
        }
    }
    assert!(others.len() > 60);
    let sequences: Vec<_> = others
        .iter()
        .map(|other| recorded(other, &fresh(&bytes)).0)
        .collect();
    for (i, sequence) in sequences.iter().enumerate() {
        assert!(!sequences[..i].contains(sequence), "statement {i}");
    }
    for other in &others[1..] {
        assert!(other.verify(&bytes).is_err());
    }
}
