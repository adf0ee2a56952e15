-- The sessions of users. Deleting a row ends the session.
CREATE TABLE oauth_sessions (
    -- Id of the session, the same for as long as the session lives.
    id TEXT PRIMARY KEY NOT NULL,
    -- SHA-256 of the secret in the cookie, in base64url.
    cookie_hash TEXT NOT NULL,
    -- The hash of the secret before the last one, NULL if the cookie has not been replaced yet.
    previous_cookie_hash TEXT,
    -- Unix time in seconds at which the cookie was replaced last.
    rotated_at BIGINT,
    -- Id of the local user, as text.
    user_id TEXT NOT NULL,
    -- Name of the entry whose login began the session, NULL if a form of the app did.
    provider TEXT,
    -- What the entry pointed to then.
    issuer TEXT,
    -- The provider's id of the user, byte for byte.
    provider_user_id TEXT,
    -- The provider's id of its own session, if the ID token has one.
    sid TEXT,
    -- ID token, sealed, if the entry signs out at the provider, too.
    id_token TEXT,
    -- Unix time in seconds at which the session began.
    created_at BIGINT NOT NULL,
    -- Unix time in seconds of the last request, updated now and then.
    seen_at BIGINT NOT NULL,
    -- Unix time in seconds at which the session ends without another request.
    expires_at BIGINT NOT NULL
);

CREATE INDEX oauth_sessions_of_user ON oauth_sessions (user_id);

-- For back-channel logout.
CREATE INDEX oauth_sessions_of_provider_user ON oauth_sessions (provider, provider_user_id);

CREATE INDEX oauth_sessions_of_sid ON oauth_sessions (provider, sid);

CREATE INDEX oauth_sessions_expiry ON oauth_sessions (expires_at);
