DROP TABLE oauth_sessions;
DROP FUNCTION oauth_sessions_notify;
