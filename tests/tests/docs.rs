//! Numbers and lists of the documents that can be read from the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use p3_air::BaseAir;
use p3_field::PrimeField32;
use tranche::merge::{MAX_HOLES, MAX_LOG_ROWS};
use tranche::prove::FAST_MERGE_BYTES;
use tranche_core::hash::paths::MAX_QUERIES;
use tranche_core::shape::{MAX_LOG_HEIGHT, Profile};
use tranche_core::{DefaultBackend, F, Params};
use tranche_machine::batches::{MAX_RUN_CYCLES, RunShape, RunTables};
use tranche_machine::bus::Clock;
use tranche_machine::cells::MAX_OUTPUT_BYTES;
use tranche_machine::fit::by_preference;
use tranche_machine::hash::Hash;
use tranche_machine::merge::EPOCH_BITS;
use tranche_machine::program::MAX_SEGMENTS;
use tranche_machine::settings::MAX_RAISED_POW_BITS;
use tranche_machine::{
    Cell, EpochPlan, EpochShape, EpochTable, EpochTables, FilledTable, Program, PublicInput,
    Settings, Setup,
};

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A document with one space between any two words.
fn read(path: &str) -> String {
    let text = fs::read_to_string(Path::new(REPOSITORY).join(path)).expect(path);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The document has these words somewhere.
#[track_caller]
fn says(path: &str, words: &str) {
    assert!(read(path).contains(words), "{path} does not say: {words}");
}

/// A small number as prose has it.
fn word(number: usize) -> &'static str {
    const WORDS: [&str; 18] = [
        "none",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
    ];
    WORDS[number]
}

#[test]
fn a_header_s_integers() {
    let (own, parameters) = (3, Params::TABLE.len());
    let (integers, bytes) = (word(own + parameters), word(own + Params::BYTES));
    let path = "docs/epochs.md";
    says(path, &format!("{integers} integers in {bytes} bytes"));
    says(path, &format!("the {} parameters", word(parameters)));
}

#[test]
fn limits_of_a_run() {
    let path = "docs/epochs.md";
    let power = |number: u64| {
        assert!(number.is_power_of_two());
        format!("2^{}", number.ilog2())
    };
    for row in [
        format!("of one hole | 2^{MAX_LOG_ROWS} |"),
        format!("| rows of any table | 2^{MAX_LOG_HEIGHT} less the blowup's bits"),
        format!(
            "| output | {} bytes less one |",
            power(MAX_OUTPUT_BYTES.into())
        ),
        format!("| epochs | 2^{EPOCH_BITS} − 1 |"),
        format!("| queries, grinding | {MAX_QUERIES}, {MAX_RAISED_POW_BITS} bits |"),
        format!("would be above {} MiB", FAST_MERGE_BYTES >> 20),
        format!("(at most {MAX_RAISED_POW_BITS} bits)"),
    ] {
        says(path, &row);
    }
    let path = "docs/merge.md";
    let intervals = format!("A program has at most {MAX_SEGMENTS} intervals");
    says(
        path,
        &format!("{intervals}, so the root has at most {MAX_HOLES} `rest`"),
    );
}

