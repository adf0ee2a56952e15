//! The guide: pages for the people who set up and run an app.
//!
//! | you want to | read |
//! |---|---|
//! | understand what happens, and in which words | [`concepts`] |
//! | decide who may sign in | [`policies`] |
//! | look up a provider | [`providers`] |
//! | change our pages, their texts or their language | [`pages`] |
//! | run an app in production | [`operation`] |
//! | put it behind a proxy, or below a path | [`proxies`] |
//! | plan for several processes, or for many accounts | [`scale`] |
//! | know what an error code means | [`troubleshooting`] |
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

// A page links to another as `[name]`, and defines `name` at its end, as its file. The definition before it here comes first,
// and therefore holds.

#[doc = include_str!("../docs/guide/concepts.md")]
pub mod concepts {}

#[doc = include_str!("../docs/guide/policies.md")]
pub mod policies {}

#[doc = "[settings]: crate#settings"]
#[doc = ""]
#[doc = include_str!("../docs/providers.md")]
pub mod providers {}

#[doc = include_str!("../docs/pages.md")]
pub mod pages {}

#[doc = "[settings]: crate#settings\n[proxies]: crate::guide::proxies\n"]
#[doc = ""]
#[doc = include_str!("../docs/operation.md")]
pub mod operation {}

#[doc = "[operation]: crate::guide::operation"]
#[doc = ""]
#[doc = include_str!("../docs/proxies.md")]
pub mod proxies {}

#[doc = "[operation]: crate::guide::operation"]
#[doc = ""]
#[doc = include_str!("../docs/scale.md")]
pub mod scale {}

#[doc = "[Behind a proxy]: crate::guide::proxies\n[list of providers]: crate::guide::providers\n"]
#[doc = ""]
#[doc = include_str!("../docs/from_flask_dance.md")]
pub mod from_flask_dance {}

#[doc = include_str!("../docs/from_rocket_oauth2.md")]
pub mod from_rocket_oauth2 {}

#[doc = "[operation]: crate::guide::operation"]
#[doc = ""]
#[doc = include_str!("../docs/troubleshooting.md")]
pub mod troubleshooting {}
