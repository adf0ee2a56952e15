//! How a [`FakeProvider`] takes the place of a provider in an app.

use std::sync::Arc;

use rocket::{Build, Rocket};
use serde_json::Value;

use super::entry_config::{built_in_preset, entry_key};
use super::fake_provider::{FakeProvider, entry_of_openid, entry_of_preset, with_auth_method};
use super::in_process::InProcess;
use super::server::AuthorizationServer;
use crate::config::find_preset;
use crate::dance::TestSetup;
use crate::flow::StandIn;
use crate::provider::Preset;

/// The claim that a preset requires, if the entry has a key: preset, key, and claim.
const REQUIRED_CLAIMS: [(&str, &str, &str); 3] = [
    ("google", "hosted_domain", "hd"),
    ("slack", "team", "https://slack.com/team_id"),
    ("auth0", "organization", "org_id"),
];

impl FakeProvider {
    /// Configures this provider in place of the entry called `name`, and makes its [`Clock`](crate::testing::Clock) that of the
    /// app. The entry keeps its preset: the one that its `provider` names, or the one with the entry's name, ours or the app's
    /// own. Without a preset it is an OpenID Connect entry. The rest of the app's configuration stays: every user has what it
    /// requires of them, for example Google's claim `hd` for `hosted_domain`.
    ///
    /// ```
    /// use rocket::local::asynchronous::Client;
    /// use rocket_dance::storage::MemoryStorage;
    /// use rocket_dance::testing::FakeProvider;
    ///
    /// # use rocket_dance::Dance;
    /// # fn app() -> rocket::Rocket<rocket::Build> { rocket::build().attach(Dance::fairing().storage(MemoryStorage::new())) }
    /// # rocket::async_test(async {
    /// let fake = FakeProvider::new();
    /// let client = Client::tracked(fake.stand_in(app(), "github")).await.unwrap();
    /// # });
    /// ```
    pub fn stand_in(&self, rocket: Rocket<Build>, name: &str) -> Rocket<Build> {
        let text = |key: &str| rocket.figment().extract_inner::<String>(&format!("oauth.{name}.{key}")).ok();
        let given = text("provider").unwrap_or_else(|| name.to_owned());
        let auth_method = text("token_endpoint_auth_method").unwrap_or_default();
        let preset = find_preset(&given, built_in_preset);
        let is_preset = |known: &str| preset.as_ref().is_some_and(|(name, _)| name == known);
        let required = REQUIRED_CLAIMS.iter().filter(|(known, ..)| is_preset(known));
        let required = required.filter_map(|&(_, key, claim)| Some((claim, text(key)?)));
        self.server().behavior().required_claims.extend(required.map(
            |(claim, value)| match value.as_str() {
                "*" => (claim, "example.test".to_owned()),
                _ => (claim, value),
            },
        ));
        // At once, because other fairings may look whether there are entries.
        let figment = rocket.figment().clone();
        let known = entry(self.server(), preset, &auth_method);
        let figment = figment.merge((entry_key(name), known));
        let (server, key) = (self.server().clone(), entry_key(name));
        TestSetup::change(self.attach(rocket.configure(figment)), |changes| {
            // Only the launch knows the app's own presets.
            changes.entries.push(Box::new(move |presets| {
                let known = find_preset(&given, |name| presets.get(name));
                if let Some((name, preset)) = &known {
                    Arc::make_mut(&mut server.behavior().own_presets).insert(name.clone(), **preset);
                }
                (key.clone(), entry(&server, known, &auth_method))
            }));
        })
    }

    /// Makes this provider answer the app's requests to it, and its [`Clock`](crate::testing::Clock) that of the app.
    /// [`stand_in`](FakeProvider::stand_in) does so. It is for an app that has the entry already, for example from
    /// [`config`](FakeProvider::config).
    pub fn attach(&self, rocket: Rocket<Build>) -> Rocket<Build> {
        TestSetup::change(rocket, |changes| {
            let clock = changes.clock.get_or_insert_with(|| self.server().clock());
            self.server().set_clock(clock.clone());
            changes.stand_ins.extend(self.in_process());
        })
    }

    /// What answers requests in place of the network, if this provider has no port.
    pub(super) fn in_process(&self) -> Option<Arc<dyn StandIn>> {
        (!self.has_port()).then(|| Arc::new(InProcess(self.server().clone())) as Arc<dyn StandIn>)
    }
}

/// The table of an entry with this preset, which has its name with it, or, if there is none, of an OpenID Connect entry. Its client authenticates
/// with `auth_method`, if the app's configuration names one that needs another client.
fn entry(server: &AuthorizationServer, preset: Option<(String, &Preset)>, auth_method: &str) -> Value {
    let entry = match preset {
        Some((name, preset)) => entry_of_preset(server, &name, Some(preset)),
        None => entry_of_openid(server),
    };
    with_auth_method(server, entry, auth_method)
}
