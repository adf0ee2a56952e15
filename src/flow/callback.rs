//! The callback: the authorization response of the provider.
//!
//! The browser brings it, so an attacker can write it. This file checks its form only.
//! [`Engine::check_callback`](super::Engine::check_callback) and the caller, who finds the flow of the state, decide whether
//! it is trusted.
//!
//! | | parameters that decide, at most once each | an error is |
//! |---|---|---|
//! | OAuth 2, OpenID Connect | `state`, `code`, `iss`, `error` | `error` (RFC 6749 §4.1.2.1); no `code`, if the preset says so |
//! | OAuth 1 | `oauth_token`, `oauth_verifier` | `oauth_problem`, `denied` (Twitter), `oauth_verifier=denied` (Atlassian) |
//!
//! `error_description` and `error_uri` are for the log and for the app. The entry's `callback_params` are kept. Other parameters
//! are ignored, whatever they are.

use std::collections::BTreeMap;

use url::form_urlencoded::Serializer;

use super::errors::not_trusted;
use super::form::Parameters;
use super::provider_words::provider_words;
use crate::config::Entry;
use crate::error::{ProviderError, Result};
use crate::profile::text::printable;
use crate::provider::Protocol;
use crate::secret::Secret;

/// Maximum length of a code or a verifier, in bytes. Entra's codes have several KiB.
const MAX_CODE: usize = 16 << 10;
/// Maximum length of `state`, in bytes. Our own states have 43 characters.
const MAX_STATE: usize = 128;
/// Maximum length of `iss`, in bytes.
const MAX_ISS: usize = 2 << 10;
/// Maximum length of a parameter that is kept, in bytes. A longer one is left out.
const MAX_KEPT: usize = 4 << 10;

/// The parameters of a callback (RFC 6749 §4.1.2, RFC 5849 §2.2). Their form is checked: UTF-8, limited in length, each at
/// most once, and either a code or an error. The caller must find the flow of the state.
#[derive(Debug)]
pub(crate) struct Callback {
    /// The `state` parameter. With OAuth 1: the temporary token, which takes its place.
    pub(crate) state: Secret,
    /// The issuer of the response (RFC 9207 §2).
    pub(crate) iss: Option<String>,
    pub(crate) result: CallbackResult,
    /// The parameters that the entry keeps, in printable characters. The user can change them in the browser.
    pub(crate) kept: BTreeMap<String, String>,
}

/// What a callback brings: a code or an error.
#[derive(Debug)]
pub(crate) enum CallbackResult {
    /// The authorization code. With OAuth 1: the verifier.
    Code(Secret),
    /// The error response of the provider (RFC 6749 §4.1.2.1).
    Error(ProviderError),
}

impl CallbackResult {
    fn error(error: &str) -> Self {
        Self::Error(provider_words(error, None, None))
    }
}

impl Callback {
    /// Reads the query of a callback's URL (without `?`), or its form.
    ///
    /// # Errors
    /// [`ErrorKind::CallbackNotTrusted`](crate::ErrorKind::CallbackNotTrusted) if it can't be the answer to one of our
    /// authorization requests.
    pub(crate) fn parse(entry: &Entry, query: &str) -> Result<Self> {
        let parameters = Parameters::parse(query).map_err(not_trusted)?;
        let callback = match entry.protocol() {
            Protocol::OAuth1 => Self::from_oauth1(&parameters)?,
            Protocol::OAuth2 | Protocol::OpenIdConnect => Self::from_oauth2(entry, &parameters)?,
        };
        let kept = entry.additions.callback_params.iter().filter_map(|name| {
            let value = parameters.first(name).filter(|value| value.len() <= MAX_KEPT)?;
            Some((name.clone(), printable(&value, MAX_KEPT)))
        });
        Ok(Self { kept: kept.collect(), ..callback })
    }

