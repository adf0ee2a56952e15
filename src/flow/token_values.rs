//! The values of placeholders in requests with a token.

use crate::config::Entry;
use crate::provider::token_field;
use crate::token::Token;

/// The value of the placeholder `name` in a request with `token`.
pub(super) fn token_value(entry: &Entry, token: &Token, name: &str) -> Option<String> {
    match name {
        "client_id" => Some(entry.client_id.clone()),
        "redirect_uri" => Some(entry.redirect_uri.clone()),
        "access_token" => Some(token.access_token.expose().to_owned()),
        "refresh_token" => {
            Some(token.refresh_token.as_ref().unwrap_or(&token.access_token).expose().to_owned())
        }
        _ => token_field(&token.extra, name).or_else(|| entry.userinfo.parameters.get(name).cloned()),
    }
}
