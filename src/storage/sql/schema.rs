//! The tables of rocket_dance, for an app's own joins and admin pages.
//!
//! The column `user_id` contains the user's id as text, whatever the app's type is: compare it with a cast, as in
//! `CAST(users.id AS TEXT)`. rocket_dance writes the rows. An app may change `rank`, and may delete rows: deleting a session's
//! row ends the session. Deleting an account's row does not end the sessions that began with the account. Use
//! [`Dance::delete`](crate::Dance::delete), which does, or delete the rows of `oauth_sessions` that have the account's `provider`
//! and `provider_user_id` in the same transaction.
//!
//! ```
//! use diesel::prelude::*;
//! use rocket_dance::storage::schema::oauth_accounts;
//!
//! /// Counts the accounts at one entry.
//! # #[cfg(feature = "sqlite")]
//! fn accounts_at(entry: &str, conn: &mut SqliteConnection) -> QueryResult<i64> {
//!     oauth_accounts::table.filter(oauth_accounts::provider.eq(entry)).count().get_result(conn)
//! }
//! ```
//!
//! For a join with a table of the app, Diesel's `allow_tables_to_appear_in_same_query!` does not compile on PostgreSQL, since one of the
//! tables is of another crate. Two lines do the same on every database:
//!
//! ```
//! use diesel::prelude::*;
//! use diesel::query_source::TableNotEqual;
//! use rocket_dance::storage::schema::oauth_accounts;
//!
//! diesel::table! { users (id) { id -> Integer, name -> Text } }
//!
//! impl TableNotEqual<oauth_accounts::table> for users::table {}
//! impl TableNotEqual<users::table> for oauth_accounts::table {}
//!
//! /// Returns the user's name, with the entry of each account.
//! # #[cfg(feature = "sqlite")]
//! fn connected(user: i32, conn: &mut SqliteConnection) -> QueryResult<Vec<(String, Option<String>)>> {
//!     let of_user = oauth_accounts::user_id.eq(user.to_string());
//!     let joined = users::table.find(user).left_join(oauth_accounts::table.on(of_user));
//!     joined.select((users::name, oauth_accounts::provider.nullable())).load(conn)
//! }
//! # fn main() {}
//! ```

diesel::table! {
    /// The accounts of users at providers.
    oauth_accounts (id) {
        /// Id of the account, never reused.
        id -> BigInt,
        /// Name of the entry in Rocket.toml.
        provider -> Text,
        /// The entry's issuer when the account was stored; its authorization endpoint if it had no issuer.
        issuer -> Text,
        /// The provider's id of the user, byte for byte; NULL if the provider has no userinfo.
        provider_user_id -> Nullable<Text>,
        /// Id of the local user, as text; NULL for accounts without a user.
        user_id -> Nullable<Text>,
        /// Access token, refresh token and ID token, sealed.
        token -> Text,
        /// How the access token is used, for example Bearer.
        token_type -> Text,
        /// Granted scope, separated by spaces.
        scope -> Text,
        /// Unix time in seconds at which the access token expires.
        expires_at -> Nullable<BigInt>,
        /// Name of the user at the provider.
        display_name -> Nullable<Text>,
        /// E-mail address at the provider, verified or not.
        email -> Nullable<Text>,
        /// Whether the provider says that it has verified the address.
        email_verified -> Bool,
        /// URL of the user's page at the provider.
        profile_url -> Nullable<Text>,
        /// URL of the user's picture.
        image_url -> Nullable<Text>,
        /// The provider's userinfo, as JSON.
        userinfo -> Text,
        /// Position among the user's accounts at the entry: the lowest is the primary one, the site's has -1.
        rank -> Integer,
        /// Unix time in seconds at which the account was first stored.
        created_at -> BigInt,
        /// Unix time in seconds at which the account was last stored.
        updated_at -> BigInt,
        /// Number of tokens that were stored for the account.
        version -> BigInt,
        /// Unix time in seconds until which one process may refresh the token.
        lease_until -> BigInt,
    }
}

diesel::table! {
    /// Callbacks that were used, and accounts that wait for their user, until they expire.
    oauth_claims (id) {
        /// Hash of what identifies the callback or the waiting account.
        id -> Text,
        /// Sealed outcome of the callback, or an account that waits for its user; NULL while the callback is handled.
        outcome -> Nullable<Text>,
        /// Unix time in seconds at which the claim may be removed.
        expires_at -> BigInt,
    }
}

diesel::table! {
    /// The sessions of [`CurrentUser`](crate::CurrentUser).
    oauth_sessions (id) {
        /// Id of the session, the same for as long as the session lives.
        id -> Text,
        /// SHA-256 of the secret in the cookie, in base64url.
        cookie_hash -> Text,
        /// The hash of the secret before the last one; NULL if the cookie has not been replaced yet.
        previous_cookie_hash -> Nullable<Text>,
        /// Unix time in seconds at which the cookie was replaced last.
        rotated_at -> Nullable<BigInt>,
        /// Id of the local user, as text.
        user_id -> Text,
        /// Name of the entry whose login began the session; NULL if the app signed the user in.
        provider -> Nullable<Text>,
        /// The entry's issuer when the session began; its authorization endpoint if it had no issuer.
        issuer -> Nullable<Text>,
        /// The provider's id of the user, byte for byte.
        provider_user_id -> Nullable<Text>,
        /// The provider's id of its own session, if the ID token has one.
        sid -> Nullable<Text>,
        /// ID token, sealed, if the entry signs out at the provider, too.
        id_token -> Nullable<Text>,
        /// Unix time in seconds at which the session began.
        created_at -> BigInt,
        /// Unix time in seconds of the last request, updated now and then.
        seen_at -> BigInt,
        /// Unix time in seconds at which the session ends without another request.
        expires_at -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(oauth_accounts, oauth_sessions);
