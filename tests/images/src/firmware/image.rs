//! What an image is made of.

use std::path::Path;

use object::{Object, ObjectSection};

use crate::Failure;

/// An image file.
#[derive(Debug)]
pub struct Image {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The compiler that made it.
    pub toolchain: String,
    /// Bytes of its code, constants, variables with and without initial values.
    pub sections: [u64; 4],
    /// Bytes of all its memory that is written: variables, stack and arena.
    pub ram: u64,
}

/// The sections that the ledger has.
pub const SECTIONS: [&str; 4] = [".text", ".rodata", ".data", ".bss"];

impl Image {
    /// Reads an image.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let file = object::File::parse(&*bytes)?;
        let size = |name| {
            file.section_by_name(name)
                .map_or(0, |section| section.size())
        };
        let sections = SECTIONS.map(size);
        let ram = [".stack", ".data", ".bss", ".arena"].map(size);
        let comment = file
            .section_by_name(".comment")
            .ok_or("no compiler named")?;
        let toolchain = comment
            .data()?
            .split(|&byte| byte == 0)
            .map(String::from_utf8_lossy)
            .find(|text| text.starts_with("rustc"))
            .ok_or("no compiler named")?
            .into();
        Ok(Self {
            toolchain,
            sections,
            ram: ram.into_iter().sum(),
            bytes,
        })
    }
}
