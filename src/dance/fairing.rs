//! What the fairing does: at ignite, at liftoff, around every request, at shutdown.

use std::time::Duration;

use rocket::fairing::{Fairing, Info, Kind, Result as Ignited};
use rocket::tokio::time::timeout;
use rocket::{Build, Data, Orbit, Request, Response, Rocket};

use super::accounts::{log_lost_keys, report_dropped, session_change};
use super::builder::DanceFairing;
use super::catchers::{RouteGuards, error_catcher, warn_if_unregistered};
use super::examination::Examination;
use super::handle::Dance;
use super::ignite::build;
use super::missing_storage::{NoStorageAttached, warn_if_users_are_expected};
use super::routes::{backchannel_logout_uri, mount, post_logout_redirect_uri, warn_of_hidden_routes};
#[cfg(feature = "testing")]
use super::test_command::TestCommand;
use super::unusable_entries;
use super::web::{account_cookies, make_room, note_request_line, sets_our_cookie};
use crate::config::Entry;
use crate::flash::flash_cookie;
use crate::lock::lock;
use crate::session::SessionCommand;

/// Timeout for revocations in progress at shutdown. It is within Rocket's own grace period.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// The name of the fairing in Rocket's launch list.
pub(crate) const FAIRING_NAME: &str = "OAuth dance";

#[rocket::async_trait]
impl Fairing for DanceFairing {
    fn info(&self) -> Info {
        let kind = Kind::Ignite | Kind::Liftoff | Kind::Request | Kind::Response | Kind::Shutdown;
        Info { name: FAIRING_NAME, kind: kind | Kind::Singleton }
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> Ignited {
        let parts = std::mem::take(&mut *lock(&self.0));
        let has_storage = parts.storage.is_some();
        match build(parts, &rocket).await {
            Ok(dance) => {
                let rocket = if has_storage { rocket } else { rocket.manage(NoStorageAttached) };
                let rocket = mount(rocket, &dance).manage(dance).manage(RouteGuards::default());
                Ok(rocket.attach(error_catcher()))
            }
            Err(faults) => {
                if let Some(examination) = rocket.state::<Examination>() {
                    examination.note(|examined| examined.faults = faults);
                    return Err(rocket);
                }
                for fault in &faults {
                    log::error!("oauth: {fault}");
                }
                let problems = if faults.len() == 1 { "problem" } else { "problems" };
                log::error!("oauth: launch aborted: {} {problems}", faults.len());
                Err(rocket)
            }
        }
    }

    async fn on_liftoff(&self, rocket: &Rocket<Orbit>) {
        let Some(dance) = Dance::fetch(rocket) else { return };
        for entry in dance.entries().values() {
            log_entry(dance, entry);
        }
        warn_if_unregistered(rocket);
        unusable_entries::warn(rocket, dance);
        warn_if_users_are_expected(rocket, dance);
        warn_of_hidden_routes(rocket, dance);
        let scan = dance.clone();
        rocket::tokio::spawn(async move { log_lost_keys(&scan).await });
        if !dance.settings().secure() {
            log::warn!("oauth: the app itself is plain http on a loopback host: cookies are not Secure");
        }
        if !dance.settings().log_requests && log::max_level() > log::LevelFilter::Info {
            // At debug level Rocket prints whole requests and responses: cookies, codes, tokens.
            log::warn!(
                "oauth: the log is capped at info, since at debug level Rocket prints secrets: `log_requests = true` \
                 lifts the cap"
            );
            log::set_max_level(log::LevelFilter::Info);
        }
    }

    async fn on_shutdown(&self, rocket: &Rocket<Orbit>) {
        let Some(dance) = Dance::fetch(rocket) else { return };
        dance.context().revocations.skip_pauses();
        if timeout(SHUTDOWN_TIMEOUT, dance.wait_for_revocations()).await.is_err() {
            log::warn!("oauth: the app ends before the tokens of all removed accounts are revoked");
        }
    }

    async fn on_request(&self, request: &mut Request<'_>, _: &mut Data<'_>) {
        // LK-04: Rocket logs the request line, and a callback's has the code and the state.
        if let Some(dance) = request.rocket().state::<Dance>().cloned() {
            note_request_line(&dance, request);
            #[cfg(feature = "testing")]
            TestCommand::run(&dance, request).await;
        }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        let Some(dance) = request.rocket().state::<Dance>() else { return };
        if let Some(command) = SessionCommand::take_from(response) {
            session_change::apply(dance, request, command, response).await;
        }
        if dance.is_stored_in_browsers() {
            for cookie in account_cookies(dance, request) {
                response.adjoin_header(&cookie);
            }
            report_dropped(dance, request).await;
        }
        if let Some(cookie) = flash_cookie(request, dance.settings().secure()) {
            response.adjoin_header(&cookie);
            response.set_raw_header("Cache-Control", "no-store");
        }
        // CK-11: a shared cache must not give our cookies to other visitors, also if a page of the app's sets them.
        if response.headers().get("Set-Cookie").any(sets_our_cookie) {
            make_room(dance, request, response);
            if !response.headers().contains("Cache-Control") {
                response.set_raw_header("Cache-Control", "no-store");
            }
        }
        // On our pages. Rocket's Shield sets SAMEORIGIN, and warns if the header is there before.
        let policy = response.headers().get_one("Content-Security-Policy");
        if policy == Some(&dance.pages().content_security_policy) {
            response.set_raw_header("X-Frame-Options", "DENY");
        }
    }
}

/// Logs an entry, with the URLs to register at the provider.
fn log_entry(dance: &Dance, entry: &Entry) {
    log::info!("oauth: {}", entry.liftoff_line());
    if entry.logout {
        log::info!(
            "oauth: {}: URL to register for the way back after signing out: {}; for back-channel logout: {}",
            entry.name,
            post_logout_redirect_uri(dance.settings()),
            backchannel_logout_uri(dance.settings(), &entry.name)
        );
    }
    if !entry.notice.is_empty() {
        log::warn!("oauth: {}: {}", entry.name, entry.notice);
    }
    let plain = entry.plain_urls();
    if !plain.is_empty() {
        let keys = plain.join("`, `");
        log::warn!("oauth: {}: plain http, which is allowed on a loopback host only: `{keys}`", entry.name);
    }
}
