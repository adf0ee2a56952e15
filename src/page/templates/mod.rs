//! The pages as Tera templates, each of which the app may replace.

mod built_in;
mod overrides;
mod samples;
mod tera_templates;
#[cfg(test)]
mod tests;

pub(super) use self::tera_templates::Templates;
