//! The order of the rooms: a module uses only those above it.
//!
//! Reads every file of `src/` as tokens, so that comments and strings don't count; modules and items under
//! `#[cfg(test)]` don't either.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// From the top of the house down. Rooms of one line are siblings and may use each other.
const ROOMS: [&[&str]; 13] = [
    &["error", "secret", "clock", "cookies", "local_path", "paths"],
    &["user", "profile", "token"],
    &["provider"],
    &["config"],
    &["link"],
    &["storage"],
    &["flow"],
    &["client"],
    &["signals", "session", "page"],
    &["dance"],
    &["guard"],
    &["testing"],
    &["fuzz"],
];

fn floor(room: &str) -> Option<usize> {
    ROOMS.iter().position(|rooms| rooms.contains(&room))
}

/// A module's path below the crate: `["storage", "sql"]`.
type Module = Vec<String>;

/// Where a name at the root of the crate comes from, as `lib.rs` re-exports it.
type Exports = BTreeMap<String, String>;

/// What `source`, the file of `module`, uses of rooms below its own.
fn faults(module: &Module, source: &str, exports: &Exports) -> Vec<String> {
    let mut used = Vec::new();
    walk(parse(source), module, &mut used);
    let own = floor(&module[0]).unwrap_or_else(|| panic!("`{}` is not in the order of the rooms", module[0]));
    let mut faults = Vec::new();
    for name in used {
        let room = exports.get(&name).unwrap_or(&name);
        match floor(room) {
            Some(other) if other > own => {
                faults.push(format!("`{}` uses `{room}`, below it", module.join("::")))
            }
            Some(_) => {}
            // A macro or a re-export that lib.rs doesn't show is no way around the order.
            None => faults.push(format!("`{}` uses `{name}`, of no known room", module.join("::"))),
        }
    }
    faults.sort();
    faults.dedup();
    faults
}

fn parse(source: &str) -> Vec<TokenTree> {
    source.parse::<TokenStream>().unwrap().into_iter().collect()
}

fn is(token: Option<&TokenTree>, text: &str) -> bool {
    match token {
        Some(TokenTree::Ident(ident)) => ident == text,
        Some(TokenTree::Punct(punct)) => text.len() == 1 && text.starts_with(punct.as_char()),
        _ => false,
    }
}

fn is_path(tokens: &[TokenTree], at: usize) -> bool {
    is(tokens.get(at), ":") && is(tokens.get(at + 1), ":")
}

/// Collects the first names of paths from the root of the crate.
fn walk(tokens: Vec<TokenTree>, module: &Module, used: &mut Vec<String>) {
    let mut at = 0;
    while at < tokens.len() {
        if is(Some(&tokens[at]), "#") && is_test(tokens.get(at + 1)) {
            at = after_item(&tokens, at + 2);
            continue;
        }
        if is(Some(&tokens[at]), "#") && is_doc(tokens.get(at + 1)) {
            at += 2;
            continue;
        }
        // The last part of a path (`x::crate`) can't be one of these.
        if is(Some(&tokens[at]), "crate") && is_path(&tokens, at + 1) {
            names(&tokens[at + 3..], used);
            at += 3;
            continue;
        }
        if is(Some(&tokens[at]), "super") {
            let mut up = 0;
            while is(tokens.get(at), "super") && is_path(&tokens, at + 1) {
                up += 1;
                at += 3;
            }
            if up == 0 {
                at += 1;
            } else if up == module.len() {
                names(&tokens[at..], used);
            }
            continue;
        }
        if let (true, Some(TokenTree::Ident(name)), Some(TokenTree::Group(body))) =
            (is(Some(&tokens[at]), "mod"), tokens.get(at + 1), tokens.get(at + 2))
        {
            let inner = [module.as_slice(), &[name.to_string()]].concat();
            walk(body.stream().into_iter().collect(), &inner, used);
            at += 3;
            continue;
        }
        if let TokenTree::Group(group) = &tokens[at] {
            walk(group.stream().into_iter().collect(), module, used);
        }
        at += 1;
    }
}

/// The name or names that a path goes on with: `a::b`, or `{a, b::c}`.
fn names(rest: &[TokenTree], used: &mut Vec<String>) {
    match rest.first() {
        Some(TokenTree::Ident(name)) => used.push(name.to_string()),
        Some(TokenTree::Punct(star)) if star.as_char() == '*' => used.push("*".into()),
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
            let tokens: Vec<_> = group.stream().into_iter().collect();
            for tree in tokens.split(|token| is(Some(token), ",")) {
                names(tree, used);
            }
        }
        _ => {}
    }
}

fn is_test(attribute: Option<&TokenTree>) -> bool {
    matches!(attribute, Some(TokenTree::Group(group)) if group.stream().to_string().replace(' ', "") == "cfg(test)")
}

fn is_doc(attribute: Option<&TokenTree>) -> bool {
    matches!(attribute, Some(TokenTree::Group(group)) if is(group.stream().into_iter().next().as_ref(), "doc"))
}

