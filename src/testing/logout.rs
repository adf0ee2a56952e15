//! Logout at the provider (OpenID Connect RP-Initiated Logout, Back-Channel Logout).

use serde_json::{Value, json};
use url::Url;

use super::FakeProvider;
use super::door::{Reply, Request, one};
use super::grants::id;
use super::issuer::{Issuer, lock};
use super::page;

impl Issuer {
    /// The end session endpoint (RP-Initiated Logout §2 and §3). Nobody is signed in here between two authorizations, so
    /// that it asks nothing: it leads back.
    pub(super) fn end_session(&self, request: &Request) -> Reply {
        let given = if request.method == "POST" { &request.form } else { &request.query };
        let Ok(Some(client)) = one(given, "client_id").map(|id| id.and_then(|id| self.client(id))) else {
            return page::error("The client is not known here.");
        };
        // Never redirect to where the client didn't say.
        let known =
            client.redirect_uri.as_deref().and_then(|uri| Url::parse(uri).ok()).map(|uri| uri.origin());
        let landing =
            one(given, "post_logout_redirect_uri").ok().flatten().and_then(|uri| Url::parse(uri).ok());
        let Some(mut landing) = landing.filter(|uri| known.is_none_or(|known| known == uri.origin())) else {
            return page::error("You are signed out.");
        };
        if let Ok(Some(state)) = one(given, "state") {
            landing.query_pairs_mut().append_pair("state", state);
        }
        Reply::see(landing.as_str())
    }
}

impl FakeProvider {
    /// A logout token (Back-Channel Logout §2.4), to be posted as `logout_token` to `/login/<name>/backchannel-logout`: of
    /// all sessions of the user `sub`, of the provider's session `sid`, or of that session of that user. Which session a
    /// sign-in is of, the ID token's claim `sid` says, where a test puts one in by [`claims`](FakeProvider::claims).
    ///
    /// ```
    /// use rocket_dance::testing::FakeProvider;
    ///
    /// # rocket::async_test(async {
    /// let fake = FakeProvider::start().await;
    /// let logout_token = fake.logout_token(Some("ada"), None);
    /// assert_eq!(logout_token.split('.').count(), 3);
    /// # });
    /// ```
    pub fn logout_token(&self, sub: Option<&str>, sid: Option<&str>) -> String {
        let issuer = &self.issuer;
        let now = issuer.now();
        let mut claims = json!({
            "iss": issuer.url(), "aud": self.client_id(), "iat": now, "exp": now + 120, "jti": id(),
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        });
        for (name, value) in [("sub", sub), ("sid", sid)] {
            if let Some(value) = value {
                claims[name] = json!(value);
            }
        }
        let mut header = lock(&issuer.0.play).signer.header();
        header["typ"] = Value::from("logout+jwt");
        self.sign(Some(&header), &claims.to_string())
    }
}
