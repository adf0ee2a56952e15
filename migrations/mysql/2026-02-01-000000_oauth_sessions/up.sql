-- IF NOT EXISTS and VARBINARY: see the migration before.
-- The sessions of users. Deleting a row ends the session.
CREATE TABLE IF NOT EXISTS oauth_sessions (
    -- Id of the session, the same for as long as the session lives.
    id VARBINARY(255) NOT NULL PRIMARY KEY,
    -- SHA-256 of the secret in the cookie, in base64url.
    cookie_hash VARBINARY(255) NOT NULL,
    -- The hash of the secret before the last one, NULL if the cookie has not been replaced yet.
    previous_cookie_hash VARBINARY(255),
    -- Unix time in seconds at which the cookie was replaced last.
    rotated_at BIGINT,
    -- Id of the local user, as text.
    user_id VARBINARY(1020) NOT NULL,
    -- Name of the entry whose login began the session, NULL if a form of the app did.
    provider VARBINARY(255),
    -- What the entry pointed to then.
    issuer MEDIUMTEXT,
    -- The provider's id of the user, byte for byte.
    provider_user_id VARBINARY(1020),
    -- The provider's id of its own session, if the ID token has one.
    sid VARBINARY(1020),
    -- ID token, sealed, if the entry signs out at the provider, too.
    id_token MEDIUMTEXT,
    -- Unix time in seconds at which the session began.
    created_at BIGINT NOT NULL,
    -- Unix time in seconds of the last request, updated now and then.
    seen_at BIGINT NOT NULL,
    -- Unix time in seconds at which the session ends without another request.
    expires_at BIGINT NOT NULL,
    KEY oauth_sessions_of_user (user_id),
    -- For back-channel logout.
    KEY oauth_sessions_of_provider_user (provider, provider_user_id),
    KEY oauth_sessions_of_sid (provider, sid),
    KEY oauth_sessions_expiry (expires_at)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
