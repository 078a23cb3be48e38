//! Projects in C: all sources of the folder, with the kit's flags, by Debian's RISC-V compiler.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{KitError, tools};

const COMPILER: &str = "riscv64-unknown-elf-gcc";
const COMPILER_PACKAGE: &str = "gcc-riscv64-unknown-elf";
const SPECS: &str = "picolibc.specs";
const SPECS_PACKAGE: &str = "picolibc-riscv64-unknown-elf";

/// The files of flags below `runtime`, each of which marks a project: with picolibc, and bare.
pub const MARKS: [&str; 2] = ["libc.flags", "bare.flags"];

/// The flags that a folder's project is built with; `None` where there is none.
pub fn mark(folder: &Path) -> Option<&'static str> {
    let runtime = folder.join("runtime");
    MARKS
        .into_iter()
        .find(|flags| runtime.join(flags).is_file())
}

/// Builds `target/NAME.elf` in `folder`, NAME being the folder's own.
///
/// # Errors
/// [`KitError`].
pub fn build(folder: &Path, flags: &str) -> Result<PathBuf, KitError> {
    let failed = |path: &Path, error| KitError::File {
        path: path.to_owned(),
        error,
    };
    let sources = sources(folder).map_err(|error| failed(folder, error))?;
    if sources.is_empty() {
        return Err(KitError::Nothing {
            path: folder.to_owned(),
            what: "*.c",
        });
    }
    let picolibc = flags == MARKS[0];
    // Without such a file the compiler says its bare name again; without a compiler the build says so.
    let specs = tools::ask(Command::new(COMPILER).arg(format!("-print-file-name={SPECS}")));
    if picolibc && specs.is_some_and(|path| path == SPECS) {
        return Err(KitError::NoTool {
            tool: SPECS,
            package: SPECS_PACKAGE,
        });
    }

    let whole = folder
        .canonicalize()
        .map_err(|error| failed(folder, error))?;
    let mut name = whole.file_name().unwrap_or_default().to_owned();
    name.push(".elf");
    let target = folder.join("target");
    fs::create_dir_all(&target).map_err(|error| failed(&target, error))?;
    let mut compiler = Command::new(COMPILER);
    // The flags name files of the project.
    compiler.current_dir(folder);
    compiler.arg(format!("@runtime/{flags}")).args(sources);
    compiler
        .arg("-lgcc")
        .arg("-o")
        .arg(Path::new("target").join(&name));
    tools::run(&mut compiler, COMPILER, COMPILER_PACKAGE)?;
    Ok(target.join(name))
}

/// The sources in a folder, sorted, by their names.
fn sources(folder: &Path) -> io::Result<Vec<OsString>> {
    let mut sources = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        if Path::new(&name).extension().is_some_and(|end| end == "c") {
            sources.push(name);
        }
    }
    sources.sort();
    Ok(sources)
}