    fn from_oauth1(parameters: &Parameters<'_>) -> Result<Self> {
        let take = |name| parameters.unique_text(name).map_err(not_trusted);
        let denial = || CallbackResult::error("access_denied");
        let (token, result) = match (take("oauth_token")?, take("denied")?) {
            // Twitter sends the token as `denied` if the user refuses.
            (None, Some(token)) => (token, denial()),
            (Some(_), Some(_)) => return Err(not_trusted("both `oauth_token` and `denied`")),
            (None, None) => return Err(not_trusted("no `oauth_token`")),
            (Some(token), None) => match (take("oauth_verifier")?, take("oauth_problem")?) {
                // Atlassian sends this verifier if the user refuses.
                (Some(verifier), None) if verifier == "denied" => (token, denial()),
                (Some(verifier), None) if verifier.len() <= MAX_CODE => {
                    (token, CallbackResult::Code(Secret::new(verifier)))
                }
                (Some(_), None) => return Err(not_trusted("the verifier is too long")),
                (Some(_), Some(_)) => return Err(not_trusted("both `oauth_verifier` and `oauth_problem`")),
                (None, Some(problem)) => {
                    let advice = parameters.first("oauth_problem_advice");
                    (token, CallbackResult::Error(provider_words(&problem, advice.as_deref(), None)))
                }
                (None, None) => return Err(not_trusted("no `oauth_verifier`")),
            },
        };
        Ok(Self { state: Secret::new(token), iss: None, result, kept: BTreeMap::new() })
    }

    fn from_oauth2(entry: &Entry, parameters: &Parameters<'_>) -> Result<Self> {
        let take = |name| parameters.unique(name).map_err(not_trusted);
        let take_text = |name| parameters.unique_text(name).map_err(not_trusted);
        // An empty issuer is not an absent one: it is a wrong one.
        let (state, iss) = (take_text("state")?, take("iss")?);
        let denial_has_no_code = entry.oauth2().is_some_and(|options| options.denial_has_no_code);
        // Tokens in the callback are ignored (RFC 9700 §4.6): only a code is used.
        let result = match (take_text("code")?, take_text("error")?) {
            (Some(code), None) if code.len() <= MAX_CODE => CallbackResult::Code(Secret::new(code)),
            (Some(_), None) => return Err(not_trusted("the code is too long")),
            (None, Some(error)) => {
                let (description, uri) =
                    (parameters.first("error_description"), parameters.first("error_uri"));
                CallbackResult::Error(provider_words(&error, description.as_deref(), uri.as_deref()))
            }
            (Some(_), Some(_)) => return Err(not_trusted("both `code` and `error`")),
            (None, None) if denial_has_no_code => CallbackResult::error("access_denied"),
            (None, None) => return Err(not_trusted("neither `code` nor `error`")),
        };
        let Some(state) = state else {
            // The operator needs the words, for example of a client that is not registered.
            return Err(match result {
                // They are not in the error: anyone can write such a link.
                CallbackResult::Error(ProviderError { error, description, .. }) => not_trusted(format!(
                    "no `state`; the callback said `{error}`: {}",
                    description.unwrap_or_default()
                )),
                CallbackResult::Code(_) => not_trusted("no `state`"),
            });
        };
        if state.len() > MAX_STATE || iss.as_ref().is_some_and(|iss| iss.len() > MAX_ISS) {
            return Err(not_trusted("`state` or `iss` is too long"));
        }
        Ok(Self { state: Secret::new(state), iss, result, kept: BTreeMap::new() })
    }

