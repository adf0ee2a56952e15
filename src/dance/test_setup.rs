//! What a test changes about an app before its launch, with the feature `testing`. Without it, nothing can be changed.

use std::borrow::Cow;
use std::collections::BTreeMap;
#[cfg(feature = "testing")]
use std::sync::{Arc, Mutex, MutexGuard};

use rocket::figment::Figment;
use rocket::{Build, Rocket};
#[cfg(feature = "testing")]
use serde_json::Value;

use crate::clock::Clock;
#[cfg(feature = "testing")]
use crate::flow::StandIn;
use crate::flow::StandIns;
#[cfg(feature = "testing")]
use crate::lock::lock;
use crate::provider::Preset;
#[cfg(feature = "testing")]
use crate::storage::AnyStorage;
use crate::storage::{StorageBackend, UserType};

/// Makes the storage that replaces the app's own, for the type of the app's user ids.
#[cfg(feature = "testing")]
pub(crate) type ReplaceStorage = Box<dyn FnOnce(Option<UserType>) -> AnyStorage + Send>;

/// Makes the key and the table of an entry, from the presets that the app knows.
#[cfg(feature = "testing")]
pub(crate) type ConfigureEntry = Box<dyn Fn(&BTreeMap<String, Preset>) -> (String, Value) + Send>;

/// The managed state that has the changes of a test.
#[cfg(feature = "testing")]
#[derive(Default)]
pub(crate) struct TestSetup(Mutex<Changes>);

/// The changes of a test.
#[cfg(feature = "testing")]
#[derive(Default)]
pub(crate) struct Changes {
    pub(crate) storage: Option<ReplaceStorage>,
    pub(crate) clock: Option<Clock>,
    pub(crate) stand_ins: Vec<Arc<dyn StandIn>>,
    pub(crate) entries: Vec<ConfigureEntry>,
}

#[cfg(feature = "testing")]
impl TestSetup {
    /// Changes the app that `rocket` builds.
    pub(crate) fn change(rocket: Rocket<Build>, change: impl FnOnce(&mut Changes)) -> Rocket<Build> {
        let rocket = match rocket.state::<Self>() {
            Some(_) => rocket,
            None => rocket.manage(Self::default()),
        };
        if let Some(setup) = rocket.state::<Self>() {
            change(&mut setup.lock());
        }
        rocket
    }

    /// The stand-ins of an app.
    pub(crate) fn stand_ins(&self) -> Vec<Arc<dyn StandIn>> {
        self.lock().stand_ins.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Changes> {
        lock(&self.0)
    }
}

#[cfg(feature = "testing")]
fn changes(rocket: &Rocket<Build>) -> Option<MutexGuard<'_, Changes>> {
    rocket.state::<TestSetup>().map(TestSetup::lock)
}

/// Returns the configuration of `rocket`, with the entries that a test has changed.
pub(super) fn figment<'r>(rocket: &'r Rocket<Build>, presets: &BTreeMap<String, Preset>) -> Cow<'r, Figment> {
    let figment = Cow::Borrowed(rocket.figment());
    #[cfg(feature = "testing")]
    if let Some(changes) = changes(rocket).filter(|changes| !changes.entries.is_empty()) {
        let entries = changes.entries.iter().map(|configure| configure(presets));
        return Cow::Owned(entries.fold(figment.into_owned(), Figment::merge));
    }
    let _ = presets;
    figment
}

/// Returns the storage that a test has put in place of `own`, which the app has attached, or else `own`.
pub(super) fn storage(
    rocket: &Rocket<Build>,
    own: StorageBackend,
    user_type: Option<UserType>,
) -> StorageBackend {
    #[cfg(feature = "testing")]
    if let Some(replace) = changes(rocket).and_then(|mut changes| changes.storage.take()) {
        let AnyStorage(storage) = replace(own.shared().and_then(|own| own.user_type()).or(user_type));
        return storage;
    }
    let _ = (rocket, user_type);
    own
}

/// Returns the clock of an app: the one that a test has given it, or a new one.
pub(super) fn clock(rocket: &Rocket<Build>) -> Clock {
    #[cfg(feature = "testing")]
    if let Some(clock) = changes(rocket).and_then(|changes| changes.clock.clone()) {
        return clock;
    }
    let _ = rocket;
    Clock::default()
}

/// Returns what answers requests to providers in place of the network.
pub(super) fn stand_ins(rocket: &Rocket<Build>) -> StandIns {
    #[cfg(feature = "testing")]
    if let Some(changes) = changes(rocket) {
        return StandIns::new(changes.stand_ins.clone());
    }
    let _ = rocket;
    StandIns::default()
}
