//! The pages of this crate, rendered by a Tera instance of its own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rocket_dyn_templates::tera::{Context, Tera};
use serde::Serialize;

use crate::error::{Error, Result};

const STYLE: &str = include_str!("../templates/oauth/style.css");
/// The only script: it submits the form of the page again, from this origin (`response_mode=form_post`).
const SCRIPT: &str = include_str!("../templates/oauth/form_post.js");
const TEMPLATES: [(&str, &str); 8] = [
    ("layout.html", include_str!("../templates/oauth/layout.html.tera")),
    ("sign_in.html", include_str!("../templates/oauth/sign_in.html.tera")),
    ("confirm.html", include_str!("../templates/oauth/confirm.html.tera")),
    ("sign_in_first.html", include_str!("../templates/oauth/sign_in_first.html.tera")),
    ("connect.html", include_str!("../templates/oauth/connect.html.tera")),
    ("accounts.html", include_str!("../templates/oauth/accounts.html.tera")),
    ("error.html", include_str!("../templates/oauth/error.html.tera")),
    ("form_post.html", include_str!("../templates/oauth/form_post.html.tera")),
];

/// The pages and their Content-Security-Policy, which lets browsers load nothing else.
pub(crate) struct Pages {
    tera: Tera,
    /// The Content-Security-Policy of every page.
    pub(crate) content_security_policy: String,
}

impl Pages {
    /// Compiles the templates.
    pub(crate) fn new() -> Result<Self> {
        let mut tera = Tera::default();
        tera.set_escape_fn(escape);
        tera.add_raw_templates(TEMPLATES).map_err(Error::app)?;
        let hash = |text: &str| STANDARD.encode(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()));
        // No `form-action`: browsers apply it to the redirect after a form as well, and ours leads to the provider.
        let content_security_policy = format!(
            "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; frame-ancestors 'none'",
            hash(STYLE),
            hash(SCRIPT)
        );
        Ok(Self { tera, content_security_policy })
    }

    /// Renders the page `name` with `context`.
    pub(crate) fn render(&self, name: &str, context: impl Serialize) -> Result<String> {
        let mut context = Context::from_serialize(context).map_err(Error::app)?;
        context.insert("style", STYLE);
        context.insert("script", SCRIPT);
        self.tera.render(name, &context).map_err(Error::app)
    }
}

/// Escapes the five characters that HTML requires. Tera's own function also escapes `/`, which makes paths unreadable.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_comes_from_outside_is_escaped() {
        let pages = Pages::new().unwrap();
        let page = pages
            .render(
                "error.html",
                json!({
                    "headline": "No", "message": "<script>alert(1)</script>", "code": "refused",
                    "back": { "to": "/login", "label": "Back" },
                }),
            )
            .unwrap();
        assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"), "{page}");
        assert!(page.contains("body{font"));
    }
}
