CREATE TABLE oauth_sessions (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL,
    provider TEXT,
    issuer TEXT,
    provider_user_id TEXT,
    sid TEXT,
    id_token TEXT,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX oauth_sessions_of_user ON oauth_sessions (user_id);

-- What a back-channel logout names.
CREATE INDEX oauth_sessions_of_provider_user ON oauth_sessions (provider, provider_user_id);

CREATE INDEX oauth_sessions_of_sid ON oauth_sessions (provider, sid);

CREATE INDEX oauth_sessions_expiry ON oauth_sessions (expires_at);
