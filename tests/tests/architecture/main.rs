//! The folder tree is the architecture: in the core a folder uses only those above it, and nowhere do
//! files use each other in a circle.
//!
//! A `use` of a name, or a path, counts for the file that defines the name. Tests count for nothing.

mod source;

use std::path::{Path, PathBuf};

use source::Source;

/// The folders and files of `core/src`, from the inside out; a line uses itself and those above.
const LAYERS: &[&[&str]] = &[
    // Words, bytes, and what a proof is about.
    &["lib", "workspace", "parts", "statement", "sink"],
    &["kernels"],
    &["backend"],
    &["divide", "trace"],
    &["hash"],
    &["portable"],
    &["air"],
    &["shape"],
    &["security"],
    &["steps"],
    &["lowdegree"],
    &["plan"],
    &["engine"],
    &["prover"],
    &["retire"],
    &["verifier"],
];

/// The folder of a crate's sources.
fn sources(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The layer of a file of the core.
fn layer(file: &str) -> usize {
    let name = file
        .split('/')
        .next()
        .expect("a name")
        .trim_end_matches(".rs");
    let layer = LAYERS.iter().position(|layer| layer.contains(&name));
    layer.unwrap_or_else(|| panic!("core/src/{file} belongs to no layer"))
}

#[test]
fn a_folder_of_the_core_uses_only_those_above_it() {
    let source = Source::read(&sources("core/src"));
    let arrows = source.arrows();
    assert!(arrows.len() > 100, "too few uses were read");
    assert!(
        arrows.contains(&("steps/argue/fast.rs", "kernels/ext.rs")),
        "the control"
    );
    let up = arrows
        .into_iter()
        .filter(|(from, to)| layer(from) < layer(to));
    let up: Vec<_> = up.collect();
    assert!(up.is_empty(), "these run back up: {up:#?}");
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let crates = [
        "core/src",
        "simd-avx512/src",
        "simd-neon/src",
        "host-demo/machine/src",
        "host-demo/machine/ffi/src",
        "host-demo/src",
    ];
    let sources = crates.map(|path| Source::read(&sources(path)));
    let circles = sources.iter().flat_map(Source::circles);
    let circles: Vec<_> = circles.map(|circle| circle.join(", ")).collect();
    println!("circles of files: {}", circles.len());
    circles.iter().for_each(|circle| println!("  {circle}"));
    assert!(circles.is_empty(), "files that use each other");
}
