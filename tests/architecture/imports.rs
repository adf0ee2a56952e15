//! Which file uses what of which other file.
//!
//! A path is followed through re-exports to the file that defines its item. A call of a method of `Dance` leads to the
//! file with the `impl` block.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, TokenTree};

use super::circles::Arrows;
use super::source::{Module, after_item, is, is_doc, is_path, is_test, library_files, parse};

/// The keywords before the name of an item.
const ITEMS: [&str; 8] = ["struct", "enum", "trait", "fn", "const", "static", "type", "union"];

/// How many re-exports are followed before the resolver gives up.
const MAX_REEXPORTS: usize = 16;

/// One module: where it is, what it defines, and what it imports.
#[derive(Default)]
struct Scope {
    file: String,
    items: BTreeSet<String>,
    imports: BTreeMap<String, Vec<String>>,
    globs: Vec<Vec<String>>,
    /// Every path in it, as segments.
    paths: BTreeSet<Vec<String>>,
    /// The names of methods that it calls on a `dance`.
    dance_calls: BTreeSet<String>,
}

type Scopes = BTreeMap<Module, Scope>;

/// What each file of the library at `src` uses of each other file.
pub(crate) fn arrows(src: &Path) -> Arrows {
    let mut scopes = Scopes::new();
    let mut dance_methods = BTreeMap::new();
    for (module, path) in library_files(src) {
        let module = if module == ["lib"] { Vec::new() } else { module };
        let file = path.strip_prefix(src).unwrap().display().to_string();
        read(parse(&fs::read_to_string(&path).unwrap()), &module, &file, &mut scopes, &mut dance_methods);
    }
    let mut arrows = Arrows::new();
    let mut add = |from: &str, to: &str, name: &str| {
        if from != to {
            let names = arrows.entry(from.to_owned()).or_default().entry(to.to_owned()).or_default();
            names.insert(name.to_owned());
        }
    };
    for (module, scope) in &scopes {
        for path in &scope.paths {
            if let Some(file) = resolve(&scopes, module, path, MAX_REEXPORTS) {
                add(&scope.file, &file, path.last().unwrap());
            }
        }
        for method in &scope.dance_calls {
            if let Some(file) = dance_methods.get(method) {
                add(&scope.file, file, &format!("Dance::{method}"));
            }
        }
    }
    arrows
}

/// Reads the tokens of a module into `scopes`.
fn read(
    tokens: Vec<TokenTree>,
    module: &Module,
    file: &str,
    scopes: &mut Scopes,
    dance_methods: &mut BTreeMap<String, String>,
) {
    let scope = scopes.entry(module.clone()).or_default();
    scope.file = file.to_owned();
    let mut inner = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if is(Some(&tokens[at]), "#") && is_test(tokens.get(at + 1)) {
            at = after_item(&tokens, at + 2);
            continue;
        }
        if is(Some(&tokens[at]), "use") {
            let end = (at..tokens.len()).find(|end| is(tokens.get(*end), ";")).unwrap_or(tokens.len());
            // A re-export only passes a name on: it is no use of it.
            let is_reexport = at > 0 && (is(Some(&tokens[at - 1]), "pub") || is_restriction(&tokens, at));
            import(scope, &tokens[at + 1..end], &[], is_reexport);
            at = end + 1;
            continue;
        }
        if is(Some(&tokens[at]), "mod")
            && let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(body))) =
                (tokens.get(at + 1), tokens.get(at + 2))
        {
            inner.push((name.to_string(), body.stream().into_iter().collect()));
            at += 3;
            continue;
        }
        if let (TokenTree::Ident(keyword), Some(TokenTree::Ident(name))) = (&tokens[at], tokens.get(at + 1))
            && ITEMS.iter().any(|item| keyword == item)
        {
            scope.items.insert(name.to_string());
        }
        if is(Some(&tokens[at]), "impl")
            && is(tokens.get(at + 1), "Dance")
            && let Some(TokenTree::Group(body)) = tokens.get(at + 2)
        {
            let body: Vec<_> = body.stream().into_iter().collect();
            for pair in body.windows(2).filter(|pair| is(Some(&pair[0]), "fn")) {
                dance_methods.insert(pair[1].to_string(), file.to_owned());
            }
        }
        at += 1;
    }
    collect_paths(&tokens, scope);
    for (name, tokens) in inner {
        let module = [module.as_slice(), &[name]].concat();
        read(tokens, &module, file, scopes, dance_methods);
    }
}

/// Whether the tokens before `at` are `pub(crate)`, `pub(super)` or `pub(in …)`.
fn is_restriction(tokens: &[TokenTree], at: usize) -> bool {
    at > 1 && matches!(tokens[at - 1], TokenTree::Group(_)) && is(Some(&tokens[at - 2]), "pub")
}

/// Adds a use tree to the imports of `scope`.
fn import(scope: &mut Scope, tree: &[TokenTree], prefix: &[String], is_reexport: bool) {
    let mut path = prefix.to_vec();
    let mut at = 0;
    while at < tree.len() {
        match &tree[at] {
            TokenTree::Ident(name) if name == "as" => {
                let alias = tree.get(at + 1).map(ToString::to_string).unwrap_or_default();
                return finish_import(scope, path, alias, is_reexport);
            }
            TokenTree::Ident(name) if name == "self" && !path.is_empty() => {}
            TokenTree::Ident(name) => path.push(name.to_string()),
            TokenTree::Punct(star) if star.as_char() == '*' => return scope.globs.push(path),
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                let tokens: Vec<_> = group.stream().into_iter().collect();
                for tree in tokens.split(|token| is(Some(token), ",")).filter(|tree| !tree.is_empty()) {
                    import(scope, tree, &path, is_reexport);
                }
                return;
            }
            _ => {}
        }
        at += 1;
    }
    let name = path.last().cloned().unwrap_or_default();
    finish_import(scope, path, name, is_reexport);
}

