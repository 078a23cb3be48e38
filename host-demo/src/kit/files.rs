//! The files of a project, in the program itself: it needs no repository to make one.

use clap::ValueEnum;

/// What a guest is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Rust without std, with a heap.
    #[default]
    Rust,
    /// C without a library.
    C,
    /// C with picolibc: stdio, malloc and the rest of a library.
    Picolibc,
}

/// A file's path in a project, and its contents.
pub type File = (&'static str, &'static str);

/// The machine as Rust's compilers know it.
pub const TARGET: &str = "riscv32im-unknown-none-elf";
/// The package that every project in Rust has.
pub const KIT: &str = "tranche-guest";

/// The word in templates that stands for a project's name.
pub const NAME: &str = "NAME";

/// Files of the kit, whatever they are for: the path below `guests` is that in a project.
macro_rules! kit {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../guests/", $path)))),*]
    };
}

macro_rules! template {
    ($path:literal) => {
        include_str!(concat!("../../guests/templates/", $path))
    };
}

const SHARED: &[File] = kit!["runtime/crt0.S", "runtime/kit.ld"];
const RUST: &[File] = kit![
    ".cargo/config.toml",
    "tranche-guest/Cargo.toml",
    "tranche-guest/src/lib.rs",
    "tranche-guest/src/calls.rs",
    "tranche-guest/src/exit.rs",
    "tranche-guest/src/heap.rs",
    "tranche-guest/src/input.rs",
    "tranche-guest/src/print.rs",
];
const C: &[File] = kit!["runtime/guest.h", "runtime/kit.flags"];
const BARE: &[File] = kit!["runtime/mem.c", "runtime/bare.flags"];
const PICOLIBC: &[File] = kit!["runtime/libc.c", "runtime/libc.flags"];

const RUST_TEMPLATE: &[File] = &[
    ("Cargo.toml", template!("rust/Cargo.toml")),
    ("src/main.rs", template!("rust/main.rs")),
];
const C_TEMPLATE: &[File] = &[("main.c", template!("c/main.c"))];
const PICOLIBC_TEMPLATE: &[File] = &[("main.c", template!("picolibc/main.c"))];
/// What is built is no source.
const IGNORED: &[File] = &[(".gitignore", "/target/\n")];

impl Language {
    /// The files of a new project.
    pub fn files(self) -> impl Iterator<Item = File> {
        let parts: [&[File]; 5] = match self {
            Self::Rust => [RUST_TEMPLATE, IGNORED, SHARED, RUST, &[]],
            Self::C => [C_TEMPLATE, IGNORED, SHARED, C, BARE],
            Self::Picolibc => [PICOLIBC_TEMPLATE, IGNORED, SHARED, C, PICOLIBC],
        };
        parts.into_iter().flatten().copied()
    }
}
