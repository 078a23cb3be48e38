//! `tranche info`: what a bundle says of itself. Checksums and the order of frames are checked, and
//! nothing else: it says so.

use std::collections::BTreeMap;
use std::io::{BufReader, Read};
use std::process::ExitCode;

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tranche_machine::settings::Settings;
use tranche_machine::shape::{ABSENT, Heights, InstanceHeights, OtherHeights};
use tranche_machine::{FilledTable, RomPart};

use super::report::size;
use super::retire::info_of_one;
use crate::answer::print;
use crate::bundle::{
    FRAME_BYTES, FormatError, HEADER_BYTES, Header, Kind, Reader, VERSION, split_words,
};
use crate::cli::InfoArgs;
use crate::error::Error;
use crate::files;
use crate::hex::{digest_hex, hex};
use crate::retire::header::MAGIC;

/// Runs the subcommand.
///
/// # Errors
/// When the bundle cannot be read, or is none.
pub fn run(args: &InfoArgs) -> Result<ExitCode, Error> {
    let mut source = BufReader::new(files::open(&args.bundle)?);
    let mut magic = Vec::new();
    let read = source
        .by_ref()
        .take(MAGIC.len() as u64)
        .read_to_end(&mut magic);
    read.map_err(|error| files::failed(&args.bundle, error))?;
    if magic == MAGIC {
        return info_of_one(args, source);
    }
    let info = Info::read(magic.as_slice().chain(source)).map_err(|error| match error {
        FormatError::Read(kind) => files::failed(&args.bundle, kind.into()),
        error => Error::Bundle(error),
    })?;
    print(if args.json {
        format!("{}\n", info.report())
    } else {
        info.text()
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Frames of one kind.
#[derive(Clone, Copy, Default, Serialize)]
struct Frames {
    count: u64,
    /// Bytes of all of them, heads and checksums included.
    bytes: u64,
}

/// The claimed result.
#[derive(Serialize)]
struct Claim {
    epochs: u32,
    exit_code: u32,
    output_bytes: u32,
    output_sha256: String,
}

/// What a bundle says of itself.
struct Info {
    header: Header,
    cycles: u64,
    result: Claim,
    /// By kind.
    frames: [Frames; Kind::ALL.len()],
}

impl Info {
    /// Reads a bundle to its end, in memory of one piece of a frame.
    fn read(source: impl Read) -> Result<Self, FormatError> {
        let (mut reader, header) = Reader::new(source)?;
        let mut frames = [Frames::default(); Kind::ALL.len()];
        let (mut cycles, mut result) = (0, None);
        loop {
            let (mut words, mut output) = (Vec::new(), Sha256::new());
            let (kind, len) = reader.skim(|kind, piece| {
                let missing = fixed_bytes(kind) - words.len();
                let (first, rest) = piece.split_at(missing.min(piece.len()));
                words.extend(first);
                if kind == Kind::Result {
                    output.update(rest);
                }
            })?;
            let expected = match (kind, &result) {
                (_, Some(_)) => Kind::Root,
                (Kind::Root, None) => Kind::Result,
                _ => kind,
            };
            if kind != expected {
                return Err(FormatError::Kind {
                    expected,
                    got: kind,
                });
            }
            let known = &mut frames[kind as usize - 1];
            known.count += 1;
            known.bytes += u64::from(len) + FRAME_BYTES as u64;
            match kind {
                Kind::Epoch => {
                    let ([_, _, of_epoch], _) = split_words(&words)?;
                    cycles += u64::from(of_epoch);
                }
                Kind::Result => {
                    let ([epochs, exit_code], _) = split_words(&words)?;
                    result = Some(Claim {
                        epochs,
                        exit_code,
                        output_bytes: len - fixed_bytes(kind) as u32,
                        output_sha256: hex(output.finalize()),
                    });
                }
                Kind::Merge | Kind::Root => {}
            }
            if kind == Kind::Root
                && let Some(result) = result.take()
            {
                reader.end()?;
                return Ok(Self {
                    header,
                    cycles,
                    result,
                    frames,
                });
            }
        }
    }

    /// Bytes of the bundle.
    fn bytes(&self) -> u64 {
        let frames = self.frames.iter().map(|frames| frames.bytes);
        HEADER_BYTES as u64 + frames.sum::<u64>()
    }

    /// As a JSON object.
    fn report(&self) -> Value {
        let Settings {
            log2_cycles,
            heights,
            others,
            arity,
            params,
            hash,
        } = self.header.settings;
        let frames = Kind::ALL.map(|kind| (kind.name(), self.frames[kind as usize - 1]));
        let parameters = params.entries().map(|(param, value)| (param.name, value));
        let [epochs, merges, ..] = self.frames;
        json!({
            "verified": false,
            "version": VERSION,
            "program_digest": digest_hex(&self.header.program),
            "public_digest": digest_hex(&self.header.public),
            "rom_blocks": self.header.blocks.count(),
            "frequent_rom_blocks": self.header.frequent.count(),
            "bundle_bytes": self.bytes(),
            "cycles": self.cycles,
            "epochs": epochs.count,
            "epoch_log2": log2_cycles,
            "heights": given(&heights).map(BTreeMap::from_iter),
            "other_heights": others
                .into_iter()
                .flatten()
                .map(|other| BTreeMap::from_iter(instances(other.heights)))
                .collect::<Vec<_>>(),
            "merges": merges.count + 1,
            "arity": arity,
            "hash": hash.name(),
            "parameters": parameters.collect::<BTreeMap<_, _>>(),
            "frames": BTreeMap::from(frames),
            "result": self.result,
        })
    }

    /// For a reader.
    fn text(&self) -> String {
        let Settings {
            log2_cycles,
            heights,
            others,
            arity,
            params,
            hash,
        } = self.header.settings;
        let [epochs, merges, ..] = self.frames;
        let Claim {
            exit_code,
            output_bytes,
            output_sha256,
            ..
        } = &self.result;
        let mut text = format!(
            "What the bundle says of itself; `tranche verify` says whether it is true.\n\
             bundle     {}, format version {VERSION}\n\
             program    {}\n\
             cycles     {} in {} epochs of at most 2^{log2_cycles}, {} merges of at most {arity}\n\
             heights    {}\n\
             exit code  {exit_code}\n\
             output     {output_bytes} bytes, SHA-256 {output_sha256}\n\
             hash       {}\n\
             queries    {}, blowup 2^{}, grinding {} (queries), {} (batching), {} (lookups), {} \
             (folding), {} (out of domain)\n\
             folding    by 2^{}, final polynomial 2^{}, caps 2^{}\n\
             frames     number         bytes\n",
            size(self.bytes()),
            digest_hex(&self.header.program),
            self.cycles,
            epochs.count,
            merges.count + 1,
            heights_text(&heights, others),
            hash.name(),
            params.num_queries,
            params.log_blowup,
            params.query_pow_bits,
            params.batch_pow_bits,
            params.lookup_pow_bits,
            params.commit_pow_bits,
            params.ood_pow_bits,
            params.max_log_arity,
            params.log_final_poly_len,
            params.cap_height,
        );
        for kind in Kind::ALL {
            let Frames { count, bytes } = self.frames[kind as usize - 1];
            text += &format!("  {:8} {count:7} {bytes:13}\n", kind.name());
        }
        text
    }
}

/// Each instance of a table of an epoch with log2 of its rows, where a header gives them.
fn given(heights: &Heights) -> Option<impl Iterator<Item = (&'static str, u8)>> {
    match *heights {
        Heights::Common => None,
        Heights::Given(first, second) => Some(instances([first, second])),
    }
}

/// Each instance of a table that there is with log2 of its rows.
fn instances([first, second]: InstanceHeights) -> impl Iterator<Item = (&'static str, u8)> {
    let first = FilledTable::ALL
        .map(FilledTable::name)
        .into_iter()
        .zip(first);
    let second = FilledTable::ALL
        .map(FilledTable::second_name)
        .into_iter()
        .zip(second);
    first.chain(second).filter(|&(_, height)| height != ABSENT)
}

/// The heights for a reader.
fn heights_text(heights: &Heights, others: OtherHeights) -> String {
    let text = |given: &mut dyn Iterator<Item = (&'static str, u8)>| {
        let given = given.map(|(table, height)| format!("{table} 2^{height}"));
        given.collect::<Vec<_>>().join(", ")
    };
    let mut all = match given(heights) {
        None => "for a common mix of instructions".to_owned(),
        Some(mut given) => text(&mut given),
    };
    for other in others.into_iter().flatten() {
        all += &format!("\nor         {}", text(&mut instances(other.heights)));
        if other.rom_part == RomPart::Frequent {
            all += ", a ROM of the frequent blocks";
        }
    }
    all
}

/// Bytes of the words that head a payload.
const fn fixed_bytes(kind: Kind) -> usize {
    match kind {
        Kind::Epoch => 12,
        Kind::Result => 8,
        Kind::Merge | Kind::Root => 0,
    }
}
