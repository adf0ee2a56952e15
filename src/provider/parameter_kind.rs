//! The own keys of presets.

use super::tenants::Tenants;

/// What a preset's own key in Rocket.toml does. The keys are in [`Preset::parameters`](super::Preset::parameters).
///
/// ```
/// use rocket_dance::provider::{ParameterKind, Preset};
///
/// /// `[default.oauth.chess]` can set `hostname = "chess.example.org"` and `reprompt = true`.
/// const CHESS: Preset = Preset {
///     title: "Chess Club",
///     authorization_url: Some("https://{hostname}/authorize"),
///     token_url: Some("https://{hostname}/token"),
///     parameters: &[
///         ("hostname", ParameterKind::Host("chess.example")),
///         ("reprompt", ParameterKind::AuthorizationFlag("prompt", "consent")),
///     ],
///     ..Preset::OAUTH2
/// };
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParameterKind {
    /// A host, or host and port, that replaces `{key}`. The value is the default, which can contain the placeholders of
    /// the parameters before it; without a default, the key must be set.
    Host(&'static str),
    /// A host that ends with this suffix, for example `.shop.example`, with or without the suffix. It must be set, and
    /// replaces `{key}` as a whole.
    HostUnder(&'static str),
    /// The id of a tenant, which replaces `{key}` in the preset's URLs. It must be set. If it stands for several tenants,
    /// the key `tenants` lists those whose ID tokens are accepted.
    Tenant(&'static Tenants),
    /// A URL that replaces `{key}` at the beginning of the preset's URLs, without a `/` at its end. The value is the
    /// default; without a default, the key must be set.
    BaseUrl(&'static str),
    /// One segment of a path, or one label of a host, that replaces `{key}`: letters, digits, `-`, `_`, `.` and `~`. The
    /// value is the default; without a default, the key must be set.
    Segment(&'static str),
    /// As [`Segment`](ParameterKind::Segment), after the first text. The word `none` leaves out both. The second text is
    /// the default.
    OptionalSegment(&'static str, &'static str),
    /// An optional label before a host: `{key}` is the label and a dot, or nothing.
    Subdomain,
    /// One of these texts, which replaces `{key}`. The first one is the default.
    Choice(&'static [&'static str]),
    /// A boolean: `false`, the default, replaces `{key}` by the first text, `true` by the second.
    Switch(&'static str, &'static str),
    /// A text that replaces `{key}` in headers, parameters and, percent-encoded, URLs. The value is the default; without a
    /// default, the key must be set.
    Text(&'static str),
    /// A text, a whole number or a boolean that is sent with authorization requests, as the parameter of this name.
    AuthorizationParam(&'static str),
    /// A boolean. If it is `true`, authorization requests have the parameter of this name with this value. Values of the
    /// same parameter are joined by a space.
    AuthorizationFlag(&'static str, &'static str),
    /// A further audience that an ID token may name.
    TrustedAudience,
    /// Another name for this key, as the provider's console has it.
    Alias(&'static str),
    /// A boolean that must be `true`, for configurations that come from another library. The text says why.
    AlwaysTrue(&'static str),
}
