//! Forgeries by table and check.

use std::collections::BTreeSet;
use std::fmt::{Debug, Display};

use p3_air::{Air, BaseAir};
use tranche_core::F;
use tranche_machine::bus::{AND4, RANGE};
use tranche_test_support::audit::{Auditor, Flaw};
use tranche_test_support::omit::{Checks, Omit};

/// What a verifier is shown: the traces and public values of a batch.
pub trait Witness {
    /// How the tables of the batch are told apart.
    type Table: Copy + Debug + Ord;

    /// Everything that is wrong with it when one table lacks some checks.
    fn flaws(&self, table: Self::Table, omit: &[Omit]) -> BTreeSet<Flaw<Self::Table>>;
}

/// A witness that is refused by one check alone.
pub struct Forgery<W> {
    /// What it claims.
    pub name: String,
    /// The check; two interactions that are one access count as one.
    pub omits: Vec<Omit>,
    /// The witness.
    pub witness: W,
}

/// A table, and what is known of each of its checks.
pub struct Entry<W: Witness> {
    /// For messages.
    pub name: &'static str,
    /// The table.
    pub table: W::Table,
    /// Its checks.
    pub checks: Checks,
    /// At least one for each check.
    pub forgeries: Vec<Forgery<W>>,
    /// The checks that refuse nothing which the others accept, each with its proof.
    pub redundant: Vec<(Omit, &'static str)>,
}

impl<W: Witness> Entry<W> {
    /// A table about which nothing is known.
    pub fn new<A>(name: &'static str, table: W::Table, air: &A) -> Self
    where
        A: BaseAir<F> + for<'a> Air<Auditor<'a>>,
    {
        Self {
            name,
            table,
            checks: Checks::of(air),
            forgeries: vec![],
            redundant: vec![],
        }
    }

    /// Adds a forgery that `check` refuses.
    pub fn forge(&mut self, check: Omit, name: impl Into<String>, witness: W) {
        self.forge_all(&[check], name, witness);
    }

    /// Adds a forgery that several interactions refuse, which are one access.
    pub fn forge_all(&mut self, checks: &[Omit], name: impl Into<String>, witness: W) {
        self.forgeries.push(Forgery {
            name: name.into(),
            omits: checks.to_vec(),
            witness,
        });
    }

    /// Every forgery is accepted without its check, and refused with it for nothing else.
    pub fn judge(&self) {
        for forgery in &self.forgeries {
            let Forgery {
                name,
                omits,
                witness,
            } = forgery;
            let what = format!("{}: {name} ({omits:?})", self.name);
            let refused = witness.flaws(self.table, &[]);
            let expected = omits.iter().map(|omit| match *omit {
                Omit::Assertion(k) => Flaw::Constraint(self.table, k),
                Omit::Interaction(k) => Flaw::Bus(self.checks.interactions[k].clone()),
            });
            assert_eq!(refused, expected.collect(), "{what}: why it is refused");
            let accepted = witness.flaws(self.table, omits);
            assert_eq!(accepted, BTreeSet::new(), "{what}: without the check");
        }
    }

    /// Each check is either forged or redundant.
    pub fn covers_all(&self) {
        for check in self.checks.all() {
            let forged = self.is_forged(check);
            let redundant = self.redundant.iter().any(|(of, _)| *of == check);
            assert_ne!(
                forged,
                redundant,
                "{}: {check:?} {}: forged, redundant",
                self.name,
                self.bus(check)
            );
        }
    }

    /// Whether a forgery is refused by this check, on the buses of lookups by it alone.
    fn is_forged(&self, check: Omit) -> bool {
        let alone = matches!(check, Omit::Assertion(_)) || self.is_range(check);
        self.forgeries
            .iter()
            .any(|forgery| forgery.omits.contains(&check) && (forgery.omits.len() == 1 || !alone))
    }

    fn bus(&self, check: Omit) -> &str {
        match check {
            Omit::Assertion(_) => "",
            Omit::Interaction(k) => &self.checks.interactions[k],
        }
    }

    fn is_range(&self, check: Omit) -> bool {
        [RANGE, AND4].contains(&self.bus(check))
    }
}

/// What is counted of a table.
const COUNTED: [&str; 6] = [
    "assertions",
    "range messages",
    "other messages",
    "forged checks",
    "forgeries",
    "redundant",
];

/// The counts of a table, or of several.
pub type Counts = [usize; COUNTED.len()];

/// The counts of some tables, added up.
pub fn count<'a, W: Witness + 'a>(entries: impl IntoIterator<Item = &'a Entry<W>>) -> Counts {
    let of = |entry: &Entry<W>| {
        let count =
            |is: &dyn Fn(Omit) -> bool| entry.checks.all().filter(|&check| is(check)).count();
        let ranges = count(&|check| entry.is_range(check));
        [
            entry.checks.assertions,
            ranges,
            entry.checks.interactions.len() - ranges,
            count(&|check| entry.is_forged(check)),
            entry.forgeries.len(),
            entry.redundant.len(),
        ]
    };
    let add = |sum: Counts, line: Counts| std::array::from_fn(|i| sum[i] + line[i]);
    entries.into_iter().map(of).fold([0; COUNTED.len()], add)
}

/// Prints a line for each table, then what is redundant.
pub fn print_counts<W: Witness>(entries: &[Entry<W>]) {
    print_line("table", COUNTED);
    for entry in entries {
        print_line(entry.name, count([entry]));
    }
    print_line("sum", count(entries));
    for entry in entries {
        for (check, proof) in &entry.redundant {
            println!("{}, {check:?} is redundant: {proof}", entry.name);
        }
    }
}

/// The counts that a document has of some tables: the numbers, and whether the last column says anything, of
/// each row of the one table that is headed by `columns`. A cell without a number is zero.
pub fn documented(document: &str, columns: &[&str]) -> Vec<(String, Vec<usize>, bool)> {
    let cells = |line: &str| -> Vec<String> {
        let line = line.trim_matches('|');
        line.split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let mut lines = document.lines();
    let heading = lines.find(|line| cells(line) == columns);
    heading.expect("a table with these columns");
    let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|line| {
        let mut row = cells(line).into_iter();
        let (name, said) = (row.next().unwrap(), row.next_back().unwrap());
        let numbers = row.map(|cell| match &*cell {
            "" => 0,
            number => number.parse().unwrap(),
        });
        (name, numbers.collect(), !said.is_empty())
    })
    .collect()
}

fn print_line<T: Display>(name: &str, columns: [T; COUNTED.len()]) {
    print!("{name:<16}");
    columns
        .into_iter()
        .for_each(|column| print!(" {column:>14}"));
    println!();
}
