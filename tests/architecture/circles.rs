//! Circles in the graph of files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What each file uses of which other file: names by file by file.
pub(crate) type Arrows = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// Files that depend on each other.
#[derive(Debug)]
pub(crate) struct Circle {
    pub(crate) files: Vec<String>,
    arrows: Vec<(String, String, String)>,
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} files:", self.files.len())?;
        for (from, to, names) in &self.arrows {
            write!(f, "\n  {from} uses {names} of {to}")?;
        }
        Ok(())
    }
}

/// The circles among `arrows`: the largest sets of files in which each file reaches each other.
pub(crate) fn circles(arrows: &Arrows) -> Vec<Circle> {
    let reach: BTreeMap<&String, BTreeSet<&String>> =
        arrows.keys().map(|file| (file, reachable(file, arrows))).collect();
    let mut seen = BTreeSet::new();
    let mut circles = Vec::new();
    for file in arrows.keys() {
        let files: Vec<&String> = reach[file]
            .iter()
            .copied()
            .filter(|other| reach.get(other).is_some_and(|r| r.contains(file)))
            .collect();
        if !reach[file].contains(file) || !seen.insert(files.clone()) {
            continue;
        }
        let inside = |from: &String| {
            let targets = arrows[from].iter().filter(|(to, _)| files.contains(to));
            targets
                .map(|(to, names)| {
                    let names: Vec<_> = names.iter().map(String::as_str).collect();
                    (from.clone(), to.clone(), names.join(", "))
                })
                .collect::<Vec<_>>()
        };
        let arrows = files.iter().flat_map(|from| inside(from)).collect();
        circles.push(Circle { files: files.into_iter().cloned().collect(), arrows });
    }
    circles
}

/// The files that `from` reaches by at least one arrow.
fn reachable<'a>(from: &'a String, arrows: &'a Arrows) -> BTreeSet<&'a String> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(file) = open.pop() {
        for to in arrows.get(file).into_iter().flat_map(BTreeMap::keys) {
            if found.insert(to) {
                open.push(to);
            }
        }
    }
    found
}

#[test]
fn a_circle_of_three_files_is_found() {
    let mut arrows = Arrows::new();
    for (from, to) in [("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"), ("c", "e")] {
        let names = arrows.entry(from.into()).or_default().entry(to.into()).or_default();
        names.insert(format!("{to}::x"));
    }
    let circles = circles(&arrows);
    assert_eq!(circles.len(), 1);
    assert_eq!(circles[0].files, ["a", "b", "c"]);
    assert!(circles[0].to_string().contains("c uses a::x of a"), "{}", circles[0]);
}
