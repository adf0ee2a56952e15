//! [`Sessions`] without its type parameter.

use rocket::Request;

use super::{Sessions, SignInOutcome};
use crate::error::Result;
use crate::link::parse_user_id;
use crate::storage::UserType;

/// [`Sessions`] with user ids as text, so that the dance needs no type parameter.
#[rocket::async_trait]
pub(crate) trait ErasedSessions: Send + Sync + 'static {
    fn user_type(&self) -> Option<UserType>;
    async fn current(&self, request: &Request<'_>) -> Result<Option<String>>;
    async fn sign_in(&self, request: &Request<'_>, user: &str) -> Result<SignInOutcome>;
    async fn sign_out(&self, request: &Request<'_>) -> Result<()>;
}

/// The [`ErasedSessions`] of an app's [`Sessions`].
pub(crate) struct TypedSessions<S>(pub(crate) S);

#[rocket::async_trait]
impl<S: Sessions> ErasedSessions for TypedSessions<S> {
    fn user_type(&self) -> Option<UserType> {
        Some(UserType::of::<S::User>())
    }

    async fn current(&self, request: &Request<'_>) -> Result<Option<String>> {
        Ok(self.0.current(request).await?.map(|user| user.to_string()))
    }

    async fn sign_in(&self, request: &Request<'_>, user: &str) -> Result<SignInOutcome> {
        self.0.sign_in(request, &parse_user_id(user)?).await
    }

    async fn sign_out(&self, request: &Request<'_>) -> Result<()> {
        self.0.sign_out(request).await
    }
}
