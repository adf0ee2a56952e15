//! The keys that only an OAuth 1 entry has.

use super::Signature;
use super::credentials::secret;
use super::table::Table;
use crate::provider::{Preset, SignatureMethod};
use crate::secret::Secret;

/// Keys, the keys that mean the same, and what of the environment fills them: Flask-Dance's names.
pub(super) const VARIABLES: &[(&str, &str, &str)] =
    &[("client_id", "client_id", "CLIENT_KEY"), ("client_id", "client_id", "CONSUMER_KEY")];
const RSA_KEY: &str = "RSA_KEY";

/// Fills an entry from the environment, where all variables begin with `name`.
pub(super) fn environment(name: &str, table: &mut Table<'_>, env: &dyn Fn(&str) -> Option<String>) {
    let given = |suffix: &str| {
        let variable = format!("{name}_OAUTH_{suffix}");
        env(&variable).filter(|text| !text.is_empty()).map(|text| (variable, text))
    };
    for (key, other, suffix) in VARIABLES {
        if let Some((variable, text)) = given(suffix) {
            table.lay_over(key, other, &variable, text);
        }
    }
    if let Some((variable, text)) = given(RSA_KEY) {
        // Flask-Dance takes either there: the key, or where it is.
        let (key, other) = match text.contains("-----BEGIN") {
            true => ("rsa_key", "rsa_key_file"),
            false => ("rsa_key_file", "rsa_key"),
        };
        table.lay_over(key, other, &variable, text);
    }
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

/// How the entry signs, and the client's secret, which RSA-SHA1 needs none of.
pub(super) fn signature(table: &mut Table<'_>, preset: &Preset) -> (Signature, Option<Secret>) {
    let signature = match method(table, preset) {
        SignatureMethod::HmacSha1 => Signature::HmacSha1,
        SignatureMethod::HmacSha256 => Signature::HmacSha256,
        SignatureMethod::Plaintext => Signature::Plaintext,
        SignatureMethod::RsaSha1 => {
            let signature = rsa(table).unwrap_or(Signature::HmacSha1);
            return (signature, secret(table, "client_secret", "client_secret_file"));
        }
    };
    if !table.has("client_secret") && !table.has("client_secret_file") {
        table.fault("client_secret", "is missing: it is the consumer's secret", "client_secret = \"…\"");
    }
    (signature, secret(table, "client_secret", "client_secret_file"))
}

#[cfg(feature = "rsa-sha1")]
fn rsa(table: &mut Table<'_>) -> Option<Signature> {
    let key = table.either("rsa_key", "rsa_key_file");
    if !table.has(key) {
        let why = "is missing: RSA-SHA1 signs with a private key, whose public half the provider knows";
        table.fault("rsa_key", why, "rsa_key_file = \"path/to/a/key.pem\"");
    }
    let place = table.place_of(key);
    let pem = secret(table, "rsa_key", "rsa_key_file")?;
    match crate::secret::RsaKey::from_pem(pem.expose()) {
        Ok(key) => Some(Signature::RsaSha1(key)),
        Err(why) => {
            table.reader.fault(&place, why, "rsa_key_file = \"path/to/a/key.pem\"");
            None
        }
    }
}

#[cfg(not(feature = "rsa-sha1"))]
fn rsa(table: &mut Table<'_>) -> Option<Signature> {
    let toml = "[dependencies]\nrocket_dance = { version = \"…\", features = [\"rsa-sha1\"] }";
    let why = "RSA-SHA1 is made by OpenSSL, behind a feature of rocket_dance: add it to Cargo.toml";
    table.fault("signature_method", why, toml);
    table.forget("rsa_key");
    table.forget("rsa_key_file");
    None
}
