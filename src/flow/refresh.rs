//! The refresh of a token.

use super::endpoints::Endpoints;
use super::engine::Engine;
use super::errors::{bad_answer, reconnect_needed};
use super::jwt::stored_claims;
use super::metadata::Metadata;
use super::token_request::RefreshAnswer;
use super::{id_token, token_request};
use crate::config::Entry;
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::token::Token;

/// What a refresh brought. Either token must be stored: the refresh token that was sent may be used up.
#[derive(Debug)]
pub(crate) enum RefreshOutcome {
    /// The next token.
    Renewed(Token),
    /// The answer is refused with `error`. Its refresh token is kept: `token` is the old token with it.
    Rotated { token: Token, error: Error },
}

impl Engine {
    /// Exchanges the refresh token of `token` for the next token (RFC 6749 §6). What the answer leaves out is kept from
    /// `token`. `provider_user_id` is the account's: an answer for another user is refused as a whole.
    ///
    /// The metadata and the keys that judge the answer are fetched first, so that their failure does not cost the refresh
    /// token.
    ///
    /// # Errors
    /// [`ErrorKind::ReconnectNeeded`](crate::ErrorKind::ReconnectNeeded) if there is no refresh token, or the provider no
    /// longer accepts it. Other errors do not concern the grant: the refresh token of `token` remains valid.
    pub(crate) async fn refresh(
        &self,
        entry: &Entry,
        token: &Token,
        provider_user_id: Option<&str>,
    ) -> Result<RefreshOutcome> {
        let refresh_token =
            token.refresh_token.as_ref().ok_or_else(|| reconnect_needed(entry, "no refresh token"))?;
        let options = entry.oauth2().ok_or_else(|| Error::app("an OAuth 1 token has no refresh token"))?;
        let metadata = self.metadata(entry).await?;
        if let Some(url) = metadata.as_ref().and_then(|metadata| Self::key_set_url(entry, metadata)) {
            self.jwks.get(url).await?;
        }
        let endpoints = Endpoints::new(entry, options, metadata.as_deref());
        let answer = token_request::exchange_refresh_token(self, endpoints, token, refresh_token).await?;
        let (next, error) = match answer {
            RefreshAnswer::Token(answer) => {
                let next = answer.into_token(&token.scope, self.clock.now());
                check_user(metadata.as_deref(), token, next.id_token.as_ref(), provider_user_id)?;
                match check_id_token(self, entry, metadata.as_deref(), token, &next).await {
                    Ok(id_token) => {
                        return Ok(RefreshOutcome::Renewed(completed(next, id_token, token)));
                    }
                    Err(error) => (next.refresh_token, error),
                }
            }
            RefreshAnswer::RefreshToken { refresh_token, id_token, error } => {
                check_user(metadata.as_deref(), token, id_token.as_ref(), provider_user_id)?;
                (Some(refresh_token), error)
            }
        };
        match next.filter(|next| !next.matches(refresh_token.expose())) {
            Some(next) => Ok(RefreshOutcome::Rotated {
                token: Token { refresh_token: Some(next), ..token.clone() },
                error,
            }),
            None => Err(error),
        }
    }
}

/// Checks that the ID token `next`, which a refresh brought, does not name another user than the account and the ID token of
/// `old`. Its signature is not verified yet: even a forged one is a reason to refuse the answer.
fn check_user(
    metadata: Option<&Metadata>,
    old: &Token,
    next: Option<&Secret>,
    provider_user_id: Option<&str>,
) -> Result<()> {
    let sub = |token: &Secret| stored_claims(token.expose())?.get("sub")?.as_str().map(str::to_owned);
    let (Some(_), Some(new)) = (metadata, next.and_then(sub)) else { return Ok(()) };
    // The old token may have no ID token to compare with.
    let before = old.id_token.as_ref().and_then(sub);
    match provider_user_id.is_some_and(|id| id != new) || before.is_some_and(|before| before != new) {
        true => Err(bad_answer("the refreshed ID token is another user's")),
        false => Ok(()),
    }
}

/// Returns the ID token of `next`, if it has one that is valid now. Without OpenID Connect it can't be verified.
async fn check_id_token(
    engine: &Engine,
    entry: &Entry,
    metadata: Option<&Metadata>,
    old: &Token,
    next: &Token,
) -> Result<Option<Secret>> {
    match (metadata, &next.id_token) {
        (Some(metadata), Some(_)) => id_token::verify_refreshed(engine, entry, metadata, old, next).await,
        _ => Ok(None),
    }
}

/// Completes `next` by what its answer left out.
fn completed(mut next: Token, id_token: Option<Secret>, old: &Token) -> Token {
    next.is_refreshed = true;
    next.id_token = id_token.or_else(|| old.id_token.clone());
    if next.refresh_token.is_none() {
        next.refresh_token.clone_from(&old.refresh_token);
    }
    let mut extra = old.extra.clone();
    extra.append(&mut next.extra);
    next.extra = extra;
    next
}
