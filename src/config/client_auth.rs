//! How an OAuth 2 client authenticates (RFC 6749 §2.3).

use super::parameters::Parameters;
use super::secrets::secret;
use super::table::Table;
use crate::provider::{ClientAuthMethod, Preset, SecretJwt};
use crate::secret::{Secret, SigningKey};

const EXAMPLE: &str = "private_key_file = \"path/to/key.pem\"";

/// How the client authenticates, with what the method needs. A client uses one method only.
#[derive(Debug, Clone)]
pub(crate) enum ClientAuthentication {
    /// HTTP Basic.
    ClientSecretBasic(Secret),
    /// The secret in the form.
    ClientSecretPost(Secret),
    /// The secret, by the method that the provider's metadata accepts.
    ClientSecret(Secret),
    /// A secret that is made for each request, in the form: a JWT of this issuer.
    SecretJwt { issuer: String, key: PrivateKey },
    /// A signed JWT in the form.
    PrivateKeyJwt(PrivateKey),
    /// A public client: only its id.
    None,
}

/// The key of a client that authenticates by `private_key_jwt`.
#[derive(Debug, Clone)]
pub(crate) struct PrivateKey {
    pub(crate) key: SigningKey,
    /// The `kid` of its JWTs.
    pub(crate) id: Option<String>,
    /// The `aud` of its JWTs. Unset: the issuer, or the token endpoint if there is no issuer.
    pub(crate) audience: Option<String>,
}

impl ClientAuthentication {
    /// The client secret, if the method sends one.
    pub(crate) fn secret(&self) -> Option<&Secret> {
        match self {
            Self::ClientSecretBasic(secret) | Self::ClientSecretPost(secret) | Self::ClientSecret(secret) => {
                Some(secret)
            }
            Self::SecretJwt { .. } | Self::PrivateKeyJwt(_) | Self::None => None,
        }
    }

    pub(super) fn read(table: &mut Table<'_>, preset: &Preset, parameters: &Parameters) -> Self {
        if let Some(jwt) = preset.secret_jwt {
            return secret_jwt(table, &jwt, parameters).unwrap_or(Self::None);
        }
        let method = method(table).unwrap_or(preset.token_endpoint_auth_method);
        let secret = client_secret(table, method);
        let key = private_key(table, method);
        // What is missing here is a fault already: the launch fails.
        match method {
            ClientAuthMethod::FromMetadata => secret.map_or(Self::None, Self::ClientSecret),
            ClientAuthMethod::ClientSecretBasic => secret.map_or(Self::None, Self::ClientSecretBasic),
            ClientAuthMethod::ClientSecretPost => secret.map_or(Self::None, Self::ClientSecretPost),
            ClientAuthMethod::PrivateKeyJwt => key.map_or(Self::None, Self::PrivateKeyJwt),
            ClientAuthMethod::None => Self::None,
        }
    }
}

fn method(table: &mut Table<'_>) -> Option<ClientAuthMethod> {
    let given = table.text("token_endpoint_auth_method")?;
    let found = ClientAuthMethod::ALL.into_iter().find(|method| method.name() == given.value);
    if found.is_none() {
        let why = "must be client_secret_basic, client_secret_post, private_key_jwt or none";
        table.reader.fault(&given.place, why, "token_endpoint_auth_method = \"client_secret_basic\"");
    }
    found
}

fn client_secret(table: &mut Table<'_>, method: ClientAuthMethod) -> Option<Secret> {
    let key = if table.has("client_secret_file") { "client_secret_file" } else { "client_secret" };
    match method {
        ClientAuthMethod::ClientSecretBasic
        | ClientAuthMethod::ClientSecretPost
        | ClientAuthMethod::FromMetadata
            if !table.has(key) =>
        {
            let why = "is missing. A public client has none: it sets token_endpoint_auth_method = \"none\"";
            table.fault(key, why, "client_secret = \"…\"");
        }
        // RFC 6749 §2.3: one method only. A secret that is not needed should not be stored.
        ClientAuthMethod::PrivateKeyJwt if table.has(key) => {
            table.fault(key, "is not used: the client authenticates with its private key. Remove it", "");
        }
        _ => {}
    }
    secret(table, "client_secret", "client_secret_file")
}

fn private_key(table: &mut Table<'_>, method: ClientAuthMethod) -> Option<PrivateKey> {
    let key = if table.has("private_key_file") { "private_key_file" } else { "private_key" };
    let is_used = method == ClientAuthMethod::PrivateKeyJwt;
    if is_used && !table.has(key) {
        let why = "is missing: private_key_jwt signs with it. To create one, whose public half the provider gets: \
                   openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem";
        table.fault("private_key_file", why, EXAMPLE);
    }
    for key in [key, "private_key_id", "private_key_audience"] {
        if !is_used && table.has(key) {
            let why = "is for private_key_jwt only";
            table.fault(key, why, "token_endpoint_auth_method = \"private_key_jwt\"");
        }
    }
    let id = table.text("private_key_id").map(|given| given.value);
    let audience = table.text("private_key_audience").map(|given| given.value);
    let key = signing_key(table)?;
    Some(PrivateKey { key, id, audience })
}

fn signing_key(table: &mut Table<'_>) -> Option<SigningKey> {
    let key = table.either("private_key", "private_key_file");
    let place = table.place_of(key);
    let pem = secret(table, "private_key", "private_key_file")?;
    let signer = SigningKey::from_pem(pem.expose());
    signer.map_err(|why| table.reader.fault(&place, why, EXAMPLE)).ok()
}

/// The key of a secret that is made for each request. It signs with ES256.
fn secret_jwt(
    table: &mut Table<'_>,
    jwt: &SecretJwt,
    parameters: &Parameters,
) -> Option<ClientAuthentication> {
    for key in ["client_secret", "client_secret_file"] {
        if table.has(key) {
            table.fault(key, "is not used: the secret is made with the private key. Remove it", "");
        }
        table.forget(key);
    }
    let place = table.place_of("private_key");
    if !table.has("private_key") && !table.has("private_key_file") {
        table.fault("private_key_file", "is missing: the client secret is made with it", EXAMPLE);
    }
    let key = signing_key(table)?;
    if !key.algorithms().contains(&"ES256") {
        table.reader.fault(&place, "is not a key on the curve P-256", EXAMPLE);
        return None;
    }
    let (id, audience) = (Some(parameters.fill_text(jwt.key_id)), Some(parameters.fill_text(jwt.audience)));
    let issuer = parameters.fill_text(jwt.issuer);
    Some(ClientAuthentication::SecretJwt { issuer, key: PrivateKey { key, id, audience } })
}
