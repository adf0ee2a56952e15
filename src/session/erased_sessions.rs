//! [`Sessions`] without its type parameter.

use rocket::Request;

use super::{Sessions, SignInOutcome};
use crate::error::Result;
use crate::link::parse_user_id;
use crate::storage::UserType;

/// [`Sessions`] with user ids as text, so that `Dance` needs no type parameter.
#[rocket::async_trait]
pub(crate) trait ErasedSessions: Send + Sync + 'static {
    fn user_type(&self) -> Option<UserType>;
    async fn current(&self, request: &Request<'_>) -> Result<Option<String>>;
    async fn sign_in(&self, request: &Request<'_>, user: &str) -> Result<SignInOutcome>;
    async fn sign_out(&self, request: &Request<'_>) -> Result<()>;
    async fn may_merge(&self, request: &Request<'_>, owner: &str) -> Result<bool>;
}

#[rocket::async_trait]
impl<S: Sessions> ErasedSessions for S {
    fn user_type(&self) -> Option<UserType> {
        Some(UserType::of::<S::User>())
    }

    async fn current(&self, request: &Request<'_>) -> Result<Option<String>> {
        Ok(Sessions::current(self, request).await?.map(|user| user.to_string()))
    }

    async fn sign_in(&self, request: &Request<'_>, user: &str) -> Result<SignInOutcome> {
        Sessions::sign_in(self, request, &parse_user_id(user)?).await
    }

    async fn sign_out(&self, request: &Request<'_>) -> Result<()> {
        Sessions::sign_out(self, request).await
    }

    async fn may_merge(&self, request: &Request<'_>, owner: &str) -> Result<bool> {
        Sessions::may_merge(self, request, &parse_user_id(owner)?).await
    }
}