/// The place after the item that begins at `at`: its `;`, or its braces.
fn after_item(tokens: &[TokenTree], mut at: usize) -> usize {
    // `use a::{b, c};` has braces, but ends with its semicolon.
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

/// What `lib.rs` re-exports: `pub use error::{Error, Result}` makes `Error` and `Result` the room `error`'s.
fn exports(lib: &str) -> Exports {
    let mut exports = Exports::new();
    let tokens = parse(lib);
    for at in 0..tokens.len() {
        if !is(tokens.get(at), "use") {
            continue;
        }
        let end = (at..tokens.len()).find(|end| is(tokens.get(*end), ";")).unwrap_or(tokens.len());
        let path = &tokens[at + 1..end];
        let Some(room) = path.first().map(ToString::to_string).filter(|room| floor(room).is_some()) else {
            continue;
        };
        let mut last = Vec::new();
        leaves(path, &mut last);
        exports.extend(last.into_iter().map(|name| (name, room.clone())));
    }
    exports
}

/// The names that a use tree brings in.
fn leaves(tree: &[TokenTree], found: &mut Vec<String>) {
    match tree.last() {
        Some(TokenTree::Ident(name)) => found.push(name.to_string()),
        Some(TokenTree::Group(group)) => {
            let tokens: Vec<_> = group.stream().into_iter().collect();
            for tree in tokens.split(|token| is(Some(token), ",")) {
                leaves(tree, found);
            }
        }
        _ => {}
    }
}

/// All files below `folder`, with their modules; those of tests, declared under `#[cfg(test)]`, left out.
fn files(folder: &Path, module: &Module) -> Vec<(Module, PathBuf)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if name == "tests" {
            continue;
        }
        let inner = if name == "mod" { module.clone() } else { [module.as_slice(), &[name]].concat() };
        if path.is_dir() {
            found.extend(files(&path, &inner));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((inner, path));
        }
    }
    found.sort();
    found
}

#[test]
fn every_module_uses_only_the_rooms_above_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let exports = exports(&fs::read_to_string(src.join("lib.rs")).unwrap());
    let files = files(&src, &Vec::new());
    assert!(files.len() > 20, "only {} files below {}", files.len(), src.display());
    let mut faults_found = Vec::new();
    for (module, path) in files.iter().filter(|(module, _)| *module != ["lib"]) {
        faults_found.extend(faults(module, &fs::read_to_string(path).unwrap(), &exports));
    }
    assert!(faults_found.is_empty(), "the order of the rooms is broken:\n{}", faults_found.join("\n"));
}

#[test]
fn files_are_short_enough_to_read() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (module, path) in files(&src, &Vec::new()) {
        let source = fs::read_to_string(path).unwrap();
        let own = source.split("#[cfg(test)]\nmod ").next().unwrap();
        let code =
            own.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count();
        assert!(code <= 400, "`{}` has {code} lines of code", module.join("::"));
    }
}

#[test]
fn a_room_that_looks_down_is_found() {
    let exports = exports("mod error; pub use error::{Error, kind::ErrorKind}; pub use guard::OAuth;");
    let found =
        |room: &str, source: &str| faults(&room.split("::").map(Into::into).collect(), source, &exports);

    let down = ["`config` uses `flow`, below it"];
    assert_eq!(found("config", "use crate::flow::Flow;"), down);
    assert_eq!(found("config", "use crate::{error::Error, flow::{self, Flow}};"), down);
    assert_eq!(found("config", "fn f() { let x = crate::flow::begin(); }"), down);
    assert_eq!(found("config", "fn f() { format!(\"{}\", crate::flow::begin()) }"), down);
    assert_eq!(found("config", "pub use super::flow;"), down);
    assert_eq!(found("config", "mod inner { use super::super::flow; }"), down);
    assert_eq!(found("config", "#[cfg(test)] use crate::{dance, guard}; use crate::flow;"), down);
    assert_eq!(found("config::entry", "use super::super::flow;"), ["`config::entry` uses `flow`, below it"]);
    assert_eq!(found("error", "use crate::OAuth;"), ["`error` uses `guard`, below it"]);
    assert_eq!(found("error", "use crate::*;"), ["`error` uses `*`, of no known room"]);

    let fine = [
        "use crate::error::Error; use crate::{Error, ErrorKind};",
        "//! [`Flow`](crate::flow::Flow)\n/// crate::flow::Flow\n// crate::flow\nfn f() { \"crate::flow\"; }",
        "pub(crate) fn f() {} pub(in crate::config) fn g() {}",
        "#[cfg(test)] mod tests { use crate::flow::Flow; use super::*; }",
        "mod flow { pub struct Flow; } use flow::Flow; use self::flow::Flow as Other;",
    ];
    for source in fine {
        assert_eq!(found("config", source), Vec::<String>::new(), "{source}");
    }
    assert_eq!(found("config::entry", "use super::Settings; use super::flow;"), Vec::<String>::new());
    assert_eq!(found("session", "use crate::page;"), Vec::<String>::new(), "siblings");
}
