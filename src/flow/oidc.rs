//! OpenID Connect: discovery.

use std::sync::Arc;

use futures::FutureExt;
use serde::{Deserialize, Deserializer};
use url::Url;

use super::document::Documents;
use super::{Http, json};
use crate::clock::Clock;
use crate::config::{is_loopback_host, is_private};
use crate::error::Result;

/// A provider's metadata (OpenID Connect Discovery §3), as far as it is used.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) issuer: String,
    pub(crate) authorization_endpoint: Option<Url>,
    pub(crate) token_endpoint: Option<Url>,
    pub(crate) userinfo_endpoint: Option<Url>,
    pub(crate) jwks_uri: Option<Url>,
    /// RFC 8414 §2.
    pub(crate) revocation_endpoint: Option<Url>,
    pub(crate) token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
    /// RFC 9126 §5.
    pub(crate) pushed_authorization_request_endpoint: Option<Url>,
    #[serde(default)]
    pub(crate) require_pushed_authorization_requests: bool,
    /// RP-Initiated Logout §2.1. Nobody signs in by it: a wrong one is none, and keeps nobody out.
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) end_session_endpoint: Option<Url>,
    pub(crate) code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) authorization_response_iss_parameter_supported: bool,
}

/// The metadata of all issuers in use.
#[derive(Clone)]
pub(crate) struct Discovery {
    http: Http,
    documents: Documents<Metadata>,
}

impl Discovery {
    pub(crate) fn new(http: Http, clock: Clock) -> Self {
        Self { http, documents: Documents::new(clock) }
    }

    /// The metadata of `issuer`, which calls itself `published`: the same, but for one that speaks for many tenants.
    pub(crate) async fn metadata(&self, issuer: &str, published: &str) -> Result<Arc<Metadata>> {
        let address = address(issuer);
        let fetch = async {
            let what = format!("the metadata of `{issuer}`");
            self.http.document(&address, &what, |body| Metadata::parse(body, published)).await
        };
        // Two issuers may differ by a `/` at the end, and have one address.
        self.documents.get(&format!("{address} of {published}"), fetch.boxed()).await
    }
}

/// Where an issuer's metadata is: appended to its path (Discovery §4.1), where RFC 8414 would insert (DJ-07).
fn address(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer))
}

/// A URL, where there is one.
fn lenient<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Url>, D::Error> {
    let value = serde_json::Value::deserialize(from)?;
    Ok(value.as_str().and_then(|text| Url::parse(text).ok()))
}

impl Metadata {
    pub(super) fn parse(body: &[u8], issuer: &str) -> Result<Self, String> {
        let fields = json::object(body)?;
        let mut metadata =
            Self::deserialize(serde_json::Value::Object(fields)).map_err(|error| error.to_string())?;
        // Byte for byte: whoever answers for another issuer could have its users sign in here (Discovery §4.3).
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
        // An issuer elsewhere could have our secrets sent to whatever else runs on this machine.
        let local = Url::parse(issuer).is_ok_and(|issuer| issuer.host_str().is_some_and(is_loopback_host));
        let may_be = |url: &Url| url.scheme() == "https" || local && is_private(url);
        if let Some(url) = endpoints.into_iter().flatten().find(|url| !may_be(url)) {
            return Err(format!("`{url}` is not https"));
        }
        metadata.end_session_endpoint.take_if(|url| !may_be(url));
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
