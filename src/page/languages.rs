//! `Languages`: the languages that the pages have.

use std::collections::BTreeMap;

use super::accept_language::choose;
use super::built_in::TEXTS;
use super::language::{Language, TextFile};

/// The languages of the pages. There is always one.
#[derive(Debug)]
pub(super) struct Languages {
    /// The language of a visitor who wants none of the others.
    default: Language,
    others: Vec<Language>,
}

impl Languages {
    /// Reads the built-in languages, and `files`, the app's own texts by language, which replace theirs.
    ///
    /// `wanted` names the languages that the pages have, the default first; all if it is empty.
    ///
    /// # Errors
    /// One message for each fault of a file, and for each wanted language without texts.
    pub(super) fn read(wanted: &[String], files: BTreeMap<String, TextFile>) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        let mut known = Vec::new();
        for (tag, toml) in TEXTS {
            match TextFile::parse(toml) {
                Ok(file) => known.push(Language::new(tag, file)),
                Err(error) => faults.push(format!("the built-in texts of `{tag}`: {error}")),
            }
        }
        let Some(english) = known.first().cloned() else { return Err(faults) };
        for (tag, file) in files {
            let place = known.iter().position(|language| language.tag.eq_ignore_ascii_case(&tag));
            let language = match place {
                Some(place) => &mut known[place],
                None => {
                    // What a language of the app lacks is English.
                    known.push(Language { tag: tag.clone(), ..english.clone() });
                    let Some(new) = known.last_mut() else { continue };
                    new
                }
            };
            if let Err(found) = language.replace(file, &english) {
                faults.extend(found.into_iter().map(|fault| format!("`oauth/texts/{tag}.toml`: {fault}")));
            }
        }
        let mut selected = Vec::new();
        for tag in wanted {
            match known.iter().find(|language| language.tag.eq_ignore_ascii_case(tag)) {
                Some(language) => selected.push(language.clone()),
                None => faults.push(format!(
                    "`languages` of [default.dance] names `{tag}`, which has no texts: there are {}. Add \
                     `oauth/texts/{tag}.toml` to the folder of the templates, or remove it",
                    known.iter().map(|language| format!("`{}`", language.tag)).collect::<Vec<_>>().join(", ")
                )),
            }
        }
        let mut selected = if wanted.is_empty() { known } else { selected }.into_iter();
        match selected.next() {
            Some(default) if faults.is_empty() => Ok(Self { default, others: selected.collect() }),
            _ => Err(faults),
        }
    }

    /// All languages, the default first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Language> {
        std::iter::once(&self.default).chain(&self.others)
    }

    /// The language for a request with these `Accept-Language` headers.
    pub(super) fn choose(&self, header: &str) -> &Language {
        let tags: Vec<&str> = self.iter().map(|language| language.tag.as_str()).collect();
        let tag = choose(header, &tags);
        self.iter().find(|language| Some(language.tag.as_str()) == tag).unwrap_or(&self.default)
    }
}
