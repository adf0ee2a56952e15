//! The token endpoint.

use serde_json::{Value, json};

use super::authorization_server::AuthorizationServer;
use super::behavior::RefreshTokenRule;
use super::client_authentication::authenticate;
use super::http_request::{HttpRequest, single};
use super::http_response::HttpResponse;
use super::preset_answers::{add_token_fields, email, name, remove_email};
use super::registered_client::RegisteredClient;
use super::sealed::{AccessToken, AuthorizationCode, Grant, RefreshToken, random_id};
use super::signing_key::at_hash;
use super::token_error::TokenError;
use crate::secret::{encode_base64url, sha256};

/// Lifetime of an ID token, in seconds.
const ID_TOKEN_TTL: i64 = 3600;

/// Which ID token is issued.
#[derive(Clone, Copy, PartialEq, Eq)]
enum IdToken {
    /// At the code exchange, with the nonce.
    First,
    /// At a refresh, without a nonce (OpenID Connect Core §12.2).
    Refreshed,
}

/// Answers the token endpoint (RFC 6749 §4.1.3, §6).
pub(super) fn token(server: &AuthorizationServer, request: &HttpRequest) -> HttpResponse {
    match grant_tokens(server, request) {
        Ok(mut tokens) => {
            if let Some(preset) = request.preset() {
                add_token_fields(preset, &server.behavior().user, &mut tokens);
                if !server.behavior().has_email {
                    remove_email(&mut tokens);
                }
            }
            HttpResponse::json(200, &tokens).with_header("Pragma", "no-cache")
        }
        Err(error) => error.into_response(),
    }
}

fn grant_tokens(server: &AuthorizationServer, request: &HttpRequest) -> Result<Value, TokenError> {
    let client = authenticate(server, request)?;
    match required(request, "grant_type")? {
        "authorization_code" => exchange_code(server, client, request),
        "refresh_token" => refresh(server, client, request),
        _ => Err(TokenError::unsupported_grant_type()),
    }
}

fn required<'r>(request: &'r HttpRequest, name: &str) -> Result<&'r str, TokenError> {
    single(&request.form, name)?.ok_or(TokenError::invalid_request("a parameter is missing"))
}

fn exchange_code(
    server: &AuthorizationServer,
    client: &RegisteredClient,
    request: &HttpRequest,
) -> Result<Value, TokenError> {
    let code: AuthorizationCode = server
        .open(required(request, "code")?)
        .ok_or(TokenError::invalid_grant("the provider did not issue this code"))?;
    if code.grant.client_id != client.id || required(request, "redirect_uri")? != code.redirect_uri {
        return Err(TokenError::invalid_grant("the code is for another client or another redirect URI"));
    }
    // A verifier without a challenge is refused too: it shows a downgrade (RFC 9700 §4.8.2).
    let challenge =
        single(&request.form, "code_verifier")?.map(|verifier| encode_base64url(&sha256(verifier)));
    if challenge != code.code_challenge {
        return Err(TokenError::invalid_grant("the code verifier does not match"));
    }
    if server.now() >= code.expires_at || !server.tokens().use_once(&code.grant, &code.grant.family) {
        return Err(TokenError::invalid_grant("the code has expired or was already used"));
    }
    Ok(issue(server, &code.grant, IdToken::First))
}

fn refresh(
    server: &AuthorizationServer,
    client: &RegisteredClient,
    request: &HttpRequest,
) -> Result<Value, TokenError> {
    let refresh: RefreshToken = server
        .open(required(request, "refresh_token")?)
        .ok_or(TokenError::invalid_grant("the provider did not issue this refresh token"))?;
    if !refresh.grant.is_for(client) {
        return Err(TokenError::invalid_grant("the refresh token is for another client"));
    }
    let is_valid = match server.behavior().refresh_tokens {
        RefreshTokenRule::Rotate => server.tokens().use_once(&refresh.grant, &refresh.id),
        RefreshTokenRule::Keep | RefreshTokenRule::Omit => server.tokens().is_active(&refresh.grant),
    };
    if !is_valid {
        return Err(TokenError::invalid_grant("the refresh token was already used or is revoked"));
    }
    let grant = Grant { client_id: client.id.clone(), ..refresh.grant };
    Ok(issue(server, &grant, IdToken::Refreshed))
}

fn issue(server: &AuthorizationServer, grant: &Grant, kind: IdToken) -> Value {
    let now = server.now();
    let (ttl, algorithm, refresh_tokens) = {
        let behavior = server.behavior();
        (behavior.access_token_ttl, behavior.signing_key.algorithm(), behavior.refresh_tokens)
    };
    let serial = server.tokens().next_serial(grant);
    let access_token = server.seal(&AccessToken { grant: grant.clone(), serial, expires_at: now + ttl });
    let mut answer = json!({
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": ttl,
        "scope": grant.scope,
    });
    let has_refresh_token = match refresh_tokens {
        RefreshTokenRule::Rotate => true,
        RefreshTokenRule::Keep => kind == IdToken::First,
        RefreshTokenRule::Omit => false,
    };
    if has_refresh_token {
        let refresh_token = RefreshToken { grant: grant.clone(), id: random_id() };
        answer["refresh_token"] = json!(server.seal(&refresh_token));
    }
    if grant.has_scope("openid") {
        let mut claims = json!({
            "iss": server.url(), "sub": grant.user, "aud": grant.client_id, "iat": now, "exp": now + ID_TOKEN_TTL,
            "auth_time": grant.auth_time, "at_hash": at_hash(algorithm, &access_token),
        });
        if let Some(nonce) = grant.nonce.as_ref().filter(|_| kind == IdToken::First) {
            claims["nonce"] = json!(nonce);
        }
        server.behavior().add_required_claims(&grant.user, &mut claims);
        answer["id_token"] = json!(sign_id_token(server, claims));
    }
    answer
}

/// Signs the claims of an ID token, as far as a test does not change them.
fn sign_id_token(server: &AuthorizationServer, mut claims: Value) -> String {
    // A test's edit function may call the provider again: no lock is held while it runs.
    let (edit_claims, edit_id_token) = {
        let behavior = server.behavior();
        (behavior.edit_claims.clone(), behavior.edit_id_token.clone())
    };
    if let Some(edit) = edit_claims {
        edit(&mut claims);
    }
    let token = server.sign_jwt(None, &claims.to_string());
    match edit_id_token {
        Some(edit) => edit(token),
        None => token,
    }
}

/// Returns the ID token that the provider's SDK gives the client `client_id` on a device. The user is the one who signs in at
/// the moment.
pub(in crate::testing) fn native_id_token(
    server: &AuthorizationServer,
    client_id: &str,
    nonce: &str,
) -> String {
    let (user, now) = (server.behavior().user.clone(), server.now());
    let has_email = server.behavior().has_email;
    let mut claims = json!({
        "iss": server.url(), "sub": user, "aud": client_id, "iat": now, "exp": now + ID_TOKEN_TTL, "nonce": nonce,
        "email": email(&user), "email_verified": true, "name": name(&user),
    });
    if !has_email {
        remove_email(&mut claims);
    }
    server.behavior().add_required_claims(&user, &mut claims);
    sign_id_token(server, claims)
}
