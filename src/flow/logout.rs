//! OpenID Connect logout: at the provider, and told by it.

use serde_json::{Map, Value};
use url::Url;

use super::Engine;
use super::id_token::{check_lifetime, check_parties, seconds, text};
use super::jwt::{Kind, stored_claims};
use crate::config::Entry;
use crate::error::Result;
use crate::provider::Protocol;
use crate::secret::{Secret, encode_base64url, sha256};

/// How old a logout token may be when it arrives, in seconds: providers try again for a while.
pub(crate) const LOGOUT_TTL: i64 = 600;

/// An ID token that is longer makes a URL that servers refuse (in bytes): the provider asks the person then.
const LONGEST_HINT: usize = 4096;

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// The provider's id of its own session, in a verified ID token (Back-Channel Logout §2.1).
pub(crate) fn sid(id_token: &Secret) -> Option<String> {
    stored_claims(id_token.expose())?.get("sid").and_then(Value::as_str).map(str::to_owned)
}

/// What a verified logout token says: which sessions are over.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LogoutToken {
    /// Names the token, for it is used once.
    pub(crate) handle: String,
    pub(crate) sub: Option<String>,
    pub(crate) sid: Option<String>,
}

impl Engine {
    /// Verifies a logout token (Back-Channel Logout §2.6).
    pub(crate) async fn logout_token(&self, entry: &Entry, token: &str) -> Result<LogoutToken> {
        let metadata = self.metadata(entry).await?;
        let metadata =
            metadata.ok_or_else(|| Kind::LogoutToken.wrong("the entry is no OpenID provider's"))?;
        let verified = self.verified(entry, &metadata, Kind::LogoutToken, token).await?;
        check(entry, verified.claims, self.clock.now()).map_err(|cause| Kind::LogoutToken.wrong(cause))
    }

    /// Where the person signs out at the provider (RP-Initiated Logout §2), to come back to `landing`; none where the
    /// provider has no such page.
    pub(crate) async fn end_session(
        &self,
        entry: &Entry,
        id_token: Option<&Secret>,
        landing: &str,
        state: &str,
    ) -> Result<Option<Url>> {
        let page = match &entry.end_session_url {
            Some(url) => Some(url.clone()),
            None if entry.protocol == Protocol::OpenIdConnect => {
                self.metadata(entry).await?.and_then(|metadata| metadata.end_session_endpoint.clone())
            }
            None => None,
        };
        Ok(page.map(|mut page| {
            let hint = id_token.filter(|token| token.expose().len() <= LONGEST_HINT);
            page.query_pairs_mut()
                .extend_pairs(hint.map(|token| ("id_token_hint", token.expose())))
                .append_pair("client_id", &entry.client_id)
                .append_pair("post_logout_redirect_uri", landing)
                .append_pair("state", state);
            page
        }))
    }
}

fn check(entry: &Entry, claims: Map<String, Value>, now: i64) -> Result<LogoutToken, &'static str> {
    let claims = Value::Object(claims);
    check_parties(entry, &claims)?;
    check_lifetime(entry, &claims, now)?;
    seconds(&claims, "exp")?.ok_or("no `exp`")?;
    let iat = seconds(&claims, "iat")?.ok_or("no `iat`")?;
    if iat < (now - entry.clock_skew - LOGOUT_TTL) as f64 {
        return Err("`iat` is long ago");
    }
    // An ID token has one: it must never pass for a logout token.
    if claims.get("nonce").is_some() {
        return Err("it has a `nonce`");
    }
    let event = claims.get("events").and_then(Value::as_object).and_then(|events| events.get(EVENT));
    if !event.is_some_and(Value::is_object) {
        return Err("`events` doesn't say that it is one");
    }
    let named = |name| match text(&claims, name)? {
        Some("") => Err("a claim is empty"),
        text => Ok(text.map(str::to_owned)),
    };
    let jti = named("jti")?.ok_or("no `jti`")?;
    let (sub, sid) = (named("sub")?, named("sid")?);
    if sub.is_none() && sid.is_none() {
        return Err("neither `sub` nor `sid`");
    }
    let handle = format!("logout:{}", encode_base64url(&sha256(&format!("{} {jti}", entry.authority()))));
    Ok(LogoutToken { handle, sub, sid })
}
