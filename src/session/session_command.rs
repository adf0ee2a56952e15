//! The command that `CurrentUser::sign_in` and `sign_out` send to the fairing.
//!
//! These functions have only a cookie jar: no storage and no settings. They put a command into the jar as a cookie. The
//! fairing takes it out of the response, and begins or ends the session before the response is sent. The command is sealed
//! with a random key of this process, so that a header that an attacker gets into a response does not sign anyone in.

use std::sync::LazyLock;

use rocket::Response;
use rocket::http::CookieJar;

use crate::error::{Error, Result};
use crate::secret::{KeyRing, random};

static KEYS: LazyLock<Option<KeyRing>> = LazyLock::new(|| random().ok().map(|key| KeyRing::new([key])));

/// The name of the command's cookie, which never leaves the app, and the purpose of its seal.
const COMMAND: &str = "rocket_dance_pass";

/// Begin or end a session with this response.
pub(crate) enum SessionCommand {
    /// Sign this user in.
    SignIn(String),
    /// Sign the user out.
    SignOut,
}

impl SessionCommand {
    /// Puts the command into `jar`, as a sealed cookie.
    pub(super) fn put_into(&self, jar: &CookieJar<'_>) {
        let plain = match self {
            SessionCommand::SignIn(user) => format!("in {user}"),
            SessionCommand::SignOut => "out".to_owned(),
        };
        let sealed = KEYS.as_ref().and_then(|keys| keys.seal(COMMAND, &[], plain.as_bytes()).ok());
        jar.add((COMMAND, sealed.unwrap_or_default()));
    }

    /// Takes the command out of `response`. `None` if there is none.
    ///
    /// # Errors
    /// [`ErrorKind::AppError`](crate::ErrorKind::AppError) if this process did not seal the command.
    pub(crate) fn take_from(response: &mut Response<'_>) -> Option<Result<Self>> {
        let sealed = |header: &str| {
            let value = header.strip_prefix(COMMAND)?.strip_prefix('=')?;
            Some(value.split(';').next().unwrap_or_default().to_owned())
        };
        let command = response.headers().get("Set-Cookie").filter_map(sealed).last()?;
        let others: Vec<String> = response
            .headers()
            .get("Set-Cookie")
            .filter(|header| sealed(header).is_none())
            .map(str::to_owned)
            .collect();
        response.remove_header("Set-Cookie");
        others.into_iter().for_each(|header| {
            response.adjoin_raw_header("Set-Cookie", header);
        });
        Some(
            Self::open(&command).ok_or_else(|| {
                Error::app("the response has a sign-in command that this process did not make")
            }),
        )
    }

    fn open(sealed: &str) -> Option<Self> {
        let plain = KEYS.as_ref()?.open(COMMAND, &[], sealed).ok()?;
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
            let sealed = keys.seal(COMMAND, &[], plain.as_bytes()).unwrap();
            response.adjoin_raw_header("Set-Cookie", "a=1; Path=/");
            response.adjoin_raw_header("Set-Cookie", format!("{COMMAND}={sealed}; HttpOnly; Path=/"));
            response.adjoin_raw_header("Set-Cookie", "b=2");
            let taken = match SessionCommand::take_from(&mut response).unwrap().unwrap() {
                SessionCommand::SignIn(user) => Some(user),
                SessionCommand::SignOut => None,
            };
            assert_eq!(taken.as_deref(), user);
            assert_eq!(response.headers().get("Set-Cookie").collect::<Vec<_>>(), ["a=1; Path=/", "b=2"]);
            response = Response::new();
        }
        let foreign = KeyRing::new([[7; 32]]).seal(COMMAND, &[], b"in 7").unwrap();
        for forged in ["", "in 7", "7", &foreign] {
            response.adjoin_raw_header("Set-Cookie", format!("{COMMAND}={forged}"));
            assert!(SessionCommand::take_from(&mut response).unwrap().is_err(), "{forged}");
            assert_eq!(response.headers().get("Set-Cookie").count(), 0);
        }
    }
}
