//! The trait of providers.

use super::preset::Preset;

/// A provider, or one entry of Rocket.toml, as a type: the `P` of the guards [`OAuth<P>`](crate::OAuth) and
/// [`Site<P>`](crate::Site).
///
/// The guard of an entry needs only the entry's name:
///
/// ```
/// use rocket_dance::{OAuth, provider::Provider};
///
/// /// `[default.oauth.gitlab_work]` in Rocket.toml.
/// struct GitLabWork;
///
/// impl Provider for GitLabWork {
///     const NAME: &'static str = "gitlab_work";
/// }
///
/// #[rocket::get("/merge-requests")]
/// async fn merge_requests(work: OAuth<GitLabWork>) -> rocket_dance::Result<String> {
///     work.get("merge_requests").text().await
/// }
/// ```
///
/// A provider that rocket_dance does not know has a preset of the app. It is registered with
/// [`DanceFairing::provider`](crate::DanceFairing::provider). Its entry `[default.oauth.chess]` has the credentials;
/// other entries can name the preset, too: `provider = "chess"`.
///
/// ```
/// use rocket_dance::{Dance, provider::{Preset, ProfileFields, Provider}};
///
/// struct Chess;
///
/// impl Provider for Chess {
///     const NAME: &'static str = "chess";
///     const PRESET: Preset = Preset {
///         title: "Chess Club",
///         authorization_url: Some("https://chess.example/oauth/authorize"),
///         token_url: Some("https://chess.example/oauth/token"),
///         userinfo_url: Some("https://api.chess.example/me"),
///         api_base_url: Some("https://api.chess.example/"),
///         scope: &["player:read"],
///         fields: ProfileFields { id: "player.id", name: "player.nick", ..ProfileFields::NONE },
///         ..Preset::OAUTH2
///     };
/// }
///
/// let fairing = Dance::fairing().provider(Chess);
/// # let _ = fairing;
/// ```
pub trait Provider: Send + Sync + 'static {
    /// Name of the entry; and name of the preset, for other entries.
    const NAME: &'static str;
    /// The facts about the provider. The default is for an entry that names its preset, or sets all its URLs.
    const PRESET: Preset = Preset::OAUTH2;
}
