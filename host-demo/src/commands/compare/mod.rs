//! `tranche compare`: one program proved in every way that there is, each in a process of its own, and what
//! each takes.

mod cases;
mod child;
mod measured;
mod plots;

use std::io::{self, Write, stderr};
use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;
use tranche_machine::hash as machine;

use self::cases::{Case, cases};
use self::child::Running;
use self::measured::Measured;
use super::report::size;
use super::{execute, program, read_guest};
use crate::answer::{Answer, say};
use crate::cli::{CompareArgs, Hash};
use crate::error::Error;
use crate::files::{self, is_standard};
use crate::signals;
use crate::table::{Form, draw};

/// Runs the subcommand: all cases on all inputs. A case that fails is in the answer with its reason, and the
/// exit code is then 1.
///
/// # Errors
/// When a file cannot be read or written, or the program cannot be executed.
pub fn run(args: &CompareArgs, answer: Answer) -> Result<ExitCode, Error> {
    let mut inputs = args.input.iter().chain(&args.public);
    if is_standard(&args.program) || inputs.any(|input| is_standard(input)) {
        return Err(Error::NotStandard);
    }
    let folder =
        tempfile::tempdir().map_err(|error| files::failed(Path::new("temporary"), error))?;
    let bundle = folder.path().join("run.bundle");
    let running = Running::default();
    let (ended, remains) = (running.clone(), folder.path().to_owned());
    signals::end_after(move |signal| {
        ended.kill_for_good();
        // What is left of it is in the system's folder for such.
        let _ = std::fs::remove_dir_all(&remains);
        answer.fail("tranche", format_args!("ended by {signal}"));
    })
    .map_err(Error::Signals)?;

    let mut measured = Vec::new();
    let inputs: Vec<_> = match args.input.as_slice() {
        [] => vec![None],
        inputs => inputs.iter().map(|input| Some(input.as_path())).collect(),
    };
    for input in inputs {
        let public = args.public.as_deref();
        let [elf, bytes, public_bytes] = read_guest(&args.program, input, public)?;
        let program = program(&elf, &public_bytes)?.decoded();
        let execution = execute(&program, &bytes.bytes, args.max_cycles, args.max_memory)?;
        for case in cases(execution.cycles, &args.epoch_log2, args.batch_log2) {
            if args
                .only
                .as_ref()
                .is_some_and(|only| !case.name.contains(only.as_str()))
            {
                continue;
            }
            say(format_args!(
                "{} cycles, {}, {} workers",
                execution.cycles, case.name, case.workers
            ));
            let one = measure(
                &running,
                (&case, args.hash),
                (&args.program, input, public),
                &bundle,
                execution.cycles,
            );
            measured.push(one.map_err(|error| files::failed(&args.program, error))?);
        }
    }
    if let Some(folder) = &args.plots {
        let drawn = plots::draw(folder, &measured);
        let drawn =
            drawn.map_err(|error| files::failed(folder, io::Error::other(error.to_string())))?;
        let mut stderr = stderr().lock();
        for file in drawn {
            // Nobody is left to be told that this fails too.
            let _ = writeln!(stderr, "{}", file.display());
        }
    }
    let failed = measured.iter().any(|m| m.error.is_some());
    answer.give(if args.json {
        format!(
            "{}\n",
            serde_json::json!({
                "backend": tranche_backend::NAME,
                "hash": machine::Hash::from(args.hash).name(),
                "proofs": measured,
            })
        )
    } else {
        table(
            &measured,
            if args.markdown {
                Form::Markdown
            } else {
                Form::Text
            },
        )
    })?;
    Ok(ExitCode::from(u8::from(failed)))
}

/// Proves and verifies in one way.
fn measure(
    running: &Running,
    (case, hash): (&Case, Hash),
    (program, input, public): (&Path, Option<&Path>, Option<&Path>),
    bundle: &Path,
    cycles: u64,
) -> io::Result<Measured> {
    let text = |path: &Path| {
        let text = path.to_str().map(str::to_owned);
        text.ok_or_else(|| io::Error::other("the name is no text"))
    };
    let (program, bundle) = (text(program)?, text(bundle)?);
    let [input, public] = [input, public].map(|path| path.map(text).transpose());
    let (input, public) = (input?, public?);
    let public: Vec<&str> = public.iter().flat_map(|path| ["--public", path]).collect();
    let mut args = vec!["prove", &program, "--json", "-o", &bundle];
    args.extend(["--hash", machine::Hash::from(hash).name()]);
    args.extend(case.args.iter().map(String::as_str));
    if let Some(input) = &input {
        args.extend(["-i", input]);
    }
    args.extend(&public);
    let (proved, samples) = running.run(&args)?;
    let mut measured = Measured {
        name: case.name.clone(),
        workers: case.workers,
        cycles,
        prove_seconds: proved["prove_seconds"].as_f64(),
        processor_seconds: proved["processor_seconds"].as_f64(),
        peak_rss_bytes: proved["peak_rss_bytes"].as_u64(),
        workspace_bytes: proved["workspace_bytes"]
            .as_u64()
            .map(|bytes| bytes + proved["store_bytes"].as_u64().unwrap_or(0)),
        bundle_bytes: proved["bundle_bytes"].as_u64(),
        expected_hashes: proved["expected_hashes"].as_f64(),
        padding: proved["padding"].as_f64(),
        // Epochs are executed once to be proved.
        walks: proved["walks"].as_u64().unwrap_or(1),
        error: reason(&proved, "prove_seconds"),
        samples,
        ..Measured::default()
    };
    if measured.error.is_none() {
        let args = [&["verify", &program, &bundle, "--json"], &public[..]].concat();
        let (verified, _) = running.run(&args)?;
        measured.verify_seconds = verified["verify_seconds"].as_f64();
        measured.error = reason(&verified, "verify_seconds");
    }
    Ok(measured)
}

/// Why a report is no success, if it is none; `figure` is what a success has.
fn reason(report: &Value, figure: &str) -> Option<String> {
    let said = report["error"].as_str().or(report["reason"].as_str());
    let without = || "the process ended without an answer".to_owned();
    let none = report[figure].is_null().then(without);
    said.map(str::to_owned).or(none)
}

/// The comparison for a reader.
fn table(measured: &[Measured], form: Form) -> String {
    let heading = [
        "cycles",
        "approach",
        "workers",
        "prove",
        "processor",
        "verify",
        "peak",
        "workspace",
        "bundle",
        "bytes/Mcycle",
        "hashes",
        "padding",
        "walks",
    ];
    let rows = measured.iter().map(|m| {
        let bytes = |bytes: Option<u64>| bytes.map_or("-".to_owned(), size);
        let seconds = |s: Option<f64>| s.map_or("-".to_owned(), |s| format!("{s:.2} s"));
        let per_million = m
            .bundle_bytes
            .map(|b| (b as f64 / (m.cycles as f64 / 1e6)) as u64);
        [
            m.cycles.to_string(),
            m.error
                .as_ref()
                .map_or(m.name.clone(), |error| format!("{}: {error}", m.name)),
            m.workers.to_string(),
            seconds(m.prove_seconds),
            seconds(m.processor_seconds),
            seconds(m.verify_seconds),
            bytes(m.peak_rss_bytes),
            bytes(m.workspace_bytes),
            bytes(m.bundle_bytes),
            bytes(per_million),
            m.expected_hashes
                .map_or("-".to_owned(), |h| format!("{h:.0}")),
            m.padding
                .map_or("-".to_owned(), |share| format!("{:.1} %", 100.0 * share)),
            m.walks.to_string(),
        ]
    });
    draw(form, heading, &[1], rows)
}
