//! The provider's user.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::{claims, text};
use crate::error::Result;

/// The provider's user: the standard claims of OpenID Connect (Core §5.1), whatever the provider calls them, and the raw
/// userinfo.
///
/// [`email`](Profile::email) returns an address only if the provider says that it has verified it.
/// [`claimed_email`](Profile::claimed_email) returns it in any case. An address never identifies a user. The
/// [`id`](Profile#structfield.id) does, together with the entry's name.
///
/// # Texts
///
/// A policy, a signal, an event, the database and our pages see the same texts. Anyone can choose what they say: treat them as
/// user input. They are cleaned once, where they are read:
///
/// - Names lose control characters and those that change the direction of the text around them. A line break is a space. A
///   longer name is cut off; a name in which nothing can be seen is `None`.
/// - An address (at most 254 bytes) or URL that is too long or has such a character is `None`.
/// - In the userinfo, texts lose these characters except for line breaks and tabs, a field with one in its name is left out, and
///   lists and objects within more than 32 others are null. If the userinfo has more than 64 KiB, its largest top-level fields
///   are left out until it fits.
/// - The id is never changed. A sign-in with an id that not every database can store (empty, more than 255 bytes, with control
///   characters) is refused before anything is stored.
///
/// ```
/// use rocket_dance::Profile;
/// use serde_json::json;
///
/// let profile = Profile::from_claims(&json!({
///     "sub": "248289761001", "name": "Jane Doe", "email": "janedoe@example.com", "email_verified": "true",
/// }))?;
/// assert_eq!(profile.id.as_deref(), Some("248289761001"));
/// assert_eq!(profile.display_name(), "Jane Doe");
/// assert_eq!(profile.email(), None);                       // the text "true" is not `true`
/// assert_eq!(profile.claimed_email(), Some("janedoe@example.com"));
/// # Ok::<(), rocket_dance::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Profile {
    /// The provider's stable id of this user (`sub`), byte for byte. Together with the entry's name it is the identity.
    pub id: Option<String>,
    /// The full name (`name`), at most 200 characters.
    pub name: Option<String>,
    /// The user name at the provider (`preferred_username`), at most 200 characters. It may change, and another user may get it
    /// later.
    pub username: Option<String>,
    /// The URL of the user's page at the provider (`profile`), http or https, at most 2,048 bytes.
    pub profile_url: Option<String>,
    /// The URL of the user's picture (`picture`), http or https, at most 2,048 bytes.
    pub image_url: Option<String>,
    /// The provider's whole answer, at most 64 KiB of JSON.
    pub userinfo: Value,
    email: Option<String>,
    email_verified: bool,
}

impl Profile {
    /// Reads a profile from `claims` with the names of OpenID Connect (Core §5.1).
    ///
    /// # Errors
    /// [`ErrorKind::BadProviderAnswer`](crate::ErrorKind::BadProviderAnswer) if `sub` is not an id, see
    /// [`claims::id`](crate::provider::claims::id).
    pub fn from_claims(claims: &Value) -> Result<Self> {
        Ok(Self {
            id: claims::id(claims, "sub")?,
            name: claims::text(claims, "name"),
            username: claims::text(claims, "preferred_username"),
            profile_url: claims::text(claims, "profile"),
            image_url: claims::text(claims, "picture"),
            userinfo: claims.clone(),
            email: None,
            email_verified: false,
        }
        .with_email(claims::text(claims, "email"), claims::is_true(claims, "email_verified")))
    }

    /// Creates a profile that has only its raw `userinfo`. A preset fills in the other fields.
    ///
    /// ```
    /// use rocket_dance::{Profile, provider::claims};
    /// use serde_json::json;
    ///
    /// let user = json!({"user_id": 7, "nick": "ada"});
    /// let mut profile = Profile::with_userinfo(&user);
    /// profile.id = claims::id(&user, "user_id")?;
    /// profile.username = claims::text(&user, "nick");
    /// assert_eq!(profile.display_name(), "ada");
    /// # Ok::<(), rocket_dance::Error>(())
    /// ```
    pub fn with_userinfo(userinfo: &Value) -> Self {
        Self { userinfo: userinfo.clone(), ..Self::default() }
    }

    /// Sets the e-mail address and whether the provider says that it has verified it.
    #[must_use]
    pub fn with_email(mut self, address: Option<String>, verified: bool) -> Self {
        self.email_verified = verified && address.is_some();
        self.email = address;
        self
    }

    /// Returns the e-mail address if the provider says that it has verified it. Use it as a hint, never as a key.
    pub fn email(&self) -> Option<&str> {
        self.email.as_deref().filter(|_| self.email_verified)
    }

    /// Returns the e-mail address that the provider claims, verified or not.
    pub fn claimed_email(&self) -> Option<&str> {
        self.email.as_deref()
    }

    /// Cleans and shortens the provider's texts, see [`Profile`](Profile#texts). URLs that are not http or https are left out:
    /// as a link on a page, a `javascript:` URL would run a script.
    pub(crate) fn cleaned(self) -> Self {
        let name = |name: Option<String>| text::visible(&name?, text::MAX_NAME);
        let url = |url: Option<String>| url.filter(|url| text::exact(url, text::MAX_URL).is_some_and(is_web));
        let email = self.email.filter(|address| text::exact(address, text::MAX_EMAIL).is_some());
        Self {
            id: self.id,
            name: name(self.name),
            username: name(self.username),
            profile_url: url(self.profile_url),
            image_url: url(self.image_url),
            userinfo: text::json(self.userinfo, text::MAX_USERINFO),
            email_verified: self.email_verified && email.is_some(),
            email,
        }
    }

    /// Returns a name to show: the full name, the user name, the local part of a verified e-mail address, or the id,
    /// whichever the profile has first. `"unknown"` if it has none.
    pub fn display_name(&self) -> &str {
        self.known_name().unwrap_or("unknown")
    }

    /// The same; `None` if the profile has none.
    pub(crate) fn known_name(&self) -> Option<&str> {
        let local_part = || self.email().and_then(|address| address.split('@').next());
        // The id is not cleaned.
        let id = self.id.as_deref().filter(|id| text::exact(id, id.len()).is_some());
        [self.name.as_deref(), self.username.as_deref(), local_part(), id]
            .into_iter()
            .flatten()
            .find(|name| !name.trim().is_empty())
    }
}

fn is_web(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_link_is_no_script() {
        let with = |url: &str| {
            let claims = json!({"sub": "1", "profile": url, "picture": url});
            let profile = Profile::from_claims(&claims).unwrap().cleaned();
            assert_eq!(profile.profile_url, profile.image_url);
            profile.profile_url.is_some()
        };
        assert!(with("https://op.example/ada?size=2") && with("HTTP://op.example"));
        for url in [
            "javascript:alert(1)",
            " JavaScript:alert(1)",
            "java\nscript:x",
            "data:text/html,x",
            "vbscript:x",
            "/ada",
            "file:///etc",
        ] {
            assert!(!with(url), "{url}");
        }
    }

    #[test]
    fn al_05_only_true_is_verified() {
        for verified in
            [json!("true"), json!(1), json!(null), json!("1"), json!([true]), json!({}), json!(false)]
        {
            let claims = json!({"sub": "1", "email": "a@b.c", "email_verified": verified});
            assert_eq!(Profile::from_claims(&claims).unwrap().email(), None, "{claims}");
        }
        let claims = json!({"sub": "1", "email": "a@b.c", "email_verified": true});
        assert_eq!(Profile::from_claims(&claims).unwrap().email(), Some("a@b.c"));
    }
}
