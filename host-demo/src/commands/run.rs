//! `tranche run`: executes a program, and proves nothing.

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::{execute_seen, program, read_guest};
use crate::answer::{print, say};
use crate::cli::RunArgs;
use crate::error::{Error, GUEST_RUN_FAILED, RUN_FAILED};
use crate::execute::{Limits, Observed};
use crate::files::Output;
use crate::hex::hex;
use crate::observe::flame;
use crate::observe::functions::Functions;
use crate::observe::profile::Profile;
use crate::observe::trace::Trace;
use crate::observe::{Observer, markers};
use crate::table::{Form, draw};

/// Runs the subcommand; the guest's exit code is the program's (its low byte, as on Linux), but
/// never [`RUN_FAILED`].
///
/// # Errors
/// When a file cannot be read or written, or the execution cannot go on.
pub fn run(args: &RunArgs) -> Result<ExitCode, Error> {
    let named = (args.input.as_deref(), args.public.as_deref());
    let [elf, input, public] = read_guest(&args.program, named.0, named.1)?;
    let program = program(&elf, &public)?.decoded();
    let sources = [
        ("program", &elf),
        ("input", &input),
        ("public input", &public),
    ];
    let open = |path: &Path| Output::as_it_comes(path, &sources);
    let mut traced = args.trace.as_deref().map(open).transpose()?;
    let profiled = args.profile.as_ref();
    let mut drawn = profiled
        .and_then(|file| file.as_deref().map(open))
        .transpose()?;

    let functions = Functions::of(&program, &elf.bytes);
    let out = traced.as_mut().map(BufWriter::new);
    let mut trace = out.map(|out| Trace::new(&functions, out));
    let mut profile = profiled.map(|_| Profile::new(&functions, program.entry() << 2));
    let mut observers: Vec<&mut dyn Observer> = Vec::new();
    observers.extend(trace.as_mut().map(|it| it as &mut dyn Observer));
    observers.extend(profile.as_mut().map(|it| it as &mut dyn Observer));
    let limits = Limits {
        cycles: args.max_cycles,
        memory: args.max_memory,
    };
    let observed = execute_seen(&program, &input.bytes, limits, &mut observers);
    // What led to an error is what a trace is for.
    let written = trace.map_or(Ok(()), Trace::finish);
    if let (Err(error), Some(output)) = (written, &traced) {
        return Err(output.write_error(error));
    }
    let observed = observed?;
    if let (Some(profile), Some(output), Some(Some(path))) = (&profile, &mut drawn, profiled) {
        let written = write_stacks(profile, path, BufWriter::new(&mut *output));
        written.map_err(|error| output.write_error(error))?;
    }
    answer(args, &observed, profile.as_ref(), functions.are_named())?;
    Ok(ExitCode::from(match observed.execution.exit_code as u8 {
        RUN_FAILED => GUEST_RUN_FAILED,
        code => code,
    }))
}

/// Writes the stacks of a profile as the name of their file says.
fn write_stacks(profile: &Profile<'_>, path: &Path, mut out: impl Write) -> std::io::Result<()> {
    if path.extension().is_some_and(|it| it == "svg") {
        let svg = flame::draw(profile.stacks())
            .map_err(|error| std::io::Error::other(error.to_string()))?;
        out.write_all(svg.as_bytes())?;
        return out.flush();
    }
    flame::fold(profile.stacks(), out)
}

/// Prints output and report.
fn answer(
    args: &RunArgs,
    observed: &Observed,
    profile: Option<&Profile<'_>>,
    named: bool,
) -> Result<(), Error> {
    let execution = &observed.execution;
    if args.json {
        return print(format!("{}\n", report(observed, profile, named)));
    }
    print(&execution.output)?;
    if let Some(profile) = profile {
        say(profile_table(profile, execution.cycles).trim_end());
        if !named {
            say("functions are addresses of calls: the program has no symbols");
        }
    }
    let mut marked = observed.markers.marked().peekable();
    if marked.peek().is_some() {
        let rows = marked.map(|it| [it.name, it.times.to_string(), it.cycles.to_string()]);
        let table = draw(Form::Text, ["marker", "times", "cycles"], &[], rows);
        say(table.trim_end());
    }
    for markers::Unmatched { name, starts, ends } in observed.markers.unmatched() {
        say(format_args!(
            "marker {name}: {starts} starts without an end, {ends} ends without a start"
        ));
    }
    say(format_args!(
        "exit code {}, {} cycles, {} instructions",
        execution.exit_code, execution.cycles, execution.instructions
    ));
    Ok(())
}

/// The report as a JSON object.
fn report(observed: &Observed, profile: Option<&Profile<'_>>, named: bool) -> Value {
    let execution = &observed.execution;
    let mut report = json!({
        "exit_code": execution.exit_code,
        "output_hex": hex(execution.output.iter().copied()),
        "cycles": execution.cycles,
        "instructions": execution.instructions,
        "seconds": observed.time.as_secs_f64(),
        "markers": observed.markers.marked().collect::<Vec<_>>(),
        "unmatched_markers": observed.markers.unmatched().collect::<Vec<_>>(),
    });
    if let Some(profile) = profile {
        report["profile"] = json!(profile.lines());
        report["symbols"] = json!(named);
    }
    report
}

/// Cycles by function, for a reader.
fn profile_table(profile: &Profile<'_>, cycles: u64) -> String {
    let share = |part: u64| format!("{:.1} %", 100.0 * part as f64 / cycles.max(1) as f64);
    let rows = profile.lines().into_iter().map(|line| {
        [
            line.function,
            line.calls.to_string(),
            line.own.to_string(),
            share(line.own),
            line.inclusive.to_string(),
            share(line.inclusive),
        ]
    });
    let heading = ["function", "calls", "self", "", "inclusive", ""];
    draw(Form::Text, heading, &[], rows)
}
