//! [`Behavior`]: what a test can change about the provider.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::preset_answers::{add_userinfo, email, name};
use super::signing_key::SigningKey;
use crate::provider::Preset;

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

    /// The userinfo of `user`: what the test has set, or else the claims of OpenID Connect and what `preset` reads.
    pub(super) fn userinfo_of(&self, user: &str, preset: Option<&Preset>) -> Value {
        self.userinfo.get(user).cloned().unwrap_or_else(|| {
            let mut userinfo = json!({
                "sub": user, "id": user, "login": user, "name": name(user), "preferred_username": user,
                "email": email(user), "email_verified": true,
            });
            if let Some(preset) = preset {
                add_userinfo(preset, user, &mut userinfo);
            }
            userinfo
        })
    }
}
