//! `tranche bench`: the core against the unmodified `p3_batch_stark::prove_batch`.
//!
//! Ratios are what counts: two programs compared in one run. The exit code is 1 when the bytes of any
//! proof differ from Plonky3's.

mod airs;
mod cases;
mod race;

use std::fmt;
use std::io::{IsTerminal, stderr};
use std::process::ExitCode;

use serde_json::{Value, json};
use tranche_core::PlanError;
use tranche_core::prover::{ProveError, SetupError};
use tranche_machine::{ElfError, ExecError};

use crate::backend;
use crate::cli::BenchArgs;
use crate::error::{BAD_USAGE, Error, REFUSED};
use cases::{CASES, Case};
use race::{PHASES, Report};

/// Bytes of the unit of the printed table.
const MIB: f64 = (1 << 20) as f64;

/// Why a benchmark ended without a result.
#[derive(Debug)]
#[non_exhaustive]
pub enum BenchError {
    /// No case has this name.
    UnknownCase(String),
    /// The machine cannot load its program.
    Elf(ElfError),
    /// The machine cannot execute its program so far.
    Exec(ExecError),
    /// The core refused the plan of a batch.
    Plan(PlanError),
    /// The core refused the workspace.
    Setup(SetupError),
    /// The core refused the batch.
    Core(ProveError),
    /// Plonky3 refused the batch, and said this.
    Plonky3(String),
}

impl BenchError {
    /// The code that the program exits with.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::UnknownCase(_) => BAD_USAGE,
            _ => REFUSED,
        }
    }

    fn plonky3(error: impl fmt::Debug) -> Self {
        Self::Plonky3(format!("{error:?}"))
    }
}

impl From<ElfError> for BenchError {
    fn from(error: ElfError) -> Self {
        Self::Elf(error)
    }
}

impl From<ExecError> for BenchError {
    fn from(error: ExecError) -> Self {
        Self::Exec(error)
    }
}

impl From<PlanError> for BenchError {
    fn from(error: PlanError) -> Self {
        Self::Plan(error)
    }
}

impl From<SetupError> for BenchError {
    fn from(error: SetupError) -> Self {
        Self::Setup(error)
    }
}

impl From<ProveError> for BenchError {
    fn from(error: ProveError) -> Self {
        Self::Core(error)
    }
}

impl fmt::Display for BenchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownCase(name) => {
                write!(f, "no case is named `{name}`; there are")?;
                CASES
                    .iter()
                    .try_for_each(|case| write!(f, " {}", case.name))
            }
            Self::Elf(error) => error.fmt(f),
            Self::Exec(error) => error.fmt(f),
            Self::Plan(error) => error.fmt(f),
            Self::Setup(error) => error.fmt(f),
            Self::Core(error) => error.fmt(f),
            Self::Plonky3(error) => write!(f, "Plonky3 refused the batch: {error}"),
        }
    }
}

/// Runs the subcommand.
///
/// # Errors
/// When no case has the name, or a prover refuses a batch.
pub fn run(args: &BenchArgs) -> Result<ExitCode, Error> {
    let mut reports = Vec::new();
    for case in selected(args).map_err(Error::Bench)? {
        if stderr().is_terminal() {
            eprintln!("{}: {} proofs each", case.name, args.runs);
        }
        let report = (case.race)(args.runs as usize).map_err(Error::Bench)?;
        if args.phases {
            eprintln!("{}", phases_line(case.name, &report));
        }
        reports.push((case.name, report));
    }
    if args.json {
        let cases: Vec<Value> = reports
            .iter()
            .map(|(name, report)| object(name, report))
            .collect();
        println!("{}", json!({ "cases": cases }));
    } else {
        print_table(&reports);
    }
    let equal = reports.iter().all(|(_, report)| report.bytes_equal);
    Ok(ExitCode::from(if equal { 0 } else { REFUSED }))
}

/// The cases that the arguments ask for.
fn selected(args: &BenchArgs) -> Result<Vec<Case>, BenchError> {
    let Some(name) = &args.case else {
        return Ok(CASES.to_vec());
    };
    let case = CASES.iter().find(|case| case.name == name);
    case.map(|&case| vec![case])
        .ok_or_else(|| BenchError::UnknownCase(name.clone()))
}

fn object(name: &str, report: &Report) -> Value {
    json!({
        "name": name,
        "core_seconds": report.core_seconds,
        "plonky3_seconds": report.plonky3_seconds,
        "ratio": report.ratio(),
        "core_bytes": report.core_bytes,
        "plonky3_bytes": report.plonky3_bytes,
        "bytes_equal": report.bytes_equal,
        "backend": backend::name(),
    })
}

fn print_table(reports: &[(&str, Report)]) {
    println!("backend {}, medians, one thread", backend::name());
    println!(
        "{:<18} {:>9} {:>10} {:>6} {:>10} {:>12}  bytes",
        "case", "core s", "plonky3 s", "ratio", "core MiB", "plonky3 MiB"
    );
    for (name, report) in reports {
        println!(
            "{name:<18} {:>9.3} {:>10.3} {:>6.2} {:>10.1} {:>12.1}  {}",
            report.core_seconds,
            report.plonky3_seconds,
            report.ratio(),
            report.core_bytes as f64 / MIB,
            report.plonky3_bytes as f64 / MIB,
            if report.bytes_equal {
                "equal"
            } else {
                "DIFFER"
            },
        );
    }
}

fn phases_line(name: &str, report: &Report) -> String {
    let phases = PHASES.iter().zip(report.phases);
    let phases: String = phases
        .map(|(phase, s)| format!(" {phase} {s:.4}"))
        .collect();
    let (core, plonky3) = (
        report.phases.iter().sum::<f64>(),
        report.plonky3_processor_seconds,
    );
    let ratio = core / plonky3;
    format!("{name}:{phases}\n  processor: core {core:.4} plonky3 {plonky3:.4} ratio {ratio:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(case: Option<&str>) -> BenchArgs {
        let case = case.map(Into::into);
        BenchArgs {
            case,
            runs: 1,
            phases: false,
            json: false,
        }
    }

    #[test]
    fn cases_are_selected_by_name() {
        assert_eq!(selected(&args(None)).unwrap().len(), CASES.len());
        for case in CASES {
            let [one] = selected(&args(Some(case.name))).unwrap()[..] else {
                panic!("{} is not unique", case.name);
            };
            assert_eq!(one.name, case.name);
        }
        let error = selected(&args(Some("lookup"))).unwrap_err();
        assert_eq!(error.exit_code(), BAD_USAGE);
    }

    #[test]
    fn json_has_the_promised_keys() {
        let report = Report {
            core_seconds: 1.0,
            plonky3_seconds: 2.0,
            phases: [0.0; PHASES.len()],
            plonky3_processor_seconds: 2.0,
            core_bytes: 3,
            plonky3_bytes: 4,
            bytes_equal: true,
        };
        let expected = json!({
            "name": "a", "core_seconds": 1.0, "plonky3_seconds": 2.0, "ratio": 0.5,
            "core_bytes": 3, "plonky3_bytes": 4, "bytes_equal": true, "backend": backend::name(),
        });
        assert_eq!(object("a", &report), expected);
    }
}
