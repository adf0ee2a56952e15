-- The accounts of users at providers: one row per user of a provider.
CREATE TABLE oauth_accounts (
    -- Id of the account, never reused (AUTOINCREMENT).
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    -- Name of the entry in Rocket.toml.
    provider TEXT NOT NULL,
    -- What the entry pointed to when the account was stored.
    issuer TEXT NOT NULL,
    -- The provider's id of the user, byte for byte, NULL if the provider has no userinfo.
    provider_user_id TEXT CHECK (length(provider_user_id) > 0),
    -- Id of the local user, as text, NULL for accounts without a user.
    user_id TEXT,
    -- Access token, refresh token and ID token, sealed.
    token TEXT NOT NULL,
    -- How the access token is used, for example Bearer.
    token_type TEXT NOT NULL,
    -- Granted scope, separated by spaces.
    scope TEXT NOT NULL,
    -- Unix time in seconds at which the access token expires.
    expires_at BIGINT,
    -- Name of the user at the provider.
    display_name TEXT,
    -- E-mail address at the provider, verified or not.
    email TEXT,
    -- Whether the provider says that it has verified the address.
    email_verified BOOLEAN NOT NULL,
    -- URL of the user's page at the provider.
    profile_url TEXT,
    -- URL of the user's picture.
    image_url TEXT,
    -- The provider's userinfo, as JSON.
    userinfo TEXT NOT NULL,
    -- Position among the user's accounts at the entry: the lowest is the primary one, the site's has -1.
    rank INTEGER NOT NULL DEFAULT 0,
    -- Unix time in seconds at which the account was first stored.
    created_at BIGINT NOT NULL,
    -- Unix time in seconds at which the account was last stored.
    updated_at BIGINT NOT NULL,
    -- Number of tokens that were stored for the account.
    version BIGINT NOT NULL,
    -- Unix time in seconds until which one process may refresh the token.
    lease_until BIGINT NOT NULL DEFAULT 0,
    UNIQUE (provider, provider_user_id)
);

CREATE INDEX oauth_accounts_of_user ON oauth_accounts (user_id, provider, rank, id);

CREATE INDEX oauth_accounts_of_provider ON oauth_accounts (provider, id);

-- At most one account without an identity per user, and one without a user.
CREATE UNIQUE INDEX oauth_accounts_without_identity ON oauth_accounts (provider, coalesce('=' || user_id, '-'))
    WHERE provider_user_id IS NULL;

-- Callbacks that were used, and accounts that wait for their user, until they expire.
CREATE TABLE oauth_claims (
    -- Hash of what identifies the callback or the waiting account.
    id TEXT PRIMARY KEY NOT NULL,
    -- Sealed outcome of the callback, or an account that waits for its user. NULL while the callback is handled.
    outcome TEXT,
    -- Unix time in seconds at which the claim may be removed.
    expires_at BIGINT NOT NULL
);

CREATE INDEX oauth_claims_expiry ON oauth_claims (expires_at);
