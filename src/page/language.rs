//! `Language`: the texts of the pages in one language.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use rocket::figment::Figment;
use rocket::figment::providers::{Format, Toml};
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

use crate::placeholders::fill;

/// The texts of the pages in one language.
#[derive(Debug, Clone)]
pub(crate) struct Language {
    /// The tag, for example `de` or `pt-BR` (RFC 5646).
    pub(crate) tag: String,
    /// The texts, by key.
    pub(super) texts: BTreeMap<String, String>,
    /// The sentences of error pages, by the English one.
    pub(super) messages: BTreeMap<String, String>,
}

/// The texts of a file.
#[derive(Debug, Deserialize)]
pub(super) struct TextFile {
    #[serde(default)]
    messages: BTreeMap<String, String>,
    #[serde(flatten)]
    texts: BTreeMap<String, String>,
}

impl TextFile {
    /// Reads the TOML of a file.
    ///
    /// # Errors
    /// If it is not TOML, or a value is not a text.
    pub(super) fn parse(toml: &str) -> Result<Self, String> {
        Figment::from(Toml::string(toml)).extract().map_err(|error| error.to_string())
    }
}

impl Language {
    /// A language with the texts of `file`.
    pub(super) fn new(tag: &str, file: TextFile) -> Self {
        Self { tag: tag.to_owned(), texts: file.texts, messages: file.messages }
    }

    /// Replaces texts of this language with those of `file`.
    ///
    /// # Errors
    /// One message for each text that no page has, and for each placeholder that the text of `english` does not have.
    pub(super) fn replace(&mut self, file: TextFile, english: &Self) -> Result<(), Vec<String>> {
        let mut faults = Vec::new();
        for (key, text) in &file.texts {
            let Some(known) = english.texts.get(key) else {
                faults.push(format!("no page has a text `{key}`: remove it, or correct its name"));
                continue;
            };
            let unknown = placeholders(text).difference(&placeholders(known)).cloned().collect::<Vec<_>>();
            if !unknown.is_empty() {
                faults.push(format!(
                    "`{key}` has the placeholder `{{{}}}`, which the page does not fill: it fills {}",
                    unknown.join("}`, `{"),
                    match placeholders(known).into_iter().collect::<Vec<_>>() {
                        none if none.is_empty() => "none".to_owned(),
                        some => format!("`{{{}}}`", some.join("}`, `{")),
                    }
                ));
            }
        }
        for (english, text) in &file.messages {
            if !placeholders(text).is_subset(&placeholders(english)) {
                faults.push(format!("the translation of the message `{english}` has another placeholder"));
            }
        }
        self.texts.extend(file.texts);
        self.messages.extend(file.messages);
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// The text called `key`; empty if there is none.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.texts.get(key).map(String::as_str).unwrap_or_default()
    }

    /// The heading of a page: the text `<page>_title`, with the `title` of `context`.
    pub(super) fn heading(&self, page: &str, context: &Value) -> String {
        let title = context["title"].as_str().unwrap_or_default();
        fill(self.text(&format!("{page}_title")), |_| Some(title.to_owned())).unwrap_or_default()
    }

    /// The sentence `english` of an error in this language; the English one if there is no translation. It may be a sentence with
    /// placeholders, filled.
    pub(crate) fn message<'a>(&'a self, english: &'a str) -> Cow<'a, str> {
        if let Some(text) = self.messages.get(english) {
            return text.into();
        }
        let filled = self.messages.iter().find_map(|(pattern, text)| {
            let values = values(pattern, english)?;
            fill(text, |name| values.get(name).map(|value| (*value).to_owned()))
        });
        filled.map_or(english.into(), Cow::from)
    }

    /// A time (unix time, in seconds), for people.
    pub(crate) fn time(&self, time: OffsetDateTime) -> String {
        let month = self.text("months").split_whitespace().nth(usize::from(u8::from(time.month())) - 1);
        let text = fill(self.text("time"), |name| {
            Some(match name {
                "year" => time.year().to_string(),
                "month" => month.unwrap_or_default().to_owned(),
                "day" => time.day().to_string(),
                "time" => format!("{:02}:{:02}", time.hour(), time.minute()),
                _ => return None,
            })
        });
        text.unwrap_or_default()
    }
}

/// The names of the placeholders in `text`.
pub(super) fn placeholders(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    fill(text, |name| {
        names.insert(name.to_owned());
        Some(String::new())
    });
    names
}

/// The values with which `pattern`, a text with placeholders, is `text`.
fn values<'a>(pattern: &'a str, text: &'a str) -> Option<BTreeMap<&'a str, &'a str>> {
    let mut values = BTreeMap::new();
    let (start, mut pattern) = pattern.split_once('{')?;
    let mut text = text.strip_prefix(start)?;
    loop {
        let (name, rest) = pattern.split_once('}')?;
        let (literal, next) =
            rest.split_once('{').map_or((rest, None), |(literal, next)| (literal, Some(next)));
        let value = match next {
            Some(_) => {
                let (value, rest) = text.split_once(literal)?;
                text = rest;
                value
            }
            None => text.strip_suffix(literal)?,
        };
        values.insert(name, value);
        match next {
            Some(next) => pattern = next,
            None => return Some(values),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_with_placeholders_is_found_again() {
        let found =
            |pattern, text| values(pattern, text).map(|values| values.into_iter().collect::<Vec<_>>());
        assert_eq!(found("{title} is not here.", "A is not here."), Some(vec![("title", "A")]));
        assert_eq!(found("From {a} to {b}.", "From x to y."), Some(vec![("a", "x"), ("b", "y")]));
        assert_eq!(found("From {a} to {b}.", "From x."), None);
        assert_eq!(found("From {a}.", "To x."), None);
        assert_eq!(found("No placeholder", "No placeholder"), None);
    }
}
