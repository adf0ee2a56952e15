//! The flow: begin and finish one dance.
//!
//! Knows no Rocket and no storage: [`Engine::begin`] returns where to send the person and the [`Flow`] must be
//! remembered by the caller; [`Engine::finish`] takes it back with the callback.

mod callback;
mod client_auth;
mod demands;
mod document;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod http;
mod id_token;
mod json;
mod jwks;
mod jwt;
mod logout;
mod oauth1;
mod oauth2;
mod oidc;
mod par;
mod revocation;
pub(crate) mod signature;
mod token_answer;
mod userinfo;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

pub(crate) use self::callback::{Answer, Callback, not_trusted};
use self::demands::Demands;
pub(crate) use self::http::{Http, read};
pub(crate) use self::logout::{LOGOUT_TTL, LogoutToken, sid};
use self::oauth2::{Endpoint, parameters};
use self::oidc::Metadata;
use crate::clock::Clock;
use crate::config::Entry;
use crate::error::{Error, ErrorKind, Result};
use crate::link::Purpose;
use crate::profile::Profile;
use crate::provider::Protocol;
use crate::secret::{KeyRing, Secret, encode_base64url, random, sha256};
use crate::token::Token;

/// What flows are sealed for.
const PURPOSE: &str = "flow";

/// How long a flow may take, in seconds.
pub(crate) const FLOW_TTL: i64 = 600;

/// How long the calls of [`Engine::check`] and [`Engine::finish`] take together at most: the metadata twice, the token, the keys twice, the userinfo and its further answers.
pub(crate) fn longest_dance(entry: &Entry) -> Duration {
    http::DEADLINE * (6 + u32::try_from(entry.extra_userinfo_urls.len()).unwrap_or(u32::MAX - 6))
}

/// How long the calls of [`Engine::refresh`] take together at most: the metadata, the token, the keys twice.
pub(crate) const LONGEST_REFRESH: Duration = Duration::from_secs(4 * http::DEADLINE.as_secs());

/// A dance under way: what must be remembered between the redirect and the callback, sealed in a cookie of its own.
///
/// State, nonce and verifier all follow from one random seed of 256 bits, each hashed under a label of its own
/// (SHA-256): none of them tells another.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Flow {
    #[serde(rename = "e")]
    pub(crate) entry: String,
    #[serde(rename = "s")]
    seed: String,
    /// Where the entry pointed, as a short hash.
    #[serde(rename = "a")]
    authority: String,
    #[serde(rename = "p")]
    pub(crate) purpose: Purpose,
    /// The user who began, as text.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub(crate) visitor: Option<String>,
    /// Where to go afterwards: a path of our own, already checked.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
    /// Sent again, byte for byte, with the code (RFC 6749 §4.1.3), whatever the configuration says by then.
    #[serde(rename = "r")]
    pub(crate) redirect_uri: String,
    #[serde(rename = "t")]
    pub(crate) began_at: i64,
    #[serde(rename = "d", default, skip_serializing_if = "Demands::is_none")]
    demands: Demands,
    /// What the flow goes by in OAuth 1, which has no state.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    temporary: Option<Temporary>,
    /// What `Signals::before_login` carried.
    #[serde(rename = "c", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) carried: BTreeMap<String, String>,
}

impl Flow {
    /// A new flow at `entry`, with a seed of 256 random bits.
    pub(crate) fn new(
        entry: &Entry,
        purpose: Purpose,
        visitor: Option<String>,
        next: Option<String>,
        now: i64,
    ) -> Result<Self> {
        Ok(Self {
            entry: entry.name.clone(),
            seed: encode_base64url(&random::<32>()?),
            authority: pointer(entry),
            purpose,
            visitor,
            next,
            redirect_uri: entry.redirect_uri.clone(),
            began_at: now,
            demands: Demands::default(),
            temporary: None,
            carried: BTreeMap::new(),
        })
    }

