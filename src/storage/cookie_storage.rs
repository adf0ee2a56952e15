//! `CookieStorage`: stores each browser's accounts in its cookies.

/// Stores each browser's accounts in that browser, sealed, in one cookie per entry. It is the default,
/// for trying out the library.
///
/// An account lasts two weeks from its last token. All accounts of a browser must fit into 4,096 bytes of cookies: the oldest is
/// removed to make room, with a line in the log and [`Event::AccountRemoved`](crate::Event::AccountRemoved). A token that does not
/// fit into a cookie is an error. Linking to local users, several accounts per entry and work without a request need another
/// storage.
///
/// No user has to be signed in, and the provider need not say who its user is: without a userinfo URL, the account is a token and
/// nothing else (`examples/custom.rs`). It belongs to the visitor until they disconnect it or sign out at `/login/logout`.
///
/// ```
/// use rocket_dance::{Dance, storage::CookieStorage};
///
/// let rocket = rocket::build().attach(Dance::fairing().storage(CookieStorage));
/// # let _ = rocket;
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct CookieStorage;
