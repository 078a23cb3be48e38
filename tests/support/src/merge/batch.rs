//! Toy runs, their merges as batches, and how a batch is proved and verified.

use std::sync::LazyLock;

use p3_field::PrimeCharacteristicRing;
use p3_matrix::Matrix;
use p3_matrix::dense::RowMajorMatrix;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::verifier::{Root, VerifyError};
use tranche_core::{F, Identity, Statement, TraceMut};
use tranche_machine::Program;
use tranche_machine::cells::{EXIT_CODE, OUT, OUT_LEN, REGISTERS};
use tranche_machine::merge::statement::Claim;
use tranche_machine::merge::{
    Chain, Child, Image, MergeTable, Node, Outcome, RANGE_ROWS, RangeCounts, Step, Tree, extend,
    fill_image, fill_parent, fill_range, fill_rest, fill_result, rest_rows, statement,
};
use tranche_machine::tables::l2g::columns as l2g;

use super::audit::buses;
use super::mutant::{Kind, TestAir};
use crate::machine::asm::{Segment, file, words};
use crate::params::PARAMS;
use crate::reference;

/// Rows of every L2G and parent table.
pub const LOG_ROWS: usize = 4;
/// Digest of the program in the statements of the tests.
pub const PROGRAM: Identity = [1; 32];
/// Digest of the plan in those statements.
pub const PLAN: Identity = [2; 32];

/// Exit code of the toy run.
pub const EXIT: u32 = 0x1_0003;
/// Its output.
pub const OUTPUT: &[u8] = b"okay!";
/// A cell far from every other.
pub const STACK: u32 = (1 << 30) - 9;

/// What each toy epoch writes, and to which cell.
pub const RUN: [&[(u32, u32)]; 3] = [
    &[
        (5, 0x2_0001),
        (101, 5),
        (300, 4),
        (STACK, 9),
        (REGISTERS + 1, 4),
    ],
    &[
        (5, 2),
        (150, 6),
        (REGISTERS + 1, 8),
        (OUT_LEN, 2),
        (OUT, u32::from_le_bytes(*b"ok\0\0")),
    ],
    &[
        (101, 9),
        (REGISTERS + 1, 3),
        (OUT_LEN, 5),
        (EXIT_CODE, EXIT),
        (OUT, u32::from_le_bytes(*b"okay")),
        (OUT + 1, b'!' as u32),
    ],
];

/// A program of code at the cells `100..104`, of which two hold words, and zeros at `200..202`.
pub fn program() -> &'static Program<'static> {
    static PROGRAM: LazyLock<Program<'static>> = LazyLock::new(|| Program::parse(&ELF).unwrap());
    static ELF: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let segment = |address, bytes, flags| Segment {
            address,
            bytes,
            memory: bytes.len() as u32,
            flags,
        };
        let code = words(&[7, 8, 0, 0]);
        file(400, &[segment(400, &code[..], 5), segment(800, &[0; 8], 6)])
    });
    &PROGRAM
}

/// The image of [`program`].
pub fn image() -> Image<'static> {
    Image::new(program(), 6).unwrap()
}

/// A claimed result.
pub fn outcome(exit_code: u32, output: &'static [u8]) -> Outcome<'static> {
    Outcome::new(exit_code, output, 3).unwrap()
}

/// The rows of each epoch's L2G table.
pub fn leaves(run: &[&[(u32, u32)]]) -> Vec<Vec<Chain>> {
    let mut memory: Vec<Chain> = vec![];
    let epochs = (1..).zip(run).map(|(fini_epoch, writes)| {
        let rows: Vec<Chain> = writes
            .iter()
            .map(|&(cell, fini)| {
                let last = memory.iter().rev().find(|chain| chain.cell == cell);
                let genesis = || image().cells().find(|c| c.0 == cell).map_or(0, |c| c.1);
                let (init_epoch, init) =
                    last.map_or_else(|| (0, genesis()), |last| (last.fini_epoch, last.fini));
                Chain {
                    cell,
                    init_epoch,
                    init,
                    fini_epoch,
                    fini,
                }
            })
            .collect();
        memory.extend(&rows);
        rows
    });
    epochs.collect()
}

/// What the children together did, in their order.
pub fn compose(children: &[Vec<Chain>]) -> Vec<Chain> {
    let mut buffer = [Chain::default(); 64];
    let len = children.iter().fold(0, |len, rows| {
        extend(&mut buffer, len, rows.iter().copied()).unwrap()
    });
    buffer[..len].to_vec()
}

/// A table of a batch.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its constraints.
    pub air: TestAir,
    /// Its main trace.
    pub trace: RowMajorMatrix<F>,
    /// Its public values.
    pub public_values: Vec<F>,
}