    /// The same flow, for an authorization request with these `extra` parameters: what they demand of the sign-in, its ID
    /// token must show.
    ///
    /// # Errors
    /// When they demand what can't be checked.
    pub(crate) fn with_demands(mut self, entry: &Entry, extra: &BTreeMap<String, String>) -> Result<Self> {
        self.demands = Demands::of(entry, &parameters(entry, extra))?;
        Ok(self)
    }

    fn derived(&self, label: &str) -> Secret {
        Secret::new(encode_base64url(&sha256(&format!("{label} {}", self.seed))))
    }

    /// The `state` parameter (RFC 6749 §10.12). OAuth 1 has none: there it is the temporary token, which comes back with
    /// the callback just so.
    pub(crate) fn state(&self) -> Secret {
        self.temporary.as_ref().map_or_else(|| self.derived("state"), Temporary::token)
    }

    /// The `nonce` parameter (OpenID Connect Core §3.1.2.1).
    pub(crate) fn nonce(&self) -> Secret {
        self.derived("nonce")
    }

    /// The PKCE code verifier (RFC 7636 §4.1): 43 characters.
    pub(crate) fn verifier(&self) -> Secret {
        self.derived("verifier")
    }

    /// Whether `entry` still points where it pointed when the flow began: its code goes nowhere else.
    pub(crate) fn is_for(&self, entry: &Entry) -> bool {
        self.entry == entry.name && self.authority == pointer(entry)
    }

    /// The flow in the cookie `name`, if it is one, and still good at `now`.
    pub(crate) fn unseal(keys: &KeyRing, name: &str, sealed: &str, now: i64) -> Option<Self> {
        let plain = keys.open(PURPOSE, &[name], sealed).ok()?;
        serde_json::from_slice(&plain).ok().filter(|flow: &Self| flow.is_fresh(now))
    }

    /// The flow, for the cookie `name`.
    pub(crate) fn seal(&self, keys: &KeyRing, name: &str) -> Result<String> {
        keys.seal(PURPOSE, &[name], &serde_json::to_vec(self).map_err(Error::app)?)
    }

    /// Whether the flow is still good at `now`.
    pub(crate) fn is_fresh(&self, now: i64) -> bool {
        (self.began_at..self.began_at.saturating_add(FLOW_TTL)).contains(&now)
    }
}

/// The temporary credentials of OAuth 1 (RFC 5849 §2.1).
#[derive(Clone, Serialize, Deserialize)]
struct Temporary(String, String);

impl Temporary {
    fn new(token: &Secret, secret: &Secret) -> Self {
        Self(token.expose().to_owned(), secret.expose().to_owned())
    }

    fn token(&self) -> Secret {
        Secret::new(self.0.as_str())
    }

    fn secret(&self) -> Secret {
        Secret::new(self.1.as_str())
    }
}

fn pointer(entry: &Entry) -> String {
    encode_base64url(&sha256(entry.authority())[..9])
}

/// The public handle of a state: names the flow's cookie and its claim without telling the state.
pub(crate) fn handle(state: &str) -> String {
    encode_base64url(&sha256(state)[..12])
}

/// What a finished dance brought.
#[derive(Debug)]
pub(crate) struct Grant {
    pub(crate) token: Token,
    pub(crate) profile: Profile,
}

/// The protocols over one HTTP client, with the discovery documents and keys they have fetched.
#[derive(Clone)]
pub(crate) struct Engine {
    pub(crate) http: Http,
    pub(crate) clock: Clock,
    discovery: oidc::Discovery,
    jwks: jwks::Jwks,
}

impl Engine {
    pub(crate) fn new(clock: Clock) -> Result<Self> {
        let http = Http::new()?;
        Ok(Self {
            discovery: oidc::Discovery::new(http.clone(), clock.clone()),
            jwks: jwks::Jwks::new(http.clone(), clock.clone()),
            http,
            clock,
        })
    }

