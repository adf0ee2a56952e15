-- IF NOT EXISTS: an interrupted migration runs again, since DDL is not transactional on MySQL.
-- VARBINARY for ids: MySQL and MariaDB compare it byte for byte, trailing spaces included. 1020 bytes hold 255 characters.
-- The accounts of users at providers: one row per user of a provider.
CREATE TABLE IF NOT EXISTS oauth_accounts (
    -- Id of the account, never reused.
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    -- Name of the entry in Rocket.toml.
    provider VARBINARY(255) NOT NULL,
    -- What the entry pointed to when the account was stored.
    issuer MEDIUMTEXT NOT NULL,
    -- The provider's id of the user, byte for byte, NULL if the provider has no userinfo.
    provider_user_id VARBINARY(1020) CHECK (length(provider_user_id) > 0),
    -- Id of the local user, as text, NULL for accounts without a user.
    user_id VARBINARY(1020),
    -- Access token, refresh token and ID token, sealed.
    token MEDIUMTEXT NOT NULL,
    -- How the access token is used, for example Bearer.
    token_type MEDIUMTEXT NOT NULL,
    -- Granted scope, separated by spaces.
    scope MEDIUMTEXT NOT NULL,
    -- Unix time in seconds at which the access token expires.
    expires_at BIGINT,
    -- Name of the user at the provider.
    display_name MEDIUMTEXT,
    -- E-mail address at the provider, verified or not.
    email MEDIUMTEXT,
    -- Whether the provider says that it has verified the address.
    email_verified BOOLEAN NOT NULL,
    -- URL of the user's page at the provider.
    profile_url MEDIUMTEXT,
    -- URL of the user's picture.
    image_url MEDIUMTEXT,
    -- The provider's userinfo, as JSON.
    userinfo MEDIUMTEXT NOT NULL,
    -- Position among the user's accounts at the entry: the lowest is the primary one, the site's has -1.
    `rank` INTEGER NOT NULL DEFAULT 0,
    -- Unix time in seconds at which the account was first stored.
    created_at BIGINT NOT NULL,
    -- Unix time in seconds at which the account was last stored.
    updated_at BIGINT NOT NULL,
    -- Number of tokens that were stored for the account.
    version BIGINT NOT NULL,
    -- Unix time in seconds until which one process may refresh the token.
    lease_until BIGINT NOT NULL DEFAULT 0,
    -- At most one account without an identity per user, and one without a user. MySQL has no partial indexes.
    without_identity VARBINARY(1300) AS
        (IF(provider_user_id IS NULL, CONCAT(provider, ':', COALESCE(CONCAT('=', user_id), '-')), NULL))
        VIRTUAL INVISIBLE,
    UNIQUE KEY oauth_accounts_identity (provider, provider_user_id),
    UNIQUE KEY oauth_accounts_without_identity (without_identity),
    KEY oauth_accounts_of_user (user_id, provider, `rank`, id),
    KEY oauth_accounts_of_provider (provider, id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Callbacks that were used, and accounts that wait for their user, until they expire.
CREATE TABLE IF NOT EXISTS oauth_claims (
    -- Hash of what identifies the callback or the waiting account.
    id VARBINARY(255) NOT NULL PRIMARY KEY,
    -- Sealed outcome of the callback, or an account that waits for its user. NULL while the callback is handled.
    outcome MEDIUMTEXT,
    -- Unix time in seconds at which the claim may be removed.
    expires_at BIGINT NOT NULL,
    KEY oauth_claims_expiry (expires_at)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
