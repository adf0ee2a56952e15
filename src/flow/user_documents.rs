//! What a provider has said about a user: one document per answer.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::errors::bad_answer;
use super::json;
use crate::error::Result;
use crate::secret::decode_base64url;
use crate::token::Token;

/// What a provider has said about the user of a token: one document per answer.
#[derive(Debug)]
pub(super) struct UserDocuments {
    /// The claims of the ID token and the answer of the userinfo endpoint: one of them or both, the userinfo first.
    main: Vec<Value>,
    /// The answers of the entry's further userinfo URLs, by their names.
    extra: BTreeMap<String, Value>,
    /// The further fields of the token answer, and the claims of an access token that is a JWT.
    pub(super) token: Value,
    /// The kept parameters of the callback.
    pub(super) callback: Value,
}

impl UserDocuments {
    /// Puts the claims of the ID token and of the userinfo side by side.
    ///
    /// # Errors
    /// If the userinfo is another user's than the ID token (OpenID Connect Core §5.3.2).
    pub(super) fn new(
        id_token: Option<Map<String, Value>>,
        userinfo: Option<Value>,
        token: &Token,
    ) -> Result<Self> {
        if let (Some(claims), Some(userinfo)) = (&id_token, &userinfo) {
            let Value::Object(userinfo) = userinfo else {
                return Err(bad_answer("the userinfo is not a JSON object"));
            };
            if userinfo.get("sub") != claims.get("sub") {
                return Err(bad_answer("the userinfo's `sub` is not the ID token's"));
            }
        }
        let main: Vec<_> = userinfo.into_iter().chain(id_token.map(Value::Object)).collect();
        Ok(Self::of(main, token))
    }

    /// One document.
    pub(super) fn one(document: Value, token: &Token) -> Self {
        Self::of(vec![document], token)
    }

    fn of(main: Vec<Value>, token: &Token) -> Self {
        let mut fields = token.extra.clone();
        fields.extend(access_token_claims(token).map(|claims| ("access_token".to_owned(), claims)));
        Self { main, extra: BTreeMap::new(), token: Value::Object(fields), callback: Value::Null }
    }

    /// Adds the answer of a further userinfo URL; `None` if the request failed. Its name belongs to it alone: a claim of another
    /// document must not take its place.
    pub(super) fn add(&mut self, name: &str, answer: Option<Value>) {
        for document in &mut self.main {
            if let Value::Object(claims) = document {
                claims.remove(name);
            }
        }
        self.extra.extend(answer.map(|answer| (name.to_owned(), answer)));
    }

    /// Each of ID token and userinfo by itself, the userinfo first, with the further answers beside it. At least one.
    pub(super) fn apart(&self) -> Vec<Value> {
        match self.main.is_empty() {
            true => vec![self.with_extra(Value::Object(Map::new()))],
            false => self.main.iter().map(|document| self.with_extra(document.clone())).collect(),
        }
    }

    /// All claims together: those of the ID token, replaced and completed by those of the userinfo, and the further answers.
    ///
    /// Claims that belong together come from one document. Otherwise an address of one document would get the verification of
    /// the other. The `address_claims` come from the document `address` of [`apart`](Self::apart). A claim and its `…_verified`
    /// come from the document that has the claim.
    pub(super) fn together(&self, address: usize, address_claims: &[&str]) -> Value {
        let [userinfo, id_token] = &self.main[..] else {
            return self.apart().swap_remove(0);
        };
        let fields = |document: &Value| document.as_object().cloned().unwrap_or_default();
        let mut all = fields(id_token);
        all.extend(fields(userinfo));
        let mut take = |claim: &str, source: &Value| match source.get(claim) {
            Some(value) => _ = all.insert(claim.to_owned(), value.clone()),
            None => _ = all.remove(claim),
        };
        let names = fields(id_token).into_iter().chain(fields(userinfo)).map(|(name, _)| name);
        for name in names.filter(|name| name.ends_with("_verified")) {
            let claim = name.trim_end_matches("_verified");
            let source = if has(userinfo, claim) || !has(id_token, claim) { userinfo } else { id_token };
            take(claim, source);
            take(&name, source);
        }
        let address = if address == 0 { userinfo } else { id_token };
        address_claims.iter().for_each(|claim| take(claim, address));
        self.with_extra(Value::Object(all))
    }

    fn with_extra(&self, mut document: Value) -> Value {
        if let Value::Object(claims) = &mut document {
            claims.extend(self.extra.clone());
        }
        document
    }
}

/// The claims of an ID token without its nonce, which belongs to one sign-in, not to the user, and must not be stored.
pub(super) fn without_nonce(mut claims: Map<String, Value>) -> Map<String, Value> {
    claims.remove("nonce");
    claims
}

/// The claims of an access token that is a JWT. The token endpoint has given it to this client over TLS, so its signature
/// need not be verified (OpenID Connect Core §3.1.3.7).
fn access_token_claims(token: &Token) -> Option<Value> {
    let [_, claims, _] = token.access_token.expose().split('.').collect::<Vec<_>>()[..] else { return None };
    json::object(&decode_base64url(claims)?).ok().map(Value::Object)
}

/// Whether `document` says something in `claim`: null and "" say nothing.
fn has(document: &Value, claim: &str) -> bool {
    document.get(claim).is_some_and(|value| !value.is_null() && value != "")
}