    /// Where to send the person: the authorization request of `flow` (RFC 6749 §4.1.1), which notes what the provider
    /// gave for it (OAuth 1). `extra` parameters never override the protocol's own.
    pub(crate) async fn begin(
        &self,
        entry: &Entry,
        flow: &mut Flow,
        extra: &BTreeMap<String, String>,
    ) -> Result<Url> {
        if entry.protocol == Protocol::OAuth1 {
            flow.temporary = Some(oauth1::temporary(&self.http, entry, flow, self.clock.now()).await?);
            return oauth1::authorize(entry, flow, extra);
        }
        let metadata = self.metadata(entry).await?;
        let methods =
            metadata.as_ref().and_then(|metadata| metadata.code_challenge_methods_supported.as_ref());
        // PK-06: silence is no "no"; a provider that names only `plain` is one.
        if entry.pkce
            && methods
                .is_some_and(|methods| !methods.is_empty() && !methods.iter().any(|name| name == "S256"))
        {
            return Err(entry.misconfigured("the provider doesn't do PKCE with S256: set `pkce = false`"));
        }
        let endpoint = self.endpoint(entry, metadata.as_deref())?;
        let url = endpoint.authorize(flow, extra)?;
        match par::endpoint(entry, metadata.as_deref())? {
            Some(par) => endpoint.push(&self.http, par, &url).await,
            None => Ok(url),
        }
    }

    /// Checks what can be checked of a callback before its code is used: its `iss` (RFC 9207), and the provider's own
    /// "no".
    pub(crate) async fn check(&self, entry: &Entry, callback: &Callback) -> Result<()> {
        let metadata = self.metadata(entry).await?;
        let promised =
            metadata.is_some_and(|metadata| metadata.authorization_response_iss_parameter_supported);
        match (&callback.iss, &entry.issuer) {
            (Some(iss), Some(_)) if !entry.is_issuer_of_answer(iss) => {
                return Err(not_trusted("`iss` is another issuer"));
            }
            (None, Some(_)) if promised => return Err(not_trusted("no `iss`, which the provider promises")),
            _ => {}
        }
        match &callback.answer {
            Answer::Code(_) => Ok(()),
            Answer::Error { error, description } => {
                let cause =
                    format!("the provider said `{error}`: {}", description.as_deref().unwrap_or_default());
                Err(match error.as_str() {
                    "access_denied" => Error::new(
                        ErrorKind::AccessDenied,
                        format!("You did not let this site use your {} account.", entry.title),
                    )
                    .with_source(cause),
                    "temporarily_unavailable" | "server_error" => http::unavailable(cause),
                    _ => http::bad_answer(cause),
                })
            }
        }
    }

    /// Exchanges the code, verifies the ID token, asks for the userinfo. The code is sent once and never again.
    pub(crate) async fn finish(&self, entry: &Entry, flow: &Flow, code: &Secret) -> Result<Grant> {
        if entry.protocol == Protocol::OAuth1 {
            return self.finish_oauth1(entry, flow, code).await;
        }
        let metadata = self.metadata(entry).await?;
        let answer = self.endpoint(entry, metadata.as_deref())?.exchange(&self.http, flow, code).await?;
        let mut token = answer.into_token(&entry.scope, self.clock.now());
        let claims = match &metadata {
            Some(metadata) => Some(self.first_id_token(entry, metadata, flow, code, &token).await?),
            None => {
                // Nobody has verified it, and nobody should take it for verified.
                token.id_token = None;
                None
            }
        };
        let subject = claims.as_ref().map(|claims| claims.sub.clone());
        if userinfo_url(entry, metadata.as_deref()).is_none() && subject.is_none() {
            return Ok(Grant { token, profile: Profile::default() });
        }
        let claims = claims.map(|claims| claims.all);
        let answer = self.person(entry, metadata.as_deref(), &token, claims).await?;
        let mut profile = userinfo::profile(entry, &answer)?;
        if subject.is_some() {
            // ID-20: no mapping changes whom the ID token is about.
            profile.id = subject;
        }
        Ok(Grant { token, profile })
    }

    async fn finish_oauth1(&self, entry: &Entry, flow: &Flow, verifier: &Secret) -> Result<Grant> {
        let temporary =
            flow.temporary.as_ref().ok_or_else(|| not_trusted("the flow was begun in another protocol"))?;
        let token = oauth1::exchange(&self.http, entry, temporary, verifier, self.clock.now()).await?;
        if entry.userinfo_url.is_none() {
            return Ok(Grant { token, profile: Profile::default() });
        }
        let answer = self.person(entry, None, &token, None).await?;
        Ok(Grant { token, profile: userinfo::profile(entry, &answer)? })
    }

