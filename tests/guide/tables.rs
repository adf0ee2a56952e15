//! Each row of a table has as many cells as the table's head. A `\|` in a cell, also in code, is written `\\|`.

use std::fmt::Display;

use super::links::{documented, pages, prose};

/// The number of cells of a row.
fn cells(row: &str) -> usize {
    row.replace("\\|", "").matches('|').count() - 1
}

/// The rows of `text` that do not fit the heads of their tables.
fn faults(name: impl Display, text: &str) -> Vec<String> {
    let mut head = None;
    let mut faults = Vec::new();
    for line in prose(text).lines().map(str::trim) {
        if !line.starts_with('|') {
            head = None;
            continue;
        }
        if cells(line) != *head.get_or_insert_with(|| cells(line)) {
            faults.push(format!("{name}: {line}"));
        }
    }
    faults
}

#[test]
fn every_row_has_the_cells_of_its_head() {
    let texts = pages().into_iter().chain(documented());
    let faults: Vec<String> = texts.flat_map(|(path, text)| faults(path.display(), &text)).collect();
    assert!(faults.is_empty(), "these rows do not fit their tables:\n{}", faults.join("\n"));
}

#[test]
fn the_check_sees_a_cell_too_much() {
    let page = "| a | b |\n|---|---|\n| `1 \\| 2` | 3 |\n| `1 | 2` | 3 |\n\n```\n| 1 |\n```\n";
    assert_eq!(faults("page", page), ["page: | `1 | 2` | 3 |"]);
}
