//! What a provider has answered, against what its entry expects.

use crate::config::{Entry, ProtocolOptions};
use crate::error::{Error, ErrorKind};
use crate::finding::Finding;
use crate::flow::{KeySet, Metadata, ProviderProbe, is_untrusted_certificate};
use crate::profile::text::printable;

/// Maximum difference of two clocks that is not reported, in seconds.
const MAX_IGNORED_SKEW: i64 = 10;
/// Maximum difference of two clocks that OAuth 1 providers tolerate, in seconds: most of them use this one.
const MAX_OAUTH1_SKEW: i64 = 300;
/// Error codes with which some providers refuse an invented code, in place of `invalid_grant`.
const INVALID_CODE_ERRORS: [&str; 4] =
    ["invalid_code", "invalid_authorization_code", "authorization_code_invalid", "code_not_found"];

pub(super) fn subject(entry: &Entry) -> String {
    format!("entry `{}`", entry.name)
}

/// Judges all answers of a provider. One that could not be reached is one finding.
pub(super) fn check(entry: &Entry, probe: &ProviderProbe) -> Vec<Finding> {
    if let Some(error) = outage(probe) {
        return vec![unreachable(entry, error)];
    }
    let mut findings = Vec::new();
    match &probe.metadata {
        Some(Err(error)) => findings.push(metadata_failure(entry, error)),
        Some(Ok(metadata)) => findings.extend(check_metadata(entry, metadata)),
        None => {}
    }
    findings.extend(probe.keys.as_ref().map(|keys| match keys {
        Ok(keys) => check_keys(entry, keys),
        Err(error) => Finding::failure(
            subject(entry),
            format!("the keys that sign ID tokens can't be read: {}", cause(entry, error)),
            "correct `jwks_url` or `issuer`",
        ),
    }));
    findings.extend(check_scopes(entry));
    findings.extend(probe.client.as_ref().map(|answer| check_client(entry, answer)));
    findings.extend(probe.clock_skew.and_then(|skew| check_clock(entry, skew)));
    findings
}

/// The first failure to reach the provider.
fn outage(probe: &ProviderProbe) -> Option<&Error> {
    let answers = [
        probe.metadata.as_ref().and_then(|answer| answer.as_ref().err()),
        probe.keys.as_ref().and_then(|answer| answer.as_ref().err()),
        probe.client.as_ref().and_then(|answer| answer.as_ref().err()),
    ];
    let is_outage =
        |error: &&Error| matches!(error.kind(), ErrorKind::ProviderUnreachable | ErrorKind::ProviderTimeout);
    answers.into_iter().flatten().find(is_outage)
}

fn unreachable(entry: &Entry, error: &Error) -> Finding {
    let cause = cause(entry, error);
    if is_untrusted_certificate(&cause) {
        return Finding::failure(
            subject(entry),
            format!("the provider's certificate is not trusted: {cause}"),
            "correct the host in the entry's URLs, or install the certificate authority that has issued the certificate",
        );
    }
    Finding::warning(
        subject(entry),
        format!("the provider can't be reached, and was not checked: {cause}"),
        "if other providers can be reached, correct the entry's URLs; otherwise check the network and HTTPS_PROXY",
    )
}

fn metadata_failure(entry: &Entry, error: &Error) -> Finding {
    Finding::failure(
        subject(entry),
        format!("the provider's metadata can't be used: {}", cause(entry, error)),
        "copy the issuer from the provider's documentation, byte for byte: `issuer = \"https://…\"`. \
         `<issuer>/.well-known/openid-configuration` must show it",
    )
}

fn check_metadata(entry: &Entry, metadata: &Metadata) -> Vec<Finding> {
    let subject = || subject(entry);
    let mut findings = vec![Finding::ok(subject(), "the issuer's metadata is right")];
    let Some(options) = entry.oauth2() else { return findings };
    findings.extend(check_pkce(entry, options.pkce, metadata.code_challenge_methods_supported.as_deref()));
    if let Some(known) = &metadata.scopes_supported {
        let unknown: Vec<&str> =
            options.scope.iter().filter(|scope| !known.contains(scope)).map(String::as_str).collect();
        if !unknown.is_empty() {
            findings.push(Finding::warning(
                subject(),
                format!("the provider does not name the scope {}", unknown.join(" ")),
                format!("correct `scope` if it is a typo: the provider names {}", listed(known)),
            ));
        }
    }
    if entry.logout && entry.end_session_url.is_none() && metadata.end_session_endpoint.is_none() {
        findings.push(Finding::warning(
            subject(),
            "`logout = true` has no effect: the provider's metadata has no `end_session_endpoint`",
            "set `end_session_url`, or remove `logout`",
        ));
    }
    let has_par = options.endpoints.pushed_request.is_some()
        || metadata.pushed_authorization_request_endpoint.is_some();
    match options.par {
        Some(false) if metadata.require_pushed_authorization_requests => findings.push(Finding::failure(
            subject(),
            "the provider accepts only pushed authorization requests, and the entry has `par = false`",
            "remove `par`",
        )),
        Some(true) if !has_par => findings.push(Finding::failure(
            subject(),
            "`par = true`, and the provider has no endpoint for pushed authorization requests",
            "remove `par`, or set `par_url`",
        )),
        _ => {}
    }
    findings
}

