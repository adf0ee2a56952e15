//! The bundled tables, for an app's own joins and admin pages.
//!
//! The column `user_id` holds the user's id as text, whatever the app's type: compare it with a cast, as in
//! `CAST(users.id AS TEXT)`. Rows are written by the dance; what an app may change by itself is `rank`, and a session ends
//! when its row is deleted.

diesel::table! {
    /// The accounts.
    oauth_accounts (id) {
        /// The account's id; never given twice.
        id -> BigInt,
        /// The entry's name.
        provider -> Text,
        /// What the entry pointed to when the account was stored.
        issuer -> Text,
        /// The provider's id of its user, byte for byte.
        provider_user_id -> Nullable<Text>,
        /// The local user's id, as text.
        user_id -> Nullable<Text>,
        /// The token, sealed.
        token -> Text,
        /// How the access token is used.
        token_type -> Text,
        /// The granted scope, joined by spaces.
        scope -> Text,
        /// When the access token expires, in unix seconds.
        expires_at -> Nullable<BigInt>,
        /// What the person is called there.
        display_name -> Nullable<Text>,
        /// The e-mail address that the provider claims.
        email -> Nullable<Text>,
        /// Whether the provider says that it has verified the address.
        email_verified -> Bool,
        /// The page about the person at the provider.
        profile_url -> Nullable<Text>,
        /// The person's picture.
        image_url -> Nullable<Text>,
        /// What the provider said about the person, as JSON.
        userinfo -> Text,
        /// The place among the user's accounts at the entry: the lowest is the primary one. The site's account has -1, and
        /// is the site's by that.
        rank -> Integer,
        /// When the account was first stored, in unix seconds.
        created_at -> BigInt,
        /// When it was last stored, in unix seconds.
        updated_at -> BigInt,
        /// Counts the writes.
        version -> BigInt,
        /// Until when one process refreshes the token, in unix seconds.
        lease_until -> BigInt,
    }
}

diesel::table! {
    /// The callbacks used up, until they expire.
    oauth_claims (id) {
        /// The callback's handle, which doesn't tell its state.
        id -> Text,
        /// What came of it.
        outcome -> Nullable<Text>,
        /// When it may be forgotten, in unix seconds.
        expires_at -> BigInt,
    }
}

diesel::table! {
    /// The sessions of [`CurrentUser`](crate::CurrentUser).
    oauth_sessions (id) {
        /// The SHA-256 of what the cookie holds.
        id -> Text,
        /// The local user's id, as text.
        user_id -> Text,
        /// The name of the entry whose dance made it; none where a form of the app's own did.
        provider -> Nullable<Text>,
        /// What the entry pointed to then.
        issuer -> Nullable<Text>,
        /// The provider's id of its user, byte for byte.
        provider_user_id -> Nullable<Text>,
        /// The provider's id of its own session.
        sid -> Nullable<Text>,
        /// The ID token, sealed, where the entry's logout needs it.
        id_token -> Nullable<Text>,
        /// When it began, in unix seconds.
        created_at -> BigInt,
        /// When it was last seen, in unix seconds; noted every now and then.
        seen_at -> BigInt,
        /// When it ends if it isn't seen again, in unix seconds.
        expires_at -> BigInt,
    }
}
