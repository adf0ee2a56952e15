//! `ProviderProbe`: what a provider answers to requests that change nothing, for the doctor.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::HeaderMap;

use super::endpoint_call::EndpointCall;
use super::endpoints::Endpoints;
use super::engine::Engine;
use super::flow::Flow;
use super::http::clock_skew;
use super::key_set::KeySet;
use super::metadata::Metadata;
use super::oauth1::{self, Consumer};
use super::token_request::code_form;
use crate::config::{Entry, OAuth2Options, ProtocolOptions};
use crate::error::Result;
use crate::link::Purpose;

/// Lifetime of the flow of a probe, in seconds. No browser ever has it.
const FLOW_TTL: i64 = 60;

/// What a provider has answered.
#[derive(Default)]
pub(crate) struct ProviderProbe {
    /// The metadata, or why there is none; `None` without OpenID Connect.
    pub(crate) metadata: Option<Result<Arc<Metadata>>>,
    /// The keys that sign ID tokens; `None` without OpenID Connect, or without metadata.
    pub(crate) keys: Option<Result<Arc<KeySet>>>,
    /// The answer to a request with this client's credentials: a token request with an invented code, which a provider that
    /// accepts the client refuses, or with OAuth 1 a request for temporary credentials. `None` if it could not be sent.
    pub(crate) client: Option<Result<()>>,
    /// By how many seconds the clock of this machine is ahead of the provider's.
    pub(crate) clock_skew: Option<i64>,
}

impl Engine {
    /// Asks the provider of `entry` for what a sign-in needs, up to its user.
    pub(crate) async fn probe(&self, entry: &Entry) -> ProviderProbe {
        let mut probe = ProviderProbe::default();
        let options = match &entry.options {
            ProtocolOptions::OAuth1(options) => {
                let consumer = Consumer::new(self, entry, options);
                probe.client = Some(self.probe_consumer(&consumer, entry, &mut probe.clock_skew).await);
                return probe;
            }
            ProtocolOptions::OAuth2(options) | ProtocolOptions::OpenIdConnect(options, _) => options,
        };
        let metadata = match self.metadata(entry).await {
            Ok(metadata) => metadata,
            Err(error) => {
                probe.metadata = Some(Err(error));
                return probe;
            }
        };
        if let Some(metadata) = &metadata {
            probe.keys = Some(match Self::key_set_url(entry, metadata) {
                Some(url) => self.jwks.get(url).await,
                None => Err(entry.misconfigured("the provider's metadata has no `jwks_uri`: set `jwks_url`")),
            });
        }
        let client = self.probe_client(entry, options, metadata.as_deref(), &mut probe.clock_skew).await;
        probe.client = Some(client);
        probe.metadata = metadata.map(Ok);
        probe
    }

    /// Requests temporary credentials, which are not used.
    async fn probe_consumer(
        &self,
        consumer: &Consumer<'_>,
        entry: &Entry,
        skew: &mut Option<i64>,
    ) -> Result<()> {
        let flow = self.probe_flow(entry)?;
        let answer = oauth1::ask_for_temporary_credentials(consumer, &flow).await?;
        *skew = self.skew(answer.headers());
        oauth1::read_temporary_credentials(consumer, &answer).map(drop)
    }

    /// Sends a token request with an invented code.
    async fn probe_client(
        &self,
        entry: &Entry,
        options: &OAuth2Options,
        metadata: Option<&Metadata>,
        skew: &mut Option<i64>,
    ) -> Result<()> {
        let endpoints = Endpoints::new(entry, options, metadata);
        let (url, call) = (endpoints.token()?, EndpointCall::CodeExchange);
        let flow = self.probe_flow(entry)?;
        let mut form = code_form(endpoints, &flow, &flow.state(), &BTreeMap::new());
        let answer = call.request(self, endpoints, url, &mut form).await?;
        *skew = self.skew(answer.headers());
        call.read(endpoints, &form, &answer).map(drop)
    }

    fn probe_flow(&self, entry: &Entry) -> Result<Flow> {
        Flow::new(entry, Purpose::SignIn, None, None, self.clock.now_millis(), FLOW_TTL)
    }

    fn skew(&self, headers: &HeaderMap) -> Option<i64> {
        clock_skew(headers, self.clock.now())
    }
}
