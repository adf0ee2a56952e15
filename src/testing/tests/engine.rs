//! The fake against this crate's own flow, from the merged figment to the profile and the refreshed token.

use std::collections::BTreeMap;

use rocket::figment::Figment;
use serde_json::{Value, json};
use url::Url;

use crate::clock::Clock;
use crate::config::{self, Entry};
use crate::error::{ErrorKind, Result};
use crate::flow::{self, Callback, Engine, Flow, Grant, RefreshOutcome};
use crate::link::Purpose;
use crate::provider::{PRESETS, Protocol, ResponseMode, SigningAlgorithm};
use crate::testing::{FakeProvider, FakeResponse, ProviderEndpoint};

fn entry((key, value): (String, Value)) -> Entry {
    let figment = Figment::from(rocket::Config::debug_default()).merge((&key, value));
    let presets = PRESETS.iter().map(|(name, preset)| ((*name).to_owned(), *preset)).collect();
    let (_, mut entries) =
        config::read(&figment, &presets, &|_| None).whole().unwrap_or_else(|faults| panic!("{faults:?}"));
    entries.pop_first().unwrap().1
}

async fn ride(fake: &FakeProvider, engine: &Engine, entry: &Entry) -> Result<Grant> {
    let mut flow = Flow::new(entry, Purpose::SignIn, None, None, Clock::default().now_millis(), 1800)?;
    let url = engine.begin(entry, &mut flow, &BTreeMap::new()).await?;
    let query = match entry.response_mode() {
        ResponseMode::FormPost => fake.authorize_form_post(&url).await.1,
        _ => Url::parse(&fake.authorize(&url).await).unwrap().query().unwrap().to_owned(),
    };
    let callback = Callback::parse(entry, &query)?;
    assert!(callback.state.matches(flow.state().expose()));
    engine.check_callback(entry, &callback).await?;
    match &callback.result {
        flow::CallbackResult::Code(code) => engine.finish(entry, &flow, code, &callback.kept).await,
        flow::CallbackResult::Error(said) => panic!("{said:?}, and check let it pass"),
    }
}

#[rocket::async_test]
async fn every_kind_of_entry_signs_in_and_refreshes() {
    let fake = FakeProvider::start().await;
    let engine = Engine::new(Clock::default(), flow::StandIns::default()).unwrap();
    let mut form_posted = fake.config("op");
    form_posted.1["token_endpoint_auth_method"] = json!("client_secret_post");
    let mut es256 = fake.config("op");
    es256.1["signing_algorithms"] = json!(["ES256"]);

    for entry in [
        fake.config("op"),
        form_posted,
        fake.public_client_config("open"),
        fake.preset_config("github", "github"),
        fake.preset_config("discord", "discord"),
        fake.preset_config("google", "google"),
        fake.preset_config("okta", "okta"),
        fake.preset_config("cognito", "cognito"),
        fake.preset_config("plain", "oauth2"),
    ] {
        let entry = self::entry(entry);
        let grant =
            ride(&fake, &engine, &entry).await.unwrap_or_else(|error| panic!("{}: {error:?}", entry.name));
        assert_eq!(grant.profile.id.as_deref(), Some("ada"), "{}", entry.name);
        let next = engine.refresh(&entry, &grant.token, grant.profile.id.as_deref()).await.unwrap();
        let RefreshOutcome::Renewed(next) = next else { panic!("{next:?}") };
        assert!(!next.access_token.matches(grant.token.access_token.expose()));
    }

    let gitlab =
        json!({"id": 7, "state": "active", "name": "Ada", "email": "a@b.test", "confirmed_at": "2026-01-01"});
    fake.set_userinfo(gitlab);
    let grant = ride(&fake, &engine, &entry(fake.preset_config("work", "gitlab"))).await.unwrap();
    assert_eq!((grant.profile.id.as_deref(), grant.profile.email()), (Some("7"), Some("a@b.test")));

    fake.set_user("grace").rotate_keys(SigningAlgorithm::ES256);
    let engine = Engine::new(Clock::default(), flow::StandIns::default()).unwrap();
    let grant = ride(&fake, &engine, &entry(es256)).await.unwrap();
    assert_eq!(
        (grant.profile.email(), grant.profile.name.as_deref()),
        (Some("grace@example.test"), Some("Grace"))
    );
}

