//! Runs that more than one test uses.

use tranche_core::Params;
use tranche_tests::air::{Part, TestAir};
use tranche_tests::retire::Run;
use tranche_tests::shapes::{QUICK, Shape, TableShape};

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
    Run::cut(Shape::everything(QUICK).batch(), &[2, 2])
}

/// Batches of one table each, without buses, all of one kind and with values of their own.
pub fn squares(batches: usize, log_height: usize, params: Params) -> Run<TestAir> {
    let square = || table(log_height, vec![Part::Power { degree: 2 }]);
    let tables = (0..batches).map(|_| square()).collect();
    Run::cut(Shape::new(tables, params).batch(), &vec![1; batches - 1])
}
