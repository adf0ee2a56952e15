//! Userinfo: who the provider says it is.

use serde_json::{Map, Value};
use url::Url;

use super::http::{Response, bad_answer, failed, hinted, is_of_type, unreachable};
use super::jwt::Kind;
use super::oauth2::add_headers;
use super::oidc::Metadata;
use super::{Engine, id_token, userinfo_url};
use crate::config::Entry;
use crate::error::{ErrorKind, Result};
use crate::profile::{Profile, claims};
use crate::provider::{Protocol, Userinfo};
use crate::token::Token;

/// Claims of the token itself, in a signed userinfo: about that answer, not about the person.
const OF_THE_TOKEN: &[&str] = &["iss", "aud", "exp", "iat", "nbf", "jti"];

impl Engine {
    /// The ID token's claims, where there is one, with the userinfo over them and the further answers beside them.
    ///
    /// # Errors
    /// When the userinfo can't be had, or is another person's than the ID token (OpenID Connect Core §5.3.2).
    pub(super) async fn person(
        &self,
        entry: &Entry,
        metadata: Option<&Metadata>,
        token: &Token,
        id_token: Option<Map<String, Value>>,
    ) -> Result<Value> {
        let userinfo = match userinfo_url(entry, metadata) {
            Some(url) => {
                let answer = self.get(entry, url, token).await?;
                Some(self.read_userinfo(entry, metadata, &answer).await?)
            }
            None => None,
        };
        // The nonce has done its work; it is about this sign-in, not about the person, and must not be stored.
        let id_token = id_token.map(|mut claims| {
            claims.remove("nonce");
            claims
        });
        let mut all = merged(id_token, userinfo)?;
        if let Value::Object(all) = &mut all {
            for (name, url) in &entry.extra_userinfo_urls {
                // One that fails is left out: signing in works without it.
                if let Ok(answer) = self.get(entry, url, token).await.and_then(|answer| json(&answer)) {
                    all.insert(name.clone(), answer);
                }
            }
        }
        Ok(all)
    }

    /// What a userinfo answer of this entry says, asked for after the sign-in.
    ///
    /// # Errors
    /// When it is about somebody else than `person`, the account's user (TR-15).
    pub(crate) async fn later_userinfo(
        &self,
        entry: &Entry,
        answer: &Response,
        person: Option<&str>,
    ) -> Result<Value> {
        let metadata = self.metadata(entry).await?;
        let userinfo = self.read_userinfo(entry, metadata.as_deref(), answer).await?;
        let id = match entry.protocol {
            Protocol::OpenIdConnect => claims::id(&userinfo, "sub")?,
            // A preset that refuses somebody did so when she came; whose answer it is, it doesn't say.
            Protocol::OAuth2 | Protocol::OAuth1 => match profile(entry, &userinfo) {
                Err(error) if error.kind() == ErrorKind::Refused => return Ok(userinfo),
                profile => profile?.id,
            },
        };
        if person.is_some() && id.as_deref() != person {
            return Err(bad_answer("the userinfo is another person's than the account"));
        }
        Ok(userinfo)
    }

    async fn get(&self, entry: &Entry, url: &Url, token: &Token) -> Result<Response> {
        let accept = match entry.protocol {
            Protocol::OpenIdConnect => "application/json, application/jwt",
            Protocol::OAuth2 | Protocol::OAuth1 => "application/json",
        };
        let request = self.http.0.get(url.clone()).header("accept", accept);
        let mut request = request.build().map_err(unreachable)?;
        add_headers(entry, &mut request)?;
        self.authorize(entry, &mut request, token)?;
        let answer = self.http.send(request).await?;
        match answer.status().as_u16() {
            200 => Ok(answer),
            status => Err(hinted(failed("the userinfo request", status), &answer)),
        }
    }

    /// JSON, or a JWT of an OpenID provider (Core §5.3.2), which is verified as an ID token is (ID-19).
    async fn read_userinfo(
        &self,
        entry: &Entry,
        metadata: Option<&Metadata>,
        answer: &Response,
    ) -> Result<Value> {
        let (true, Some(metadata)) = (is_of_type(answer, "application/jwt"), metadata) else {
            return json(answer);
        };
        let wrong = |cause| Kind::Userinfo.wrong(cause);
        let token = std::str::from_utf8(answer.body()).map_err(|_| wrong("it is not a text"))?;
        let verified = self.verified(entry, metadata, Kind::Userinfo, token.trim()).await?;
        let mut claims = Value::Object(verified.claims);
        id_token::check_parties(entry, &claims).map_err(wrong)?;
        id_token::check_lifetime(entry, &claims, self.clock.now()).map_err(wrong)?;
        if let Value::Object(claims) = &mut claims {
            claims.retain(|name, _| !OF_THE_TOKEN.contains(&name.as_str()));
        }
        Ok(claims)
    }
}

fn json(answer: &Response) -> Result<Value> {
    super::json::value(answer.body()).map_err(|cause| bad_answer(format!("the userinfo is {cause}")))
}

fn merged(id_token: Option<Map<String, Value>>, userinfo: Option<Value>) -> Result<Value> {
    match (id_token, userinfo) {
        (Some(claims), None) => Ok(Value::Object(claims)),
        (None, userinfo) => Ok(userinfo.unwrap_or(Value::Object(Map::new()))),
        (Some(mut claims), Some(Value::Object(userinfo))) => {
            if userinfo.get("sub") != claims.get("sub") {
                return Err(bad_answer("the userinfo's `sub` is not the ID token's"));
            }
            claims.extend(userinfo);
            Ok(Value::Object(claims))
        }
        (Some(_), Some(_)) => Err(bad_answer("the userinfo is not a JSON object")),
    }
}

/// The profile in `answer`, which came from a userinfo endpoint or an ID token.
pub(crate) fn profile(entry: &Entry, answer: &Value) -> Result<Profile> {
    // The preset reads first, whatever the entry's own paths are: it may refuse (a hosted domain, a blocked user).
    let profile = (entry.preset.profile)(&Userinfo::new(answer, &entry.parameters))
        .and_then(|profile| repathed(profile, entry, answer))?
        .with_web_urls();
    match profile.id {
        Some(_) => Ok(profile),
        None => Err(bad_answer(format!(
            "no id in the userinfo: set `profile = {{ id = \"path\" }}` under [default.oauth.{}]",
            entry.name
        ))),
    }
}

/// The profile with what the entry's `profile = { … }` names in place of the preset's reading.
fn repathed(mut profile: Profile, entry: &Entry, answer: &Value) -> Result<Profile> {
    let paths = &entry.profile_paths;
    for (name, path) in paths {
        match name.as_str() {
            "id" => profile.id = claims::id(answer, path)?,
            "name" => profile.name = claims::text(answer, path),
            "username" => profile.username = claims::text(answer, path),
            "profile_url" => profile.profile_url = claims::text(answer, path),
            "image_url" => profile.image_url = claims::text(answer, path),
            _ => {}
        }
    }
    let (address, verified) = (paths.get("email"), paths.get("email_verified"));
    if address.is_some() || verified.is_some() {
        let address = match address {
            Some(path) => claims::text(answer, path),
            None => profile.claimed_email().map(str::to_owned),
        };
        // What the preset took for verified was about the preset's address.
        let verified = verified.is_some_and(|path| claims::is_true(answer, path));
        profile = profile.with_email(address, verified);
    }
    Ok(profile)
}
