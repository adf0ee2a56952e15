//! The guide: pages for the people who build an app, and for those who run it.
//!
//! | you want to | read |
//! |---|---|
//! | understand what happens, and in which words | [`concepts`] |
//! | decide who may sign in | [`policies`] |
//! | change our pages, their texts or their language | [`pages`] |
//! | write a single-page app, or a program on a device | [`json`] |
//! | put it behind a proxy, or below a path | [`proxies`] |
//! | run an app in production | [`operation`] |
//! | plan for several processes, or for many accounts | [`scale`] |
//! | know what an error code means | [`troubleshooting`] |
//! | look up a provider | [`providers`] |
//! | come from Flask-Dance or Flask-Social | [`from_flask_dance`] |
//! | come from rocket_oauth2 | [`from_rocket_oauth2`] |
//!
//! [Settings](crate#settings) are on the front page.

#[cfg(all(doc, feature = "_sql"))]
use crate::storage::DieselStorage;
#[cfg(all(doc, feature = "testing"))]
use crate::testing;
#[cfg(doc)]
use crate::{
    Accounts, ApiRequest, AuthorizationRequest, Client, CurrentUser, Dance, DanceFairing, Error, ErrorKind,
    Event, LinkCurrentUser, LinkPolicy, Login, NextStep, OAuth, Profile, RequireEmailDomain, Sessions,
    Signals, Standing, Token, Tokens, Verdict, Visitor, catchers, flash, provider, storage,
};

/// Declares the pages. A page links to another as `[text][name]`, and defines `name` at its end as the file. The definition that
/// is put before the page here comes first, and therefore holds.
macro_rules! pages {
    ($($name:ident: $file:literal;)*) => { $(
        #[doc = "[settings]: crate#settings"]
        #[doc = "[concepts]: crate::guide::concepts"]
        #[doc = "[policies]: crate::guide::policies"]
        #[doc = "[pages]: crate::guide::pages"]
        #[doc = "[json]: crate::guide::json"]
        #[doc = "[proxies]: crate::guide::proxies"]
        #[doc = "[operation]: crate::guide::operation"]
        #[doc = "[scale]: crate::guide::scale"]
        #[doc = "[troubleshooting]: crate::guide::troubleshooting"]
        #[doc = "[providers]: crate::guide::providers"]
        #[doc = "[from_flask_dance]: crate::guide::from_flask_dance"]
        #[doc = "[from_rocket_oauth2]: crate::guide::from_rocket_oauth2"]
        #[doc = ""]
        #[doc = include_str!($file)]
        pub mod $name {}
    )* };
}

pages! {
    concepts: "../docs/guide/concepts.md";
    policies: "../docs/guide/policies.md";
    pages: "../docs/guide/pages.md";
    json: "../docs/guide/json.md";
    proxies: "../docs/guide/proxies.md";
    operation: "../docs/guide/operation.md";
    scale: "../docs/guide/scale.md";
    troubleshooting: "../docs/guide/troubleshooting.md";
    providers: "../docs/providers.md";
    from_flask_dance: "../docs/from_flask_dance.md";
    from_rocket_oauth2: "../docs/from_rocket_oauth2.md";
}
