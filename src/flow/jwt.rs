//! Signed tokens: compact JWS (RFC 7515 §7.1).

use serde_json::{Map, Value};

use super::json;
use super::jwks::KeySet;
use crate::provider::Algorithm;
use crate::secret::decode;

/// How long a token may be, in bytes.
const MAX_BYTES: usize = 64 << 10;

/// A token taken apart, not yet verified.
pub(crate) struct Jwt<'a> {
    pub(crate) algorithm: Algorithm,
    kid: Option<String>,
    signed: &'a str,
    signature: Vec<u8>,
    payload: &'a str,
}

impl<'a> Jwt<'a> {
    /// Takes `token` apart. Which algorithms will do is ours to say (`allowed`); the header only picks among them.
    /// Where it says how to find a key (`jku`, `x5u`, `jwk`, `x5c`), nobody listens.
    pub(crate) fn parse(token: &'a str, allowed: &[Algorithm]) -> Result<Self, &'static str> {
        if token.len() > MAX_BYTES {
            return Err("it is too long");
        }
        let (signed, signature) = token.rsplit_once('.').ok_or("it has not three parts")?;
        let (header, payload) = signed.split_once('.').ok_or("it has not three parts")?;
        if payload.contains('.') {
            return Err("it has not three parts");
        }
        let header = json::object(&decode(header).ok_or("its header is not base64url")?)?;
        let text = |name| match header.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err("a header field is not a text"),
        };
        if header.contains_key("crit") {
            return Err("its header demands an extension");
        }
        // RFC 8725 §3.11: a logout token or an access token is signed by the same keys.
        if text("typ")?.is_some_and(|typ| {
            !typ.eq_ignore_ascii_case("jwt") && !typ.eq_ignore_ascii_case("application/jwt")
        }) {
            return Err("it is a token of another kind");
        }
        let alg = text("alg")?.ok_or("no algorithm")?;
        let algorithm = allowed.iter().copied().find(|algorithm| algorithm.name() == alg);
        Ok(Self {
            algorithm: algorithm.ok_or("its algorithm is not among the entry's `signing_algorithms`")?,
            kid: text("kid")?.map(str::to_owned),
            signed,
            signature: decode(signature).ok_or("its signature is not base64url")?,
            payload,
        })
    }

    /// Whether one of `keys` has signed it.
    pub(crate) fn is_signed_by(&self, keys: &KeySet) -> bool {
        keys.verify(self.kid.as_deref(), self.algorithm, self.signed.as_bytes(), &self.signature)
    }

    /// Its claims; worth something only once a signature is verified.
    pub(crate) fn claims(&self) -> Result<Map<String, Value>, &'static str> {
        claims(self.payload)
    }
}

/// The claims of a token that was verified when it was stored.
pub(crate) fn stored_claims(token: &str) -> Option<Map<String, Value>> {
    claims(token.split('.').nth(1)?).ok()
}

fn claims(payload: &str) -> Result<Map<String, Value>, &'static str> {
    json::object(&decode(payload).ok_or("its payload is not base64url")?)
}
