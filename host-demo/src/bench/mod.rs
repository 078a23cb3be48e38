//! `tranche bench`: the core against the unmodified `p3_batch_stark::prove_batch`.
//!
//! Ratios are what counts: two programs compared in one run. The exit code is 1 when the bytes of any
//! proof differ from Plonky3's.
//!
//! | module | role |
//! |---|---|
//! | `cases`, `airs` | the batches, and the tables they are made of |
//! | `race` | two provers, one batch |
//! | `ledger` | what each phase computes and moves, from the plan |
//! | `kernels` | permutation, extension and inversion alone |
//! | `profiles` | what each profile of the workspace costs |
//! | `scaling` | a whole run with one worker and with two |
//! | `clock`, `print` | stopwatches; tables, Markdown, JSON |

mod airs;
mod cases;
mod clock;
mod kernels;
mod ledger;
mod print;
mod profiles;
mod race;
mod scaling;

use std::fmt;
use std::io::{IsTerminal, stderr};
use std::process::ExitCode;

use tranche_core::PlanError;
use tranche_core::prover::{ProveError, SetupError};
use tranche_machine::{ElfError, ExecError, setup};

use crate::answer::print;
use crate::cli::BenchArgs;
use crate::error::{BAD_USAGE, Error, REFUSED};
use crate::prove;
use cases::{CASES, Case};
use print::Measured;

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
    /// The two sides of this kernel compute different things.
    Kernel(String),
    /// Program and settings of the run do not go together.
    Run(setup::SetupError),
    /// The run could not be proved.
    Prove(prove::ProveError),
    /// Two workers wrote another bundle than one.
    Bundles,
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

impl From<setup::SetupError> for BenchError {
    fn from(error: setup::SetupError) -> Self {
        Self::Run(error)
    }
}

impl From<prove::ProveError> for BenchError {
    fn from(error: prove::ProveError) -> Self {
        Self::Prove(error)
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
            Self::Kernel(name) => write!(f, "{name}: the core and Plonky3 disagree"),
            Self::Run(error) => error.fmt(f),
            Self::Prove(error) => error.fmt(f),
            Self::Bundles => write!(f, "two workers wrote another bundle than one"),
        }
    }
}

/// Runs the subcommand.
///
/// # Errors
/// When no case has the name, a prover refuses a batch, or two sides disagree on a kernel.
pub fn run(args: &BenchArgs) -> Result<ExitCode, Error> {
    let measured = measure(args).map_err(Error::Bench)?;
    print(if args.json {
        format!("{}\n", measured.json())
    } else if args.markdown {
        measured.markdown()
    } else {
        measured.text()
    })?;
    let equal = measured.cases.iter().all(|(_, report)| report.bytes_equal)
        && measured
            .profiles
            .iter()
            .all(|(_, report)| report.bytes_equal);
    Ok(ExitCode::from(if equal { 0 } else { REFUSED }))
}

/// Measures what the arguments ask for.
fn measure(args: &BenchArgs) -> Result<Measured, BenchError> {
    let what = What::of(args);
    let mut measured = Measured {
        ledgers: what.ledgers,
        ..Measured::default()
    };
    let runs = args.runs as usize;
    if what.cases {
        for case in selected(args)? {
            say(&format!("{}: {runs} proofs each", case.name));
            measured.cases.push((case.name, (case.race)(runs)?));
        }
    }
    if what.kernels {
        say("kernels");
        measured.kernels = kernels::run()?;
    }
    if what.profiles {
        say(&format!("profiles: {runs} proofs each"));
        measured.profiles = profiles::run(runs)?;
    }
    if what.scaling {
        say(&format!("scaling: {runs} runs each"));
        measured.scaling = Some(scaling::run(runs)?);
    }
    Ok(measured)
}

/// Tells a terminal what is being measured.
fn say(what: &str) {
    if stderr().is_terminal() {
        eprintln!("{what}");
    }
}

/// Which measurements are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct What {
    cases: bool,
    ledgers: bool,
    kernels: bool,
    profiles: bool,
    scaling: bool,
}

impl What {
    fn of(args: &BenchArgs) -> Self {
        let cases = args.case.is_some() || args.phases;
        let others = args.kernels || args.profiles || args.scaling;
        if args.markdown && !(cases || others) {
            return Self {
                cases: true,
                ledgers: true,
                kernels: true,
                profiles: true,
                scaling: true,
            };
        }
        Self {
            cases: cases || !others,
            ledgers: args.phases,
            kernels: args.kernels,
            profiles: args.profiles,
            scaling: args.scaling,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn args(case: Option<&str>) -> BenchArgs {
        BenchArgs {
            case: case.map(Into::into),
            runs: 1,
            phases: false,
            kernels: false,
            profiles: false,
            scaling: false,
            markdown: false,
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
    fn flags_say_what_is_measured() {
        let what = |change: fn(&mut BenchArgs)| {
            let mut args = args(None);
            change(&mut args);
            let What {
                cases,
                ledgers,
                kernels,
                profiles,
                scaling,
            } = What::of(&args);
            [cases, ledgers, kernels, profiles, scaling].map(u8::from)
        };
        assert_eq!(what(|_| ()), [1, 0, 0, 0, 0]);
        assert_eq!(what(|args| args.phases = true), [1, 1, 0, 0, 0]);
        assert_eq!(what(|args| args.profiles = true), [0, 0, 0, 1, 0]);
        assert_eq!(what(|args| args.kernels = true), [0, 0, 1, 0, 0]);
        assert_eq!(what(|args| args.scaling = true), [0, 0, 0, 0, 1]);
        assert_eq!(what(|args| args.markdown = true), [1, 1, 1, 1, 1]);
        assert_eq!(
            what(|args| (args.markdown, args.kernels) = (true, true)),
            [0, 0, 1, 0, 0]
        );
        assert_eq!(
            what(|args| (args.case, args.kernels) = (Some("keccak-2^12".into()), true)),
            [1, 0, 1, 0, 0]
        );
    }
}
