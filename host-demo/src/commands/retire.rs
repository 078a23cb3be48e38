//! `tranche prove --approach retire` and `--approach monolithic`, and what `tranche verify` says of such a bundle.

use std::io::{self, Read, Seek};
use std::process::ExitCode;
use std::time::Instant;

use serde_json::json;
use sha2::{Digest, Sha256};
use tranche_core::retire::{Keep, Kept, Order};
use tranche_core::shape::Profile;
use tranche_machine::Program;
use tranche_machine::hash::Hash;
use tranche_machine::settings::SECURITY_FLOOR_BITS;

use super::report::{profile_name, progress_bar, public_text, shown, size};
use super::resume::{bind, finish, say_way_on};
use crate::answer::{Answer, print};
use crate::cli::{Approach, InfoArgs, ProveArgs, VerifyArgs};
use crate::error::{Error, REFUSED};
use crate::execute::Execution;
use crate::files::{self, Output, Partial};
use crate::hex::{digest_hex, hex};
use crate::prove::default_workers;
use crate::retire::header::MAGIC;
use crate::retire::{
    DEFAULT_LOG2_CYCLES, Fit, Header, Options, RetireCheck, RetireProveError, Retired, Surveyed,
    WholeOptions, fit, prove_whole, verify,
};
use crate::system::{peak_rss_bytes, processor_seconds};

