//! Each relative link of a page leads to a file that exists, and to a heading that is there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The folder of the crate.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All pages, by their path in the repository.
pub(crate) fn pages() -> BTreeMap<PathBuf, String> {
    let mut pages = BTreeMap::new();
    for folder in ["", "docs", "docs/guide"] {
        for entry in fs::read_dir(root().join(folder)).expect("a folder").flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "md") {
                let text = fs::read_to_string(&path).expect("a page");
                pages.insert(path.strip_prefix(root()).expect("below the root").to_owned(), text);
            }
        }
    }
    pages
}

/// A file of `src/`.
fn source(file: &str) -> String {
    fs::read_to_string(root().join("src").join(file)).expect("a file of the source")
}

/// The documentation in each file of `src/`: its lines after `///` or `//!`.
pub(crate) fn documented() -> BTreeMap<PathBuf, String> {
    fn read(folder: &Path, found: &mut BTreeMap<PathBuf, String>) {
        for path in fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                read(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a file of the source");
                let doc = |line: &str| {
                    let line = line.trim_start();
                    line.strip_prefix("///")
                        .or_else(|| line.strip_prefix("//!"))
                        .unwrap_or_default()
                        .to_owned()
                };
                found.insert(path, text.lines().map(doc).collect::<Vec<_>>().join("\n"));
            }
        }
    }
    let mut found = BTreeMap::new();
    read(&root().join("src"), &mut found);
    found
}

/// `page` without the text of its fenced blocks.
pub(crate) fn prose(page: &str) -> String {
    page.split("```").step_by(2).collect()
}

/// The targets of all links of a page: `[text](target)`, and the definitions `[text]: target`.
fn targets(page: &str) -> Vec<String> {
    let prose = prose(page);
    let inline = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let defined = prose.lines().filter_map(|line| line.strip_prefix('[')?.split_once("]: "));
    let all = inline.chain(defined.map(|(_, target)| target));
    all.filter(|target| !target.contains("://")).map(str::to_owned).collect()
}

/// The anchor of each heading, as GitHub and rustdoc make it.
fn anchors(page: &str) -> Vec<String> {
    let prose = prose(page);
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let text = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

/// `path` without `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(normal.pop()),
            part => normal.push(part),
        }
    }
    normal
}

/// What is wrong with the links of `pages`.
fn faults(pages: &BTreeMap<PathBuf, String>) -> Vec<String> {
    let mut faults = Vec::new();
    for (path, text) in pages {
        for target in targets(text) {
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let file = match file {
                "" => path.clone(),
                file => normal(&path.parent().expect("a folder").join(file)),
            };
            let known =
                |page: &String| anchor.is_empty() || anchors(page).iter().any(|known| known == anchor);
            if !root().join(&file).exists() || !pages.get(&file).is_none_or(known) {
                faults.push(format!("{}: {target}", path.display()));
            }
        }
    }
    faults
}

#[test]
fn every_link_leads_somewhere() {
    let faults = faults(&pages());
    assert!(faults.is_empty(), "these links lead nowhere:\n{}", faults.join("\n"));
}

/// rustdoc checks the path of a link, and not what follows `#`.
#[test]
fn every_link_to_the_front_page_leads_to_a_heading() {
    let front = source("lib.rs") + &fs::read_to_string(root().join("docs/settings.md")).expect("a page");
    let anchors = anchors(&front.replace("//! ", ""));
    let mut faults = Vec::new();
    for (path, text) in documented() {
        let targets = text.split("(crate#").skip(1).filter_map(|rest| rest.split(')').next());
        let unknown = targets.filter(|target| !anchors.iter().any(|anchor| anchor == target));
        faults.extend(unknown.map(|target| format!("{}: crate#{target}", path.display())));
    }
    assert!(faults.is_empty(), "these links lead to no heading:\n{}", faults.join("\n"));
}

/// In the API documentation a page is a module, and its links to other pages are those that `src/guide.rs` defines.
#[test]
fn the_pages_of_the_guide_link_by_the_names_of_pages() {
    let guide = fs::read_to_string(root().join("src/guide.rs")).expect("the guide");
    let mut faults = Vec::new();
    for (path, text) in pages() {
        let path = path.display().to_string();
        if !guide.contains(&format!("\"../{path}\"")) {
            continue;
        }
        let prose = prose(&text);
        let inline = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        faults.extend(
            inline
                .filter(|to| !to.contains("://") && !to.starts_with('#'))
                .map(|to| format!("{path}: ({to})")),
        );
        let defined = prose.lines().filter_map(|line| line.strip_prefix('[')?.split_once("]: "));
        for (name, _) in defined.filter(|(_, to)| !to.contains("://")) {
            if !guide.contains(&format!("\"[{name}]: crate")) {
                faults.push(format!("{path}: [{name}]"));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "write `[text][page]`, and define `[page]: page.md` at the end:\n{}",
        faults.join("\n")
    );
}

#[test]
fn the_check_sees_a_missing_file_and_a_missing_heading() {
    let page = "# One\n[a](README.md) [b](gone.md) [c](#one) [d](#two)\n[e]: ../SECURITY.md#gone\n```\n[f](gone.md)\n```\n";
    let mut pages = pages();
    pages.insert("docs/README.md".into(), page.to_owned());
    assert_eq!(
        faults(&pages),
        ["docs/README.md: gone.md", "docs/README.md: #two", "docs/README.md: ../SECURITY.md#gone"]
    );
}
