//! The tables of the guide are complete: docs/from_flask_dance.md has a row for every name of the ancestors' manuals, and every
//! key that it names exists; docs/guide/troubleshooting.md has every error code.

#[path = "guide/examples.rs"]
mod examples;
#[path = "guide/links.rs"]
mod links;
#[path = "guide/tables.rs"]
mod tables;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const PAGE: &str = include_str!("../docs/from_flask_dance.md");
/// The names in the manuals of Flask-Dance and Flask-Social: classes, arguments, attributes, methods, signals, settings.
const NAMES: &str = include_str!("guide/names.txt");
/// Where the keys are that the page may name.
const KEYS: [&str; 3] = [
    include_str!("../docs/settings.md"),
    include_str!("../docs/providers.md"),
    include_str!("../src/storage/sql/schema.rs"),
];

/// The texts between backticks in `text`.
fn code(text: &str) -> BTreeSet<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_name_of_the_manuals_has_a_row() {
    let rows: Vec<&str> = PAGE.lines().filter(|line| line.starts_with("| ")).collect();
    let prose: Vec<&str> = PAGE.lines().filter(|line| !line.starts_with("| ")).collect();
    let (rows, prose) = (rows.join("\n"), prose.join("\n"));
    let found: BTreeSet<&str> = code(&rows).union(&code(&prose)).copied().collect();
    let missing: Vec<&str> = NAMES.lines().filter(|name| !found.contains(name)).collect();
    assert!(missing.is_empty(), "docs/from_flask_dance.md lacks {missing:?}");
}

#[test]
fn every_name_of_rocket_oauth2_has_a_row() {
    let page = include_str!("../docs/from_rocket_oauth2.md");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ")).collect();
    let rows = rows.join("\n");
    let found = code(&rows);
    let missing: Vec<&str> =
        include_str!("guide/rocket_oauth2_names.txt").lines().filter(|name| !found.contains(name)).collect();
    assert!(missing.is_empty(), "docs/from_rocket_oauth2.md lacks {missing:?}");
}

#[test]
fn every_key_on_the_page_exists() {
    let is_key = |name: &&str| name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let second = |line: &'static str| line.strip_prefix("| ")?.split_once(" | ").map(|(_, cell)| cell);
    for cell in PAGE.lines().filter_map(second) {
        // Links are names of the crate.
        let links: BTreeSet<&str> =
            cell.split("[`").skip(1).filter_map(|rest| rest.split('`').next()).collect();
        for key in code(cell).into_iter().filter(is_key).filter(|key| !links.contains(key)) {
            let is_known =
                |text: &&str| text.contains(&format!("`{key}`")) || text.contains(&format!(" {key} -> "));
            assert!(KEYS.iter().any(is_known), "there is no key `{key}`: {cell}");
        }
    }
}

/// All words of the source.
fn words() -> BTreeSet<String> {
    fn read(folder: &Path, words: &mut BTreeSet<String>) {
        for path in fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()) {
            match path.extension() {
                None => read(&path, words),
                Some(_) => {
                    let text = fs::read_to_string(&path).unwrap_or_default();
                    let found = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                    words.extend(found.map(str::to_owned));
                }
            }
        }
    }
    let mut words = BTreeSet::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut words);
    words
}

#[test]
fn every_name_of_ours_exists() {
    let words = words();
    let mut missing = Vec::new();
    for page in [PAGE, include_str!("../docs/from_rocket_oauth2.md")] {
        let cells = page.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
        for (_, cell) in cells {
            for name in code(cell) {
                let path = name.split(['<', '(']).next().unwrap_or_default();
                let is_type = name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase);
                let is_name = path.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':'));
                if is_name && (is_type || path.contains("::")) {
                    missing.extend(path.split("::").filter(|part| !words.contains(*part)).map(|_| name));
                }
            }
        }
    }
    assert!(missing.is_empty(), "these are not in the crate: {missing:?}");
}

#[test]
fn every_error_code_has_a_row() {
    let kinds = include_str!("../src/error/kind.rs");
    let (_, kinds) = kinds.split_once("error_kinds! {\n").expect("the table");
    let (kinds, _) = kinds.split_once("\n}").expect("its end");
    let lines = kinds.lines().filter(|line| !line.trim_start().starts_with("///"));
    let codes: BTreeSet<&str> = lines.filter_map(|line| line.split('"').nth(1)).collect();
    let (_, table) =
        include_str!("../docs/guide/troubleshooting.md").split_once("## By code").expect("the table");
    let (table, _) = table.split_once("\n## ").expect("its end");
    let cells = table.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let shown: BTreeSet<&str> =
        cells.flat_map(|cell| cell.split("`, `")).map(|code| code.trim_end_matches('`')).collect();
    assert_eq!(shown, codes);
}
