//! The panic sites of images, compared with the committed list and the reason that it gives for each.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::image::{Image, Site};
use crate::Failure;

/// The committed list, from the root of the repository.
const LIST: &str = "tests/c-example/panics.txt";

/// The functions of a list, each with its reason.
///
/// A line in brackets is a reason, a line that begins with `#` a comment, any other a function.
fn parse(list: &str) -> Result<BTreeMap<String, String>, Failure> {
    let mut functions = BTreeMap::new();
    let mut reason = None;
    for line in list
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        if let Some(text) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            reason = Some(text.to_owned());
            continue;
        }
        let reason = reason
            .clone()
            .ok_or_else(|| format!("{line} has no reason"))?;
        if functions.insert(line.to_owned(), reason).is_some() {
            return Err(format!("{line} is listed twice").into());
        }
    }
    Ok(functions)
}

/// How a list has a site.
fn line(site: &Site) -> String {
    let Site { file, function } = site;
    if file.is_empty() {
        return function.clone();
    }
    format!("{file} {function}")
}

/// Compares what images have with a list.
fn compare(found: &BTreeSet<String>, list: &str) -> Result<(), Failure> {
    let listed = parse(list)?;
    let unlisted: Vec<_> = found
        .iter()
        .filter(|site| !listed.contains_key(*site))
        .collect();
    if !unlisted.is_empty() {
        return Err(format!("functions that may panic and have no reason: {unlisted:#?}").into());
    }
    let gone: Vec<_> = listed
        .keys()
        .filter(|site| !found.contains(*site))
        .collect();
    if !gone.is_empty() {
        return Err(format!("listed functions that do not panic any more: {gone:#?}").into());
    }
    Ok(())
}

/// The panic sites of all images, none of which may have an allocator, with lines and callees.
fn sites(files: &[&str]) -> Result<BTreeMap<String, BTreeSet<(u32, String)>>, Failure> {
    let mut sites = BTreeMap::<_, BTreeSet<_>>::new();
    for file in files {
        let image = Image::read(file)?;
        if !image.allocators.is_empty() {
            let allocators = image.allocators.join("\n  ");
            return Err(format!("{file} has an allocator:\n  {allocators}").into());
        }
        println!(
            "{file}: no allocator, {} functions may panic",
            image.sites.len()
        );
        for (site, places) in &image.sites {
            sites
                .entry(line(site))
                .or_default()
                .extend(places.iter().cloned());
        }
    }
    Ok(sites)
}

/// Checks that no image has an allocator, and that their panic sites are those of the committed list.
///
/// # Errors
/// What is not so.
pub fn check(files: &[&str]) -> Result<(), Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let list = std::fs::read_to_string(root.join(LIST))?;
    let sites: BTreeSet<String> = sites(files)?.into_keys().collect();
    compare(&sites, &list)?;
    let reasons: BTreeSet<_> = parse(&list)?.into_values().collect();
    let (functions, reasons) = (sites.len(), reasons.len());
    println!("{functions} functions may panic in all, for the {reasons} reasons of {LIST}");
    Ok(())
}

/// Prints the panic sites of images: the functions of the list, each with its lines and what they
/// call.
///
/// # Errors
/// When an image cannot be read, or has an allocator.
pub fn print(files: &[&str]) -> Result<(), Failure> {
    for (site, places) in sites(files)? {
        let places = places
            .iter()
            .map(|(line, callee)| format!("{line} {callee}"));
        println!("{site}: {}", places.collect::<Vec<_>>().join(", "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "# functions\n[because]\na.rs f\n\n[another reason]\nb.rs g\n";

    fn found<const N: usize>(sites: [&str; N]) -> BTreeSet<String> {
        sites.map(String::from).into()
    }

    #[test]
    fn a_list_has_exactly_what_is_found_and_a_reason_for_it() {
        compare(&found(["a.rs f", "b.rs g"]), TWO).unwrap();
        let message = |sites, list| compare(sites, list).unwrap_err().to_string();
        let new = found(["a.rs f", "b.rs g", "b.rs h"]);
        assert!(message(&new, TWO).contains("b.rs h"));
        let gone = found(["a.rs f"]);
        assert!(message(&gone, TWO).contains("b.rs g"));
        assert!(message(&gone, "a.rs f\n").contains("no reason"));
        assert!(message(&gone, "[because]\na.rs f\na.rs f\n").contains("twice"));
    }
}
