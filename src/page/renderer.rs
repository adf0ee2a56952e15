//! `Renderer`: writes a page as HTML, with templates or without.

use serde_json::Value;

use super::language::Language;
use crate::error::Result;

/// Writes the pages as HTML.
pub(super) trait Renderer: Send + Sync {
    /// The style sheet that is in the pages.
    fn style(&self) -> &str;

    /// Whether the page `name` has a template of the app in it.
    fn is_overridden(&self, name: &str) -> bool;

    /// Writes the page `name` under `heading`, with the values of `context`.
    ///
    /// # Errors
    /// If a template of the app fails.
    fn render(&self, name: &str, language: &Language, heading: &str, context: Value) -> Result<String>;
}
