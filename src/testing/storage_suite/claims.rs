//! `Coordination`: each callback is used once.

use std::sync::Arc;
use std::time::Duration;

use rocket::tokio::task::JoinSet;
use rocket::tokio::time::sleep;

use super::fixtures::now;
use super::rule::{Checked, Rule, equal, rules};
use crate::error::Error;
use crate::storage::{ClaimState, Storage};

pub(super) const RULES: &[Rule] = rules! {
    a_claim_is_first_once
    of_simultaneous_claims_one_is_first
    a_claim_ends
    an_outcome_needs_a_claim
    ids_of_claims_are_compared_byte_for_byte
};

const ONCE: &str = "`claim` returns First once, then Pending until `settle`, then the outcome (RFC 6749 §4.1.2: a code is \
    used once)";

async fn a_claim_is_first_once(storage: &Arc<dyn Storage>) -> Checked {
    let (now, until) = (now(), now() + 600);
    equal("`settled` changes nothing", storage.settled("a").await?, ClaimState::First)?;
    equal(ONCE, storage.claim("a", now, until).await?, ClaimState::First)?;
    equal(ONCE, storage.claim("a", now, until).await?, ClaimState::Pending)?;
    equal(ONCE, storage.settled("a").await?, ClaimState::Pending)?;
    let outcome = format!("/home?{}", "ö".repeat(8_000));
    storage.settle("a", &outcome).await?;
    equal(ONCE, storage.settled("a").await?, ClaimState::Settled(outcome.clone()))?;
    equal(ONCE, storage.claim("a", now, until).await?, ClaimState::Settled(outcome))?;
    equal("claims of different ids are independent", storage.claim("b", now, until).await?, ClaimState::First)
}

async fn of_simultaneous_claims_one_is_first(storage: &Arc<dyn Storage>) -> Checked {
    for round in 0..8 {
        let mut tasks = JoinSet::new();
        for _ in 0..16 {
            let (storage, id) = (storage.clone(), format!("round {round}"));
            tasks.spawn(async move { storage.claim(&id, now(), now() + 600).await });
        }
        let mut first = 0;
        while let Some(done) = tasks.join_next().await {
            first += usize::from(done.map_err(Error::app)?? == ClaimState::First);
        }
        equal("`claim` is atomic: of simultaneous claims exactly one returns First", first, 1)?;
    }
    Ok(())
}

async fn a_claim_ends(storage: &Arc<dyn Storage>) -> Checked {
    const RULE: &str = "a claim ends at `until`";
    let until = now() + 2;
    equal(RULE, storage.claim("pending", now(), until).await?, ClaimState::First)?;
    equal(RULE, storage.claim("settled", now(), until).await?, ClaimState::First)?;
    storage.settle("settled", "/").await?;
    while now() <= until {
        sleep(Duration::from_millis(100)).await;
    }
    for id in ["pending", "settled"] {
        equal(RULE, storage.claim(id, now(), now() + 600).await?, ClaimState::First)?;
        equal("a claim can be made again after its end", storage.settled(id).await?, ClaimState::Pending)?;
    }
    Ok(())
}

async fn an_outcome_needs_a_claim(storage: &Arc<dyn Storage>) -> Checked {
    storage.settle("unknown", "/").await?;
    equal("`settle` does nothing without a claim", storage.settled("unknown").await?, ClaimState::First)
}

async fn ids_of_claims_are_compared_byte_for_byte(storage: &Arc<dyn Storage>) -> Checked {
    for id in ["aB_-9", "ab_-9", "aB_-9 ", "aB_-", "aB%-9"] {
        let claimed = storage.claim(id, now(), now() + 600).await?;
        equal("ids of claims are compared byte for byte", claimed, ClaimState::First)?;
    }
    Ok(())
}
