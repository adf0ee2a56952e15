//! Tests of the pages.

mod hostile;
mod overrides;
mod texts;

use rocket::figment::Figment;
use rocket::figment::providers::Serialized;
use serde_json::json;

use super::built_in::TEMPLATES;
use super::samples::samples;
use super::*;

/// The pages of an app without templates of its own.
fn built_in() -> Pages {
    Pages::read(&Figment::from(Serialized::default("template_dir", "no/such/folder")), &[]).unwrap()
}

#[test]
fn what_comes_from_outside_is_escaped() {
    let pages = built_in();
    let context = json!({
        "headline": "No", "message": "<script>alert(1)</script>", "code": "refused",
        "back": { "to": "/login", "label": "Back" },
    });
    let page = pages.render("error", pages.language(""), context).unwrap().html;
    assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"), "{page}");
    assert!(page.contains("color-scheme"));
}

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
