//! `tranche prove`: executes a program and writes a bundle that proves the execution.

use std::fs::File;
use std::io::{BufWriter, LineWriter, stderr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use serde_json::json;
use tranche_core::plan::Profile;
use tranche_machine::Program;
use tranche_machine::settings::Settings;
use tranche_machine::setup::Setup;

use super::report::{peak_rss_bytes, profile_name, progress_bar, size};
use super::{print, read, read_input};
use crate::cli::ProveArgs;
use crate::error::Error;
use crate::execute::{Execution, execute_within};
use crate::hex::{digest_hex, hex};
use crate::prove::{Fit, Options, fit};
use crate::{backend, prove};

/// Runs the subcommand.
///
/// # Errors
/// When a file cannot be read or written, the execution cannot go on, or nothing fits the budget.
pub fn run(args: &ProveArgs) -> Result<ExitCode, Error> {
    let elf = read(&args.program)?;
    let input = read_input(args.input.as_deref())?;
    let program = Program::parse(&elf)?;
    let start = Instant::now();
    let mut messages = LineWriter::new(stderr());
    let execution = execute_within(
        &program,
        &input,
        args.max_cycles,
        args.max_memory,
        &mut messages,
    )?;
    let (setup, options) = setup(args, &program, &input, &execution)?;

    let path = args
        .output
        .clone()
        .unwrap_or_else(|| default_path(&args.program));
    let file = File::create(&path).map_err(|error| Error::File {
        path: path.clone(),
        error,
    })?;
    let bar = progress_bar(execution.cycles);
    let proved = prove(
        &setup,
        &input,
        &execution,
        &options,
        BufWriter::new(file),
        |proved| {
            bar.set_position(proved.cycles);
            bar.set_message(format!(
                "{} epochs, {} merges",
                proved.epochs, proved.merges
            ));
        },
    );
    bar.finish_and_clear();
    let proved = proved.inspect_err(|_| discard(&path))?;
    let seconds = start.elapsed().as_secs_f64();

    let digest = digest_hex(&setup.program_digest);
    if args.json {
        let report = json!({
            "program_digest": digest,
            "cycles": proved.cycles,
            "epochs": proved.epochs,
            "epoch_log2": setup.settings.log2_cycles,
            "merges": proved.merges,
            "exit_code": execution.exit_code,
            "output_hex": hex(execution.output),
            "bundle_bytes": proved.bundle_bytes,
            "prove_seconds": seconds,
            "profile": profile_name(options.profile),
            "workspace_bytes": proved.workspace_bytes,
            "peak_rss_bytes": peak_rss_bytes(),
            "workers": options.workers,
            "backend": backend::name(),
        });
        print(format!("{report}\n"))?;
    } else {
        let (cycles, epochs, log2) = (proved.cycles, proved.epochs, setup.settings.log2_cycles);
        let output = execution.output.len();
        print(format!(
            "program    {digest}\n\
             cycles     {cycles} in {epochs} epochs of at most 2^{log2}, {} merges\n\
             exit code  {}, {output} bytes of output\n\
             bundle     {}, {}\n\
             workspaces {}, {}\n\
             time       {seconds:.2} s, {} workers, {}\n",
            proved.merges,
            execution.exit_code,
            path.display(),
            size(proved.bundle_bytes),
            size(proved.workspace_bytes as u64),
            profile_name(options.profile),
            options.workers,
            backend::name(),
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The program's name, in the current folder.
fn default_path(program: &Path) -> PathBuf {
    let mut name = program.file_stem().unwrap_or_default().to_owned();
    name.push(".bundle");
    name.into()
}

fn options(args: &ProveArgs) -> Options {
    let default = Options::default();
    Options {
        workers: args.workers.unwrap_or(default.workers),
        profile: args.profile.map_or(default.profile, Into::into),
        ..default
    }
}

/// The setup and the profile that the arguments ask for.
fn setup<'a>(
    args: &ProveArgs,
    program: &'a Program<'a>,
    input: &[u8],
    execution: &Execution,
) -> Result<(Setup<'a>, Options), Error> {
    let mut options = options(args);
    let mut settings = Settings {
        arity: args.arity,
        ..Settings::default()
    };
    if let Some(bytes) = args.memory {
        let profiles = match args.profile {
            Some(profile) => vec![profile.into()],
            None => vec![Profile::Fast, Profile::Compact],
        };
        let found = fit(
            program, input, execution, settings, &options, &profiles, bytes,
        )?;
        return match found {
            Fit::Fits(setup, profile) => {
                options.profile = profile;
                Ok((setup, options))
            }
            Fit::TooSmall { needed } => Err(Error::Budget { bytes, needed }),
        };
    }
    if let Some(log2_cycles) = args.epoch_log2 {
        settings.log2_cycles = log2_cycles;
    }
    let setup = Setup::secure(program, settings, options.floor)?;
    Ok((setup, options))
}

/// Removes what was written before proving failed; a part of a bundle is of no use.
fn discard(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        eprintln!(
            "tranche: {} is no bundle and cannot be removed: {error}",
            path.display()
        );
    }
}
