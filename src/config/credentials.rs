//! How an entry's client says who it is.

use std::io::Read as _;

use super::PrivateKey;
use super::table::Table;
use crate::provider::ClientAuth;
use crate::secret::{Secret, SigningKey};

/// What may be in the file of a secret, in bytes.
const LONGEST_FILE: u64 = 1 << 16;

const AUTH_METHODS: &[(&str, ClientAuth)] = &[
    ("client_secret_basic", ClientAuth::Basic),
    ("client_secret_post", ClientAuth::Post),
    ("private_key_jwt", ClientAuth::PrivateKeyJwt),
    ("none", ClientAuth::None),
];

pub(super) fn auth_method(table: &mut Table<'_>) -> Option<ClientAuth> {
    let given = table.text("token_endpoint_auth_method")?;
    let found = AUTH_METHODS.iter().find(|(name, _)| *name == given.value).map(|(_, method)| *method);
    if found.is_none() {
        let why = "must be client_secret_basic, client_secret_post, private_key_jwt or none";
        table.reader.fault(&given.place, why, "token_endpoint_auth_method = \"client_secret_basic\"");
    }
    found
}

pub(super) fn client_secret(table: &mut Table<'_>, auth: ClientAuth) -> Option<Secret> {
    let key = if table.has("client_secret_file") { "client_secret_file" } else { "client_secret" };
    match auth {
        ClientAuth::Basic | ClientAuth::Post if !table.has(key) => {
            let why = "is missing. A public client has none, and says token_endpoint_auth_method = \"none\"";
            table.fault(key, why, "client_secret = \"…\"");
        }
        // RFC 6749 §2.3: one method only. And a secret that nobody needs should lie nowhere.
        ClientAuth::PrivateKeyJwt if table.has(key) => {
            table.fault(key, "is not needed where a private key says who the client is: remove it", "");
        }
        _ => {}
    }
    secret(table, "client_secret", "client_secret_file")
}

/// The key of `private_key_jwt`, and what its JWTs say beside.
pub(super) fn private_key(table: &mut Table<'_>, auth: ClientAuth) -> Option<PrivateKey> {
    const EXAMPLE: &str = "private_key_file = \"path/to/key.pem\"";
    let key = if table.has("private_key_file") { "private_key_file" } else { "private_key" };
    let is_used = auth == ClientAuth::PrivateKeyJwt;
    if is_used && !table.has(key) {
        let why = "is missing: private_key_jwt signs with it. To make one, of which the provider gets the public half: \
                   openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem";
        table.fault("private_key_file", why, EXAMPLE);
    }
    for key in [key, "private_key_id", "private_key_audience"] {
        if !is_used && table.has(key) {
            let why = "is for private_key_jwt alone";
            table.fault(key, why, "token_endpoint_auth_method = \"private_key_jwt\"");
        }
    }
    let id = table.text("private_key_id").map(|given| given.value);
    let audience = table.text("private_key_audience").map(|given| given.value);
    let place = table.place_of(key);
    let pem = secret(table, "private_key", "private_key_file")?;
    let signer = SigningKey::from_pem(pem.expose());
    let key = signer.map_err(|why| table.reader.fault(&place, why, EXAMPLE)).ok()?;
    Some(PrivateKey { key, id, audience })
}

/// The secret under `key`, or in the file that `file` names.
pub(super) fn secret(table: &mut Table<'_>, key: &str, file: &str) -> Option<Secret> {
    let found = table.either(key, file);
    let folder = table.folder(found);
    let given = table.text(found)?;
    if found == key {
        return Some(Secret::new(given.value));
    }
    let mut text = String::new();
    let read = std::fs::File::open(folder.join(given.value))
        .and_then(|file| file.take(LONGEST_FILE).read_to_string(&mut text));
    let why = match read {
        Err(error) => format!("can't be read: {}", error.kind()),
        Ok(_) => match text.strip_suffix('\n').map_or(&*text, |line| line.strip_suffix('\r').unwrap_or(line))
        {
            "" => "is the path of an empty file".to_owned(),
            text => return Some(Secret::new(text)),
        },
    };
    table.reader.fault(&given.place, why, &format!("{file} = \"path/to/a/file\""));
    None
}
