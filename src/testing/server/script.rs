//! [`Script`]: the scripted responses of a fake provider, and the requests that it received.

use std::collections::{HashMap, VecDeque};

use super::fake_response::FakeResponse;
use super::http_request::HttpRequest;
use super::provider_endpoint::ProviderEndpoint;
use super::recorded_request::RecordedRequest;

/// The scripted responses to come, and the requests so far.
#[derive(Debug, Default)]
pub(crate) struct Script {
    once: HashMap<ProviderEndpoint, VecDeque<FakeResponse>>,
    always: HashMap<ProviderEndpoint, FakeResponse>,
    pub(crate) requests: Vec<RecordedRequest>,
}

impl Script {
    pub(crate) fn push_once(&mut self, endpoint: ProviderEndpoint, response: FakeResponse) {
        self.once.entry(endpoint).or_default().push_back(response);
    }

    pub(crate) fn set_always(&mut self, endpoint: ProviderEndpoint, response: FakeResponse) {
        self.always.insert(endpoint, response);
    }

    pub(crate) fn clear_responses(&mut self) {
        self.once.clear();
        self.always.clear();
    }

    /// Records the request and returns the response for it, if a test has set one.
    pub(super) fn next(&mut self, endpoint: ProviderEndpoint, request: &HttpRequest) -> Option<FakeResponse> {
        self.requests.push(RecordedRequest::new(endpoint, request));
        self.once
            .get_mut(&endpoint)
            .and_then(VecDeque::pop_front)
            .or_else(|| self.always.get(&endpoint).cloned())
    }
}
