//! The configuration entries that point to a provider.

use serde_json::{Value, json};

use super::server::{AuthorizationServer, RegisteredClient};
use crate::provider::{PRESETS, ParameterKind, Preset, Protocol};
use crate::secret::Secret;

/// The preset with this name.
pub(super) fn find_preset(name: &str) -> Option<&'static Preset> {
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

/// An entry of the preset called `name`, with all its URLs at `server`.
pub(super) fn preset_entry(server: &AuthorizationServer, client: &RegisteredClient, name: &str) -> Value {
    let mut entry = json!({
        "provider": name, "client_id": client.id, "client_secret": client.secret.as_ref().map(Secret::expose),
        "api_base_url": at(server, "/api/"),
    });
    let preset = find_preset(name);
    let urls: &[(&str, &str)] = match preset.map_or(Protocol::OAuth2, |preset| preset.protocol) {
        Protocol::OpenIdConnect => &[("issuer", "")],
        Protocol::OAuth2 => &[
            ("authorization_url", "/authorize"),
            ("token_url", "/token"),
            ("revocation_url", "/revoke"),
            ("userinfo_url", "/api/user"),
        ],
        Protocol::OAuth1 => &[
            ("request_token_url", "/oauth1/request_token"),
            ("authorization_url", "/oauth1/authorize"),
            ("access_token_url", "/oauth1/access_token"),
            ("userinfo_url", "/api/user"),
        ],
    };
    for (key, path) in urls {
        entry[*key] = json!(at(server, path));
    }
    if let Some(preset) = preset {
        add_preset_keys(server, preset, &mut entry);
    }
    entry
}

/// Adds the keys that only this preset needs: endpoints that it does not discover, its required keys and its signing key.
fn add_preset_keys(server: &AuthorizationServer, preset: &Preset, entry: &mut Value) {
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
        match kind {
            ParameterKind::BaseUrl(_) => entry[*key] = json!(server.url()),
            // The URLs that they are in are replaced.
            ParameterKind::Host("")
            | ParameterKind::HostUnder(_)
            | ParameterKind::Segment("")
            | ParameterKind::Text("") => {
                entry[*key] = json!("stand-in");
            }
            _ => {}
        }
    }
    #[cfg(feature = "rsa-sha1")]
    if preset.signature_method == crate::provider::SignatureMethod::RsaSha1 {
        entry["rsa_key"] = json!(super::server::rsa_key());
    }
}

fn at(server: &AuthorizationServer, path: &str) -> String {
    format!("{}{path}", server.url())
}
