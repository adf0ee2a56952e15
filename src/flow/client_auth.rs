//! Client authentication at the provider's OAuth 2 endpoints (RFC 6749 §2.3): one method per request.
//!
//! | method | what is sent |
//! |---|---|
//! | `client_secret_basic` | the `Authorization` header |
//! | `client_secret_post` | `client_id` and `client_secret` in the form |
//! | a secret that is a JWT | `client_id` and, as `client_secret`, a JWT for this request, in the form |
//! | `private_key_jwt` | `client_id`, `client_assertion_type` and `client_assertion` in the form |
//! | `none` | `client_id` in the form |

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::HeaderValue;
use serde_json::json;
use url::form_urlencoded::byte_serialize;

use super::endpoints::Endpoints;
use crate::config::{ClientAuthentication, PrivateKey};
use crate::error::{Error, Result};
use crate::secret::{Secret, encode_base64url, random};

/// Lifetime of a client assertion, in seconds. It is used for one request.
const ASSERTION_TTL: i64 = 60;
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The fields of a request's form, in the order in which they are sent.
pub(super) type Form = Vec<(String, String)>;

/// Adds the client's authentication to `form`, for one request at `now` (unix seconds). Returns the `Authorization`
/// header that goes with the form, if the method is HTTP Basic.
///
/// # Errors
/// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if an assertion has no audience.
pub(super) fn authenticate(
    endpoints: Endpoints<'_>,
    form: &mut Form,
    now: i64,
) -> Result<Option<HeaderValue>> {
    let (client_id, client_id_param) = (&endpoints.entry.client_id, endpoints.options.client_id_param);
    let client_secret_param = endpoints.options.client_secret_param;
    let mut add = |name: &str, value: &str| {
        // A pushed authorization request has its `client_id` already (RFC 9126 §2.1).
        if !form.iter().any(|(known, _)| known == name) {
            form.push((name.to_owned(), value.to_owned()));
        }
    };
    match &endpoints.options.client_auth {
        ClientAuthentication::ClientSecretBasic(secret) => return basic(client_id, secret).map(Some),
        ClientAuthentication::ClientSecret(secret) if !accepts_post_only(endpoints) => {
            return basic(client_id, secret).map(Some);
        }
        ClientAuthentication::ClientSecret(secret) | ClientAuthentication::ClientSecretPost(secret) => {
            add(client_id_param, client_id);
            add(client_secret_param, secret.expose());
        }
        ClientAuthentication::SecretJwt { issuer, key } => {
            add(client_id_param, client_id);
            add(client_secret_param, &assertion(endpoints, issuer, key, now)?);
        }
        ClientAuthentication::PrivateKeyJwt(key) => {
            add(client_id_param, client_id);
            add("client_assertion_type", ASSERTION_TYPE);
            add("client_assertion", &assertion(endpoints, client_id, key, now)?);
        }
        ClientAuthentication::None => add(client_id_param, client_id),
    }
    Ok(None)
}

/// The header `Authorization` of HTTP Basic.
///
/// # Errors
/// Never: base64 fits into a header.
pub(super) fn basic(client_id: &str, secret: &Secret) -> Result<HeaderValue> {
    // Each is form-encoded first (RFC 6749 §2.3.1): a `:` in the id would end the id.
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let both = format!("{}:{}", encoded(client_id), encoded(secret.expose()));
    let mut header = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(both))).map_err(Error::app)?;
    header.set_sensitive(true);
    Ok(header)
}

/// Whether the provider's metadata accepts the secret in the form, and not in the header. Metadata that says nothing means the
/// header (Discovery §3).
fn accepts_post_only(endpoints: Endpoints<'_>) -> bool {
    let methods = endpoints.metadata.map(|metadata| metadata.token_endpoint_auth_methods.as_slice());
    let has = |name| methods.unwrap_or_default().iter().any(|method| method == name);
    has("client_secret_post") && !has("client_secret_basic")
}

/// Creates the assertion of `private_key_jwt` for one request (RFC 7523 §3), or a client secret that is such a JWT.
fn assertion(endpoints: Endpoints<'_>, issuer: &str, private: &PrivateKey, now: i64) -> Result<String> {
    let Endpoints { entry, metadata, .. } = endpoints;
    let accepted = metadata.and_then(|metadata| metadata.token_endpoint_auth_signing_algorithms.as_ref());
    let possible = private.key.algorithms();
    let algorithm = possible
        .iter()
        .find(|name| accepted.is_none_or(|accepted| accepted.iter().any(|one| one == *name)))
        .or(possible.first())
        .ok_or_else(|| Error::app("a private key without a signature algorithm"))?;
    // The audience is the issuer, which discovery has checked byte for byte. An attacker's metadata can name another
    // provider's token endpoint; with that as audience, the attacker could use our assertion there (RFC 7523bis §4).
    // The issuer of a multi-tenant entry is a template, which cannot be an audience.
    let provider = entry.issuer.as_ref().filter(|issuer| issuer.tenants.is_none());
    let audience = match private.audience.as_ref().or(provider.map(|provider| &provider.url)) {
        Some(audience) => audience,
        None => endpoints.token()?.as_str(),
    };
    let mut header = json!({ "alg": algorithm, "typ": "JWT" });
    if let Some(id) = &private.id {
        header["kid"] = json!(id);
    }
    // A provider whose clock is behind ours must not see an assertion from the future.
    let issued_at = now - entry.clock_skew.min(ASSERTION_TTL);
    let claims = json!({
        "iss": issuer, "sub": entry.client_id, "aud": audience, "jti": encode_base64url(&random::<16>()?),
        "iat": issued_at, "nbf": issued_at, "exp": now + ASSERTION_TTL,
    });
    let signed = format!(
        "{}.{}",
        encode_base64url(header.to_string().as_bytes()),
        encode_base64url(claims.to_string().as_bytes())
    );
    let signature = encode_base64url(&private.key.sign(algorithm, &signed)?);
    Ok(format!("{signed}.{signature}"))
}
