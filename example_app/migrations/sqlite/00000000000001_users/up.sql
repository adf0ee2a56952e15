-- A user has a name, and a password if she signed up with one; accounts at providers are rocket_dance's.
CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    name TEXT NOT NULL,
    password TEXT
);

-- Whoever comes by a provider may be called like somebody else; who signs in with a name may not.
CREATE UNIQUE INDEX users_who_sign_in_by_name ON users (name) WHERE password IS NOT NULL;
