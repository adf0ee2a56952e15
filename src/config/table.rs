//! Tables of Rocket's figment, read by hand.
//!
//! Never through serde: its errors print the value that they complain about, and that may be a secret.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use rocket::figment::value::{Dict, Num, Tag, Value};
use rocket::figment::{Figment, Metadata, Profile, Source};

use super::faults::{Faults, Place, meant};

/// A key longer than this is no slip of the pen.
const LONGEST_KEY: usize = 64;

/// A value, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Given<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

/// The figment, and the faults found in it so far.
pub(super) struct Reader<'a> {
    figment: &'a Figment,
    faults: RefCell<Faults>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(figment: &'a Figment) -> Self {
        Self { figment, faults: RefCell::default() }
    }

    pub(super) fn figment(&self) -> &Figment {
        self.figment
    }

    pub(super) fn fault(&self, place: &Place, why: impl std::fmt::Display, toml: &str) {
        self.faults.borrow_mut().push(place.fault(why, toml));
    }

    pub(super) fn faults(self) -> Faults {
        self.faults.into_inner()
    }

    /// The table at the top named `key`; an empty one where there is none.
    pub(super) fn table(&self, key: &str) -> Table<'_> {
        let (tag, values) = match self.figment.find_value(key) {
            Ok(Value::Dict(tag, values)) => (tag, values),
            Ok(value) => {
                let place = self.place(key, value.tag());
                self.fault(&place, "must be a table of keys and values", &format!("[{}]", place.key));
                (value.tag(), Dict::new())
            }
            Err(error) => {
                if !error.missing() {
                    self.fault(&self.place(key, Tag::Default), "the configuration can't be read", "");
                }
                (Tag::Default, Dict::new())
            }
        };
        Table { reader: self, place: self.place(key, tag), values, known: vec![], vars: BTreeMap::new() }
    }

    fn place(&self, path: &str, tag: Tag) -> Place {
        let metadata = self.figment.get_metadata(tag);
        let from_env = metadata.is_some_and(is_env);
        let profile = match tag.profile() {
            Some(profile) if profile == Profile::Global && !from_env => "global",
            None => self.figment.profile().as_str().as_str(),
            Some(_) => "default",
        };
        let source = match metadata {
            Some(_) if from_env => {
                let variable = path.split('.').next().unwrap_or_default().to_ascii_uppercase();
                format!("environment variable ROCKET_{variable}")
            }
            Some(Metadata { source: Some(source), .. }) => source.to_string(),
            Some(Metadata { provide_location: Some(location), .. }) => {
                format!("code, {}:{}", location.file(), location.line())
            }
            _ => "Rocket.toml".to_owned(),
        };
        Place { key: format!("{profile}.{path}"), source }
    }
}

/// Whether a value comes from Rocket's own environment variables, which win against everything.
fn is_env(metadata: &Metadata) -> bool {
    metadata.name.starts_with("`ROCKET_`")
}

/// A table being read. Whatever was not asked for when it is [closed](Table::close) is an unknown key.
pub(super) struct Table<'a> {
    pub(super) reader: &'a Reader<'a>,
    pub(super) place: Place,
    values: Dict,
    known: Vec<String>,
    /// Which environment variable gave a key.
    vars: BTreeMap<String, String>,
}

impl<'a> Table<'a> {
    pub(super) fn fault(&self, key: &str, why: impl std::fmt::Display, toml: &str) {
        self.reader.fault(&self.place_of(key), why, toml);
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    /// The text under `key`, without a judgement.
    pub(super) fn peek(&self, key: &str) -> Option<&str> {
        self.values.get(key)?.as_str()
    }

    pub(super) fn peek_bool(&self, key: &str) -> Option<bool> {
        self.values.get(key)?.to_bool()
    }

    pub(super) fn keys(&self) -> Vec<String> {
        self.values.keys().cloned().collect()
    }

    /// Where `key` stands, or would.
    pub(super) fn place_of(&self, key: &str) -> Place {
        if let Some(variable) = self.vars.get(key) {
            return Place { source: format!("environment variable {variable}"), ..self.place.of(key) };
        }
        let Some(value) = self.values.get(key) else { return self.place.of(key) };
        let path = self.place.key.split_once('.').map_or("", |(_, path)| path);
        self.reader.place(&format!("{path}.{key}"), value.tag())
    }

    /// The folder that a relative path under `key` starts from: that of the file in which it is written.
    pub(super) fn folder(&self, key: &str) -> PathBuf {
        self.metadata(key)
            .and_then(|metadata| metadata.source.as_ref())
            .and_then(Source::file_path)
            .and_then(Path::parent)
            .map(Path::to_owned)
            .unwrap_or_default()
    }

    fn metadata(&self, key: &str) -> Option<&Metadata> {
        self.reader.figment.get_metadata(self.values.get(key)?.tag())
    }

    fn is_from_env(&self, key: &str) -> bool {
        self.metadata(key).is_some_and(is_env)
    }

    /// Lets the environment `variable` speak for `key`, and for `other`, which means the same: only Rocket's own
    /// variables know better.
    pub(super) fn lay_over(&mut self, key: &str, other: &str, variable: &str, text: String) {
        if self.is_from_env(key) || self.is_from_env(other) {
            return;
        }
        self.values.remove(other);
        self.values.insert(key.to_owned(), Value::from(text));
        self.vars.insert(key.to_owned(), variable.to_owned());
    }

    /// The one of two keys for the same thing that is given; one in Rocket's environment variables wins.
    pub(super) fn either<'k>(&mut self, key: &'k str, other: &'k str) -> &'k str {
        self.know(key);
        self.know(other);
        if key == other || !self.has(other) {
            return key;
        }
        if !self.has(key) {
            return other;
        }
        if self.is_from_env(key) == self.is_from_env(other) {
            self.fault(
                other,
                format!("is given beside `{key}`, and both mean the same: keep one of them"),
                "",
            );
        }
        let (wins, loses) =
            if self.is_from_env(other) && !self.is_from_env(key) { (other, key) } else { (key, other) };
        self.values.remove(loses);
        wins
    }

    /// Moves what is under `from` in the inner table `inner` up to here.
    pub(super) fn lift(&mut self, inner: &mut Table<'_>, from: &str) {
        inner.know(from);
        if let Some(value) = inner.values.remove(from) {
            self.values.entry(from.to_owned()).or_insert(value);
        }
    }

    /// Takes `key` away, as read.
    pub(super) fn forget(&mut self, key: &str) {
        self.take(key);
    }

    fn know(&mut self, key: &str) {
        self.known.push(key.to_owned());
    }

    fn take(&mut self, key: &str) -> Option<Given<Value>> {
        self.know(key);
        let place = self.place_of(key);
        self.values.remove(key).map(|value| Given { value, place })
    }

    pub(super) fn is_table(&self, key: &str) -> bool {
        matches!(self.values.get(key), Some(Value::Dict(..)))
    }

    /// The inner table `key`.
    pub(super) fn table(&mut self, key: &str) -> Option<Table<'a>> {
        let Given { value, place } = self.take(key)?;
        match value {
            Value::Dict(_, values) => {
                Some(Table { reader: self.reader, place, values, known: vec![], vars: BTreeMap::new() })
            }
            _ => {
                let toml = format!("[{}]", place.key);
                self.reader.fault(&place, "must be a table of keys and values", &toml);
                None
            }
        }
    }