#[rocket::async_test]
async fn it_stands_in_for_every_preset() {
    let fake = FakeProvider::start().await;
    let mut faults = Vec::new();
    // Their functions read what no place of theirs names: a test of an app sets that answer.
    let read_by_a_function = ["eveonline", "vimeo"];
    for (name, preset) in PRESETS.iter().filter(|(name, _)| !read_by_a_function.contains(name)) {
        let needs_rsa = preset.signature_method == crate::provider::SignatureMethod::RsaSha1;
        if needs_rsa && cfg!(not(feature = "rsa-sha1")) {
            continue;
        }
        // OpenID Connect: each entry is another client of the same issuer.
        let engine = Engine::new(Clock::default(), flow::StandIns::default()).unwrap();
        let entry = self::entry(fake.preset_config(name, name));
        match ride(&fake, &engine, &entry).await {
            Ok(grant) if entry.signs_in() && grant.profile.id.as_deref() != Some("ada") => {
                faults.push(format!("{name}: {:?}", grant.profile));
            }
            Ok(grant) if preset.protocol != Protocol::OAuth1 => {
                let id = grant.profile.id.as_deref();
                let token = match engine.refresh(&entry, &grant.token, id).await {
                    Ok(RefreshOutcome::Renewed(token)) => token,
                    other => {
                        faults.push(format!("{name}: refresh: {other:?}"));
                        continue;
                    }
                };
                let before = fake.request_count(ProviderEndpoint::Revocation);
                let revoked = engine.revoke(&entry, &token).await;
                if revoked.is_err() || fake.request_count(ProviderEndpoint::Revocation) == before {
                    faults.push(format!("{name}: revocation: {revoked:?}"));
                }
            }
            Ok(_) => {}
            Err(error) => faults.push(format!("{name}: {error:?}")),
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[rocket::async_test]
async fn github_gets_its_verified_address_from_the_list() {
    let fake = FakeProvider::start().await;
    let engine = Engine::new(Clock::default(), flow::StandIns::default()).unwrap();
    let entry = entry(fake.preset_config("github", "github"));
    assert_eq!(ride(&fake, &engine, &entry).await.unwrap().profile.email(), Some("ada@example.test"));
    assert_eq!(fake.request_count(ProviderEndpoint::Emails), 1);
    fake.respond_once(ProviderEndpoint::Emails, FakeResponse::status(500));
    assert_eq!(ride(&fake, &engine, &entry).await.unwrap().profile.email(), None);
}

#[rocket::async_test]
async fn a_presets_own_revocation_ends_the_token() {
    let fake = FakeProvider::start().await;
    let engine = Engine::new(Clock::default(), flow::StandIns::default()).unwrap();
    for name in ["github", "facebook", "twitch", "intuit"] {
        let entry = entry(fake.preset_config(name, name));
        let token = ride(&fake, &engine, &entry).await.unwrap().token;
        let userinfo = async || {
            let mut request = engine.http.client.get(entry.userinfo.url.clone().unwrap()).build().unwrap();
            engine.authorize_request(&entry, &mut request, &token).unwrap();
            engine.http.client.execute(request).await.unwrap().status().as_u16()
        };
        assert_eq!(userinfo().await, 200, "{name}");
        engine.revoke(&entry, &token).await.unwrap();
        assert_eq!(userinfo().await, 401, "{name}");
    }
}

#[rocket::async_test]
async fn what_the_flow_says_to_a_provider_that_says_no() {
    let fake = FakeProvider::start().await;
    let engine = Engine::new(Clock::default(), flow::StandIns::default()).unwrap();
    let entry = entry(fake.config("op"));
    let kind = |result: Result<Grant>| result.err().map(|error| error.kind());

    fake.deny_next_authorization();
    assert_eq!(kind(ride(&fake, &engine, &entry).await), Some(ErrorKind::AccessDenied));
    fake.edit_claims(|claims| claims["aud"] = json!("another client"));
    assert_eq!(kind(ride(&fake, &engine, &entry).await), Some(ErrorKind::BadProviderAnswer));
    fake.reset_behavior().edit_claims(|claims| claims["at_hash"] = json!("AAAA"));
    assert_eq!(kind(ride(&fake, &engine, &entry).await), Some(ErrorKind::BadProviderAnswer));
    fake.reset_behavior().set_userinfo(json!({"sub": "eve"}));
    assert_eq!(kind(ride(&fake, &engine, &entry).await), Some(ErrorKind::BadProviderAnswer));

    fake.set_user("grace");
    let grant = ride(&fake, &engine, &entry).await.unwrap();
    fake.revoke_tokens("grace");
    assert_eq!(
        engine.refresh(&entry, &grant.token, grant.profile.id.as_deref()).await.unwrap_err().kind(),
        ErrorKind::ReconnectNeeded
    );
}
