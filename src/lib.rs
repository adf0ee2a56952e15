//! "Sign in with …" for [Rocket](rocket), with the accounts in your own database.
//!
//! rocket_dance adds OAuth sign-in to an app that uses Rocket and Diesel. It works with any OpenID Connect, OAuth 2 or
//! OAuth 1.0a provider. It links provider accounts to the users of your app, stores the tokens encrypted, refreshes them,
//! and calls the provider's API on the user's behalf. Your app decides who may sign in.
//!
//! # Contents
//!
//! | you want to | read |
//! |---|---|
//! | start | [`guide::quickstart`], [Usage](#usage), [Settings](#settings), [Features](#features) |
//! | ask for further scopes where a page needs them | [`RequiredScopes`] |
//! | use an account in a handler | the guards [`OAuth`], [`Accounts`], [`Site`], [`CurrentUser`] and [`Visitor`]; the API client [`Client`] |
//! | decide who may sign in | [`LinkPolicy`], [`Login`], [`Standing`], [`Verdict`], [`RequireEmailDomain`] |
//! | choose where accounts are stored | [`storage`] |
//! | keep your own sessions | [`Sessions`], [`private_cookie`] |
//! | add to the flow, or be notified | [`Signals`], [`Event`], [`flash()`] |
//! | change our pages, their texts or their language | [`guide::pages`] |
//! | check a path before redirecting to it | [`LocalPath`]; [`RedirectTarget`] if it may be a URL of `trusted_origins` |
//! | work outside of a request | [`Dance`], [`Tokens`], [`Reseal`] |
//! | add a provider | [`provider`] |
//! | handle errors | [`Error`], [`ErrorKind`], [`catchers`], [`guard_error`] |
//! | write tests for your app | `testing` (a feature), and its page in [`guide`] |
//! | know the URLs | [Routes](#routes) |
//! | use the routes from a script | [`guide::json`] |
//! | know what is supported | [Standards](#standards), [Not offered](#not-offered) |
//! | run the app in production, behind a proxy, in many processes | [`guide::checklist`], and the rest of the [`guide`] |
//!
//! # Usage
//!
//! 1. Create a table of users, and name a database and a provider in Rocket.toml:
//!
//!    ```toml
//!    [default.databases.app]
//!    url = "app.sqlite"
//!
//!    [default.oauth.github]
//!    client_id = "your-client-id"
//!    client_secret = "your-client-secret"
//!    ```
//!
//! 2. Decide who may sign in, and attach the fairing:
//!
//!    ```no_run
//!    # #[cfg(feature = "sqlite")]
//!    # mod app {
//!    # use diesel::prelude::*;
//!    # diesel::table! { users (id) { id -> Integer, name -> Text } }
//!    use rocket::launch;
//!    use rocket_dance::{Dance, Login, Result, Standing, Verdict, storage::DieselStorage};
//!
//!    /// Decides who may sign in, and as which user. Runs inside the transaction that stores the account.
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
//! 3. Use an account in a handler. A user without an account is redirected to the provider, and back afterwards:
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
//! [Behind a proxy]: guide::proxies
//! [Behind PgBouncer]: guide::operation#behind-pgbouncer
//! [list of providers]: guide::providers
//! [Texts and languages]: guide::pages#texts-and-languages
//!
#![doc = include_str!("../docs/settings.md")]
//!
//! # Routes
//!
//! The fairing mounts these routes; `/login` means the setting `prefix`. They answer with HTML, or with JSON if the `Accept`
//! header names `application/json`.
//!
//! | route | what it does |
//! |---|---|
//! | GET `/login` | shows the sign-in page, with a button for each entry; redirects to `sign_in_page` if the app has its own |
//! | GET `/login/<name>?next=/path` | signed out: redirects to the provider; signed in: asks whether to connect the account |
//! | POST `/login/<name>` | begins a flow; connects the account if the user is signed in (form: `csrf`, `next`, and `scope` from a page that needs [further scopes](RequiredScopes)) |
//! | GET `/login/<name>/authorized` | the callback; POST instead with `response_mode = "form_post"` |
//! | GET `/login/accounts` | shows the connected accounts, and the user's sessions |
//! | GET `/login/me` | says who is signed in, in JSON: see [JSON](guide::json) |
//! | GET, POST `/login/confirm` | after [`Verdict::SignInFirst`]: asks the user to sign in, then whether to connect the account (form: `csrf`, `cancel`) |
//! | GET, POST `/login/complete` | after [`Verdict::Ask`]: shows the form, then signs the visitor up with the answers (form: `csrf`, `cancel`, the fields of the [`SignUpForm`]) |
//! | GET, POST `/login/merge` | after [`Verdict::MergeUsers`]: asks whether two users become one, then merges them (form: `csrf`, `cancel`) |
//! | POST `/login/<name>/disconnect` | removes one account (form: `csrf`, `account`) or all of the entry's, then revokes their tokens |
//! | POST `/login/<name>/primary` | makes one of several accounts the primary one (form: `csrf`, `account`) |
//! | POST `/login/<name>/native` | begins a sign-in by a device's own SDK: see [Native sign-in](guide::json#native-sign-in) |
//! | POST `/login/<name>/native/finish` | finishes it with the ID token of the SDK (JSON: `flow`, `id_token`) |
//! | POST `/login/logout` | signs the user out; with `logout = true`, redirects to the provider to sign out there, too (form: `csrf`) |
//! | POST `/login/logout/everywhere` | ends all sessions of the user; 404 if the library stores no sessions (form: `csrf`) |
//! | POST `/login/logout/session` | ends one session of the user; 404 if the library stores no sessions (form: `csrf`, `session`) |
//! | GET `/login/signed-out` | shows that the user is signed out: for `after_logout = "/login/signed-out"` |
//! | GET `/login/logged-out` | the provider redirects here after signing the user out; redirects to `next` of the form, or to `after_logout` |
//! | POST `/login/<name>/backchannel-logout` | called by the provider to end sessions: 200, or 400 (form: `logout_token`; OpenID Connect Back-Channel Logout) |
//!
//! A form that a page of the app posts may also have `next`: the page that the browser is redirected to afterwards.
//!
//! The routes take precedence over an app's catch-all routes. An app with its own page at `/login` sets another `prefix`.
//!
//! # Standards
//!
//! - OAuth 2: the authorization code flow (RFC 6749) with PKCE (RFC 7636), state and `iss` (RFC 9207), refresh, revocation
//!   (RFC 7009), pushed authorization requests (RFC 9126), `response_mode` `query` and `form_post`, and `private_key_jwt`
//!   (RFC 7523).
//! - OpenID Connect Core and Discovery: the same flow with a verified ID token, and userinfo as JSON or signed; RP-Initiated
//!   Logout and Back-Channel Logout.
//! - OAuth 1.0a (RFC 5849).
//!
//! ## Not offered
//!
//! | feature | reason, and alternative |
//! |---|---|
//! | WebFinger: finding an issuer by an e-mail address | a visitor must not decide which server is trusted: issuers are in Rocket.toml |
//! | dynamic client registration (RFC 7591) | register once by hand, with the callback URL that is printed at launch |
//! | session management by iframe (`check_session_iframe`), front-channel logout | browsers block cookies in frames of other sites: back-channel logout ends the same sessions |
//! | request objects (`request`, `request_uri`; RFC 9101) | `par = true`: a pushed request cannot be changed on its way and needs no signature |
//! | implicit and hybrid flows | an attacker can replace tokens that pass through the browser: the code flow signs in. An ID token of an SDK signs in where [`native_client_ids`](guide::json#native-sign-in) allows it, and only with a nonce of ours |
//! | encrypted ID tokens and userinfo (JWE) | they are refused; TLS already protects them on their way |
//! | aggregated and distributed claims | the library neither fetches nor trusts them; [`userinfo`](Profile#structfield.userinfo) contains them as received |
//! | tokens bound to a key (DPoP, mutual TLS) | bearer tokens, encrypted in the database |
//! | grants without a browser (device, client credentials, password) | call the token endpoint with [`reqwest`] |
//!
//! # Features
//!
//! - `sqlite` (default): [`storage::DieselStorage`] on SQLite, which is compiled in.
//! - `pages` (default): the library's pages as Tera templates, which the app may replace. Without it, the pages are plain and the
//!   library needs no template engine.
//! - `postgres`: `DieselStorage` on PostgreSQL. Needs libpq (Debian: `libpq-dev`).
//! - `mysql`: `DieselStorage` on MySQL and MariaDB. Needs their client library (Debian: `libmariadb-dev`).
//! - `rsa-sha1`: OAuth 1.0a signatures with RSA-SHA1, as Jira requires. Needs OpenSSL (Debian: `libssl-dev`).
//! - `testing`: for your tests, a fake provider, a whole sign-in in one line, and recordings of a real provider; also the demo provider.

