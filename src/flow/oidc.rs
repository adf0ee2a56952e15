//! OpenID Connect: discovery, ID token, userinfo.

use super::Http;

#[derive(Clone)]
pub(crate) struct Discovery(Http);

impl Discovery {
    pub(crate) fn new(http: Http) -> Self {
        Self(http)
    }
}
