//! "Sign in with …" for [Rocket](rocket), with accounts that stay yours: the OAuth dance for any OpenID Connect, OAuth 2
//! or OAuth 1.0a provider, local users that the app creates or associates, tokens stored sealed through Diesel and refreshed
//! once, and the provider's API called on the user's behalf.
//!
//! # Contents
//!
//! - To begin: [Usage](#usage), [Rocket.toml](#rockettoml).
//! - In a handler: [`OAuth`], [`Accounts`], [`Site`], [`CurrentUser`], and the [`Client`] they give.
//! - Who may come in: [`LinkPolicy`], [`Standing`], [`Verdict`], [`Login::merge`], [`Domain`]; what needs the network: [`Signals`].
//! - Where accounts are kept: [`storage`]. An app with sessions of its own: [`Sessions`].
//! - Off a request: [`Dance`], [`Tokens`], [`Reseal`].
//! - A provider of one's own: [`provider`].
//! - In a test: `testing` (feature).
//!
//! # Usage
//!
//! 1. Name a provider and its credentials in Rocket.toml:
//!
//!    ```toml
//!    [default.databases.app]
//!    url = "app.sqlite"
//!
//!    [default.oauth.github]
//!    client_id = "…"
//!    client_secret = "…"
//!    ```
//!
//! 2. Say who may come in, and attach the fairing:
//!
//!    ```no_run
//!    # #[cfg(feature = "sqlite")]
//!    # mod app {
//!    # use diesel::prelude::*;
//!    # diesel::table! { users (id) { id -> Integer, name -> Text } }
//!    use rocket::launch;
//!    use rocket_dance::{Dance, Login, Result, Standing, Verdict, storage::DieselStorage};
//!
//!    /// Runs inside the transaction that stores the account.
//!    fn sign_up(login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
//!        match &login.standing {
//!            Standing::Stranger => {
//!                let id = diesel::insert_into(users::table)
//!                    .values(users::name.eq(login.profile.display_name()))
//!                    .returning(users::id)
//!                    .get_result(conn)?;
//!                Ok(Verdict::SignUp(id))
//!            }
//!            _ => Ok(login.default_verdict()),
//!        }
//!    }
//!
//!    #[launch]
//!    fn rocket() -> _ {
//!        rocket::build()
//!            .attach(Dance::fairing().storage(DieselStorage::database("app").migrate().link(sign_up)))
//!            .register("/", rocket_dance::catchers())
//!    }
//!    # }
//!    ```
//!
//! 3. Ask for an account where it is needed. Who has none is sent to sign in, and comes back:
//!
//!    ```
//!    use rocket_dance::{OAuth, Result, provider::GitHub};
//!
//!    #[rocket::get("/zen")]
//!    async fn zen(github: OAuth<GitHub>) -> Result<String> {
//!        github.get("zen").text().await
//!    }
//!    ```
//!
//! # Rocket.toml
//!
//! Every `[default.oauth.<name>]` is an entry: a preset by its name (`azure`, `discord`, `github`, `gitlab`, `google`,
//! `jira`, `twitter`) or by `provider = "…"`, or any other server by the generic presets `oidc` (an `issuer`), `oauth2`
//! and `oauth1` (their URLs).
//!
//! | key of an entry | |
//! |---|---|
//! | `provider` | the preset; default: the entry's name |
//! | `client_id`, `client_secret` or `client_secret_file` | the credentials; `<NAME>_OAUTH_CLIENT_ID` and `<NAME>_OAUTH_CLIENT_SECRET` of the environment fill them too |
//! | `scope`, `extra_scope` | a list or a text; replaces, adds |
//! | `redirect_uri` | where the callback is, and what is registered at the provider; default: `<base_url>/login/<name>/authorized` |
//! | `login` | `true`; `false`: only for connecting |
//! | `account` | the provider's user id of the site's own account: [`Site`] |
//! | `trust_email` | whether its verified addresses count when a stranger may be [somebody here already](Login::merge): `true`, `false`, or a list of domains; default: what the preset says, if its URLs are the preset's |
//! | `title` | what the buttons call it |
//! | `issuer`, `authorization_url` (`auth_uri`), `token_url` (`token_uri`), `userinfo_url`, `api_base_url`, `revocation_url`, `par_url` | the URLs of the preset; endpoints beside an `issuer` with discovery are of its own host |
//! | `token_endpoint_auth_method` | `client_secret_basic`, `client_secret_post`, `private_key_jwt` or `none` |
//! | `private_key_file` or `private_key` | of `private_key_jwt`: PKCS#8 in PEM; RSA, P-256 or Ed25519 |
//! | `private_key_id`, `private_key_audience` | its `kid`; whom it is for: the `issuer`, without one the `token_url` (Entra and Okta want the latter) |
//! | `response_mode` | `query`; `form_post`: the callback is a POST, and no GET |
//! | `par` | `true`: authorization requests are pushed (RFC 9126); unset: where the provider's metadata demands it |
//! | `logout` | `true`: who has signed in by it and signs out here is led to the provider to sign out there, too, and back to `/login/logged-out`, which is registered there (RP-Initiated Logout); wants a storage that keeps sessions |
//! | `end_session_url` | where that is, where discovery doesn't say it |
//! | `scope_separator`, `pkce`, `signing_algorithms`, `clock_skew` (seconds) | how it speaks |
//! | `trusted_audiences` | for whom else its ID tokens may be, whose `aud` names more than the client (a project's id, say); else such a token is refused |
//! | `form_token_answer`, `assume_bearer` | `true`: the token endpoint answers with a form without saying so; leaves out `token_type` |
//! | `authorization_params`, `token_params`, `headers` | tables of what is sent along |
//! | `profile` | `{ id = "path", name = "path", … }` into the userinfo |
//! | the preset's own | `tenant`, `tenants` (Azure), `hostname` (GitLab), `offline`, `hosted_domain` (Google), `base_url` (Jira), `prompt`, … |
//! | OAuth 1: `request_token_url`, `access_token_url` | beside `authorization_url`; `client_id` and `client_secret` are the consumer's key and secret |
//! | OAuth 1: `signature_method` | `HMAC-SHA1`, `HMAC-SHA256`, `RSA-SHA1`, `PLAINTEXT` |
//! | OAuth 1: `rsa_key` or `rsa_key_file` | the private key of RSA-SHA1, in PEM; `<NAME>_OAUTH_CONSUMER_KEY` (or `…_CLIENT_KEY`) and `<NAME>_OAUTH_RSA_KEY` of the environment fill an entry too |
//!
//! `[default.dance]`, all optional:
//!
//! | key | default | |
//! |---|---|---|
//! | `base_url` | debug: `http://localhost:<port>` | scheme and host as browsers see them; https, or http on a loopback host |
//! | `prefix` | `/login` | where the routes are |
//! | `after_login`, `after_logout` | `/` | where a person goes without a `next` |
//! | `after_error` | our error page | |
//! | `sign_in_page` | | the app's own sign-in form: our pages link to it, with a `next` that the form checks before it goes there |
//! | `token_keys` | derived from `secret_key`; debug: a key file beside the database | base64 of 32 bytes each: the first seals, all open |
//! | `cache` | `{ bytes = 67108864, ttl = 5 }` | accounts and sessions in memory, seconds; `false` for none |
//! | `session` | `{ idle = 604800, age = 1209600 }` | how long one stays signed in without a request, and at most, in seconds: [`CurrentUser`] |
//! | `user_required` | `true`; `false` with `CookieStorage` | whether every account has a user: `Keep` and [`Tokens`] without one need `false` |
//! | `log_requests` | `false` | `true`: no cap on the log's level, though debug prints whole requests |
//!
//! # Routes
//!
//! Under `prefix`, as HTML, and as JSON where `Accept` names it:
//!
//! | route | does |
//! |---|---|
//! | GET `/login` | the sign-in page |
//! | GET `/login/<name>?next=/path` | signed out: to the provider; signed in: asks whether to connect |
//! | POST `/login/<name>` | begins; connects when signed in (form: `csrf`, `next`) |
//! | GET `/login/<name>/authorized` | the callback; POST instead with `response_mode = "form_post"` |
//! | GET `/login/accounts` | the connected accounts |
//! | GET, POST `/login/confirm` | an account that [waits for its user](Verdict::SignInFirst): asks her to sign in, then whether to connect it (form: `csrf`, `cancel`) |
//! | POST `/login/<name>/disconnect` | removes one (form: `csrf`, `account`) or all of the entry's; then their tokens are revoked at the provider |
//! | POST `/login/<name>/primary` | makes one of several the primary one (form: `csrf`, `account`) |
//! | POST `/login/logout` | signs out; then to the provider, where the entry says `logout = true` |
//! | GET `/login/logged-out` | back from the provider, where one has signed out there, too: leads to `after_logout` |
//! | POST `/login/<name>/backchannel-logout` | the provider tells that sessions are over: 200, or 400 (form: `logout_token`, which it has signed; OpenID Connect Back-Channel Logout) |
//! | POST `/login/logout/everywhere` | signs out in all browsers, where the storage keeps sessions |
//!
//! They win against an app's catch-all routes; an app with a page of its own at `/login` sets another `prefix`.
//!
//! # What it speaks
//!
//! - OAuth 2: the authorization code flow (RFC 6749) with PKCE (RFC 7636), state and `iss` (RFC 9207), refreshing,
//!   revocation (RFC 7009), pushed authorization requests (RFC 9126), `response_mode` `query` and `form_post`, and
//!   `private_key_jwt` (RFC 7523).
//! - OpenID Connect Core and Discovery: that flow with a verified ID token, and userinfo as JSON or signed; RP-Initiated
//!   Logout and Back-Channel Logout.
//! - OAuth 1.0a (RFC 5849).
//!
//! ## Not offered
//!
//! | | why, and what does it instead |
//! |---|---|
//! | WebFinger: an issuer by an e-mail address | no visitor says which server is asked and believed: issuers stand in Rocket.toml |
//! | dynamic client registration (RFC 7591) | register by hand, once, with the callback URL that is printed at launch |
//! | session management by iframe (`check_session_iframe`), front-channel logout | browsers keep cookies from frames of other sites: back-channel logout ends the same sessions |
//! | request objects (`request`, `request_uri` of one's own; RFC 9101) | `par = true`: what is pushed can't be changed on its way, and needs no signature |
//! | implicit and hybrid flows, ID tokens straight from a page (One Tap) | tokens that come through a browser can be swapped there: the code flow alone signs in |
//! | encrypted ID tokens and userinfo (JWE) | they come over TLS, to us alone; they are refused |
//! | aggregated and distributed claims | [`userinfo`](Profile#structfield.userinfo) has them as they came; nobody fetches or believes them |
//! | tokens bound to a key (DPoP, mutual TLS) | bearer tokens, sealed at rest |
//! | grants without a browser (device, client credentials, password) | no dance: ask the token endpoint with [`reqwest`] |
//!
//! # Features
//!
//! - `sqlite` (default): [`storage::DieselStorage`] on SQLite, which is compiled in.
//! - `postgres`: on PostgreSQL; needs libpq (Debian: `libpq-dev`).
//! - `mysql`: on MySQL and MariaDB; needs their client library (Debian: `libmariadb-dev`).
//! - `rsa-sha1`: OAuth 1 signatures by RSA-SHA1, as Jira wants them; needs OpenSSL (Debian: `libssl-dev`).
//! - `testing`: a provider on loopback and a whole sign-in in one line, for an app's own tests; the demo provider.

