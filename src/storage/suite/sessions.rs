//! What every storage with sessions must do.

use crate::error::Result;
use crate::storage::{AccountKey, Removed, Session, SessionSelection, SessionStart, Storage, suite};

/// A session of `user` from a form of the app, between the times 1000 and 2000. The hash of its cookie is its id.
pub(crate) fn session(id: &str, user: &str) -> Session {
    Session {
        id: id.into(),
        cookie_hash: id.into(),
        previous_cookie_hash: None,
        rotated_at: None,
        user_id: user.into(),
        entry: None,
        issuer: None,
        provider_user_id: None,
        sid: None,
        id_token: None,
        created_at: 1000,
        seen_at: 1000,
        expires_at: 2000,
    }
}

/// A session of `user` that began with the account `person` at `op`.
pub(crate) fn session_from(id: &str, user: &str, person: &str) -> Session {
    Session {
        entry: Some("op".into()),
        issuer: Some("https://op.example".into()),
        provider_user_id: Some(person.into()),
        ..session(id, user)
    }
}

/// What storages with sessions do. CA-01 within one process: a session that has ended is not in the cache.
pub(crate) async fn sessions(storage: &dyn Storage) {
    let sessions = storage.sessions().unwrap();
    let at = async |id: &str| sessions.session(id).await.unwrap();
    let begin = async |session: &Session, before: Option<&str>| {
        storage.begin_session(session, before, 1000).await.unwrap()
    };
    assert_eq!(at("a").await, None);
    let a = Session {
        id_token: Some("v1.sealed".into()),
        sid: Some("Ö 1".into()),
        ..session_from("a", "7", "Ada")
    };
    // A session begins only while its account exists, and belongs to its user.
    assert_eq!(begin(&a, None).await, SessionStart::AccountGone);
    storage.set(&suite::account("op", Some("Ada"), Some("8"))).await.unwrap();
    storage.set(&suite::account("op2", Some("Ada"), Some("7"))).await.unwrap();
    storage.set(&suite::account("op", Some("ada"), Some("7"))).await.unwrap();
    assert_eq!(begin(&a, None).await, SessionStart::AccountGone);
    assert_eq!(sessions.session_uncached("a").await.unwrap(), None);
    storage.set(&suite::account("op", Some("Ada"), Some("7"))).await.unwrap();
    assert_eq!(begin(&a, None).await, SessionStart::Begun);
    assert_eq!(sessions.session_uncached("a").await.unwrap().as_ref(), Some(&a));
    assert_eq!(at("a").await.map(|session| session.user_id), Some("7".into()));
    for other in ["A", "a ", "", "session:a"] {
        assert_eq!(at(other).await, None, "{other}");
    }

    // A request updates the session only if it is later than the last one.
    sessions.session_seen("a", 1500, 2500).await.unwrap();
    sessions.session_seen("a", 1400, 9000).await.unwrap();
    sessions.session_seen("b", 1500, 2500).await.unwrap();
    let seen = at("a").await.unwrap();
    assert_eq!((seen.created_at, seen.seen_at, seen.expires_at), (1000, 1500, 2500));

    // SF-01: the session gets another cookie, once for each cookie, and stays the same. One that has ended stays ended.
    for (id, old) in [("a", "A"), ("b", "a"), ("a", "")] {
        assert!(!sessions.rotate_session(id, old, "other", 1600).await.unwrap());
    }
    assert!(sessions.rotate_session("a", "a", "a2", 1600).await.unwrap());
    assert!(!sessions.rotate_session("a", "a", "a3", 1601).await.unwrap());
    let rotated = Session {
        cookie_hash: "a2".into(),
        previous_cookie_hash: Some("a".into()),
        rotated_at: Some(1600),
        id_token: None,
        ..seen
    };
    assert_eq!(at("a").await.map(|session| Session { id_token: None, ..session }), Some(rotated));
    assert_eq!(at("b").await, None);

    // The sessions of a user, the most recently used first.
    assert_eq!(begin(&session("b", "7"), None).await, SessionStart::Begun);
    assert_eq!(begin(&session("not 7", "8"), None).await, SessionStart::Begun);
    let ids = |sessions: Vec<Session>| sessions.into_iter().map(|session| session.id).collect::<Vec<_>>();
    assert_eq!(ids(sessions.sessions_of("7").await.unwrap()), ["a", "b"]);
    assert!(sessions.sessions_of("").await.unwrap().is_empty());

    // SF-03: a new session replaces the old one. One that does not begin replaces none.
    assert_eq!(begin(&session_from("c", "8", "Ada"), Some("b")).await, SessionStart::AccountGone);
    assert!(at("b").await.is_some());
    assert_eq!(begin(&session("c", "8"), Some("b")).await, SessionStart::Begun);
    assert_eq!((at("b").await, at("c").await.map(|session| session.user_id)), (None, Some("8".into())));

    // Each selection ends its sessions.
    assert_eq!(sessions.end_sessions(&SessionSelection::User("8".into())).await.unwrap().len(), 2);
    assert_eq!(at("c").await, None);
    assert_eq!(sessions.end_sessions(&SessionSelection::Id("a".into())).await.unwrap().len(), 1);
    let login = |id: &str, person: &str, sid: &str| Session {
        sid: Some(sid.into()),
        ..session_from(id, "7", person)
    };
    let elsewhere = Session { issuer: Some("https://other.example".into()), ..login("moved", "Ada", "1") };
    let op2 = Session { entry: Some("op2".into()), ..login("op2", "Ada", "1") };
    let all = [
        session("form", "7"),
        login("1", "Ada", "1"),
        login("2", "Ada", "2"),
        login("3", "ada", "1"),
        elsewhere,
        op2,
        session_from("no sid", "7", "Ada"),
        session("8", "8"),
    ];
    let named = |person: Option<&str>, sid: Option<&str>| SessionSelection::ProviderSession {
        entry: "op".into(),
        issuer: "https://op.example".into(),
        provider_user_id: person.map(str::to_owned),
        sid: sid.map(str::to_owned),
    };
    let with = |person: &str, except: Option<&str>| SessionSelection::Account {
        entry: "op".into(),
        provider_user_id: person.into(),
        except: except.map(str::to_owned),
    };
    for (selection, ended) in [
        (SessionSelection::Id("1".into()), &["1"][..]),
        (SessionSelection::User("7".into()), &["1", "2", "3", "form", "moved", "no sid", "op2"]),
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
            sessions.end_sessions(&SessionSelection::Id(session.id.clone())).await.unwrap();
            assert_eq!(begin(session, None).await, SessionStart::Begun);
            assert!(at(&session.id).await.is_some());
        }
        let gone = sessions.end_sessions(&selection).await.unwrap();
        let mut ids: Vec<&str> = gone.iter().map(|session| session.id.as_str()).collect();
        ids.sort_unstable();
        assert_eq!(ids, ended, "{selection:?}");
        for session in &all {
            let there = !ended.contains(&session.id.as_str());
            assert_eq!(at(&session.id).await.is_some(), there, "{selection:?} {}", session.id);
            assert_eq!(selection.includes(session), !there);
        }
    }

    // GC-01: a new session removes expired ones.
    let later = storage.begin_session(&session("later", "9"), None, 2000).await.unwrap();
    assert_eq!((later, sessions.session_uncached("8").await.unwrap()), (SessionStart::Begun, None));
    removals(storage).await;
}

