//! `SessionStorage`: which sessions a selection ends.

use std::sync::Arc;

use super::fixtures::{ISSUER, account, session, session_from};
use super::rule::{Checked, Rule, equal, rules};
use super::sessions::{begun, of};
use crate::storage::{Session, SessionSelection, Storage};

pub(super) const RULES: &[Rule] = rules! {
    each_selection_ends_its_sessions
};

/// Sessions that differ from each other in one thing.
fn all() -> Vec<Session> {
    let from = |id: &str, person: &str, sid: &str| Session {
        sid: Some(sid.into()),
        ..session_from(id, "7", person)
    };
    vec![
        session("form", "7"),
        from("1", "Ada", "1"),
        from("2", "Ada", "2"),
        Session { user_id: "9".into(), ..from("3", "ada", "1") },
        Session { issuer: Some("https://other.example".into()), ..from("moved", "Ada", "1") },
        Session { entry: Some("op2".into()), ..from("op2", "Ada", "1") },
        session_from("no sid", "7", "Ada"),
        session("8", "8"),
    ]
}

fn named(person: Option<&str>, sid: Option<&str>) -> SessionSelection {
    SessionSelection::ProviderSession {
        entry: "op".into(),
        issuer: ISSUER.into(),
        provider_user_id: person.map(str::to_owned),
        sid: sid.map(str::to_owned),
    }
}

fn with(person: &str, except: Option<&str>) -> SessionSelection {
    SessionSelection::Account {
        entry: "op".into(),
        provider_user_id: person.into(),
        except: except.map(str::to_owned),
    }
}

async fn each_selection_ends_its_sessions(storage: &Arc<dyn Storage>) -> Checked {
    const RULE: &str =
        "`end_sessions` ends the selected sessions and no other (OpenID Connect Back-Channel Logout §2.6)";
    let sessions = of(&**storage)?;
    for (entry, id, user) in [("op", "Ada", "7"), ("op", "ada", "9"), ("op2", "Ada", "7")] {
        storage.set(&account(entry, Some(id), Some(user))).await?;
    }
    let all = all();
    for (selection, wanted) in [
        (SessionSelection::Id("1".into()), &["1"][..]),
        (SessionSelection::User("7".into()), &["1", "2", "form", "moved", "no sid", "op2"]),
        (named(Some("Ada"), None), &["1", "2", "no sid"]),
        (named(None, Some("1")), &["1", "3"]),
        (named(Some("Ada"), Some("1")), &["1", "no sid"]),
        (named(Some("Ada"), Some("3")), &["no sid"]),
        (with("Ada", None), &["1", "2", "moved", "no sid"]),
        (with("Ada", Some("2")), &["1", "moved", "no sid"]),
        (with("ada", Some("2")), &["3"]),
        (with("Eve", None), &[]),
        (named(Some("ada"), Some("3")), &[]),
        (named(None, Some("3")), &[]),
        (named(None, None), &[]),
        (SessionSelection::User("".into()), &[]),
        (SessionSelection::Id("9".into()), &[]),
    ] {
        for session in &all {
            sessions.end_sessions(&SessionSelection::Id(session.id.clone())).await?;
            begun(&**storage, session).await?;
        }
        let mut ended: Vec<String> =
            sessions.end_sessions(&selection).await?.into_iter().map(|session| session.id).collect();
        ended.sort_unstable();
        equal(RULE, ended, wanted.iter().map(|id| (*id).to_owned()).collect())?;
        let mut left = Vec::new();
        for session in &all {
            if sessions.session(&session.id).await?.is_none() {
                left.push(session.id.clone());
            }
        }
        left.sort_unstable();
        equal(RULE, left, wanted.iter().map(|id| (*id).to_owned()).collect())?;
    }
    Ok(())
}
