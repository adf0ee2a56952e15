//! Profiles: the provider's user in OpenID Connect's words.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::error::Result;

/// The provider's user: OpenID Connect standard claims (Core §5.1), whatever the provider calls them, and its raw
/// userinfo.
///
/// The address is an e-mail address only when the provider says that it is verified: [`email`](Profile::email). What
/// it merely claims is [`claimed_email`](Profile::claimed_email). Neither identifies anybody: the
/// [`id`](Profile::id) does, together with the entry.
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
/// assert_eq!(profile.email(), None);                       // a text is not `true`
/// assert_eq!(profile.claimed_email(), Some("janedoe@example.com"));
/// # Ok::<(), rocket_dance::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Profile {
    /// The provider's stable id of this user (`sub`), byte for byte: with the entry's name, the identity.
    pub id: Option<String>,
    /// The full name.
    pub name: Option<String>,
    /// The name that the person goes by at the provider (`preferred_username`): may change, may be taken over.
    pub username: Option<String>,
    /// The page about this user at the provider, http or https.
    pub profile_url: Option<String>,
    /// The picture, http or https.
    pub image_url: Option<String>,
    /// Everything that the provider said, as it said it.
    pub userinfo: Value,
    email: Option<String>,
    email_verified: bool,
}

impl Profile {
    /// The profile in `claims` that are named as OpenID Connect names them (Core §5.1).
    ///
    /// # Errors
    /// When `sub` is there but can't be an id: see [`claims::id`].
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

    /// A profile of nothing but its raw `userinfo`, for a preset to fill.
    pub fn of(userinfo: &Value) -> Self {
        Self { userinfo: userinfo.clone(), ..Self::default() }
    }

    /// The same profile with the address that the provider claims, and whether it says that it has verified it.
    pub fn with_email(mut self, address: Option<String>, verified: bool) -> Self {
        self.email_verified = verified && address.is_some();
        self.email = address;
        self
    }

    /// The e-mail address, if the provider says that it has verified it. A hint, never a key.
    pub fn email(&self) -> Option<&str> {
        self.email.as_deref().filter(|_| self.email_verified)
    }

    /// The e-mail address that the provider claims, verified or not.
    pub fn claimed_email(&self) -> Option<&str> {
        self.email.as_deref()
    }

    /// The same profile without URLs that are no pages of the web: in a link on a page, `javascript:` is a script.
    pub(crate) fn with_web_urls(mut self) -> Self {
        let is_web = |url: &String| {
            Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
        };
        self.profile_url = self.profile_url.filter(is_web);
        self.image_url = self.image_url.filter(is_web);
        self
    }

    /// A name to show: the full name, else the user name, else the local part of a verified address, else the id.
    pub fn display_name(&self) -> &str {
        let local_part = || self.email().and_then(|address| address.split('@').next());
        [self.name.as_deref(), self.username.as_deref(), local_part(), self.id.as_deref()]
            .into_iter()
            .flatten()
            .find(|name| !name.trim().is_empty())
            .unwrap_or("somebody")
    }
}

/// Reading a provider's JSON by path, for a preset's profile function.
///
/// A path is field names joined by dots; a number is a place in a list: `data.0.id`.
pub mod claims {
    use serde_json::Value;

    use crate::error::{Error, ErrorKind, Result};

    /// The value at `path`; none where there is none, or `null`.
    pub fn get<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
        raw(value, path).filter(|value| !value.is_null())
    }

    fn raw<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
        path.split('.').try_fold(value, |value, part| match value {
            Value::Array(list) => list.get(part.parse::<usize>().ok()?),
            _ => value.get(part),
        })
    }

    /// The non-empty text at `path`.
    pub fn text(value: &Value, path: &str) -> Option<String> {
        get(value, path)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// Whether `path` holds `true` itself: not `"true"`, not 1.
    pub fn is_true(value: &Value, path: &str) -> bool {
        get(value, path) == Some(&Value::Bool(true))
    }

    /// The id at `path`: a text of 1 to 255 bytes without control characters, or a whole number, as decimal digits.
    ///
    /// # Errors
    /// [`ErrorKind::BadProviderAnswer`] when something else is there, an empty text or `null` included: an id is never made
    /// up from what only looks like one. Absent is none.
    pub fn id(value: &Value, path: &str) -> Result<Option<String>> {
        match raw(value, path) {
            None => Ok(None),
            Some(Value::String(id)) if (1..=255).contains(&id.len()) && !id.chars().any(char::is_control) => {
                Ok(Some(id.clone()))
            }
            Some(Value::Number(id)) if id.is_u64() || id.is_i64() => Ok(Some(id.to_string())),
            Some(_) => Err(Error::new(
                ErrorKind::BadProviderAnswer,
                "The provider's answer does not tell who you are.",
            )
            .with_source(format!("`{path}` is not an id"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn tr_16_an_id_is_a_text_or_a_whole_number() {
        for (value, wanted) in [
            (json!({"id": 583231}), Some("583231")),
            (json!({"id": "583231"}), Some("583231")),
            (json!({}), None),
        ] {
            assert_eq!(claims::id(&value, "id").unwrap().as_deref(), wanted);
        }
        for value in [
            json!(1.0),
            json!(1e300),
            json!(""),
            json!(null),
            json!(true),
            json!({}),
            json!("a\nb"),
            json!("a".repeat(256)),
        ] {
            assert!(claims::id(&json!({ "id": value }), "id").is_err(), "{value}");
        }
        let list = json!({"data": [{"id": "7"}, {"id": null}]});
        assert_eq!(claims::id(&list, "data.0.id").unwrap().as_deref(), Some("7"));
        assert_eq!(claims::id(&list, "data.1.id").unwrap_err().kind(), ErrorKind::BadProviderAnswer);
    }

    #[test]
    fn a_link_is_no_script() {
        let with = |url: &str| {
            let claims = json!({"sub": "1", "profile": url, "picture": url});
            let profile = Profile::from_claims(&claims).unwrap().with_web_urls();
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
