use super::{Gitea, ParameterKind, Preset, Provider};

/// Forgejo, on the server of your choice.
///
/// - Register: on the server, Settings, Applications, "Manage OAuth2 applications", as a confidential client. Redirect URI: the
///   callback URL that the log shows at launch.
/// - Own key: `base_url`, the server's address, which is required.
/// - Scopes: `read:user`. Forgejo does not enforce scopes for applications of the whole instance: their tokens have full rights.
/// - Refresh, revocation, quirks and address: as [`Gitea`], of which Forgejo is a fork.
///
/// Sources, checked on 2026-11-20: <https://forgejo.org/docs/latest/user/oauth2-provider/>; django-allauth 20f4bded2.
#[derive(Debug, Clone, Copy)]
pub struct Forgejo;

impl Provider for Forgejo {
    const NAME: &'static str = "forgejo";
    const PRESET: Preset =
        Preset { title: "Forgejo", parameters: &[("base_url", ParameterKind::BaseUrl(""))], ..Gitea::PRESET };
}
