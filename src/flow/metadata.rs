//! The metadata of OpenID providers (OpenID Connect Discovery).

use std::sync::Arc;

use futures::FutureExt;
use serde_json::Value;
use url::Url;

use super::document_cache::DocumentCache;
use super::http::Http;
use super::json;
use crate::clock::Clock;
use crate::config::{Issuer, is_loopback_host, is_private};
use crate::error::Result;
use crate::profile::text::printable;

/// A provider's metadata (OpenID Connect Discovery §3), as far as this library uses it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Metadata {
    /// The issuer, compared byte for byte with the entry's.
    pub(super) issuer: String,
    /// Where users are sent to (RFC 6749 §3.1).
    pub(super) authorization_endpoint: Option<Url>,
    /// Where codes and refresh tokens are exchanged (RFC 6749 §3.2).
    pub(super) token_endpoint: Option<Url>,
    /// The API with claims about the user (Core §5.3).
    pub(super) userinfo_endpoint: Option<Url>,
    /// Where the provider publishes its keys.
    pub(super) jwks_uri: Option<Url>,
    /// Where tokens are revoked (RFC 7009, RFC 8414 §2).
    pub(super) revocation_endpoint: Option<Url>,
    /// The methods of client authentication that the provider accepts. Empty if it does not say.
    pub(crate) token_endpoint_auth_methods: Vec<String>,
    /// The algorithms of client assertions that the provider accepts.
    pub(super) token_endpoint_auth_signing_algorithms: Option<Vec<String>>,
    /// Where authorization requests are pushed to (RFC 9126 §5).
    pub(crate) pushed_authorization_request_endpoint: Option<Url>,
    /// Whether all authorization requests must be pushed (RFC 9126 §5).
    pub(crate) require_pushed_authorization_requests: bool,
    /// Where users sign out (RP-Initiated Logout §2.1).
    pub(crate) end_session_endpoint: Option<Url>,
    /// The PKCE methods of the provider (RFC 8414 §2).
    pub(crate) code_challenge_methods_supported: Option<Vec<String>>,
    /// The scopes that the provider names. It may have others (RFC 8414 §2).
    pub(crate) scopes_supported: Option<Vec<String>>,
    /// Whether every authorization response has an `iss` (RFC 9207 §3).
    pub(super) authorization_response_iss_parameter_supported: bool,
}

/// The metadata of all issuers in use.
#[derive(Clone)]
pub(super) struct MetadataCache {
    http: Http,
    documents: DocumentCache<Metadata>,
}

impl MetadataCache {
    /// Creates an empty cache.
    pub(super) fn new(http: Http, clock: Clock) -> Self {
        Self { http, documents: DocumentCache::new(clock) }
    }

    /// Returns the metadata of `issuer`, which is at `url`, or else at the issuer's well-known address. Of the endpoints of a
    /// sign-in, only the `needed` ones must be usable.
    pub(super) async fn get(
        &self,
        issuer: &Issuer,
        url: Option<&Url>,
        needed: &[&'static str],
    ) -> Result<Arc<Metadata>> {
        let address = url.map_or_else(|| metadata_address(&issuer.url), Url::to_string);
        // It differs from the issuer only if that has many tenants: then the provider publishes a template.
        let published = issuer.in_metadata();
        let fetch = async {
            let what = format!("the metadata of `{}`", issuer.url);
            self.http
                .document(&address, &what, |body| Metadata::parse(body, published, &address, needed))
                .await
        };
        // Two issuers that differ only by a `/` at the end have one address.
        self.documents.get(&format!("{address} of {published} for {}", needed.join(" ")), fetch.boxed()).await
    }
}

/// The address of an issuer's metadata: the well-known path is appended to the issuer's path (Discovery §4.1), where
/// RFC 8414 would insert it (DJ-07).
fn metadata_address(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer))
}

impl Metadata {
    /// The metadata of an `issuer` whose endpoints are configured.
    pub(super) fn without_discovery(issuer: &str) -> Self {
        Self { issuer: issuer.to_owned(), ..Self::default() }
    }

