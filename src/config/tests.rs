//! The configuration, read from Rocket.toml, the environment and files.

mod client_auth;
mod documentation;
mod entries;
mod flask_dance;
mod hidden_characters;
mod oauth1;
mod parameters;
mod providers_page;
mod settings;
mod urls;
mod wrong;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rocket::Config;
use rocket::figment::providers::{Format, Toml};
use rocket::figment::value::{Dict, Map, Value};
use rocket::figment::{Error, Figment, Metadata, Profile, Provider};

use url::Url;

use super::settings::CacheSettings;
use super::*;
use crate::provider::{PRESETS, Protocol, ResponseMode, SignatureMethod, SigningAlgorithm};
use crate::token::Token;

/// Rocket's environment variables, without changing the environment.
struct RocketEnv(Dict);

impl Provider for RocketEnv {
    fn metadata(&self) -> Metadata {
        Metadata::named("`ROCKET_` environment variable(s)")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Profile::Global.collect(self.0.clone()))
    }
}

/// Reads a Rocket.toml over all presets. Its `#!` lines are what else there is: the profile `#! release`, `#! ROCKET_OAUTH={…}`,
/// `#! GITHUB_OAUTH_CLIENT_ID=…`, `#! file secret.txt=…`.
fn read_toml(toml: &str) -> Result<(Settings, BTreeMap<String, Entry>), String> {
    let names: Vec<&str> = PRESETS.iter().map(|(name, _)| *name).collect();
    read_toml_over(&names, toml)
}

/// Reads a Rocket.toml over the presets with these names.
fn read_toml_over(names: &[&str], toml: &str) -> Result<(Settings, BTreeMap<String, Entry>), String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("Rocket.toml");
    fs::write(&file, toml).unwrap();
    let (mut profile, mut rocket, mut vars) = (Config::DEBUG_PROFILE, Dict::new(), BTreeMap::new());
    for line in toml.lines().filter_map(|line| line.strip_prefix("#! ")) {
        match line.split_once('=') {
            None => profile = Profile::new(line),
            Some((name, text)) => {
                if let Some(name) = name.strip_prefix("file ") {
                    fs::write(folder.path().join(name), text.replace("\\n", "\n")).unwrap();
                } else if let Some(name) = name.strip_prefix("ROCKET_") {
                    rocket.insert(name.to_ascii_lowercase(), text.parse::<Value>().unwrap());
                } else {
                    vars.insert(name.to_owned(), text.to_owned());
                }
            }
        }
    }
    let figment = Figment::from(Config::debug_default())
        .merge(Toml::file(&file).nested())
        .merge(RocketEnv(rocket))
        .select(profile);
    let presets = PRESETS.iter().filter(|(name, _)| names.contains(name));
    let presets = presets.map(|(name, preset)| ((*name).to_owned(), *preset)).collect();
    // Figment shows the absolute or the relative path, whichever is shorter.
    let folder_name = format!("{}/", folder.path().file_name().unwrap().display());
    let in_folder = |faults: Faults| {
        let mut text = faults.join("\n");
        while let Some(end) = text.find(&folder_name).map(|at| at + folder_name.len()) {
            let start = text[..end].rfind(['(', ' ', '`', '"']).map_or(0, |at| at + 1);
            text.replace_range(start..end, "");
        }
        text
    };
    read(&figment, &presets, &|name| vars.get(name).cloned()).whole().map_err(in_folder)
}

fn read_settings(toml: &str) -> Settings {
    read_toml(toml).unwrap_or_else(|faults| panic!("{faults}")).0
}

fn read_entry(name: &str, toml: &str) -> Entry {
    let (_, mut entries) = read_toml(toml).unwrap_or_else(|faults| panic!("{faults}"));
    entries.remove(name).unwrap()
}

fn api_base(entry: &Entry) -> Option<Url> {
    entry.api_base.as_ref()?.url(&Token::new("t"))
}

fn oauth2(entry: &Entry) -> &OAuth2Options {
    entry.oauth2().unwrap()
}

fn client_secret(entry: &Entry) -> &str {
    oauth2(entry).client_auth.secret().unwrap().expose()
}

/// A GitHub entry with `more` keys.
fn github(more: &str) -> Entry {
    read_entry(
        "github",
        &format!("[default.oauth.github]\nclient_id = \"id\"\nclient_secret = \"secret\"\n{more}"),
    )
}
