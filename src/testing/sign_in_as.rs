//! [`sign_in_as`]: a session without a sign-in.

use std::sync::{Arc, Mutex};

use futures::FutureExt;
use rocket::local::blocking;

use super::local_client::{LocalClient, dance, ready, run_in_request};
use crate::dance::TestCommand;
use crate::lock::lock;
use crate::session::SignInOutcome;
use crate::storage::UserType;
use crate::user::UserId;

/// Gives a client a session of `user`, without a provider: the session of [`CurrentUser`](crate::CurrentUser), or one of the app's
/// own [`Sessions`](crate::Sessions). A session that the client had before ends.
///
/// For several users at the same time, take a [`Browser`](crate::testing::Browser) for each.
///
/// ```
/// use rocket::local::asynchronous::Client;
/// use rocket::{get, routes};
/// use rocket_dance::testing::sign_in_as;
/// use rocket_dance::{CurrentUser, Dance, storage::MemoryStorage};
///
/// #[get("/me")]
/// fn me(user: CurrentUser<i32>) -> String { format!("You are user {}", *user) }
///
/// # rocket::async_test(async {
/// # let figment = rocket::Config::figment().merge(("oauth.github.client_id", "a")).merge(("oauth.github.client_secret", "b"));
/// # let rocket = rocket::custom(figment).attach(Dance::fairing().storage(MemoryStorage::new())).mount("/", routes![me]);
/// let client = Client::tracked(rocket).await.unwrap();
/// sign_in_as(&client, &7).await;
/// assert_eq!(client.get("/me").dispatch().await.into_string().await.unwrap(), "You are user 7");
/// # });
/// ```
///
/// # Panics
/// If the session does not begin: the app refuses it, the user ids have another type, or the client is untracked.
pub async fn sign_in_as<U: UserId>(client: &impl LocalClient, user: &U) {
    check_user_type::<U>(dance(client.rocket()).user_type(), "sign_in_as");
    let outcome = Arc::new(Mutex::new(None));
    let (text, begun) = (user.to_string(), outcome.clone());
    let command = TestCommand::new(move |dance, request| {
        async move {
            let signed_in = dance.sessions().sign_in(request, &text, None).await;
            *lock(&begun) = Some(signed_in);
        }
        .boxed()
    });
    run_in_request(client, command).await;
    match lock(&outcome).take() {
        Some(Ok((SignInOutcome::Done, _))) => {}
        Some(Ok((SignInOutcome::RedirectFirst(_), _))) => panic!(
            "user {user} is not signed in: the app's `Sessions::sign_in` redirects them first, for example to a second factor. \
             Sign in through the app's own pages instead"
        ),
        Some(Err(error)) => panic!("no session of user {user} begins: {error:?}"),
        None => {
            panic!("no session of user {user} begins: the request did not reach the fairing of the `Dance`")
        }
    }
    assert!(client.has_cookies(), "this client stores no cookies: write `Client::tracked(rocket)`");
}

/// Gives a client a session as [`sign_in_as`] does, with Rocket's blocking client.
///
/// # Panics
/// As [`sign_in_as`], and if it is called inside async code.
pub fn sign_in_as_blocking<U: UserId>(client: &blocking::Client, user: &U) {
    ready(sign_in_as(client, user));
}

/// Checks that `U` is the type of the app's user ids, if the app has declared one.
///
/// # Panics
/// If it is another one.
pub(super) fn check_user_type<U: UserId>(known: Option<UserType>, function: &str) {
    let given = UserType::of::<U>();
    if let Some(known) = known.filter(|known| *known != given) {
        panic!(
            "{function}: the app's user ids are `{}`, and this one is `{}`. For a number, write its type: `&7_{}`",
            known.name(),
            given.name(),
            known.name()
        );
    }
}
