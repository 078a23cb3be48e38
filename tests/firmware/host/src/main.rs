//! Runs the firmware images in QEMU and checks them.
//!
//! ```text
//! tranche-firmware-host FOLDER LEDGER [--write] [BOARD...]
//! ```
//!
//! FOLDER holds one image per board, by the board's name. Every image proves the epochs of the same
//! guests; each proof is compared byte for byte with the host's own and handed to Plonky3's verifier.
//! What the images say of themselves (logs, sections) is compared with the committed LEDGER, or
//! written there. Ends with 0 when everything holds.
#![forbid(unsafe_code)]

mod board;
mod case;
mod image;
mod ledger;
mod log;
mod proofs;

use std::path::Path;
use std::process::ExitCode;
use std::thread;

use board::{BOARDS, Board};
use case::{CASES, Case};
use image::Image;
use ledger::{Entry, Ledger, Row};
use proofs::Proofs;

/// Why an image is not right, in words.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut arguments: Vec<String>) -> Result<(), Failure> {
    let write = arguments.iter().any(|argument| argument == "--write");
    arguments.retain(|argument| argument != "--write");
    let [folder, ledger_path, names @ ..] = &arguments[..] else {
        return Err("usage: tranche-firmware-host FOLDER LEDGER [--write] [BOARD...]".into());
    };
    let boards = BOARDS
        .iter()
        .filter(|board| names.is_empty() || names.iter().any(|name| name == board.name));
    let boards: Vec<_> = boards.collect();
    if boards.len() != names.len() && !names.is_empty() {
        return Err(format!("not all of these are boards: {}", names.join(" ")).into());
    }

    let proofs = Proofs::of(CASES)?;
    let mut ledger = Ledger::default();
    let checked: Vec<_> = thread::scope(|scope| {
        let start = |board: &&'static Board| {
            let (board, proofs, folder) = (*board, &proofs, Path::new(folder));
            scope.spawn(move || check(board, &folder.join(board.name), proofs))
        };
        let threads: Vec<_> = boards.iter().map(start).collect();
        threads.into_iter().map(|thread| thread.join()).collect()
    });
    for checked in checked {
        ledger.add(checked.map_err(|_| "a thread panicked")??);
    }
    print!("{ledger}");
    ledger.check_limits()?;
    let ledger_path = Path::new(ledger_path);
    if write {
        std::fs::write(ledger_path, ledger.to_string())?;
        println!("written: {}", ledger_path.display());
    } else {
        ledger.compare(&std::fs::read_to_string(ledger_path)?)?;
        println!("as {} says", ledger_path.display());
    }
    Ok(())
}

/// Runs all cases on a board.
fn check(board: &'static Board, path: &Path, proofs: &Proofs) -> Result<Entry, Failure> {
    let image = Image::read(path)?;
    let mut rows = Vec::new();
    for case in CASES {
        let row = check_case(board, path, &image, case, proofs)
            .map_err(|failure| format!("{}, {case}: {failure}", board.name))?;
        println!("{}, {case}: as on the host, verified", board.name);
        rows.push(row);
    }
    let (log, _) = board.job(path, &image, "spin largest")?;
    Ok(Entry {
        board: board.name,
        image,
        rows,
        largest: log.largest()?,
    })
}

/// Runs a case on a board and checks every proof that comes of it.
fn check_case(
    board: &Board,
    path: &Path,
    image: &Image,
    case: &Case,
    proofs: &Proofs,
) -> Result<Row, Failure> {
    let (log, bytes) = board.job(path, image, &case.job())?;
    let epochs = log.epochs()?;
    let expected = proofs.expected(case);
    if epochs.len() != expected.len() {
        let (got, wanted) = (epochs.len(), expected.len());
        return Err(format!("{got} epochs instead of {wanted}").into());
    }
    let mut rest = &bytes[..];
    for (epoch, expected) in epochs.iter().zip(expected) {
        let (proof, after) = rest
            .split_at_checked(epoch.proof_bytes)
            .ok_or("fewer proof bytes than the log says")?;
        rest = after;
        if proof != expected.bytes {
            return Err(format!("epoch {}: other bytes than the host's", epoch.number).into());
        }
        if (epoch.cycles, epoch.last) != (expected.span.cycles, expected.span.is_last()) {
            return Err(format!("epoch {}: another span than the host's", epoch.number).into());
        }
        proofs::verify(case, epoch.number, &expected.span, proof)?;
    }
    if !rest.is_empty() {
        return Err("more proof bytes than the log says".into());
    }
    Row::new(case, &log)
}
