//! The presets compared with those of Flask-Dance.

use super::*;
use crate::provider::{ParameterKind, Preset};

const VALUES: &str = include_str!("flask_dance.toml");

/// One preset of Flask-Dance.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Theirs {
    authorization_url: String,
    token_url: String,
    request_token_url: Option<String>,
    api_base_url: String,
    #[serde(default)]
    scope: Vec<String>,
    parameters: Vec<String>,
    /// Why ours differs, by the name of the value.
    #[serde(default)]
    reasons: BTreeMap<String, String>,
}

fn theirs() -> BTreeMap<String, Theirs> {
    Figment::from(Toml::string(VALUES)).extract().unwrap()
}

/// The values of `preset` under their names, with the defaults of its own keys.
fn values(name: &str, preset: &Preset, theirs: &Theirs) -> Vec<(&'static str, String, String)> {
    let ours = |url: Option<&str>| {
        let url = url.unwrap_or("(found by discovery)");
        let url = preset.parameters.iter().fold(url.to_owned(), |url, (key, kind)| {
            let default = match kind {
                ParameterKind::Host(default) | ParameterKind::BaseUrl(default) => {
                    default.replace("{is_sandbox}", "login")
                }
                ParameterKind::Choice(texts) => texts[0].to_owned(),
                ParameterKind::Segment(default) => (*default).to_owned(),
                ParameterKind::Switch(off, _) => (*off).to_owned(),
                _ => String::new(),
            };
            url.replace(&format!("{{{key}}}"), &default)
        });
        if name == "jira" { format!("https://jira.example.com{url}") } else { url }
    };
    let mut values = vec![
        ("authorization_url", ours(preset.authorization_url), theirs.authorization_url.clone()),
        ("token_url", ours(preset.token_url), theirs.token_url.clone()),
        (
            "api_base_url",
            ours(preset.api_base_url),
            format!("{}/", theirs.api_base_url.trim_end_matches('/')),
        ),
        ("scope", preset.scope.join(" "), theirs.scope.join(" ")),
    ];
    values.extend(
        theirs
            .request_token_url
            .clone()
            .map(|url| ("request_token_url", ours(preset.request_token_url), url)),
    );
    values
}

/// The values that differ: preset, name of the value, ours, theirs, and the reason.
pub(super) fn differences() -> Vec<[String; 5]> {
    let mut differences = Vec::new();
    for (name, theirs) in theirs() {
        let (_, preset) =
            PRESETS.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("{name}"));
        for (value, ours, other) in values(&name, preset, &theirs) {
            if ours != other {
                let reason = theirs.reasons.get(value).cloned().unwrap_or_default();
                differences.push([name.clone(), value.to_owned(), ours, other, reason]);
            }
        }
    }
    differences
}

#[test]
fn every_difference_has_a_reason() {
    let differences = differences();
    for [name, value, ours, theirs, reason] in &differences {
        assert!(!reason.is_empty(), "{name}.{value} is {ours}, and {theirs} in Flask-Dance");
    }
    for (name, theirs) in theirs() {
        for value in theirs.reasons.keys() {
            let is_used = differences.iter().any(|known| known[0] == name && known[1] == *value);
            assert!(is_used, "{name}.{value} is the same: its reason can go");
        }
    }
}

#[test]
fn every_parameter_of_a_constructor_is_a_key() {
    for (name, theirs) in theirs() {
        let entry = format!("[default.oauth.{name}]\n");
        let known = documentation::known(&entry);
        let missing: Vec<_> = theirs
            .parameters
            .iter()
            // RSA-SHA1 is a feature.
            .filter(|key| !known.contains(*key) && *key != "rsa_key")
            .collect();
        assert!(missing.is_empty(), "{name} lacks {missing:?}");
    }
}
