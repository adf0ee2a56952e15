//! Tables of Rocket's figment, read key by key.
//!
//! Serde is not used: its errors contain the wrong value, which may be a secret.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use rocket::figment::value::{Dict, Num, Tag, Value};
use rocket::figment::{Figment, Metadata, Profile, Source};

use super::faults::{Faults, Place, closest};
use super::hidden_characters;

/// Maximum length of an unknown key that is compared with the known ones, in bytes. A longer one is not a typo.
const MAX_MISTYPED_KEY: usize = 64;

/// A value, and its place in the configuration.
#[derive(Debug, Clone)]
pub(super) struct Given<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

/// The figment, and the faults that were found in it so far.
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

    /// How many faults were found so far.
    pub(super) fn fault_count(&self) -> usize {
        self.faults.borrow().len()
    }

    pub(super) fn faults(self) -> Faults {
        self.faults.into_inner()
    }

    /// The top-level table `key`, which is empty if there is none.
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

/// Whether a value comes from Rocket's own environment variables, which override everything else.
fn is_env(metadata: &Metadata) -> bool {
    metadata.name.starts_with("`ROCKET_`")
}

/// A table while it is read. Reading a key takes it away: what is left when the table is [closed](Table::close) is
/// unknown.
pub(super) struct Table<'a> {
    pub(super) reader: &'a Reader<'a>,
    pub(super) place: Place,
    values: Dict,
    known: Vec<String>,
    /// The keys whose values come from an environment variable of the entry, with the variable's name.
    vars: BTreeMap<String, String>,
}

