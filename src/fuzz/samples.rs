//! Inputs that the parsers accept.

use serde_json::{Value, json};

use crate::flow::fuzz::{self as flow, NOW};
use crate::token::Token;

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn documents(documents: &[Value]) -> Vec<Vec<u8>> {
    documents.iter().map(|document| document.to_string().into_bytes()).collect()
}

pub(super) fn callbacks() -> Vec<Vec<u8>> {
    texts(&[
        "code=a%2Fb+c&state=s&iss=https%3A%2F%2Fop.example",
        "error=access_denied&error_description=no%20thanks&state=s",
        "oauth_token=a%2Fb&oauth_verifier=v",
        "denied=a%2Fb",
    ])
}

pub(super) fn token_answers() -> Vec<Vec<u8>> {
    let json = documents(&[
        json!({
            "access_token": "at", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "rt",
            "scope": "openid email", "id_token": "a.b.c", "more": { "deep": [1, 2.5, null] },
        }),
        json!({ "access_token": "at", "token_type": "bearer", "expires_in": "3600", "scope": ["a", "b"] }),
    ]);
    [json, texts(&["access_token=at&token_type=bearer&scope=repo%2Cgist"])].concat()
}

pub(super) fn oauth1_answers() -> Vec<Vec<u8>> {
    texts(&[
        "oauth_token=a%2Fb&oauth_token_secret=s+s&oauth_callback_confirmed=true",
        "oauth_token=t&oauth_token_secret=&user_id=38895958&screen_name=ada",
    ])
}

pub(super) fn userinfos() -> Vec<Vec<u8>> {
    documents(&[
        json!({ "sub": "1", "name": "Ada", "email": "ada@example.com", "email_verified": true, "picture": "https://x" }),
        json!({ "id": 583_231, "login": "ada", "avatar_url": "https://x", "html_url": "https://y",
                "emails": [{ "email": "ada@example.com", "primary": true, "verified": true }] }),
        json!({ "id": "80351110224678912", "username": "ada", "avatar": "a_83", "discriminator": "0", "verified": true }),
        json!({ "data": [{ "id": 7, "name": "Ada" }], "mail": "a@b.c", "checked": true, "image": "https://x" }),
    ])
}

pub(super) fn metadata() -> Vec<Vec<u8>> {
    documents(&[json!({
        "issuer": "https://op.example", "authorization_endpoint": "https://op.example/a",
        "token_endpoint": "https://op.example/t", "userinfo_endpoint": "https://op.example/me",
        "jwks_uri": "https://op.example/jwks", "code_challenge_methods_supported": ["S256", "plain"],
        "authorization_response_iss_parameter_supported": true,
    })])
}

pub(super) fn id_tokens() -> Vec<Vec<u8>> {
    let parts = documents(&[
        json!({ "alg": "EdDSA", "kid": flow::KID, "typ": "JWT" }),
        json!({
            "iss": "https://op.example", "sub": "1", "aud": ["me", "other"], "azp": "me", "nonce": "nonce",
            "exp": NOW + 300, "iat": NOW, "nbf": NOW, "auth_time": NOW, "acr": "1",
        }),
    ]);
    vec![parts.join(&b'\n'), flow::sign(&parts[0], &parts[1]).into_bytes()]
}

pub(super) fn nexts() -> Vec<Vec<u8>> {
    texts(&["/", "/a/b?c=d%20e&f=/g", "/%C3%A9/..%2Fx?y=%252F", "/.well-known/x;y=1"])
}

pub(super) fn account() -> Vec<u8> {
    let account = json!({
        "id": 1, "entry": "github", "issuer": "https://github.com", "provider_user_id": "583231", "user_id": "7",
        "token": "sealed", "token_type": "bearer", "scope": "repo", "expires_at": NOW + 3600, "display_name": "Ada",
        "email": "ada@example.com", "email_verified": true, "profile_url": null, "image_url": null,
        "userinfo": "{}", "rank": 0, "created_at": NOW, "updated_at": NOW, "version": 1,
    });
    account.to_string().into_bytes()
}

pub(super) fn token() -> Token {
    Token::new("access").with_refresh_token("refresh").with_lifetime(NOW, 3600)
}
