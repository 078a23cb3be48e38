//! A linked image: its functions, who refers to whom, and the source function of each reference.
//!
//! Images are linked with `--gc-sections --emit-relocs`: what nothing refers to is gone, and what is
//! there is listed with everything that it refers to.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use addr2line::Loader;
use object::{
    Architecture, Object, ObjectSection, ObjectSymbol, RelocationKind, RelocationTarget,
    SectionKind, SymbolKind,
};

use super::symbols::{demangled, is_allocator, is_panic, is_standard};
use crate::Failure;

/// A function of the project, or of a crate that it uses, from which a panic may come.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Site {
    /// Its source file, from the crate's folder on; empty for code that has no source but the
    /// standard library's.
    pub file: String,
    /// Its name, without path and type parameters; all closures of a file are one.
    pub function: String,
}

/// What the check wants to know of an image.
#[derive(Debug)]
pub struct Image {
    /// Symbols that belong to an allocator.
    pub allocators: Vec<String>,
    /// Where panics may come from, and for each the lines and what they call.
    pub sites: BTreeMap<Site, BTreeSet<(u32, String)>>,
}

/// A function symbol.
struct Function {
    end: u64,
    name: String,
}

impl Image {
    /// Reads an image.
    ///
    /// # Errors
    /// When it cannot be read, or lacks relocations or debug information.
    pub fn read(file: &str) -> Result<Self, Failure> {
        let bytes = fs::read(file)?;
        let object = object::File::parse(&*bytes)?;
        let symbols = || {
            object
                .symbols()
                .filter_map(|s| Some((s.name().ok()?.to_owned(), s)))
        };
        let allocators = symbols()
            .map(|(name, _)| name)
            .filter(|name| is_allocator(name));

        // The lowest bit of an address says that a function is Thumb.
        let thumb = u64::from(object.architecture() == Architecture::Arm);
        let pc_bias = match object.architecture() {
            Architecture::X86_64 => 4,
            _ => 0,
        };
        let functions: BTreeMap<u64, Function> = symbols()
            .filter(|(_, symbol)| symbol.kind() == SymbolKind::Text && symbol.size() > 0)
            .map(|(name, symbol)| {
                let start = symbol.address() & !thumb;
                let (end, name) = (start + symbol.size(), demangled(&name));
                (start, Function { end, name })
            })
            .collect();
        let function_at = |address: u64| {
            let (&start, function) = functions.range(..=address).next_back()?;
            (address < function.end).then_some((start, function))
        };

        // References from code: the address of each, the function around it, and its target.
        let mut references = Vec::new();
        for section in object.sections().filter(|s| s.kind() == SectionKind::Text) {
            for (address, relocation) in section.relocations() {
                let RelocationTarget::Symbol(index) = relocation.target() else {
                    continue;
                };
                let symbol = object.symbol_by_index(index)?;
                let mut target = symbol.address() & !thumb;
                if symbol.kind() == SymbolKind::Section {
                    // What lies in the section, the addend says; on Arm, where that is part of the
                    // instruction, functions always go by their own symbols.
                    if relocation.has_implicit_addend() {
                        continue;
                    }
                    target = target.wrapping_add_signed(relocation.addend());
                    // Relative to the instruction's end, which is four bytes on.
                    let kind = relocation.kind();
                    if matches!(kind, RelocationKind::Relative | RelocationKind::PltRelative) {
                        target = target.wrapping_add(pc_bias);
                    }
                }
                if let (Some((from, _)), Some((to, _))) =
                    (function_at(address), function_at(target))
                {
                    references.push((address, from, to));
                }
            }
        }
        if references.is_empty() {
            return Err(format!("{file}: not linked with --emit-relocs").into());
        }

        // Functions of the standard library that may end in a panic.
        let standard = |start: u64| functions.get(&start).is_some_and(|f| is_standard(&f.name));
        let mut panics: BTreeSet<u64> = functions
            .iter()
            .filter(|(_, function)| is_panic(&function.name))
            .map(|(&start, _)| start)
            .collect();
        loop {
            let before = panics.len();
            for &(_, from, to) in &references {
                if standard(from) && panics.contains(&to) {
                    panics.insert(from);
                }
            }
            if panics.len() == before {
                break;
            }
        }

        let loader = Loader::new(file).map_err(|error| error.to_string())?;
        let mut sites = BTreeMap::<_, BTreeSet<_>>::new();
        for &(address, from, to) in &references {
            if panics.contains(&to) && !panics.contains(&from) {
                // An address whose places were merged by the compiler counts for its whole function.
                let source = match source_at(&loader, address)? {
                    None => source_at(&loader, from)?,
                    found => found,
                };
                let (file, function, line) =
                    source.unwrap_or_else(|| (String::new(), functions[&from].name.clone(), 0));
                let function = bare(&function);
                let callee = bare(&functions[&to].name);
                let places = sites.entry(Site { file, function }).or_default();
                places.insert((line, callee));
            }
        }
        Ok(Self {
            allocators: allocators.map(|name| demangled(&name)).collect(),
            sites,
        })
    }
}

/// File, function and line of the innermost inlined function at an address that is not the standard
/// library's.
fn source_at(loader: &Loader, address: u64) -> Result<Option<(String, String, u32)>, Failure> {
    let mut frames = loader
        .find_frames(address)
        .map_err(|error| error.to_string())?;
    while let Some(frame) = frames.next().map_err(|error| error.to_string())? {
        let location = frame.location.as_ref();
        let line = location.and_then(|location| location.line).unwrap_or(0);
        let file = location.and_then(|location| location.file);
        let (Some(file), Some(function)) = (file, &frame.function) else {
            continue;
        };
        let function = function.demangle().map_err(|error| error.to_string())?;
        if !file.contains("library/core/") && !file.contains("library/alloc/") {
            return Ok(Some((crate_path(file), function.into_owned(), line)));
        }
    }
    Ok(None)
}

/// A source path from its crate's folder on, which has no version.
fn crate_path(file: &str) -> String {
    let folders: Vec<&str> = file.split('/').collect();
    let src = folders
        .iter()
        .rposition(|&folder| folder == "src")
        .unwrap_or(0);
    let package = src.checked_sub(1).map_or("", |i| folders[i]);
    let package = match package.rsplit_once('-') {
        Some((name, version)) if version.starts_with(|c: char| c.is_ascii_digit()) => name,
        _ => package,
    };
    format!("{package}/{}", folders[src + 1..].join("/"))
}

/// A name without type parameters and path.
fn bare(name: &str) -> String {
    let mut depth = 0;
    let mut text = String::new();
    for c in name.chars() {
        match c {
            '<' => depth += 1,
            '>' => depth -= 1,
            c if depth == 0 => text.push(c),
            _ => {}
        }
    }
    let last = text.rsplit("::").find(|part| !part.is_empty());
    match last {
        Some(closure) if closure.starts_with('{') => "closure".into(),
        last => last.unwrap_or(name).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_for_every_target() {
        assert_eq!(bare("tranche_core::kernels::ntt::extend::<F>"), "extend");
        assert_eq!(bare("<tranche_core::trace::TraceMut>::set"), "set");
        assert_eq!(bare("{closure#0}<A, B<C>>"), "closure");
        assert_eq!(bare("combine::{{closure}}"), "closure");
        assert_eq!(crate_path("core/src/prover/mod.rs"), "core/prover/mod.rs");
        let registry = "/somewhere/p3-field-0.8.0/src/packed/packed_traits.rs";
        assert_eq!(crate_path(registry), "p3-field/packed/packed_traits.rs");
    }
}
