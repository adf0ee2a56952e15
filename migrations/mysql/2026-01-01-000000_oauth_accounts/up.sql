-- IF NOT EXISTS: a migration that was interrupted runs again, since DDL is not transactional here.
-- VARBINARY for what identifies: compared byte for byte, trailing spaces included, on MySQL as on MariaDB. 1020 bytes hold
-- 255 characters.
CREATE TABLE IF NOT EXISTS oauth_accounts (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    provider VARBINARY(255) NOT NULL,
    issuer MEDIUMTEXT NOT NULL,
    provider_user_id VARBINARY(1020) CHECK (length(provider_user_id) > 0),
    user_id VARBINARY(1020),
    token MEDIUMTEXT NOT NULL,
    token_type MEDIUMTEXT NOT NULL,
    scope MEDIUMTEXT NOT NULL,
    expires_at BIGINT,
    display_name MEDIUMTEXT,
    email MEDIUMTEXT,
    email_verified BOOLEAN NOT NULL,
    profile_url MEDIUMTEXT,
    image_url MEDIUMTEXT,
    userinfo MEDIUMTEXT NOT NULL,
    `rank` INTEGER NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    lease_until BIGINT NOT NULL DEFAULT 0,
    -- One account without an identity per user, and one that is nobody's: there are no partial indexes here.
    without_identity VARBINARY(1300) AS
        (IF(provider_user_id IS NULL, CONCAT(provider, ':', COALESCE(CONCAT('=', user_id), '-')), NULL))
        VIRTUAL INVISIBLE,
    UNIQUE KEY oauth_accounts_identity (provider, provider_user_id),
    UNIQUE KEY oauth_accounts_without_identity (without_identity),
    KEY oauth_accounts_of_user (user_id, provider, `rank`, id),
    KEY oauth_accounts_of_provider (provider, id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS oauth_claims (
    id VARBINARY(255) NOT NULL PRIMARY KEY,
    outcome MEDIUMTEXT,
    expires_at BIGINT NOT NULL,
    KEY oauth_claims_expiry (expires_at)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
