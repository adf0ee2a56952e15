//! Reads a profile at the places of its fields.

use serde_json::Value;

use super::place;
use super::profile_fields::{EmailVerified, ProfileFields};
use super::profile_input::ProfileInput;
use crate::error::Result;
use crate::profile::Profile;
use crate::profile::claims::first_name;

impl ProfileInput<'_> {
    /// Reads the profile at the places that [`Preset::fields`](super::Preset::fields) names.
    ///
    /// # Errors
    /// As [`claims::id`](super::claims::id).
    pub fn read(&self) -> Result<Profile> {
        let fields = self.fields;
        let mut profile = Profile::with_userinfo(self.claims);
        profile.id = place::id(self, fields.id)?;
        profile.name = place::text(self, fields.name);
        profile.username = place::text(self, fields.username);
        profile.profile_url = place::text(self, fields.profile_url);
        profile.image_url = place::text(self, fields.image_url);
        let mut addresses = fields.email.iter();
        let address = addresses.find_map(|(place, verified)| Some((place::text(self, place)?, verified)));
        Ok(match address {
            Some((address, verified)) => {
                let is_verified = is_verified(self, *verified, &address);
                profile.with_email(Some(address), is_verified)
            }
            None => profile,
        })
    }
}

impl ProfileFields {
    /// The names of the claims that say an address, or whether it is verified.
    pub(crate) fn email_claims(&self) -> impl Iterator<Item = &'static str> {
        let paths =
            self.email.iter().flat_map(|(place, verified)| place::paths(place).chain(verified.paths()));
        paths
            .filter(|path| !["token.", "callback."].iter().any(|source| path.starts_with(source)))
            .map(first_name)
    }
}

fn is_verified(input: &ProfileInput<'_>, verified: EmailVerified, address: &str) -> bool {
    let get = |path| input.get(path);
    let is_true = |path| get(path) == Some(&Value::Bool(true));
    match verified {
        EmailVerified::Never => false,
        EmailVerified::Always => true,
        EmailVerified::IfTrue(path) => is_true(path),
        EmailVerified::IfTrueText(path) => {
            is_true(path) || get(path).is_some_and(|value| value == "true" || value.as_u64() == Some(1))
        }
        EmailVerified::IfBoth(one, other) => is_true(one) && is_true(other),
        EmailVerified::IfPresent(path) => {
            get(path).is_some_and(|value| value.as_str() != Some("") && value != false)
        }
        EmailVerified::IfListed(path) => get(path)
            .and_then(Value::as_array)
            .is_some_and(|list| list.iter().any(|one| one.as_str() == Some(address))),
    }
}
