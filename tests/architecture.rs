//! The architecture of the library, checked in its source: the order of the modules, no circle between files, and files
//! short enough to read.
//!
//! It reads every file of `src/` as tokens, so comments and strings do not count. Modules and items under `#[cfg(test)]`
//! do not count either.

#![allow(clippy::unwrap_used)]

#[path = "architecture/circles.rs"]
mod circles;
#[path = "architecture/imports.rs"]
mod imports;
#[path = "architecture/order.rs"]
mod order;
#[path = "architecture/source.rs"]
mod source;

use std::fs;
use std::path::{Path, PathBuf};

/// Maximum number of lines of code in a file, without blank lines, comments and unit tests.
const MAX_CODE_LINES: usize = 400;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_module_uses_only_the_modules_above_it() {
    let faults = order::faults(&root().join("src"));
    assert!(faults.is_empty(), "the order of the modules is broken:\n{}", faults.join("\n"));
}

#[test]
fn no_file_depends_on_itself_through_others() {
    let circles = circles::circles(&imports::arrows(&root().join("src")));
    let described: Vec<_> = circles.iter().map(ToString::to_string).collect();
    assert!(circles.is_empty(), "{} circles between files:\n{}", circles.len(), described.join("\n"));
}

#[test]
fn files_are_short_enough_to_read() {
    let mut long = Vec::new();
    let library = source::library_files(&root().join("src")).into_iter().map(|(_, path)| path);
    let others = ["tests", "races", "test_support", "example_app/src", "examples"];
    let others = others.iter().flat_map(|folder| source::rust_files(&root().join(folder)));
    for path in library.chain(others) {
        let lines = code_lines(&path);
        if lines > MAX_CODE_LINES {
            long.push(format!("{}: {lines}", path.strip_prefix(root()).unwrap().display()));
        }
    }
    assert!(long.is_empty(), "files with more than {MAX_CODE_LINES} lines of code:\n{}", long.join("\n"));
}

fn code_lines(path: &PathBuf) -> usize {
    let source = fs::read_to_string(path).unwrap();
    let own = source.split("#[cfg(test)]\nmod ").next().unwrap();
    own.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}
