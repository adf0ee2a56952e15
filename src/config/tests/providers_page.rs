//! docs/providers.md has the tables of all presets, made from the presets.

use std::fmt::Write as _;

use super::*;
use crate::provider::{ParameterKind, Preset, RefreshTokens, UserinfoMethod};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/providers.md");

/// What the page says before its tables.
const HEAD: &str = "\
# Providers

The presets, as they are in the code. `UPDATE=1 cargo test --all-features --lib providers_page` writes this page.

[Where to register](#where-to-register) is below. Each preset also has a page in the reference of the module `provider`: the provider's
documentation, the quirks, and when the facts were checked. The [settings] explain the keys that every entry has.

- **id**: the field of the userinfo, or of the ID token, that is the account's id at the provider. A number is stored as text.
- **PKCE**: whether requests have a PKCE challenge. `no`: the provider does not know it, or rejects it.
- **refresh tokens**: when the provider grants them. `offline = true` requests what the column says; presets with `no` or by `scope`
  do not have this key. `always`: the provider grants them without a request, some providers only if the registered app is set so.
- **revocation**: whether a removed account is revoked at the provider.
- **trusted addresses**: the addresses that count as proven without `trust_email`. That the provider calls an address verified is not
  enough: a policy then sees it as `email_verified`, and no account is linked by it.
";

/// The own keys of `preset`.
pub(super) fn own_keys(preset: &Preset) -> Vec<String> {
    let mut keys = Vec::new();
    for (key, kind) in preset.parameters {
        keys.push((*key).to_owned());
        if matches!(kind, ParameterKind::Tenant(_)) {
            keys.push("tenants".to_owned());
        }
    }
    if !matches!(preset.refresh_tokens, RefreshTokens::Unknown | RefreshTokens::Never) {
        keys.push("offline".to_owned());
    }
    keys
}

fn row(name: &str, preset: &Preset) -> String {
    let protocol = match preset.protocol {
        Protocol::OAuth1 => "OAuth 1.0a",
        Protocol::OAuth2 => "OAuth 2",
        Protocol::OpenIdConnect => "OpenID Connect",
    };
    let is_generic = ["oauth1", "oauth2", "oidc"].contains(&name);
    let can_sign_in = preset.userinfo_url.is_some()
        || preset.protocol == Protocol::OpenIdConnect
        || preset.fields.id.starts_with("token.");
    let title = match (is_generic, can_sign_in) {
        (true, _) => "any other provider".to_owned(),
        (false, true) => preset.title.to_owned(),
        (false, false) => format!("{} (connect only)", preset.title),
    };
    let refresh = match preset.refresh_tokens {
        RefreshTokens::Unknown => "by `scope`".to_owned(),
        RefreshTokens::Never => "no".to_owned(),
        RefreshTokens::Always => "always".to_owned(),
        RefreshTokens::WithScope(scope) => format!("with the scope `{scope}`"),
        RefreshTokens::WithParam(param, value) | RefreshTokens::WithTokenParam(param, value) => {
            format!("with `{param}={value}`")
        }
    };
    let revocation = match (preset.revocation_url, preset.protocol) {
        (Some(_), _) => "yes",
        (None, Protocol::OpenIdConnect) => "if it is discovered",
        (None, _) if is_generic => "with `revocation_url`",
        (None, _) => "no",
    };
    let trust = match preset.trust_email {
        [] => "none".to_owned(),
        domains => domains.join(", "),
    };
    let userinfo = if preset.userinfo == UserinfoMethod::None { " without userinfo" } else { "" };
    let id = match (name, preset.fields.id) {
        ("eveonline", id) => format!("`{id}:owner`"),
        ("vimeo", _) => "the number in `uri`".to_owned(),
        (_, "") => "none".to_owned(),
        (_, id) => format!("`{}`", id.replace(" | ", "`, else `")),
    };
    let mut row = format!("| `{name}` | {title} | {protocol}{userinfo} | {id} | ");
    let pkce = if preset.pkce { "yes" } else { "no" };
    let scope = match preset.scope {
        [] => "none".to_owned(),
        scope => format!("`{}`", scope.join(" ")),
    };
    write!(row, "{pkce} | {refresh} | {revocation} | {trust} | {scope} |").unwrap();
    row
}

/// The default and the meaning of a preset's own key.
fn meaning(kind: ParameterKind) -> (String, String) {
    let default = |text: &str| match text {
        "" => "required".to_owned(),
        text => format!("`{text}`"),
    };
    let (default, meaning) = match kind {
        ParameterKind::Host(text) => (default(text), "host of the provider's server".to_owned()),
        ParameterKind::HostUnder(suffix) => {
            (default(""), format!("host of the provider's server, with or without `{suffix}`"))
        }
        ParameterKind::BaseUrl(text) => (default(text), "address of the provider's server".to_owned()),
        ParameterKind::Segment(text) => (default(text), "a part of the provider's address".to_owned()),
        ParameterKind::OptionalSegment(_, text) => {
            (default(text), "a part of the provider's address; `none`: without it".to_owned())
        }
        ParameterKind::Subdomain => ("none".to_owned(), "a label before the provider's host".to_owned()),
        ParameterKind::Choice(texts) => {
            let first = default(texts.first().unwrap_or(&""));
            (
                first,
                format!(
                    "one of {}",
                    texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ")
                ),
            )
        }
        ParameterKind::Switch(off, on) => (
            "`false`".to_owned(),
            match off {
                "" => format!("`true`: `{on}` in the provider's address"),
                off => format!("`true`: `{on}` in the provider's address, instead of `{off}`"),
            },
        ),
        ParameterKind::Tenant(tenants) => (
            default(""),
            format!(
                "the tenant's id; `{}` for personal accounts; `{}` or `{}` for several tenants, which `tenants` lists",
                tenants.personal, tenants.organizations, tenants.all
            ),
        ),
        ParameterKind::Text(text) => (default(text), "a text in the provider's requests".to_owned()),
        ParameterKind::AuthorizationParam(name) => {
            ("none".to_owned(), format!("parameter `{name}` of the authorization request"))
        }
        ParameterKind::AuthorizationFlag(name, value) => {
            ("`false`".to_owned(), format!("`true`: `{name}={value}` in the authorization request"))
        }
        ParameterKind::TrustedAudience => {
            ("none".to_owned(), "a further audience that ID tokens may name".to_owned())
        }
        ParameterKind::Alias(key) => ("none".to_owned(), format!("another name for `{key}`")),
        ParameterKind::AlwaysTrue(why) => ("`true`".to_owned(), format!("`false` is refused: {why}")),
    };
    (default, meaning)
}

/// Where to register an app, by the preset's name: the item "Register" of each preset's rustdoc.
fn registrations() -> Vec<(String, String)> {
    let files = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/provider")).unwrap();
    let registration = |source: String| {
        let (_, name) = source.split_once("const NAME: &'static str = \"")?;
        let (_, item) = source.split_once("/// - Register")?;
        let (item, _) = item.split_once("\n/// - ").or_else(|| item.split_once("\n///\n"))?;
        let text = item.replace("\n///  ", "").replace(" that the log shows at launch", "");
        let text = text.strip_prefix(": ").or(text.strip_prefix(" at ")).unwrap_or(text.trim_start());
        Some((name.split('"').next()?.to_owned(), text.to_owned()))
    };
    files.filter_map(|file| registration(fs::read_to_string(file.unwrap().path()).unwrap())).collect()
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    page += "\n## Presets\n\n\
        | preset | provider | protocol | id | PKCE | refresh tokens | revocation | trusted addresses | scope |\n\
        |---|---|---|---|---|---|---|---|---|\n";
    for (name, preset) in PRESETS {
        page += &(row(name, preset) + "\n");
    }
    page += "\n## Keys of presets\n\n| preset | key | default | meaning |\n|---|---|---|---|\n";
    for (name, preset) in PRESETS {
        for (key, kind) in preset.parameters {
            let (default, meaning) = meaning(*kind);
            writeln!(page, "| `{name}` | `{key}` | {default} | {meaning} |").unwrap();
        }
    }
    page += "\n## Where to register\n\n\
        `Dance::doctor` prints the callback URL of each entry; so does the log at launch, at the level `info`.\n\n| preset | where, and what to enter |\n|---|---|\n";
    let pages = registrations();
    for (name, _) in PRESETS {
        if let Some((_, text)) = pages.iter().find(|(known, _)| known == name) {
            writeln!(page, "| `{name}` | {text} |").unwrap();
        }
    }
    page += "\n## Differences from Flask-Dance\n\n\
        Flask-Dance's constructor parameters are keys with the same names. These values differ:\n\n\
        | preset | value | ours | Flask-Dance's | reason |\n|---|---|---|---|---|\n";
    for [name, value, ours, theirs, reason] in flask_dance::differences() {
        let code = |text: &str| if text.is_empty() { "none".to_owned() } else { format!("`{text}`") };
        writeln!(page, "| `{name}` | `{value}` | {} | {} | {reason} |", code(&ours), code(&theirs)).unwrap();
    }
    page + "\n[settings]: settings.md\n"
}

#[test]
fn the_page_of_the_providers_is_up_to_date() {
    let page = page();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(PATH, &page).unwrap();
    }
    let written = fs::read_to_string(PATH).unwrap_or_default();
    assert!(written == page, "UPDATE=1 cargo test --all-features --lib providers_page");
}

#[test]
fn no_id_is_a_name_an_address_or_from_the_callback() {
    for (name, preset) in PRESETS {
        for part in preset.fields.id.split('|').map(str::trim) {
            assert!(!part.starts_with("callback."), "{name}: {part}");
            assert!(!part.to_lowercase().contains("mail") && !part.contains('+'), "{name}: {part}");
        }
    }
}
