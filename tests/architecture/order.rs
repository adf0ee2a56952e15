//! The order of the modules.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, TokenTree};

use super::source::{Module, after_item, is, is_doc, is_path, is_test, library_files, parse};

/// The modules of the crate, from the top. A module uses only modules above it; those of one line may use each other.
const LAYERS: [&[&str]; 15] = [
    &[
        "error",
        "secret",
        "base_path",
        "clock",
        "cookies",
        "finding",
        "local_path",
        "lock",
        "paths",
        "placeholders",
        "redirect_target",
    ],
    &["user", "profile", "token"],
    &["provider"],
    &["config"],
    &["link"],
    &["storage"],
    &["flow"],
    &["client"],
    &["signals", "session", "page", "flash"],
    &["dance"],
    &["guard"],
    &["doctor"],
    &["testing"],
    &["fuzz"],
    &["guide"],
];

fn position(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// The top module from which each name at the crate's root is re-exported.
type Exports = BTreeMap<String, String>;

/// Uses in `source`, the file of `module`, of modules below its own.
fn faults_in(module: &Module, source: &str, exports: &Exports) -> Vec<String> {
    let mut used = Vec::new();
    walk(parse(source), module, &mut used);
    let own =
        position(&module[0]).unwrap_or_else(|| panic!("`{}` is not in the order of the modules", module[0]));
    let mut faults = Vec::new();
    for name in used {
        let layer = exports.get(&name).unwrap_or(&name);
        match position(layer) {
            Some(other) if other > own => {
                faults.push(format!("`{}` uses `{layer}`, below it", module.join("::")))
            }
            Some(_) => {}
            // A macro or a re-export that lib.rs does not show must not bypass the order.
            None => faults.push(format!("`{}` uses `{name}`, of no known module", module.join("::"))),
        }
    }
    faults.sort();
    faults.dedup();
    faults
}

/// Collects the first name of each path that starts at the crate's root.
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
        // `crate` is always the first part of a path.
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

/// The first names of the rest of a path: `a::b`, or `{a, b::c}`.
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

/// The re-exports of `lib.rs`: `pub use error::{Error, Result}` maps `Error` and `Result` to `error`.
fn exports(lib: &str) -> Exports {
    let mut exports = Exports::new();
    let tokens = parse(lib);
    for at in 0..tokens.len() {
        if !is(tokens.get(at), "use") {
            continue;
        }
        let end = (at..tokens.len()).find(|end| is(tokens.get(*end), ";")).unwrap_or(tokens.len());
        let path = &tokens[at + 1..end];
        let Some(module) = path.first().map(ToString::to_string).filter(|module| position(module).is_some())
        else {
            continue;
        };
        let mut last = Vec::new();
        leaves(path, &mut last);
        exports.extend(last.into_iter().map(|name| (name, module.clone())));
    }
    exports
}

/// The names that a use tree imports.
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

/// Every use of a module below the user's own, in the library at `src`.
pub(crate) fn faults(src: &Path) -> Vec<String> {
    let exports = exports(&fs::read_to_string(src.join("lib.rs")).unwrap());
    let files = library_files(src);
    assert!(files.len() > 20, "only {} files below {}", files.len(), src.display());
    let mut faults = Vec::new();
    for (module, path) in files.iter().filter(|(module, _)| *module != ["lib"]) {
        faults.extend(faults_in(module, &fs::read_to_string(path).unwrap(), &exports));
    }
    faults
}

#[test]
fn a_module_that_uses_one_below_it_is_found() {
    let exports = exports("mod error; pub use error::{Error, kind::ErrorKind}; pub use guard::OAuth;");
    let found = |module: &str, source: &str| {
        faults_in(&module.split("::").map(Into::into).collect(), source, &exports)
    };

    let below = ["`config` uses `flow`, below it"];
    assert_eq!(found("config", "use crate::flow::Flow;"), below);
    assert_eq!(found("config", "use crate::{error::Error, flow::{self, Flow}};"), below);
    assert_eq!(found("config", "fn f() { let x = crate::flow::begin(); }"), below);
    assert_eq!(found("config", "fn f() { format!(\"{}\", crate::flow::begin()) }"), below);
    assert_eq!(found("config", "pub use super::flow;"), below);
    assert_eq!(found("config", "mod inner { use super::super::flow; }"), below);
    assert_eq!(found("config", "#[cfg(test)] use crate::{dance, guard}; use crate::flow;"), below);
    assert_eq!(found("config::entry", "use super::super::flow;"), ["`config::entry` uses `flow`, below it"]);
    assert_eq!(found("error", "use crate::OAuth;"), ["`error` uses `guard`, below it"]);
    assert_eq!(found("error", "use crate::*;"), ["`error` uses `*`, of no known module"]);

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

#[test]
fn the_documentation_shows_this_order() {
    let page = fs::read_to_string(super::root().join("docs/architecture.md")).unwrap();
    let mut rest = page.as_str();
    for layer in LAYERS {
        let names: Vec<_> = layer.iter().map(|module| format!("`{module}`")).collect();
        let row = format!("\n| {} |", names.join(" "));
        let (_, after) = rest.split_once(&row).unwrap_or_else(|| panic!("docs/architecture.md lacks:{row}"));
        rest = after;
    }
}
