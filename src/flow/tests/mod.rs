//! Tests of the flow against a small provider: a socket with scripted answers that records the requests.

mod addresses;
mod begin;
mod broken_server;
mod check;
mod client_auth;
mod exchange;
mod id_token;
mod keys;
mod oauth1;
mod refresh;
mod signature;
mod token_answer;
mod userinfo;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair, RsaPublicKeyComponents,
};
use rocket::figment::Figment;
use rocket::figment::providers::{Format, Toml};
use rocket::tokio::io::{AsyncReadExt, AsyncWriteExt};
use rocket::tokio::net::{TcpListener, TcpStream};
use serde_json::{Value, json};
use url::Url;

use super::*;
use crate::clock::Clock;
use crate::config::{self, Entry, ProtocolOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::link::Purpose;
use crate::profile::Profile;
use crate::provider::PRESETS;
use crate::secret::{KeyRing, Secret, decode_base64url, encode_base64url, sha256};
use crate::token::Token;

/// Returns the entry `op` with this TOML.
pub(super) fn entry(toml: &str) -> Entry {
    let toml = format!(
        "[default.dance]\nbase_url = \"http://localhost:8000\"\n[default.oauth.op]\nclient_id = \"me\"\n{toml}"
    );
    let figment = Figment::from(rocket::Config::debug_default()).merge(Toml::string(&toml).nested());
    let presets = PRESETS.iter().map(|(name, preset)| ((*name).to_owned(), *preset)).collect();
    let (_, mut entries) = config::read(&figment, &presets, &|_| None)
        .whole()
        .unwrap_or_else(|faults| panic!("{:?}", faults.iter().collect::<Vec<_>>()));
    entries.remove("op").unwrap()
}

/// Returns an OAuth 2 entry at `server` with its userinfo at `/me` and more TOML.
fn oauth2_entry(server: &Server, more: &str) -> Entry {
    let at = &server.url;
    entry(&format!(
        "provider = \"oauth2\"\nclient_secret = \"the-secret\"\nauthorization_url = \"{at}/auth\"\n\
         token_url = \"{at}/token\"\nuserinfo_url = \"{at}/me\"\nprofile = {{ id = \"id\" }}\n{more}"
    ))
}

/// Returns an OpenID Connect entry with the issuer `server` and more TOML.
fn oidc_entry(server: &Server, more: &str) -> Entry {
    entry(&format!(
        "provider = \"oidc\"\nclient_secret = \"the-secret\"\nissuer = \"{}\"\n{more}",
        server.url
    ))
}

fn oauth1_options(entry: &mut Entry) -> &mut config::OAuth1Options {
    match &mut entry.options {
        ProtocolOptions::OAuth1(options) => options,
        _ => panic!("`{}` is an OAuth 1 entry", entry.name),
    }
}

fn oauth2_options(entry: &mut Entry) -> &mut config::OAuth2Options {
    match &mut entry.options {
        ProtocolOptions::OAuth2(options) | ProtocolOptions::OpenIdConnect(options, _) => options,
        ProtocolOptions::OAuth1(_) => panic!("`{}` is an OAuth 2 entry", entry.name),
    }
}

fn openid_options(entry: &mut Entry) -> &mut config::OpenIdOptions {
    match &mut entry.options {
        ProtocolOptions::OpenIdConnect(_, options) => options,
        _ => panic!("`{}` is an OpenID Connect entry", entry.name),
    }
}

impl Engine {
    /// Finishes a flow whose callback has only a code.
    async fn exchange(&self, entry: &Entry, flow: &Flow, code: &Secret) -> Result<Grant> {
        self.finish(entry, flow, code, &BTreeMap::new()).await
    }
}

fn flow(entry: &Entry) -> Flow {
    Flow::new(entry, Purpose::SignIn, None, None, 0, 1800).unwrap()
}

fn engine() -> Engine {
    Engine::new(Clock::default(), StandIns::default()).unwrap()
}

#[derive(Debug, Clone)]
struct Asked {
    path: String,
    head: String,
    body: String,
}

impl Asked {
    fn form(&self) -> BTreeMap<String, String> {
        url::form_urlencoded::parse(self.body.as_bytes()).into_owned().collect()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

type Answers = Arc<Mutex<BTreeMap<String, (u16, String)>>>;
type Headers = Arc<Mutex<BTreeMap<String, String>>>;

/// A small provider.
struct Server {
    url: String,
    answers: Answers,
    headers: Headers,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Self::at(url);
        server.serve(listener);
        server
    }

    fn serve(&self, listener: TcpListener) {
        let (answers, headers, asked) = (self.answers.clone(), self.headers.clone(), self.asked.clone());
        rocket::tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                rocket::tokio::spawn(serve(socket, answers.clone(), headers.clone(), asked.clone()));
            }
        });
    }

    /// Returns a provider at `url` that does not answer.
    fn at(url: String) -> Self {
        Self { url, answers: Answers::default(), headers: Headers::default(), asked: Arc::default() }
    }

    /// Starts an OpenID provider with these keys.
    async fn openid(keys: &Value) -> Self {
        let server = Self::start().await;
        let at = &server.url;
        server.answer(
            "/.well-known/openid-configuration",
            200,
            json!({
                "issuer": at, "authorization_endpoint": format!("{at}/auth"), "token_endpoint": format!("{at}/token"),
                "userinfo_endpoint": format!("{at}/me"), "jwks_uri": format!("{at}/jwks"),
            }),
        );
        server.answer("/jwks", 200, json!({ "keys": keys }));
        server
    }

    fn answer(&self, path: &str, status: u16, body: impl ToString) -> &Self {
        self.answers.lock().unwrap().insert(path.to_owned(), (status, body.to_string()));
        self
    }

    /// Sends this header with the answers of `path`, instead of the content type text/plain.
    fn header(&self, path: &str, header: &str) -> &Self {
        self.headers.lock().unwrap().insert(path.to_owned(), header.to_owned());
        self
    }

    fn asked(&self, path: &str) -> Vec<Asked> {
        self.asked.lock().unwrap().iter().filter(|asked| asked.path == path).cloned().collect()
    }
}