#![forbid(unsafe_code)]
#![warn(missing_docs)]
// docs.rs shows which feature an item requires. `_sql` is private.
#![cfg_attr(docsrs, feature(doc_cfg), doc(auto_cfg(hide(feature = "_sql"))))]

// A module uses only modules above it; `tests/architecture.rs` enforces this order.
mod error;
mod secret;
mod base_path;
mod clock;
mod cookies;
mod finding;
mod local_path;
mod lock;
mod paths;
mod placeholders;
mod redirect_target;
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
mod flash;
mod dance;
mod guard;
mod doctor;
#[cfg(feature = "testing")]
pub mod testing;
pub mod guide;
#[cfg(any(test, fuzzing))]
pub mod fuzz;

// To set up, and for work outside of requests.
pub use dance::{AccountClients, Dance, DanceFairing, Reseal, ResealReport, Tokens};
pub use doctor::DoctorReport;
pub use finding::{Finding, FindingLevel};
// In a handler.
pub use client::{ApiRequest, Client};
pub use cookies::private_cookie;
pub use guard::{
    Accounts, OAuth, PendingSignUp, RequiredScopes, Site, UnauthorizedResponse, Visitor, catchers,
    guard_error, unauthorized_response,
};
pub use reqwest;
pub use session::CurrentUser;
// To decide who may sign in.
pub use link::{
    AuthorizedLogin, LinkCurrentUser, LinkPolicy, Login, MergeProof, Purpose, RequireEmailDomain,
    SignUpField, SignUpFieldKind, SignUpForm, Standing, Verdict,
};
// Hooks: the app's own sessions, and signals around the flow.
pub use flash::flash;
pub use session::{Sessions, SignInOutcome};
pub use signals::{AuthorizationRequest, Event, EventAccount, NextStep, SessionEndReason, Signals};
// Values.
pub use local_path::LocalPath;
pub use profile::Profile;
pub use redirect_target::RedirectTarget;
pub use secret::Secret;
pub use token::Token;
pub use user::UserId;
// Errors.
pub use error::{Error, ErrorKind, ProviderError, Responsible, Result};

/// Compiles the Rust blocks of README.md. One of them is a test, with the feature `testing`.
#[cfg(all(doctest, feature = "sqlite", feature = "testing"))]
#[doc = include_str!("../README.md")]
struct Readme;
