//! What an image is made of.

use std::path::Path;

use elf::ElfBytes;
use elf::abi::SHF_ALLOC;
use elf::endian::LittleEndian;

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
}

/// The sections that the ledger has.
pub const SECTIONS: [&str; 4] = [".text", ".rodata", ".data", ".bss"];

impl Image {
    /// Reads an image.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let file = ElfBytes::<LittleEndian>::minimal_parse(&bytes)?;
        let mut sections = [0; SECTIONS.len()];
        let mut toolchain = None;
        let (headers, names) = file.section_headers_with_strtab()?;
        let (headers, names) = (headers.ok_or("no sections")?, names.ok_or("no names")?);
        for header in headers {
            let name = names.get(header.sh_name as usize)?;
            if let Some(at) = SECTIONS.iter().position(|section| *section == name) {
                if header.sh_flags & u64::from(SHF_ALLOC) != 0 {
                    sections[at] = header.sh_size;
                }
            } else if name == ".comment" {
                let (text, _) = file.section_data(&header)?;
                toolchain = text
                    .split(|&byte| byte == 0)
                    .map(String::from_utf8_lossy)
                    .find(|text| text.starts_with("rustc"))
                    .map(String::from);
            }
        }
        let toolchain = toolchain.ok_or("no compiler named")?;
        Ok(Self {
            toolchain,
            sections,
            bytes,
        })
    }
}
