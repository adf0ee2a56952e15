CREATE TABLE oauth_accounts (
    -- AUTOINCREMENT: the id of a removed account is never another's.
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    provider TEXT NOT NULL,
    issuer TEXT NOT NULL,
    provider_user_id TEXT CHECK (length(provider_user_id) > 0),
    user_id TEXT,
    token TEXT NOT NULL,
    token_type TEXT NOT NULL,
    scope TEXT NOT NULL,
    expires_at BIGINT,
    display_name TEXT,
    email TEXT,
    email_verified BOOLEAN NOT NULL,
    profile_url TEXT,
    image_url TEXT,
    userinfo TEXT NOT NULL,
    rank INTEGER NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    lease_until BIGINT NOT NULL DEFAULT 0,
    UNIQUE (provider, provider_user_id)
);

CREATE INDEX oauth_accounts_of_user ON oauth_accounts (user_id, provider, rank, id);

CREATE INDEX oauth_accounts_of_provider ON oauth_accounts (provider, id);

-- One account without an identity per user, and one that is nobody's.
CREATE UNIQUE INDEX oauth_accounts_without_identity ON oauth_accounts (provider, coalesce('=' || user_id, '-'))
    WHERE provider_user_id IS NULL;

CREATE TABLE oauth_claims (
    id TEXT PRIMARY KEY NOT NULL,
    outcome TEXT,
    expires_at BIGINT NOT NULL
);

CREATE INDEX oauth_claims_expiry ON oauth_claims (expires_at);
