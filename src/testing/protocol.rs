//! What the provider does at its authorization, token and userinfo endpoints.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::answer::Endpoint;
use super::door::{Reply, Request, one};
use super::grants::{Access, Code, Grant, Pending, Refresh, Sealed, id, open, seal};
use super::issuer::{Client, Issuer, lock};
use super::page;
use super::signer::at_hash;
use crate::secret::{Secret, encode_base64url, sha256};

/// How long a person may look at the consent page, and a code may lie around, in seconds.
const PATIENCE: i64 = 600;
const CODE_TTL: i64 = 60;

/// An error of RFC 6749 §5.2.
pub(super) struct Refusal(u16, &'static str, &'static str);

impl Refusal {
    fn grant(why: &'static str) -> Self {
        Self(400, "invalid_grant", why)
    }

    pub(super) fn request(why: &'static str) -> Self {
        Self(400, "invalid_request", why)
    }

    pub(super) fn reply(self) -> Reply {
        let Refusal(status, error, why) = self;
        let reply = Reply::json(status, &json!({"error": error, "error_description": why}));
        if status == 401 { reply.with("WWW-Authenticate", "Basic realm=\"token\"") } else { reply }
    }
}

impl Issuer {
    pub(super) fn now(&self) -> i64 {
        self.0.clock.now()
    }

    fn seal<T: Sealed>(&self, value: &T) -> String {
        seal(&self.0.keys, self.url(), value)
    }

    fn open<T: Sealed>(&self, sealed: &str) -> Option<T> {
        open(&self.0.keys, self.url(), sealed)
    }

    pub(super) fn client(&self, id: &str) -> Option<&Client> {
        self.0.clients.iter().find(|client| client.id == id)
    }

    /// The authorization endpoint (RFC 6749 §4.1.1): GET asks, POST is the consent page's answer.
    pub(super) fn authorize(&self, request: &Request) -> Reply {
        if request.method == "POST" {
            return self.decide(request);
        }
        let Some(query) = &self.unfolded(&request.query) else {
            return page::error("The authorization request was not pushed, has expired or was used.");
        };
        let Ok(Some(client)) = one(query, "client_id").map(|id| id.and_then(|id| self.client(id))) else {
            return page::error("The client is not known here.");
        };
        // Never redirect to where the client didn't say: an open redirector that leaks codes (RFC 9700 §4.1).
        let redirect_uri = match one(query, "redirect_uri") {
            Ok(Some(uri))
                if client.redirect_uri.as_ref().is_none_or(|known| known == uri) && is_redirectable(uri) =>
            {
                uri
            }
            _ => return page::error("The redirect URI is not the client's."),
        };
        let text = |name| one(query, name).ok().flatten().map(str::to_owned);
        let pending = Pending {
            redirect_uri: redirect_uri.to_owned(),
            client_id: client.id.clone(),
            state: text("state"),
            scope: text("scope").unwrap_or_default(),
            nonce: text("nonce"),
            challenge: text("code_challenge"),
            form_post: text("response_mode").as_deref() == Some("form_post"),
            expires_at: self.now() + PATIENCE,
        };
        let once = [
            "state",
            "scope",
            "nonce",
            "response_type",
            "response_mode",
            "code_challenge",
            "code_challenge_method",
            "prompt",
        ];
        if once.iter().any(|name| one(query, name).is_err()) {
            return self.refuse(&pending, "invalid_request");
        }
        if text("response_type").as_deref() != Some("code") {
            return self.refuse(&pending, "unsupported_response_type");
        }
        let s256 = text("code_challenge_method").as_deref() == Some("S256");
        let is_public = client.secret.is_none() && client.key.is_none();
        if pending.challenge.is_some() != s256 || (is_public && !s256) {
            return self.refuse(&pending, "invalid_request");
        }
        if let Some(error) = lock(&self.0.play).error_next.take() {
            return self.refuse(&pending, &error);
        }
        if !self.0.interactive {
            let user = lock(&self.0.play).user.clone();
            return self.approve(pending, user);
        }
        if text("prompt").is_some_and(|prompt| prompt.split(' ').any(|value| value == "none")) {
            return self.refuse(&pending, "login_required");
        }
        self.ask(&pending, &text("login_hint").unwrap_or_default(), None)
    }