impl Table {
    /// Row `r`, for a forger to write to.
    pub fn row(&mut self, r: usize) -> &mut [F] {
        let width = self.trace.width();
        &mut self.trace.values[r * width..][..width]
    }
}

/// A merge, honest or forged.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Its tables, the range table last.
    pub tables: Vec<Table>,
    /// Flags of the first tables; the others are not carved.
    pub carved: Vec<bool>,
    /// What its transcript is seeded with.
    pub statement: Statement,
}

impl Batch {
    /// Proves the batch with Plonky3, and verifies the proof's bytes; the roots of its carved
    /// tables.
    ///
    /// # Errors
    /// When the proof is refused.
    pub fn check(&self) -> Result<Vec<Root>, VerifyError> {
        let batch = self.reference();
        batch.verify(&batch.prove())
    }

    /// The batch as the reference prover takes it.
    pub fn reference(&self) -> reference::Batch<TestAir> {
        let of = |table: &Table| {
            (
                table.air.clone(),
                table.trace.clone(),
                table.public_values.clone(),
            )
        };
        let (airs, traces, publics) = self.tables.iter().map(of).collect();
        reference::Batch {
            airs,
            traces,
            publics,
            carved: (0..self.tables.len())
                .map(|t| self.carved.get(t) == Some(&true))
                .collect(),
            params: PARAMS,
            statement: Some(self.statement),
            suite: Poseidon2::BABY_BEAR,
        }
    }

    /// Sets the multiplicities of the range table, the last one, to what the others look up.
    pub fn recount(&mut self) {
        let range = self.tables.last_mut().unwrap();
        range.trace.values.fill(F::ZERO);
        for ((bus, message), sum) in buses(self) {
            if bus == "range" && message[1] <= 8 && message[0] >> message[1] == 0 {
                let row = (1 << message[1]) - 1 + message[0] as usize;
                self.tables.last_mut().unwrap().row(row)[0] = sum;
            }
        }
    }
}

