//! The guide: pages for the people who build an app, and for those who run it.
//!
//! | you want to | read |
//! |---|---|
//! | choose features | [`installation`] |
//! | write a first app | [`quickstart`] |
//! | understand what happens, and in which words | [`concepts`], [`protocols`] |
//! | decide how people become users, and have several accounts | [`multi_user`] |
//! | decide who may sign in | [`policies`] |
//! | keep sessions, ask for a second factor | [`sessions`] |
//! | sign users out | [`signing_out`] |
//! | choose where accounts are stored | [`storages`] |
//! | run code of your own around a flow | [`signals`] |
//! | change our pages, their texts or their language | [`pages`] |
//! | write a single-page app, or a program on a device | [`json`] |
//! | call providers in the background, without a request | [`jobs`] |
#![cfg_attr(feature = "testing", doc = "| test the app | [`tests`] |")]
//! | put it behind a proxy, or below a path | [`proxies`] |
//! | run an app in production | [`checklist`], [`operation`] |
//! | check an app and what it depends on | [`doctor`] |
//! | plan for several processes, or for many accounts | [`scale`] |
//! | know what the library costs, or measure it | [`performance`] |
//! | know what the library guards against | [`attacks`] |
//! | know what an error code means | [`troubleshooting`] |
//! | look up a provider | [`providers`] |
//! | come from Flask-Dance or Flask-Social | [`from_flask_dance`] |
//! | come from rocket_oauth2 | [`from_rocket_oauth2`] |
//!
//! The smallest app is one guard, and one line that attaches the library:
//!
//! ```
//! use rocket_dance::{Dance, OAuth, Result, provider::GitHub};
//!
//! #[rocket::get("/zen")]
//! async fn zen(github: OAuth<GitHub>) -> Result<String> {
//!     github.get("zen").text().await
//! }
//!
//! let rocket = rocket::build().attach(Dance::fairing()).mount("/", rocket::routes![zen]);
//! # let _ = rocket;
//! ```
//!
//! [Settings](crate#settings) are on the front page.

#[cfg(all(doc, feature = "_sql"))]
use crate::storage::DieselStorage;
#[cfg(all(doc, feature = "testing"))]
use crate::testing;
#[cfg(doc)]
use crate::{
    Accounts, ApiRequest, AuthorizationRequest, Client, CurrentUser, Dance, DanceFairing, DoctorReport,
    Error, ErrorKind, Event, LinkCurrentUser, LinkPolicy, LocalPath, Login, NextStep, OAuth, Profile,
    RequireEmailDomain, RequiredScopes, Sessions, SignInOutcome, Signals, Site, Standing, Token, Tokens,
    UserId, Verdict, Visitor, catchers, flash, private_cookie, provider, storage,
};

/// Declares the pages. A page links to another as `[text][name]`, and defines `name` at its end as the file. The definition that
/// is put before the page here comes first, and therefore holds.
macro_rules! pages {
    ($($name:ident: $file:literal;)*) => { $(
        #[doc = "[settings]: crate#settings"]
        #[doc = "[installation]: crate::guide::installation"]
        #[doc = "[quickstart]: crate::guide::quickstart"]
        #[doc = "[concepts]: crate::guide::concepts"]
        #[doc = "[protocols]: crate::guide::protocols"]
        #[doc = "[multi_user]: crate::guide::multi_user"]
        #[doc = "[policies]: crate::guide::policies"]
        #[doc = "[sessions]: crate::guide::sessions"]
        #[doc = "[signing_out]: crate::guide::signing_out"]
        #[doc = "[storages]: crate::guide::storages"]
        #[doc = "[signals]: crate::guide::signals"]
        #[doc = "[pages]: crate::guide::pages"]
        #[doc = "[json]: crate::guide::json"]
        #[doc = "[jobs]: crate::guide::jobs"]
        #[doc = "[proxies]: crate::guide::proxies"]
        #[doc = "[checklist]: crate::guide::checklist"]
        #[doc = "[operation]: crate::guide::operation"]
        #[doc = "[doctor]: crate::guide::doctor"]
        #[doc = "[scale]: crate::guide::scale"]
        #[doc = "[performance]: crate::guide::performance"]
        #[doc = "[attacks]: crate::guide::attacks"]
        #[doc = "[troubleshooting]: crate::guide::troubleshooting"]
        #[cfg_attr(feature = "testing", doc = "[tests]: crate::guide::tests")]
        #[doc = "[providers]: crate::guide::providers"]
        #[doc = "[from_flask_dance]: crate::guide::from_flask_dance"]
        #[doc = "[from_rocket_oauth2]: crate::guide::from_rocket_oauth2"]
        #[doc = ""]
        #[doc = include_str!($file)]
        pub mod $name {}
    )* };
}

pages! {
    installation: "../docs/guide/installation.md";
    concepts: "../docs/guide/concepts.md";
    protocols: "../docs/guide/protocols.md";
    multi_user: "../docs/guide/multi_user.md";
    policies: "../docs/guide/policies.md";
    sessions: "../docs/guide/sessions.md";
    signing_out: "../docs/guide/signing_out.md";
    storages: "../docs/guide/storages.md";
    signals: "../docs/guide/signals.md";
    pages: "../docs/guide/pages.md";
    json: "../docs/guide/json.md";
    jobs: "../docs/guide/jobs.md";
    proxies: "../docs/guide/proxies.md";
    checklist: "../docs/guide/checklist.md";
    operation: "../docs/guide/operation.md";
    doctor: "../docs/guide/doctor.md";
    scale: "../docs/guide/scale.md";
    performance: "../docs/performance.md";
    attacks: "../docs/guide/attacks.md";
    troubleshooting: "../docs/guide/troubleshooting.md";
    providers: "../docs/providers.md";
    from_flask_dance: "../docs/from_flask_dance.md";
    from_rocket_oauth2: "../docs/from_rocket_oauth2.md";
}

#[cfg(feature = "testing")]
pages! {
    quickstart: "../docs/guide/quickstart.md";
    tests: "../docs/guide/testing.md";
}

/// The first app uses the demo provider: its page is in the documentation that has the feature `testing`.
#[cfg(not(feature = "testing"))]
pub mod quickstart {}
