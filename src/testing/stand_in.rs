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

impl FakeProvider {
    /// Configures this provider in place of the entry called `name`, and makes its [`Clock`](crate::testing::Clock) that of the
    /// app. The entry keeps its preset: the one that its `provider` names, or the one with the entry's name, ours or the app's
    /// own. Without a preset it is an OpenID Connect entry. The rest of the app's configuration stays: every user has what it
    /// requires of them ([`Preset::required_claims`]), for example the claim `hd` for Google's `hosted_domain`.
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
        let (given_figment, entry_name) = (rocket.figment().clone(), name.to_owned());
        let text = move |key: &str| -> Option<String> {
            given_figment.extract_inner(&format!("oauth.{entry_name}.{key}")).ok()
        };
        let given = text("provider").unwrap_or_else(|| name.to_owned());
        let auth_method = text("token_endpoint_auth_method").unwrap_or_default();
        let preset = find_preset(&given, built_in_preset);
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
                    let mut behavior = server.behavior();
                    Arc::make_mut(&mut behavior.own_presets).insert(name.clone(), **preset);
                    behavior.required_claims.extend(required_claims(preset, &text));
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

/// The claims that an entry with this preset requires, with values that it accepts. `text` returns the entry's keys.
fn required_claims(
    preset: &Preset,
    text: impl Fn(&str) -> Option<String>,
) -> impl Iterator<Item = (&'static str, String)> {
    preset.required_claims.iter().filter_map(move |&(key, claim)| {
        let wanted = text(key)?;
        // Any value is admitted.
        Some((claim, if wanted == "*" { "example.test".to_owned() } else { wanted }))
    })
}

/// The table of an entry with this preset, which has its name with it, or, if there is none, of an OpenID Connect entry. Its client
/// authenticates with `auth_method`, if the app's configuration names one that needs another client.
fn entry(server: &AuthorizationServer, preset: Option<(String, &Preset)>, auth_method: &str) -> Value {
    let entry = match preset {
        Some((name, preset)) => entry_of_preset(server, &name, Some(preset)),
        None => entry_of_openid(server),
    };
    with_auth_method(server, entry, auth_method)
}
