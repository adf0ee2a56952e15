//! Where the fields of a profile are in a provider's answers.

/// The places of a profile's fields in the provider's answers. An empty text: the provider does not say it.
///
/// A place is a path in the userinfo, see [`claims`](super::claims). It can also begin with `token.`, for a field of the
/// token answer (`token.access_token.` for a claim of an access token that is a JWT), or with `callback.`, for a parameter of
/// the callback. Three signs combine places:
///
/// | sign | meaning |
/// |---|---|
/// | `name \| login` | the first that is there |
/// | `first_name + last_name` | those that are there, with a space between them |
/// | `https://x.com/{data.username}` | a text with the values of paths; none if one of them is missing |
///
/// ```
/// use rocket_dance::provider::{EmailVerified, Preset, ProfileFields, ProfileInput};
/// use serde_json::json;
///
/// const CHESS: Preset = Preset {
///     fields: ProfileFields {
///         id: "player.id",
///         name: "player.first + player.last",
///         username: "player.nick",
///         profile_url: "https://chess.example/@{player.nick}",
///         email: &[("mails[primary].address", EmailVerified::IfTrue("mails[primary].confirmed"))],
///         ..ProfileFields::NONE
///     },
///     ..Preset::OAUTH2
/// };
///
/// let answer = json!({
///     "player": {"id": 7, "first": "Ada", "nick": "ada"},
///     "mails": [{"address": "old@chess.example"}, {"address": "ada@chess.example", "primary": true, "confirmed": true}],
/// });
/// let profile = CHESS.read_profile(ProfileInput::new(&answer, &Default::default()))?;
/// assert_eq!(profile.id.as_deref(), Some("7"));
/// assert_eq!(profile.name.as_deref(), Some("Ada"));
/// assert_eq!(profile.profile_url.as_deref(), Some("https://chess.example/@ada"));
/// assert_eq!(profile.email(), Some("ada@chess.example"));
/// # Ok::<(), rocket_dance::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProfileFields {
    /// The stable id, which no other user ever gets: never a user name or an address.
    pub id: &'static str,
    /// The full name.
    pub name: &'static str,
    /// The user name.
    pub username: &'static str,
    /// The URL of the user's page.
    pub profile_url: &'static str,
    /// The URL of the user's picture.
    pub image_url: &'static str,
    /// The addresses, and when each is verified. The first that is there counts, with its own verification.
    pub email: &'static [(&'static str, EmailVerified)],
}

/// When an address counts as verified: only if the provider's answer proves that the user has received a mail there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EmailVerified {
    /// Never.
    Never,
    /// Always: the provider gives verified addresses only.
    Always,
    /// If the field is `true`.
    IfTrue(&'static str),
    /// If the field is `true`, `"true"` or 1.
    IfTrueText(&'static str),
    /// If both fields are `true`.
    IfBoth(&'static str, &'static str),
    /// If the field is there, for example the time of the verification.
    IfPresent(&'static str),
    /// If the field is a list that contains the address.
    IfListed(&'static str),
}

impl EmailVerified {
    /// The paths that the verification is read from.
    pub(crate) fn paths(self) -> impl Iterator<Item = &'static str> {
        let (one, other) = match self {
            Self::Never | Self::Always => (None, None),
            Self::IfTrue(path) | Self::IfTrueText(path) | Self::IfPresent(path) | Self::IfListed(path) => {
                (Some(path), None)
            }
            Self::IfBoth(one, other) => (Some(one), Some(other)),
        };
        one.into_iter().chain(other)
    }
}

impl ProfileFields {
    /// No field.
    pub const NONE: Self =
        Self { id: "", name: "", username: "", profile_url: "", image_url: "", email: &[] };

    /// The standard claims of OpenID Connect (Core §5.1).
    pub const OPENID: Self = Self {
        id: "sub",
        name: "name",
        username: "preferred_username",
        profile_url: "profile",
        image_url: "picture",
        email: &[("email", EmailVerified::IfTrue("email_verified"))],
    };
}
