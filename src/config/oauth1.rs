//! What only an OAuth 1 entry has.

use url::Url;

use super::parameters::Parameters;
use super::secrets::secret;
use super::table::Table;
use super::urls;
use crate::provider::{Preset, SignatureMethod};
#[cfg(feature = "rsa-sha1")]
use crate::secret::RsaKey;
use crate::secret::Secret;

/// The keys of OAuth 2 and OpenID Connect that an OAuth 1 entry may hold, without effect.
const WITHOUT_EFFECT: &[&str] = &[
    "assume_bearer",
    "form_token_answer",
    "jwks_url",
    "metadata_url",
    "pkce",
    "scope_separator",
    "signing_algorithms",
    "token_endpoint_auth_method",
    "token_scheme",
    "token_types",
    "trusted_audiences",
];

/// Endpoints and signing of an OAuth 1 entry (RFC 5849).
#[derive(Clone)]
pub(crate) struct OAuth1Options {
    /// The endpoint of temporary credentials.
    pub(crate) request_token_url: Url,
    pub(crate) authorization_url: Url,
    /// The endpoint of the token.
    pub(crate) access_token_url: Url,
    pub(crate) signature: Signature,
    /// The consumer secret. RSA-SHA1 needs none.
    pub(crate) client_secret: Option<Secret>,
    /// The realm in the Authorization header (RFC 5849 §3.5.1).
    pub(crate) realm: Option<String>,
}

/// How an OAuth 1 client signs, with the key that only this method has.
#[derive(Debug, Clone)]
pub(crate) enum Signature {
    HmacSha1,
    HmacSha256,
    Plaintext,
    #[cfg(feature = "rsa-sha1")]
    RsaSha1(RsaKey),
}

impl Signature {
    pub(crate) fn method(&self) -> SignatureMethod {
        match self {
            Self::HmacSha1 => SignatureMethod::HmacSha1,
            Self::HmacSha256 => SignatureMethod::HmacSha256,
            Self::Plaintext => SignatureMethod::Plaintext,
            #[cfg(feature = "rsa-sha1")]
            Self::RsaSha1(_) => SignatureMethod::RsaSha1,
        }
    }
}

impl OAuth1Options {
    pub(super) fn read(table: &mut Table<'_>, preset: &Preset, parameters: &Parameters) -> Self {
        let (signature, client_secret) = signature(table, preset);
        // What is missing here is a fault already: the launch fails.
        let mut url =
            |keys, preset| parameters.url(table, keys, preset, true).unwrap_or_else(urls::placeholder);
        let authorization_url = url(["authorization_url", "auth_uri"], preset.authorization_url);
        let access_token_url = url(["access_token_url", "token_url"], preset.token_url);
        let request_token_url = url(["request_token_url"; 2], preset.request_token_url);
        if let Some(key) = ["scope", "extra_scope"].into_iter().find(|key| table.has(key)) {
            let why = "OAuth 1 has no scope: remove it. What the provider takes instead is a parameter of \
                       token_params or authorization_params";
            table.fault(key, why, "token_params = { … = \"…\" }");
        }
        for key in ["scope", "extra_scope"].iter().chain(WITHOUT_EFFECT) {
            table.forget(key);
        }
        Self {
            request_token_url,
            authorization_url,
            access_token_url,
            signature,
            client_secret,
            realm: realm(table),
        }
    }
}

fn realm(table: &mut Table<'_>) -> Option<String> {
    let given = table.text("realm")?;
    if given.value.contains(|c: char| !(' '..='~').contains(&c) || "\"\\".contains(c)) {
        let why = "must be plain ASCII without quotes and backslashes";
        table.reader.fault(&given.place, why, "realm = \"…\"");
    }
    Some(given.value)
}

fn method(table: &mut Table<'_>, preset: &Preset) -> SignatureMethod {
    let Some(given) = table.text("signature_method") else { return preset.signature_method };
    let found = SignatureMethod::ALL.into_iter().find(|method| method.name() == given.value);
    found.unwrap_or_else(|| {
        let why = "must be HMAC-SHA1, HMAC-SHA256, RSA-SHA1 or PLAINTEXT";
        table.reader.fault(&given.place, why, "signature_method = \"HMAC-SHA1\"");
        preset.signature_method
    })
}

/// How the entry signs, and the consumer secret.
fn signature(table: &mut Table<'_>, preset: &Preset) -> (Signature, Option<Secret>) {
    let signature = match method(table, preset) {
        SignatureMethod::HmacSha1 => Signature::HmacSha1,
        SignatureMethod::HmacSha256 => Signature::HmacSha256,
        SignatureMethod::Plaintext => Signature::Plaintext,
        SignatureMethod::RsaSha1 => {
            // What is missing here is a fault already: the launch fails.
            let signature = rsa(table).unwrap_or(Signature::HmacSha1);
            return (signature, secret(table, "client_secret", "client_secret_file"));
        }
    };
    if !table.has("client_secret") && !table.has("client_secret_file") {
        table.fault("client_secret", "is missing: it is the consumer secret", "client_secret = \"…\"");
    }
    (signature, secret(table, "client_secret", "client_secret_file"))
}

#[cfg(feature = "rsa-sha1")]
fn rsa(table: &mut Table<'_>) -> Option<Signature> {
    const EXAMPLE: &str = "rsa_key_file = \"path/to/a/key.pem\"";
    let key = table.either("rsa_key", "rsa_key_file");
    if !table.has(key) {
        let why = "is missing: RSA-SHA1 signs with a private key, whose public half the provider knows";
        table.fault("rsa_key", why, EXAMPLE);
    }
    let place = table.place_of(key);
    let pem = secret(table, "rsa_key", "rsa_key_file")?;
    let key = RsaKey::from_pem(pem.expose());
    key.map(Signature::RsaSha1).map_err(|why| table.reader.fault(&place, why, EXAMPLE)).ok()
}

#[cfg(not(feature = "rsa-sha1"))]
fn rsa(table: &mut Table<'_>) -> Option<Signature> {
    let toml = "[dependencies]\nrocket_dance = { version = \"…\", features = [\"rsa-sha1\"] }";
    let why = "RSA-SHA1 needs OpenSSL, which is a feature of rocket_dance: add it to Cargo.toml";
    table.fault("signature_method", why, toml);
    table.forget("rsa_key");
    table.forget("rsa_key_file");
    None
}
