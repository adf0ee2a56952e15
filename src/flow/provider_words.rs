//! What a provider says about an error, in a form that a page or a log line can show.

use url::Url;

use crate::error::ProviderError;
use crate::profile::text::{MAX_URL, exact, printable, visible};

/// Maximum length of an error's code, in characters. The rest is cut off.
pub(super) const MAX_ERROR: usize = 64;
/// Maximum length of an error's description, in characters. The rest is cut off.
pub(super) const MAX_DESCRIPTION: usize = 300;

/// Cleans the words of an error.
pub(super) fn provider_words(error: &str, description: Option<&str>, uri: Option<&str>) -> ProviderError {
    ProviderError {
        error: printable(error, MAX_ERROR),
        description: description.and_then(|text| visible(text, MAX_DESCRIPTION)),
        uri: uri.filter(|uri| is_page(uri)).map(str::to_owned),
    }
}

/// Whether `uri` is the URL of a web page: a template may put it into a link, and `javascript:` would run there.
fn is_page(uri: &str) -> bool {
    let url = exact(uri, MAX_URL).and_then(|uri| Url::parse(uri).ok());
    url.is_some_and(|url| matches!(url.scheme(), "https" | "http") && url.username().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a4_the_words_are_cleaned_and_capped_where_they_are_read() {
        let long = "x".repeat(10_000);
        let said = provider_words(&format!("a\u{202e}\n{long}"), Some(&format!(" \u{1b}[1m{long}")), None);
        assert_eq!(said.error, format!("a {}", "x".repeat(MAX_ERROR - 2)));
        assert_eq!(said.description.unwrap(), format!("[1m{}", "x".repeat(MAX_DESCRIPTION - 3)));
        for nothing in ["", " ", "\u{200b}"] {
            assert_eq!(provider_words("e", Some(nothing), Some(nothing)), provider_words("e", None, None));
        }
        for uri in ["https://op.example/errors#7", "http://op.example/"] {
            assert_eq!(provider_words("e", None, Some(uri)).uri.as_deref(), Some(uri));
        }
        for uri in [
            "javascript:alert(1)",
            "data:text/html,x",
            "/errors",
            "//op.example/",
            "https://you@evil.example/",
            "https://op.example/\r\nx",
            &format!("https://op.example/{}", "x".repeat(MAX_URL)),
        ] {
            assert_eq!(provider_words("e", None, Some(uri)).uri, None, "{uri}");
        }
    }
}
