-- `password` is the argon2id hash of a user who signed up with a password, otherwise NULL. rocket_dance stores the accounts at
-- providers in its own tables.
CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    name TEXT NOT NULL,
    -- What the provider or the user says; not verified.
    email TEXT,
    password TEXT
);

-- Users who sign in with a name and a password have unique names. Users who sign in through a provider may share a name.
CREATE UNIQUE INDEX users_who_sign_in_by_name ON users (name) WHERE password IS NOT NULL;
