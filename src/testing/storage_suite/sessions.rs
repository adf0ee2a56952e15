//! `SessionStorage`: sessions that the server can end.

use std::sync::Arc;

use super::fixtures::{account, now, session, session_from};
use super::rule::{Checked, Rule, equal, holds, rules};
use crate::storage::{
    AccountKey, CheckedStorage, Session, SessionSelection, SessionStart, SessionStorage, Storage,
};

pub(super) const RULES: &[Rule] = rules! {
    a_session_begins_and_ends
    a_session_begins_only_with_its_account
    a_new_session_replaces_the_old_one
    a_request_is_seen
    a_cookie_is_replaced_once
    the_sessions_of_a_user
    a_session_is_found_with_its_accounts
    sessions_end_with_their_account
};

/// The sessions of `storage`, which has some.
pub(super) fn of(storage: &dyn Storage) -> Checked<&dyn SessionStorage> {
    storage
        .sessions()
        .ok_or_else(|| super::BrokenRule::new("`sessions` returns the same at each call", "None".into()))
}

async fn begin(storage: &dyn Storage, session: &Session, before: Option<&str>) -> Checked<SessionStart> {
    Ok(storage.begin_session(session, before, now()).await?)
}

pub(super) async fn begun(storage: &dyn Storage, session: &Session) -> Checked {
    equal("a session begins", begin(storage, session, None).await?, SessionStart::Begun)
}

async fn a_session_begins_and_ends(storage: &Arc<dyn Storage>) -> Checked {
    let sessions = of(&**storage)?;
    let session = Session {
        id_token: Some("v1.sealed".into()),
        sid: Some("Ö 1".into()),
        issuer: Some("https://op.example".into()),
        ..session("a", "7")
    };
    equal("an unknown session is absent", sessions.session("a").await?, None)?;
    begun(&**storage, &session).await?;
    const FIELDS: &str = "every field of a session comes back";
    let found = sessions.session_uncached("a").await?;
    holds(FIELDS, found.as_ref() == Some(&session), || format!("{found:?}"))?;
    // A cache leaves out the ID token, which only a sign-out needs.
    let without_id_token = |session: Session| Session { id_token: None, ..session };
    let found = sessions.session("a").await?.map(without_id_token);
    holds(FIELDS, found.as_ref() == Some(&without_id_token(session)), || format!("{found:?}"))?;
    for other in ["A", "a ", "", "session:a"] {
        equal("ids of sessions are compared byte for byte", sessions.session(other).await?, None)?;
    }
    let ended = sessions.end_sessions(&SessionSelection::Id("a".into())).await?;
    equal("`end_sessions` returns the sessions that have ended", ended.len(), 1)?;
    equal("a session that has ended is absent", sessions.session("a").await?, None)?;
    equal("a session that has ended is absent", sessions.session_uncached("a").await?, None)
}

async fn a_session_begins_only_with_its_account(storage: &Arc<dyn Storage>) -> Checked {
    const RULE: &str =
        "a session begins only while the account that it comes from exists and belongs to its user";
    let storage = &*CheckedStorage::around(storage.clone());
    let sessions = of(storage)?;
    let new = session_from("a", "7", "Ada");
    equal(RULE, begin(storage, &new, None).await?, SessionStart::AccountGone)?;
    for (entry, id, user) in [("op", "Ada", "8"), ("op2", "Ada", "7"), ("op", "ada", "9")] {
        storage.set(&account(entry, Some(id), Some(user))).await?;
    }
    equal(RULE, begin(storage, &new, None).await?, SessionStart::AccountGone)?;
    equal(RULE, sessions.session_uncached("a").await?, None)?;
    storage.set(&account("op", Some("Ada"), Some("7"))).await?;
    equal(RULE, begin(storage, &new, None).await?, SessionStart::Begun)?;
    holds(RULE, sessions.session_uncached("a").await?.is_some(), || "it has not begun".into())
}

async fn a_new_session_replaces_the_old_one(storage: &Arc<dyn Storage>) -> Checked {
    const RULE: &str = "`begin_session` ends the session `before`; a session that does not begin ends none";
    let storage = &*CheckedStorage::around(storage.clone());
    let sessions = of(storage)?;
    begun(storage, &session("a", "7")).await?;
    let gone = begin(storage, &session_from("b", "8", "Ada"), Some("a")).await?;
    equal(RULE, gone, SessionStart::AccountGone)?;
    holds(RULE, sessions.session("a").await?.is_some(), || "it has ended".into())?;
    equal(RULE, begin(storage, &session("b", "8"), Some("a")).await?, SessionStart::Begun)?;
    equal(RULE, sessions.session("a").await?, None)?;
    equal(RULE, sessions.session("b").await?.map(|session| session.user_id), Some("8".into()))
}

async fn a_request_is_seen(storage: &Arc<dyn Storage>) -> Checked {
    const RULE: &str =
        "`session_seen` stores the time of the latest request, and changes no session that has ended";
    let sessions = of(&**storage)?;
    let new = session("a", "7");
    begun(&**storage, &new).await?;
    sessions.session_seen("a", new.seen_at + 50, new.expires_at + 50).await?;
    sessions.session_seen("a", new.seen_at + 40, new.expires_at + 900).await?;
    sessions.session_seen("b", new.seen_at + 50, new.expires_at + 50).await?;
    let wanted = Session { seen_at: new.seen_at + 50, expires_at: new.expires_at + 50, ..new };
    let found = sessions.session("a").await?;
    holds(RULE, found.as_ref() == Some(&wanted), || format!("{found:?}"))?;
    equal(RULE, sessions.session("b").await?, None)
}

