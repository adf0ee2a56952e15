//! The configuration entries that point to a provider.

use serde_json::{Value, json};

use super::server::{AuthorizationServer, ClientKey, RegisteredClient};
use crate::provider::{
    ClientAuthMethod, PRESETS, ParameterKind, Preset, Protocol, RevocationRequest, SigningAlgorithm,
};

/// The clients that are registered at a provider, one for each way to authenticate.
pub(super) struct Clients<'a> {
    pub(super) with_secret: &'a RegisteredClient,
    pub(super) public: &'a RegisteredClient,
    pub(super) with_key: &'a RegisteredClient,
}

/// The preset of rocket_dance with this name.
pub(super) fn built_in_preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|(known, _)| *known == name).map(|(_, preset)| preset)
}

/// The TOML key of the entry called `name`.
pub(super) fn entry_key(name: &str) -> String {
    format!("oauth.{name}")
}

/// An OpenID Connect entry for `client`.
pub(super) fn openid_entry(server: &AuthorizationServer, client: &RegisteredClient) -> Value {
    let mut entry = json!({
        "provider": "oidc", "issuer": server.url(), "api_base_url": at(server, "/api/"), "client_id": client.id,
    });
    if let Some(secret) = &client.secret {
        entry["client_secret"] = json!(secret.expose());
    }
    entry
}

/// An entry of the preset called `name`, with all its URLs at `server`. The client is that of `clients` that authenticates
/// as the preset does.
pub(super) fn preset_entry(
    server: &AuthorizationServer,
    clients: &Clients<'_>,
    name: &str,
    preset: Option<&Preset>,
) -> Value {
    let client = match preset {
        Some(preset) if preset.secret_jwt.is_some() => clients.with_key,
        Some(Preset { token_endpoint_auth_method: ClientAuthMethod::None, .. }) => clients.public,
        _ => clients.with_secret,
    };
    let mut entry = json!({ "provider": name, "client_id": client.id, "api_base_url": at(server, "/api/") });
    if let Some(secret) = &client.secret {
        entry["client_secret"] = json!(secret.expose());
    }
    // The provider answers with the fields that the preset reads.
    let (token, userinfo) = match preset {
        Some(_) => (format!("/token/as/{name}"), format!("/userinfo/as/{name}")),
        None => ("/token".to_owned(), "/api/user".to_owned()),
    };
    let urls: &[(&str, &str)] = match preset.map_or(Protocol::OAuth2, |preset| preset.protocol) {
        Protocol::OpenIdConnect => &[("issuer", "")],
        Protocol::OAuth2 => &[
            ("authorization_url", "/authorize"),
            ("token_url", &token),
            ("revocation_url", "/revoke"),
            ("userinfo_url", &userinfo),
        ],
        Protocol::OAuth1 => &[
            ("request_token_url", "/oauth1/request_token"),
            ("authorization_url", "/oauth1/authorize"),
            ("access_token_url", "/oauth1/access_token"),
            ("userinfo_url", &userinfo),
        ],
    };
    for (key, path) in urls {
        entry[*key] = json!(at(server, path));
    }
    if let Some(preset) = preset {
        if preset.userinfo_url.is_none() && preset.protocol == Protocol::OAuth2 && is_complete(preset) {
            // It has none: the user is in the token answer, or the provider does not say who it is.
            if let Some(entry) = entry.as_object_mut() {
                entry.remove("userinfo_url");
            }
        }
        add_preset_keys(server, client, preset, &mut entry);
        if preset.revocation != RevocationRequest::Standard {
            entry["revocation_url"] = json!(at(server, &format!("/revoke/as/{name}")));
        }
    }
    entry
}

/// Whether the preset is a provider's, and not a generic one whose URLs the entry has.
fn is_complete(preset: &Preset) -> bool {
    preset.authorization_url.is_some()
}

/// Adds the keys that only this preset needs: endpoints that it does not discover, its required keys and its signing key.
fn add_preset_keys(
    server: &AuthorizationServer,
    client: &RegisteredClient,
    preset: &Preset,
    entry: &mut Value,
) {
    if preset.protocol == Protocol::OpenIdConnect {
        for (key, url, path) in [
            ("authorization_url", preset.authorization_url, "/authorize"),
            ("token_url", preset.token_url, "/token"),
            ("revocation_url", preset.revocation_url, "/revoke"),
            ("userinfo_url", preset.userinfo_url, "/userinfo"),
        ] {
            if url.is_some() {
                entry[key] = json!(at(server, path));
            }
        }
    }
    for (key, kind) in preset.parameters {
        let value = match kind {
            ParameterKind::BaseUrl(_) => server.url(),
            ParameterKind::Host("") => "provider.example",
            ParameterKind::HostUnder(_) | ParameterKind::Segment("") => "name",
            ParameterKind::Tenant(tenants) => tenants.personal,
            // They are parts of the JWT that is the client secret.
            ParameterKind::Text("") if is_key_id(preset, key) => ClientKey::ID,
            ParameterKind::Text("") => &client.id,
            _ => continue,
        };
        entry[*key] = json!(value);
    }
    if preset.secret_jwt.is_some() {
        entry["private_key"] = json!(client.key.as_ref().map(|key| key.pem.expose()));
    }
    if preset.protocol == Protocol::OpenIdConnect && preset.signing_algorithms != SigningAlgorithm::ALL {
        entry["signing_algorithms"] = json!(SigningAlgorithm::ALL.map(SigningAlgorithm::name));
    }
    #[cfg(feature = "rsa-sha1")]
    if preset.signature_method == crate::provider::SignatureMethod::RsaSha1 {
        entry["rsa_key"] = json!(super::server::rsa_key());
    }
}

fn is_key_id(preset: &Preset, key: &str) -> bool {
    preset.secret_jwt.is_some_and(|jwt| jwt.key_id == format!("{{{key}}}"))
}

fn at(server: &AuthorizationServer, path: &str) -> String {
    format!("{}{path}", server.url())
}
