//! [`InProcess`]: answers the app's requests to a provider without a port.

use std::collections::BTreeMap;

use futures::FutureExt;
use futures::future::BoxFuture;
use rocket::tokio::time::timeout;
use url::Url;

use super::server::{AuthorizationServer, HttpRequest, Response, respond_at};
use crate::error::Result;
use crate::flow::{CALL_TIMEOUT, RequestKind, StandIn, provider_timeout, unavailable};

/// Answers the requests of an app in the same process in place of the network.
pub(super) struct InProcess(pub(super) AuthorizationServer);

impl InProcess {
    async fn respond(&self, mut request: reqwest::Request) -> Result<reqwest::Response> {
        let url = request.url().clone();
        let time = request.timeout().copied().unwrap_or(CALL_TIMEOUT);
        let body = match request.body_mut().take() {
            // A body that is a stream is read as the body of a response is.
            Some(body) => reqwest::Response::from(http::Response::new(body)).bytes().await,
            None => Ok(Vec::new().into()),
        };
        let body = body.map_err(|error| unavailable(error.to_string()))?;
        let headers: BTreeMap<String, String> = request
            .headers()
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let query = url.query().unwrap_or_default();
        let request = HttpRequest::new(request.method().as_str(), url.path(), query, headers, &body);
        let host = url.host_str().unwrap_or_default();
        match timeout(time, respond_at(&self.0, request)).await {
            Ok(Response::Sent(response)) => Ok(response.into_reqwest(&url)),
            Ok(Response::Down) => Err(unavailable(format!("{host}: the fake provider is down"))),
            Ok(Response::Never) | Err(_) => {
                Err(provider_timeout(format!("{host}: the fake provider does not answer")))
            }
        }
    }
}

impl StandIn for InProcess {
    fn answers(&self, url: &Url, _: RequestKind<'_>) -> bool {
        Url::parse(self.0.url()).is_ok_and(|own| own.origin() == url.origin())
    }

    fn answer<'a>(
        &'a self,
        request: reqwest::Request,
        _: &'a reqwest::Client,
    ) -> BoxFuture<'a, Result<reqwest::Response>> {
        self.respond(request).boxed()
    }
}
