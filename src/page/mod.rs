//! The pages of this crate: templates, which the app may replace, in the language of the visitor.

mod accept_language;
mod built_in;
mod language;
mod languages;
mod mark;
mod overrides;
mod pages;
mod samples;
#[cfg(test)]
mod tests;

pub(crate) use self::language::Language;
pub(crate) use self::mark::mark;
pub(crate) use self::pages::{Page, Pages};
