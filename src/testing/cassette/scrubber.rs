//! [`Scrubber`]: takes secrets out of what a cassette records.

use std::cell::RefCell;
use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::character::{Character, characters};
use super::markup::scrub_elements;
use super::parameters::scrub_parameters;
use super::secret_names::{SCRUBBED, is_secret_name};

/// What stands in place of an e-mail address. It is the same for all: a later call that has the address must be the same again.
const EMAIL: &str = "person@example.test";

/// How tokens of well-known providers begin.
const TOKEN_PREFIXES: [&str; 16] = [
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "xoxe",
    "xapp-",
    "ya29.",
    "sk_live_",
    "sk_test_",
    "shpat_",
    "EAAC",
];

/// Minimum length of a text that begins as a token does, to be one, in bytes.
const MIN_TOKEN_LENGTH: usize = 20;

/// Minimum number that is a secret under the name of one, for example a one-time password. Smaller ones are counts and error codes.
const MIN_SECRET_NUMBER: f64 = 100_000.0;

/// Takes secrets out of texts. It has them, and therefore no `Debug`.
#[derive(Default)]
pub(super) struct Scrubber {
    /// Texts, in each of their spellings, and what stands in their place; the longest first.
    literals: Vec<(String, String)>,
    /// Whether e-mail addresses are replaced.
    replaces_emails: bool,
    /// The URLs with a secret that it has scrubbed, by what became of them.
    urls: RefCell<HashMap<String, Url>>,
}

impl Scrubber {
    /// Replaces `text` by `replacement` wherever it is, also in Base64 and percent-encoded.
    pub(super) fn add(&mut self, text: &str, replacement: &str) {
        if text.is_empty() {
            return;
        }
        let percent_encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let spellings = [
            text.to_owned(),
            percent_encoded.replace('+', "%20"),
            percent_encoded,
            STANDARD.encode(text),
            URL_SAFE_NO_PAD.encode(text),
        ];
        for spelling in spellings {
            if self.literals.iter().all(|(known, _)| *known != spelling) {
                self.literals.push((spelling, replacement.to_owned()));
            }
        }
        self.literals.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
    }

    /// Replaces every e-mail address by [`EMAIL`].
    pub(super) fn replace_emails(&mut self) {
        self.replaces_emails = true;
    }

    /// Returns the URL of a response that `url` is without its secrets.
    pub(super) fn real_url(&self, url: &Url) -> Option<Url> {
        self.urls.borrow().get(&with_marks(url)).cloned()
    }

    /// Scrubs the texts and names in `value`, and all that is in fields whose names say that they are secrets.
    pub(super) fn scrub_json(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.scrub_json_text(text),
            Value::Array(elements) => elements.iter_mut().for_each(|element| self.scrub_json(element)),
            Value::Object(fields) => {
                for (name, value) in fields.iter_mut() {
                    match is_secret_name(name) {
                        true => hide(value),
                        false => self.scrub_json(value),
                    }
                }
                let scrubbed = std::mem::take(fields).into_iter();
                *fields = scrubbed.map(|(name, value)| (self.scrub_text(&name), value)).collect();
            }
            _ => {}
        }
    }

    /// Scrubs a text of JSON, and remembers the URL that it is.
    fn scrub_json_text(&self, text: &str) -> String {
        let scrubbed = self.scrub_text(text);
        if scrubbed != text
            && let Ok(url) = Url::parse(text)
        {
            let called = self.scrub_url(&url);
            self.urls.borrow_mut().insert(called, url);
        }
        scrubbed
    }

    /// Scrubs the URL of a request. That of an app that has it from a scrubbed answer becomes the same as that of the answer.
    pub(super) fn scrub_url(&self, url: &Url) -> String {
        self.scrub_text(&with_marks(url))
    }

    /// Scrubs a body that is no JSON. Markup stays well-formed.
    pub(super) fn scrub_body(&self, text: &str) -> String {
        let scrubbed = self.scrub_text(text);
        match text.trim_start().starts_with('<') {
            true => scrubbed.replace(SCRUBBED, "scrubbed"),
            false => scrubbed,
        }
    }

    /// Scrubs a text: known secrets, JSON and XML in it, parameters, users of URLs, what looks like a token, and addresses.
    pub(super) fn scrub_text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (literal, replacement) in &self.literals {
            text = text.replace(literal, replacement);
        }
        let text = scrub_parameters(&scrub_elements(&self.scrub_objects(&text)));
        let characters = characters(&text);
        let words = characters.chunk_by(|one, next| is_in_word(one.char) == is_in_word(next.char));
        words.map(|word| self.scrub_word(word)).collect()
    }

    /// Scrubs the JSON objects in a text, for example one on each line.
    fn scrub_objects(&self, mut text: &str) -> String {
        let mut scrubbed = String::new();
        while let Some(start) = text.find('{') {
            scrubbed.push_str(&text[..start]);
            text = &text[start..];
            let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
            let (object, length) = match values.next() {
                Some(Ok(object)) => (object, values.byte_offset()),
                _ => (Value::Null, 1),
            };
            let mut without_secrets = object.clone();
            self.scrub_json(&mut without_secrets);
            match without_secrets == object {
                true => scrubbed.push_str(&text[..length]),
                false => scrubbed.push_str(&without_secrets.to_string()),
            }
            text = &text[length..];
        }
        scrubbed + text
    }

    /// Scrubs a word, or what is between two words.
    fn scrub_word(&self, word: &[Character<'_>]) -> String {
        let text: String = word.iter().map(|character| character.char).collect();
        let is_email =
            text.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'));
        if self.replaces_emails && is_email {
            return EMAIL.to_owned();
        }
        let starts = text.char_indices().map(|(at, _)| at);
        let mut starts = starts.filter(|at| !text[..*at].ends_with(|c: char| c.is_ascii_alphanumeric()));
        match starts.find(|at| is_token(&text[*at..])) {
            Some(at) => format!("{}{SCRUBBED}", &text[..at]),
            None => word.iter().map(|character| character.text).collect(),
        }
    }
}

/// `url`, in which [`SCRUBBED`] is not percent-encoded.
fn with_marks(url: &Url) -> String {
    url.as_str().replace("%3Cscrubbed%3E", SCRUBBED)
}

/// Hides a value of any kind, and keeps its shape.
fn hide(value: &mut Value) {
    match value {
        Value::String(text) if !text.is_empty() => *text = SCRUBBED.into(),
        Value::Number(number) if number.as_f64().is_none_or(|number| number.abs() >= MIN_SECRET_NUMBER) => {
            *value = Value::from(0);
        }
        Value::Array(elements) => elements.iter_mut().for_each(hide),
        Value::Object(fields) => fields.values_mut().for_each(hide),
        _ => {}
    }
}

fn is_in_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-.@+".contains(c)
}

/// Whether `text` begins as the tokens of well-known providers do, or is a JWT. A cursor that is JSON in Base64 is none.
fn is_token(text: &str) -> bool {
    let is_known = TOKEN_PREFIXES.iter().any(|prefix| text.starts_with(prefix));
    let is_jwt = text.starts_with("eyJ") && text.matches('.').count() >= 2;
    text.len() >= MIN_TOKEN_LENGTH && (is_known || is_jwt)
}
