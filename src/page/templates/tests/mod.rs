//! Tests of the pages with templates.

mod hostile;
mod overrides;
mod plain;

use super::built_in::TEMPLATES;
use super::samples::samples;
use crate::page::tests::built_in;

#[test]
fn every_page_is_rendered_with_its_samples() {
    let pages = built_in();
    for (name, _) in TEMPLATES.iter().filter(|(name, _)| *name != "layout") {
        let samples = samples(name);
        assert!(!samples.is_empty(), "{name} has no samples");
        for sample in samples {
            let page = pages.render(name, pages.language("en"), sample).unwrap();
            assert!(
                page.html.starts_with("<!doctype html>\n<html lang=\"en\" dir=\"ltr\">"),
                "{}",
                page.html
            );
            assert_eq!(page.html.matches("<h1>").count(), 1, "{name}");
            assert!(
                !page.html.contains("<h1></h1>") && !page.html.contains("<title></title>"),
                "{}",
                page.html
            );
            assert_eq!(page.content_security_policy, pages.content_security_policy);
        }
    }
}

/// Every key of the texts is used by a template, or by the code.
#[test]
fn no_text_is_left_over() {
    let pages = built_in();
    let code = concat!(
        include_str!("../../language.rs"),
        include_str!("../../../dance/web/reply.rs"),
        include_str!("../../../dance/web/flash_outcome.rs")
    );
    for key in pages.language("en").texts.keys() {
        let is_title =
            key.strip_suffix("_title").is_some_and(|page| TEMPLATES.iter().any(|(name, _)| *name == page));
        let is_health = ["working", "expired", "reconnect_needed"].contains(&key.as_str());
        let used = format!("texts.{key}");
        let is_used = TEMPLATES.iter().any(|(_, text)| {
            text.match_indices(&used).any(|(at, _)| {
                !text[at + used.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
            })
        });
        assert!(is_title || is_health || is_used || code.contains(&format!("\"{key}\"")), "{key}");
    }
}
