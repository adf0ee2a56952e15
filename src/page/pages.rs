//! `Pages`: renders the pages in the language of the visitor.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rocket::figment::Figment;
use serde_json::Value;

use super::built_in::SCRIPT;
use super::html::escape;
use super::language::Language;
use super::languages::Languages;
use super::own_texts::own_texts;
#[cfg(not(feature = "pages"))]
use super::plain::PlainPages as PageRenderer;
use super::renderer::Renderer;
use super::template_dir::TemplateDir;
#[cfg(feature = "pages")]
use super::templates::Templates as PageRenderer;
use crate::error::Result;

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

/// What writes the pages, and their texts.
pub(crate) struct Pages {
    renderer: Box<dyn Renderer>,
    languages: Languages,
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
        let folder = TemplateDir::of(figment).map_err(|fault| vec![fault])?;
        let languages = Languages::read(languages, own_texts(&folder)?)?;
        let renderer = PageRenderer::read(&folder, languages.choose(""))?;
        Ok(Self::new(Box::new(renderer), languages))
    }

    pub(super) fn new(renderer: Box<dyn Renderer>, languages: Languages) -> Self {
        let hash = |text: &str| STANDARD.encode(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()));
        // No `form-action`: browsers apply it to the redirect after a form as well, and ours leads to the provider.
        let content_security_policy = format!(
            "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; frame-ancestors 'none'",
            hash(renderer.style()),
            hash(SCRIPT)
        );
        Self { renderer, languages, content_security_policy }
    }

    /// The language for a request with this `Accept-Language`.
    pub(crate) fn language(&self, accept_language: &str) -> &Language {
        self.languages.choose(accept_language)
    }

    /// All languages of the pages.
    #[cfg(all(test, feature = "pages"))]
    pub(super) fn languages(&self) -> impl Iterator<Item = &Language> {
        self.languages.iter()
    }

    /// Renders the page `name` with `context`.
    ///
    /// # Errors
    /// If a template of the app fails.
    pub(crate) fn render(&self, name: &str, language: &Language, context: Value) -> Result<Page> {
        let heading = match context["headline"].as_str() {
            Some(headline) => headline.to_owned(),
            None => language.heading(name, &context),
        };
        let html = self.renderer.render(name, language, &heading, context)?;
        let content_security_policy = match self.renderer.is_overridden(name) {
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
}
