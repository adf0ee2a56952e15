DROP TABLE oauth_claims;
DROP TABLE oauth_accounts;
