//! Reads the source: files, modules and tokens.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A module's path below the crate: `["storage", "sql"]`.
pub(crate) type Module = Vec<String>;

pub(crate) fn parse(source: &str) -> Vec<TokenTree> {
    source.parse::<TokenStream>().unwrap().into_iter().collect()
}

pub(crate) fn is(token: Option<&TokenTree>, text: &str) -> bool {
    match token {
        Some(TokenTree::Ident(ident)) => ident == text,
        Some(TokenTree::Punct(punct)) => text.len() == 1 && text.starts_with(punct.as_char()),
        _ => false,
    }
}

pub(crate) fn is_path(tokens: &[TokenTree], at: usize) -> bool {
    is(tokens.get(at), ":") && is(tokens.get(at + 1), ":")
}

pub(crate) fn is_test(attribute: Option<&TokenTree>) -> bool {
    matches!(attribute, Some(TokenTree::Group(group)) if group.stream().to_string().replace(' ', "") == "cfg(test)")
}

pub(crate) fn is_doc(attribute: Option<&TokenTree>) -> bool {
    matches!(attribute, Some(TokenTree::Group(group)) if is(group.stream().into_iter().next().as_ref(), "doc"))
}

/// The position after the item that begins at `at`: after its `;`, or after its braces.
pub(crate) fn after_item(tokens: &[TokenTree], mut at: usize) -> usize {
    // `use a::{b, c};` has braces, but ends with a semicolon.
    let braces_end = !tokens[at..].iter().take(3).any(|token| is(Some(token), "use"));
    while at < tokens.len() {
        let ends = match &tokens[at] {
            TokenTree::Punct(punct) => punct.as_char() == ';',
            TokenTree::Group(group) => braces_end && group.delimiter() == Delimiter::Brace,
            _ => false,
        };
        at += 1;
        if ends {
            break;
        }
    }
    at
}

/// All files below `folder` with their modules, without those of unit tests.
fn files_of(folder: &Path, module: &Module) -> Vec<(Module, PathBuf)> {
    let mut found = Vec::new();
    let tests = test_modules(folder);
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if name == "tests" || tests.contains(&name) {
            continue;
        }
        let inner = if name == "mod" { module.clone() } else { [module.as_slice(), &[name]].concat() };
        if path.is_dir() {
            found.extend(files_of(&path, &inner));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((inner, path));
        }
    }
    found.sort();
    found
}

/// The child modules of `folder` that are declared under `#[cfg(test)]`.
fn test_modules(folder: &Path) -> Vec<String> {
    let source = ["mod.rs", "lib.rs"].iter().find_map(|name| fs::read_to_string(folder.join(name)).ok());
    let source = source.unwrap_or_default();
    let lines: Vec<_> = source.lines().map(str::trim).collect();
    let declared = lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]");
    declared.filter_map(|pair| pair[1].strip_suffix(';')?.split("mod ").nth(1).map(str::to_owned)).collect()
}

/// The files of the library at `src` with their modules, without unit tests.
pub(crate) fn library_files(src: &Path) -> Vec<(Module, PathBuf)> {
    files_of(src, &Vec::new())
}

/// All Rust files below `folder`, without dependencies and build output.
pub(crate) fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return found };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("node_modules") && !path.ends_with("target") {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}