impl<'a> Table<'a> {
    pub(super) fn fault(&self, key: &str, why: impl std::fmt::Display, toml: &str) {
        self.reader.fault(&self.place_of(key), why, toml);
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    /// The text of `key`, unchecked. The key counts as unread.
    pub(super) fn peek(&self, key: &str) -> Option<&str> {
        self.values.get(key)?.as_str()
    }

    pub(super) fn peek_bool(&self, key: &str) -> Option<bool> {
        self.values.get(key)?.to_bool()
    }

    pub(super) fn keys(&self) -> Vec<String> {
        self.values.keys().cloned().collect()
    }

    /// The place of `key`, whether or not it is set.
    pub(super) fn place_of(&self, key: &str) -> Place {
        if let Some(variable) = self.vars.get(key) {
            return Place { source: format!("environment variable {variable}"), ..self.place.of(key) };
        }
        let Some(value) = self.values.get(key) else { return self.place.of(key) };
        let path = self.place.key.split_once('.').map_or("", |(_, path)| path);
        self.reader.place(&format!("{path}.{key}"), value.tag())
    }

    /// The folder of the file that sets `key`. A relative path in the value starts there.
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

    /// Sets `key` to the `text` of an environment `variable`, and removes its `alias`. Rocket's own variables override it.
    pub(super) fn lay_over(&mut self, key: &str, alias: &str, variable: &str, text: String) {
        if self.is_from_env(key) || self.is_from_env(alias) {
            return;
        }
        self.values.remove(alias);
        self.values.insert(key.to_owned(), Value::from(text));
        self.vars.insert(key.to_owned(), variable.to_owned());
    }

    /// The one of two keys with the same meaning that is set. If both are, that is a fault, unless one of them comes from
    /// Rocket's environment variables, which override the other.
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

    /// Moves the value of `from` from the table `inner` to this one.
    pub(super) fn lift(&mut self, inner: &mut Table<'_>, from: &str) {
        inner.know(from);
        if let Some(value) = inner.values.remove(from) {
            self.values.entry(from.to_owned()).or_insert(value);
        }
    }

    /// Gives the value of `alias` to `key`, which means the same.
    pub(super) fn rename(&mut self, alias: &str, key: &str) {
        // A variable of the environment has set `key`, which overrides the file.
        if self.vars.contains_key(key) {
            self.forget(alias);
        } else if self.either(key, alias) == alias
            && let Some(value) = self.values.remove(alias)
        {
            self.values.insert(key.to_owned(), value);
        }
    }

    /// Marks `key` as read, whatever its value is.
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

    /// The text of `key`. An invisible character is a fault, blanks at the ends are a warning. A number is a fault: in a secret or
    /// an id, its leading zeros would be lost.
    pub(super) fn text(&mut self, key: &str) -> Option<Given<String>> {
        let given = self.any_text(key)?;
        self.check_characters(&given.place, &given.value).then_some(given)
    }

    /// Whether `text` has no invisible character, which would be a fault.
    fn check_characters(&self, place: &Place, text: &str) -> bool {
        hidden_characters::warn_of_blanks(text, &format!("{} ({})", place.key, place.source));
        let fault = hidden_characters::fault(text);
        fault.inspect(|why| self.reader.fault(place, why, "")).is_none()
    }

    /// As [`text`](Self::text), with any character.
    pub(super) fn any_text(&mut self, key: &str) -> Option<Given<String>> {
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

    /// The text, whole number or boolean of `key`, as text. Not for secrets.
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

    /// The boolean of `key`.
    pub(super) fn boolean(&mut self, key: &str) -> Option<bool> {
        let Given { value, place } = self.take(key)?;
        if let Value::Bool(_, value) = value {
            return Some(value);
        }
        let example = match &value {
            Value::String(_, text) if is_off(text) => format!("{key} = false"),
            Value::Num(_, number) if whole(*number) == Some(0) => format!("{key} = false"),
            Value::String(_, text) if is_on(text) => format!("{key} = true"),
            Value::Num(_, number) if whole(*number) == Some(1) => format!("{key} = true"),
            _ => format!("{key} = true   # or false"),
        };
        self.reader.fault(&place, "must be true or false, without quotes", &example);
        None
    }

    /// The whole number of `key`, within `range`. `example` is for the message.
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

    /// The list of texts of `key`; or its one text, in the parts that `split` returns.
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
        let parts = parts?;
        if parts.iter().any(String::is_empty) {
            self.reader.fault(&place, "has an empty text in it: remove it", &format!("{key} = {example}"));
            return None;
        }
        let is_clear = parts.iter().all(|part| self.check_characters(&place, part));
        is_clear.then_some(Given { value: parts, place })
    }

    /// The names and texts of the inner table `key`.
    pub(super) fn texts(&mut self, key: &str) -> Vec<(String, Given<String>)> {
        let Some(mut table) = self.table(key) else { return vec![] };
        table.keys().into_iter().filter_map(|name| table.scalar(&name).map(|value| (name, value))).collect()
    }

    /// Makes every unknown key that `is_refused` a fault, for the reason `why`.
    pub(super) fn refuse(&mut self, is_refused: impl Fn(&str) -> bool, why: &str) {
        for key in self.keys() {
            if !self.known.contains(&key) && is_refused(&key) {
                self.reader.fault(&self.place_of(&key), why, "");
                self.values.remove(&key);
            }
        }
    }

    /// Ends the reading: every key that is left is a fault.
    pub(super) fn close(self) {
        for key in self.values.keys() {
            let place = self.place_of(key);
            let known = self.known.iter().map(String::as_str);
            match (key.len() <= MAX_MISTYPED_KEY).then(|| closest(key, known.clone())).flatten() {
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

/// Whether `text` means `false`.
fn is_off(text: &str) -> bool {
    ["false", "no", "off", "n", "f", "0", "none", "never", "disabled"]
        .contains(&&*text.trim().to_ascii_lowercase())
}

/// Whether `text` means `true`.
fn is_on(text: &str) -> bool {
    ["true", "yes", "on", "y", "t", "1", "always", "enabled"].contains(&&*text.trim().to_ascii_lowercase())
}

/// `number`, if it is whole.
fn whole(number: Num) -> Option<i128> {
    number.to_i128().or_else(|| number.to_u128().and_then(|number| i128::try_from(number).ok()))
}