/// Proves a run as one proof, into `output`; what it says of time counts from `start` on, before the execution.
///
/// # Errors
/// When the run cannot be proved so, or the output cannot be written.
pub fn prove_as_one(
    args: &ProveArgs,
    (program, input): (&Program<'_>, &[u8]),
    (execution, start): (&Execution, Instant),
    (mut output, mut partial): (Output, Option<Partial>),
    answer: Answer,
) -> Result<ExitCode, Error> {
    let (profile, in_batches, proved) = match args.approach {
        Approach::Monolithic => {
            let options = WholeOptions {
                profile: args.profile.map_or(Profile::Fast, Into::into),
                hash: args.hash.into(),
                params: args.size.params(),
                ..WholeOptions::default()
            };
            let proved = prove_whole(program, input, execution, &options, &mut output);
            (options.profile, None, proved)
        }
        Approach::Epochs | Approach::Retire => {
            let order = args.challenges.unwrap_or_default().into();
            let (run, options) = surveyed(args, order, (program, input), execution)?;
            if let Some(partial) = &mut partial {
                bind(partial, &run.binding(&options))?;
            }
            let walks = most_walks(order, options.keep);
            let bar = progress_bar(execution.cycles * walks);
            let per_batch = 1_u64 << options.log2_cycles;
            let progress = |walk: usize, batch: usize| {
                let done = walk as u64 * execution.cycles + (batch as u64 + 1) * per_batch;
                bar.set_position(done.min(execution.cycles * walks));
                bar.set_message(format!("walk {} of {walks}", walk + 1));
            };
            let proved = match &mut partial {
                None => run.prove(&options, &mut output, progress),
                Some(partial) => {
                    let mut scratch = output.scratch()?;
                    let proved = run.resume(&options, partial, &mut scratch, progress);
                    proved.and_then(|proved| {
                        scratch.rewind()?;
                        io::copy(&mut scratch, &mut output)?;
                        Ok(proved)
                    })
                }
            };
            bar.finish_and_clear();
            (options.profile, Some(options), proved)
        }
    };
    let proved = proved.inspect_err(|_| say_way_on(partial.as_ref()));
    let proved = proved.map_err(|error| match error {
        RetireProveError::Write(error) => output.write_error(error),
        RetireProveError::Partial(error) => match &partial {
            Some(partial) => partial.write_error(error),
            None => output.write_error(error),
        },
        error => error.into(),
    })?;
    let name = output.name().to_owned();
    let verdict = |bundle: &mut dyn Read| {
        let mut magic = [0; MAGIC.len()];
        let read = bundle.read_exact(&mut magic);
        read.map_err(|error| RetireCheck::Read(error.kind()))?;
        verify(program, bundle, SECURITY_FLOOR_BITS).map(drop)
    };
    finish(output, partial, proved.resumed_batches > 0, verdict)?;
    let seconds = start.elapsed().as_secs_f64();
    let (digest, hash) = (digest_hex(&program.digest()), Hash::from(args.hash));
    let Retired {
        cycles,
        batches,
        resumed_batches,
        walks,
        bundle_bytes,
        workers,
        workspace_bytes,
        store_bytes,
        security_bits,
        cells,
        expected_hashes,
    } = proved;
    let order = in_batches.map(|options| options.order);
    let log2 = in_batches.map(|options| options.log2_cycles);
    let keep = in_batches.map(|options| options.keep);
    if args.json {
        let report = json!({
            "approach": approach_name(order),
            "challenges": order.map(order_name),
            "program_digest": digest,
            "public_digest": digest_hex(&program.public().digest()),
            "cycles": cycles,
            "batches": batches,
            "batch_log2": log2,
            "resumed_batches": resumed_batches,
            "walks": walks,
            "exit_code": execution.exit_code,
            "output_hex": hex(execution.output.iter().copied()),
            "bundle_bytes": bundle_bytes,
            "prove_seconds": seconds,
            "processor_seconds": processor_seconds(),
            "hash": hash.name(),
            "profile": profile_name(profile),
            "trees": keep.map(|keep| trees_name(keep.trees)),
            "quotients": keep.map(|keep| kept_name(keep.quotients)),
            "codewords": keep.map(|keep| kept_name(keep.codewords && order == Some(Order::Forked))),
            "workers": workers,
            "workspace_bytes": workspace_bytes,
            "store_bytes": store_bytes,
            "security_bits": security_bits,
            "padding": cells.padding(),
            "expected_hashes": expected_hashes,
            "peak_rss_bytes": peak_rss_bytes(),
            "backend": tranche_backend::NAME,
        });
        answer.give(format!("{report}\n"))?;
    } else {
        answer.give(format!(
            "program    {digest}\n\
             cycles     {cycles} in {}\n\
             exit code  {}, {} bytes of output\n\
             bundle     {}, {}\n\
             memory     {} to make batches in, {} between batches, {}{}\n\
             security   {security_bits:.2} proven bits\n\
             time       {seconds:.2} s, {walks} walks, {workers} workers, {}, {}\n",
            cut_text(batches, log2, order),
            execution.exit_code,
            execution.output.len(),
            name.display(),
            size(bundle_bytes),
            size(workspace_bytes as u64),
            size(store_bytes as u64),
            profile_name(profile),
            keep.map_or(String::new(), |keep| format!(
                ", {}",
                trees_text(keep.trees)
            )),
            hash.name(),
            tranche_backend::NAME,
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The run in the batches that the arguments ask for, and the options that reach the floor.
fn surveyed<'a>(
    args: &ProveArgs,
    order: Order,
    (program, input): (&'a Program<'a>, &'a [u8]),
    execution: &'a Execution,
) -> Result<(Surveyed<'a>, Options), Error> {
    let mut options = Options::new(order, args.epoch_log2.unwrap_or(DEFAULT_LOG2_CYCLES));
    options.workers = args.workers.unwrap_or_else(default_workers);
    options.params = args.size.params();
    options.sizing = args.sizing();
    options.keep = args.keep();
    options.hash = args.hash.into();
    if let Some(bytes) = args.memory {
        let found = fit(program, input, execution, &options, &args.profiles(), bytes)?;
        return match found {
            Fit::Fits(run, options) => Ok((*run, options)),
            Fit::TooSmall { needed } => Err(Error::Budget {
                retire: true,
                bytes,
                needed,
            }),
        };
    }
    if let Some(profile) = args.profile {
        options.profile = profile.into();
    }
    let run = Surveyed::cut(program, input, execution, &options)?;
    let options = run.secure(&options)?;
    Ok((run, options))
}

/// Verifies a bundle that is one proof, whose magic has been read.
///
/// # Errors
/// When the bundle cannot be read, or, unless the answer is an object, when it is refused.
pub fn verify_one(
    args: &VerifyArgs,
    program: &Program<'_>,
    source: impl Read,
) -> Result<ExitCode, Error> {
    let start = Instant::now();
    let verdict = verify(program, source, args.security_floor);
    let seconds = start.elapsed().as_secs_f64();
    if let Err(RetireCheck::Read(kind)) = verdict {
        return Err(files::failed(&args.bundle, kind.into()));
    }
    let digest = digest_hex(&program.digest());
    if args.json {
        let claim = verdict.as_ref().ok();
        let report = json!({
            "accepted": verdict.is_ok(),
            "reason": verdict.as_ref().err().map(ToString::to_string),
            "approach": claim.map(|claim| approach_name(claim.order)),
            "challenges": claim.and_then(|claim| claim.order).map(order_name),
            "hash": claim.map(|claim| claim.hash.name()),
            "program_digest": digest,
            "public_digest": digest_hex(&program.public().digest()),
            "cycles": claim.map(|claim| claim.cycles),
            "batches": claim.map(|claim| claim.batches),
            "exit_code": claim.map(|claim| claim.exit_code),
            "output_hex": claim.map(|claim| hex(claim.output.iter().copied())),
            "security_bits": claim.map(|claim| claim.security_bits),
            "verify_seconds": seconds,
            "peak_rss_bytes": peak_rss_bytes(),
        });
        print(format!("{report}\n"))?;
        return Ok(if verdict.is_ok() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(REFUSED)
        });
    }
    let claim = verdict.map_err(Error::RefusedRun)?;
    let output = shown(&claim.output);
    print(format!(
        "accepted in {seconds:.2} s\n\
         program    {digest}\n\
         {}cycles     {} in {}, one proof\n\
         exit code  {}\n\
         security   {:.2} proven bits\n\
         output     {} bytes, SHA-256 {}\n\
         {output}\n",
        public_text(program),
        claim.cycles,
        cut_text(claim.batches, None, claim.order),
        claim.exit_code,
        claim.security_bits,
        claim.output.len(),
        hex(Sha256::digest(&claim.output)),
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints what a bundle that is one proof, whose magic has been read, says of itself.
///
/// # Errors
/// When it cannot be read, or has no such header.
pub fn info_of_one(args: &InfoArgs, mut source: impl Read) -> Result<ExitCode, Error> {
    let header = Header::read(&mut source).map_err(|check| match check {
        RetireCheck::Read(kind) => files::failed(&args.bundle, kind.into()),
        check => Error::RefusedRun(check),
    })?;
    let proof = io::copy(&mut source, &mut io::sink());
    let proof_bytes = proof.map_err(|error| files::failed(&args.bundle, error))?;
    let program = digest_hex(&header.program);
    let batches = header.order.map_or(1, |_| header.spans.len() + 1);
    let log2 = header.order.map(|_| header.body[0]);
    print(if args.json {
        let report = json!({
            "approach": approach_name(header.order),
            "challenges": header.order.map(order_name),
            "hash": header.hash.name(),
            "program_digest": program,
            "public_digest": digest_hex(&header.public),
            "batches": batches,
            "batch_log2": log2,
            "exit_code": header.exit_code,
            "output_hex": hex(header.output.iter().copied()),
            "proof_bytes": proof_bytes,
            "verified": false,
        });
        format!("{report}\n")
    } else {
        format!(
            "not verified: what the bundle says of itself\n\
             program    {program}\n\
             run        one proof of {}\n\
             claim      exit code {}, {} bytes of output\n\
             proof      {}\n",
            cut_text(batches, log2, header.order),
            header.exit_code,
            header.output.len(),
            size(proof_bytes),
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

/// What an order is called.
pub const fn order_name(order: Order) -> &'static str {
    match order {
        Order::Forked => "forked",
        Order::Shared => "shared",
    }
}

/// What trees keep between walks, as an object says it.
const fn trees_name(kept: Kept) -> &'static str {
    match kept {
        Kept::All => "all",
        Kept::Upper => "upper",
        Kept::Root => "root",
    }
}

/// What trees keep between walks, for a reader.
const fn trees_text(kept: Kept) -> &'static str {
    match kept {
        Kept::All => "all of each tree",
        Kept::Upper => "each tree above its lowest layers",
        Kept::Root => "of each tree its root",
    }
}

/// What an approach is called, by the order of its challenges.
const fn approach_name(order: Option<Order>) -> &'static str {
    match order {
        None => "monolithic",
        Some(_) => "retire",
    }
}

/// How a run is cut, for a reader.
fn cut_text(batches: usize, log2: Option<u8>, order: Option<Order>) -> String {
    let Some(order) = order else {
        return "a single batch".to_owned();
    };
    let most = log2.map_or(String::new(), |log2| format!(" of at most 2^{log2} cycles"));
    format!("{batches} batches{most}, {} challenges", order_name(order))
}

/// Walks of an order at most.
const fn most_walks(order: Order, keep: Keep) -> u64 {
    match order {
        Order::Forked if keep.codewords => 3,
        Order::Forked => 4,
        Order::Shared => 6,
    }
}

/// What is said of something that is kept, or made again.
const fn kept_name(kept: bool) -> &'static str {
    if kept { "kept" } else { "rebuilt" }
}