/// A trace whose every element `fill` writes.
pub fn filled(
    width: usize,
    height: usize,
    fill: impl FnOnce(&mut TraceMut<'_>),
) -> RowMajorMatrix<F> {
    let mut values = vec![F::from_u32(0xdead); width * height];
    fill(&mut TraceMut::new(&mut values, height));
    RowMajorMatrix::new(values, height).transpose()
}

/// An epoch's L2G table.
pub fn leaf(epoch: u32, rows: &[Chain]) -> Table {
    let mut trace = RowMajorMatrix::new(vec![F::ZERO; l2g::WIDTH << LOG_ROWS], l2g::WIDTH);
    for (row, chain) in trace.values.chunks_mut(l2g::WIDTH).zip(rows) {
        let gap = epoch.saturating_sub(chain.init_epoch + 1);
        for (column, value) in [
            (l2g::CELL, chain.cell),
            (l2g::INIT_EPOCH, chain.init_epoch),
            (l2g::INIT_LO, chain.init & 0xffff),
            (l2g::INIT_HI, chain.init >> 16),
            (l2g::FINI_LO, chain.fini & 0xffff),
            (l2g::FINI_HI, chain.fini >> 16),
            (l2g::FINI_TIMESTAMP, 1),
            (l2g::REAL, 1),
            (l2g::GAP[0], gap & 0xff),
            (l2g::GAP[1], gap >> 8 & 0xff),
        ] {
            row[column] = F::from_u32(value);
        }
    }
    Table {
        air: Kind::Merge(MergeTable::L2g).into(),
        trace,
        public_values: vec![F::from_u32(epoch)],
    }
}

/// A merge's parent table, as the merge that commits it has it.
pub fn parent(node: &Node, rows: &[Chain], counts: &mut RangeCounts) -> Table {
    let trace = filled(MergeTable::Parent.main_width(), 1 << LOG_ROWS, |trace| {
        fill_parent(trace, node.first_epoch, rows, counts).unwrap()
    });
    let public_values = vec![F::from_u32(node.first_epoch)];
    Table {
        air: Kind::Merge(MergeTable::Parent).into(),
        trace,
        public_values,
    }
}

/// The same table as the merge above has it.
pub fn child(parent: &Table) -> Table {
    Table {
        air: Kind::Merge(MergeTable::Child).into(),
        trace: parent.trace.clone(),
        public_values: vec![],
    }
}

/// The canonical empty table in place of `like`.
pub fn empty(like: &Table) -> Table {
    let mut table = like.clone();
    table.trace.values.fill(F::ZERO);
    table.public_values.fill(F::ZERO);
    table
}

/// A merge below the root.
pub fn inner(node: &Node, children: Vec<Table>, rows: &[Chain]) -> Batch {
    assert!(!node.root);
    let mut counts = RangeCounts::new();
    let mut tables = children;
    tables.push(parent(node, rows, &mut counts));
    let carved = vec![true; tables.len()];
    tables.push(range(&counts));
    Batch {
        tables,
        carved,
        statement: statement::merge(&PROGRAM, &PLAN, node, &Claim::default()),
    }
}

/// A root merge that closes `children` against `memory` and the claimed `outcome`.
pub fn root(
    node: &Node,
    children: Vec<Table>,
    memory: &[Chain],
    outcome: Outcome<'static>,
) -> Batch {
    assert!(node.root);
    let image = image();
    let mut counts = RangeCounts::new();
    let carved = vec![true; children.len()];
    let mut tables = children;
    let table = MergeTable::Image(image);
    let trace = filled(table.main_width(), 1 << image.log_height(), |trace| {
        fill_image(trace, &image, memory).unwrap()
    });
    tables.push(Table {
        air: Kind::Merge(table).into(),
        trace,
        public_values: vec![],
    });
    let table = MergeTable::Result(outcome);
    let trace = filled(table.main_width(), 1 << outcome.log_height(), |trace| {
        fill_result(trace, &outcome, memory).unwrap()
    });
    tables.push(Table {
        air: Kind::Merge(table).into(),
        trace,
        public_values: vec![],
    });
    for hole in image.holes() {
        let height = rest_rows(hole, memory).next_power_of_two().max(4);
        let trace = filled(MergeTable::Rest.main_width(), height, |trace| {
            fill_rest(trace, hole, memory, &mut counts).unwrap()
        });
        let public_values = vec![F::from_u32(hole.0), F::from_u32(hole.1)];
        tables.push(Table {
            air: Kind::Merge(MergeTable::Rest).into(),
            trace,
            public_values,
        });
    }
    tables.push(range(&counts));
    let claim = Claim {
        public: Identity::default(),
        result: statement::result_digest(outcome.exit_code(), outcome.output()),
    };
    Batch {
        tables,
        carved,
        statement: statement::merge(&PROGRAM, &PLAN, node, &claim),
    }
}

/// The range table.
pub fn range(counts: &RangeCounts) -> Table {
    let trace = filled(1, RANGE_ROWS, |trace| fill_range(trace, counts));
    Table {
        air: Kind::Merge(MergeTable::Range).into(),
        trace,
        public_values: vec![],
    }
}

/// The merge of the toy run in one step, with `outcome` claimed.
pub fn flat(run: &[&[(u32, u32)]], outcome: Outcome<'static>) -> Batch {
    let leaves = leaves(run);
    let memory = compose(&leaves);
    flat_of(&leaves, &memory, outcome)
}

/// A merge in one step of these L2G rows, closed against this memory.
pub fn flat_of(leaves: &[Vec<Chain>], memory: &[Chain], outcome: Outcome<'static>) -> Batch {
    let tree = Tree::new(leaves.len() as u32, leaves.len().max(2) as u32).unwrap();
    let mut children: Vec<_> = (1..)
        .zip(leaves)
        .map(|(epoch, rows)| leaf(epoch, rows))
        .collect();
    children.resize_with(tree.arity() as usize, || empty(&leaf(0, &[])));
    root(&tree.root().unwrap(), children, memory, outcome)
}

/// Every merge of a run, in the order of the bundle; the root, which claims `outcome`, is last.
pub fn merge_tree(run: &[&[(u32, u32)]], arity: u32, outcome: Outcome<'static>) -> Vec<Batch> {
    let leaves = leaves(run);
    let tree = Tree::new(leaves.len() as u32, arity).unwrap();
    let mut open: Vec<(Child, Vec<Chain>, Table)> = vec![];
    let mut merges = vec![];
    for step in tree.steps() {
        let node = match step {
            Step::Epoch(epoch) => {
                let rows = leaves[epoch as usize - 1].clone();
                let table = leaf(epoch, &rows);
                open.push((Child::Epoch(epoch), rows, table));
                continue;
            }
            Step::Merge(node) => node,
        };
        let taken = open.split_off(open.len() - node.children as usize);
        assert!(
            tree.children(node)
                .zip(&taken)
                .all(|(child, (of, ..))| child == *of)
        );
        let rows = compose(
            &taken
                .iter()
                .map(|(_, rows, _)| rows.clone())
                .collect::<Vec<_>>(),
        );
        let mut children: Vec<_> = taken.into_iter().map(|(.., table)| table).collect();
        let filler = empty(&children[0]);
        children.resize(arity as usize, filler);
        if node.root {
            merges.push(root(&node, children, &rows, outcome));
        } else {
            let batch = inner(&node, children, &rows);
            let table = child(&batch.tables[arity as usize]);
            open.push((
                Child::Merge {
                    level: node.level,
                    index: node.index,
                },
                rows,
                table,
            ));
            merges.push(batch);
        }
    }
    assert!(open.is_empty());
    merges
}
