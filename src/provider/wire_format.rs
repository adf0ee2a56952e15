//! Formats of requests.

/// The format of the body of token requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenRequestFormat {
    /// A form (RFC 6749 §4.1.3).
    Form,
    /// A JSON object of texts.
    Json,
}

/// How the userinfo is requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UserinfoMethod {
    /// By GET.
    Get,
    /// By POST, with [`Preset::userinfo_body`](super::Preset::userinfo_body).
    Post,
    /// Not at all: the profile is read from the ID token or the token answer.
    None,
}

impl UserinfoMethod {
    pub(crate) const ALL: [Self; 3] = [Self::Get, Self::Post, Self::None];

    /// The method's name in the configuration.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::None => "none",
        }
    }
}

/// The body of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestBody {
    /// No body.
    Empty,
    /// A form.
    Form(&'static [(&'static str, &'static str)]),
    /// JSON, for example of a GraphQL query.
    Json(&'static str),
}