async fn serve(
    mut socket: TcpStream,
    answers: Answers,
    headers: Headers,
    asked: Arc<Mutex<Vec<Asked>>>,
) -> Option<()> {
    let mut read = Vec::new();
    let end = loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if socket.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&read[..end]).into_owned();
    let path = head.split(' ').nth(1)?.split('?').next()?.to_owned();
    let mut request = Asked { path: path.clone(), head, body: String::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    while read.len() < end + length {
        socket.read_buf(&mut read).await.ok()?;
    }
    request.body = String::from_utf8_lossy(&read[end..]).into_owned();
    asked.lock().unwrap().push(request);
    let (status, body) = answers.lock().unwrap().get(&path).cloned().unwrap_or((404, String::new()));
    let length = body.len();
    let header = headers.lock().unwrap().get(&path).cloned();
    let header = header.unwrap_or_else(|| "content-type: text/plain".to_owned());
    let answer = format!(
        "HTTP/1.1 {status} X\r\n{header}\r\nlocation: /elsewhere\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    socket.write_all(answer.as_bytes()).await.ok()
}

/// A provider's key and its algorithm.
struct Signer {
    alg: &'static str,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Signer {
    fn all() -> [Self; 9] {
        [
            Self::rs(),
            Self::rsa("RS384", &RSA_PKCS1_SHA384),
            Self::rsa("RS512", &RSA_PKCS1_SHA512),
            Self::ps(),
            Self::rsa("PS384", &RSA_PSS_SHA384),
            Self::rsa("PS512", &RSA_PSS_SHA512),
            Self::es(),
            Self::ec("ES384", &ECDSA_P384_SHA384_FIXED_SIGNING),
            Self::ed(),
        ]
    }

    fn rs() -> Self {
        Self::rsa("RS256", &RSA_PKCS1_SHA256)
    }

    fn ps() -> Self {
        Self::rsa("PS256", &RSA_PSS_SHA256)
    }

    fn rsa(alg: &'static str, how: &'static dyn RsaEncoding) -> Self {
        let pair = RsaKeyPair::from_pkcs8(include_bytes!("../../../tests/fixtures/rsa2048.pk8")).unwrap();
        Self { alg, pair: Pair::Rsa(pair, how) }
    }

    fn es() -> Self {
        Self::ec("ES256", &ECDSA_P256_SHA256_FIXED_SIGNING)
    }

    fn ec(alg: &'static str, kind: &'static EcdsaSigningAlgorithm) -> Self {
        let rng = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(kind, &rng).unwrap();
        Self { alg, pair: Pair::Ec(EcdsaKeyPair::from_pkcs8(kind, pkcs8.as_ref(), &rng).unwrap()) }
    }

    fn ed() -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self { alg: "EdDSA", pair: Pair::Ed(Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap()) }
    }

    /// Returns the public key with this `kid`.
    fn jwk(&self, kid: &str) -> Value {
        let mut jwk = match &self.pair {
            Pair::Rsa(pair, _) => {
                let key = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({"kty": "RSA", "n": encode_base64url(&key.n), "e": encode_base64url(&key.e)})
            }
            Pair::Ec(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(pair.public_key().as_ref().len() / 2);
                let crv = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({"kty": "EC", "crv": crv, "x": encode_base64url(x), "y": encode_base64url(y)})
            }
            Pair::Ed(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode_base64url(pair.public_key().as_ref())})
            }
        };
        jwk["kid"] = json!(kid);
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(self.alg);
        jwk
    }

    fn sign(&self, message: &str) -> Vec<u8> {
        let (rng, message) = (SystemRandom::new(), message.as_bytes());
        match &self.pair {
            Pair::Rsa(pair, how) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(*how, &rng, message, &mut signature).unwrap();
                signature
            }
            Pair::Ec(pair) => pair.sign(&rng, message).unwrap().as_ref().to_vec(),
            Pair::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// Signs a token with this header and these claims, both JSON texts.
    fn token(&self, header: &str, claims: &str) -> String {
        let signed =
            format!("{}.{}", encode_base64url(header.as_bytes()), encode_base64url(claims.as_bytes()));
        let signature = encode_base64url(&self.sign(&signed));
        format!("{signed}.{signature}")
    }

    /// Signs an ordinary token with this `kid`.
    fn id_token(&self, kid: &str, claims: &Value) -> String {
        self.token(&json!({"alg": self.alg, "kid": kid, "typ": "JWT"}).to_string(), &claims.to_string())
    }
}

/// Returns the claims of a good ID token for `flow`.
fn good_claims(server: &Server, flow: &Flow) -> Value {
    let now = Clock::default().now();
    json!({
        "iss": server.url, "sub": "248289761001", "aud": "me", "exp": now + 300, "iat": now,
        "nonce": flow.nonce().expose(), "name": "Jane",
    })
}

fn token_answer(id_token: &str) -> Value {
    json!({"access_token": "at", "token_type": "Bearer", "expires_in": 3600, "id_token": id_token})
}