    fn ask(&self, pending: &Pending, login: &str, problem: Option<&str>) -> Reply {
        let action = format!("{}/authorize", self.path().trim_end_matches('/'));
        page::consent(&action, &pending.client_id, &self.seal(pending), &pending.scope, login, problem)
    }

    fn decide(&self, request: &Request) -> Reply {
        let field = |name| one(&request.form, name).ok().flatten();
        let pending = field("request").and_then(|sealed| self.open::<Pending>(sealed));
        let Some(pending) = pending.filter(|pending| self.now() < pending.expires_at) else {
            return page::error("The page has been open for too long.");
        };
        let known = self.client(&pending.client_id).and_then(|client| client.redirect_uri.as_ref());
        if known.is_some_and(|known| *known != pending.redirect_uri) {
            return page::error("The redirect URI is not the client's any more.");
        }
        match field("decision") {
            Some("allow") => {
                let login = field("login").unwrap_or_default().trim().to_ascii_lowercase();
                let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
                if !(1..=40).contains(&login.len()) || !login.chars().all(fits) {
                    return self.ask(
                        &pending,
                        &login,
                        Some("Please take 1 to 40 letters, digits, dots, dashes or underscores."),
                    );
                }
                self.approve(pending, login)
            }
            _ => self.refuse(&pending, "access_denied"),
        }
    }

    fn approve(&self, pending: Pending, user: String) -> Reply {
        let now = self.now();
        let code = Code {
            grant: Grant {
                client_id: pending.client_id.clone(),
                user,
                scope: pending.scope.clone(),
                nonce: pending.nonce.clone(),
                auth_time: now,
                family: id(),
            },
            redirect_uri: pending.redirect_uri.clone(),
            challenge: pending.challenge.clone(),
            expires_at: now + CODE_TTL,
        };
        self.respond(&pending, "code", &self.seal(&code))
    }

    fn refuse(&self, pending: &Pending, error: &str) -> Reply {
        self.respond(pending, "error", error)
    }

    /// The authorization response (RFC 6749 §4.1.2), with the issuer (RFC 9207).
    fn respond(&self, pending: &Pending, name: &str, value: &str) -> Reply {
        let Ok(mut location) = Url::parse(&pending.redirect_uri) else {
            return page::error("The redirect URI is not a URI.");
        };
        let mut fields = vec![(name, value), ("iss", self.url())];
        fields.extend(pending.state.as_deref().map(|state| ("state", state)));
        if pending.form_post {
            return page::form_post(location.as_str(), &fields);
        }
        location.query_pairs_mut().extend_pairs(fields);
        Reply::see(location.as_str())
    }

    /// The token endpoint (RFC 6749 §4.1.3, §6).
    pub(super) fn token(&self, request: &Request) -> Reply {
        match self.exchange(request) {
            Ok(answer) => Reply::json(200, &answer).with("Pragma", "no-cache"),
            Err(refusal) => refusal.reply(),
        }
    }

    fn exchange(&self, request: &Request) -> Result<Value, Refusal> {
        let client = self.authenticate(request)?;
        let field =
            |name| one(&request.form, name).map_err(|()| Refusal::request("a parameter is there twice"));
        let need = |name| field(name)?.ok_or(Refusal::request("a parameter is missing"));
        let mut ledger = lock(&self.0.ledger);
        match need("grant_type")? {
            "authorization_code" => {
                let code: Code = self.open(need("code")?).ok_or(Refusal::grant("the code is not ours"))?;
                if code.grant.client_id != client.id || need("redirect_uri")? != code.redirect_uri {
                    return Err(Refusal::grant("the code is another client's or another redirect URI's"));
                }
                // A verifier without a challenge is refused too: a downgrade (RFC 9700 §4.8.2).
                let proof = field("code_verifier")?.map(|verifier| encode_base64url(&sha256(verifier)));
                if proof != code.challenge {
                    return Err(Refusal::grant("the code verifier doesn't fit"));
                }
                if self.now() >= code.expires_at || !ledger.spend(&code.grant, &code.grant.family) {
                    return Err(Refusal::grant("the code has expired or was used"));
                }
                Ok(self.issue(&code.grant, &mut ledger, true))
            }
            "refresh_token" => {
                let refresh: Refresh = self
                    .open(need("refresh_token")?)
                    .ok_or(Refusal::grant("the refresh token is not ours"))?;
                if refresh.grant.client_id != client.id {
                    return Err(Refusal::grant("the refresh token is another client's"));
                }
                if !ledger.spend(&refresh.grant, &refresh.id) {
                    return Err(Refusal::grant("the refresh token was used or revoked"));
                }
                Ok(self.issue(&refresh.grant, &mut ledger, false))
            }
            _ => {
                Err(Refusal(400, "unsupported_grant_type", "authorization_code and refresh_token are known"))
            }
        }
    }

