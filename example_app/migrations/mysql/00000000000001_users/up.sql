-- `password` is the argon2id hash of a user who signed up with a password, otherwise NULL. rocket_dance stores the accounts at
-- providers in its own tables.
-- `name` is a BLOB, so that MySQL and MariaDB both compare it byte for byte, including trailing spaces.
CREATE TABLE users (
    id INTEGER NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name MEDIUMBLOB NOT NULL,
    -- What the provider or the user says; not verified.
    email TEXT,
    password TEXT,
    -- Users who sign in with a name and a password have unique names. Users who sign in through a provider may share a name.
    -- MySQL has no partial indexes, so a generated column is unique instead.
    signs_in_as VARBINARY(400) AS (IF(password IS NULL, NULL, name)) STORED,
    KEY users_by_name (name(100)),
    UNIQUE KEY users_who_sign_in_by_name (signs_in_as)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
