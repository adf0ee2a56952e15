CREATE TABLE oauth_sessions (
    id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    provider TEXT COLLATE "C",
    issuer TEXT,
    provider_user_id TEXT COLLATE "C",
    sid TEXT COLLATE "C",
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

-- Tells the caches of all processes which session has ended, whoever ended it. A new one nobody has looked for, and when
-- it was last seen each process finds out for itself.
CREATE FUNCTION oauth_sessions_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('rocket_dance', CASE WHEN TG_OP = 'TRUNCATE' THEN '*' ELSE 'session:' || OLD.id END);
    RETURN NULL;
END
$$;

CREATE TRIGGER oauth_sessions_notify
    AFTER DELETE OR UPDATE OF id, user_id ON oauth_sessions FOR EACH ROW EXECUTE FUNCTION oauth_sessions_notify();

CREATE TRIGGER oauth_sessions_notify_all
    AFTER TRUNCATE ON oauth_sessions FOR EACH STATEMENT EXECUTE FUNCTION oauth_sessions_notify();
