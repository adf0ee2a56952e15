//! [`Scrubber`]: takes secrets out of what a cassette records.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;
use url::{Url, form_urlencoded};

/// What stands in place of a secret.
const SCRUBBED: &str = "<scrubbed>";

/// What stands in place of an e-mail address. It is the same for all: a later call that has the address must be the same again.
const EMAIL: &str = "person@example.test";

/// Parts of the names of fields and parameters whose texts are secrets, in lower case without `_` and `-`.
const SECRET_NAMES: [&str; 13] = [
    "token",
    "secret",
    "password",
    "passwd",
    "authorization",
    "cookie",
    "apikey",
    "privatekey",
    "assertion",
    "codeverifier",
    "credential",
    "signature",
    "sessionid",
];

/// Names that look like a secret's and are none.
const HARMLESS_NAMES: [&str; 3] = ["tokentype", "pagetoken", "synctoken"];

/// How tokens of well-known providers begin.
const TOKEN_PREFIXES: [&str; 17] = [
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
    "eyJ",
];

/// Minimum length of a text that begins as a token does, to be one, in bytes.
const MIN_TOKEN_LENGTH: usize = 20;

/// Takes secrets out of texts.
#[derive(Default)]
pub(super) struct Scrubber {
    /// Texts, in each of their spellings, and what stands in their place; the longest first.
    literals: Vec<(String, String)>,
    /// Whether e-mail addresses are replaced.
    replaces_emails: bool,
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

    /// Scrubs the texts in `value`, and the fields whose names say that they are secrets.
    pub(super) fn scrub_json(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.scrub_text(text),
            Value::Array(elements) => elements.iter_mut().for_each(|element| self.scrub_json(element)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value {
                        Value::String(text) if is_secret_name(name) && !text.is_empty() => {
                            *text = SCRUBBED.into();
                        }
                        value => self.scrub_json(value),
                    }
                }
            }
            _ => {}
        }
    }

    /// Scrubs a body that is form data or any other text.
    pub(super) fn scrub_form_or_text(&self, text: &str) -> String {
        let is_form = text.contains('=') && !text.contains(char::is_whitespace) && !text.starts_with('<');
        let text = if is_form { scrub_query(text) } else { text.to_owned() };
        self.scrub_text(&text)
    }

    /// Scrubs a text: known secrets, parameters of URLs, what looks like a token, and addresses.
    pub(super) fn scrub_text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (literal, replacement) in &self.literals {
            text = text.replace(literal, replacement);
        }
        if let Some((before, query)) = text.split_once('?').filter(|(before, _)| Url::parse(before).is_ok()) {
            text = format!("{before}?{}", scrub_query(query));
        }
        let is_in_word = |c: char| c.is_ascii_alphanumeric() || "_-.@+%".contains(c);
        let words = split_words(&text, is_in_word).into_iter();
        words.map(|word| self.scrub_word(word)).collect()
    }

    /// Scrubs a word, or what is between two words.
    fn scrub_word<'t>(&self, word: &'t str) -> &'t str {
        let is_token = TOKEN_PREFIXES.iter().any(|prefix| word.starts_with(prefix));
        if is_token && word.len() >= MIN_TOKEN_LENGTH {
            return SCRUBBED;
        }
        match word.split_once('@').or(word.split_once("%40")) {
            Some((local, domain)) if self.replaces_emails && !local.is_empty() && domain.contains('.') => {
                EMAIL
            }
            _ => word,
        }
    }
}

/// Splits `text` into words and what is between them.
fn split_words(text: &str, is_in_word: impl Fn(char) -> bool) -> Vec<&str> {
    let (mut words, mut start) = (Vec::new(), 0);
    let mut inside = None;
    for (at, c) in text.char_indices() {
        let is_inside = is_in_word(c);
        if inside.is_some_and(|inside| inside != is_inside) {
            words.push(&text[start..at]);
            start = at;
        }
        inside = Some(is_inside);
    }
    words.push(&text[start..]);
    words
}

/// Scrubs the parameters of form data whose names say that they are secrets. All others stay byte for byte.
fn scrub_query(query: &str) -> String {
    let scrub = |pair: &str| match pair.split_once('=') {
        Some((name, value)) if is_secret_name(name) && !value.is_empty() => format!("{name}={SCRUBBED}"),
        _ => pair.to_owned(),
    };
    query.split('&').map(scrub).collect::<Vec<_>>().join("&")
}

/// Whether the text of a field or a parameter with this name is a secret.
fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(['_', '-', '.'], "");
    let is_harmless = HARMLESS_NAMES.iter().any(|harmless| name.ends_with(harmless));
    ["code", "sig", "key"].contains(&name.as_str())
        || !is_harmless && SECRET_NAMES.iter().any(|secret| name.contains(secret))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a11_what_is_secret_is_scrubbed_and_all_else_stays() {
        let mut scrubber = Scrubber::default();
        scrubber.add("s3cret:+/%", "<client secret>");
        scrubber.replace_emails();
        let mut body = json!({
            "login": "ada", "id": 7, "token_type": "bearer", "nextPageToken": "CAUQAA", "count_of_tokens": 3,
            "access_token": "abc", "refreshToken": "def", "client-secret": "x", "token": null,
            "nested": [{ "password": "p", "email": "ada@real.example", "note": "write to Ada@real.example, or bob@real.example." }],
            "url": "https://files.example/a?token=ABC&size=3#top", "jwt": "see eyJhbGciOiJub25lIn0.eyJhIjoxfQ.abc here",
            "pat": "(ghp_0123456789abcdefghijABCDEFGHIJ012345)", "basic": STANDARD.encode("s3cret:+/%"),
            "in_text": "a s3cret:+/% b", "encoded": "https://x.example/?q=s3cret%3A%2B%2F%25",
        });
        scrubber.scrub_json(&mut body);
        assert_eq!(
            body,
            json!({
                "login": "ada", "id": 7, "token_type": "bearer", "nextPageToken": "CAUQAA", "count_of_tokens": 3,
                "access_token": "<scrubbed>", "refreshToken": "<scrubbed>", "client-secret": "<scrubbed>", "token": null,
                "nested": [{
                    "password": "<scrubbed>", "email": "person@example.test",
                    "note": "write to person@example.test, or person@example.test",
                }],
                "url": "https://files.example/a?token=<scrubbed>&size=3#top", "jwt": "see <scrubbed> here",
                "pat": "(<scrubbed>)", "basic": "<client secret>", "in_text": "a <client secret> b",
                "encoded": "https://x.example/?q=<client secret>",
            })
        );
        assert_eq!(
            scrubber.scrub_form_or_text("a=1&client_secret=x&code=y"),
            "a=1&client_secret=<scrubbed>&code=<scrubbed>"
        );
        assert_eq!(scrubber.scrub_form_or_text("<a href=\"?code=1\">"), "<a href=\"?code=1\">");
        // Again, it changes nothing: a replayed request is compared after it was scrubbed.
        let before = body.clone();
        scrubber.scrub_json(&mut body);
        assert_eq!(body, before);
    }

    #[test]
    fn a11_addresses_stay_unless_a_test_wants_them_replaced() {
        assert_eq!(Scrubber::default().scrub_text("ada@real.example"), "ada@real.example");
    }
}
