//! The profile in a provider's claims about its user.

use serde_json::Value;

use super::errors::bad_answer;
use crate::config::Entry;
use crate::error::Result;
use crate::profile::{Profile, claims};
use crate::provider::ProfileInput;

/// Reads the profile in `answer`: the claims of a userinfo endpoint, of an ID token, or of both.
///
/// # Errors
/// If the preset refuses the user, or there is no id in the answer.
pub(super) fn user_profile(entry: &Entry, answer: &Value) -> Result<Profile> {
    // The preset reads first, even if the entry names all paths: it may refuse the user (a hosted domain, a blocked user).
    let profile = (entry.userinfo.profile)(&ProfileInput::new(answer, &entry.userinfo.parameters))
        .and_then(|profile| with_entry_paths(profile, entry, answer))?
        .with_web_urls();
    match profile.id {
        Some(_) => Ok(profile),
        None => Err(bad_answer(format!(
            "no id in the userinfo: set `profile = {{ id = \"path\" }}` under [default.oauth.{}]",
            entry.name
        ))),
    }
}

/// Replaces what the preset has read by what the entry's `profile = { … }` names.
fn with_entry_paths(mut profile: Profile, entry: &Entry, answer: &Value) -> Result<Profile> {
    let paths = &entry.userinfo.profile_paths;
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
        // The preset's own verdict was about the preset's address, so it does not count here.
        let verified = verified.is_some_and(|path| claims::is_true(answer, path));
        profile = profile.with_email(address, verified);
    }
    Ok(profile)
}
