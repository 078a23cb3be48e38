//! Runs that more than one test uses.

use tranche_core::Params;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_test_support::air::{Part, TestAir};
use tranche_test_support::retire::Run;
use tranche_test_support::shapes::{QUICK, Shape, TableShape};

/// A table that may share columns between messages.
pub fn table(log_height: usize, parts: Vec<Part>) -> TableShape {
    TableShape {
        log_height,
        parts,
        max_constraint_degree: Some(3),
    }
}

/// Every part, in three batches of two tables, with buses that balance over the run only.
pub fn everything() -> Run<TestAir> {
    everything_with(Poseidon2::BABY_BEAR)
}

/// The same with another hash suite.
pub fn everything_with<S>(suite: S) -> Run<TestAir, S> {
    Run::cut(Shape::everything(QUICK).batch().with_suite(suite), &[2, 2])
}

/// Batches of one table each, without buses, all of one kind and with values of their own: a column and its
/// squares, so a single quotient chunk.
pub fn squares(batches: usize, log_height: usize, params: Params) -> Run<TestAir> {
    squares_with(Poseidon2::BABY_BEAR, batches, log_height, params)
}

/// The same with another hash suite.
pub fn squares_with<S: Clone>(
    suite: S,
    batches: usize,
    log_height: usize,
    params: Params,
) -> Run<TestAir, S> {
    let run = |seed| {
        let square = TableShape {
            log_height,
            parts: vec![Part::Power { degree: 2 }],
            max_constraint_degree: None,
        };
        let shape = Shape {
            seed,
            ..Shape::new(vec![square], params)
        };
        Run::cut(shape.batch().with_suite(suite.clone()), &[])
    };
    let mut all = run(1);
    let others = (2..).map(run).take(batches - 1);
    all.batches.extend(others.flat_map(|other| other.batches));
    all
}
