//! The committed header is the one that cbindgen makes of the sources, and a header that is not is
//! found.
//!
//! To make it anew: `TRANCHE_WRITE_HEADER=1 cargo test -p tranche-ffi --test header`.

use std::path::Path;

use tranche_ffi::error::TrancheError;

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");
const COMMITTED: &str = include_str!("../tranche.h");

/// The fields of the parameters, as the sources would spell them.
macro_rules! fields {
    ($($(#[doc = $doc:literal])+ $name:ident: $int:ident $ranges:tt)+) => {
        concat!($(
            $("///", $doc, "\n",)+
            "pub ", stringify!($name), ": ", stringify!($int), ",\n",
        )+)
    };
}

/// The one struct that a macro makes of the table of parameters, written out: cbindgen expands no macros.
fn settings() -> String {
    let types = std::fs::read_to_string(Path::new(FOLDER).join("src/types.rs")).unwrap();
    let (_, rest) = types.split_once("=> {\n").unwrap();
    let (own, rest) = rest
        .split_once("            $($(#[doc = $doc])+ pub $name: $int,)+\n")
        .unwrap();
    let (end, _) = rest.split_once("impl From").unwrap();
    own.to_owned() + tranche_core::with_params!(fields) + end
}

/// The header as the sources have it.
fn generated() -> String {
    let folder = Path::new(FOLDER);
    let config = cbindgen::Config::from_file(folder.join("cbindgen.toml")).unwrap();
    let sources = ["error.rs", "types.rs", "raw/exports.rs"];
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in sources {
        builder = builder.with_src(folder.join("src").join(source));
    }
    // Each test has a file of its own: they run at the same time.
    let written_out = tempfile::NamedTempFile::with_suffix(".rs").unwrap();
    std::fs::write(&written_out, settings()).unwrap();
    builder = builder.with_src(written_out.path());
    let mut text = Vec::new();
    builder.generate().unwrap().write(&mut text);
    String::from_utf8(text).unwrap()
}

/// The first line in which a header differs from the sources'.
fn drift<'a>(header: &'a str, generated: &'a str) -> Option<(usize, &'a str, &'a str)> {
    if header == generated {
        return None;
    }
    let (mut left, mut right) = (header.lines(), generated.lines());
    for number in 1.. {
        match (left.next(), right.next()) {
            (Some(a), Some(b)) if a == b => {}
            (a, b) => return Some((number, a.unwrap_or("(end)"), b.unwrap_or("(end)"))),
        }
    }
    None
}

#[test]
fn the_header_is_the_sources() {
    let generated = generated();
    if std::env::var_os("TRANCHE_WRITE_HEADER").is_some() {
        std::fs::write(Path::new(FOLDER).join("tranche.h"), &generated).unwrap();
    }
    let header = std::fs::read_to_string(Path::new(FOLDER).join("tranche.h")).unwrap();
    if let Some((line, committed, made)) = drift(&header, &generated) {
        panic!("tranche.h:{line} is `{committed}`, the sources say `{made}`");
    }
}

#[test]
fn an_altered_header_is_found() {
    let generated = generated();
    let lines: Vec<_> = COMMITTED.lines().collect();
    for (i, line) in lines
        .iter()
        .enumerate()
        .filter(|(_, line)| !line.is_empty())
    {
        let mut without = lines.clone();
        without.remove(i);
        let without = without.join("\n") + "\n";
        assert!(drift(&without, &generated).is_some(), "without `{line}`");
    }
    let altered = [
        ("uint64_t max_cycles", "uint32_t max_cycles"),
        ("TRANCHE_ERROR_STOPPED = 9", "TRANCHE_ERROR_STOPPED = 8"),
        ("size_t max_proof_bytes;\n", ""),
    ];
    for (old, new) in altered {
        assert!(COMMITTED.contains(old), "{old}");
        let altered = COMMITTED.replacen(old, new, 1);
        let (_, _, made) = drift(&altered, &generated).expect(old);
        assert!(made.contains(old.trim_end()), "found where it is: {made}");
    }
}

/// Every code of the header has its name; so no variant is missing from [`TrancheError::ALL`].
#[test]
fn every_code_of_the_header_has_its_name() {
    let codes = COMMITTED.lines().filter_map(|line| {
        let (name, code) = line.trim().strip_suffix(',')?.split_once(" = ")?;
        name.starts_with("TRANCHE_ERROR_").then_some((name, code))
    });
    let mut count = 0;
    for (name, code) in codes {
        let error = TrancheError::from_code(code.parse().unwrap()).expect(name);
        assert_eq!(error.name().to_str(), Ok(name));
        count += 1;
    }
    assert_eq!(count, TrancheError::ALL.len());
}
