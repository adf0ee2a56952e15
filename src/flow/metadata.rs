//! The metadata of OpenID providers (OpenID Connect Discovery).

use std::sync::Arc;

use futures::FutureExt;
use serde::{Deserialize, Deserializer};
use url::Url;

use super::document_cache::DocumentCache;
use super::http::Http;
use super::json;
use crate::clock::Clock;
use crate::config::{is_loopback_host, is_private};
use crate::error::Result;

/// A provider's metadata (OpenID Connect Discovery §3), as far as this library uses it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Metadata {
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
    /// The algorithms of client assertions that the provider accepts.
    pub(super) token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
    /// Where authorization requests are pushed to (RFC 9126 §5).
    pub(super) pushed_authorization_request_endpoint: Option<Url>,
    /// Whether all authorization requests must be pushed (RFC 9126 §5).
    #[serde(default)]
    pub(super) require_pushed_authorization_requests: bool,
    /// Where users sign out (RP-Initiated Logout §2.1). Sign-in does not use it, so a wrong value counts as absent.
    #[serde(default, deserialize_with = "lenient_url")]
    pub(super) end_session_endpoint: Option<Url>,
    /// The PKCE methods of the provider (RFC 8414 §2).
    pub(super) code_challenge_methods_supported: Option<Vec<String>>,
    /// Whether every authorization response has an `iss` (RFC 9207 §3).
    #[serde(default)]
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

    /// Returns the metadata of `issuer`, in which the issuer must be `published`. The two differ only for an issuer with
    /// many tenants, which publishes a template.
    pub(super) async fn get(&self, issuer: &str, published: &str) -> Result<Arc<Metadata>> {
        let address = metadata_address(issuer);
        let fetch = async {
            let what = format!("the metadata of `{issuer}`");
            self.http.document(&address, &what, |body| Metadata::parse(body, published)).await
        };
        // Two issuers that differ only by a `/` at the end have one address.
        self.documents.get(&format!("{address} of {published}"), fetch.boxed()).await
    }
}

/// The address of an issuer's metadata: the well-known path is appended to the issuer's path (Discovery §4.1), where
/// RFC 8414 would insert it (DJ-07).
fn metadata_address(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer))
}

/// Reads a URL. Any other value counts as absent.
fn lenient_url<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Url>, D::Error> {
    let value = serde_json::Value::deserialize(from)?;
    Ok(value.as_str().and_then(|text| Url::parse(text).ok()))
}

impl Metadata {
    /// Reads a metadata document, in which the issuer must be `issuer`.
    ///
    /// # Errors
    /// If it is not such a document, or an endpoint is not https (on loopback: http).
    pub(super) fn parse(body: &[u8], issuer: &str) -> Result<Self, String> {
        let fields = json::object(body)?;
        let mut metadata =
            Self::deserialize(serde_json::Value::Object(fields)).map_err(|error| error.to_string())?;
        // Byte for byte (Discovery §4.3): otherwise one provider could sign in users of another.
        if metadata.issuer != issuer {
            return Err("it is another issuer's".into());
        }
        let endpoints = [
            &metadata.authorization_endpoint,
            &metadata.token_endpoint,
            &metadata.userinfo_endpoint,
            &metadata.jwks_uri,
            &metadata.revocation_endpoint,
            &metadata.pushed_authorization_request_endpoint,
        ];
        // A remote issuer must not make us send secrets to a service of this machine.
        let is_local = Url::parse(issuer).is_ok_and(|issuer| issuer.host_str().is_some_and(is_loopback_host));
        let is_allowed = |url: &Url| url.scheme() == "https" || is_local && is_private(url);
        if let Some(url) = endpoints.into_iter().flatten().find(|url| !is_allowed(url)) {
            return Err(format!("`{url}` is not https"));
        }
        metadata.end_session_endpoint.take_if(|url| !is_allowed(url));
        Ok(metadata)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://op.example/tenant";

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
        Metadata::parse(fields.to_string().as_bytes(), issuer)
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
    fn wrong_types() {
        assert!(parse(("token_endpoint", json!(7))).is_err());
        assert!(parse(("authorization_response_iss_parameter_supported", json!("true"))).is_err());
    }
}
