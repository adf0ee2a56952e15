//! The guide: pages for the people who set up and run an app.
//!
//! | you want to | read |
//! |---|---|
//! | look up a provider | [`providers`] |
//! | run an app in production | [`operation`] |
//! | put it behind a proxy, or below a path | [`proxies`] |
//! | plan for several processes, or for many accounts | [`scale`] |
//!
//! [Settings](crate#settings) are on the front page.

// A page links to another as `[name]`, and defines `name` at its end, as its file. The definition before it here comes first,
// and therefore holds.

#[doc = "[settings]: crate#settings"]
#[doc = ""]
#[doc = include_str!("../docs/providers.md")]
pub mod providers {}

#[doc = "[settings]: crate#settings\n[proxies]: super::proxies\n"]
#[doc = ""]
#[doc = include_str!("../docs/operation.md")]
pub mod operation {}

#[doc = "[operation]: super::operation"]
#[doc = ""]
#[doc = include_str!("../docs/proxies.md")]
pub mod proxies {}

#[doc = "[operation]: super::operation"]
#[doc = ""]
#[doc = include_str!("../docs/scale.md")]
pub mod scale {}
