//! Compares docs/security.md with the tests: each case has its row, each test in a row exists and runs, and each test
//! whose name begins with the id of a case is in that case's row.
//!
//! `UPDATE=1 cargo test --test security` adds missing tests to the rows of their cases.
//!
//! Each fault of docs/faults.md has tests whose names begin with its id.
//!
//! It also checks that the files and functions that the other pages name exist.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The kinds of cases, each with its last number. Numbers begin at 1.
const CASES: [(&str, usize); 30] = [
    ("ST", 20),
    ("PK", 7),
    ("MX", 10),
    ("RD", 9),
    ("CB", 14),
    ("ID", 25),
    ("DJ", 14),
    ("TR", 19),
    ("RF", 6),
    ("O1", 14),
    ("CK", 12),
    ("SF", 4),
    ("CS", 4),
    ("NA", 10),
    ("LO", 6),
    ("PX", 4),
    ("LK", 7),
    ("HD", 3),
    ("AL", 25),
    ("DB", 8),
    ("RR", 7),
    ("RT", 2),
    ("CA", 7),
    ("EN", 6),
    ("MG", 4),
    ("CL", 2),
    ("SH", 2),
    ("GC", 1),
    ("TX", 1),
    ("OB", 1),
];

/// The last number of the faults that a penetration test has found: `D1` to `D17`.
const LAST_FOUND: usize = 17;

/// How a row may begin that has a reason in place of a test.
const REASONS: [&str; 3] = ["the app's duty: ", "not offered: ", "nothing to do: "];

/// The row of one case.
#[derive(Debug)]
struct Row {
    /// Index of the row's line in the page.
    line: usize,
    /// The last cell: tests, or the reason why there is none.
    test: String,
}

impl Row {
    /// The names of the tests in the row.
    fn tests(&self) -> Vec<&str> {
        let quoted = self.test.split('`').skip(1).step_by(2);
        quoted.filter(|name| !name.is_empty() && name.chars().all(is_name)).collect()
    }
}

/// Whether `text` looks like a case: `ST-01` or `D1`.
fn is_case(text: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.as_bytes().get(2) == Some(&b'-') || text.strip_prefix('D').is_some_and(is_number)
}

fn is_name(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'
}

/// The rows of `page` by their cases, and the problems found in them.
fn rows(page: &str) -> (BTreeMap<String, Row>, Vec<String>) {
    let (mut rows, mut faults) = (BTreeMap::new(), Vec::new());
    for (line, text) in page.lines().enumerate() {
        let Some(text) = text.strip_prefix("| ").filter(|text| is_case(text.split(" |").next().unwrap()))
        else {
            continue;
        };
        let cells: Vec<_> = text.trim_end_matches('|').split(" | ").map(str::trim).collect();
        let [case, attack, defence, test] = cells[..] else {
            faults.push(format!("line {}: not four cells", line + 1));
            continue;
        };
        if attack.is_empty() || defence.is_empty() {
            faults.push(format!("{case}: attack or defence is missing"));
        }
        if rows.insert(case.to_owned(), Row { line, test: test.to_owned() }).is_some() {
            faults.push(format!("{case}: two rows"));
        }
    }
    (rows, faults)
}

/// The cases at the beginning of a test's name. `en_01_and_en_03_what_was_meddled_with` has two, and so has `d4_d11_texts`.
fn cases_of(test: &str) -> Vec<String> {
    let (mut cases, mut rest) = (Vec::new(), test);
    while let Some((case, tail)) = found_case(rest) {
        cases.push(case);
        rest = tail;
    }
    while let Some((head, tail)) = rest.split_at_checked(6) {
        let parts: Vec<_> = head.split('_').collect();
        let [kind, number, ""] = parts[..] else { break };
        let known = CASES.iter().any(|(known, _)| known.eq_ignore_ascii_case(kind));
        if !known || number.parse::<u8>().is_err() {
            break;
        }
        cases.push(format!("{}-{number}", kind.to_ascii_uppercase()));
        rest = tail.strip_prefix("and_").unwrap_or(tail);
    }
    cases
}

