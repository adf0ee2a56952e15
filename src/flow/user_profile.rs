//! The profile in what a provider has said about its user.

use serde_json::Value;

use super::errors::bad_answer;
use super::user_documents::UserDocuments;
use crate::config::Entry;
use crate::error::Result;
use crate::profile::{Profile, claims};
use crate::provider::ProfileInput;

/// The claims of OpenID Connect that say an e-mail address and whether it is verified.
const ADDRESS_CLAIMS: &[&str] = &["email", "email_verified"];

/// Reads the profile in `documents`.
///
/// The e-mail address and its verification are read from one document by itself, so that no document verifies the address of
/// another. It is the first that verifies its address, or else the first that has one; the userinfo comes before the ID token.
///
/// # Errors
/// If the preset refuses the user, or there is no id in the documents.
pub(super) fn user_profile(entry: &Entry, documents: &UserDocuments) -> Result<Profile> {
    let apart = documents.apart();
    // A document that the preset refuses by itself has no address. All of them together decide about the user.
    let alone: Vec<Profile> =
        apart.iter().map(|document| read(entry, documents, document).unwrap_or_default()).collect();
    let first = |is: fn(&Profile) -> bool| alone.iter().position(is);
    let chosen = first(|profile| profile.email().is_some())
        .or_else(|| first(|profile| profile.claimed_email().is_some()))
        .unwrap_or_default();
    let mut address_claims = entry.userinfo.address_claims();
    address_claims.extend(ADDRESS_CLAIMS);
    let mut profile = read(entry, documents, &documents.together(chosen, &address_claims))?;
    if let Some(alone) = alone.get(chosen).filter(|_| apart.len() > 1) {
        profile = profile.with_email(alone.claimed_email().map(str::to_owned), alone.email().is_some());
    }
    if profile.claimed_email().is_none() {
        warn_of_ignored_address(entry, documents, &apart);
    }
    match profile.id {
        Some(_) => Ok(profile.cleaned()),
        None => Err(bad_answer(format!(
            "no id in the userinfo: set `profile = {{ id = \"path\" }}` under [default.oauth.{}]",
            entry.name
        ))),
    }
}

/// Warns if the profile has no address because the preset refuses the document that has one.
fn warn_of_ignored_address(entry: &Entry, documents: &UserDocuments, apart: &[Value]) {
    let refusal = apart.iter().find_map(|document| {
        let has_address = claims::text(document, "email").is_some();
        read(entry, documents, document).err().filter(|_| has_address)
    });
    if let Some(refusal) = refusal {
        log::warn!(
            "oauth: `{}`: the user's e-mail address is ignored: the document that has it, ID token or userinfo, does not prove by \
             itself what this entry requires ({refusal})",
            entry.name
        );
    }
}

/// Reads the profile in `claims`, as the preset and the entry say.
fn read(entry: &Entry, documents: &UserDocuments, claims: &Value) -> Result<Profile> {
    // The preset reads first, even if the entry names all paths: it may refuse the user (a hosted domain, a blocked user).
    with_entry_paths(read_preset(entry, documents, claims)?, entry, documents, claims)
}

fn read_preset(entry: &Entry, documents: &UserDocuments, claims: &Value) -> Result<Profile> {
    let input = ProfileInput::new(claims, &entry.userinfo.parameters);
    let mut input = input.with_token(&documents.token).with_callback(&documents.callback);
    input.fields = &entry.userinfo.fields;
    (entry.userinfo.profile)(&input)
}

/// Replaces what the preset has read by what the entry's `profile = { … }` names.
fn with_entry_paths(
    mut profile: Profile,
    entry: &Entry,
    documents: &UserDocuments,
    answer: &Value,
) -> Result<Profile> {
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
    if address.is_none() && verified.is_none() {
        return Ok(profile);
    }
    let said = match address {
        Some(path) => claims::text(answer, path),
        None => profile.claimed_email().map(str::to_owned),
    };
    // The preset's own verdict was about the preset's address, so it does not count here. A verification counts only for an
    // address of its own document.
    let is_verified = verified.is_some_and(|verified| {
        claims::is_true(answer, verified)
            && match address {
                Some(address) => extra_answer(entry, address) == extra_answer(entry, verified),
                None => read_preset(entry, documents, &document_of(entry, verified, answer))
                    .is_ok_and(|alone| said.is_some() && alone.claimed_email() == said.as_deref()),
            }
    });
    Ok(profile.with_email(said, is_verified))
}

/// The name of the further userinfo answer that `path` leads into; `None`: it leads into the userinfo.
fn extra_answer<'p>(entry: &Entry, path: &'p str) -> Option<&'p str> {
    let name = claims::first_name(path);
    entry.userinfo.extra_urls.iter().any(|(extra, _)| extra == name).then_some(name)
}

/// The document in `answer` that `path` leads into, without the others.
fn document_of(entry: &Entry, path: &str, answer: &Value) -> Value {
    let mut document = answer.clone();
    let own = extra_answer(entry, path);
    if let Value::Object(fields) = &mut document {
        fields.retain(|name, _| match own {
            Some(own) => name == own,
            None => extra_answer(entry, name).is_none(),
        });
    }
    document
}