    /// Returns a query that [`parse`](Self::parse) reads as this callback.
    pub(crate) fn to_query(&self) -> String {
        let mut query = Serializer::new(String::new());
        query.append_pair("state", self.state.expose());
        match &self.result {
            CallbackResult::Code(code) => query.append_pair("code", code.expose()),
            CallbackResult::Error(ProviderError { error, description, uri }) => query
                .append_pair("error", error)
                .extend_pairs(description.as_ref().map(|description| ("error_description", description)))
                .extend_pairs(uri.as_ref().map(|uri| ("error_uri", uri))),
        };
        query.extend_pairs(self.iss.as_ref().map(|iss| ("iss", iss)));
        query.extend_pairs(&self.kept);
        query.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorKind;
    use crate::flow::callback_check::is_denial;
    use crate::flow::tests::entry;

    fn parse(query: &str) -> Result<Callback> {
        static ENTRY: LazyLock<Entry> = LazyLock::new(|| {
            entry(
                "provider = \"oauth2\"\nclient_secret = \"s\"\nauthorization_url = \"https://op.example/a\"\n\
                 token_url = \"https://op.example/t\"\ncallback_params = [\"user\", \"realmId\"]",
            )
        });
        Callback::parse(&ENTRY, query)
    }

    fn parse_oauth1(query: &str) -> Result<Callback> {
        static ENTRY: LazyLock<Entry> =
            LazyLock::new(|| entry("provider = \"twitter\"\nclient_secret = \"s\""));
        Callback::parse(&ENTRY, query)
    }

    fn refused(query: &str) -> String {
        let error = parse(query).expect_err(query);
        assert_eq!(error.kind(), ErrorKind::CallbackNotTrusted, "{query}");
        format!("{error:?}")
    }

    #[test]
    fn a_code_with_its_state() {
        let callback = parse("code=a%2Fb+c&state=s&iss=https%3A%2F%2Fop.example&scope=x").unwrap();
        assert!(callback.state.matches("s") && callback.iss.as_deref() == Some("https://op.example"));
        assert!(matches!(callback.result, CallbackResult::Code(code) if code.matches("a/b c")));
    }

    #[test]
    fn st_09_duplicates() {
        for query in [
            "code=a&code=b&state=s",
            "code=a&state=s&state=s",
            "code=a&state=s&iss=i&iss=j",
            "code=a&st%61te=s&state=s",
        ] {
            assert!(refused(query).ends_with("given twice"), "{query}");
        }
    }

    #[test]
    fn cb_03_cb_04_cb_05_either_a_code_or_an_error() {
        for query in [
            "",
            "state=s",
            "code=a&error=e&state=s",
            "code=&state=s",
            "error=&state=s",
            "code=a",
            "code=a&state=",
        ] {
            refused(query);
        }
        refused(&format!("state=s&code={}", "a".repeat((16 << 10) + 1)));
        refused(&format!("state=s&code={}", "a".repeat(64 << 10)));
        // R9: Entra's codes are long.
        assert!(parse(&format!("state=s&code={}", "a".repeat(16 << 10))).is_ok());
        assert!(parse(&format!("state=s&code={}", "%2F".repeat(16 << 10))).is_ok());
    }

    #[test]
    fn r8_a_denial_without_a_word() {
        let wechat = entry("provider = \"wechat\"\nclient_secret = \"s\"");
        for query in ["state=s", "x=y&state=s", "code=&state=s", "error=&state=s"] {
            let callback = Callback::parse(&wechat, query).unwrap();
            assert!(
                matches!(callback.result, CallbackResult::Error(ProviderError { error, .. }) if is_denial(&error)),
                "{query}"
            );
        }
        for query in ["", "state="] {
            assert!(Callback::parse(&wechat, query).is_err(), "{query}");
        }
    }

    #[test]
    fn cb_07_tokens_in_the_callback_are_ignored() {
        refused("access_token=t&id_token=i&state=s");
        let callback = parse("access_token=t&id_token=i&code=c&state=s").unwrap();
        assert!(matches!(callback.result, CallbackResult::Code(code) if code.matches("c")));
    }

    #[test]
    fn cb_11_malformed_or_endless() {
        for query in ["code=%ff&state=s", "code=%c0%af&state=s", "code=%4&state=s", "code=%zz&state=s"] {
            assert!(refused(query).ends_with("not UTF-8"), "{query}");
        }
        let many = |n: usize| (2..n).fold("code=a&state=s".to_owned(), |query, i| format!("{query}&p{i}=x"));
        assert!(parse(&many(64)).is_ok());
        refused(&many(65));
        refused(&format!("code=a&state=s&x={}", "x".repeat(64 << 10)));
    }

    #[test]
    fn r9_parameters_that_nobody_reads() {
        for more in [
            "scope=a&scope=b",
            "name=Ren%E9",
            "name=%",
            "%ed%a0%80=x",
            "user=a&user=b",
            "error_description=a&error_description=b",
            "&&=&=x&x",
        ] {
            let callback = parse(&format!("{more}&code=c&state=s")).expect(more);
            assert!(matches!(callback.result, CallbackResult::Code(code) if code.matches("c")), "{more}");
            assert!(parse_oauth1(&format!("{more}&oauth_token=t&oauth_verifier=v")).is_ok(), "{more}");
        }
    }

    #[test]
    fn r12_parameters_that_the_entry_keeps() {
        let callback =
            parse("code=c&state=s&user=%7B%22name%22%3A%22Ren%E9%22%0A%7D&realmId=9130%202&other=x").unwrap();
        let kept: Vec<_> =
            callback.kept.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(kept, [("realmId", "9130 2"), ("user", "{\"name\":\"Ren\u{fffd}\" }")]);
        assert_eq!(parse(&callback.to_query()).unwrap().kept, callback.kept);
        let long = format!("code=c&state=s&realmId=7&user={}", "x".repeat(4097));
        assert_eq!(parse(&long).unwrap().kept.into_keys().collect::<Vec<_>>(), ["realmId"]);
        assert!(parse("code=c&state=s").unwrap().kept.is_empty());
    }

    #[test]
    fn r8_an_error_without_state_has_the_providers_words() {
        let error = refused("error=unauthorized_client&error_description=no%0aapp");
        assert!(error.contains("unauthorized_client") && error.contains("no app"), "{error}");
        assert!(!refused("code=c0de").contains("c0de"));
    }

    #[test]
    fn cb_01_the_providers_words_are_short_and_harmless() {
        let query =
            format!("error=access_denied&error_description=no%0d%0a%1b%E2%80%AE{}&state=s", "!".repeat(1000));
        let CallbackResult::Error(said) = parse(&query).unwrap().result else { panic!() };
        assert_eq!(said.error, "access_denied");
        assert_eq!(said.description.unwrap(), format!("no  {}", "!".repeat(296)));
    }

    #[test]
    fn o1_08_a_verifier_with_its_token() {
        let callback = parse_oauth1("oauth_token=a%2Fb&oauth_verifier=v+1&next=x").unwrap();
        assert!(callback.state.matches("a/b"));
        assert!(matches!(callback.result, CallbackResult::Code(code) if code.matches("v 1")));
        for query in [
            "",
            "oauth_token=t",
            "oauth_token=t&oauth_verifier=",
            "oauth_verifier=v",
            "oauth_token=&oauth_verifier=v",
            "oauth_token=t&oauth_verifier=v&oauth_verifier=v",
            "oauth_token=t&oauth_token=u&oauth_verifier=v",
            "oauth_token=t&oauth_verifier=v&denied=t",
            "oauth_token=t&oauth_verifier=v&oauth_problem=p",
            "denied=",
            "state=t&code=v",
            &format!("oauth_token=t&oauth_verifier={}", "v".repeat((16 << 10) + 1)),
        ] {
            assert_eq!(parse_oauth1(query).unwrap_err().kind(), ErrorKind::CallbackNotTrusted, "{query}");
        }
    }

    #[test]
    fn o1_08_every_way_to_say_no() {
        for query in [
            "denied=t",
            "oauth_token=t&oauth_verifier=denied",
            "oauth_token=t&oauth_problem=permission_denied",
            "oauth_token=t&oauth_problem=user_refused",
        ] {
            let callback = parse_oauth1(query).unwrap();
            assert!(callback.state.matches("t"), "{query}");
            assert!(
                matches!(callback.result, CallbackResult::Error(ProviderError { error, .. }) if is_denial(&error)),
                "{query}"
            );
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(query in "\\PC{0,64}|[a-z%&=+0-9]{0,64}") {
            let _ = parse(&query);
            let _ = parse_oauth1(&query);
        }

        #[test]
        fn what_was_read_reads_the_same(state in "\\PC{1,30}", word in "\\PC{1,60}", iss in "\\PC{0,30}", code in any::<bool>()) {
            let mut query = Serializer::new(String::new());
            query.append_pair("state", &state).append_pair("iss", &iss);
            query.append_pair(if code { "code" } else { "error" }, &word).append_pair("error_description", &word);
            query.append_pair("error_uri", &format!("https://op.example/{word}"));
            let first = parse(&query.finish());
            if let Ok(first) = first {
                let again = parse(&first.to_query()).unwrap();
                prop_assert!(again.state.matches(first.state.expose()) && again.iss == first.iss);
                match (first.result, again.result) {
                    (CallbackResult::Code(one), CallbackResult::Code(other)) => prop_assert!(one.matches(other.expose())),
                    (one, other) => prop_assert_eq!(format!("{one:?}"), format!("{other:?}")),
                }
            }
        }
    }
}