/// At most 20 of `names`, since some providers name hundreds.
fn listed(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(20).map(|name| printable(name, 64)).collect();
    format!("{}{}", shown.join(" "), if names.len() > shown.len() { " …" } else { "" })
}

fn check_pkce(entry: &Entry, is_used: bool, methods: Option<&[String]>) -> Option<Finding> {
    let methods = methods.filter(|methods| !methods.is_empty())?;
    match (is_used, methods.iter().any(|method| method == "S256")) {
        (true, false) => Some(Finding::failure(
            subject(entry),
            "the entry uses PKCE, and the provider does not support it with S256: no user can sign in",
            "set `pkce = false`",
        )),
        (false, true) => Some(Finding::warning(
            subject(entry),
            "the provider supports PKCE, and the entry does not use it",
            "set `pkce = true`",
        )),
        _ => None,
    }
}

fn check_keys(entry: &Entry, keys: &KeySet) -> Finding {
    let (published, accepted) = (keys.algorithms(), entry.signing_algorithms());
    if published.iter().any(|algorithm| accepted.contains(algorithm)) {
        return Finding::ok(subject(entry), "the provider's keys can verify ID tokens");
    }
    let names = published.iter().map(|algorithm| algorithm.name()).collect::<Vec<_>>().join(", ");
    match published.is_empty() {
        true => Finding::failure(
            subject(entry),
            "the provider publishes no key that can verify an ID token",
            "correct `issuer` or `jwks_url`. Supported are RSA keys of at least 2048 bits, P-256, P-384 and Ed25519",
        ),
        false => Finding::failure(
            subject(entry),
            format!("`signing_algorithms` excludes all keys of the provider: they are for {names}"),
            "add one of these to `signing_algorithms`, or remove `signing_algorithms`",
        ),
    }
}

fn check_scopes(entry: &Entry) -> Option<Finding> {
    let left_out = &entry.oauth2()?.scope_left_out;
    (!left_out.is_empty()).then(|| {
        Finding::warning(
            subject(entry),
            format!(
                "`scope` replaces the preset's and leaves out {}: the profile may be incomplete",
                left_out.join(" ")
            ),
            "use `extra_scope` to add scopes to the preset's",
        )
    })
}

/// Judges the answer to a token request with an invented code: a provider that has accepted the client refuses the code
/// (RFC 6749 §5.2). With OAuth 1, the answer to a request for temporary credentials.
fn check_client(entry: &Entry, answer: &Result<(), Error>) -> Finding {
    let error = match (answer, &entry.options) {
        (Ok(()), ProtocolOptions::OAuth1(_)) => {
            return Finding::ok(subject(entry), "the provider accepts the consumer key and the signature");
        }
        (Ok(()), _) => {
            return Finding::warning(
                subject(entry),
                "the provider answers an invented authorization code with a success, so the client could not be checked",
                "check that `token_url` is the token endpoint",
            );
        }
        (Err(error), _) => error,
    };
    let said = error.provider_error().map(|said| said.error.as_str()).unwrap_or_default();
    match error.kind() {
        ErrorKind::CallbackNotTrusted => Finding::ok(subject(entry), "the provider accepts the client"),
        _ if INVALID_CODE_ERRORS.contains(&said) => {
            Finding::ok(subject(entry), "the provider accepts the client")
        }
        ErrorKind::Misconfigured => Finding::failure(
            subject(entry),
            format!("the provider does not accept the client: {}", cause(entry, error)),
            match entry.options {
                ProtocolOptions::OAuth1(_) => {
                    "copy consumer key and secret from the provider's page of the app, and register the callback URL above"
                }
                _ => {
                    "copy `client_id` and `client_secret` from the provider's page of the app, and register the callback URL \
                     above. If they are right, the provider may need another `token_endpoint_auth_method`"
                }
            },
        ),
        _ => Finding::warning(
            subject(entry),
            format!(
                "the provider's answer does not show whether it accepts the client: {}",
                cause(entry, error)
            ),
            "sign in once to find out",
        ),
    }
}

fn check_clock(entry: &Entry, skew: i64) -> Option<Finding> {
    let (direction, seconds) = if skew > 0 { ("ahead of", skew) } else { ("behind", -skew) };
    let text = format!("the clock of this machine is {seconds} s {direction} the provider's");
    let cure = "synchronize the clock of this machine (NTP)";
    let limit = match &entry.options {
        ProtocolOptions::OpenIdConnect(..) => entry.clock_skew,
        ProtocolOptions::OAuth1(_) => MAX_OAUTH1_SKEW,
        ProtocolOptions::OAuth2(_) => i64::MAX,
    };
    match seconds {
        _ if seconds > limit => {
            Some(Finding::failure(subject(entry), format!("{text}, which is more than it tolerates"), cure))
        }
        _ if seconds > MAX_IGNORED_SKEW => Some(Finding::warning(subject(entry), text, cure)),
        _ => None,
    }
}

/// What an error says to the operator: its cause.
fn cause(entry: &Entry, error: &Error) -> String {
    let cause = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    // Some causes begin with the entry, which the finding names, and end with the provider's words, which may be missing.
    let cause = cause.strip_prefix(&format!("{}: ", subject(entry))).unwrap_or(&cause);
    cause.trim_end_matches([':', ' ']).to_owned()
}