    /// The revocation endpoint (RFC 7009): of a refresh token, with all of its grant; of an access token, alone.
    pub(super) fn revocation(&self, request: &Request) -> Reply {
        match self.end(request) {
            Ok(()) => Reply::default(),
            Err(refusal) => refusal.reply(),
        }
    }

    fn end(&self, request: &Request) -> Result<(), Refusal> {
        let client = self.authenticate(request)?;
        let Ok(Some(token)) = one(&request.form, "token") else {
            return Err(Refusal::request("a token is missing"));
        };
        let (refresh, access) = (self.open::<Refresh>(token), self.open::<Access>(token));
        let grant = refresh.as_ref().map(|refresh| &refresh.grant);
        let grant = grant.or(access.as_ref().map(|access| &access.grant));
        if grant.is_some_and(|grant| grant.client_id != client.id) {
            return Err(Refusal::grant("the token is another client's"));
        }
        // One that is not known is ended already (RFC 7009 §2.2).
        let mut ledger = lock(&self.0.ledger);
        match (refresh, access) {
            (Some(refresh), _) => ledger.end(&refresh.grant),
            (None, Some(access)) => ledger.end_access(&access),
            (None, None) => {}
        }
        Ok(())
    }

    /// The client whose assertion it is (RFC 7523 §3), and nobody else's, once.
    fn vouched(&self, assertion: &str, client_id: Option<&str>) -> Option<&Client> {
        let audiences = [self.url(), &format!("{}/token", self.url())];
        let clients = self.0.clients.iter().filter(|client| client_id.is_none_or(|id| client.id == id));
        let (client, key) = clients.filter_map(|client| Some((client, client.key.as_ref()?))).next()?;
        let jti = key.verify(assertion, &client.id, &audiences, self.now())?;
        lock(&self.0.ledger).spend_assertion(jti).then_some(client)
    }

    /// The client, by exactly one method (RFC 6749 §2.3).
    pub(super) fn authenticate(&self, request: &Request) -> Result<&Client, Refusal> {
        let refused = Refusal(401, "invalid_client", "the client is unknown or its secret is wrong");
        let field =
            |name| one(&request.form, name).map_err(|()| Refusal::request("a parameter is there twice"));
        if let Some(assertion) = field("client_assertion")? {
            const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            if request.headers.contains_key("authorization") || field("client_secret")?.is_some() {
                return Err(Refusal::request("the client authenticates twice"));
            }
            let vouched = match field("client_assertion_type")? {
                Some(TYPE) => self.vouched(assertion, field("client_id")?),
                _ => None,
            };
            return vouched.ok_or(refused);
        }
        let (id, secret) = match request.headers.get("authorization") {
            Some(header) => {
                let Some((id, secret)) = basic(header) else { return Err(refused) };
                if field("client_secret")?.is_some() || field("client_id")?.is_some_and(|other| other != id) {
                    return Err(Refusal::request("the client authenticates twice"));
                }
                (id, Some(secret))
            }
            None => match field("client_id")? {
                Some(id) => (id.to_owned(), field("client_secret")?.map(str::to_owned)),
                None => return Err(refused),
            },
        };
        let client = self.client(&id);
        match client.map(|client| (&client.secret, &client.key, secret)) {
            Some((Some(wanted), _, Some(given))) if wanted.matches(&given) => client,
            Some((None, None, None)) => client,
            _ => None,
        }
        .ok_or(refused)
    }

