use super::{
    ClientAuthMethod, EmailVerified, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens,
    TokenPlacement, claims,
};

/// Foursquare. Its API is closed to new customers since 2025-06-17.
///
/// - Refresh: none; tokens do not expire. Revocation: none.
/// - The token is in the query, and every call needs `v`, a date that selects the version of the API.
/// - Foursquare does not say whether an address is verified.
///
/// Sources, as of 2026-11-20: <https://docs.foursquare.com/developer/reference/upcoming-changes>,
/// <https://docs.foursquare.com/developer/reference/v2-users-self>; django-allauth, social-core, Flask-Social.
#[derive(Debug, Clone, Copy)]
pub struct Foursquare;

impl Provider for Foursquare {
    const NAME: &'static str = "foursquare";
    const PRESET: Preset = Preset {
        title: "Foursquare",
        notice: "Foursquare's sign-in is closed to apps that were not there before 2025-06-17.",
        authorization_url: Some("https://foursquare.com/oauth2/authenticate"),
        token_url: Some("https://foursquare.com/oauth2/access_token"),
        userinfo_url: Some("https://api.foursquare.com/v2/users/self?v=20230131"),
        api_base_url: Some("https://api.foursquare.com/v2/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        refresh_tokens: RefreshTokens::Never,
        pkce: false,
        assume_bearer: true,
        token_placement: TokenPlacement::Query("oauth_token"),
        parameters: &[
            ("consumer_key", ParameterKind::Alias("client_id")),
            ("consumer_secret", ParameterKind::Alias("client_secret")),
        ],
        fields: ProfileFields {
            id: "response.user.id",
            name: "response.user.firstName + response.user.lastName",
            profile_url: "https://foursquare.com/user/{response.user.id}",
            email: &[("response.user.contact.email", EmailVerified::Never)],
            ..ProfileFields::NONE
        },
        profile: |input| {
            let mut profile = input.read()?;
            let part = |path| claims::text(input.claims, path);
            profile.image_url = part("response.user.photo.prefix")
                .zip(part("response.user.photo.suffix"))
                .map(|(prefix, suffix)| format!("{prefix}original{suffix}"));
            Ok(profile)
        },
        ..Preset::OAUTH2
    };
}
