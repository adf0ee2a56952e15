//! `Pages`: renders the pages with a Tera instance of its own.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rocket::figment::Figment;
use rocket_dyn_templates::tera::{self, Context, Tera};
use serde_json::Value;

use super::built_in::{LAYOUT, SCRIPT, STYLE, TEMPLATES};
use super::language::Language;
use super::languages::Languages;
use super::overrides::Overrides;
use super::samples::samples;
use crate::error::{Error, Result};
use crate::placeholders::fill;

/// The Content-Security-Policy of a page with a template of the app. The app's own style, script and pictures work on it, and no
/// other site can frame it.
const OWN_POLICY: &str = "base-uri 'none'; frame-ancestors 'none'";

/// A page that was rendered.
pub(crate) struct Page {
    pub(crate) html: String,
    /// The tag of its language.
    pub(crate) language: String,
    pub(crate) content_security_policy: String,
}

/// The templates of the pages, and their texts.
pub(crate) struct Pages {
    tera: Tera,
    languages: Languages,
    overrides: Overrides,
    style: String,
    /// The Content-Security-Policy of the built-in pages, and of all other responses: browsers load nothing else.
    pub(crate) content_security_policy: String,
}

impl Pages {
    /// Reads the app's own templates and texts, and compiles all templates. Each of the app's own is rendered once.
    ///
    /// `languages` names the languages that the pages have, the default first; all if it is empty.
    ///
    /// # Errors
    /// One message for each fault.
    pub(crate) fn read(figment: &Figment, languages: &[String]) -> Result<Self, Vec<String>> {
        let mut overrides = Overrides::read(figment)?;
        let languages = Languages::read(languages, std::mem::take(&mut overrides.texts))?;
        let mut tera = Tera::default();
        // All of our templates are HTML, whatever their names end with.
        tera.autoescape_on(vec![""]);
        tera.set_escape_fn(escape);
        tera.register_filter("fill", fill_text);
        let built_in = TEMPLATES.iter().map(|(name, text)| (format!("oauth/{name}"), (*text).to_owned()));
        let mut templates: HashMap<String, String> = built_in.collect();
        templates.extend(overrides.templates.clone());
        tera.add_raw_templates(templates).map_err(|error| vec![template_fault(error)])?;
        let style = overrides.style.take().unwrap_or_else(|| STYLE.to_owned());
        let hash = |text: &str| STANDARD.encode(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()));
        // No `form-action`: browsers apply it to the redirect after a form as well, and ours leads to the provider.
        let content_security_policy = format!(
            "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; frame-ancestors 'none'",
            hash(&style),
            hash(SCRIPT)
        );
        let pages = Self { tera, languages, overrides, style, content_security_policy };
        pages.try_own_templates()?;
        Ok(pages)
    }

    /// Renders the pages that have a template of the app with sample values, so that its faults stop the launch.
    fn try_own_templates(&self) -> Result<(), Vec<String>> {
        let own = TEMPLATES.iter().map(|(name, _)| *name).filter(|name| *name != LAYOUT && self.is_own(name));
        let faults: Vec<String> = own
            .filter_map(|name| {
                let mut contexts = samples(name).into_iter();
                contexts.find_map(|context| self.try_render(name, self.language(""), context).err())
            })
            .map(template_fault)
            .collect();
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// Whether the page `name` has a template of the app in it.
    fn is_own(&self, name: &str) -> bool {
        self.overrides.has(name) || self.overrides.has(LAYOUT)
    }

    /// The language for a request with this `Accept-Language`.
    pub(crate) fn language(&self, accept_language: &str) -> &Language {
        self.languages.choose(accept_language)
    }

    /// All languages of the pages.
    #[cfg(test)]
    pub(super) fn languages(&self) -> impl Iterator<Item = &Language> {
        self.languages.iter()
    }

    /// Renders the page `name` with `context`.
    ///
    /// # Errors
    /// If a template of the app fails.
    pub(crate) fn render(&self, name: &str, language: &Language, context: Value) -> Result<Page> {
        let html = self.try_render(name, language, context).map_err(Error::app)?;
        let content_security_policy = match self.is_own(name) {
            true => OWN_POLICY.to_owned(),
            // Texts are escaped: only our template of the accounts writes a tag.
            false if html.contains("<img ") => format!("{}; img-src https:", self.content_security_policy),
            false => self.content_security_policy.clone(),
        };
        Ok(Page { html, language: language.tag.clone(), content_security_policy })
    }

    /// Renders the error page. If a template of the app fails, it is the message alone.
    pub(crate) fn render_error(&self, language: &Language, context: Value) -> Page {
        self.render("error", language, context.clone()).unwrap_or_else(|error| {
            log::error!("oauth: the template of the error page failed: {error:?}");
            let html = context["message"].as_str().map(escape).unwrap_or_default();
            let (language, content_security_policy) =
                (language.tag.clone(), self.content_security_policy.clone());
            Page { html, language, content_security_policy }
        })
    }

    fn try_render(&self, name: &str, language: &Language, context: Value) -> tera::Result<String> {
        let heading = match context["headline"].as_str() {
            Some(headline) => headline.to_owned(),
            None => language.heading(name, &context),
        };
        let mut context = Context::from_serialize(context)?;
        context.insert("page", name);
        context.insert("heading", &heading);
        context.insert("lang", &language.tag);
        context.insert("texts", &language.texts);
        context.insert("style", &self.style);
        context.insert("script", SCRIPT);
        let content = self.tera.render(&format!("oauth/{name}"), &context)?;
        let is_whole =
            content.trim_start().get(..9).is_some_and(|start| start.eq_ignore_ascii_case("<!doctype"));
        if is_whole {
            return Ok(content);
        }
        context.insert("content", &content);
        self.tera.render(&format!("oauth/{LAYOUT}"), &context)
    }
}

/// The filter `fill`: `{{ texts.connect | fill(title="GitHub") }}` replaces `{title}` in the text.
fn fill_text(text: &Value, values: &HashMap<String, Value>) -> tera::Result<Value> {
    let text = text.as_str().ok_or_else(|| tera::Error::msg("`fill` is a filter for texts"))?;
    let value = |name: &str| match values.get(name)? {
        Value::String(value) => Some(value.clone()),
        value => Some(value.to_string()),
    };
    fill(text, value)
        .map(Value::from)
        .ok_or_else(|| tera::Error::msg(format!("`fill` has no value for a placeholder of {text:?}")))
}

/// The message of a launch that a template stops.
fn template_fault(error: tera::Error) -> String {
    let chain = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
    let causes: Vec<String> = chain.map(ToString::to_string).collect();
    format!("a template of the app, in the folder `oauth` of `template_dir`: {}", causes.join(": "))
}

/// Escapes the five characters that HTML requires. Tera's own function also escapes `/`, which makes paths unreadable.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
