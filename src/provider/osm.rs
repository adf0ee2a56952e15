use super::{Preset, ProfileFields, Provider, RefreshTokens};

/// OpenStreetMap.
///
/// - Register: <https://www.openstreetmap.org/oauth2/applications>; http is allowed for `127.0.0.1` only.
/// - Scope: `read_prefs`. Refresh: none; tokens do not expire. Revocation: the token. No address.
///
/// Sources, as of 2026-11-20: <https://wiki.openstreetmap.org/wiki/OAuth>,
/// <https://wiki.openstreetmap.org/wiki/API_v0.6#Methods_for_user_data>; django-allauth, Flask-Dance.
#[derive(Debug, Clone, Copy)]
pub struct OpenStreetMap;

impl Provider for OpenStreetMap {
    const NAME: &'static str = "osm";
    const PRESET: Preset = Preset {
        title: "OpenStreetMap",
        authorization_url: Some("https://www.openstreetmap.org/oauth2/authorize"),
        token_url: Some("https://www.openstreetmap.org/oauth2/token"),
        revocation_url: Some("https://www.openstreetmap.org/oauth2/revoke"),
        userinfo_url: Some("https://api.openstreetmap.org/api/0.6/user/details.json"),
        api_base_url: Some("https://api.openstreetmap.org/api/0.6/"),
        scope: &["read_prefs"],
        refresh_tokens: RefreshTokens::Never,
        fields: ProfileFields {
            id: "user.id",
            name: "user.display_name",
            username: "user.display_name",
            profile_url: "https://www.openstreetmap.org/user/{user.display_name}",
            image_url: "user.img.href",
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
