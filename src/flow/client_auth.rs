//! How the client says who it is, at every endpoint that asks (RFC 6749 §2.3): by one method, never by two.

use ::oauth2::HttpRequest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde_json::json;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::oauth2::Endpoint;
use crate::error::{Error, Result};
use crate::provider::ClientAuth;
use crate::secret::{encode_base64url, random};

/// How long an assertion is good, in seconds: for the one request that it goes with.
const ASSERTION_TTL: i64 = 60;
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

impl Endpoint<'_> {
    /// The form fields of `private_key_jwt` (RFC 7523 §2.2), for one request: its `jti` is used up with it. None with
    /// another method.
    pub(super) fn assertion(&self) -> Result<Vec<(&'static str, String)>> {
        let entry = self.entry;
        if entry.auth != ClientAuth::PrivateKeyJwt {
            return Ok(Vec::new());
        }
        let private = entry.need(entry.private_key.as_ref(), "private_key")?;
        let known = private.key.algorithms();
        let algorithm = known
            .iter()
            .find(|name| {
                self.signing_algorithms.as_ref().is_none_or(|all| all.iter().any(|one| one == *name))
            })
            .or(known.first())
            .ok_or_else(|| Error::app("a key without an algorithm"))?;
        // The issuer, which discovery has checked byte for byte: metadata of one's own can name anybody's token
        // endpoint, and an assertion that is good there could be had from whoever wrote that (RFC 7523bis §4).
        // One that speaks for many tenants is none of them.
        let issuer = entry.issuer.as_deref().filter(|_| entry.tenants.is_none());
        let audience = private.audience.as_deref().or(issuer).unwrap_or_else(|| self.token.as_str());
        let mut header = json!({ "alg": algorithm, "typ": "JWT" });
        if let Some(id) = &private.id {
            header["kid"] = json!(id);
        }
        // A provider whose clock is behind ours would take it for one from the future.
        let since = self.now - entry.clock_skew.min(ASSERTION_TTL);
        let claims = json!({
            "iss": entry.client_id, "sub": entry.client_id, "aud": audience, "jti": encode_base64url(&random::<16>()?),
            "iat": since, "nbf": since, "exp": self.now + ASSERTION_TTL,
        });
        let signed = format!(
            "{}.{}",
            encode_base64url(header.to_string().as_bytes()),
            encode_base64url(claims.to_string().as_bytes())
        );
        let signature = encode_base64url(&private.key.sign(algorithm, &signed)?);
        Ok(vec![
            ("client_assertion_type", ASSERTION_TYPE.to_owned()),
            ("client_assertion", format!("{signed}.{signature}")),
        ])
    }

    /// A form for `url`, with who the client is.
    pub(super) fn form(&self, url: &Url, mut fields: Vec<(String, String)>) -> Result<HttpRequest> {
        let entry = self.entry;
        let mut request = http::Request::post(url.as_str())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let named = fields.iter().any(|(name, _)| name == "client_id");
        let mut say = |name: &str, value: &str| fields.push((name.to_owned(), value.to_owned()));
        match (entry.auth, &entry.client_secret) {
            (ClientAuth::Basic, Some(secret)) => {
                // Both are forms of their own within Basic (RFC 6749 §2.3.1): a `:` in the id would end it.
                let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                let both = format!("{}:{}", encoded(&entry.client_id), encoded(secret.expose()));
                request = request.header(AUTHORIZATION, format!("Basic {}", STANDARD.encode(both)));
            }
            (auth, secret) => {
                if !named {
                    say("client_id", &entry.client_id);
                }
                if let (ClientAuth::Post, Some(secret)) = (auth, secret) {
                    say("client_secret", secret.expose());
                }
            }
        }
        for (name, value) in self.assertion()? {
            say(name, &value);
        }
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        request.body(body.into_bytes()).map_err(Error::app)
    }
}
