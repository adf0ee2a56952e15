//! Userinfo: who the provider says it is.

use serde_json::{Map, Value};
use url::Url;

use super::http::{bad_answer, failed, unreachable};
use super::oauth2::add_headers;
use super::{Http, json};
use crate::config::Entry;
use crate::error::Result;
use crate::profile::{Profile, claims};
use crate::provider::Userinfo;
use crate::secret::Secret;

/// The ID token's claims, where there is one, with the userinfo over them and the further answers beside them.
///
/// # Errors
/// When the userinfo can't be had, or is another person's than the ID token (OpenID Connect Core §5.3.2).
pub(crate) async fn fetch(
    http: &Http,
    entry: &Entry,
    url: Option<&Url>,
    access_token: &Secret,
    id_token: Option<Map<String, Value>>,
) -> Result<Value> {
    let userinfo = match url {
        Some(url) => Some(get(http, entry, url, access_token).await?),
        None => None,
    };
    // The nonce has done its work; it is about this sign-in, not about the person, and must not be stored.
    let id_token = id_token.map(|mut claims| {
        claims.remove("nonce");
        claims
    });
    let mut all = merged(id_token, userinfo)?;
    if let Value::Object(all) = &mut all {
        for (name, url) in &entry.more {
            // One that fails is left out: signing in works without it.
            if let Ok(answer) = get(http, entry, url, access_token).await {
                all.insert(name.clone(), answer);
            }
        }
    }
    Ok(all)
}

async fn get(http: &Http, entry: &Entry, url: &Url, access_token: &Secret) -> Result<Value> {
    let request =
        http.0.get(url.clone()).header("accept", "application/json").bearer_auth(access_token.expose());
    let mut request = request.build().map_err(unreachable)?;
    add_headers(entry, &mut request)?;
    let answer = http.send(request).await?;
    match answer.status().as_u16() {
        200 => json::value(answer.body()).map_err(|cause| bad_answer(format!("the userinfo is {cause}"))),
        status => Err(failed("the userinfo request", status)),
    }
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
