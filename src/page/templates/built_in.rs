//! The built-in templates of the pages, and their style.

use crate::page::built_in::with_template_names;

/// The style sheet of the built-in pages.
pub(super) const STYLE: &str = include_str!("../../../templates/oauth/style.css");

/// The template into which the pages are put.
pub(super) const LAYOUT: &str = "layout";

macro_rules! templates {
    ($($name:literal),+ $(,)?) => {
        /// The templates of the pages and of the layout, by name.
        pub(super) const TEMPLATES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../../templates/oauth/", $name, ".html.tera")))),+];
    };
}

with_template_names!(templates);

/// The built-in template of the page `name`.
pub(super) fn template(name: &str) -> Option<&'static str> {
    TEMPLATES.iter().find(|(known, _)| *known == name).map(|(_, template)| *template)
}
