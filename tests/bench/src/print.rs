//! What was measured, as text, as Markdown or as JSON.

use std::fmt::Write as _;
use std::fs;

use serde_json::{Map, Value, json};

use crate::guests::Guest;
use crate::kernels::Kernel;
use crate::profiles::{self, Comparison};
use crate::race::{PHASES, Report};
use crate::scaling::Scaling;
use tranche::table::{Form, draw};
use tranche_machine::hash::Hash;

/// Bytes of the unit of the printed tables.
pub const MIB: f64 = (1 << 20) as f64;

/// Everything that one call of the subcommand measured; what it did not is empty.
#[derive(Debug, Default)]
pub struct Measured {
    /// The cases, by name.
    pub cases: Vec<(&'static str, Report)>,
    /// Whether their ledgers are wanted too.
    pub ledgers: bool,
    /// The kernels.
    pub kernels: Vec<Kernel>,
    /// The profiles, by case.
    pub profiles: Vec<(&'static str, Comparison)>,
    /// The runs with one worker and with two, suite by suite.
    pub scaling: Vec<[Scaling; 2]>,
    /// The guests, suite by suite.
    pub guests: Vec<(Hash, Vec<Guest>)>,
}

/// One table.
pub struct Table {
    /// What it is about.
    pub title: String,
    /// A name for each column.
    pub heading: Vec<String>,
    /// As many texts in each row.
    pub rows: Vec<Vec<String>>,
}

impl Measured {
    /// One object, with a key for each kind of measurement that was made.
    pub fn json(&self) -> Value {
        let mut object = Map::new();
        object.insert("build".into(), build().into());
        if !self.cases.is_empty() {
            let cases = self.cases.iter().map(|(name, report)| case(name, report));
            object.insert("cases".into(), cases.collect());
        }
        if !self.kernels.is_empty() {
            object.insert("kernels".into(), self.kernels.iter().map(kernel).collect());
        }
        if !self.profiles.is_empty() {
            let profiles = self.profiles.iter();
            let profiles = profiles.map(|(name, report)| profiles::object(name, report));
            object.insert("profiles".into(), profiles.collect());
        }
        if !self.scaling.is_empty() {
            object.insert("scaling".into(), self.scaling.iter().map(scaling).collect());
        }
        if !self.guests.is_empty() {
            let guests = self.guests.iter();
            let guests = guests.flat_map(|(hash, guests)| guests.iter().map(|it| guest(*hash, it)));
            object.insert("guests".into(), guests.collect());
        }
        object.into()
    }

    /// Tables for a terminal or, as Markdown, for `docs/performance.md`.
    pub fn tables(&self, form: Form) -> String {
        let mut text = build() + "\n";
        for Table {
            title,
            heading,
            rows,
        } in self.all()
        {
            let below = match form {
                Form::Text => "\n",
                Form::Markdown => ":\n\n",
            };
            let _ = write!(text, "\n{title}{below}{}", draw(form, heading, &[], rows));
        }
        text
    }

    fn all(&self) -> Vec<Table> {
        let mut tables = Vec::new();
        if !self.cases.is_empty() {
            tables.push(race_table(&self.cases));
        }
        if self.ledgers {
            let ledgers = self.cases.iter();
            tables.extend(ledgers.map(|(name, report)| ledger_table(name, report)));
        }
        if !self.kernels.is_empty() {
            tables.push(kernel_table(&self.kernels));
        }
        if !self.profiles.is_empty() {
            tables.push(profiles::table(&self.profiles));
            tables.push(profiles::phase_table(&self.profiles));
        }
        if !self.scaling.is_empty() {
            tables.push(scaling_table(&self.scaling));
        }
        tables.extend(self.guests.iter().map(|(hash, it)| guest_table(*hash, it)));
        tables
    }
}

/// Processor, compiler, flags and backend, and the instructions that the `blake3` crate found: Plonky3's BLAKE3 is its.
fn build() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let processor = field("model name").unwrap_or_else(|| std::env::consts::ARCH.into());
    let family = field("cpu family").map_or(String::new(), |family| format!(" (family {family})"));
    let flags = match env!("TRANCHE_RUSTFLAGS") {
        "" => "no flags",
        flags => flags,
    };
    let (rustc, backend) = (env!("TRANCHE_RUSTC"), tranche_backend::NAME);
    let blake3 = blake3::platform::Platform::detect();
    format!(
        "{processor}{family}, {rustc}, {flags}, backend {backend}, blake3 {blake3:?}, one thread"
    )
}

/// A compression of BLAKE3 counts as a permutation.
fn case(name: &str, report: &Report) -> Value {
    let phases =
        PHASES
            .iter()
            .zip(report.phases)
            .zip(report.costs)
            .map(|((name, seconds), cost)| {
                json!({
                    "name": name,
                    "seconds": seconds,
                    "permutations": cost.hashes,
                    "butterflies": cost.butterflies,
                    "bytes": cost.bytes,
                })
            });
    json!({
        "name": name,
        "suite": report.suite.name(),
        "core_seconds": report.core_seconds,
        "plonky3_seconds": report.plonky3_seconds,
        "plonky3_poseidon2_seconds": report.poseidon2_seconds,
        "ratio": report.ratio(),
        "ratio_to_poseidon2": report.ratio_to_poseidon2(),
        "verify_seconds": report.verify_seconds,
        "plonky3_verify_seconds": report.plonky3_verify_seconds,
        "core_bytes": report.core_bytes,
        "plonky3_bytes": report.plonky3_bytes,
        "bytes_equal": report.bytes_equal,
        "backend": tranche_backend::NAME,
        "core_processor_seconds": report.core_processor_seconds(),
        "plonky3_processor_seconds": report.plonky3_processor_seconds,
        "permutations": report.hashes(),
        "packed_permutation_ns": 1e9 * report.packed_hash_seconds,
        "lanes": report.lanes,
        "hash_floor_seconds": report.hash_floor_seconds(),
        "over_floor": report.over_floor(),
        "phases": phases.collect::<Vec<_>>(),
    })
}

fn kernel(kernel: &Kernel) -> Value {
    let plonky3 = kernel.plonky3_ns.iter();
    let plonky3 = plonky3.map(|&(name, ns)| (name.to_owned(), ns.into()));
    json!({
        "name": kernel.name,
        "unit": kernel.unit,
        "core_ns": kernel.core_ns,
        "plonky3_ns": plonky3.collect::<Map<_, _>>(),
        "ratio": kernel.ratio(),
    })
}

fn scaling(runs: &[Scaling; 2]) -> Value {
    let each = runs.iter().map(|run| {
        json!({
            "workers": run.workers,
            "seconds": run.seconds,
            "cycles": run.cycles,
            "epochs": run.epochs,
            "handed_over": run.handed_over,
            "cycles_per_second": run.cycles_per_second(),
        })
    });
    json!({
        "suite": runs[0].suite.name(),
        "runs": each.collect::<Vec<_>>(),
        "ratio": speedup(runs),
    })
}

fn guest(hash: Hash, guest: &Guest) -> Value {
    json!({
        "suite": hash.name(),
        "name": guest.name,
        "cycles": guest.cycles,
        "epochs": guest.epochs,
        "seconds": guest.seconds,
        "cycles_per_second": guest.cycles_per_second(),
        "columns_per_cycle": guest.columns,
        "padding": guest.padding_share(),
        "bundle_bytes": guest.bundle_bytes,
    })
}

/// How many times as fast two workers are.
fn speedup([one, two]: &[Scaling; 2]) -> f64 {
    two.cycles_per_second() / one.cycles_per_second()
}

/// Whether proofs were the same bytes.
pub fn equality(equal: bool) -> String {
    if equal { "equal" } else { "DIFFER" }.to_owned()
}

fn race_table(cases: &[(&str, Report)]) -> Table {
    let row = |(name, report): &(&str, Report)| {
        vec![
            (*name).to_owned(),
            report.suite.name().to_owned(),
            format!("{:.3}", report.core_seconds),
            format!("{:.3}", report.plonky3_seconds),
            format!("{:.2}", report.ratio()),
            format!("{:.2}", report.ratio_to_poseidon2()),
            format!("{:.3}", report.hash_floor_seconds()),
            format!("{:.2}", report.over_floor()),
            format!("{:.1}", report.core_bytes as f64 / MIB),
            format!("{:.1}", report.plonky3_bytes as f64 / MIB),
            format!("{:.1}", 1e3 * report.verify_seconds),
            format!("{:.1}", 1e3 * report.plonky3_verify_seconds),
            equality(report.bytes_equal),
        ]
    };
    Table {
        title: "Proofs, medians of alternating runs (ratio: to Plonky3 with the same suite, and with Poseidon2)"
            .into(),
        heading: strings([
            "case",
            "suite",
            "core s",
            "plonky3 s",
            "ratio",
            "to poseidon2",
            "floor s",
            "over floor",
            "core MiB",
            "plonky3 MiB",
            "verify ms",
            "plonky3 ms",
            "bytes",
        ]),
        rows: cases.iter().map(row).collect(),
    }
}

fn ledger_table(name: &str, report: &Report) -> Table {
    let total = report.core_processor_seconds();
    let row = |phase: &str, seconds: f64, [hashes, butterflies, bytes]: [u64; 3]| {
        vec![
            phase.to_owned(),
            format!("{seconds:.4}"),
            format!("{:.1}", 100.0 * seconds / total),
            hashes.to_string(),
            butterflies.to_string(),
            format!("{:.1}", bytes as f64 / MIB),
            format!("{:.2}", bytes as f64 / seconds / 1e9),
        ]
    };
    let mut sums = [0; 3];
    let mut rows = Vec::new();
    for ((phase, seconds), cost) in PHASES.iter().zip(report.phases).zip(report.costs) {
        let counts = [cost.hashes, cost.butterflies, cost.bytes];
        sums = std::array::from_fn(|i| sums[i] + counts[i]);
        rows.push(row(phase, seconds, counts));
    }
    rows.push(row("all", total, sums));
    let plonky3 = report.plonky3_processor_seconds;
    Table {
        title: format!(
            "{name} {} by phase, processor seconds (Plonky3 {plonky3:.4}, ratio {:.3}; {:.0} ns for {} \
             hashes side by side, all over floor {:.2})",
            report.suite.name(),
            total / plonky3,
            1e9 * report.packed_hash_seconds,
            report.lanes,
            total / report.hash_floor_seconds(),
        ),
        heading: strings(["phase", "s", "%", "hashes", "butterflies", "MiB", "GB/s"]),
        rows,
    }
}

fn kernel_table(kernels: &[Kernel]) -> Table {
    let row = |kernel: &Kernel| {
        let plonky3 = kernel.plonky3_ns.iter();
        let plonky3 = plonky3.map(|(name, ns)| format!("{name} {ns:.3}"));
        vec![
            kernel.name.clone(),
            kernel.unit.to_owned(),
            format!("{:.3}", kernel.core_ns),
            plonky3.collect::<Vec<_>>().join(", "),
            format!("{:.3}", kernel.ratio()),
        ]
    };
    Table {
        title: "Kernels alone, the least of alternating blocks, nanoseconds".into(),
        heading: strings(["kernel", "for", "core", "plonky3", "ratio"]),
        rows: kernels.iter().map(row).collect(),
    }
}

fn scaling_table(suites: &[[Scaling; 2]]) -> Table {
    let row = |run: &Scaling, one: &Scaling| {
        vec![
            run.suite.name().to_owned(),
            run.workers.to_string(),
            format!("{:.3}", run.seconds),
            run.cycles.to_string(),
            run.epochs.to_string(),
            format!("{:.0}", run.cycles_per_second()),
            format!("{:.2}", run.cycles_per_second() / one.cycles_per_second()),
        ]
    };
    Table {
        title: "A whole run, medians of alternating runs".into(),
        heading: strings([
            "suite", "workers", "s", "cycles", "epochs", "cycles/s", "ratio",
        ]),
        rows: suites
            .iter()
            .flat_map(|runs| runs.each_ref().map(|run| row(run, &runs[0])))
            .collect(),
    }
}

/// The guests of a suite, and the mean of each figure that is one of a cycle.
fn guest_table(hash: Hash, guests: &[Guest]) -> Table {
    let row = |guest: &Guest| {
        vec![
            guest.name.to_owned(),
            guest.cycles.to_string(),
            guest.epochs.to_string(),
            format!("{:.2}", guest.seconds),
            format!("{:.0}", guest.cycles_per_second()),
            format!("{:.1}", guest.columns),
            format!("{:.1} %", 100.0 * guest.padding_share()),
            format!("{:.1}", guest.bundle_bytes as f64 / 1e6),
        ]
    };
    let mean = |figure: fn(&Guest) -> f64| {
        guests.iter().map(figure).sum::<f64>() / guests.len().max(1) as f64
    };
    let mut rows: Vec<_> = guests.iter().map(row).collect();
    let [speed, columns, padding] = [
        mean(Guest::cycles_per_second),
        mean(|guest| guest.columns),
        mean(Guest::padding_share),
    ];
    rows.push(strings([
        "mean",
        "",
        "",
        "",
        &format!("{speed:.0}"),
        &format!("{columns:.1}"),
        &format!("{:.1} %", 100.0 * padding),
        "",
    ]));
    Table {
        title: format!(
            "Guests with {}, one worker, epochs of 2^16 cycles, processor seconds of all executions, proofs and merges",
            hash.name()
        ),
        heading: strings([
            "guest",
            "cycles",
            "epochs",
            "s",
            "cycles/s",
            "columns/cycle",
            "padding",
            "bundle MB",
        ]),
        rows,
    }
}

/// A row of texts.
pub fn strings<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_owned).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Cost;

    fn report() -> Report {
        let cost = Cost {
            hashes: 1000,
            butterflies: 5,
            bytes: 1 << 20,
        };
        Report {
            suite: Hash::Blake3,
            core_seconds: 1.0,
            plonky3_seconds: 2.0,
            poseidon2_seconds: 4.0,
            verify_seconds: 0.002,
            plonky3_verify_seconds: 0.001,
            phases: [0.125; PHASES.len()],
            plonky3_processor_seconds: 2.0,
            costs: [cost; PHASES.len()],
            packed_hash_seconds: 1e-3,
            lanes: 16,
            core_bytes: 3,
            plonky3_bytes: 4,
            bytes_equal: true,
        }
    }

    fn measured() -> Measured {
        let run = Scaling {
            suite: Hash::Poseidon2,
            workers: 1,
            handed_over: 0,
            seconds: 2.0,
            cycles: 10,
            epochs: 3,
        };
        let faster = Scaling {
            workers: 2,
            seconds: 1.0,
            ..run
        };
        let guest = Guest {
            name: "g",
            cycles: 10,
            epochs: 1,
            seconds: 2.0,
            columns: 4.0,
            padding: 1.0,
            bundle_bytes: 7,
        };
        Measured {
            cases: vec![("a", report())],
            ledgers: true,
            kernels: vec![Kernel {
                name: "k".into(),
                unit: "a thing",
                core_ns: 1.0,
                plonky3_ns: vec![("p", 2.0)],
            }],
            profiles: vec![],
            scaling: vec![[run, faster]],
            guests: vec![(Hash::Blake3, vec![guest])],
        }
    }

    #[test]
    fn json_has_the_promised_keys() {
        let json = measured().json();
        let case = &json["cases"][0];
        let expected = json!({
            "name": "a", "suite": "blake3", "core_seconds": 1.0, "plonky3_seconds": 2.0, "ratio": 0.5,
            "plonky3_poseidon2_seconds": 4.0, "ratio_to_poseidon2": 0.25,
            "verify_seconds": 0.002, "plonky3_verify_seconds": 0.001,
            "core_bytes": 3, "plonky3_bytes": 4, "bytes_equal": true, "backend": tranche_backend::NAME,
            "permutations": 8000, "lanes": 16, "hash_floor_seconds": 0.5, "over_floor": 2.0,
        });
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(&case[key], value, "{key}");
        }
        let phase = json!({
            "name": "commit", "seconds": 0.125, "permutations": 1000, "butterflies": 5,
            "bytes": 1 << 20,
        });
        assert_eq!(case["phases"][1], phase);
        assert_eq!(json["kernels"][0]["ratio"], 0.5);
        assert_eq!(json["kernels"][0]["plonky3_ns"]["p"], 2.0);
        assert_eq!(json["scaling"][0]["ratio"], 2.0);
        assert_eq!(json["scaling"][0]["suite"], "poseidon2");
        assert_eq!(json["scaling"][0]["runs"][1]["cycles_per_second"], 10.0);
        let guest = json!({
            "suite": "blake3", "name": "g", "cycles": 10, "epochs": 1, "seconds": 2.0,
            "cycles_per_second": 5.0, "columns_per_cycle": 4.0, "padding": 0.25, "bundle_bytes": 7,
        });
        assert_eq!(json["guests"], json!([guest]));
        assert!(json["build"].as_str().unwrap().contains(", blake3 "));
    }

    #[test]
    fn what_was_not_measured_is_not_there() {
        let json = Measured::default().json();
        for key in ["cases", "kernels", "scaling", "guests"] {
            assert!(json[key].is_null(), "{key}");
        }
        assert!(!Measured::default().tables(Form::Text).contains("case"));
    }

    #[test]
    fn every_table_is_printed_in_either_form() {
        let measured = measured();
        for form in [Form::Text, Form::Markdown] {
            let tables = measured.tables(form);
            for part in ["a blake3 by phase", "core s", "a thing", "cycles/s"] {
                assert!(tables.contains(part), "{part}");
            }
            let cells = |line: &str| {
                line.replace('|', " ")
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" ")
            };
            let row = "a blake3 1.000 2.000 0.50 0.25 0.500 2.00 0.0 0.0 2.0 1.0 equal";
            assert!(tables.lines().any(|line| cells(line) == row), "{tables}");
        }
    }
}
