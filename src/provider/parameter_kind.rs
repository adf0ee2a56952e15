//! The own keys of presets.

/// What a preset's own key in Rocket.toml does. The keys are in [`Preset::parameters`](super::Preset::parameters).
///
/// ```
/// use rocket_dance::provider::{ParameterKind, Preset};
///
/// /// `[default.oauth.chess]` can set `hostname = "chess.example.org"` and `offline = true`.
/// const CHESS: Preset = Preset {
///     title: "Chess Club",
///     authorization_url: Some("https://{hostname}/authorize"),
///     token_url: Some("https://{hostname}/token"),
///     parameters: &[
///         ("hostname", ParameterKind::Host("chess.example")),
///         ("offline", ParameterKind::AuthorizationFlag("access_type", "offline")),
///     ],
///     ..Preset::OAUTH2
/// };
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParameterKind {
    /// A host, or host and port, that replaces `{key}` in the preset's URLs. The value is the default.
    Host(&'static str),
    /// The id of a tenant, which replaces `{key}` in the preset's URLs. It must be set. If it stands for several tenants,
    /// the key `tenants` lists those whose ID tokens are accepted.
    Tenant,
    /// A URL that replaces `{key}` at the beginning of the preset's URLs, without a `/` at its end. It must be set.
    BaseUrl,
    /// A text, a whole number or a boolean that is sent with authorization requests, as the parameter of this name.
    AuthorizationParam(&'static str),
    /// A boolean. If it is `true`, authorization requests have the parameter of this name with this value. Values of the
    /// same parameter are joined by a space.
    AuthorizationFlag(&'static str, &'static str),
}
