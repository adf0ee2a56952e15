-- Splits oauth_accounts and oauth_sessions into 16 partitions each, by hash. PostgreSQL 14 or newer; docs/guide/scale.md says what
-- it costs and when it helps.
--
-- Run it once, as the owner of the tables, after the migrations and before the app has users: it copies the rows in one
-- transaction, and the tables are locked until it ends. Then grant the rights of the app's role again.
--
--     psql --single-transaction --set ON_ERROR_STOP=1 --file partitions.sql "$DATABASE_URL"

ALTER TABLE oauth_accounts RENAME TO oauth_accounts_whole;
ALTER TABLE oauth_sessions RENAME TO oauth_sessions_whole;

-- An identity column and a primary key cannot span partitions: a sequence numbers the accounts instead, so that an id is still
-- given only once.
CREATE SEQUENCE oauth_accounts_ids AS BIGINT;
CREATE TABLE oauth_accounts (LIKE oauth_accounts_whole INCLUDING COMMENTS INCLUDING CONSTRAINTS INCLUDING DEFAULTS)
    PARTITION BY HASH (provider, provider_user_id);
ALTER TABLE oauth_accounts ALTER id SET DEFAULT nextval('oauth_accounts_ids');
ALTER SEQUENCE oauth_accounts_ids OWNED BY oauth_accounts.id;

CREATE TABLE oauth_sessions (LIKE oauth_sessions_whole INCLUDING COMMENTS INCLUDING CONSTRAINTS INCLUDING DEFAULTS)
    PARTITION BY HASH (id);

DO $$
BEGIN
    FOR part IN 0..15 LOOP
        EXECUTE format('CREATE TABLE oauth_accounts_%s PARTITION OF oauth_accounts FOR VALUES WITH (MODULUS 16, REMAINDER %s)',
            part, part);
        -- Rows without a provider_user_id have one partition per entry, where this index sees all of them.
        EXECUTE format('CREATE UNIQUE INDEX ON oauth_accounts_%s (provider, coalesce(''='' || user_id, ''-'')) '
            'WHERE provider_user_id IS NULL', part);
        -- Logical replication finds a row by this index, since the table has no primary key.
        EXECUTE format('CREATE UNIQUE INDEX oauth_accounts_%s_by_id ON oauth_accounts_%s (id)', part, part);
        EXECUTE format('ALTER TABLE oauth_accounts_%s REPLICA IDENTITY USING INDEX oauth_accounts_%s_by_id', part, part);
        EXECUTE format('CREATE TABLE oauth_sessions_%s PARTITION OF oauth_sessions FOR VALUES WITH (MODULUS 16, REMAINDER %s)',
            part, part);
    END LOOP;
END
$$;

INSERT INTO oauth_accounts SELECT * FROM oauth_accounts_whole;
INSERT INTO oauth_sessions SELECT * FROM oauth_sessions_whole;
SELECT setval('oauth_accounts_ids', coalesce(max(id), 0) + 1, false) FROM oauth_accounts;
DROP TABLE oauth_accounts_whole, oauth_sessions_whole;

ALTER TABLE oauth_accounts ADD UNIQUE (provider, provider_user_id);
CREATE INDEX oauth_accounts_of_user ON oauth_accounts (user_id, provider, rank, id);
CREATE INDEX oauth_accounts_of_provider ON oauth_accounts (provider, id);

ALTER TABLE oauth_sessions ADD PRIMARY KEY (id);
CREATE INDEX oauth_sessions_of_user ON oauth_sessions (user_id);
CREATE INDEX oauth_sessions_of_provider_user ON oauth_sessions (provider, provider_user_id);
CREATE INDEX oauth_sessions_of_sid ON oauth_sessions (provider, sid);
CREATE INDEX oauth_sessions_expiry ON oauth_sessions (expires_at);

CREATE TRIGGER oauth_accounts_notify
    AFTER INSERT OR DELETE OR UPDATE OF provider, provider_user_id, user_id, issuer, token, rank, version, userinfo
    ON oauth_accounts FOR EACH ROW EXECUTE FUNCTION oauth_accounts_notify();
CREATE TRIGGER oauth_accounts_notify_all
    AFTER TRUNCATE ON oauth_accounts FOR EACH STATEMENT EXECUTE FUNCTION oauth_accounts_notify_all();
CREATE TRIGGER oauth_sessions_notify
    AFTER DELETE OR UPDATE OF id, user_id, cookie_hash ON oauth_sessions FOR EACH ROW EXECUTE FUNCTION oauth_sessions_notify();
CREATE TRIGGER oauth_sessions_notify_all
    AFTER TRUNCATE ON oauth_sessions FOR EACH STATEMENT EXECUTE FUNCTION oauth_sessions_notify();
