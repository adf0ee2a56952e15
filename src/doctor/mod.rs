//! `Dance::doctor`: checks an app before users do.
//!
//! | files | what they hold |
//! |---|---|
//! | `report` | [`DoctorReport`] |
//! | `launch` | ignites the app as an examination, and judges why it fails |
//! | `rocket_config` `keys` `cookies` `network` `provider` `base_url` | the checks, each a function that judges facts |
//!
//! The checks of the database are the storage's own: `src/storage/sql/database_check.rs`.

mod base_url;
mod cookies;
mod keys;
mod launch;
mod network;
mod provider;
mod report;
mod rocket_config;

use std::time::Duration;

use futures::future::{join, join_all};
use rocket::tokio::time::{Instant, timeout_at};
use rocket::{Build, Rocket};

pub use self::report::DoctorReport;
use crate::config::{Entry, Settings};
use crate::dance::{Dance, Examined, backchannel_logout_uri, post_logout_redirect_uri};
use crate::finding::Finding;
use crate::flow::Engine;

/// Timeout for all checks together.
const DOCTOR_TIMEOUT: Duration = Duration::from_secs(30);
/// Timeout for counting which keys the stored accounts need, within that.
const KEYS_TIMEOUT: Duration = Duration::from_secs(5);
/// Timeout for the launch, within that.
const LAUNCH_TIMEOUT: Duration = Duration::from_secs(15);

impl Dance {
    /// Checks an app and what it depends on, and says how to cure what is wrong. It starts no server.
    ///
    /// It checks Rocket's configuration, the entries and the settings; the keys; the database with its tables, rights and
    /// triggers; whether `base_url` leads to this app; proxies and certificates; and at each provider the metadata, the keys, the
    /// scopes, the clock, and whether it accepts the client. The report also has the callback URLs to register.
    ///
    /// It takes the app as it is launched, and ignites it without its effects: no migration runs, and no trigger or file is
    /// created. Other fairings of the app run as always, also those that run the app's own migrations. It ends after at most 30
    /// seconds. A provider that cannot be reached is one warning.
    ///
    /// To make it a command of the app, `myapp doctor`, add one statement to `main`:
    ///
    /// ```no_run
    /// use rocket::{Build, Rocket};
    /// use rocket_dance::Dance;
    ///
    /// fn app() -> Rocket<Build> {
    ///     rocket::build().attach(Dance::fairing())
    /// }
    ///
    /// #[rocket::main]
    /// async fn main() -> Result<(), rocket::Error> {
    ///     if std::env::args().nth(1).as_deref() == Some("doctor") {
    ///         Dance::doctor(app()).await.exit();
    ///     }
    ///     app().launch().await.map(drop)
    /// }
    /// ```
    ///
    /// A test of the app can check the report. Stand-ins answer for providers; `base_url` is requested over the network, also in
    /// a test:
    ///
    /// ```
    /// use rocket_dance::{Dance, FindingLevel};
    ///
    /// # rocket::async_test(async {
    /// # let figment = rocket::Config::figment().merge(("dance.base_url", "ftp://app.example.com")).merge(("log_level", "off"));
    /// let report = Dance::doctor(rocket::custom(figment).attach(Dance::fairing())).await;
    /// assert_eq!(report.level(), FindingLevel::Failure);                   // a wrong base_url
    /// assert!(report.findings().iter().any(|finding| finding.text.contains("base_url")));
    /// # });
    /// ```
    pub async fn doctor(rocket: Rocket<Build>) -> DoctorReport {
        let deadline = Instant::now() + DOCTOR_TIMEOUT;
        let mut findings = rocket_config::check(rocket.figment());
        let launched = launch::examine(rocket, LAUNCH_TIMEOUT).await;
        let examined = launched.examined;
        findings.extend(launched.findings);
        findings.extend(facts(&examined));
        findings.extend(examined.storage.iter().cloned());
        if let Some(dance) = launched.rocket.as_ref().and_then(Dance::fetch) {
            findings.extend(keys::check_use(dance, KEYS_TIMEOUT).await);
        }
        findings.extend(network::check(&network::variables()));
        let engine = match Engine::new(examined.clock.clone(), examined.stand_ins.clone()) {
            Ok(engine) => engine,
            Err(error) => {
                findings.push(Finding::fault("network", &error.for_operator()));
                return DoctorReport::new(findings);
            }
        };
        let entries = examined.entries.values();
        let providers = join_all(entries.map(|entry| check_provider(&engine, entry, deadline)));
        let own = base_url::check(&engine, &examined, deadline);
        let (own, providers) = join(own, providers).await;
        findings.extend(own);
        for (entry, found) in examined.entries.values().zip(providers) {
            findings.extend(examined.settings.iter().flat_map(|settings| to_register(entry, settings)));
            findings.extend(found);
        }
        DoctorReport::new(findings)
    }
}

/// What follows from the configuration alone.
fn facts(examined: &Examined) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(settings) = &examined.settings else { return findings };
    if examined.faults.is_empty() {
        findings.push(Finding::ok("configuration", number_of_entries(examined.entries.len())));
    }
    if let Some((_, source)) = &examined.keys {
        findings.extend(keys::check(settings, *source));
    }
    findings.extend(cookies::check(settings, examined.is_stored_in_browsers));
    findings
}

fn number_of_entries(number: usize) -> String {
    match number {
        0 => "it has no entries: no user can sign in with a provider".to_owned(),
        1 => "its entry and all settings can be read".to_owned(),
        _ => format!("its {number} entries and all settings can be read"),
    }
}

/// The URLs that the operator registers at the provider of `entry`.
fn to_register(entry: &Entry, settings: &Settings) -> Vec<Finding> {
    let subject = provider::subject(entry);
    let mut findings =
        vec![Finding::ok(&subject, format!("callback URL to register: {}", entry.redirect_uri))];
    if entry.logout {
        let (back, called) =
            (post_logout_redirect_uri(settings), backchannel_logout_uri(settings, &entry.name));
        findings.push(Finding::ok(&subject, format!("post-logout redirect URI to register: {back}")));
        findings.push(Finding::ok(&subject, format!("back-channel logout URI to register: {called}")));
    }
    findings
}

async fn check_provider(engine: &Engine, entry: &Entry, deadline: Instant) -> Vec<Finding> {
    match timeout_at(deadline, engine.probe(entry)).await {
        Ok(probe) => provider::check(entry, &probe),
        Err(_) => vec![Finding::warning(
            provider::subject(entry),
            "the provider's answers took too long",
            "run the doctor again",
        )],
    }
}
