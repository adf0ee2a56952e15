//! A proxy in front of the certified provider that changes one thing at a time. The rest is what a real provider answers,
//! under the proxy's own issuer and keys.

use std::sync::{Arc, Mutex};

use rocket::tokio;
use rocket::tokio::io::{AsyncReadExt, AsyncWriteExt};
use rocket::tokio::net::{TcpListener, TcpStream};
use rocket::tokio::task::JoinHandle;
use serde_json::{Map, Value, json};
use url::{Url, form_urlencoded};

use super::id_token_signer::{self, IdTokenSigner};
use super::openid_provider::CLIENT_SECRET;
use test_support::KnownSecret;
use test_support::http_client;

/// The provider's path of the discovery document. The other constants are its other paths.
pub(crate) const DISCOVERY: &str = "/.well-known/openid-configuration";
pub(crate) const KEYS: &str = "/jwks";
pub(crate) const TOKEN: &str = "/token";
pub(crate) const USERINFO: &str = "/me";

/// What the proxy changes.
#[derive(Clone, Copy)]
pub(crate) enum Spoil {
    /// The ID token's claims. The signature is valid.
    Claims(fn(&mut Map<String, Value>)),
    /// The ID token, made from the right claims.
    IdToken(fn(&IdTokenSigner, &Map<String, Value>) -> String),
    /// The response at a path.
    Answer(&'static str, fn(&mut Reply)),
    /// The parameters of the callback.
    Back(fn(&mut Vec<(String, String)>)),
}

/// A response that the proxy forwards.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) ending: Ending,
}

/// How a response ends.
#[derive(Debug)]
pub(crate) enum Ending {
    Whole,
    /// The connection closes before the whole body is sent.
    Cut,
    /// Nothing is sent, and the connection stays open.
    Never,
}

impl Reply {
    /// Changes the body, which is a JSON object.
    pub(crate) fn edit(&mut self, edit: impl FnOnce(&mut Map<String, Value>)) {
        let mut value: Value = serde_json::from_slice(&self.body).unwrap();
        edit(value.as_object_mut().unwrap());
        self.body = value.to_string().into();
    }

    /// Replaces the response.
    pub(crate) fn replace(&mut self, status: u16, content_type: &str, body: impl Into<Vec<u8>>) {
        let headers = vec![("content-type".into(), content_type.into())];
        *self = Self { status, headers, body: body.into(), ending: Ending::Whole };
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter().filter(|(known, _)| known == name);
        headers.next().map(|(_, value)| value.as_str())
    }
}

/// The running proxy. Dropping it stops it.
pub(crate) struct Faulty {
    pub(crate) url: Url,
    house: Arc<House>,
    task: JoinHandle<()>,
}

struct House {
    url: Url,
    upstream: Url,
    http: reqwest::Client,
    id_token_signer: IdTokenSigner,
    spoil: Mutex<Option<Spoil>>,
    /// The requested paths, in order.
    seen: Mutex<Vec<String>>,
    /// The refresh tokens that were sent, in order.
    refresh_tokens: Mutex<Vec<String>>,
    hidden: Mutex<Vec<KnownSecret>>,
}

impl Faulty {
    /// Starts a proxy in front of the provider at `upstream`. It changes nothing yet.
    pub(crate) async fn start(upstream: &Url) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let house = Arc::new(House {
            url: url.clone(),
            upstream: upstream.clone(),
            http: http_client(),
            id_token_signer: IdTokenSigner::new(),
            spoil: Mutex::default(),
            seen: Mutex::default(),
            refresh_tokens: Mutex::default(),
            hidden: Mutex::new(vec![KnownSecret::new("client secret", CLIENT_SECRET)]),
        });
        let host = house.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let house = host.clone();
                // A client may close the connection early; that is no error.
                tokio::spawn(async move { house.serve(stream).await.ok() });
            }
        });
        Self { url, house, task }
    }

    /// The issuer identifier.
    pub(crate) fn issuer(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }

    /// Sets what is changed from now on; `None` for nothing.
    pub(crate) fn spoil(&self, spoil: Option<Spoil>) {
        *self.house.spoil.lock().unwrap() = spoil;
    }

    /// The number of requests for `path`.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.house.seen.lock().unwrap().iter().filter(|seen| *seen == path).count()
    }

    /// The refresh tokens that were sent, in order.
    pub(crate) fn refresh_tokens(&self) -> Vec<String> {
        self.house.refresh_tokens.lock().unwrap().clone()
    }

    /// Every secret so far.
    pub(crate) fn secrets(&self) -> Vec<KnownSecret> {
        self.house.hidden.lock().unwrap().clone()
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A request, read completely.
struct Request {
    method: reqwest::Method,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// Reads HTTP/1.1 as the library's client sends it: a head, and a body of the announced length.
    async fn read(stream: &mut TcpStream) -> std::io::Result<Self> {
        let (mut bytes, mut chunk) = (Vec::new(), [0; 8192]);
        loop {
            if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&bytes[..at]).into_owned();
                let mut lines = head.split("\r\n");
                let mut first = lines.next().unwrap().split(' ');
                let (method, target) = (first.next().unwrap(), first.next().unwrap().to_owned());
                let headers: Vec<_> = lines
                    .filter_map(|line| line.split_once(':'))
                    .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                    .collect();
                let length = headers.iter().find(|(name, _)| name == "content-length");
                let length = length.map_or(0, |(_, value)| value.parse().unwrap());
                let mut body = bytes.split_off(at + 4);
                let had = body.len();
                body.resize(length.max(had), 0);
                stream.read_exact(&mut body[had..]).await?;
                return Ok(Self { method: method.parse().unwrap(), target, headers, body });
            }
            match stream.read(&mut chunk).await? {
                0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                n => bytes.extend_from_slice(&chunk[..n]),
            }
        }
    }

    fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

