-- IF NOT EXISTS and VARBINARY: see the tables before.
CREATE TABLE IF NOT EXISTS oauth_sessions (
    id VARBINARY(255) NOT NULL PRIMARY KEY,
    user_id VARBINARY(1020) NOT NULL,
    provider VARBINARY(255),
    issuer MEDIUMTEXT,
    provider_user_id VARBINARY(1020),
    sid VARBINARY(1020),
    id_token MEDIUMTEXT,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    KEY oauth_sessions_of_user (user_id),
    -- What a back-channel logout names.
    KEY oauth_sessions_of_provider_user (provider, provider_user_id),
    KEY oauth_sessions_of_sid (provider, sid),
    KEY oauth_sessions_expiry (expires_at)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