#![forbid(unsafe_code)]
#![warn(missing_docs)]
// docs.rs shows which feature an item requires. `_sql` is private.
#![cfg_attr(docsrs, feature(doc_cfg), doc(auto_cfg(hide(feature = "_sql"))))]

// In the order of the rooms: a module uses only those above it.
mod error;
mod secret;
mod clock;
mod cookies;
mod local_path;
mod paths;
mod user;
mod profile;
mod token;
pub mod provider;
mod config;
mod link;
pub mod storage;
mod flow;
mod client;
mod signals;
mod session;
mod page;
mod dance;
mod guard;
#[cfg(feature = "testing")]
pub mod testing;
/// What strangers send, given to whatever reads it: for `fuzz/`.
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;

pub use client::{ApiRequest, Client};
pub use dance::{AccountClients, Dance, DanceFairing, Reseal, ResealReport, Tokens};
pub use error::{Error, ErrorKind, Responsible, Result};
pub use guard::{Accounts, OAuth, Site, Unauthorized, catchers, unauthorized};
pub use link::{
    AuthorizedLogin, Domain, LinkCurrentUser, LinkPolicy, Login, MergeProof, Purpose, Standing, Verdict,
};
pub use local_path::LocalPath;
pub use profile::Profile;
pub use reqwest;
pub use secret::Secret;
pub use session::{CurrentUser, Sessions, SignInOutcome};
pub use signals::{AuthorizationRequest, Event, EventAccount, NextStep, Signals};
pub use token::Token;
pub use user::UserId;

/// The README's snippets compile.
#[cfg(all(doctest, feature = "sqlite"))]
#[doc = include_str!("../README.md")]
struct Readme;