    /// The text under `key`, for a secret or an id as well: a number is refused, because its zeros are gone.
    pub(super) fn text(&mut self, key: &str) -> Option<Given<String>> {
        let Given { value, place } = self.take(key)?;
        let why = match value {
            Value::String(_, text) if !text.trim().is_empty() => return Some(Given { value: text, place }),
            Value::Char(_, text) if !text.is_whitespace() => {
                return Some(Given { value: text.into(), place });
            }
            Value::String(..) | Value::Char(..) => "is empty",
            Value::Num(..) => "is a number, and must be a text: put quotes around it",
            _ => "must be a text, in quotes",
        };
        self.reader.fault(&place, why, &format!("{key} = \"…\""));
        None
    }

    /// A text, a whole number or a boolean, as text: never for a secret.
    pub(super) fn scalar(&mut self, key: &str) -> Option<Given<String>> {
        match self.values.get(key) {
            Some(Value::Bool(_, value)) => {
                let value = value.to_string();
                self.take(key).map(|given| Given { value, place: given.place })
            }
            Some(Value::Num(_, number)) if whole(*number).is_some_and(|number| number >= 0) => {
                let value = whole(*number).map(|number| number.to_string())?;
                self.take(key).map(|given| Given { value, place: given.place })
            }
            _ => self.text(key),
        }
    }

    pub(super) fn boolean(&mut self, key: &str) -> Option<bool> {
        let Given { value, place } = self.take(key)?;
        if let Value::Bool(_, value) = value {
            return Some(value);
        }
        self.reader.fault(&place, "must be true or false, without quotes", &format!("{key} = true"));
        None
    }

    pub(super) fn integer(&mut self, key: &str, range: RangeInclusive<i128>, example: u64) -> Option<i128> {
        let Given { value, place } = self.take(key)?;
        let number = if let Value::Num(_, number) = value { whole(number) } else { None };
        let found = number.filter(|number| range.contains(number));
        if found.is_none() {
            let why =
                format!("must be a whole number from {} to {}, without quotes", range.start(), range.end());
            self.reader.fault(&place, why, &format!("{key} = {example}"));
        }
        found
    }

    /// The list of texts under `key`, or the one text, as the parts that `split` makes of it.
    pub(super) fn list(
        &mut self,
        key: &str,
        split: fn(&str) -> Vec<String>,
        example: &str,
    ) -> Option<Given<Vec<String>>> {
        let Given { value, place } = self.take(key)?;
        let parts = match value {
            Value::String(_, text) => Some(split(&text)),
            Value::Array(_, list) => list.into_iter().map(Value::into_string).collect(),
            _ => None,
        };
        if parts.is_none() {
            self.reader.fault(&place, "must be a list of texts", &format!("{key} = {example}"));
        }
        parts.map(|value| Given { value, place })
    }

    /// The inner table `key`, of texts under whatever names.
    pub(super) fn texts(&mut self, key: &str) -> Vec<(String, Given<String>)> {
        let Some(mut table) = self.table(key) else { return vec![] };
        table.keys().into_iter().filter_map(|name| table.scalar(&name).map(|value| (name, value))).collect()
    }

    /// Every key that is left is one too many.
    pub(super) fn close(self) {
        for key in self.values.keys() {
            let place = self.place_of(key);
            let known = self.known.iter().map(String::as_str);
            match (key.len() <= LONGEST_KEY).then(|| meant(key, known.clone())).flatten() {
                Some(meant) => self.reader.fault(
                    &place,
                    format!("unknown key; did you mean `{meant}`?"),
                    &format!("{meant} = …"),
                ),
                None => {
                    let mut known: Vec<&str> = known.collect();
                    known.sort_unstable();
                    known.dedup();
                    let why = format!("unknown key: remove it. The keys here are {}", known.join(", "));
                    self.reader.fault(&place, why, "");
                }
            }
        }
    }
}

/// `number`, if it is a whole one.
fn whole(number: Num) -> Option<i128> {
    number.to_i128().or_else(|| number.to_u128().and_then(|number| i128::try_from(number).ok()))
}