    /// Reads the metadata document at `address`, in which the issuer must be `issuer`. An optional field that can't be read counts
    /// as absent, and so does an endpoint that is not `needed`.
    ///
    /// # Errors
    /// If it is not such a document, or a needed endpoint is not https (on loopback: http).
    pub(super) fn parse(body: &[u8], issuer: &str, address: &str, needed: &[&str]) -> Result<Self, String> {
        let fields =
            json::deciding_object(body, &["issuer", "jwks_uri", "token_endpoint", "userinfo_endpoint"])?;
        let field = |name| fields.get(name);
        // Byte for byte (Discovery §4.3): otherwise one provider could sign in users of another.
        let named = field("issuer").and_then(Value::as_str).unwrap_or_default();
        if named.is_empty() {
            return Err("it names no `issuer`".to_owned());
        }
        if named != issuer {
            return Err(format!("it is the metadata of `{}`, not of `{issuer}`", printable(named, 300)));
        }
        // A remote provider must not make us send secrets to a service of this machine.
        let is_local = Url::parse(address).is_ok_and(|url| url.host_str().is_some_and(is_loopback_host));
        let is_allowed = |url: &Url| url.scheme() == "https" || is_local && is_private(url);
        let url = |name| field(name).and_then(Value::as_str).and_then(|text| Url::parse(text).ok());
        // What this sign-in does not use is never a reason to refuse the document.
        let optional = |name| url(name).filter(is_allowed);
        let endpoint = |name| match url(name) {
            Some(url) if !is_allowed(&url) && needed.contains(&name) => {
                Err(format!("`{}` is not https", printable(url.as_str(), 300)))
            }
            _ => Ok(optional(name)),
        };
        let required = |name| match (endpoint(name)?, field(name)) {
            (None, Some(given)) if !given.is_null() && needed.contains(&name) => {
                Err(format!("`{name}` is not a URL"))
            }
            (url, _) => Ok(url),
        };
        // Some providers write `"true"`.
        let is_true = |name| {
            matches!(field(name), Some(Value::Bool(true))) || field(name).is_some_and(|value| value == "true")
        };
        let list = |name| {
            let list = field(name)?.as_array()?.iter();
            Some(list.filter_map(Value::as_str).map(str::to_owned).collect())
        };
        Ok(Self {
            issuer: named.to_owned(),
            authorization_endpoint: required("authorization_endpoint")?,
            token_endpoint: required("token_endpoint")?,
            userinfo_endpoint: endpoint("userinfo_endpoint")?,
            jwks_uri: required("jwks_uri")?,
            revocation_endpoint: optional("revocation_endpoint"),
            token_endpoint_auth_methods: list("token_endpoint_auth_methods_supported").unwrap_or_default(),
            token_endpoint_auth_signing_algorithms: list("token_endpoint_auth_signing_alg_values_supported"),
            pushed_authorization_request_endpoint: optional("pushed_authorization_request_endpoint"),
            require_pushed_authorization_requests: is_true("require_pushed_authorization_requests"),
            end_session_endpoint: optional("end_session_endpoint"),
            code_challenge_methods_supported: list("code_challenge_methods_supported"),
            scopes_supported: list("scopes_supported"),
            authorization_response_iss_parameter_supported: is_true(
                "authorization_response_iss_parameter_supported",
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://op.example/tenant";
    const ALL: &[&str] = &["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"];

    fn parse(change: (&str, serde_json::Value)) -> Result<Metadata, String> {
        parse_of(ISSUER, change)
    }

    fn parse_of(issuer: &str, change: (&str, serde_json::Value)) -> Result<Metadata, String> {
        let mut fields = json!({
            "issuer": issuer,
            "authorization_endpoint": "https://op.example/auth",
            "token_endpoint": "https://op.example/token",
            "jwks_uri": "https://op.example/jwks",
        });
        fields[change.0] = change.1;
        Metadata::parse(fields.to_string().as_bytes(), issuer, issuer, ALL)
    }

    #[test]
    fn r5_an_endpoint_that_the_entry_does_not_need_is_no_reason_to_refuse() {
        let wrong =
            [json!("ftp://op.example/"), json!("http://op.example/"), json!("http://localhost/"), json!(7)];
        for (name, wrong) in ALL.iter().flat_map(|name| wrong.iter().map(move |wrong| (*name, wrong))) {
            let body = json!({"issuer": ISSUER, name: wrong}).to_string();
            let others: Vec<_> = ALL.iter().copied().filter(|other| *other != name).collect();
            let parsed = Metadata::parse(body.as_bytes(), ISSUER, ISSUER, &others).unwrap();
            assert_eq!(parsed, Metadata { issuer: ISSUER.into(), ..Metadata::default() }, "{name} {wrong}");
            let is_refused = Metadata::parse(body.as_bytes(), ISSUER, ISSUER, ALL).is_err();
            assert_eq!(is_refused, name != "userinfo_endpoint" || wrong.is_string(), "{name} {wrong}");
        }
    }

    #[test]
    fn dj_01_another_issuers_metadata() {
        assert!(parse(("x", json!(1))).is_ok());
        for issuer in [
            "https://op.example/tenant/",
            "https://op.example",
            "https://OP.example/tenant",
            "http://op.example/tenant",
            "",
        ] {
            assert!(parse(("issuer", json!(issuer))).is_err(), "{issuer}");
        }
    }

    #[test]
    fn dj_02_endpoints_in_the_open() {
        for url in [
            "http://op.example/token",
            "http://localhost.example/",
            "ftp://localhost/",
            "http://10.0.0.1/",
            "file:///etc/passwd",
        ] {
            assert!(parse(("token_endpoint", json!(url))).is_err(), "{url}");
        }
        for url in ["http://localhost:1/", "http://[::1]/", "http://127.9.9.9/", "https://10.0.0.1/"] {
            for local in ["http://localhost:9", "https://127.0.0.1"] {
                assert!(parse_of(local, ("token_endpoint", json!(url))).is_ok(), "{url}");
            }
            // A provider elsewhere sends our client secret to no service of this machine.
            assert_eq!(parse(("token_endpoint", json!(url))).is_ok(), url.starts_with("https"), "{url}");
        }
    }

    #[test]
    fn lo_02_an_end_session_endpoint_that_is_none() {
        let parsed = |value| parse(("end_session_endpoint", value)).unwrap().end_session_endpoint;
        assert_eq!(parsed(json!("https://op.example/end")).unwrap().path(), "/end");
        for wrong in
            [json!("http://op.example/end"), json!("http://localhost/"), json!("end"), json!(7), json!(null)]
        {
            assert_eq!(parsed(wrong.clone()), None, "{wrong}");
        }
        assert_eq!(parsed(json!("javascript:alert(1)")), None);
    }

    #[test]
    fn r5_a_field_that_can_not_be_read_is_absent() {
        for (name, value) in [
            ("require_pushed_authorization_requests", json!(null)),
            ("authorization_response_iss_parameter_supported", json!("")),
            ("revocation_endpoint", json!("")),
            ("revocation_endpoint", json!("/revoke")),
            ("revocation_endpoint", json!("http://op.example/revoke")),
            ("pushed_authorization_request_endpoint", json!("http://localhost/par")),
            ("userinfo_endpoint", json!("")),
            ("userinfo_endpoint", json!(null)),
            ("code_challenge_methods_supported", json!(null)),
            ("code_challenge_methods_supported", json!("S256")),
            ("token_endpoint_auth_methods_supported", json!({})),
        ] {
            assert_eq!(parse((name, value.clone())), parse(("x", json!(1))), "{name} {value}");
        }
        assert!(parse(("token_endpoint", json!(7))).is_err(), "required");
        let strict = parse(("authorization_response_iss_parameter_supported", json!("true"))).unwrap();
        assert!(strict.authorization_response_iss_parameter_supported);
    }

    #[test]
    fn r11_both_issuers_are_named() {
        let other = parse(("issuer", json!("https://other.example"))).unwrap_err();
        assert!(
            other.contains("`https://other.example`") && other.contains(&format!("`{ISSUER}`")),
            "{other}"
        );
        for none in [json!(null), json!(""), json!(7)] {
            assert_eq!(parse(("issuer", none)).unwrap_err(), "it names no `issuer`");
        }
    }
}
