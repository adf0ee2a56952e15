//! The pages of this crate, in the language of the visitor: rendered with templates, which the app may replace, or plain in a build
//! without the feature `pages`.

mod accept_language;
mod built_in;
mod html;
mod language;
mod languages;
mod mark;
mod own_texts;
mod pages;
// With templates, tests compare both.
#[cfg(any(test, not(feature = "pages")))]
mod plain;
mod renderer;
mod template_dir;
#[cfg(feature = "pages")]
mod templates;
#[cfg(test)]
mod tests;

pub(crate) use self::language::Language;
pub(crate) use self::mark::mark;
pub(crate) use self::pages::{Page, Pages};
