//! The examples are short, listed, and run by a test; the commands of the pages can be typed.

use std::collections::BTreeSet;
use std::fs;

use super::links::{pages, root};

/// Maximum number of lines of code in an example, without blank lines and comments.
const MAX_CODE_LINES: usize = 60;
/// Those that need more: sessions and a guard of the app's own; two formats and a command.
const LONGER: [(&str, usize); 2] = [("second_factor.rs", 70), ("import_accounts.rs", 100)];

/// The examples of one file: names and texts.
fn examples() -> Vec<(String, String)> {
    let files = fs::read_dir(root().join("examples")).expect("the examples").flatten();
    let files = files.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "rs"));
    let read = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path()).expect("an example");
        (entry.file_name().to_string_lossy().into_owned(), text)
    };
    files.map(read).collect()
}

/// The files of `tests/`, in one text.
fn tests() -> String {
    let folders = ["tests", "tests/guide", "tests/suite", "tests/rides", "tests/openapi"];
    let files = folders.iter().flat_map(|folder| fs::read_dir(root().join(folder)).expect("tests").flatten());
    let rust = files.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "rs"));
    rust.map(|entry| fs::read_to_string(entry.path()).expect("a test")).collect()
}

#[test]
fn every_example_is_short_and_listed_and_run() {
    let (list, tests) = (fs::read_to_string(root().join("docs/README.md")).expect("the list"), tests());
    for (name, text) in examples() {
        let code = text.lines().filter(|line| !line.trim().is_empty() && !line.trim().starts_with("//"));
        let limit =
            LONGER.iter().find(|(longer, _)| *longer == name).map_or(MAX_CODE_LINES, |(_, limit)| *limit);
        assert!(code.count() <= limit, "examples/{name} has more than {limit} lines of code");
        assert!(text.starts_with("// "), "examples/{name} doesn't say what it shows");
        assert!(list.contains(&format!("`examples/{name}`")), "docs/README.md doesn't list examples/{name}");
        assert!(tests.contains(&format!("examples/{name}\"")), "no test runs examples/{name}");
    }
}

/// `tests/quickstart` types the page, and runs what it says.
#[test]
fn the_quickstart_prints_its_example() {
    let example = include_str!("../../examples/quickstart.rs");
    let (_, code) = example.split_once("\n\n").expect("the code after the head");
    let page = include_str!("../../docs/guide/quickstart.md");
    assert!(
        page.contains(&format!("```rust,no_run\n{code}```")),
        "docs/guide/quickstart.md prints something else"
    );
}

/// `tests/suite/cookbook` runs the policies of the page.
#[test]
fn the_cookbook_prints_its_policies() {
    let page = fs::read_to_string(root().join("docs/guide/policies.md")).expect("the cookbook");
    let files = fs::read_dir(root().join("tests/suite/cookbook")).expect("the policies").flatten();
    for file in files.map(|entry| entry.path()).filter(|path| !path.ends_with("mod.rs")) {
        let code = fs::read_to_string(&file).expect("a policy");
        assert!(page.contains(&code), "docs/guide/policies.md prints something else than {}", file.display());
    }
    // Each block is a file, but for the line with `RequireEmailDomain`.
    let files = fs::read_dir(root().join("tests/suite/cookbook")).expect("the policies").count() - 1;
    assert_eq!(page.matches("```rust").count(), files + 1);
}

#[test]
fn every_command_names_what_exists() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("the manifest");
    let mut texts: Vec<(String, String)> =
        pages().into_iter().map(|(path, text)| (path.display().to_string(), text)).collect();
    texts.extend(examples());
    let mut faults = Vec::new();
    for (path, text) in &texts {
        for command in text.split(['`', '\n']).filter(|line| line.contains("cargo run")) {
            let words: Vec<&str> = command.split_whitespace().collect();
            let after =
                |flag: &str| words.iter().position(|word| *word == flag).and_then(|at| words.get(at + 1));
            if let Some(example) = after("--example") {
                let files = [format!("examples/{example}.rs"), format!("examples/{example}/main.rs")];
                if !files.iter().any(|file| root().join(file).exists()) {
                    faults.push(format!("{path}: there is no example {example}"));
                }
                // A feature that the example needs, and that is not a default one, is in the command.
                let needs = manifest.split_once(&format!("name = \"{example}\"\nrequired-features = ["));
                let needs = needs.and_then(|(_, rest)| rest.split(']').next()).unwrap_or_default();
                let needs: BTreeSet<&str> =
                    needs.split('"').skip(1).step_by(2).filter(|f| *f != "sqlite").collect();
                let has: BTreeSet<&str> =
                    after("--features").map(|features| features.split(',').collect()).unwrap_or_default();
                if needs != has {
                    faults.push(format!("{path}: the example {example} needs --features {needs:?}"));
                }
            }
            if let Some(package) = after("-p").or(after("--package"))
                && !["example_app", "races", "rocket_dance", "redis_storage"].contains(package)
            {
                faults.push(format!("{path}: there is no package {package}"));
            }
        }
    }
    assert!(faults.is_empty(), "these commands can't be typed:\n{}", faults.join("\n"));
}

/// The modules that the crate makes public, and whose documentation begins in this file.
#[test]
fn every_public_module_opens_with_an_example() {
    for module in ["lib.rs", "guide.rs", "provider/mod.rs", "storage/mod.rs", "testing/mod.rs"] {
        let text = fs::read_to_string(root().join("src").join(module)).expect("a module");
        let docs: Vec<&str> =
            text.lines().take_while(|line| line.starts_with("//!") || line.starts_with("#!")).collect();
        assert!(docs.iter().any(|line| line.contains("```")), "src/{module} has no example at its top");
    }
    // A new public module is added to the list above.
    let public = |file: &str| {
        let text = fs::read_to_string(root().join("src").join(file)).expect("a module");
        text.lines().filter(|line| line.starts_with("pub mod ")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        public("lib.rs").len(),
        5,
        "{:?}: provider, storage, testing, guide, and fuzz for tests",
        public("lib.rs")
    );
}
