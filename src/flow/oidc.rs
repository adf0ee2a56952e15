//! OpenID Connect: discovery.

use std::sync::Arc;

use futures::FutureExt;
use serde::Deserialize;
use url::Url;

use super::document::Documents;
use super::http::bad_answer;
use super::{Http, json};
use crate::config::{is_loopback_host, is_private};
use crate::error::Result;

/// A provider's metadata (OpenID Connect Discovery §3), as far as it is used.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) issuer: String,
    pub(crate) authorization_endpoint: Option<Url>,
    pub(crate) token_endpoint: Option<Url>,
    pub(crate) userinfo_endpoint: Option<Url>,
    pub(crate) jwks_uri: Option<Url>,
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
    pub(crate) fn new(http: Http) -> Self {
        Self { http, documents: Documents::new() }
    }

    /// The metadata of `issuer`.
    pub(crate) async fn metadata(&self, issuer: &str) -> Result<Arc<Metadata>> {
        self.documents.get(issuer, self.fetch(issuer).boxed()).await
    }

    async fn fetch(&self, issuer: &str) -> Result<Metadata> {
        let url = format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer));
        let body = self.http.document(&url).await?;
        Metadata::parse(&body, issuer)
            .map_err(|cause| bad_answer(format!("the metadata of `{issuer}`: {cause}")))
    }
}

impl Metadata {
    fn parse(body: &[u8], issuer: &str) -> Result<Self, String> {
        let fields = json::object(body)?;
        let metadata =
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
        ];
        // An issuer elsewhere could have our secrets sent to whatever else runs on this machine.
        let local = Url::parse(issuer).is_ok_and(|issuer| issuer.host_str().is_some_and(is_loopback_host));
        let may_be = |url: &Url| url.scheme() == "https" || local && is_private(url);
        if let Some(url) = endpoints.into_iter().flatten().find(|url| !may_be(url)) {
            return Err(format!("`{url}` is not https"));
        }
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
    fn wrong_types() {
        assert!(parse(("token_endpoint", json!(7))).is_err());
        assert!(parse(("authorization_response_iss_parameter_supported", json!("true"))).is_err());
    }
}
