//! Tests of the pages.

mod texts;

use rocket::figment::Figment;
use rocket::figment::providers::Serialized;
use serde_json::json;

use super::*;

/// The pages of an app without templates of its own.
pub(super) fn built_in() -> Pages {
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
