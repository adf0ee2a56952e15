//! A whole ride at each preset: sign-in, API call, refresh and revocation, against a provider that insists on exactly what
//! the provider's documentation says and refuses anything else.
//!
//! `rides/<preset>.toml` has the requests and answers, written from the documentation and never from the preset. `PRESET=zoom
//! cargo test --all-features --test presets` runs one of them. [`Ride`](ride::Ride) explains the format.

#![allow(unreachable_pub, clippy::unwrap_used)]

mod app;
mod provider;
mod ride;
#[path = "../common/id_token_signer.rs"]
#[allow(dead_code)]
mod id_token_signer;
#[path = "../common/users.rs"]
mod users;

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use rocket_dance::provider::{PRESETS, Preset, SignatureMethod};
use test_support::Watchdog;

use crate::ride::Ride;

/// Whether the features of this build can ride at `preset`.
fn can_ride(preset: &Preset) -> bool {
    preset.signature_method != SignatureMethod::RsaSha1 || cfg!(feature = "rsa-sha1")
}

#[rocket::async_test]
async fn every_preset_makes_exactly_the_documented_requests() {
    let _watchdog = Watchdog::start();
    let wanted = std::env::var("PRESET").ok();
    let mut faults = Vec::new();
    for (name, preset) in PRESETS {
        if wanted.as_deref().is_some_and(|wanted| wanted != *name) || !can_ride(preset) {
            continue;
        }
        for ride in Ride::read(name) {
            let ridden = AssertUnwindSafe(app::ride(name, preset, &ride)).catch_unwind().await;
            if ridden.is_err() {
                faults.push(format!("{name}, {}", ride.user));
            }
        }
    }
    assert!(faults.is_empty(), "these rides fail; their messages are above: {faults:#?}");
}

#[rocket::async_test]
async fn all_presets_launch_together_without_a_request() {
    let rides: Vec<_> = PRESETS
        .iter()
        .filter(|(name, preset)| can_ride(preset) && Ride::names().contains(*name))
        .map(|(name, preset)| (*name, preset, Ride::read(name).remove(0)))
        .collect();
    assert!(rides.len() >= 100);
    let page = app::sign_in_page(&rides).await;
    assert!(page.contains("Sign in with GitHub") && page.contains("Sign in with Zoom"));
    assert!(page.len() < 30_000, "{} bytes", page.len());
}

#[test]
fn every_preset_has_a_ride() {
    let generic = ["oauth1", "oauth2", "oidc"];
    let second_names = ["entra", "microsoft", "ory", "quickbooks"];
    let presets: BTreeSet<_> = PRESETS
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| !generic.contains(name) && !second_names.contains(name))
        .collect();
    let rides = Ride::names();
    let missing: Vec<_> = presets.iter().filter(|name| !rides.contains(**name)).collect();
    let unknown: Vec<_> = rides.iter().filter(|name| !presets.contains(name.as_str())).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "rides are missing: {missing:?}; of no preset: {unknown:?}"
    );
}
