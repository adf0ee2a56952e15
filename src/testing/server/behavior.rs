//! [`Behavior`]: what a test can change about the provider.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::api_route::ApiRoutes;
use super::preset_answers::{add_userinfo, email, name, remove_email};
use super::signing_key::SigningKey;
use crate::provider::Preset;

pub(crate) type EditClaims = Arc<dyn Fn(&mut Value) + Send + Sync>;
pub(crate) type EditIdToken = Arc<dyn Fn(String) -> String + Send + Sync>;

/// Default lifetime of an access token, in seconds.
const DEFAULT_ACCESS_TOKEN_TTL: i64 = 3600;

/// Which refresh tokens the provider issues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefreshTokenRule {
    /// A refresh brings a new one, and the old one is used up.
    Rotate,
    /// One lasts for all refreshes.
    Keep,
    /// None.
    Omit,
}

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
    /// The scope that is granted in place of the requested one.
    pub(crate) granted_scope: Option<String>,
    pub(crate) refresh_tokens: RefreshTokenRule,
    /// Whether the provider says an address of the user.
    pub(crate) has_email: bool,
    pub(crate) is_down: bool,
    /// How long every answer takes.
    pub(crate) delay: Duration,
    /// The presets of the app whose entries this provider stands in for, by name.
    pub(crate) own_presets: Arc<BTreeMap<String, Preset>>,
    /// The claims that the entries require of their users' ID tokens, for example the `hd` of Google's `hosted_domain`.
    pub(crate) required_claims: BTreeMap<&'static str, String>,
    /// What a test answers to calls of the API.
    pub(crate) api: ApiRoutes,
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
            granted_scope: None,
            refresh_tokens: RefreshTokenRule::Rotate,
            has_email: true,
            is_down: false,
            delay: Duration::ZERO,
            own_presets: Arc::default(),
            required_claims: BTreeMap::new(),
            api: ApiRoutes::default(),
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
            if !self.has_email {
                remove_email(&mut userinfo);
            }
            userinfo
        })
    }

    /// Adds the [required claims](Self::required_claims) to those of an ID token of `user`, and the user's address, which counts
    /// only beside them.
    pub(super) fn add_required_claims(&self, user: &str, claims: &mut Value) {
        if self.required_claims.is_empty() {
            return;
        }
        let userinfo = self.userinfo_of(user, None);
        for name in ["email", "email_verified"] {
            if let Some(value) = userinfo.get(name) {
                claims[name] = value.clone();
            }
        }
        for (name, value) in &self.required_claims {
            claims[*name] = json!(value);
        }
    }
}
