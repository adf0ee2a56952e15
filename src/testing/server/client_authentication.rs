//! Client authentication at the token, revocation and pushed authorization endpoints.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::form_urlencoded;

use super::authorization_server::AuthorizationServer;
use super::http_request::{HttpRequest, single};
use super::registered_client::RegisteredClient;
use super::token_error::TokenError;

/// The only `client_assertion_type` (RFC 7523 §2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Authenticates the client by exactly one method (RFC 6749 §2.3).
pub(super) fn authenticate<'s>(
    server: &'s AuthorizationServer,
    request: &HttpRequest,
) -> Result<&'s RegisteredClient, TokenError> {
    let field = |name| single(&request.form, name);
    let twice = || TokenError::invalid_request("the client authenticates with more than one method");
    if let Some(assertion) = field("client_assertion")? {
        if request.headers.contains_key("authorization") || request.client_secret()?.is_some() {
            return Err(twice());
        }
        let client = match field("client_assertion_type")? {
            Some(JWT_BEARER) => by_assertion(server, assertion, field("client_id")?),
            _ => None,
        };
        return client.ok_or_else(TokenError::invalid_client);
    }
    let (id, secret) = match request.headers.get("authorization") {
        Some(header) => {
            let (id, secret) = parse_basic(header).ok_or_else(TokenError::invalid_client)?;
            if request.client_secret()?.is_some() || field("client_id")?.is_some_and(|other| other != id) {
                return Err(twice());
            }
            (id, Some(secret))
        }
        None => match request.client_id(&request.form)? {
            Some(id) => (id.to_owned(), request.client_secret()?.map(str::to_owned)),
            None => return Err(TokenError::invalid_client()),
        },
    };
    let client = server.client(&id).filter(|client| match (&client.secret, secret) {
        (Some(expected), Some(given)) => expected.matches(&given),
        (None, Some(given)) => is_secret_jwt(server, request, client, &given),
        (None, None) => client.is_public(),
        _ => false,
    });
    client.ok_or_else(TokenError::invalid_client)
}

/// Whether `secret` is a JWT that `client` has signed, for the audience of a preset whose clients do so. It is accepted once.
fn is_secret_jwt(
    server: &AuthorizationServer,
    request: &HttpRequest,
    client: &RegisteredClient,
    secret: &str,
) -> bool {
    let jwts = request.presets().filter_map(|preset| preset.secret_jwt);
    let audiences: Vec<&str> = jwts.map(|jwt| jwt.audience).collect();
    let jti = client.key.as_ref().and_then(|key| key.verify(secret, &client.id, &audiences, server.now()));
    jti.is_some_and(|jti| server.tokens().use_assertion(jti))
}

/// The client that signed `assertion` (RFC 7523 §3). An assertion is accepted once.
fn by_assertion<'s>(
    server: &'s AuthorizationServer,
    assertion: &str,
    client_id: Option<&str>,
) -> Option<&'s RegisteredClient> {
    let audiences = [server.url(), &format!("{}/token", server.url())];
    let clients = server.clients().iter().filter(|client| client_id.is_none_or(|id| client.id == id));
    let (client, key) = clients.filter_map(|client| Some((client, client.key.as_ref()?))).next()?;
    let jti = key.verify(assertion, &client.id, &audiences, server.now())?;
    server.tokens().use_assertion(jti).then_some(client)
}

/// Id and secret of HTTP Basic. Each is form-encoded inside (RFC 6749 §2.3.1).
fn parse_basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    let both = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = both.split_once(':').filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let decode = |text: &str| {
        form_urlencoded::parse(text.as_bytes()).next().map_or(String::new(), |(name, _)| name.into())
    };
    Some((decode(id), decode(secret)))
}
