DROP TABLE oauth_claims;
DROP TABLE oauth_accounts;
DROP FUNCTION oauth_accounts_notify;
DROP FUNCTION oauth_accounts_notify_all;
