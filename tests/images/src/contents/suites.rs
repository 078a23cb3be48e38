//! Which hash suites a static library has code of, by the names of all that it defines.

use std::collections::BTreeMap;
use std::fs;

use object::read::archive::ArchiveFile;
use object::{Object, ObjectSymbol};
use tranche_machine::hash::Hash;

use super::symbols::{demangled, suites};
use crate::Failure;

/// Checks that a static library defines something of each of the named suites, and nothing of any other.
///
/// # Errors
/// What is missing, or too much, or why the file cannot be read.
pub fn check(path: &str, names: &[&str]) -> Result<(), Failure> {
    let unknown = names
        .iter()
        .find(|name| Hash::ALL.iter().all(|hash| hash.name() != **name));
    if let Some(name) = unknown {
        return Err(format!("no hash suite '{name}'").into());
    }
    let file = fs::read(path)?;
    let mut found = BTreeMap::<&str, Vec<String>>::new();
    for member in ArchiveFile::parse(&*file)?.members() {
        let Ok(object) = object::File::parse(member?.data(&*file)?) else {
            continue; // metadata
        };
        let defined = object.symbols().filter(|symbol| symbol.is_definition());
        for symbol in defined.filter_map(|symbol| symbol.name().ok()) {
            for hash in suites(symbol) {
                found
                    .entry(hash.name())
                    .or_default()
                    .push(demangled(symbol));
            }
        }
    }
    for hash in Hash::ALL.map(Hash::name) {
        match (found.get(hash), names.contains(&hash)) {
            (None, true) => return Err(format!("{path}: nothing of {hash}").into()),
            (Some(symbols), false) => {
                let symbols = symbols.join("\n  ");
                return Err(
                    format!("{path}: of {hash}, which it should not have:\n  {symbols}").into(),
                );
            }
            (Some(symbols), true) => println!("{path}: {} symbols of {hash}", symbols.len()),
            (None, false) => println!("{path}: nothing of {hash}"),
        }
    }
    Ok(())
}
