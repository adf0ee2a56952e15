//! [`Behavior`]: what a test can change about the provider.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::signing_key::SigningKey;

pub(crate) type EditClaims = Arc<dyn Fn(&mut Value) + Send + Sync>;
pub(crate) type EditIdToken = Arc<dyn Fn(String) -> String + Send + Sync>;

/// Default lifetime of an access token, in seconds.
const DEFAULT_ACCESS_TOKEN_TTL: i64 = 3600;

/// What a test can change about the provider.
pub(crate) struct Behavior {
    pub(crate) signing_key: SigningKey,
    /// Lifetime of access tokens, in seconds.
    pub(crate) access_token_ttl: i64,
    /// The `sub` of the user who signs in.
    pub(crate) user: String,
    /// Userinfo by `sub`, where a test has set it.
    pub(crate) userinfo: HashMap<String, Value>,
    /// The error code with which the next authorization fails.
    pub(crate) next_error: Option<String>,
    pub(crate) requires_pushed_authorization: bool,
    pub(crate) edit_claims: Option<EditClaims>,
    pub(crate) edit_id_token: Option<EditIdToken>,
}

impl Behavior {
    pub(super) fn new(signing_key: SigningKey) -> Self {
        Self {
            signing_key,
            access_token_ttl: DEFAULT_ACCESS_TOKEN_TTL,
            user: "ada".into(),
            userinfo: HashMap::new(),
            next_error: None,
            requires_pushed_authorization: false,
            edit_claims: None,
            edit_id_token: None,
        }
    }

    /// The userinfo of `user`: what the test has set, or else an answer with the fields that the presets read.
    pub(super) fn userinfo_of(&self, user: &str) -> Value {
        self.userinfo.get(user).cloned().unwrap_or_else(|| {
            let mut name = user.to_owned();
            if let Some(first) = name.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            json!({
                "sub": user, "id": user, "id_str": user, "key": user, "login": user, "name": name,
                "preferred_username": user, "email": format!("{user}@example.test"), "email_verified": true,
            })
        })
    }
}