/// The bytes of a record and of the touched cells, by the formulas that a reader reckons with.
#[test]
fn bytes_of_a_session() {
    let path = "docs/embedding.md";
    says(
        path,
        "record = 68.5 · 2^n + 4 · 2^r + 3072 2^n cycles an epoch (n ≥ 9), 2^r words of code",
    );
    says(path, "2^(⌈n/2⌉ + 4) − 2048 more from n = 15 on");
    for (n, r) in (9..=20).flat_map(|n| (7..=20).map(move |r| (n, r))) {
        let shape = EpochShape::new(n, r).unwrap();
        let longer = if n < 15 {
            0
        } else {
            (1 << (n.div_ceil(2) + 4)) - 2048
        };
        assert_eq!(
            shape.record_bytes(),
            (137 << n) / 2 + (4 << r) + 3072 + longer,
            "2^{n} cycles, 2^{r} words"
        );
    }
    says(
        path,
        "3/4 · 2^n more with products, and 3/16 · 2^n with quotients (n ≥ 10)",
    );
    for n in 10..=20 {
        let shape = EpochShape::of(n, &extended()).unwrap();
        let without = EpochShape::new(n, shape.rom).unwrap();
        let more = (3 << n) / 4 + (3 << n) / 16;
        assert_eq!(shape.record_bytes() - without.record_bytes(), more);
    }
    says(path, "cells = 16 · ⌈8/7 · c⌉");
    assert_eq!(size_of::<Cell>(), 16);
    for cells in [1, 2, 7, 512, 2048, 2049, 1 << 20] {
        assert_eq!(Cell::slots_for(cells), (8 * cells).div_ceil(7));
    }
}

/// A compact epoch is as good as a fast one that is so many times shorter.
#[test]
fn what_an_epoch_in_the_compact_profile_counts() {
    let order: Vec<_> = by_preference(6..=20).collect();
    let place = |log2, profile| order.iter().position(|&at| at == (log2, profile)).unwrap();
    let compact = place(16, Profile::Compact);
    let fast = (6..=20).filter(|&log2| place(log2, Profile::Fast) < compact);
    let times = word(1 << (16 - fast.min().unwrap()));
    for path in ["docs/embedding.md", "docs/epochs.md"] {
        says(path, "the longest epoch");
        says(
            path,
            &format!("a compact one counted as {times} times shorter"),
        );
    }
}

/// How long a run is that is one proof.
#[test]
fn the_longest_run() {
    let elf = include_bytes!("../../host-demo/guests/prebuilt/spin.elf");
    let program = Program::parse(elf).unwrap();
    let body = RunShape::body(16, &program).unwrap();
    let sum = |batches| {
        let mut shape = RunShape::of(&program, body, batches, &[]);
        shape.body.clock = Clock::LONGEST;
        let tables =
            RunTables::new(&program, &shape, Params::DEFAULT, Hash::Poseidon2, 0, b"").unwrap();
        tables.multiplicities().unwrap()
    };
    let cycles = (u64::from(F::ORDER_U32) << 16) / (sum(2) - sum(1));
    let millions = format!("about {} million cycles", (cycles + 500_000) / 1_000_000);
    says("docs/machine.md", &millions);
    let most: Vec<_> = MAX_RUN_CYCLES.to_string().into_bytes();
    let groups = most.rchunks(3).rev();
    let groups: Vec<_> = groups.map(|group| str::from_utf8(group).unwrap()).collect();
    says(
        "docs/machine.md",
        &format!("up to {} cycles", groups.join(",")),
    );
}

/// A program that uses all extensions.
fn extended() -> Program<'static> {
    Program::parse(include_bytes!("../../host-demo/guests/prebuilt/modexp.elf")).unwrap()
}

#[test]
fn the_machine_s_tables() {
    let public = PublicInput::new(b"a").unwrap();
    let program = extended().with_public(public);
    let plan = |log2_cycles| {
        let settings = Settings {
            log2_cycles,
            ..Settings::default()
        };
        let setup = Setup::new(&program, settings).unwrap();
        let tables = EpochTables::new(&setup);
        let plan: EpochPlan = tables.plan_in::<DefaultBackend, _>(Profile::Fast).unwrap();
        let of = |(i, table): (usize, &EpochTable<'_>)| {
            let layout = &plan.tables()[i].layout;
            assert_eq!(layout.main_width, table.width());
            (
                table.name().to_uppercase(),
                layout.main_width,
                layout.num_columns,
            )
        };
        tables.airs.iter().enumerate().map(of).collect::<Vec<_>>()
    };
    // No table's width depends on the length of the epoch.
    let tables = plan(14);
    assert_eq!(tables, plan(15));
    let path = "docs/machine.md";
    let always = FilledTable::ALL
        .iter()
        .filter(|table| !table.is_extension());
    let always = word(always.count() + 3);
    says(
        path,
        &format!("one batch of {always} tables, and of MUL and DIV"),
    );
    let text = fs::read_to_string(Path::new(REPOSITORY).join(path)).unwrap();
    let headings = text.lines().filter_map(|line| line.strip_prefix("## "));
    let mut described = 0;
    for heading in headings {
        let Some((name, claim)) = heading.split_once(": ") else {
            // Preprocessed tables share a section.
            described += heading
                .split(", ")
                .filter(|name| tables.iter().any(|(table, ..)| table == name))
                .count();
            continue;
        };
        let at = tables
            .iter()
            .position(|(table, ..)| table == name)
            .expect(name);
        let (_, width, messages) = &tables[at];
        let expected = format!("{width} columns, {messages} message columns");
        assert_eq!(claim, expected, "{name}");
        described += 1;
    }
    assert_eq!(described, tables.len());
}

