//! The provider's endpoints as Rocket routes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Cursor;

use rocket::data::ToByteUnit;
use rocket::http::uri::Origin;
use rocket::http::{Header, Method, Status};
use rocket::route::{Handler, Outcome, Route};
use rocket::{Data, Response};
use serde_json::Value;
use url::form_urlencoded;

use super::Issuer;
use super::answer::Endpoint;

/// A request, read whole.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    /// As it came: it may be signed.
    pub(super) raw_query: String,
    pub(super) form: Vec<(String, String)>,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
}

impl Request {
    async fn read(request: &rocket::Request<'_>, data: Data<'_>) -> std::io::Result<Self> {
        let body = data.open(64.kibibytes()).into_bytes().await?.into_inner();
        let form = match request.content_type() {
            Some(kind) if kind.is_form() => pairs(&body),
            _ => Vec::new(),
        };
        let query = match request.local_cache(|| Hidden(None)) {
            Hidden(Some(query)) => query.as_str(),
            Hidden(None) => request.uri().query().map_or("", |query| query.as_str()),
        };
        Ok(Self {
            method: request.method().to_string(),
            path: request.uri().path().to_string(),
            query: pairs(query.as_bytes()),
            raw_query: query.to_owned(),
            form,
            headers: request
                .headers()
                .iter()
                .map(|header| (header.name().as_str().to_ascii_lowercase(), header.value().to_owned()))
                .collect(),
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    }
}

fn pairs(encoded: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(encoded).map(|(name, value)| (name.into(), value.into())).collect()
}

/// The one value of `name`; an error when there are several (RFC 6749 §3.1).
pub(super) fn one<'p>(pairs: &'p [(String, String)], name: &str) -> Result<Option<&'p str>, ()> {
    let mut values = pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
    match (values.next(), values.next()) {
        (value, None) => Ok(value.filter(|value| !value.is_empty())),
        _ => Err(()),
    }
}

/// The content type of OAuth 1's answers.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";

/// A response, before it is Rocket's.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Default for Reply {
    fn default() -> Self {
        Self { status: 200, headers: Vec::new(), body: Vec::new() }
    }
}

impl Reply {
    pub(super) fn body(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: vec![("Content-Type".into(), content_type.into())], body: body.into() }
    }

    pub(super) fn json(status: u16, value: &Value) -> Self {
        Self::body(status, "application/json", value.to_string())
    }

    pub(super) fn see(location: &str) -> Self {
        Self { status: 303, ..Self::default() }.with("Location", location)
    }

    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same, its JSON or the fields of its form changed; anything else stays.
    pub(super) fn edited(mut self, edit: &dyn Fn(&mut Value)) -> Self {
        if self.headers.iter().any(|(_, value)| value == FORM) {
            let mut fields: Value = pairs(&self.body).into_iter().map(|(k, v)| (k, Value::from(v))).collect();
            edit(&mut fields);
            let fields = fields.as_object().into_iter().flatten();
            let fields = fields.filter_map(|(name, value)| Some((name, value.as_str()?)));
            self.body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish().into();
        } else if let Ok(mut value) = serde_json::from_slice(&self.body) {
            edit(&mut value);
            self.body = value.to_string().into_bytes();
        }
        self
    }
}

/// A query that was taken out of a request's URI: see [`hide_query`].
struct Hidden(Option<String>);

/// Takes the query out of the request's URI: Rocket logs URIs, and an authorization request holds a state.
pub(super) fn hide_query(request: &mut rocket::Request<'_>) {
    if let Some(query) = request.uri().query().map(|query| query.to_string()) {
        request.local_cache(|| Hidden(Some(query)));
        let path = request.uri().path().to_string();
        if let Ok(uri) = Origin::parse_owned(path) {
            request.set_uri(uri);
        }
    }
}

/// One endpoint of an issuer.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) endpoint: Endpoint,
    pub(super) issuer: Issuer,
}

#[rocket::async_trait]
impl Handler for Door {
    async fn handle<'r>(&self, request: &'r rocket::Request<'_>, data: Data<'r>) -> Outcome<'r> {
        let reply = match Request::read(request, data).await {
            Ok(request) => self.issuer.serve(self.endpoint, &request).await,
            Err(_) => Reply { status: 400, ..Reply::default() },
        };
        let mut response = Response::build();
        response.status(Status::new(reply.status)).sized_body(reply.body.len(), Cursor::new(reply.body));
        for (name, value) in reply.headers {
            response.raw_header_adjoin(name, value);
        }
        response.header(Header::new("Cache-Control", "no-store"));
        Outcome::Success(response.finalize())
    }
}

/// All routes of `issuer`, relative to its URL's path.
pub(super) fn routes(issuer: &Issuer) -> Vec<Route> {
    use Method::{Delete, Get, Patch, Post, Put};
    let doors: &[(Endpoint, &[Method], &str)] = &[
        (Endpoint::Discovery, &[Get], "/.well-known/openid-configuration"),
        (Endpoint::Jwks, &[Get], "/jwks"),
        (Endpoint::Authorize, &[Get, Post], "/authorize"),
        (Endpoint::PushedAuthorization, &[Post], "/par"),
        (Endpoint::Token, &[Post], "/token"),
        (Endpoint::Revocation, &[Post], "/revoke"),
        (Endpoint::RequestToken, &[Post], "/oauth1/request_token"),
        (Endpoint::Authorize, &[Get], "/oauth1/authorize"),
        (Endpoint::Token, &[Post], "/oauth1/access_token"),
        (Endpoint::EndSession, &[Get, Post], "/logout"),
        (Endpoint::Userinfo, &[Get, Post], "/userinfo"),
        (Endpoint::Userinfo, &[Get], "/api/user"),
        (Endpoint::Emails, &[Get], "/user/emails"),
        (Endpoint::Emails, &[Get], "/api/user/emails"),
        (Endpoint::Api, &[Get, Post, Put, Patch, Delete], "/api/<path..>"),
    ];
    doors
        .iter()
        .flat_map(|(endpoint, methods, path)| methods.iter().map(move |method| (*endpoint, *method, *path)))
        .map(|(endpoint, method, path)| {
            let mut route = Route::new(method, path, Door { endpoint, issuer: issuer.clone() });
            route.name = Some(Cow::Owned(format!("issuer::{endpoint:?}").to_lowercase()));
            route
        })
        .collect()
}
