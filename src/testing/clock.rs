//! [`Clock`]: the time of an app under test and of its providers.

use std::time::Duration;

use rocket::{Phase, Rocket};

use crate::dance::Dance;

/// The time of an app under test: of its sessions, flows, tokens and caches. A
/// [`FakeProvider`](crate::testing::FakeProvider) that [stands in](crate::testing::FakeProvider::stand_in) has the same clock:
/// its codes, tokens and ID tokens are of that time.
///
/// ```
/// use std::time::Duration;
/// use rocket::local::asynchronous::Client;
/// use rocket_dance::testing::{Clock, FakeProvider, sign_in};
///
/// # use rocket_dance::{Dance, storage::MemoryStorage, testing::replace_storage};
/// # fn app() -> rocket::Rocket<rocket::Build> { replace_storage(rocket::build().attach(Dance::fairing()), MemoryStorage::new()) }
/// # rocket::async_test(async {
/// let fake = FakeProvider::new();
/// let client = Client::tracked(fake.stand_in(app(), "github")).await.unwrap();
/// sign_in(&client, "github").await;
/// Clock::of(client.rocket()).advance(Duration::from_secs(8 * 60 * 60));     // the access token has expired
/// # });
/// ```
///
/// Timeouts of requests are those of the system.
#[derive(Debug, Clone)]
pub struct Clock(Dance);

impl Clock {
    /// Returns the clock of an app.
    ///
    /// # Panics
    /// If the app is not launched or ignited, or has no [`Dance::fairing`].
    #[track_caller]
    pub fn of<P: Phase>(rocket: &Rocket<P>) -> Self {
        Self(super::local_client::dance(rocket).clone())
    }

    /// Moves the clock forward by `duration`, in whole seconds.
    pub fn advance(&self, duration: Duration) {
        self.0.advance_clock(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX));
    }

    /// Returns the time of the app: unix time, in seconds.
    pub fn now(&self) -> i64 {
        self.0.clock().now()
    }
}
