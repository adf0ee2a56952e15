-- A user has a name, and a password if she signed up with one; accounts at providers are rocket_dance's.
-- A name is a BLOB: compared byte for byte, trailing spaces included, on MySQL as on MariaDB.
CREATE TABLE users (
    id INTEGER NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name MEDIUMBLOB NOT NULL,
    password TEXT,
    -- Whoever comes by a provider may be called like somebody else; who signs in with a name may not. There are no
    -- partial indexes here.
    signs_in_as VARBINARY(400) AS (IF(password IS NULL, NULL, name)) STORED,
    KEY users_by_name (name(100)),
    UNIQUE KEY users_who_sign_in_by_name (signs_in_as)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