/// The case `D<number>` at the beginning of `name`, and the rest of the name.
fn found_case(name: &str) -> Option<(String, &str)> {
    let (head, tail) = name.split_once('_')?;
    let number: usize = head.strip_prefix('d')?.parse().ok()?;
    (1..=LAST_FOUND)
        .contains(&number)
        .then(|| (format!("D{number}"), tail.strip_prefix("and_").unwrap_or(tail)))
}

/// Adds every test in `source` to `found`, with the reason if it is ignored by `cargo test`.
fn tests(source: &str, found: &mut BTreeMap<String, Option<String>>) {
    let (mut is_test, mut ignored, mut on_each) = (false, None, false);
    for line in source.lines().map(str::trim) {
        if line.starts_with("on_each_") && line.ends_with("! {") {
            on_each = true;
        } else if on_each && !line.is_empty() && line.chars().all(is_name) {
            found.insert(line.to_owned(), None);
        } else if line == "#[test]" || line == "#[rocket::async_test]" {
            is_test = true;
        } else if let Some(reason) = line.strip_prefix("#[ignore") {
            let reason = reason.trim_start_matches([' ', '=', '"']).trim_end_matches(['"', ']']);
            ignored = Some(reason.to_owned());
        } else if let Some(name) = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ") {
            let name: String = name.chars().take_while(|c| is_name(*c)).collect();
            if is_test {
                found.insert(name, ignored.clone());
            }
            (is_test, ignored) = (false, None);
        } else {
            on_each &= line != "}";
        }
    }
}

/// Adds every Rust file below `folder` to `found`.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("node_modules") {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn all_tests() -> BTreeMap<String, Option<String>> {
    let mut found = Vec::new();
    for folder in ["src", "tests", "example_app/src"] {
        files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    }
    let mut all = BTreeMap::new();
    found.iter().for_each(|file| tests(&fs::read_to_string(file).unwrap(), &mut all));
    all
}

/// The differences between the page and the tests.
fn faults(page: &str, tests: &BTreeMap<String, Option<String>>) -> Vec<String> {
    let (rows, mut faults) = rows(page);
    let wanted = CASES.iter().flat_map(|(kind, last)| (1..=*last).map(move |n| format!("{kind}-{n:02}")));
    let wanted: BTreeSet<_> = wanted.chain((1..=LAST_FOUND).map(|n| format!("D{n}"))).collect();
    for case in wanted.iter().filter(|case| !rows.contains_key(*case)) {
        faults.push(format!("{case}: no row"));
    }
    for (case, row) in &rows {
        if !wanted.contains(case) {
            faults.push(format!("{case}: no such case"));
        }
        if REASONS.iter().any(|words| row.test.starts_with(words)) {
            continue;
        }
        if row.tests().is_empty() && !row.test.starts_with("races: ") {
            faults.push(format!("{case}: no test, and no reason why"));
        }
        for test in row.tests() {
            match tests.get(test) {
                None => faults.push(format!("{case}: there is no test `{test}`")),
                Some(Some(reason)) if reason.is_empty() => {
                    faults.push(format!("{case}: `{test}` is ignored without a reason"))
                }
                Some(_) => {}
            }
        }
    }
    for (case, test) in unlisted(&rows, tests) {
        faults.push(format!("{case}: lacks `{test}`"));
    }
    faults
}

/// The tests that are missing in the rows of their cases, each with its case.
fn unlisted(rows: &BTreeMap<String, Row>, tests: &BTreeMap<String, Option<String>>) -> Vec<(String, String)> {
    let named =
        tests.keys().flat_map(|test| cases_of(test).into_iter().map(move |case| (case, test.clone())));
    named
        .filter(|(case, test)| rows.get(case).is_none_or(|row| !row.tests().contains(&test.as_str())))
        .collect()
}

