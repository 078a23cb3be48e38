//! `tranche prove`: executes a program and writes a bundle that proves the execution.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{BufWriter, Read};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use serde_json::json;
use tranche_core::shape::Profile;
use tranche_machine::Program;
use tranche_machine::settings::Settings;

use super::report::{profile_name, progress_bar, size};
use super::resume::{bind, finish, say_way_on, way_on};
use super::retire::prove_as_one;
use super::{execute, program, read_guest};
use crate::answer::Answer;
use crate::cli::{Approach, ProveArgs, Size};
use crate::error::Error;
use crate::execute::Execution;
use crate::files::{Output, Partial, Unfinished, is_standard};
use crate::hex::{digest_hex, hex};
use crate::mix::Sizing;
use crate::prove::{
    Budget, Ends, Fit, Options, ProveError, Proved, Surveyed, fit, metered, secure, soonest,
};
use crate::signals;
use crate::system::{available_bytes, peak_rss_bytes, processor_seconds};
use crate::verify::verify;

/// log2 of the cycles of the longest epoch that is chosen where bytes count: longer ones make bundles hardly smaller.
const LONGEST_SMALL: u32 = 18;

/// Runs the subcommand.
///
/// # Errors
/// When a file cannot be read or written, the execution cannot go on, or nothing fits the budget.
pub fn run(args: &ProveArgs, answer: Answer) -> Result<ExitCode, Error> {
    match (args.approach, args.epochs_only(), args.retire_only()) {
        (Approach::Retire | Approach::Monolithic, Some(option), _) => {
            return Err(Error::EpochsOnly { option });
        }
        (Approach::Epochs | Approach::Monolithic, _, Some(option)) => {
            return Err(Error::RetireOnly { option });
        }
        _ => {}
    }
    if let (Approach::Monolithic, Some(option)) = (args.approach, args.of_cuts()) {
        return Err(Error::NotMonolithic { option });
    }
    let named = (args.input.as_deref(), args.public.as_deref());
    let [elf, input, public] = read_guest(&args.program, named.0, named.1)?;
    let program = program(&elf, &public)?.decoded();
    let unfinished = Unfinished::default();
    let (ended, path) = (unfinished.clone(), args.output_path());
    let kept = args.resume.then(|| Partial::path_for(&path));
    signals::end_after({
        let kept = kept.clone();
        move |signal| {
            ended.discard_for_good();
            let way_on = kept.map(|kept| format!("; {}", way_on(&kept)));
            let way_on = way_on.unwrap_or_default();
            answer.fail("tranche", format_args!("ended by {signal}{way_on}"));
        }
    })
    .map_err(Error::Signals)?;
    // What cannot be written is known before anything is executed.
    let sources = [
        ("program", &elf),
        ("input", &input),
        ("public input", &public),
    ];
    let (mut output, mut partial) = match kept {
        None => (Output::open(&path, &sources, &unfinished)?, None),
        Some(kept) => {
            let output = Output::late(&path, &sources, &unfinished)?;
            (output, Some(Partial::open(kept, &sources)?))
        }
    };

    let start = Instant::now();
    let input = &input.bytes;
    let execution = execute(&program, input, args.max_cycles, args.max_memory)?;
    let program = args.sizing().program(&program, &execution);
    if args.approach != Approach::Epochs {
        return prove_as_one(
            args,
            (&program, input),
            (&execution, start),
            (output, partial),
            answer,
        );
    }
    let (run, options, chosen) = surveyed(args, &program, input, &execution)?;
    if let Some(partial) = &mut partial {
        bind(partial, &run.binding())?;
    }
    let bar = progress_bar(execution.cycles);
    let progress = |proved: &Proved| {
        bar.set_position(proved.cycles);
        bar.set_message(format!(
            "{} epochs, {} merges",
            proved.epochs, proved.merges
        ));
    };
    let out = BufWriter::new(&mut output);
    let proved = match &mut partial {
        None => run.prove(&options, out, progress),
        Some(partial) => run.resume(&options, partial, out, progress),
    };
    bar.finish_and_clear();
    let setup = run.setup;
    let proved = proved.inspect_err(|_| say_way_on(partial.as_ref()));
    let proved = proved.map_err(|error| match error {
        ProveError::Write(error) => output.write_error(error),
        ProveError::Partial(error) => match &partial {
            Some(partial) => partial.write_error(error),
            None => output.write_error(error),
        },
        error => error.into(),
    })?;
    let name = output.name().to_owned();
    let verdict = |bundle: &mut dyn Read| verify(&program, bundle).map(drop);
    finish(output, partial, proved.resumed_epochs > 0, verdict)?;
    let seconds = start.elapsed().as_secs_f64();

    let digest = digest_hex(&setup.program_digest);
    if args.json {
        let report = json!({
            "program_digest": digest,
            "public_digest": digest_hex(&program.public().digest()),
            "cycles": proved.cycles,
            "epochs": proved.epochs,
            "resumed_epochs": proved.resumed_epochs,
            "epochs_ended_by": proved.ends.counts().collect::<BTreeMap<_, _>>(),
            "epoch_log2": setup.settings.log2_cycles,
            "merges": proved.merges,
            "exit_code": execution.exit_code,
            "output_hex": hex(execution.output.iter().copied()),
            "bundle_bytes": proved.bundle_bytes,
            "prove_seconds": seconds,
            "processor_seconds": processor_seconds(),
            "hash": setup.settings.hash.name(),
            "profile": profile_name(options.profile),
            "workspace_bytes": proved.workspace_bytes,
            "padding": proved.cells.padding(),
            "memory_budget_bytes": args.memory.or(chosen.and_then(|chosen| chosen.bytes)),
            "expected_hashes": proved.expected_hashes,
            "peak_rss_bytes": peak_rss_bytes(),
            "workers": proved.workers,
            "backend": tranche_backend::NAME,
        });
        answer.give(format!("{report}\n"))?;
    } else {
        let (cycles, epochs, log2) = (proved.cycles, proved.epochs, setup.settings.log2_cycles);
        let output = execution.output.len();
        let chosen = chosen.map(|chosen| format!("chosen     2^{log2}: {}\n", chosen.reason(log2)));
        answer.give(format!(
            "program    {digest}\n\
             {}\
             cycles     {cycles} in {epochs} epochs of at most 2^{log2}, {} merges\n\
             ended by   {}\n\
             exit code  {}, {output} bytes of output\n\
             bundle     {}, {}\n\
             workspaces {}, {}\n\
             time       {seconds:.2} s, {} workers, {}, {}\n",
            chosen.unwrap_or_default(),
            proved.merges,
            ends_text(&proved.ends),
            execution.exit_code,
            name.display(),
            size(proved.bundle_bytes),
            size(proved.workspace_bytes as u64),
            profile_name(options.profile),
            proved.workers,
            setup.settings.hash.name(),
            tranche_backend::NAME,
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

impl ProveArgs {
    /// Where the bundle goes: by default to the program's name, in the current folder.
    pub fn output_path(&self) -> Cow<'_, Path> {
        if let Some(path) = &self.output {
            return path.into();
        }
        let program = Path::new("stdin");
        let program = match &self.program {
            path if is_standard(path) => program,
            path => path,
        };
        let mut name = program.file_stem().unwrap_or_default().to_owned();
        name.push(".bundle");
        Cow::Owned(name.into())
    }

    /// The profiles that a budget may choose from.
    pub fn profiles(&self) -> Vec<Profile> {
        match self.profile {
            Some(profile) => vec![profile.into()],
            None => vec![Profile::Fast, Profile::Compact],
        }
    }
}

/// What ended how many epochs, by the names of the tables, for a reader: without what ended none.
fn ends_text(ends: &Ends) -> String {
    let counts = ends.counts().filter(|&(_, epochs)| epochs > 0);
    let counts: Vec<_> = counts
        .map(|(what, epochs)| match what {
            "exit" => format!("exit: {epochs}"),
            table => format!("full {table}: {epochs}"),
        })
        .collect();
    counts.join(", ")
}

fn options(args: &ProveArgs) -> Options {
    let default = Options::default();
    Options {
        workers: args.workers.unwrap_or(default.workers),
        profile: args.profile.map_or(default.profile, Into::into),
        ..default
    }
}

/// The run with the setup and the profile that the arguments ask for, and what was chosen without being asked for.
fn surveyed<'a>(
    args: &ProveArgs,
    program: &'a Program<'a>,
    input: &'a [u8],
    execution: &'a Execution,
) -> Result<(Surveyed<'a>, Options, Option<Chosen>), Error> {
    let options = options(args);
    let mut settings = Settings {
        arity: args.arity,
        hash: args.hash.into(),
        params: args.size.params(),
        ..Settings::default()
    };
    let profiles = args.profiles();
    let (budget, chosen) = match (args.memory, args.epoch_log2) {
        (Some(bytes), _) => (bytes, None),
        // Whoever goes on with a run has to choose what was chosen before, whatever memory is left then.
        (None, None) if !args.resume => {
            let half = available_bytes().map(|bytes| bytes / 2);
            let longest = match args.size {
                Size::Fast => soonest(execution.cycles, options.workers),
                Size::Small => LONGEST_SMALL,
            };
            let chosen = Chosen {
                bytes: half,
                longest,
                size: args.size,
            };
            (half.unwrap_or(u64::MAX), Some(chosen))
        }
        (None, given) => {
            settings.log2_cycles = given.unwrap_or(settings.log2_cycles);
            if args.sizing() == Sizing::Metered {
                settings = metered(program, input, execution, settings)?;
            }
            let run = secure(program, input, execution, settings, options.floor)?;
            return Ok((run, options, None));
        }
    };
    let longest = chosen.map_or(u32::MAX, |chosen| chosen.longest);
    let budget = Budget {
        bytes: budget,
        longest,
        profiles: &profiles,
    };
    let sizing = args.sizing();
    match fit(
        program, input, execution, settings, sizing, &options, budget,
    )? {
        Fit::Fits(run, options) => Ok((*run, options, chosen)),
        Fit::TooSmall { needed } => Err(Error::Budget {
            retire: false,
            bytes: budget.bytes,
            needed,
        }),
    }
}

/// What was chosen where neither a length nor a budget was given.
#[derive(Clone, Copy, Debug)]
struct Chosen {
    /// Half of what the system can give, if it tells.
    bytes: Option<u64>,
    /// log2 of the most cycles that an epoch was to have.
    longest: u32,
    /// What the bundle is made for.
    size: Size,
}

impl Chosen {
    /// Why epochs have at most 2^`log2_cycles` cycles, for a reader.
    fn reason(&self, log2_cycles: u8) -> String {
        let why = match self.size {
            Size::Fast if self.longest == u32::from(log2_cycles) => "all workers are done soonest",
            Size::Small if self.longest == u32::from(log2_cycles) => "the fewest bytes",
            _ => "no longer ones are of use, or fit",
        };
        match self.bytes {
            Some(bytes) => format!("{why}; half of the memory left is {}", size(bytes)),
            None => why.to_owned(),
        }
    }
}
