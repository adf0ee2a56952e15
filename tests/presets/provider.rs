//! The provider of a ride, on a loopback port. The path of a request begins with the host: `/api.github.com/user`.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};
use url::form_urlencoded::parse;

use crate::id_token_signer::{IdTokenSigner, hs256};
use crate::ride::{Exchange, IdToken};

/// A provider that answers the requests that it expects, and refuses all others.
pub struct Provider {
    /// `http://127.0.0.1:<port>/`.
    root: String,
    script: Arc<Mutex<Script>>,
}

/// What the provider expects.
struct Script {
    root: String,
    documents: Vec<Exchange>,
    expected: VecDeque<Exchange>,
    faults: Vec<String>,
    /// Parameters of the authorization request.
    authorization: BTreeMap<String, String>,
    id_token: Option<IdToken>,
    signer: IdTokenSigner,
}

struct Request {
    method: String,
    url: String,
    headers: BTreeMap<String, String>,
    body: String,
}

type Pairs = Vec<(String, String)>;

impl Provider {
    pub fn start(documents: &[Exchange], id_token: Option<&IdToken>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let root = format!("http://{}/", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(Script {
            root: root.clone(),
            documents: documents.to_vec(),
            expected: VecDeque::new(),
            faults: Vec::new(),
            authorization: BTreeMap::new(),
            id_token: id_token.cloned(),
            signer: IdTokenSigner::new(),
        }));
        let shared = script.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = shared.clone();
                std::thread::spawn(move || stream.map(|stream| serve(stream, &shared)));
            }
        });
        Self { root, script }
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `text` with every https URL at this provider.
    pub fn local(&self, text: &str) -> String {
        text.replace("https://", &self.root)
    }

    /// `text` with every URL of this provider where it is in the documentation.
    pub fn public(&self, text: &str) -> String {
        text.replace(&self.root, "https://")
    }

    pub fn expect(&self, exchanges: &[Exchange]) {
        self.script().expected.extend(exchanges.iter().cloned());
    }

    /// The parameters of the authorization request, which later requests depend on.
    pub fn authorized(&self, params: BTreeMap<String, String>) {
        self.script().authorization = params;
    }

    /// Fails if a request was not as expected, or has not come.
    #[track_caller]
    pub fn check(&self, at: &str) {
        let script = self.script();
        let missing: Vec<_> = script.expected.iter().map(|exchange| &exchange.request).collect();
        assert!(
            script.faults.is_empty() && missing.is_empty(),
            "{at}: {:#?}; not requested: {missing:?}",
            script.faults
        );
    }
}

fn serve(mut stream: TcpStream, script: &Mutex<Script>) {
    let Some(request) = read(&mut stream) else { return };
    let (status, content_type, body) = script.lock().unwrap_or_else(PoisonError::into_inner).answer(&request);
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(&[head.as_bytes(), body.as_bytes()].concat());
}

fn read(stream: &mut TcpStream) -> Option<Request> {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        let read = stream.read(&mut chunk).ok().filter(|read| *read > 0)?;
        bytes.extend(&chunk[..read]);
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?);
    let headers: BTreeMap<_, _> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    while bytes.len() < end + length {
        let read = stream.read(&mut chunk).ok().filter(|read| *read > 0)?;
        bytes.extend(&chunk[..read]);
    }
    let body = String::from_utf8_lossy(&bytes[end..]).into_owned();
    Some(Request { method, url: format!("https:/{path}"), headers, body })
}

impl Script {
    fn answer(&mut self, request: &Request) -> (u16, String, String) {
        let name = format!("{} {}", request.method, request.url);
        if let Some(document) = self.documents.iter().find(|document| document.request == name) {
            return (document.status, document.content_type.clone(), self.fill(&document.answer));
        }
        let Some(expected) = self.expected.pop_front() else {
            self.faults.push(format!("{name} was not expected"));
            return (500, "text/plain".into(), "not expected".into());
        };
        let faults = self.faults_of(request, &expected);
        if faults.is_empty() {
            return (expected.status, expected.content_type.clone(), self.fill(&expected.answer));
        }
        self.faults.push(format!("{name}, where {} was expected: {}", expected.request, faults.join("; ")));
        (500, "text/plain".into(), "not as expected".into())
    }

    /// An answer, with the ID token, the keys and the URLs of this provider.
    fn fill(&self, answer: &str) -> String {
        let answer = answer.replace("<jwks>", &self.signer.published().to_string());
        let answer = local_values(&self.root, &answer);
        match &self.id_token {
            Some(id_token) if answer.contains("<id_token>") => {
                answer.replace("<id_token>", &self.sign(id_token))
            }
            _ => answer,
        }
    }

