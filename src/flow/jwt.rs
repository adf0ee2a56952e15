//! Signed tokens: compact JWS (RFC 7515 §7.1).

use serde_json::{Map, Value};

use super::document::Asker;
use super::http::bad_answer;
use super::jwks::KeySet;
use super::oidc::Metadata;
use super::{Engine, json};
use crate::config::Entry;
use crate::error::{Error, Result};
use crate::provider::SigningAlgorithm;
use crate::secret::decode_base64url;

/// How long a token may be, in bytes.
const MAX_BYTES: usize = 64 << 10;

/// What a provider signs. One is never taken for another, though the same keys sign them all (RFC 8725 §3.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// OpenID Connect Core §2.
    IdToken,
    /// A signed UserInfo answer (Core §5.3.2).
    Userinfo,
    /// OpenID Connect Back-Channel Logout §2.4.
    LogoutToken,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::IdToken => "the ID token",
            Kind::Userinfo => "the signed userinfo",
            Kind::LogoutToken => "the logout token",
        }
    }

    /// What its header's `typ` may be, where it has one, without `application/` (RFC 7515 §4.1.9).
    fn types(self) -> &'static [&'static str] {
        match self {
            Kind::IdToken | Kind::Userinfo => &["jwt"],
            Kind::LogoutToken => &["logout+jwt", "jwt"],
        }
    }

    fn asker(self) -> Asker {
        match self {
            Kind::IdToken | Kind::Userinfo => Asker::Dance,
            Kind::LogoutToken => Asker::Stranger,
        }
    }

    /// An answer that is refused for what is wrong with this token.
    pub(crate) fn wrong(self, cause: &'static str) -> Error {
        bad_answer(format!("{}: {cause}", self.name()))
    }
}

/// A token whose signature was verified.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) claims: Map<String, Value>,
    pub(crate) algorithm: SigningAlgorithm,
}

impl Engine {
    /// What `token` says, once one of the provider's keys is seen to have signed it, by an algorithm of the entry's.
    /// Whether that fits is still to be checked.
    pub(super) async fn verified(
        &self,
        entry: &Entry,
        metadata: &Metadata,
        kind: Kind,
        token: &str,
    ) -> Result<Verified> {
        let wrong = |cause| kind.wrong(cause);
        let jwt = Jwt::parse(token, kind, &entry.signing_algorithms).map_err(wrong)?;
        let url = metadata.jwks_uri.as_ref();
        let url = url.ok_or_else(|| bad_answer("no `jwks_uri` in the provider's metadata"))?;
        let known = self.jwks.keys(url).await?;
        let claims = jwt.claims().map_err(wrong)?;
        // Some keys of an issuer that speaks for many tenants are one tenant's.
        let issuer =
            entry.tenants.is_some().then(|| claims.get("iss").and_then(Value::as_str).unwrap_or_default());
        if !jwt.is_signed_by(&known, issuer)
            && !jwt.is_signed_by(&*self.jwks.renewed(url, &known, kind.asker()).await?, issuer)
        {
            return Err(wrong("none of the provider's keys has signed it"));
        }
        Ok(Verified { claims, algorithm: jwt.algorithm })
    }
}

/// A token taken apart, not yet verified.
pub(crate) struct Jwt<'a> {
    pub(crate) algorithm: SigningAlgorithm,
    kid: Option<String>,
    signed: &'a str,
    signature: Vec<u8>,
    payload: &'a str,
}

impl<'a> Jwt<'a> {
    /// Takes `token` apart. Which algorithms will do is ours to say (`allowed`); the header only picks among them.
    /// Where it says how to find a key (`jku`, `x5u`, `jwk`, `x5c`), nobody listens.
    pub(crate) fn parse(
        token: &'a str,
        kind: Kind,
        allowed: &[SigningAlgorithm],
    ) -> Result<Self, &'static str> {
        if token.len() > MAX_BYTES {
            return Err("it is too long");
        }
        let (signed, signature) = token.rsplit_once('.').ok_or("it has not three parts")?;
        let (header, payload) = signed.split_once('.').ok_or("it has not three parts")?;
        if payload.contains('.') {
            return Err("it has not three parts");
        }
        let header = json::object(&decode_base64url(header).ok_or("its header is not base64url")?)?;
        let text = |name| match header.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err("a header field is not a text"),
        };
        if header.contains_key("crit") {
            return Err("its header demands an extension");
        }
        if let Some(typ) = text("typ")?.map(str::to_ascii_lowercase)
            && !kind.types().contains(&typ.strip_prefix("application/").unwrap_or(&typ))
        {
            return Err("it is a token of another kind");
        }
        let alg = text("alg")?.ok_or("no algorithm")?;
        let algorithm = allowed.iter().copied().find(|algorithm| algorithm.is(alg));
        Ok(Self {
            algorithm: algorithm.ok_or("its algorithm is not among the entry's `signing_algorithms`")?,
            kid: text("kid")?.map(str::to_owned),
            signed,
            signature: decode_base64url(signature).ok_or("its signature is not base64url")?,
            payload,
        })
    }

    /// Whether one of `keys` has signed it; with an `issuer`, one that says of no other that it is his.
    pub(super) fn is_signed_by(&self, keys: &KeySet, issuer: Option<&str>) -> bool {
        keys.verify(self.kid.as_deref(), issuer, self.algorithm, self.signed.as_bytes(), &self.signature)
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
    json::object(&decode_base64url(payload).ok_or("its payload is not base64url")?)
}