/// The build is for the processor at hand on the targets that the configuration names.
#[test]
fn what_the_build_is_for() {
    let config = read(".cargo/config.toml");
    let targets = config.split("[target.").skip(1);
    let targets: Vec<_> = targets
        .map(|rest| rest.split(']').next().unwrap())
        .collect();
    assert_eq!(targets, ["x86_64-unknown-linux-gnu"]);
    says(
        "README.md",
        "On x86-64 Linux the build is for the processor it is built on",
    );
    says(
        "docs/performance.md",
        "on x86-64 Linux `.cargo/config.toml` builds for the processor at hand",
    );
}

/// Each module of the core that holds unsafe code is named by the head of the workspace, and no other is.
#[test]
fn where_the_core_is_unsafe() {
    let source = Path::new(REPOSITORY).join("core/src");
    let (mut folders, mut fenced) = (vec![source.clone()], BTreeSet::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if fs::read_to_string(&path)
                .unwrap()
                .contains("allow(unsafe_code)")
            {
                let path = path.strip_prefix(&source).unwrap();
                fenced.insert(path.to_str().unwrap().to_owned());
            }
        }
    }
    let head = fs::read_to_string(source.join("workspace.rs")).unwrap();
    let head = head.lines().take_while(|line| line.starts_with("//!"));
    let head: String = head.collect();
    let named = head.split('`').filter(|word| word.ends_with(".rs"));
    let mut named: BTreeSet<_> = named.map(str::to_owned).collect();
    named.insert("workspace.rs".to_owned());
    assert_eq!(fenced, named);
}

/// What a document names in the repository is there: paths between backticks, and targets of links.
#[test]
fn files_that_are_named() {
    let root = Path::new(REPOSITORY);
    let mut documents = vec![root.join("README.md"), root.join("CHANGELOG.md")];
    let docs = fs::read_dir(root.join("docs")).unwrap();
    let docs = docs.map(|entry| entry.unwrap().path());
    documents.extend(docs.filter(|path| path.extension().is_some_and(|kind| kind == "md")));
    let mut checked = 0;
    for document in documents {
        let text = fs::read_to_string(&document).unwrap();
        let code = text.split('`').skip(1).step_by(2);
        let paths = code.filter(|code| {
            let first = code.split_once('/').map(|(first, _)| first);
            let ours = first.is_some_and(|first| root.join(first).is_dir());
            ours && !code.starts_with("target/") && !code.contains([' ', '\n', '*', '('])
        });
        let named = paths.map(|path| root.join(path));
        let links = text
            .split("](")
            .skip(1)
            .map(|rest| rest.split([')', '#']).next().unwrap());
        let links = links.filter(|link| !link.is_empty() && !link.contains(':'));
        let linked = links.map(|link| document.with_file_name("").join(link));
        for path in named.chain(linked) {
            assert!(
                path.exists(),
                "{} names {}",
                document.display(),
                path.display()
            );
            checked += 1;
        }
    }
    assert!(checked > 50, "{checked}");
}