/// Returns the page with every missing test added.
fn updated(page: &str, tests: &BTreeMap<String, Option<String>>) -> String {
    let (rows, _) = rows(page);
    let mut lines: Vec<_> = page.lines().map(str::to_owned).collect();
    for (case, test) in unlisted(&rows, tests) {
        let Some(row) = rows.get(&case) else { continue };
        let line = &mut lines[row.line];
        let begun = line.trim_end_matches('|').trim_end().to_owned();
        let between = if begun.ends_with(" |") { " " } else { ", " };
        *line = format!("{begun}{between}`{test}` |");
    }
    lines.join("\n") + "\n"
}

#[test]
fn every_case_has_its_test() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/security.md");
    let (mut page, tests) = (fs::read_to_string(&file).unwrap(), all_tests());
    if std::env::var_os("UPDATE").is_some() {
        page = updated(&page, &tests);
        fs::write(&file, &page).unwrap();
    }
    let faults = faults(&page, &tests);
    assert!(
        faults.is_empty(),
        "docs/security.md has {} problems; `UPDATE=1 cargo test --test security` adds missing tests:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

/// The ids at the beginning of a test's name that docs/faults.md may define, such as `B1` of `b1_an_outage`.
fn found_faults(test: &str) -> Vec<String> {
    let is_id =
        |part: &&str| part.strip_prefix(['a', 'b', 'r']).is_some_and(|number| number.parse::<u8>().is_ok());
    test.split('_').take_while(is_id).map(str::to_ascii_uppercase).collect()
}

#[test]
fn every_fault_has_its_test() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/faults.md")).unwrap();
    let ids = page.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    let listed: BTreeSet<String> =
        ids.filter(|id| !found_faults(&id.to_ascii_lowercase()).is_empty()).map(str::to_owned).collect();
    let tested: BTreeSet<String> = all_tests().keys().flat_map(|test| found_faults(test)).collect();
    assert!(listed.len() > 40, "{listed:?}");
    assert_eq!(listed, tested);
}

/// The texts in backticks on `page`, without its fenced blocks.
fn quoted(page: &str) -> Vec<&str> {
    page.split("```").step_by(2).flat_map(|prose| prose.split('`').skip(1).step_by(2)).collect()
}

/// The Rust items that a quoted text names: a path (`Standing::Stranger`), a call (`link()`) or a type (`Login<U>`).
fn items(quoted: &str) -> Vec<&str> {
    let path = quoted.trim_end_matches("()").split('<').next().unwrap_or_default();
    let is_word = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let parts: Vec<_> = path.split("::").collect();
    let is_type = path.starts_with(|c: char| c.is_ascii_uppercase()) && path.contains(char::is_lowercase);
    let is_item = is_type || parts.len() > 1 || quoted.ends_with("()");
    if is_item && parts.iter().all(|part| is_word(part)) { parts } else { Vec::new() }
}

#[test]
fn the_pages_name_what_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec!["README.md".into(), "CONTRIBUTING.md".into(), "SECURITY.md".into()];
    for folder in ["docs", "docs/guide"] {
        let entries = fs::read_dir(root.join(folder)).unwrap().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        pages.extend(names.filter(|name| name.ends_with(".md")).map(|name| format!("{folder}/{name}")));
    }
    let mut found = Vec::new();
    files(&root.join("src"), &mut found);
    let code: String = found.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let words: BTreeSet<_> = code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let folders = ["src/", "tests/", "docs/", "example_app/", "examples/", "races/", "fuzz/", "bench/"];
    let mut missing = Vec::new();
    for page in &pages {
        let text = fs::read_to_string(root.join(page)).unwrap();
        for quoted in quoted(&text) {
            let is_path = folders.iter().any(|folder| quoted.starts_with(folder));
            if is_path && !quoted.contains(['<', '*', ' ']) && !root.join(quoted).exists() {
                missing.push(format!("{page}: the file {quoted}"));
            }
            // These pages name what another library has.
            let items = if page.starts_with("docs/from_") { Vec::new() } else { items(quoted) };
            for name in items.into_iter().filter(|name| !words.contains(name)) {
                missing.push(format!("{page}: `{name}` in {quoted}"));
            }
        }
    }
    assert!(missing.is_empty(), "these don't exist:\n{}", missing.join("\n"));
}

