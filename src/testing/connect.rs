//! [`connect`]: an account without a sign-in.

use std::sync::{Arc, Mutex};

use futures::FutureExt;
use rocket::local::{asynchronous, blocking};

use super::local_client::{ClientCalls, LocalClient, block_on, dance, ready, run_in_request};
use super::sign_in_as::check_user_type;
use super::test_account::TestAccount;
use crate::dance::{Dance, TestCommand};
use crate::error::Result;
use crate::link::AuthorizedLogin;
use crate::lock::lock;
use crate::provider::Provider;
use crate::storage::Account;
use crate::user::UserId;

/// The name of an entry: a provider's marker, for example `GitHub`, or the name as text.
pub trait EntryName {
    /// Returns the name.
    fn entry_name(&self) -> &str;
}

impl<P: Provider> EntryName for P {
    fn entry_name(&self) -> &str {
        P::NAME
    }
}

impl EntryName for &str {
    fn entry_name(&self) -> &str {
        self
    }
}

/// Where [`connect`] stores an account: a [client](LocalClient) of the app, or its [`Dance`].
#[allow(private_bounds)]
pub trait ConnectTarget: Target {}

impl<T: Target> ConnectTarget for T {}

#[allow(async_fn_in_trait)]
trait Target {
    fn dance(&self) -> &Dance;

    /// Stores `account` in the browser's cookies.
    async fn connect_in_browser(&self, entry: &str, account: TestAccount) -> Result<Account>;
}

impl Target for Dance {
    fn dance(&self) -> &Dance {
        self
    }

    async fn connect_in_browser(&self, _: &str, _: TestAccount) -> Result<Account> {
        panic!(
            "CookieStorage keeps each browser's accounts in that browser: pass the client, `connect(&client, …)`"
        )
    }
}

macro_rules! client_target {
    ($($client:ty),*) => {$(
        impl Target for $client {
            fn dance(&self) -> &Dance {
                dance(ClientCalls::rocket(self))
            }

            async fn connect_in_browser(&self, entry: &str, account: TestAccount) -> Result<Account> {
                connect_in_browser(self, entry, account).await
            }
        }
    )*};
}

client_target!(asynchronous::Client, blocking::Client, super::Browser<'_>);

/// Stores an account of `user` at the entry `entry`, without a sign-in: as the app stores one that the user connects, so that
/// the app's policy decides and the token is sealed. Returns it.
///
/// `to` is the app's [`Dance`], or a client. With [`CookieStorage`](crate::storage::CookieStorage) it must be a client, whose
/// cookies get the account, and the user is the one who is signed in there, if any: call
/// [`sign_in_as`](crate::testing::sign_in_as) first.
///
/// ```
/// use rocket::local::asynchronous::Client;
/// use rocket::{get, routes};
/// use rocket_dance::provider::GitHub;
/// use rocket_dance::testing::{FakeProvider, TestAccount, connect, sign_in_as};
/// use rocket_dance::{Dance, OAuth, storage::MemoryStorage};
///
/// #[get("/")]
/// async fn index(github: OAuth<GitHub>) -> String { format!("{:?}", github.account().display_name) }
///
/// # rocket::async_test(async {
/// # let rocket = rocket::build().attach(Dance::fairing().storage(MemoryStorage::new())).mount("/", routes![index]);
/// let client = Client::tracked(FakeProvider::new().stand_in(rocket, "github")).await.unwrap();
/// connect(&client, &7, GitHub, TestAccount::valid()).await;
/// sign_in_as(&client, &7).await;
/// assert_eq!(client.get("/").dispatch().await.into_string().await.unwrap(), "Some(\"Ada\")");
/// # });
/// ```
///
/// # Panics
/// If the account is not stored: the app's policy refuses it, it belongs to another user, there is no such entry, or the user
/// ids have another type.
pub async fn connect<U: UserId>(
    to: &impl ConnectTarget,
    user: &U,
    entry: impl EntryName,
    account: TestAccount,
) -> Account {
    let (dance, name) = (to.dance(), entry.entry_name());
    let entries: Vec<&str> = dance.entries().keys().map(String::as_str).collect();
    assert!(entries.contains(&name), "the app has no entry `{name}`: it has {entries:?}");
    let id = account.id().to_owned();
    let stored = if dance.is_stored_in_browsers() {
        to.connect_in_browser(name, account).await
    } else {
        check_user_type::<U>(dance.user_type(), "connect");
        store(dance, &user.to_string(), name, account).await
    };
    stored.unwrap_or_else(|error| {
        let hint = match error.reason() {
            Some("user_deleted") => "insert the user into the app's table first",
            _ => "each user needs an account of their own: `TestAccount::valid().with_id(\"grace\")`",
        };
        panic!("the account `{id}` at `{name}` is not stored for user {user}: {error:?}\n({hint})")
    })
}

/// Stores an account as [`connect`] does, with Rocket's blocking client.
///
/// # Panics
/// As [`connect`], and if it is called inside async code.
pub fn connect_blocking<U: UserId>(
    to: &blocking::Client,
    user: &U,
    entry: impl EntryName,
    account: TestAccount,
) -> Account {
    if dance(ClientCalls::rocket(to)).is_stored_in_browsers() {
        return ready(connect(to, user, entry, account));
    }
    block_on(connect(to, user, entry, account))
}

async fn store(dance: &Dance, user: &str, name: &str, account: TestAccount) -> Result<Account> {
    let (profile, token) = account.grant(dance.entry(name)?, dance.clock().now());
    dance.import_at(name, user, profile, token).await
}

async fn connect_in_browser(client: &impl LocalClient, entry: &str, account: TestAccount) -> Result<Account> {
    let outcome = Arc::new(Mutex::new(None));
    let (name, stored) = (entry.to_owned(), outcome.clone());
    let command = TestCommand::new(move |dance, request| {
        async move {
            let result = async {
                let entry = dance.entry(&name)?;
                let now = dance.clock().now();
                let (profile, token) = account.grant(entry, now);
                let issuer = entry.authority().to_owned();
                let user = dance.user(request).await?.map(str::to_owned);
                let login = AuthorizedLogin::connecting(name.clone(), issuer, user, profile, token, now);
                Ok(dance.storage(request).link(&login, dance.keys()).await?.account)
            };
            *lock(&stored) = Some(result.await);
        }
        .boxed()
    });
    run_in_request(client, command).await;
    let stored = lock(&outcome).take();
    stored.expect("the request reaches the fairing of the `Dance`")
}
