//! [`ProviderEndpoint`]: the endpoints of a fake provider.

/// An endpoint of a [`FakeProvider`](crate::testing::FakeProvider): where a
/// [`FakeResponse`](crate::testing::FakeResponse) applies, and where a
/// [`RecordedRequest`](crate::testing::RecordedRequest) arrived.
///
/// ```
/// use rocket_dance::testing::{FakeProvider, ProviderEndpoint};
///
/// # rocket::async_test(async {
/// let fake = FakeProvider::start().await;
/// assert_eq!(fake.request_count(ProviderEndpoint::Token), 0);
/// # });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProviderEndpoint {
    /// The discovery document, `/.well-known/openid-configuration` (OpenID Connect Discovery 1.0 §4).
    Discovery,
    /// The signing keys, `/jwks` (RFC 7517 §5).
    Jwks,
    /// The authorization endpoint: `/authorize`, and `/oauth1/authorize` for OAuth 1.0a.
    Authorize,
    /// The endpoint for pushed authorization requests, `/par` (RFC 9126).
    PushedAuthorization,
    /// The endpoint for OAuth 1.0a's temporary credentials, `/oauth1/request_token` (RFC 5849 §2.1).
    RequestToken,
    /// The token endpoint: `/token` for code exchange and refresh, and `/oauth1/access_token` for OAuth 1.0a.
    Token,
    /// The revocation endpoint, `/revoke` (RFC 7009).
    Revocation,
    /// The end session endpoint, `/logout` (OpenID Connect RP-Initiated Logout 1.0).
    EndSession,
    /// The userinfo endpoint: `/userinfo`, and `/api/user` for OAuth 2 presets.
    Userinfo,
    /// A list of the user's e-mail addresses, `/api/user/emails`, in the format of GitHub's API.
    Emails,
    /// The API below `/api/`. `GET /api/me` returns the userinfo; every other request is echoed as JSON.
    Api,
}