#[test]
fn the_table_of_routes_has_every_path() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let paths = fs::read_to_string(root.join("src/paths.rs")).unwrap();
    let table = paths.split_once("\ntable! {").unwrap().1.split_once("\n}").unwrap().0;
    let rows = table.lines().map(str::trim).filter(|line| !line.starts_with('/'));
    let patterns: Vec<_> = rows.filter_map(|row| row.split_once(" \"")?.1.split_once("\" {")).collect();
    assert!(patterns.len() > 10, "{patterns:?}");
    let lib = fs::read_to_string(root.join("src/lib.rs")).unwrap();
    for (pattern, _) in patterns {
        let is_listed = [format!(" `/login{pattern}` |"), format!(" `/login{pattern}?")];
        assert!(is_listed.iter().any(|text| lib.contains(text)), "lib.rs has no row for {pattern}");
    }
}

#[test]
fn the_check_sees_what_is_wrong() {
    let source = "#[test]\nfn st_01_a() {}\n#[test]\n#[ignore]\nfn st_02_b() {}\nfn st_03_no_test() {}\n\
                  on_each_database! {\n    en_01_and_en_03_c\n}\nst_04_no_test\n#[rocket::async_test]\n\
                  #[ignore = \"needs node\"]\nasync fn st_05_d() {}";
    let mut found = BTreeMap::new();
    tests(source, &mut found);
    let names: Vec<_> = found.keys().map(String::as_str).collect();
    assert_eq!(names, ["en_01_and_en_03_c", "st_01_a", "st_02_b", "st_05_d"]);
    assert_eq!(cases_of("en_01_and_en_03_c"), ["EN-01", "EN-03"]);
    assert_eq!(cases_of("cb_03_cb_04_either"), ["CB-03", "CB-04"]);
    assert_eq!(cases_of("d4_d11_texts"), ["D4", "D11"]);
    assert_eq!(cases_of("d2_st_04_both"), ["D2", "ST-04"]);
    assert!(cases_of("d18_none").is_empty() && cases_of("debug_it").is_empty());
    assert!(cases_of("no_01_case").is_empty() && cases_of("st_é01").is_empty());

    let page = "| ST-01 | a | d | |\n| ST-02 | a | d | `st_02_b` |\n| ST-05 | a | d | `st_05_d`, `gone` |\n\
                | D4 | a | d | |\n| ST-99 | a |  | not offered: y |\n| PK-01 | a | `pk` |";
    assert_eq!(items("Login<i32>"), ["Login"]);
    assert_eq!(items("Verdict::SignUp"), ["Verdict", "SignUp"]);
    assert_eq!(items("link()"), ["link"]);
    assert!(items("client_id").is_empty() && items("GET /login").is_empty() && items("RETURNING").is_empty());

    let said = faults(page, &found).join("\n");
    for fault in [
        "ST-03: no row",
        "ST-99: no such case",
        "ST-99: attack or defence is missing",
        "line 6: not four cells",
        "ST-01: no test",
        "D4: no test",
        "D17: no row",
        "ST-01: lacks `st_01_a`",
        "ST-02: `st_02_b` is ignored without a reason",
        "ST-05: there is no test `gone`",
    ] {
        assert!(said.contains(fault), "{fault} in:\n{said}");
    }
    assert!(
        updated(page, &found).starts_with("| ST-01 | a | d | `st_01_a` |\n| ST-02 | a | d | `st_02_b` |\n")
    );
}

/// A comparison that stops at the first difference shows how many bytes of a guess were right.
#[test]
fn st_16_secrets_have_no_eq() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/secret/secret.rs");
    let source = fs::read_to_string(file).unwrap();
    let (before, _) = source.split_once("pub struct Secret").unwrap();
    let derived = before.rsplit_once("#[derive(").unwrap().1;
    assert!(!derived.contains("PartialEq") && !source.contains("PartialEq for Secret"));
    assert!(!source.contains("PartialEq<") && source.contains("ct_eq"));
}
