use super::{
    Preset, ProfileFields, Provider, RefreshTokens, RequestAuthorization, RequestBody, RevocationRequest,
    claims,
};

/// Vimeo.
///
/// - Register at <https://developer.vimeo.com/apps>. Callback URL: the callback URL that the log shows at launch.
/// - Scopes: `public` (id, name, page, picture); `private`, `upload` and others for the API.
/// - Tokens do not expire; there are no refresh tokens. Removed accounts are revoked.
/// - There is no address. The id is the number in `uri`: `/users/12345`.
/// - Not verified: PKCE, which no client sends.
///
/// Sources, checked on 2026-11-28: <https://developer.vimeo.com/api/authentication>,
/// <https://developer.vimeo.com/api/reference/authentication-extras#delete_token>; django-allauth `vimeo_oauth2` (an answer),
/// SocialiteProviders `Vimeo`, Vimeo's own client vimeo.js (client authentication, scopes).
#[derive(Debug, Clone, Copy)]
pub struct Vimeo;

impl Provider for Vimeo {
    const NAME: &'static str = "vimeo";
    const PRESET: Preset = Preset {
        title: "Vimeo",
        authorization_url: Some("https://api.vimeo.com/oauth/authorize"),
        token_url: Some("https://api.vimeo.com/oauth/access_token"),
        revocation_url: Some("https://api.vimeo.com/tokens"),
        userinfo_url: Some("https://api.vimeo.com/me"),
        api_base_url: Some("https://api.vimeo.com/"),
        scope: &["public"],
        refresh_tokens: RefreshTokens::Never,
        pkce: false,
        revocation: RevocationRequest::Delete(RequestAuthorization::AccessToken, RequestBody::Empty),
        fields: ProfileFields {
            name: "name",
            profile_url: "link",
            image_url: "pictures.sizes.0.link",
            ..ProfileFields::NONE
        },
        profile: |input| {
            let mut profile = input.read()?;
            let uri = claims::text(input.claims, "uri");
            let number = uri.as_deref().and_then(|uri| uri.strip_prefix("/users/"));
            profile.id = number
                .filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()) && !id.is_empty())
                .map(str::to_owned);
            Ok(profile)
        },
        ..Preset::OAUTH2
    };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::read_profile;

    #[test]
    fn the_number_in_the_uri_is_the_id() {
        let answer = json!({
            "uri": "/users/12345", "name": "Ada Lovelace", "link": "https://vimeo.com/ada", "account": "pro",
            "pictures": {"sizes": [{"width": 30, "height": 30, "link": "https://i.vimeocdn.com/portrait/1_30x30.png"}]},
        });
        let profile = read_profile(Vimeo::PRESET, &answer, &[]).unwrap();
        assert_eq!(profile.id.as_deref(), Some("12345"));
        assert_eq!(profile.name.as_deref(), Some("Ada Lovelace"));
        assert_eq!(profile.profile_url.as_deref(), Some("https://vimeo.com/ada"));
        assert_eq!(profile.image_url.as_deref(), Some("https://i.vimeocdn.com/portrait/1_30x30.png"));
        let profile =
            read_profile(Vimeo::PRESET, &json!({"uri": "/users/12345", "pictures": null}), &[]).unwrap();
        assert_eq!((profile.name.as_deref(), profile.image_url.as_deref()), (None, None));
        for uri in ["/users/", "/users/ada", "/users/1/2", "12345", "/me"] {
            assert_eq!(read_profile(Vimeo::PRESET, &json!({ "uri": uri }), &[]).unwrap().id, None, "{uri}");
        }
    }
}
