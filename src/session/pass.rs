//! What `CurrentUser::sign_in` asks for, on its way to the fairing.
//!
//! A cookie jar is all it has: no storage, no settings. So it leaves a pass in the jar, which the fairing takes out of the
//! response again: there the session is begun, or ended, before anything leaves. A pass is sealed with a key of this
//! process that nobody else has: a header that somebody else gets into a response makes no session.

use std::sync::LazyLock;

use rocket::Response;
use rocket::http::CookieJar;

use crate::error::{Error, Result};
use crate::secret::{KeyRing, random};

static KEYS: LazyLock<Option<KeyRing>> = LazyLock::new(|| random().ok().map(|key| KeyRing::new([key])));

const PASS: &str = "rocket_dance_pass";

pub(crate) enum SessionCommand {
    /// Signs this user in.
    SignIn(String),
    /// Signs out.
    SignOut,
}

impl SessionCommand {
    pub(super) fn put_into(&self, jar: &CookieJar<'_>) {
        let plain = match self {
            SessionCommand::SignIn(user) => format!("in {user}"),
            SessionCommand::SignOut => "out".to_owned(),
        };
        let sealed = KEYS.as_ref().and_then(|keys| keys.seal(PASS, &[], plain.as_bytes()).ok());
        jar.add((PASS, sealed.unwrap_or_default()));
    }

    /// Takes the pass out of `response`, if there is one.
    ///
    /// # Errors
    /// For one that isn't from here.
    pub(crate) fn take_from(response: &mut Response<'_>) -> Option<Result<Self>> {
        let sealed = |header: &str| {
            let value = header.strip_prefix(PASS)?.strip_prefix('=')?;
            Some(value.split(';').next().unwrap_or_default().to_owned())
        };
        let pass = response.headers().get("Set-Cookie").filter_map(sealed).last()?;
        let kept: Vec<String> = response
            .headers()
            .get("Set-Cookie")
            .filter(|header| sealed(header).is_none())
            .map(str::to_owned)
            .collect();
        response.remove_header("Set-Cookie");
        kept.into_iter().for_each(|header| {
            response.adjoin_raw_header("Set-Cookie", header);
        });
        Some(Self::open(&pass).ok_or_else(|| Error::app("a cookie that signs in and is not from here")))
    }

    fn open(sealed: &str) -> Option<Self> {
        let plain = KEYS.as_ref()?.open(PASS, &[], sealed).ok()?;
        match std::str::from_utf8(&plain).ok()?.split_once(' ') {
            Some((_, user)) => Some(SessionCommand::SignIn(user.to_owned())),
            None => Some(SessionCommand::SignOut),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lo_05_a_pass_is_from_this_process_alone() {
        let mut response = Response::new();
        assert!(SessionCommand::take_from(&mut response).is_none());
        let keys = KEYS.as_ref().unwrap();
        for (plain, user) in [("in 7 of 9", Some("7 of 9")), ("in ", Some("")), ("out", None)] {
            let sealed = keys.seal(PASS, &[], plain.as_bytes()).unwrap();
            response.adjoin_raw_header("Set-Cookie", "a=1; Path=/");
            response.adjoin_raw_header("Set-Cookie", format!("{PASS}={sealed}; HttpOnly; Path=/"));
            response.adjoin_raw_header("Set-Cookie", "b=2");
            let taken = match SessionCommand::take_from(&mut response).unwrap().unwrap() {
                SessionCommand::SignIn(user) => Some(user),
                SessionCommand::SignOut => None,
            };
            assert_eq!(taken.as_deref(), user);
            assert_eq!(response.headers().get("Set-Cookie").collect::<Vec<_>>(), ["a=1; Path=/", "b=2"]);
            response = Response::new();
        }
        let foreign = KeyRing::new([[7; 32]]).seal(PASS, &[], b"in 7").unwrap();
        for forged in ["", "in 7", "7", &foreign] {
            response.adjoin_raw_header("Set-Cookie", format!("{PASS}={forged}"));
            assert!(SessionCommand::take_from(&mut response).unwrap().is_err(), "{forged}");
            assert_eq!(response.headers().get("Set-Cookie").count(), 0);
        }
    }
}
