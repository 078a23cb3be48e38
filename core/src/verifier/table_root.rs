//! The root of one table that is a group of its own, for whoever knows its rows.

use p3_commit::Pcs;
use p3_matrix::Matrix;
use p3_matrix::dense::RowMajorMatrix;
use p3_uni_stark::StarkGenericConfig;

use super::config::{Configuration, Configured, PlainConfig};
use super::split_mmcs::Carving;
use super::suite::{Plonky3Suite, Root};
use crate::{EF, F, Params};

/// The root that every proof has of a carved table with these rows, in natural order: what
/// [`VerifyingKey::carved_roots`](super::VerifyingKey::carved_roots) finds there. `None` when Plonky3 cannot commit to it.
///
/// # Panics
/// When the number of rows is no power of two.
pub fn table_root<S: Configured>(
    params: &Params,
    suite: &S,
    rows: RowMajorMatrix<F>,
) -> Option<Root<S>> {
    let config = PlainConfig::<S>::new(params, suite, &Carving::of_batches([]), None);
    type PcsOf<S> = <PlainConfig<S> as StarkGenericConfig>::Pcs;
    type Challenger<S> = <S as Plonky3Suite>::Challenger;
    let pcs = config.pcs();
    let domain =
        <PcsOf<S> as Pcs<EF, Challenger<S>>>::natural_domain_for_degree(pcs, rows.height());
    let committed = <PcsOf<S> as Pcs<EF, Challenger<S>>>::commit(pcs, [(domain, rows)]);
    let (commitment, _) = committed.ok()?;
    PlainConfig::<S>::roots(&commitment).first().cloned()
}
