use super::{Preset, ProfileFields, Provider, RefreshTokens, claims};

/// EVE Online.
///
/// - Register at <https://developers.eveonline.com/applications>. Callback URL: the callback URL that the log shows at launch.
/// - Scopes: `publicData`; `esi-skills.read_skills.v1` and others for the API, which must be enabled for the application.
/// - Every sign-in gives a refresh token; a refresh can give a new one. Removed accounts are revoked.
/// - There is no userinfo: the access token is a JWT with the character's id and name. It comes from the token endpoint, over
///   TLS, so its signature need not be verified (OpenID Connect Core §3.1.3.7).
/// - The user signs in as a character. Players can transfer characters to other players: so the id is the character together
///   with its `owner`, which changes with each transfer. Other libraries use only the character's number.
/// - There is no address.
///
/// Sources, checked on 2026-11-28: <https://developers.eveonline.com/docs/services/sso/>,
/// <https://docs.esi.evetech.net/docs/sso/validating_eve_jwt.html> (claims),
/// <https://docs.esi.evetech.net/docs/sso/revoking_refresh_tokens.html> (metadata); SocialiteProviders `Eveonline`.
#[derive(Debug, Clone, Copy)]
pub struct EveOnline;

impl Provider for EveOnline {
    const NAME: &'static str = "eveonline";
    const PRESET: Preset = Preset {
        title: "EVE Online",
        authorization_url: Some("https://login.eveonline.com/v2/oauth/authorize"),
        token_url: Some("https://login.eveonline.com/v2/oauth/token"),
        revocation_url: Some("https://login.eveonline.com/v2/oauth/revoke"),
        api_base_url: Some("https://esi.evetech.net/"),
        scope: &["publicData"],
        refresh_tokens: RefreshTokens::Always,
        fields: ProfileFields {
            id: "token.access_token.sub",
            name: "token.access_token.name",
            ..ProfileFields::NONE
        },
        profile: |input| {
            let mut profile = input.read()?;
            let owner = claims::text(input.token, "access_token.owner");
            profile.id = profile.id.zip(owner).map(|(character, owner)| format!("{character}:{owner}"));
            Ok(profile)
        },
        ..Preset::OAUTH2
    };
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::profile::Profile;
    use crate::provider::ProfileInput;

    fn character(claims: Value) -> Profile {
        let (answers, token, parameters) = (json!({}), json!({ "access_token": claims }), Default::default());
        EveOnline::PRESET.read_profile(ProfileInput::new(&answers, &parameters).with_token(&token)).unwrap()
    }

    #[test]
    fn a_character_and_its_owner() {
        let profile = character(json!({
            "scp": ["publicData"], "jti": "998e12c7-3241-43c5-8355-2c48822e0a1b", "sub": "CHARACTER:EVE:123123", "azp": "client",
            "aud": ["client", "EVE Online"], "name": "Some Bloke", "owner": "8PmzCeTKb4VFUDrHLc/AeZXDSWM=",
        }));
        assert_eq!(profile.id.as_deref(), Some("CHARACTER:EVE:123123:8PmzCeTKb4VFUDrHLc/AeZXDSWM="));
        assert_eq!(profile.name.as_deref(), Some("Some Bloke"));
        let sold = character(json!({"sub": "CHARACTER:EVE:123123", "owner": "Hs4U7vGdF2qkq3RZJ9m0Wn5bXyE="}));
        assert_ne!(sold.id, profile.id);
    }

    #[test]
    fn without_an_owner_there_is_no_id() {
        assert_eq!(character(json!({"sub": "CHARACTER:EVE:123123", "name": "Some Bloke"})).id, None);
        assert_eq!(character(json!(null)).id, None);
    }
}