async fn a_cookie_is_replaced_once(storage: &Arc<dyn Storage>) -> Checked {
    const RULE: &str = "`rotate_session` replaces a cookie's hash once: it must still be the stored one";
    let sessions = of(&**storage)?;
    let new = session("a", "7");
    begun(&**storage, &new).await?;
    for (id, old) in [("a", "A"), ("b", "a"), ("a", "")] {
        equal(RULE, sessions.rotate_session(id, old, "other", now()).await?, false)?;
    }
    let at = now();
    equal(RULE, sessions.rotate_session("a", "a", "a2", at).await?, true)?;
    equal(RULE, sessions.rotate_session("a", "a", "a3", at).await?, false)?;
    let wanted = Session {
        cookie_hash: "a2".into(),
        previous_cookie_hash: Some("a".into()),
        rotated_at: Some(at),
        ..new
    };
    let found = sessions.session("a").await?;
    holds(RULE, found.as_ref() == Some(&wanted), || format!("{found:?}"))?;
    equal("`rotate_session` begins no session", sessions.session("b").await?, None)
}

async fn the_sessions_of_a_user(storage: &Arc<dyn Storage>) -> Checked {
    const RULE: &str = "`sessions_of` returns the sessions of the user, the most recently used first";
    let sessions = of(&**storage)?;
    for (n, (id, user)) in [("a", "7"), ("b", "7"), ("c", "8"), ("d", "70")].into_iter().enumerate() {
        let session = session(id, user);
        let seen_at = session.seen_at - i64::from(n == 1) * 10;
        begun(&**storage, &Session { seen_at, ..session }).await?;
    }
    for (user, wanted) in [("7", vec!["a", "b"]), ("8", vec!["c"]), ("", vec![]), ("9", vec![])] {
        let found = sessions.sessions_of(user).await?;
        equal(RULE, found.iter().map(|session| session.id.as_str()).collect(), wanted)?;
    }
    Ok(())
}

async fn a_session_is_found_with_its_accounts(storage: &Arc<dyn Storage>) -> Checked {
    const RULE: &str = "`session_with_accounts` returns what `session` and `list` return";
    let storage = &*CheckedStorage::around(storage.clone());
    let sessions = of(storage)?;
    for (entry, id, user) in
        [("op2", "a", Some("7")), ("op", "b", Some("7")), ("op", "c", Some("8")), ("op", "d", None)]
    {
        storage.set(&account(entry, Some(id), user)).await?;
    }
    for (id, user) in [("ours", "7"), ("theirs", "8"), ("alone", "9"), ("without a user", "")] {
        begun(storage, &session(id, user)).await?;
    }
    for entries in [&["op"][..], &["op", "op2"], &["op2", "op", "op3"], &["op3"], &[]] {
        for id in ["ours", "theirs", "alone", "without a user", "unknown", "OURS"] {
            let session = sessions.session(id).await?;
            let wanted = match session.as_ref().map(Session::user) {
                Some(Some(user)) => storage.list(Some(user), entries).await?,
                _ => Vec::new(),
            };
            let found = storage.session_with_accounts(id, entries).await?;
            let found =
                (found.as_ref().map(|found| &found.0), found.as_ref().map_or(&[][..], |found| &found.1));
            let found = (found.0 == session.as_ref(), found.1);
            equal(RULE, found, (true, &wanted[..]))?;
        }
    }
    let found = storage.session_with_accounts("ours", &["op", "op2"]).await?;
    let found: Vec<_> = found.into_iter().flat_map(|found| found.1).map(|found| found.entry).collect();
    equal(RULE, found, vec!["op".to_owned(), "op2".to_owned()])
}

async fn sessions_end_with_their_account(storage: &Arc<dyn Storage>) -> Checked {
    const RULE: &str =
        "the sessions that began with an account end when it is removed, except the one that is kept";
    let storage = &*CheckedStorage::around(storage.clone());
    let sessions = of(storage)?;
    let (identity, owner) = (AccountKey::identity("op", "Ada"), AccountKey::owner("op", 7));
    for (removal, kept) in [
        ("unlink", vec!["form"]),
        ("unlink, keep", vec!["two", "form"]),
        ("identity", vec!["form"]),
        ("owner", vec!["form"]),
    ] {
        storage.set(&account("op", Some("Ada"), Some("7"))).await?;
        for session in
            [session_from("one", "7", "Ada"), session_from("two", "7", "Ada"), session("form", "7")]
        {
            sessions.end_sessions(&SessionSelection::Id(session.id.clone())).await?;
            begun(storage, &session).await?;
        }
        let removed = match removal {
            "identity" => storage.remove(&identity).await?,
            "owner" => storage.remove(&owner).await?,
            "unlink" => storage.unlink(Some("7"), "op", None, &[], None).await?,
            _ => storage.unlink(Some("7"), "op", None, &[], Some("two")).await?,
        };
        let mut left = Vec::new();
        for id in ["one", "two", "form"] {
            if sessions.session(id).await?.is_some() {
                left.push(id);
            }
        }
        equal(RULE, (left.len(), removed.sessions.len()), (kept.len(), 3 - kept.len()))?;
        equal(RULE, left, kept)?;
        equal("a removal returns the accounts that it has removed", removed.accounts.len(), 1)?;
    }
    Ok(())
}