fn finish_import(scope: &mut Scope, path: Vec<String>, name: String, is_reexport: bool) {
    if path.is_empty() {
        return;
    }
    if !is_reexport {
        scope.paths.insert(path.clone());
    }
    scope.imports.insert(name, path);
}

/// Collects the paths of more than one segment outside of `use`, and the methods called on a `dance`.
fn collect_paths(tokens: &[TokenTree], scope: &mut Scope) {
    let mut at = 0;
    while at < tokens.len() {
        if is(Some(&tokens[at]), "#") && is_test(tokens.get(at + 1)) {
            at = after_item(tokens, at + 2);
            continue;
        }
        if is(Some(&tokens[at]), "#") && is_doc(tokens.get(at + 1)) {
            at += 2;
            continue;
        }
        if is(Some(&tokens[at]), "use") {
            at = (at..tokens.len()).find(|end| is(tokens.get(*end), ";")).unwrap_or(tokens.len());
            continue;
        }
        if is(Some(&tokens[at]), "mod") && matches!(tokens.get(at + 2), Some(TokenTree::Group(_))) {
            at += 3;
            continue;
        }
        match &tokens[at] {
            TokenTree::Ident(first) => {
                let mut path = vec![first.to_string()];
                while is_path(tokens, at + 1)
                    && let Some(TokenTree::Ident(next)) = tokens.get(at + 3)
                {
                    path.push(next.to_string());
                    at += 3;
                }
                if path.len() > 1 {
                    scope.paths.insert(path);
                } else if path[0] == "dance"
                    && is(tokens.get(at + 1), ".")
                    && let Some(TokenTree::Ident(method)) = tokens.get(at + 2)
                    && matches!(tokens.get(at + 3), Some(TokenTree::Group(_)))
                {
                    scope.dance_calls.insert(method.to_string());
                }
            }
            TokenTree::Group(group) => {
                let tokens: Vec<_> = group.stream().into_iter().collect();
                collect_paths(&tokens, scope);
            }
            _ => {}
        }
        at += 1;
    }
}

/// The file that defines the item at the end of `path`, which is written in `module`.
fn resolve(scopes: &Scopes, module: &Module, path: &[String], depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    let mut current = module.clone();
    let mut rest = path;
    match path.first()?.as_str() {
        "crate" => {
            current = Vec::new();
            rest = &path[1..];
        }
        "self" => rest = &path[1..],
        "super" => {
            while rest.first().is_some_and(|segment| segment == "super") {
                current.pop()?;
                rest = &rest[1..];
            }
        }
        "Self" => return None,
        first => {
            // A name of this module: a child, an import or an item. Anything else is another crate.
            let child = [module.as_slice(), &[first.to_owned()]].concat();
            let scope = &scopes[module];
            let is_known = scopes.contains_key(&child)
                || scope.imports.contains_key(first)
                || scope.items.contains(first);
            if !is_known && scope.globs.is_empty() {
                return None;
            }
        }
    }
    for (at, segment) in rest.iter().enumerate() {
        let child = [current.as_slice(), std::slice::from_ref(segment)].concat();
        if scopes.contains_key(&child) {
            current = child;
            continue;
        }
        let scope = scopes.get(&current)?;
        if scope.items.contains(segment) {
            return Some(scope.file.clone());
        }
        if let Some(import) = scope.imports.get(segment) {
            if import.as_slice() == path && current == *module {
                return None;
            }
            let path = [import.as_slice(), &rest[at + 1..]].concat();
            return resolve(scopes, &current, &path, depth);
        }
        return scope.globs.iter().find_map(|glob| {
            let path = [glob.as_slice(), &rest[at..]].concat();
            resolve(scopes, &current, &path, depth)
        });
    }
    // The path ends at a module: its items are used by longer paths.
    None
}

#[test]
fn a_path_is_followed_through_reexports() {
    let mut scopes = Scopes::new();
    let mut methods = BTreeMap::new();
    let files = [
        ("", "lib.rs", "pub mod a; mod b; pub use a::Item;"),
        ("a", "a/mod.rs", "mod inner; pub use inner::Item; pub(crate) use self::inner::help as assist;"),
        ("a::inner", "a/inner.rs", "pub struct Item; pub fn help() {}"),
        (
            "b",
            "b.rs",
            "use crate::{Item, a::assist}; use crate::a; use std::fmt; fn f(dance: D) { dance.go(); a::assist(); }",
        ),
    ];
    for (module, file, source) in files {
        let module: Module = module.split("::").filter(|name| !name.is_empty()).map(Into::into).collect();
        read(parse(source), &module, file, &mut scopes, &mut methods);
    }
    let module = vec!["b".to_owned()];
    let found = |path: &str| {
        let path: Vec<String> = path.split("::").map(Into::into).collect();
        resolve(&scopes, &module, &path, MAX_REEXPORTS)
    };
    assert_eq!(found("crate::Item").as_deref(), Some("a/inner.rs"));
    assert_eq!(found("crate::a::assist").as_deref(), Some("a/inner.rs"));
    assert_eq!(found("a::assist").as_deref(), Some("a/inner.rs"));
    assert_eq!(found("std::fmt"), None);
    assert_eq!(scopes[&module].dance_calls, BTreeSet::from(["go".to_owned()]));
}
