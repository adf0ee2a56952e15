//! The demo provider, for an app without entries.

use rocket::fairing::{self, Fairing, Info, Kind};
use rocket::{Build, Config, Orbit, Rocket};

use super::issuer::{Client, Issuer};
use crate::dance::Dance;
use crate::secret::KeyRing;

/// A provider to try a whole sign-in with, offline: on the app's own port, as entry `demo`, when Rocket.toml names no
/// entry at all. Anybody may be anybody there: attach it in debug builds only, and before the dance. In another profile
/// than `debug` it does nothing.
///
/// ```
/// use rocket_dance::Dance;
/// use rocket_dance::testing::Demo;
///
/// let rocket = rocket::build();
/// #[cfg(debug_assertions)]
/// let rocket = rocket.attach(Demo::fairing());
/// let rocket = rocket.attach(Dance::fairing());
/// # let _ = rocket;
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Demo(());

const NAME: &str = "demo";

impl Demo {
    /// The fairing.
    pub fn fairing() -> impl Fairing {
        Demo(())
    }
}

/// Where browsers see the app: as the dance reads it.
fn base_url<P: rocket::Phase>(rocket: &Rocket<P>) -> String {
    let figment = rocket.figment();
    let port = figment.extract_inner::<u16>("port").unwrap_or(8000);
    figment
        .extract_inner::<String>("dance.base_url")
        .map_or_else(|_| format!("http://localhost:{port}"), |url| url.trim_end_matches('/').to_owned())
}

#[rocket::async_trait]
impl Fairing for Demo {
    fn info(&self) -> Info {
        Info { name: "Demo provider", kind: Kind::Ignite | Kind::Liftoff | Kind::Singleton }
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> fairing::Result {
        let figment = rocket.figment().clone();
        if figment.profile() != Config::DEBUG_PROFILE {
            return Ok(rocket);
        }
        let entries = figment.find_value("oauth").ok().and_then(|oauth| oauth.into_dict());
        if entries.is_some_and(|entries| !entries.is_empty()) {
            return Ok(rocket);
        }
        if rocket.state::<Dance>().is_some() {
            log::error!(
                "oauth: the demo provider is attached too late: `.attach(Demo::fairing())` before `Dance::fairing()`"
            );
            return Ok(rocket);
        }
        let base_url = base_url(&rocket);
        let prefix = figment.extract_inner::<String>("dance.prefix").unwrap_or_else(|_| "/login".into());
        let callback = format!("{base_url}{}/{NAME}/authorized", prefix.trim_end_matches('/'));
        // Known to everybody, and no harm: a provider without passwords has nothing to keep. So the accounts of a demo
        // live through a restart.
        let keys = KeyRing::new([*b"the demo provider keeps no secret".first_chunk().unwrap_or(&[0; 32])]);
        let issuer = Issuer::new(format!("{base_url}/{NAME}"), &keys, Client::new(NAME, NAME, callback));
        let figment = figment
            .merge(issuer.entry(NAME))
            .merge((format!("oauth.{NAME}.title"), "Demo"))
            .merge((format!("oauth.{NAME}.extra_scope"), "offline_access"));
        Ok(rocket.configure(figment).attach(issuer).manage(Attached))
    }

    async fn on_liftoff(&self, rocket: &Rocket<Orbit>) {
        if rocket.state::<Attached>().is_some() {
            log::info!(
                "oauth: no entry is set up, so there is a demo provider: open {} and sign in",
                base_url(rocket)
            );
        }
    }
}

/// Managed when the demo provider is there.
struct Attached;