    /// The next token for `token`'s refresh token (RFC 6749 §6), with everything kept that the answer leaves out.
    /// `person` is the provider's id of the account's user: nobody else's token takes its place.
    ///
    /// # Errors
    /// [`ErrorKind::ReconnectNeeded`] when the grant is dead (`invalid_grant`, or no refresh token); anything else says
    /// nothing about the grant.
    pub(crate) async fn refresh(&self, entry: &Entry, token: &Token, person: Option<&str>) -> Result<Token> {
        let refresh_token =
            token.refresh_token.as_ref().ok_or_else(|| oauth2::reconnect(entry, "no refresh token"))?;
        let metadata = self.metadata(entry).await?;
        let answer = self.endpoint(entry, metadata.as_deref())?.refresh(&self.http, refresh_token).await?;
        let mut next = answer.into_token(&token.scope, self.clock.now());
        match &metadata {
            Some(metadata) if next.id_token.is_some() => {
                self.next_id_token(entry, metadata, token, &next, person).await?
            }
            _ => next.id_token.clone_from(&token.id_token),
        }
        if next.refresh_token.is_none() {
            next.refresh_token.clone_from(&token.refresh_token);
        }
        let mut extra = token.extra.clone();
        extra.extend(next.extra);
        next.extra = extra;
        Ok(next)
    }

    /// Where the userinfo is, from the entry or from discovery.
    pub(crate) async fn userinfo_url(&self, entry: &Entry) -> Result<Url> {
        let metadata = self.metadata(entry).await?;
        entry.need(userinfo_url(entry, metadata.as_deref()), "userinfo_url").cloned()
    }

    /// Puts `token` on a request to `entry`'s provider: it bears it, or is signed with it.
    pub(crate) fn authorize(
        &self,
        entry: &Entry,
        request: &mut reqwest::Request,
        token: &Token,
    ) -> Result<()> {
        if entry.protocol != Protocol::OAuth1 {
            return oauth2::bear(entry, request, &token.access_token);
        }
        let secret =
            token.token_secret.as_ref().ok_or_else(|| oauth2::reconnect(entry, "no token secret"))?;
        signature::sign(entry, request, Some((&token.access_token, secret)), &[], self.clock.now())
    }

    /// The metadata of an entry that has an OpenID provider behind it.
    async fn metadata(&self, entry: &Entry) -> Result<Option<Arc<Metadata>>> {
        match entry.protocol {
            Protocol::OAuth2 | Protocol::OAuth1 => Ok(None),
            Protocol::OpenIdConnect => {
                let issuer: &str = entry.need(entry.issuer.as_ref(), "issuer")?;
                self.discovery.metadata(issuer, entry.published_issuer()).await.map(Some)
            }
        }
    }

    fn endpoint<'e>(&self, entry: &'e Entry, metadata: Option<&Metadata>) -> Result<Endpoint<'e>> {
        let discovered = |endpoint: fn(&Metadata) -> &Option<Url>| {
            metadata.and_then(|metadata| endpoint(metadata).as_ref())
        };
        let authorization =
            entry.authorization_url.as_ref().or(discovered(|metadata| &metadata.authorization_endpoint));
        let token = entry.token_url.as_ref().or(discovered(|metadata| &metadata.token_endpoint));
        Ok(Endpoint {
            entry,
            authorization: entry.need(authorization, "authorization_url")?.clone(),
            token: entry.need(token, "token_url")?.clone(),
            signing_algorithms: metadata
                .and_then(|metadata| metadata.token_endpoint_auth_signing_alg_values_supported.clone()),
            now: self.clock.now(),
        })
    }
}

fn userinfo_url<'a>(entry: &'a Entry, metadata: Option<&'a Metadata>) -> Option<&'a Url> {
    entry.userinfo_url.as_ref().or(metadata.and_then(|metadata| metadata.userinfo_endpoint.as_ref()))
}
