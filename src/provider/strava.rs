use super::{
    ClientAuthMethod, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens, RequestAuthorization,
    RequestBody, RevocationRequest, claims,
};

/// Strava.
///
/// - Register: <https://www.strava.com/settings/api>; enter the domain of the callback URL only.
/// - Scope: `read`; the user can refuse scopes. The callback, and not the token answer, has the granted ones.
/// - Refresh: every token has a refresh token; a token lasts 6 hours. Revocation: the app's access to the athlete.
/// - Own key: `approval_prompt`, `auto` or `force`. Strava gives no address.
///
/// Sources, as of 2026-11-20: <https://developers.strava.com/docs/authentication/>,
/// <https://developers.strava.com/docs/reference/#api-Athletes-getLoggedInAthlete>; django-allauth, social-core, assent.
#[derive(Debug, Clone, Copy)]
pub struct Strava;

impl Provider for Strava {
    const NAME: &'static str = "strava";
    const PRESET: Preset = Preset {
        title: "Strava",
        authorization_url: Some("https://www.strava.com/oauth/authorize"),
        token_url: Some("https://www.strava.com/oauth/token"),
        revocation_url: Some("https://www.strava.com/oauth/deauthorize"),
        userinfo_url: Some("https://www.strava.com/api/v3/athlete"),
        api_base_url: Some("https://www.strava.com/api/v3/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        scope: &["read"],
        scope_separator: ",",
        refresh_tokens: RefreshTokens::Always,
        pkce: false,
        callback_params: &["scope"],
        revocation: RevocationRequest::Post(
            RequestAuthorization::None,
            RequestBody::Form(&[("access_token", "{access_token}")]),
        ),
        headers: &[("User-Agent", "{user_agent}")],
        parameters: &[
            ("approval_prompt", ParameterKind::AuthorizationParam("approval_prompt")),
            ("user_agent", ParameterKind::Text("rocket_dance")),
        ],
        fields: ProfileFields {
            id: "id",
            name: "firstname + lastname",
            username: "username",
            profile_url: "https://www.strava.com/athletes/{id}",
            ..ProfileFields::NONE
        },
        profile: |input| {
            let mut profile = input.read()?;
            // Without a picture of their own, users have the path of a general one.
            let picture = claims::text(input.claims, "profile");
            profile.image_url = picture.filter(|url| url.contains("://"));
            Ok(profile)
        },
        ..Preset::OAUTH2
    };
}