/// D2, D5: an account is removed with the sessions that began with it.
async fn removals(storage: &dyn Storage) {
    let sessions = storage.sessions().unwrap();
    let left = async || {
        let mut left = Vec::new();
        for id in ["one", "two", "form"] {
            if sessions.session(id).await.unwrap().is_some() {
                left.push(id);
            }
        }
        left
    };
    type Removal<'s> = std::pin::Pin<Box<dyn Future<Output = Result<Removed>> + Send + 's>>;
    let identity = AccountKey::identity("op", "Ada");
    let owner = AccountKey::owner("op", 7);
    let unlink = |keep| -> Removal<'_> { Box::pin(storage.unlink(Some("7"), "op", None, &["op"], keep)) };
    let remove = |key| -> Removal<'_> { Box::pin(storage.remove(key)) };
    for (how, kept) in
        [(0, &["form"][..]), (1, &["two", "form"]), (2, &["form"]), (3, &["form"]), (4, &["form"])]
    {
        storage.set(&suite::account("op", Some("Ada"), Some("7"))).await.unwrap();
        for session in
            [session_from("one", "7", "Ada"), session_from("two", "7", "Ada"), session("form", "7")]
        {
            sessions.end_sessions(&SessionSelection::Id(session.id.clone())).await.unwrap();
            assert_eq!(storage.begin_session(&session, None, 1000).await.unwrap(), SessionStart::Begun);
            assert!(sessions.session(&session.id).await.unwrap().is_some());
        }
        let removal = match how {
            0 => unlink(None),
            1 => unlink(Some("two")),
            2 => remove(&identity),
            3 => remove(&owner),
            // What an app calls that has the storage.
            _ => Box::pin(async { storage.delete(&identity).await.map(|()| Removed::default()) }),
        };
        let removed = removal.await.unwrap();
        assert_eq!(left().await, kept, "{how}");
        assert_eq!(storage.get(&identity).await.unwrap(), None);
        if how < 4 {
            let ended: Vec<&str> = removed.sessions.iter().map(|session| session.id.as_str()).collect();
            assert_eq!((ended.len(), ended.contains(&"two")), (3 - kept.len(), how != 1), "{how}");
            assert!(removed.accounts.iter().any(|account| account.is_under(&identity)), "{how}");
        }
    }
    // Nothing is left to remove.
    let removed = storage.remove(&identity).await.unwrap();
    assert!(removed.accounts.is_empty() && removed.sessions.is_empty());
}