    fn sign(&self, id_token: &IdToken) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let mut claims: Map<String, Value> =
            serde_json::from_str(&local_values(&self.root, &id_token.claims)).unwrap();
        let mut default = |name: &str, value: Value| {
            claims.entry(name).or_insert(value);
        };
        default("aud", json!("the-client"));
        default("iat", json!(now));
        default("exp", json!(now + 3600));
        if let Some(nonce) = self.authorization.get("nonce") {
            default("nonce", json!(nonce));
        }
        if id_token.hs256 { hs256(b"the-secret", &claims) } else { self.signer.token(&claims) }
    }

    /// How `request` differs from what is expected.
    fn faults_of(&self, request: &Request, expected: &Exchange) -> Vec<String> {
        let mut faults = Vec::new();
        let mut compare = |what: &str, found: Value, wanted: Value| {
            if found != wanted {
                faults.push(format!("{what} is {found} and not {wanted}"));
            }
        };
        let (method, url) = expected.request.split_once(' ').unwrap();
        let split = |url: &str| {
            url.split_once('?')
                .map_or((url.to_owned(), Pairs::new()), |(url, query)| (url.to_owned(), pairs(query)))
        };
        let ((found, found_query), (wanted, wanted_query)) = (split(&request.url), split(url));
        compare("the method", json!(request.method), json!(method));
        compare("the URL", json!(found), json!(wanted));
        compare("the query", json!(found_query), json!(wanted_query));
        let header = |name: &str| request.headers.get(&name.to_ascii_lowercase()).cloned();
        for (name, wanted) in &expected.headers {
            let found = header(name);
            let is_right = found.as_ref().is_some_and(|found| self.matches(found, wanted));
            compare(name, json!(if is_right { Some(wanted) } else { found.as_ref() }), json!(wanted));
        }
        if !expected.headers.keys().any(|name| name.eq_ignore_ascii_case("authorization")) {
            compare("authorization", json!(header("authorization")), Value::Null);
        }
        match (&expected.form, &expected.json) {
            (Some(form), _) => {
                let found: BTreeMap<_, _> = pairs(&request.body).into_iter().collect();
                let found: BTreeMap<_, _> = found
                    .into_iter()
                    .map(|(name, value)| {
                        let wanted = form.get(&name).filter(|wanted| self.matches(&value, wanted)).cloned();
                        (name, wanted.unwrap_or(value))
                    })
                    .collect();
                compare("the form", json!(found), json!(form));
                compare(
                    "content-type",
                    json!(header("content-type")),
                    json!("application/x-www-form-urlencoded"),
                );
            }
            (None, Some(wanted)) => {
                let wanted: Value = serde_json::from_str(wanted).unwrap();
                let mut found: Value = serde_json::from_str(&request.body).unwrap_or(json!(request.body));
                for (name, wanted) in wanted.as_object().into_iter().flatten() {
                    let is_right = found[name]
                        .as_str()
                        .zip(wanted.as_str())
                        .is_some_and(|(found, wanted)| self.matches(found, wanted));
                    if is_right {
                        found[name] = wanted.clone();
                    }
                }
                compare("the JSON", found, wanted);
                compare("content-type", json!(header("content-type")), json!("application/json"));
            }
            (None, None) => compare("the body", json!(request.body), json!("")),
        }
        faults
    }

    fn matches(&self, found: &str, wanted: &str) -> bool {
        let authorization = |name: &str| self.authorization.get(name).map(String::as_str).unwrap_or_default();
        match wanted {
            "<any>" => !found.is_empty(),
            "<redirect_uri>" => found == "http://localhost:8000/login/preset/authorized",
            "<verifier>" => {
                URL_SAFE_NO_PAD.encode(digest(&SHA256, found.as_bytes())) == authorization("code_challenge")
            }
            "<basic>" => found == "Basic dGhlLWNsaWVudDp0aGUtc2VjcmV0",
            "<oauth1>" => found.starts_with("OAuth ") && found.contains("oauth_consumer_key=\"the-client\""),
            "<secret_jwt>" => is_secret_jwt(found),
            _ => found == wanted,
        }
    }
}

/// Whether `jwt` has the parts of a client secret that is signed with ES256 for this client.
fn is_secret_jwt(jwt: &str) -> bool {
    let part = |at: usize| -> Option<Value> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(jwt.split('.').nth(at)?).ok()?).ok()
    };
    let (Some(header), Some(claims)) = (part(0), part(1)) else { return false };
    header["alg"] == "ES256"
        && header["kid"] == "the-key-id"
        && claims["sub"] == "the-client"
        && claims["iss"] == "the-team"
}

/// The parameters of a query or form, sorted.
fn pairs(query: &str) -> Pairs {
    let mut pairs: Pairs = parse(query.as_bytes()).into_owned().collect();
    pairs.sort();
    pairs
}

/// JSON with every https URL at the provider at `root`, except in names of fields.
fn local_values(root: &str, json: &str) -> String {
    let mut parts = json.split("https://");
    let mut local = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_name = part.split_once('"').is_some_and(|(_, rest)| rest.trim_start().starts_with(':'));
        local.push_str(if is_name { "https://" } else { root });
        local.push_str(part);
    }
    local
}