    fn issue(&self, grant: &Grant, ledger: &mut super::grants::Ledger, first: bool) -> Value {
        let now = self.now();
        // A test's function may turn other things of the provider: no lock is held while it runs.
        let (ttl, algorithm, edit_claims, edit_id_token) = {
            let play = lock(&self.0.play);
            (play.access_token_ttl, play.signer.algorithm(), play.claims.clone(), play.id_token.clone())
        };
        let access =
            self.seal(&Access { grant: grant.clone(), serial: ledger.issue(grant), expires_at: now + ttl });
        let mut answer = json!({
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": ttl,
            "refresh_token": self.seal(&Refresh { grant: grant.clone(), id: id() }),
            "scope": grant.scope,
        });
        if grant.has("openid") {
            let mut claims = json!({
                "iss": self.url(), "sub": grant.user, "aud": grant.client_id, "iat": now, "exp": now + 3600,
                "auth_time": grant.auth_time, "at_hash": at_hash(algorithm, &access),
            });
            // A refreshed ID token should have no nonce (OpenID Connect Core §12.2).
            if let Some(nonce) = grant.nonce.as_ref().filter(|_| first) {
                claims["nonce"] = json!(nonce);
            }
            if let Some(edit) = edit_claims {
                edit(&mut claims);
            }
            let token = self.signed(None, &claims.to_string());
            answer["id_token"] = json!(match edit_id_token {
                Some(edit) => edit(token),
                None => token,
            });
        }
        answer
    }

    /// What needs an access token: userinfo, addresses, and the echo.
    pub(super) fn api(&self, endpoint: Endpoint, request: &Request) -> Reply {
        let user = match self.bearer(request) {
            Some(access) => Some(access.grant.user),
            None => self.signed_by(request),
        };
        let Some(user) = user else {
            let challenge = "Bearer error=\"invalid_token\"";
            return Reply::json(401, &json!({"error": "invalid_token"})).with("WWW-Authenticate", challenge);
        };
        let userinfo = self.0.userinfo(&user);
        let answer = match endpoint {
            Endpoint::Userinfo => userinfo,
            Endpoint::Emails => match userinfo.get("email") {
                Some(email) => {
                    json!([{"email": email, "primary": true, "verified": userinfo["email_verified"] == json!(true)}])
                }
                None => json!([]),
            },
            _ if request.method == "GET" && request.path.ends_with("/api/me") => userinfo,
            _ => json!({
                "method": request.method, "path": request.path, "user": user, "body": request.body,
                "query": request.query, "form": request.form, "headers": headers(request),
            }),
        };
        Reply::json(200, &answer)
    }

    fn bearer(&self, request: &Request) -> Option<Access> {
        let (scheme, token) = request.headers.get("authorization")?.split_once(' ')?;
        let access: Access = self.open(token).filter(|_| scheme.eq_ignore_ascii_case("bearer"))?;
        (self.now() < access.expires_at && lock(&self.0.ledger).admits(&access)).then_some(access)
    }
}

/// The headers of an echo, without the token.
fn headers(request: &Request) -> Value {
    request
        .headers
        .iter()
        .filter(|(name, _)| *name != "authorization")
        .map(|(k, v)| (k.clone(), json!(v)))
        .collect()
}

/// A URI that can be redirected to: absolute, without a fragment (RFC 6749 §3.1.2).
fn is_redirectable(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.fragment().is_none())
}

/// Id and secret of HTTP Basic, each form-encoded inside (RFC 6749 §2.3.1).
fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    let both = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = both.split_once(':').filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let decoded = |text: &str| {
        form_urlencoded::parse(text.as_bytes()).next().map_or(String::new(), |(name, _)| name.into())
    };
    Some((decoded(id), decoded(secret)))
}

impl Issuer {
    /// A JWT of this header and payload, signed with the current key.
    pub(super) fn signed(&self, header: Option<&Value>, payload: &str) -> String {
        let play = lock(&self.0.play);
        let header = header.cloned().unwrap_or_else(|| play.signer.header());
        play.signer.sign(&header.to_string(), payload)
    }

    /// The secret of the client of this id.
    pub(super) fn secret_of(&self, id: &str) -> Option<&str> {
        self.client(id).and_then(|client| client.secret.as_ref()).map(Secret::expose)
    }

    /// The private key of the client of this id.
    pub(super) fn pem_of(&self, id: &str) -> Option<&str> {
        self.client(id).and_then(|client| client.key.as_ref()).map(|key| key.pem.expose())
    }
}
