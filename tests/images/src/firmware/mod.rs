//! Runs the firmware images in QEMU and checks them.
//!
//! An image proves the epochs of the same guests as the others, or the smallest alone where memory is small; each proof is compared byte for byte with the host's
//! own and handed to Plonky3's verifier. What the images say of themselves (logs, sections) is compared
//! with the committed ledger, or written there.

mod board;
mod image;
mod ledger;
mod log;

use std::path::Path;
use std::thread;

use tranche_machine::hash::Hash;

use super::Failure;
use crate::case::Case;
use crate::proofs::Proofs;
use board::{BOARDS, Board, SMALL_BOARD};
use image::Image;
use ledger::{Entry, Ledger, Row};

/// Checks the images of a folder, each by the name of its board, against the ledger, or writes it
/// (`--write`). Long epochs are proved on one board alone unless all are asked for (`--all`), or the ledger is written.
///
/// # Errors
/// What is not right.
pub fn check(folder: &str, ledger_path: &str, arguments: &[&str]) -> Result<(), Failure> {
    let (options, names): (Vec<&str>, Vec<&str>) = arguments
        .iter()
        .partition(|argument| ["--write", "--all"].contains(*argument));
    let write = options.contains(&"--write");
    let all = !options.is_empty();
    let boards = BOARDS
        .iter()
        .filter(|board| names.is_empty() || names.contains(&board.name));
    let boards: Vec<_> = boards.collect();
    if boards.len() != names.len() && !names.is_empty() {
        return Err(format!("not all of these are boards: {}", names.join(" ")).into());
    }

    let cases: Vec<_> = boards
        .iter()
        .flat_map(|board| board.cases(all))
        .copied()
        .collect();
    let proofs = Proofs::of(&cases)?;
    let mut ledger = Ledger::default();
    let checked: Vec<_> = thread::scope(|scope| {
        let start = |board: &&'static Board| {
            let (board, proofs, folder) = (*board, &proofs, Path::new(folder));
            scope.spawn(move || check_board(board, all, &folder.join(board.name), proofs))
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

/// Runs the cases of a board.
fn check_board(
    board: &'static Board,
    all: bool,
    path: &Path,
    proofs: &Proofs,
) -> Result<Entry, Failure> {
    let image = Image::read(path)?;
    let mut rows = Vec::new();
    for case in board.cases(all) {
        let row = check_case(board, path, &image, case, proofs)
            .map_err(|failure| format!("{}, {case}: {failure}", board.name))?;
        println!("{}, {case}: as on the host, verified", board.name);
        rows.push(row);
    }
    let mut largest = Vec::new();
    let mut tries = Vec::new();
    let suites = Hash::ALL.into_iter();
    for hash in suites.filter(|_| board.name != SMALL_BOARD) {
        let job = |task: &str| board.job(path, &image, &format!("spin {} {task}", hash.name()));
        largest.push((hash, job("largest")?.0.largest()?));
        tries.push((hash, job("grind")?.0.try_instructions()?));
    }
    Ok(Entry {
        board: board.name,
        image,
        rows,
        largest,
        tries,
    })
}

/// The luck of the first proof of a case, which is the one that the ledger has.
fn expected_luck(proofs: &Proofs, case: &Case) -> i64 {
    proofs.expected(case).first().map_or(0, |proof| proof.luck)
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
    proofs.check(case, &bytes)?;
    let said = log.epochs()?;
    let said = said.iter().map(|epoch| {
        let (number, bytes) = (epoch.number, epoch.proof_bytes);
        (number, bytes, epoch.cycles, epoch.last)
    });
    let expected = proofs.expected(case).iter().zip(1..);
    let expected = expected.map(|(proof, number)| {
        let (span, bytes) = (&proof.span, proof.bytes.len());
        (number, bytes, span.cycles, span.is_last())
    });
    if !said.eq(expected) {
        return Err("the log says something else of the epochs than the host".into());
    }
    Row::new(case, &log, expected_luck(proofs, case))
}