impl House {
    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let request = Request::read(&mut stream).await?;
        self.seen.lock().unwrap().push(request.path().to_owned());
        self.overhear(&request);
        let mut reply = self.forward(&request).await;
        self.own(request.path(), &mut reply);
        if let Some(Spoil::Answer(path, spoil)) = self.spoiled()
            && path == request.path()
        {
            spoil(&mut reply);
        }
        if let Ending::Never = reply.ending {
            // It waits until the client closes the connection.
            return stream.read_to_end(&mut Vec::new()).await.map(drop);
        }
        let more = if let Ending::Cut = reply.ending { 100 } else { 0 };
        let mut head = format!("HTTP/1.1 {} .\r\n", reply.status);
        for (name, value) in &reply.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\nconnection: close\r\n\r\n", reply.body.len() + more));
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(&reply.body).await?;
        stream.shutdown().await
    }

    fn spoiled(&self) -> Option<Spoil> {
        *self.spoil.lock().unwrap()
    }

    /// Forwards the request. The provider builds its URLs from the `Host` header, so they point to the proxy.
    async fn forward(&self, request: &Request) -> Reply {
        let url = self.upstream.join(&request.target).unwrap();
        let mut forward = self.http.request(request.method.clone(), url).body(request.body.clone());
        for (name, value) in &request.headers {
            if !["connection", "content-length", "accept-encoding"].contains(&name.as_str()) {
                forward = forward.header(name, value);
            }
        }
        let answer = forward.send().await.unwrap();
        let hop = ["connection", "keep-alive", "transfer-encoding", "content-length", "date"];
        let headers = answer.headers().iter().filter(|(name, _)| !hop.contains(&name.as_str()));
        let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
        let (status, headers) = (answer.status().as_u16(), headers.collect());
        Reply { status, headers, body: answer.bytes().await.unwrap().into(), ending: Ending::Whole }
    }

    /// Rewrites the response to the proxy's issuer and keys, and changes the ID token or the callback.
    fn own(&self, path: &str, reply: &mut Reply) {
        let issuer = self.url.as_str().trim_end_matches('/');
        match path {
            DISCOVERY => reply.edit(|metadata| {
                metadata.insert("issuer".into(), json!(issuer));
                metadata.insert("id_token_signing_alg_values_supported".into(), json!(["RS256"]));
            }),
            KEYS => reply.body = self.id_token_signer.published().to_string().into(),
            TOKEN if reply.status == 200 => reply.edit(|answer| {
                for name in ["access_token", "refresh_token", "id_token"] {
                    self.hide(name, answer.get(name).and_then(Value::as_str));
                }
                let mut claims = id_token_signer::claims(answer["id_token"].as_str().unwrap());
                claims.insert("iss".into(), json!(issuer));
                answer.insert("id_token".into(), json!(self.id_token(claims)));
            }),
            _ => {}
        }
        if let Some(back) = reply.header("location").and_then(|location| self.back(location)) {
            reply.headers.retain(|(name, _)| name != "location");
            reply.headers.push(("location".into(), back));
        }
    }

    fn id_token(&self, mut claims: Map<String, Value>) -> String {
        let token = match self.spoiled() {
            Some(Spoil::IdToken(make)) => make(&self.id_token_signer, &claims),
            Some(Spoil::Claims(spoil)) => {
                spoil(&mut claims);
                self.id_token_signer.token(&claims)
            }
            _ => self.id_token_signer.token(&claims),
        };
        self.hide("id_token", Some(&token));
        token
    }

    /// Records the secrets of a request.
    fn overhear(&self, request: &Request) {
        let query = request.target.split_once('?').map_or("", |(_, query)| query);
        for (name, value) in form_urlencoded::parse(&[query.as_bytes(), b"&", &request.body].concat()) {
            if ["state", "nonce", "code", "code_verifier", "refresh_token"].contains(&&*name) {
                self.hide(&name, Some(&value));
            }
            if name == "refresh_token" {
                self.refresh_tokens.lock().unwrap().push(value.into_owned());
            }
        }
    }

    fn hide(&self, kind: &str, value: Option<&str>) {
        let mut hidden = self.hidden.lock().unwrap();
        if let Some(value) = value
            && !hidden.iter().any(|known| known.value == value)
        {
            hidden.push(KnownSecret::new(kind, value));
        }
    }

    /// The rewritten callback, if `location` leads to another origin than the proxy's.
    fn back(&self, location: &str) -> Option<String> {
        let mut url = self.url.join(location).ok().filter(|url| url.origin() != self.url.origin())?;
        let mut query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        for (name, value) in &mut query {
            if name == "code" {
                self.hide("code", Some(value));
            }
            if name == "iss" {
                *value = self.url.as_str().trim_end_matches('/').into();
            }
        }
        if let Some(Spoil::Back(spoil)) = self.spoiled() {
            spoil(&mut query);
        }
        url.set_query(Some(&form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish()));
        Some(url.into())
    }
}
