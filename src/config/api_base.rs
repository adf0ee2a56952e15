//! The base of the client's relative paths.

use url::Url;

use super::urls::{is_loopback_host, web_url};
use crate::placeholders;
use crate::provider::token_field;
use crate::token::Token;

/// The base of the client's relative paths, with a `/` at its end.
#[derive(Clone)]
pub(crate) enum ApiBase {
    Fixed(Url),
    /// A URL in the token answer, with placeholders `{token.name}`. On this machine only if the token endpoint is, too: a
    /// provider elsewhere must not send our requests to a service of this machine.
    InToken {
        template: String,
        is_local: bool,
    },
}

impl ApiBase {
    /// The base for requests with `token`. None if the token answer has none.
    pub(crate) fn url(&self, token: &Token) -> Option<Url> {
        match self {
            Self::Fixed(url) => Some(url.clone()),
            Self::InToken { template, is_local } => {
                let text = placeholders::fill_url(template, |name| token_field(&token.extra, name))?;
                let url = web_url(&text).ok().map(with_slash)?;
                (*is_local || !url.host_str().is_some_and(is_loopback_host)).then_some(url)
            }
        }
    }
}

pub(super) fn with_slash(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    url
}
